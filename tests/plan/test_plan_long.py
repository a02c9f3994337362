"""Long programs: compiled in pieces, in time that grows as their length."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import same_bits

import autograd_iron as ai
from autograd_iron.plan.numpy import source

X = np.random.default_rng(0).uniform(0.5, 1.5, (3, 4)).astype("float32")


def chain(length: int) -> Callable[..., Any]:
    def function(x: ai.Tensor, a: ai.Tensor, b: ai.Tensor) -> ai.Tensor:
        for _ in range(length // 2):
            x = x * a + b
        return x

    return function


def arguments() -> list[ai.Tensor]:
    return [ai.tensor(X), ai.tensor(X / 2), ai.tensor(X / 4)]


def views_all_along(x: ai.Tensor) -> ai.Tensor:
    """Look at an argument at the start, and at the look and at a captured tensor to the end."""
    turned = x.mT
    last = turned[1:]
    for i in range(30):
        x = x + turned.mT * (last.mT @ TURNED[:3])[0] + ai.maximum(TURNED[i % 4], 0)[:1]
    return x


TURNED = ai.tensor(np.random.default_rng(1).standard_normal((4, 4)), dtype="float32")


@pytest.mark.parametrize("longest", [1, 7, 50])
def test_pieces_compute_what_one_function_does(
    longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = views_all_along(ai.tensor(X))
    monkeypatch.setattr(source, "LONGEST", longest)
    step = ai.compile(views_all_along)
    for scale in (1, 2):  # the second run is a replay, on other memory
        same_bits([step(ai.tensor(X * scale))], [views_all_along(ai.tensor(X * scale))])
    same_bits([step(ai.tensor(X))], [expected])


def test_a_training_step_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(w: ai.Tensor) -> Callable[[ai.Tensor], ai.Tensor]:
        def step(x: ai.Tensor) -> ai.Tensor:
            loss = ai.mean(ai.tanh(x @ w) ** 2)
            loss.backward()
            with ai.no_grad():
                w.assign(w - 0.1 * w.grad)
            w.grad = None
            return loss

        return step

    eager, compiled = (ai.tensor(X.T, requires_grad=True) for _ in range(2))
    x = ai.tensor(np.tile(X, (100, 1)))
    expected = [train(eager)(x) for _ in range(3)]
    monkeypatch.setattr(source, "LONGEST", 2)
    step = ai.compile(train(compiled))
    same_bits([step(x) for _ in range(3)], expected)
    same_bits([compiled], [eager])


def test_no_piece_is_longer() -> None:
    found: list[int] = []

    def look(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename == "<plan>":
            found.append(len({line for *_, line in frame.f_code.co_lines()}))

    step = ai.compile(chain(4 * source.LONGEST))
    step(*arguments())
    sys.setprofile(look)
    try:
        step(*arguments())
    finally:
        sys.setprofile(None)
    assert len(found) == 4
    assert max(found) <= source.LONGEST + 2  # that of the def, and none


def calls(length: int) -> int:
    """Return how many functions are called while a chain of this length is compiled."""
    count = 0

    def look(_frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    step = ai.compile(chain(length))
    given = arguments()
    sys.setprofile(look)
    try:
        step(*given)
    finally:
        sys.setprofile(None)
    return count


def test_compiling_grows_as_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LONGEST", 100)
    calls(10)
    short, long = calls(1000), calls(4000)
    assert long < 4.2 * short
