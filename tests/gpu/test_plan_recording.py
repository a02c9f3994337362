"""What can be recorded as a CUDA graph, what cannot, and what a step does then."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from test_plan_reads import READS

import autograd_iron as ai
from autograd_iron.core import specs
from autograd_iron.core.primitive import Primitive, primitive
from autograd_iron.core.registry import registry
from autograd_iron.core.specs import Spec
from autograd_iron.plan.refusals import CaptureError

from .device_under_test import TIER, counts, cupy, forbid, reset
from .planning import RUNS, interpreted, near, twins

X = np.random.default_rng(0).standard_normal((6, 4)).astype("f4")
GRAPH = "one launch of a CUDA graph"


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with interpreted():
        yield


@pytest.fixture
def own() -> Iterator[Callable[..., Primitive]]:
    """Make a primitive that is forgotten after the test."""
    known = set(registry)
    yield primitive
    for name in set(registry) - known:
        del registry[name]


def waits(xp: Any, x: Any, /) -> Any:
    """Return x over its largest element, which it asks for on the host."""
    return x / float(abs(x).max())


def copies_from_the_host(xp: Any, x: Any, /) -> Any:
    """Return x times numbers that it brings along."""
    weights = np.arange(x.shape[-1], dtype="f4")
    return x * (weights if xp is np else xp.asarray(weights))


def refuses(xp: Any, x: Any, /) -> Any:
    """Return x, but not while it is recorded."""
    if xp is not np and xp.cuda.get_current_stream().is_capturing():
        raise ArithmeticError("not while recording")
    return x * 1


@pytest.mark.parametrize("kernel", [waits, copies_from_the_host, refuses])
def test_what_cannot_be_recorded_goes_on_launch_by_launch(
    kernel: Callable[..., Any], own: Any
) -> None:
    mine = own(kernel)
    mine.shape(specs.same)

    def make(device: str) -> Any:
        w = ai.tensor(X, device=device)

        def step(x: ai.Tensor) -> Any:
            made = ai.sin(mine(x * w))
            w.assign(w + 0.01 * made)  # a small step: no error of rounding grows
            return made

        return step, [w]

    step = twins(make, (X,), (X * 2,), runs=2 * RUNS)
    assert step.plan.how.startswith("kernel by kernel, for no graph could be recorded: ")
    assert f"on cuda:0: {step.plan.how}" in step.explain()
    if kernel is refuses:
        assert "not while recording" in step.explain()
    # Nothing is left of the recording: others can be made, and the host can wait.
    assert not cupy.cuda.get_current_stream().is_capturing()
    cupy.cuda.Device().synchronize()
    other = ai.compile(lambda x: x * 2)
    for _ in range(RUNS):
        other(ai.tensor(X, device="cuda"))
    assert other.plan.how == GRAPH


def test_a_primitive_of_the_users_is_recorded(own: Any) -> None:
    def doubled_sum(xp: Any, x: Any, /) -> Any:
        """Return twice the sum, by way of memory that nobody keeps."""
        return xp.sum(x + x, axis=-1)

    mine = own(doubled_sum)
    mine.shape(lambda x: Spec(x.shape[:-1], x.dtype))
    junk: list[Any] = []

    def make(device: str) -> Any:
        def step(x: ai.Tensor) -> Any:
            return mine(mine(x * x) * x.T) + 1

        return step, []

    def step_among_others(device: str) -> Any:
        step, state = make(device)

        def watched(*args: Any) -> Any:
            junk.append(ai.full((6, 4), float("nan"), device="cuda"))
            return step(*args)

        return watched, state

    step = twins(make, (X,), (-X,), runs=3)
    twins(step_among_others, (X,), (-X,))
    ai.cuda.empty_cache()
    for i in range(20):
        # What the graph allocates on its way is nobody else's.
        held = [ai.full((6, 4), float(j), device="cuda") for j in range(8)]
        x = ai.tensor(X * i, device="cuda")
        near(step(x), make("cpu")[0](ai.tensor(X * i)), 1e-4)
        for j, t in enumerate(held):
            np.testing.assert_array_equal(t.numpy(), np.full((6, 4), j, "f4"))
    assert step.plan.how == GRAPH


# --- indices


ROWS = np.array([2, 0, -1, 4])
MASK = np.array([True, False, True, True, False, False])
INDICES: dict[str, Any] = {
    "an array": ROWS,
    "a list": [1, 3],
    "an array and a slice": (slice(1, 3), np.array([3, 0])),
    "two arrays": (ROWS, np.array([0, 1, 2, 3])),
    "an array and a number": (ROWS, 2),
    "a mask": MASK,
    "a mask and a slice": (MASK, slice(None, 2)),
    "no rows": np.array([], int),
    "a square": np.array([[0, 1], [2, 3]]),
    "an axis anew": (None, ROWS),
    "from the end": (..., np.array([-1, -2])),
}


def with_indices_there(index: Any, device: str) -> Any:
    if isinstance(index, tuple):
        return tuple(with_indices_there(part, device) for part in index)
    return ai.tensor(index, device=device) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("there", [False, True], ids=["of the host", "of the GPU"])
@pytest.mark.parametrize("name", INDICES)
def test_indices_are_placed_once(name: str, there: bool) -> None:
    def make(device: str) -> Any:
        index = with_indices_there(INDICES[name], device) if there else INDICES[name]
        w = ai.tensor(X + 1, requires_grad=True, device=device)

        def step(x: ai.Tensor) -> Any:
            w.grad = None
            picked = (w * x)[index]
            updated = x.at[index].set(picked * 2) + x.at[index].add(picked)
            loss = ai.sum(ai.square(updated)) + ai.sum(picked)
            loss.backward()
            w.assign(w - 0.01 * w.grad)
            return loss, picked, updated

        return step, [w]

    step = twins(make, (X,), (X[::-1].copy(),), rtol=1e-4)
    assert step.plan.how == GRAPH
    x = ai.tensor(X, device="cuda")
    with forbid("h2d", "d2h", "sync"):
        step(x)


def test_an_index_that_the_user_changes_later() -> None:
    rows = np.array([0, 1])
    step = ai.compile(lambda x: x[rows])
    x = ai.tensor(X, device="cuda")
    step(x)
    rows[:] = 3
    for _ in range(RUNS):
        np.testing.assert_array_equal(step(x).numpy(), X[:2])


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: x[np.array([0, 6])], IndexError),
        (lambda x: x.at[np.array([0, 0])].set(1.0), ValueError),
        (lambda x: x[np.array([True, False])], IndexError),
        (lambda x: x[np.array([0.5])], IndexError),
    ],
)
def test_an_index_that_does_not_fit(function: Any, error: type[Exception]) -> None:
    x = ai.tensor(X, device="cuda")
    with pytest.raises(error):
        function(x)
    with pytest.raises(error):
        ai.compile(function)(x)


@pytest.mark.parametrize("name", ["an array", "two arrays", "an array and a slice", "a square"])
def test_an_index_is_another_in_each_replay(name: str) -> None:
    def step(x: ai.Tensor, *index: Any) -> Any:
        picked = x[index]
        loss = ai.grad(lambda x: ai.sum(ai.square(x[index])))(x)
        return picked, loss, x.at[index].set(picked * 2), x.at[index].add(1.0)

    index = INDICES[name] if isinstance(INDICES[name], tuple) else (INDICES[name],)
    arrays = [part for part in index if isinstance(part, np.ndarray)]
    slices = [part for part in index if not isinstance(part, np.ndarray)]
    compiled = ai.compile(lambda x, *given: step(x, *slices, *given))
    for shift in range(RUNS + 2):
        now = [np.roll(part, shift) for part in arrays]
        calls = []
        for device in ("cuda", "cpu"):
            x = ai.tensor(X, device=device)
            calls.append((x, *(ai.tensor(part, device=device) for part in now)))
        near(list(compiled(*calls[0])), list(step(calls[1][0], *slices, *calls[1][1:])))
    assert compiled.plan.how == GRAPH


def test_an_index_named_twice_on_the_gpu() -> None:
    rows = ai.tensor(np.array([0, 0, 2]), device="cuda")
    x = ai.tensor(X, device="cuda")

    def function(x: ai.Tensor) -> ai.Tensor:
        return x.at[rows].add(1.0)

    step = ai.compile(function)
    for _ in range(RUNS):
        near(step(x), function(x))


# --- reading on the host


@pytest.mark.parametrize("function", READS, ids=lambda f: f.__name__)
def test_reading_a_value_is_refused_as_on_the_host(function: Callable[..., Any]) -> None:
    lines, start = inspect.getsourcelines(function)
    (number,) = (start + i for i, line in enumerate(lines) if "# here" in line)
    x = ai.tensor(X[:, :3], device="cuda")
    reset()
    with pytest.raises(CaptureError, match=rf"test_plan_reads\.py:{number} "):
        ai.compile(function)(x)
    assert not counts()["d2h"], "the value was read all the same"


@pytest.mark.skipif(TIER == "real", reason="would need a GPU that refuses")
def test_a_recording_that_breaks_off_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from autograd_iron.arrays import gpu

    w = ai.zeros((6, 4), device="cuda")

    def step() -> None:
        w.assign(w + 1)

    compiled = ai.compile(step)

    def no_graph(*_: Any) -> Any:
        raise RuntimeError("there is no driver for graphs")

    monkeypatch.setattr(gpu, "Recorded", no_graph)
    for _ in range(RUNS):
        compiled()
    np.testing.assert_array_equal(w.numpy(), np.full((6, 4), RUNS, "f4"))
    assert "there is no driver for graphs" in compiled.explain()
