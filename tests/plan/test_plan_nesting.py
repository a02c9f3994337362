"""Errors inside of a compiled function, functions inside of each other, and how long they live."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import (  # noqa: F401
    OPTIMIZERS,
    X,
    model_of,
    proven,
    same_bits,
    states,
    training,
    x_of,
)
from samples import own_words

import autograd_iron as ai
from autograd_iron.core.switches import switches
from autograd_iron.plan.refusals import CaptureError


def test_an_exception_in_the_function_changes_nothing() -> None:
    model, opt, function = training(OPTIMIZERS["adam"])
    before = [dict(part) for part in states(model, opt)]

    def failing(x: ai.Tensor, y: ai.Tensor) -> Any:
        function(x, y)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ai.compile(failing)(x_of(0), x_of(1, (4, 1)))
    same_bits(states(model, opt), before)
    assert opt.step_count == 0
    assert all(p.grad is None for p in model.parameters())
    assert not switches().executor.captures
    assert switches().recording


def test_an_exception_in_a_capture_leaves_gradients_as_they_were() -> None:
    w = ai.tensor([2.0], requires_grad=True)
    w.grad = ai.tensor([7.0])

    def failing() -> Any:
        ai.sum(w * w).backward()
        raise KeyError("mine")

    with pytest.raises(KeyError):
        ai.compile(failing)()
    assert w.grad is not None
    assert w.grad.tolist() == [7.0]


def test_a_refused_capture_leaves_draws_where_they_were() -> None:
    g = ai.Generator(0)
    state = g.state

    def failing(x: ai.Tensor) -> Any:
        return float(ai.sum(x + g.normal((3,))))

    with pytest.raises(CaptureError):
        ai.compile(failing)(ai.tensor(X))
    assert g.state == state


def test_eager_errors_are_the_same_errors() -> None:
    def function(x: ai.Tensor) -> Any:
        return x @ ai.ones((7, 2))

    with pytest.raises(ValueError, match="inner sizes differ"):
        ai.compile(function)(ai.tensor(X))


def test_the_function_works_again_after_an_error() -> None:
    def function(x: ai.Tensor, fail: bool) -> Any:
        if fail:
            raise KeyError("mine")
        return x + 1

    step = ai.compile(function)
    with pytest.raises(KeyError):
        step(ai.tensor(X), True)
    same_bits(step(ai.tensor(X), False), ai.tensor(X) + 1)
    with pytest.raises(KeyError):
        step(ai.tensor(X), True)


def test_a_failing_replay_gives_its_error_and_the_next_works() -> None:
    calls = 0

    def prepare() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyError("mine")

    def function(x: ai.Tensor) -> Any:
        ai.extend.capture.each_time(prepare)
        return x + 1

    step = ai.compile(function)
    step(ai.tensor(X))
    with pytest.raises(KeyError, match="mine"):
        step(ai.tensor(X))
    same_bits(step(ai.tensor(X)), ai.tensor(X) + 1)
    assert calls == 3


def test_nested_compiled_functions() -> None:
    inner = ai.compile(lambda x: ai.tanh(x) * 2)

    def function(x: ai.Tensor) -> Any:
        return inner(x) + inner(x + 1)

    step = ai.compile(function)
    for seed in range(2):
        same_bits(step(x_of(seed)), function(x_of(seed)))


def test_a_compiled_training_step_inside_another() -> None:
    model, opt, function = training(OPTIMIZERS["momentum"])
    other, other_opt, inner = training(OPTIMIZERS["momentum"])
    compiled = ai.compile(inner)

    def two(step: Callable[..., Any], x: ai.Tensor, y: ai.Tensor) -> Any:
        return step(x, y), step(x, y)

    outer = ai.compile(lambda x, y: two(compiled, x, y))
    for i in range(3):
        x, y = x_of(i), x_of(50 + i, (4, 1))
        same_bits(outer(x, y), two(function, x, y))
        same_bits(states(other, other_opt), states(model, opt))


def test_a_compiled_function_as_decorator_keeps_name_and_doc() -> None:
    @ai.compile
    def named(x: ai.Tensor) -> Any:
        """Say what it does."""
        return x

    assert named.__name__ == "named"
    assert named.__doc__ == "Say what it does."


def test_a_compiled_method() -> None:
    class Thing:
        def __init__(self, w: float) -> None:
            self.w = ai.tensor([w])

        @ai.compile
        def scaled(self, x: ai.Tensor) -> Any:
            return x * self.w

    one, two = Thing(2.0), Thing(3.0)
    x = ai.tensor(X)
    for _ in range(2):
        same_bits(one.scaled(x), x * 2)
        same_bits(two.scaled(x), x * 3)


def test_there_is_no_plan_before_the_first_call() -> None:
    with pytest.raises(RuntimeError, match="no plan before the first call"):
        _ = ai.compile(lambda x: x).plan


def test_a_plan_does_not_keep_the_arguments_alive() -> None:
    step = ai.compile(lambda x: ai.tanh(x) + 1)
    x = x_of(0)
    ghost = weakref.ref(x)
    step(x)
    step(x)
    del x
    gc.collect()
    assert ghost() is None


def test_dropping_the_compiled_function_frees_its_plans() -> None:
    model = model_of()
    ghost = weakref.ref(model)
    step = ai.compile(model)
    step(x_of(0))
    del model, step
    gc.collect()
    assert ghost() is None


def test_overflow_and_nan_warn_no_more_and_no_less_than_eagerly() -> None:
    step = ai.compile(lambda x: ai.log(x) + ai.exp(x * 1000))
    with np.errstate(all="ignore"):
        wanted = ai.log(ai.tensor([-1.0, 0.0])) + ai.exp(ai.tensor([-1.0, 0.0]) * 1000)
    with np.errstate(all="ignore"):
        same_bits(step(ai.tensor([-1.0, 0.0])), wanted)
        same_bits(step(ai.tensor([-1.0, 0.0])), wanted)


def test_dropout_by_hand_draws_new_masks_in_training() -> None:
    def make() -> tuple[Any, Callable[..., Any]]:
        g = ai.Generator(4)
        w = ai.tensor(X[0], requires_grad=True)

        def step(x: ai.Tensor) -> Any:
            kept = (g.uniform(x.shape) < 0.5).astype("float32")
            w.grad = None
            loss = ai.sum(x * w * kept)
            loss.backward()
            w.assign(w - 0.1 * w.grad)
            return loss

        return w, step

    w, eager = make()
    v, function = make()
    step = ai.compile(function)
    losses = []
    for _ in range(5):
        losses.append(float(step(ai.tensor(X))))
        assert losses[-1] == float(eager(ai.tensor(X)))
        same_bits(v, w)
    assert len(set(losses)) == 5


@pytest.mark.parametrize("name", ["view", "copyto", "step", "reduce", "position", "kernel"])
def test_a_primitive_of_ones_own_may_have_any_name(name: str) -> None:
    def kernel(xp: Any, x: Any, /) -> Any:
        """Return two thirds."""
        return x * 2 / 3

    kernel.__name__ = name
    with own_words():
        word = ai.extend.elementwise(kernel)
        same_bits(ai.compile(word)(ai.tensor(X)), word(ai.tensor(X)))


@pytest.mark.parametrize("condition", [
    X > 0, X, X.astype("int32"), X[:1], X[:1, 0], np.array([True, False, True]), True, 1, 0, 2.5,
])  # fmt: skip
@pytest.mark.parametrize("rows", [4, 4000])
def test_whatever_has_a_truth_value_is_a_condition(condition: Any, rows: int) -> None:
    x = ai.tensor(np.resize(X, (rows, 3)))
    if getattr(condition, "shape", ())[:1] == (4,):
        condition = ai.tensor(np.resize(condition, (rows, 3)))

    def gradient(x: ai.Tensor) -> ai.Tensor:
        return ai.grad(lambda x: ai.sum(ai.where(condition, ai.exp(x), x * 2)))(x)

    for function in (lambda x: ai.where(condition, ai.exp(x), x * 2), gradient):
        step = ai.compile(function)
        for _ in range(2):
            same_bits(step(x), function(x))


@pytest.mark.parametrize("folder", ["nn", "autograd_iron", "autograd_iron/nn"])
def test_an_error_names_the_line_of_the_user_wherever_the_script_lies(
    folder: str, tmp_path: Path
) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    script = place / "train.py"
    script.write_text(
        "import autograd_iron as ai\n"
        "def step(x):\n"
        "    return float(x) + x\n"
        "ai.compile(step)(ai.ones(()))\n"
    )
    names: dict[str, Any] = {}
    with pytest.raises(CaptureError, match=r"train\.py:3 \(return float\(x\) \+ x\)"):
        exec(compile(script.read_text(), str(script), "exec"), names)


def test_the_history_of_captures_is_bounded() -> None:
    step = ai.compile(lambda x, n: x * n)
    for n in range(250):
        step(ai.ones(1), n)
    lines = step.explain().splitlines()
    assert lines[0].endswith(": 250 captures")
    assert lines[1] == "  ... the last 100 of them:"
    assert lines[2].startswith("  151. argument")
    assert lines[101].startswith("  250. argument [1] was 248 and is 249")


def test_what_runs_later_cannot_be_returned() -> None:
    def generate(x: ai.Tensor) -> Any:
        yield x * 2

    async def wait(x: ai.Tensor) -> Any:
        return x * 2

    async def generate_async(x: ai.Tensor) -> Any:
        yield x * 2

    for function in (generate, lambda x: [map(ai.sin, [x])], lambda x: {"a": iter([x])}):
        with pytest.raises(CaptureError, match="which runs later and is used up"):
            ai.compile(function)(ai.ones(1))
    for function in (wait, generate_async):
        with pytest.raises(CaptureError, match="which runs later"):
            ai.compile(function)(ai.ones(1))
