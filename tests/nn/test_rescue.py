"""Whatever raises, the last whole step is saved; resumed, the run ends with the bits of another."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fit_problem import at_step, everything, fitness, loss, problem

import autograd_iron as ai
import nn

STEPS = 24
AT = 17


class Trouble(Exception):
    """What the tests raise."""


class Flaky(nn.Batches):
    """Batches that fail once, before or after they moved on."""

    fails: str = ""
    calls = 0

    def next_batch(self) -> tuple[ai.Tensor, ...]:
        self.calls += 1
        if self.fails == "before" and self.calls == AT + 1:
            raise Trouble
        batch = super().next_batch()
        if self.fails == "after" and self.calls == AT + 1:
            raise Trouble
        return batch


def arguments(batch_size: int | None, shared: bool) -> dict[str, Any]:
    """The problem, with the schedule, and one generator for the model and the data if shared."""
    made = problem(batch_size, lr=nn.CosineDecay(0.1, 40, floor=0.01))
    x, y = (tensor.numpy() for tensor in made["data"]._tensors)
    generator = made["model"][2].generator if shared else ai.Generator(3)
    made["data"] = Flaky(x, y, batch_size=batch_size, generator=generator)
    return made


def raising(run: Any) -> None:
    raise Trouble


def callback(made: dict[str, Any]) -> None:
    made["callbacks"] = [at_step(AT, raising)]


def leaving(made: dict[str, Any]) -> None:
    def leave(run: nn.Run) -> None:
        raise SystemExit(3)

    made["callbacks"] = [at_step(AT, leave)]


def preview(made: dict[str, Any]) -> None:
    def ask(run: nn.Run) -> None:
        (run.run_dir / "control.toml").write_text("preview = true")

    made["callbacks"] = [at_step(AT, ask)]
    made["preview"] = raising


def metric(made: dict[str, Any]) -> None:
    def flaky(model: nn.Module) -> float:
        if int(model[2].calls.item()) == 18:
            raise Trouble
        return fitness(model)

    flaky.__name__ = fitness.__name__
    made["metric"] = flaky


def schedule(made: dict[str, Any]) -> None:
    plan = nn.CosineDecay(0.1, 40, floor=0.01)

    def flaky(step: int) -> float:
        if step == AT:
            raise Trouble
        return plan(step)

    made["optimizer"] = nn.SGD(made["model"].parameters(), flaky, momentum=0.9)


def data_before(made: dict[str, Any]) -> None:
    made["data"].fails = "before"


def data_after(made: dict[str, Any]) -> None:
    made["data"].fails = "after"


ENDS: dict[Callable[[dict[str, Any]], None], int] = {
    callback: AT,
    leaving: AT,
    preview: AT,
    metric: 18,
    schedule: AT,
    data_before: AT,
    data_after: AT,
}


@pytest.mark.parametrize(
    ("batch_size", "shared", "compile", "every"),
    [(8, True, True, None), (8, False, False, 8), (None, False, True, 8)],
    ids=["one generator", "eager", "all samples"],
)
@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_raises_goes_on_and_the_last_step_is_saved(
    tmp_path: Path,
    end: Callable[[dict[str, Any]], None],
    batch_size: int | None,
    shared: bool,
    compile: bool,
    every: int | None,
) -> None:
    """Also where there is no periodic checkpoint, and where there is one of a step before."""
    fit: dict[str, Any] = {"steps": STEPS, "metric": fitness, "metric_every": 6}
    fit |= {"compile": compile, "checkpoint_every": every}
    made = arguments(batch_size, shared) | fit
    end(made)
    with pytest.raises(SystemExit if end is leaving else Trouble) as caught:
        nn.fit(**made, run_dir=tmp_path / "run")
    assert caught.value.__notes__ == [f"Step {ENDS[end]} was saved."]
    assert nn.Checkpoints(tmp_path / "run").load().step == ENDS[end]
    made = arguments(batch_size, shared) | fit
    resumed = nn.fit(**made, run_dir=tmp_path / "run", resume=True)
    whole = nn.fit(**arguments(batch_size, shared), **fit, run_dir=tmp_path / "whole")
    if end is metric:
        del resumed.history["fitness"], whole.history["fitness"]
    assert everything(resumed) == everything(whole)


class Odd(BaseException):
    """As `asyncio.CancelledError` is: no Exception."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Odd, nn.CheckpointError, MemoryError])
def test_whatever_a_callback_raises_the_step_is_saved(
    tmp_path: Path, kind: type[BaseException]
) -> None:
    """A CheckpointError too, when it is of a folder of the callback's own."""

    def raise_it(run: nn.Run) -> None:
        raise kind("of a callback")

    with pytest.raises(kind, match="of a callback") as caught:
        nn.fit(**problem(), steps=9, run_dir=tmp_path, callbacks=[at_step(5, raise_it)])
    assert caught.value.__notes__ == ["Step 5 was saved."]
    assert nn.Checkpoints(tmp_path).load().step == 5


def test_a_stop_for_no_stated_reason_is_saved_too(tmp_path: Path) -> None:
    callbacks = [at_step(5, lambda run: run.stop(""))]
    run = nn.fit(**problem(), steps=9, run_dir=tmp_path, callbacks=callbacks)
    assert (run.step, run.stop_reason) == (5, "")
    assert nn.Checkpoints(tmp_path).load().step == 5


def test_an_error_of_the_loss_leaves_the_step_undone(tmp_path: Path) -> None:
    """A batch with a class that is none comes late, to a loss that `fit` cannot look through."""
    x = ai.Generator(1).normal((40, 2))
    labels = np.zeros(40, np.int64)
    bad = labels.copy()
    bad[30] = 3
    cross_entropy = nn.CrossEntropyLoss()

    def train(labels: Any, **options: Any) -> nn.Run:
        model = nn.Linear(2, 3, generator=ai.Generator(0))
        data = nn.Batches(x, labels, batch_size=4, shuffle=False)
        return nn.fit(
            *(
                model,
                data,
                lambda p, t: 2.0 * cross_entropy(p, t),
                nn.Adam(model.parameters(), 0.1),
            ),
            **{"steps": 10, "progress": False, **options},
        )

    for compile in (True, False):
        folder = tmp_path / str(compile)
        with pytest.raises(ValueError, match="class numbers range from 0 to 3"):
            train(bad, run_dir=folder, compile=compile)
        assert nn.Checkpoints(folder).load().step == 7
        resumed = train(labels, run_dir=folder, compile=compile, resume=True)
        assert everything(resumed) == everything(train(labels, compile=compile))


def test_a_step_that_wrote_already_is_not_saved(tmp_path: Path) -> None:
    """The model of the problem counts its calls in a buffer: eagerly, half a step is in it."""
    calls = iter(range(100))

    def flaky(prediction: ai.Tensor, target: ai.Tensor) -> ai.Tensor:
        if next(calls) == 5:
            raise Trouble
        return loss(prediction, target)

    made = problem() | {"loss": flaky, "compile": False}
    with pytest.raises(Trouble):
        nn.fit(**made, steps=9, run_dir=tmp_path, checkpoint_every=2)
    assert nn.Checkpoints(tmp_path).load().step == 4


def test_nothing_is_saved_before_anything_is_trained(tmp_path: Path) -> None:
    made = problem()
    made["data"] = Flaky(*made["data"]._arrays, batch_size=8)
    made["data"].calls, made["data"].fails = AT, "after"
    with pytest.raises(Trouble):
        nn.fit(**made, steps=3, run_dir=tmp_path / "run")
    assert nn.Checkpoints(tmp_path / "run").paths() == []
    nn.fit(**problem(), steps=3, run_dir=tmp_path / "run")


def test_what_is_not_finite_is_not_saved_because_of_another_error(tmp_path: Path) -> None:
    def spoil(run: nn.Run) -> None:
        run.model[0].bias.assign(np.full(8, math.nan, np.float32))
        raise Trouble

    with pytest.raises(Trouble):
        nn.fit(
            **problem(),
            steps=9,
            run_dir=tmp_path,
            checkpoint_every=2,
            callbacks=[at_step(5, spoil)],
        )
    assert nn.Checkpoints(tmp_path).load().step == 4


def test_a_folder_that_cannot_be_written_is_noted_and_the_error_is_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise nn.CheckpointError("the disk is full")

    monkeypatch.setattr(nn.Checkpoints, "save", refuse)
    with pytest.raises(Trouble) as caught:
        nn.fit(**problem(), steps=9, run_dir=tmp_path, callbacks=[at_step(5, raising)])
    assert caught.value.__notes__ == ["Step 5 could not be saved: the disk is full"]
    with pytest.raises(nn.CheckpointError, match="the disk is full") as refused:
        nn.fit(**problem(), steps=2, run_dir=tmp_path / "other")
    assert not hasattr(refused.value, "__notes__")
