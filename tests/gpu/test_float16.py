"""float16 on a GPU: stored in 16 bits, added up in float32, for the price of float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from half_precision import ADDING_UP, HALF_A_ROUNDING, gradient, half, rounded, wide

import autograd_iron as ai
import nn

from .device_under_test import counts, reset

RUNS = 4  # of a compiled step, of which the last is one graph


@pytest.mark.parametrize("name", ADDING_UP)
@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_added_up_in_float32_and_rounded_once(name: str, compiled: bool) -> None:
    f, x = ADDING_UP[name]
    expected = rounded(f(wide(x)))
    run = ai.compile(f) if compiled else f
    there = x.to("cuda")
    for _ in range(RUNS if compiled else 1):
        found = run(there)
    assert (found.dtype, found.device) == ("float16", "cuda:0")
    np.testing.assert_allclose(found.numpy(), expected, rtol=2.1 * HALF_A_ROUNDING)


@pytest.mark.parametrize("name", ADDING_UP)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_float16_and_right(name: str, compiled: bool) -> None:
    f, x = ADDING_UP[name]
    exact = gradient(f, wide(x)).numpy()
    run = ai.compile(gradient) if compiled else gradient
    there = x.to("cuda")
    for _ in range(RUNS if compiled else 1):
        found = run(f, there)
    assert (found.dtype, found.device) == ("float16", "cuda:0")
    np.testing.assert_allclose(found.numpy(), exact, rtol=8 * HALF_A_ROUNDING, atol=1e-6)


def cost(work: Any) -> dict[str, int]:
    work()
    reset()
    work()
    return {kind: number for kind, number in counts().items() if number}


@pytest.mark.parametrize(
    "work", [lambda x: x @ x, ai.sum, lambda x: ai.sum(x, axis=0), lambda x: ai.exp(x) * 2 + x]
)
def test_it_costs_what_float32_costs(work: Any) -> None:
    x = half(32, 32).to("cuda")
    y = x.astype("float32")
    assert cost(lambda: work(x)) == cost(lambda: work(y))
    of_x, of_y = ai.compile(work), ai.compile(work)
    for _ in range(RUNS):
        of_x(x)
        of_y(y)
    assert cost(lambda: of_x(x)) == cost(lambda: of_y(y))


def test_float32_parameters_learn_through_float16() -> None:
    model = nn.Linear(64, 1, generator=ai.Generator(0)).to("cuda")
    optimizer, loss_of = nn.Adam(model, 0.01), nn.MSELoss()
    x = half(128, 64, low=-1).to("cuda")
    y = x[:, :1] * 0.5

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        weight, bias = (p.astype("float16") for p in (model.weight, model.bias))
        loss = loss_of(ai.linear(x, weight, bias), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    compiled = ai.compile(step)
    losses = [compiled(x, y) for _ in range(60)]
    assert losses[0].dtype == "float16"
    assert model.weight.dtype == "float32"
    assert float(losses[-1]) < float(losses[0]) / 20
