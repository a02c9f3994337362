"""nn.fit on a GPU: the host's run, with nothing read from the device but a loss now and then."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn

from .device_under_test import TIER, counts, forbid, reset

pytestmark = pytest.mark.usefixtures("late")
compiled = pytest.mark.parametrize("compile", [True, False])
resident = pytest.mark.parametrize("resident", [True, False])


class Noise(nn.Module):
    """Adds noise in training, drawn where its input is, and counts its calls in a buffer."""

    def __init__(self) -> None:
        self.generator = ai.Generator(4)
        self.calls = ai.zeros((), dtype="int64")

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        if not self.training:
            return x
        self.calls.assign(self.calls + 1)
        return x + 0.01 * self.generator.uniform(x.shape, -1.0, 1.0, device=x.device)


def samples(count: int = 20) -> tuple[Any, Any]:
    x = np.random.default_rng(0).uniform(-1, 1, (count, 2)).astype("float32")
    return x, np.sin(3 * x[:, :1])


def problem(device: str, *, resident: bool = True, **data: Any) -> dict[str, Any]:
    """Fresh arguments for one run of `fit`, the same every time."""
    g = ai.Generator(2)
    layers = [nn.Linear(2, 8, generator=g), nn.Tanh(), Noise(), nn.Linear(8, 1, generator=g)]
    model = nn.Sequential(*layers).to(device)
    data = {"batch_size": 8, "generator": ai.Generator(3)} | data
    return {
        "model": model,
        "data": nn.Batches(*samples(), device=device, resident=resident, **data),
        "loss": nn.MSELoss(),
        "optimizer": nn.SGD(model.parameters(), nn.CosineDecay(0.1, 40), momentum=0.9),
        "progress": False,
    }


def everything(run: nn.Run) -> dict[str, Any]:
    """All that a run ends with, in a form that compares bit for bit."""
    return {
        name: value.numpy().tobytes() if isinstance(value, ai.Tensor) else value
        for name, value in run.state_dict().items()
    }


def at_step(step: int, action: Callable[[nn.Run], object]) -> Callable[[nn.Run], None]:
    def callback(run: nn.Run) -> None:
        if run.step == step:
            action(run)

    return callback


@compiled
@resident
def test_it_is_the_run_of_the_host(compile: bool, resident: bool) -> None:
    settings: dict[str, Any] = {"steps": 12, "metric_every": 5, "compile": compile}
    there = nn.fit(**problem("cuda", resident=resident), **settings)
    here = nn.fit(**problem("cpu"), **settings)
    assert there.history["lr"] == here.history["lr"]
    assert [step for step, _ in there.history["loss"]] == [5, 10, 12]
    np.testing.assert_allclose(there.history["loss"], here.history["loss"], rtol=1e-4)
    for a, b in zip(there.model.parameters(), here.model.parameters(), strict=True):
        assert a.device == "cuda:0"
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-5)
    assert there.data.state_dict() == here.data.state_dict()


@compiled
def test_between_two_looks_nothing_is_copied_or_waited_for(compile: bool) -> None:
    """And a look takes the loss of the last one, and lets its own come."""
    looks = [4, 8, 12, 13]

    def watch(run: nn.Run) -> None:
        watched.close()
        looked = (counts()["d2h"], counts()["sync"])
        if run.step == 4:
            assert looked == (1, 0)
        elif run.step in looks:
            assert looked == (1, 1)
        if 3 < run.step < 13 and run.step + 1 not in looks:
            watched.enter_context(forbid("h2d", "d2h", "sync"))
        reset()

    arguments = problem("cuda", batch_size=None)
    with ExitStack() as watched:
        run = nn.fit(**arguments, steps=13, metric_every=4, compile=compile, callbacks=[watch])
    assert [step for step, _ in run.history["loss"]] == looks


# What a step costs with whole batches on the GPU, once everything is made.
# Compiled: the batch's two arrays, the rate, the noise, and the copy of the loss that fit gets.
COMPILED = {"graph": 1, "launch": 5}
EAGER = {"launch": 55, "alloc": 43}  # products included, of which CuPy makes one by a kernel


@compiled
@pytest.mark.skipif(TIER == "real", reason="CuPy's own kernels are counted differently")
def test_a_step_costs_the_same_every_time(compile: bool) -> None:
    seen = []

    def count(run: nn.Run) -> None:
        found = counts()
        found["launch"] += found.pop("gemm", 0)
        seen.append({kind: number for kind, number in found.items() if number})
        reset()

    nn.fit(
        **problem("cuda", batch_size=None), steps=8, metric_every=9, compile=compile,
        callbacks=[count],
    )  # fmt: skip
    assert seen[4:7] == [COMPILED if compile else EAGER] * 3


def test_a_step_on_fed_data_adds_its_copies_and_one_wait() -> None:
    """The wait is for the copy before the last, whose memory the next batch takes."""
    seen = []

    def count(run: nn.Run) -> None:
        seen.append((counts()["h2d"], counts()["sync"], counts()["d2h"], counts()["graph"]))
        reset()

    arguments = problem("cuda", resident=False, batch_size=2)
    nn.fit(**arguments, steps=9, metric_every=10, callbacks=[count])
    assert seen[4:8] == [(2, 1, 0, 1)] * 4


# --- looks


def test_callbacks_see_a_look_with_the_next_one() -> None:
    seen = []

    def look(run: nn.Run) -> None:
        seen.append([step for step, _ in run.history.get("loss", [])])

    arguments = problem("cuda")
    run = nn.fit(**arguments, steps=7, metric_every=3, callbacks=[look], compile=False)
    assert seen == [[], [], [], [], [], [3], [3, 6]]
    assert [step for step, _ in run.history["loss"]] == [3, 6, 7]


def test_a_metric_is_there_at_once_and_can_end_the_run() -> None:
    def calls(model: Any) -> float:
        return float(model[2].calls)

    def has_come(run: nn.Run) -> None:
        assert run.step % 3 or run.history["calls"][-1] == (run.step, run.step)

    run = nn.fit(
        **problem("cuda"), steps=20, metric=calls, metric_every=3, until=7, callbacks=[has_come]
    )
    assert (run.step, run.stop_reason, run.metric) == (9, "until", 9.0)
    assert [step for step, _ in run.history["loss"]] == [3, 6, 9]


def spoil(run: nn.Run) -> None:
    run.model[0].bias.assign(ai.full((8,), np.nan, device=run.model[0].bias.device))


@compiled
def test_a_loss_that_is_not_finite_is_found_at_the_next_look(compile: bool) -> None:
    spoils = [at_step(3, spoil)]
    with pytest.raises(FloatingPointError) as caught:
        nn.fit(**problem("cuda"), steps=20, metric_every=4, callbacks=spoils, compile=compile)
    assert str(caught.value).startswith(
        "the loss is nan after step 4 (seen after step 8: a GPU's loss is read while it trains on)."
    )
    with pytest.raises(FloatingPointError, match=r"the loss is nan after step 4\. Try"):
        nn.fit(**problem("cpu"), steps=20, metric_every=4, callbacks=spoils, compile=compile)


def test_a_loss_that_is_not_finite_is_found_before_anything_is_saved(tmp_path: Path) -> None:
    """The weights were made good again meanwhile: only the loss can tell."""
    good: list[Any] = []

    def keep(run: nn.Run) -> None:
        good.append({name: value.numpy() for name, value in run.model.state_dict().items()})

    def restore(run: nn.Run) -> None:
        run.model.load_state_dict(good[0])
        run.optimizer.zero_grad()
        run.stop()

    with pytest.raises(FloatingPointError, match=r"nan after step 4 \(seen after step 5: "):
        nn.fit(
            **problem("cuda"), steps=20, metric_every=4, run_dir=tmp_path, compile=False,
            callbacks=[at_step(3, keep), at_step(3, spoil), at_step(5, restore)],
        )  # fmt: skip
    assert nn.Checkpoints(tmp_path).paths() == []


# --- stopping and going on


@compiled
@resident
@pytest.mark.parametrize("stops", [[4], [1, 9]])
def test_a_resumed_run_ends_with_the_bits_of_one_that_never_stopped(
    tmp_path: Path, compile: bool, resident: bool, stops: list[int]
) -> None:
    def train(folder: str, stop: int | None = None) -> nn.Run:
        return nn.fit(
            **problem("cuda", resident=resident), steps=11, metric_every=3, compile=compile,
            run_dir=tmp_path / folder, resume=True, checkpoint_every=5,
            callbacks=[] if stop is None else [at_step(stop, nn.Run.stop)],
        )  # fmt: skip

    for stop in stops:
        stopped = train("stopped", stop)
        assert (stopped.step, stopped.stop_reason) == (stop, "callback")
    resumed, whole = train("stopped"), train("never")
    assert resumed.history == whole.history
    if TIER != "real":
        assert everything(resumed) == everything(whole)


@compiled
def test_a_checkpoint_goes_on_on_the_other_device(tmp_path: Path, compile: bool) -> None:
    settings: dict[str, Any] = {"run_dir": tmp_path, "resume": True, "compile": compile}
    for device, steps in (("cuda", 4), ("cpu", 8), ("cuda", 12)):
        run = nn.fit(**problem(device), steps=steps, metric_every=2, **settings)
        assert {p.device[:4] for p in run.model.parameters()} == {device}
    whole = nn.fit(**problem("cpu"), steps=12, metric_every=2)
    np.testing.assert_allclose(run.history["loss"], whole.history["loss"], rtol=1e-3)


def test_ctrl_c_saves_the_step_with_every_look_before_it(tmp_path: Path) -> None:
    def press(run: nn.Run) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    run = nn.fit(
        **problem("cuda"), steps=20, metric_every=3, run_dir=tmp_path, callbacks=[at_step(5, press)]
    )
    assert (run.step, run.stop_reason) == (5, "interrupted")
    saved = nn.Checkpoints(tmp_path).load()
    assert saved is not None
    assert saved.step == 5
    assert [step for step, _ in saved.state["history.loss"]] == [3]


@compiled
def test_control_toml_sets_the_rate_and_stops(tmp_path: Path, compile: bool) -> None:
    def write(text: str) -> Callable[[nn.Run], object]:
        return lambda run: (tmp_path / "control.toml").write_text(text)

    runs = [
        nn.fit(
            **problem(device), steps=20, metric_every=1, compile=compile,
            run_dir=tmp_path, resume=True,
            callbacks=[at_step(5, write("lr = 0.01")), at_step(8, write("stop = true"))],
        )
        for device in ("cuda", "cpu")
    ]  # fmt: skip
    there = runs[0]
    assert (there.step, there.stop_reason) == (8, "control")
    rates = [value for _, value in there.history["lr"]]
    assert rates[4] > 0.09
    assert rates[5] == pytest.approx(0.01)
