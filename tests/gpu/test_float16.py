"""16 bits on a GPU: float16 and bfloat16 are stored so, and added up in float32."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from half_precision import ADDING_UP, HALF_A_ROUNDING, NARROW, gradient, half, plain, wide

import autograd_iron as ai
import nn

from .device_under_test import counts, reset

RUNS = 4  # of a compiled step, of which the last is one graph


@pytest.mark.parametrize("name", ADDING_UP)
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_added_up_in_float32_and_rounded_once(name: str, dtype: str, compiled: bool) -> None:
    f, x = ADDING_UP[name]
    x = x.astype(dtype)
    expected = plain(f(wide(x)))
    run = ai.compile(f) if compiled else f
    there = x.to("cuda")
    for _ in range(RUNS if compiled else 1):
        found = run(there)
    assert (found.dtype, found.device) == (dtype, "cuda:0")
    np.testing.assert_allclose(plain(found), expected, rtol=1.1 * HALF_A_ROUNDING[dtype])


@pytest.mark.parametrize("name", ADDING_UP)
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_have_16_bits_and_are_right(name: str, dtype: str, compiled: bool) -> None:
    f, x = ADDING_UP[name]
    x = x.astype(dtype)
    exact = plain(gradient(f, wide(x)))
    run = ai.compile(gradient) if compiled else gradient
    there = x.to("cuda")
    for _ in range(RUNS if compiled else 1):
        found = run(f, there)
    assert (found.dtype, found.device) == (dtype, "cuda:0")
    np.testing.assert_allclose(plain(found), exact, rtol=8 * HALF_A_ROUNDING[dtype], atol=1e-6)


def cost(work: Any) -> dict[str, int]:
    work()
    reset()
    work()
    return {kind: number for kind, number in counts().items() if number}


@pytest.mark.parametrize(
    ("work", "adds_up"),
    [
        (lambda x: x @ x, False),
        (ai.sum, True),
        (lambda x: ai.sum(x, axis=0), True),
        (lambda x: ai.exp(x) * 2 + x, False),
    ],
)
@pytest.mark.parametrize("dtype", NARROW)
def test_it_costs_what_float32_costs(work: Any, adds_up: bool, dtype: str) -> None:
    x = half(32, 32).astype(dtype).to("cuda")
    y = x.astype("float32")
    if dtype == "float16":  # eagerly, bfloat16 is cast to float32 and back
        cast = cost(lambda: y.astype("float16")) if adds_up else {}
        assert cost(lambda: work(x)) == Counter(cost(lambda: work(y))) + Counter(cast)
    of_x, of_y = ai.compile(work), ai.compile(work)
    for _ in range(RUNS):
        of_x(x)
        of_y(y)
    assert cost(lambda: of_x(x)) == cost(lambda: of_y(y))


def test_a_layer_multiplies_what_is_stored_and_rounds_once() -> None:
    x, w = (half(*shape).astype("bfloat16").to("cuda") for shape in ((64, 32), (16, 32)))
    b = half(16).astype("bfloat16").to("cuda")
    step = ai.compile(ai.linear)
    for _ in range(RUNS):
        found = step(x, w, b)
    assert [type(launch).__name__ for launch in step.plan.launches] == ["Product", "Loop"]
    assert {v.dtype for v in step.plan.launches[0].reads} == {ai.bfloat16}
    expected = ai.linear(*(wide(t) for t in (x, w, b)))
    np.testing.assert_allclose(
        plain(found.to("cpu")), plain(expected.to("cpu")), rtol=1.1 * HALF_A_ROUNDING["bfloat16"]
    )


@pytest.mark.parametrize("dtype", NARROW)
def test_tf32_is_asked_for_float32_alone(dtype: str) -> None:
    x = half(32, 32).astype(dtype).to("cuda")
    expected = plain((wide(x) @ wide(x)).to("cpu"))
    ai.cuda.allow_tf32()
    try:
        step = ai.compile(lambda x: x @ x)
        found = step(x)
    finally:
        ai.cuda.allow_tf32(False)
    np.testing.assert_allclose(plain(found.to("cpu")), expected, rtol=1.1 * HALF_A_ROUNDING[dtype])


@pytest.mark.parametrize("dtype", NARROW)
def test_float32_parameters_learn_through_16_bits(dtype: str) -> None:
    model = nn.Linear(64, 1, generator=ai.Generator(0)).to("cuda")
    optimizer, loss_of = nn.Adam(model.parameters(), 0.01), nn.MSELoss()
    x = half(128, 64, low=-1).astype(dtype).to("cuda")
    y = x[:, :1] * 0.5

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        weight, bias = (p.astype(dtype) for p in (model.weight, model.bias))
        loss = loss_of(ai.linear(x, weight, bias), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    compiled = ai.compile(step)
    losses = [compiled(x, y) for _ in range(60)]
    assert losses[0].dtype == dtype
    assert model.weight.dtype == "float32"
    assert float(losses[-1]) < float(losses[0]) / 20


def test_it_meets_its_neighbours() -> None:
    x = ai.tensor([1.5, 2.0, 0.25], dtype="bfloat16", device="cuda")
    y = ai.tensor([0.1, 0.2], dtype="float16", device="cuda")
    for f, dtype, right in (
        (lambda x, y: ai.concat([x, y]), "float32", [1.5, 2.0, 0.25, *y.tolist()]),
        (lambda x, y: x.at[1:].set(y), "bfloat16", [1.5, 0.10009765625, 0.2001953125]),
        (lambda x, y: x.at[1:].add(y), "bfloat16", [1.5, 2.09375, 0.44921875]),
    ):
        step = ai.compile(f)
        for run in (f, *(step,) * RUNS):
            assert run(x, y).dtype == dtype
            assert run(x, y).tolist() == right
    y.assign(x[:2])
    assert (y.dtype, y.tolist()) == ("float16", [1.5, 2.0])


@pytest.mark.parametrize("dtype", NARROW)
def test_each_number_of_a_range_is_rounded_once(dtype: str) -> None:
    made = ai.arange(-1, 1, 0.003, dtype=dtype, device="cuda")
    assert made.device == "cuda:0"
    assert made.tolist() == ai.arange(-1, 1, 0.003, dtype="float64").astype(dtype).tolist()
