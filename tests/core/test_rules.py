"""What a gradient rule may return, and the words for what it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import own_words

import autograd_iron as ai

X = np.ones((4, 3))


def first(f: Callable[[Any], Any], x: ai.Tensor) -> None:
    x.requires_grad = True
    f(x).backward()


def recorded(f: Callable[[Any], Any], x: ai.Tensor) -> None:
    ai.grad(lambda x: ai.sum(ai.grad(f)(x) ** 2))(x)


def compiled(f: Callable[[Any], Any], x: ai.Tensor) -> None:
    ai.compile(ai.grad(f))(x)


def from_outside(f: Callable[[Any], Any], x: ai.Tensor) -> None:
    first(ai.compile(f), x)


def refuse(rule: Callable[..., Any], way: Callable[..., None], says: str) -> None:
    with own_words():

        @ai.extend.primitive
        def own(xp: Any, x: Any, /) -> Any:
            """Return twice x."""
            return x * 2

        own.shape(lambda x: ai.extend.Spec(x.shape, x.dtype))
        own.vjp(rule)
        with pytest.raises(ValueError, match=f"the gradient rule of own returned {says}"):
            way(lambda x: ai.sum(own(x) * x), ai.tensor(X))


@pytest.mark.parametrize("way", [first, recorded, compiled, from_outside])
@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (lambda F, g, y, x: None, "a NoneType for an input of shape"),
        (lambda F, g, y, x: 2.0, "a float"),
        (lambda F, g, y, x: (g * 2,), "a tuple"),
        (lambda F, g, y, x: F.sum(g, axis=0), r"shape \(3,\) for an input of shape \(4, 3\)"),
        (lambda F, g, y, x: g[:2], r"shape \(2, 3\)"),
    ],
)
def test_what_is_no_gradient(rule: Callable[..., Any], way: Callable[..., None], says: str) -> None:
    refuse(rule, way, says)


@pytest.mark.parametrize("way", [recorded, compiled, from_outside])
def test_a_raw_array_would_lose_the_gradients_of_the_gradient(way: Callable[..., None]) -> None:
    refuse(lambda F, g, y, x: np.full(x.shape, 2.0), way, "a raw array")
