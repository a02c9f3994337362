"""nn.fit: the loop, what it records, when it stops, and what it saves."""

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fit_problem import at_step, everything, fitness, loss, network, problem, samples
from folders import quick_folder
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from nn.training.checkpoint import read

# The loop.


def test_it_is_the_loop_that_one_would_write_by_hand() -> None:
    run = nn.fit(**problem(), steps=23)
    by_hand = problem()
    model, data, optimizer = by_hand["model"], by_hand["data"], by_hand["optimizer"]
    losses = []
    for _ in range(23):
        x, y = data.next_batch()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(value))
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(run.model.state_dict()[name].numpy(), value.numpy())
    assert float(run.loss) == losses[-1]
    assert not run.loss.requires_grad
    assert run.history["loss"] == [(step, losses[step - 1]) for step in (10, 20, 23)]
    assert (run.step, run.stop_reason, run.metric) == (23, "steps", None)


def test_gradients_left_from_before_do_not_enter() -> None:
    dirty = problem()
    x, y = samples()
    dirty["model"].eval()
    loss(dirty["model"](x), y).backward()
    assert everything(nn.fit(**dirty, steps=3)) == everything(nn.fit(**problem(), steps=3))


def test_the_history_follows_the_step_number_alone(tmp_path: Path) -> None:
    schedule = nn.CosineDecay(0.1, steps=14)
    run = nn.fit(
        **problem(lr=schedule),
        steps=13,
        metric=fitness,
        metric_every=4,
        run_dir=tmp_path,
        checkpoint_every=5,
    )
    steps = [4, 5, 8, 10, 12, 13]
    assert list(run.history) == ["loss", "lr", "fitness"]
    for entries in run.history.values():
        assert [step for step, _ in entries] == steps
    assert run.history["lr"] == [(step, schedule(step - 1)) for step in steps]
    assert run.metric == run.history["fitness"][-1][1] == fitness(run.model.eval())


def test_the_metric_sees_eval_mode_and_records_nothing() -> None:
    seen = []

    def metric(model: nn.Module) -> float:
        x, _ = samples()
        seen.append((model.training, model[2].training, model(x).requires_grad))
        return 0.0

    arguments = problem()
    plain = everything(nn.fit(**problem(), steps=4, metric_every=2))
    run = nn.fit(**arguments, steps=4, metric=metric, metric_every=2)
    assert seen == [(False, False, False)] * 2
    assert run.model.training
    watched = everything(run)
    del watched["history.metric"]
    assert watched == plain, "a metric must not change the training"


def test_a_metric_without_a_name_of_its_own_is_called_metric() -> None:
    assert "metric" in nn.fit(**problem(), steps=1, metric=lambda model: 1.0).history


def test_callbacks_come_after_every_step_in_their_order() -> None:
    seen: list[tuple[str, int]] = []
    callbacks = (lambda run, name=name: seen.append((name, run.step)) for name in "ab")
    nn.fit(**problem(), steps=2, callbacks=callbacks)
    assert seen == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_callbacks_find_the_values_of_their_own_step_in_the_history() -> None:
    def look(run: nn.Run) -> None:
        assert run.step % 2 or run.history["loss"][-1] == (run.step, float(run.loss))

    nn.fit(**problem(), steps=4, metric_every=2, callbacks=[look])


def test_it_stops_when_the_metric_is_reached_or_a_callback_says_so() -> None:
    run = nn.fit(**problem(), steps=50, metric=lambda m: float(m[2].calls), metric_every=3, until=7)
    assert (run.step, run.stop_reason, run.metric) == (9, "until", 9.0)


def test_until_may_be_a_function_that_is_asked_before_the_first_step_too(tmp_path: Path) -> None:
    arguments = {"steps": 50, "until": lambda run: run.step == 7, "run_dir": tmp_path}
    first = nn.fit(**problem(), **arguments)
    assert (first.step, first.stop_reason) == (7, "until")
    again = nn.fit(**problem(), **arguments, resume=True)
    assert (again.step, again.stop_reason) == (7, "until")
    run = nn.fit(**problem(), steps=50, callbacks=[at_step(4, nn.Run.stop)])
    assert (run.step, run.stop_reason) == (4, "callback")


def test_the_bar_shows_loss_metric_and_rate(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = problem() | {"progress": True}
    run = nn.fit(**arguments, steps=20, metric=fitness)
    shown = capfd.readouterr().err
    assert "20/20 [00:00<00:00, " in shown.replace("00:01", "00:00")
    assert f"loss {run.history['loss'][-1][1]:.5g}, lr 0.1, fitness {run.metric:.5g}]" in shown
    nn.fit(**problem(), steps=20)
    assert capfd.readouterr() == ("", "")


def test_it_works_outside_the_main_thread() -> None:
    runs = []
    thread = threading.Thread(target=lambda: runs.append(nn.fit(**problem(), steps=3)))
    thread.start()
    thread.join()
    assert everything(runs[0]) == everything(nn.fit(**problem(), steps=3))


# Saving and resuming.


@settings(max_examples=25)
@given(
    stops=st.lists(st.integers(1, 30), max_size=3, unique=True).map(sorted),
    batch_size=st.sampled_from([None, 7, 20]),
    checkpoint_every=st.none() | st.integers(1, 9),
    adam=st.booleans(),
    changed=st.booleans(),
)
def test_a_resumed_run_ends_with_the_bits_of_one_that_never_stopped(
    stops: list[int],
    batch_size: int | None,
    checkpoint_every: int | None,
    adam: bool,
    changed: bool,
) -> None:
    """Also when callbacks change the rate and the part of the data that is drawn from."""

    def change(run: nn.Run) -> None:
        if changed and run.step == 5:
            run.optimizer.lr = 0.03
        if changed and run.step % 4 == 0:
            run.data.limit = min(20, 8 + run.step)

    def train(folder: Path, stop: int | None = None) -> nn.Run:
        arguments = problem(batch_size, lr=nn.CosineDecay(0.1, 40, warmup=4, floor=0.01))
        if adam:
            arguments["optimizer"] = nn.Adam(
                arguments["model"].parameters(), nn.CosineDecay(0.01, 40)
            )
        return nn.fit(
            **arguments,
            steps=31,
            metric=fitness,
            metric_every=3,
            run_dir=folder,
            resume=True,
            checkpoint_every=checkpoint_every,
            callbacks=[change] + ([] if stop is None else [at_step(stop, nn.Run.stop)]),
        )

    with quick_folder() as stopped, quick_folder() as never:
        for stop in stops:
            assert train(stopped, stop).step == stop
        resumed, whole = train(stopped), train(never)
        again = train(stopped)
    assert everything(resumed) == everything(whole)
    assert resumed.history == whole.history
    assert resumed.metric == whole.metric
    assert (again.step, again.stop_reason, again.metric) == (31, "steps", whole.metric)
    assert everything(again) == everything(whole)


def test_a_run_that_reached_its_metric_does_not_train_on(tmp_path: Path) -> None:
    arguments = {"metric": fitness, "metric_every": 5, "until": -1.0, "run_dir": tmp_path}
    first = nn.fit(**problem(), steps=50, **arguments)
    second = nn.fit(**problem(), steps=50, resume=True, **arguments)
    assert first.stop_reason == second.stop_reason == "until"
    assert everything(first) == everything(second)


def test_more_steps_go_on_from_a_finished_run(tmp_path: Path) -> None:
    nn.fit(**problem(), steps=10, run_dir=tmp_path)
    run = nn.fit(**problem(), steps=20, run_dir=tmp_path, resume=True)
    assert everything(run) == everything(nn.fit(**problem(), steps=20))


def test_it_keeps_the_newest_and_the_best(tmp_path: Path) -> None:
    scores = iter([0.1, 0.9, math.nan, math.inf, 0.3, 0.2])
    run = nn.fit(
        **problem(),
        steps=6,
        metric=lambda model: next(scores),
        run_dir=tmp_path,
        checkpoint_every=1,
        keep=2,
    )
    checkpoints = nn.Checkpoints(tmp_path)
    assert [read(path).step for path in checkpoints.paths()] == [2, 5, 6]
    assert read(checkpoints.best).step == 2
    assert [read(path).metric for path in checkpoints.paths()] == [0.9, 0.3, 0.2]
    assert math.isnan(run.history["metric"][2][1])


def test_an_end_off_the_metric_steps_is_saved_without_a_metric(tmp_path: Path) -> None:
    nn.fit(
        **problem(),
        steps=9,
        metric=fitness,
        metric_every=2,
        run_dir=tmp_path,
        callbacks=[at_step(3, nn.Run.stop)],
    )
    saved = nn.Checkpoints(tmp_path).load()
    assert (saved.step, saved.metric) == (3, None)
    assert saved.state["metric"] is not None


def test_a_directory_with_checkpoints_is_not_overwritten(tmp_path: Path) -> None:
    nn.fit(**problem(), steps=3, run_dir=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match=r"newest is step-00000003\S*\). Pass resume=True"):
        nn.fit(**problem(), steps=3, run_dir=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_resuming_says_from_where(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = {"run_dir": tmp_path, "resume": True, "checkpoint_every": 2}
    nn.fit(**problem(), steps=4, **arguments)
    assert f"no checkpoint in {tmp_path} yet: starting from step 0\n" == capfd.readouterr().err
    newest = tmp_path / "step-00000004.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    run = nn.fit(**problem(), steps=6, **arguments)
    said = capfd.readouterr().err.splitlines()
    assert said[0].startswith("step-00000004.safetensors is damaged")
    assert "Going back to step-00000002.safetensors" in said[0]
    assert said[1:] == [f"resuming from {tmp_path}/step-00000002.safetensors, step 2"]
    assert everything(run) == everything(nn.fit(**problem(), steps=6, metric_every=2))


def other_model() -> dict[str, Any]:
    return problem(width=9)


def other_optimizer() -> dict[str, Any]:
    arguments = problem()
    return arguments | {"optimizer": nn.Adam(arguments["model"].parameters())}


def other_data() -> dict[str, Any]:
    return problem() | {"data": nn.Batches(*samples(21), batch_size=8)}


def other_generators() -> dict[str, Any]:
    arguments = problem()
    arguments["model"].extra = ai.Generator(1)
    return arguments


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (other_model, r"differs: 0.weight is \(9, 2\) float32 here and \(8, 2\) float32 in"),
        (other_optimizer, r"missing: first_moment.0 "),
        (other_data, "samples is 21 here and 20 in the state"),
        (other_generators, "missing: extra a dict"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name_and_changes_nothing(
    tmp_path: Path, other: Callable[[], dict[str, Any]], message: str
) -> None:
    nn.fit(**problem(), steps=3, run_dir=tmp_path)
    arguments = other()
    nn.fit(**arguments, steps=2)
    run = nn.Run(arguments["model"], arguments["data"], arguments["optimizer"])
    before = everything(run)
    with pytest.raises(nn.CheckpointError, match=message) as caught:
        nn.fit(**arguments, steps=4, run_dir=tmp_path, resume=True)
    assert f"{tmp_path}/step-00000003.safetensors is of another run" in str(caught.value)
    assert "give another run_dir" in str(caught.value)
    assert everything(run) == before


# Bad values and bad arguments.


def spoil(run: nn.Run) -> None:
    run.model[0].bias.assign(np.full(8, np.nan, np.float32))


def test_a_loss_that_is_not_finite_ends_with_the_step_and_the_last_good_file(
    tmp_path: Path,
) -> None:
    with pytest.raises(FloatingPointError) as caught:
        nn.fit(
            **problem(),
            steps=9,
            metric_every=4,
            run_dir=tmp_path,
            checkpoint_every=2,
            callbacks=[at_step(3, spoil)],
        )
    newest = tmp_path / "step-00000002.safetensors"
    assert str(caught.value) == (
        f"the loss is nan after step 4. Try a lower lr. The newest checkpoint is {newest}."
    )
    assert nn.Checkpoints(tmp_path).load().step == 2


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    """The loss was still finite where it is the step's own update that overflows."""
    with pytest.raises(FloatingPointError) as caught:
        nn.fit(
            **problem(),
            steps=9,
            run_dir=tmp_path,
            checkpoint_every=3,
            callbacks=[at_step(6, spoil)],
        )
    newest = tmp_path / "step-00000003.safetensors"
    assert str(caught.value) == (
        f"the parameter 0.bias is not finite after step 6. Try a lower lr. "
        f"The newest checkpoint is {newest}."
    )
    assert nn.Checkpoints(tmp_path).paths() == [newest]


def test_data_with_nan_is_named() -> None:
    x, y = samples()
    x = x.numpy().copy()
    x[3, 1] = np.nan
    arguments = problem() | {"data": nn.Batches(x, y, batch_size=8)}
    with pytest.raises(FloatingPointError, match="data is to blame: array 0 holds 1 values that"):
        nn.fit(**arguments, steps=10)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be at least 1, got 0"),
        ({"steps": 1.5}, TypeError, "steps must be a whole number, got 1.5"),
        ({"steps": True}, TypeError, "steps must be a whole number, got True"),
        ({"metric_every": 0}, ValueError, "metric_every must be at least 1, got 0"),
        ({"checkpoint_every": -1, "run_dir": "x"}, ValueError, "checkpoint_every must be at least"),
        ({"checkpoint_every": 5}, ValueError, "checkpoint_every=5 needs run_dir="),
        ({"resume": True}, ValueError, "resume=True needs run_dir="),
        ({"keep": 0, "run_dir": "x"}, ValueError, "keep must be at least 1"),
        ({"until": 0.5}, ValueError, "until=0.5 needs metric="),
        ({"until": math.nan, "metric": fitness}, ValueError, "until is nan"),
        ({"metric": 0.5}, TypeError, "metric must be a function of the model, got float"),
        ({"data": samples()}, TypeError, r"data must be nn.Batches, got tuple: write nn.Batches\("),
        ({"data": nn.Batches([1.0])}, ValueError, "needs inputs and a target"),
        (
            {"optimizer": nn.SGD(network().parameters(), 0.1)},
            ValueError,
            "trains none of the model's param",
        ),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused_before_anything_happens(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message):
        nn.fit(**{**problem(), "steps": 5, **arguments})
    assert list(tmp_path.iterdir()) == []


def test_a_metric_may_not_take_the_name_of_a_column() -> None:
    def lr(model: nn.Module) -> float:
        return 0.0

    with pytest.raises(ValueError, match="the history has its own 'lr'"):
        nn.fit(**problem(), steps=1, metric=lr)


def test_a_run_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(nn.CheckpointError, match=r"run directory \S*file/run cannot be written"):
        nn.fit(**problem(), steps=1, run_dir=tmp_path / "file" / "run")
