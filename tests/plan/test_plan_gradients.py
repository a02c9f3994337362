"""What a compiled step reads from `.grad` and leaves there, of parameters and of arguments."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from compiling import close, proven, same_bits  # noqa: F401

import autograd_iron as ai
import nn
from autograd_iron.plan.refusals import CaptureError


def scaled(w: nn.Parameter, x: ai.Tensor) -> Any:
    ai.sum(w * x * x).backward()
    assert w.grad is not None
    w.grad = w.grad * 0.5
    return w.grad


def set_to_another(w: nn.Parameter, x: ai.Tensor) -> Any:
    w.grad = ai.tensor([1.0, 2.0, 3.0])
    return w.grad + x


def cleared_first(w: nn.Parameter, x: ai.Tensor) -> Any:
    w.grad = None
    ai.sum(w * x).backward()
    return w.grad


def cleared_and_not_reached(w: nn.Parameter, x: ai.Tensor) -> Any:
    w.grad = None
    return w * x


def only_read(w: nn.Parameter, x: ai.Tensor) -> Any:
    return x if w.grad is None else w.grad * x


def read_twice_around_a_backward(w: nn.Parameter, x: ai.Tensor) -> Any:
    before = only_read(w, x)
    ai.sum(w * x).backward()
    return before, only_read(w, x)


def of_the_argument(w: nn.Parameter, x: ai.Tensor) -> Any:
    ai.sum(w * x * x).backward()
    return x.grad


@pytest.mark.parametrize(
    "function",
    [
        *(scaled, set_to_another, cleared_first, cleared_and_not_reached, only_read),
        *(read_twice_around_a_backward, of_the_argument),
    ],
)
def test_what_a_step_does_with_gradients(function: Callable[..., Any]) -> None:
    one, other = (nn.Parameter(np.ones(3, "float32")) for _ in range(2))
    step = ai.compile(partial(function, other))
    for i in range(6):
        xs = [ai.tensor([1.0, 2.0, i], requires_grad=True) for _ in range(2)]
        wanted, found = function(one, xs[0]), step(xs[1])
        same_bits(found, wanted)
        for p, q in ((one, other), xs):
            assert (p.grad is None) is (q.grad is None)
            if p.grad is not None:
                same_bits(q.grad, p.grad)
        if i % 3 == 2:
            for p in (one, other):
                p.grad = ai.tensor([5.0, i, 7.0]) if i == 2 else None


def test_gradients_of_arguments_go_to_those_of_the_call() -> None:
    def function(x: ai.Tensor, y: ai.Tensor) -> Any:
        ai.sum(x * x * y).backward()
        return x * 1

    step = ai.compile(function)
    before = [None, None, 2.0, 3.0]
    for i, amount in enumerate(before):
        pairs = []
        for f in (function, step):
            x = ai.tensor([1.0, i], requires_grad=True)
            y = ai.tensor([i, 3.0], requires_grad=i < 2)
            if amount is not None:
                x.grad = ai.tensor([amount, i])
            f(x, y)
            pairs.append([t.grad for t in (x, y) if t.grad is not None])
        same_bits(*pairs)
        assert len(pairs[0]) == 1 + (i < 2)
    assert "2 captures" in step.explain()


def test_a_plan_does_not_keep_the_batch() -> None:
    w = ai.tensor([1.0, 2.0], requires_grad=True)
    w.grad = ai.ones((2,))
    step = ai.compile(lambda x: ai.sum(x * w).backward())  # adds to a gradient from before
    for _ in range(3):
        x = ai.tensor([3.0, 4.0])
        held = weakref.ref(x)
        step(x)
        del x
        assert held() is None


def test_which_arguments_are_the_same_tensor() -> None:
    w = ai.tensor([1.0, 2.0], requires_grad=True)

    def function(a: ai.Tensor, b: ai.Tensor) -> None:
        ai.sum(a * a * b * w).backward()

    step = ai.compile(function)
    for _ in range(2):
        for which in ("xy", "xx", "wy", "yw", "ww"):
            found = []
            for f in (function, step):
                made = {
                    name: ai.tensor([3.0, i], requires_grad=True) for i, name in enumerate("xy")
                }
                made["w"] = w
                w.grad = None
                f(*(made[name] for name in which))
                found.append([t.grad for t in made.values() if t.grad is not None])
            same_bits(*found)


def test_a_gradient_that_flows_out_of_the_step_is_refused() -> None:
    w = ai.tensor([1.0, 2.0], requires_grad=True)

    def function(y: ai.Tensor) -> ai.Tensor:
        loss = ai.sum(y * y)
        loss.backward()
        return loss

    step = ai.compile(function)
    with pytest.raises(CaptureError, match=r"computed outside of the step.*Detach the argument"):
        step(w * 2)
    assert w.grad is None
    same_bits(ai.compile(lambda y: y * y)(w * 2), w * w * 4)
    same_bits(ai.compile(ai.grad(lambda y: ai.sum(y * y)))(w * 2), w * 4)


def test_an_update_alone_reads_the_gradients_of_the_day() -> None:
    def make() -> tuple[nn.Linear, Callable[..., None], Callable[[], None]]:
        model = nn.Linear(3, 2, generator=ai.Generator(0))
        optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)

        def accumulate(x: ai.Tensor) -> None:
            ai.mean(ai.square(model(x))).backward()

        def update() -> None:
            optimizer.step()
            optimizer.zero_grad()

        return model, accumulate, update

    model, accumulate, update = make()
    twin, accumulate_twin, update_twin = make()
    accumulate_twin, update_twin = ai.compile(accumulate_twin), ai.compile(update_twin)
    for i in range(4):
        for j in range(3):
            rows = np.random.default_rng(3 * i + j).standard_normal((5, 3))
            x = ai.tensor(rows, dtype="float32")
            accumulate(x)
            accumulate_twin(x)
        update()
        update_twin()
        same_bits(list(twin.parameters()), list(model.parameters()))
    assert "1 captures" in update_twin.explain()
    assert "2 captures" in accumulate_twin.explain()  # with and without a gradient from before
