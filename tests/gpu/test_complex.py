"""Complex numbers on a GPU: the host's values and gradients, eager and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401
from complex_samples import ENTRIES, tries
from samples import some_names

import autograd_iron as ai

from .device_under_test import forbid
from .planning import interpreted, twins
from .test_eager import BY_CUSOLVER, HERE

NAMES = sorted(
    name
    for name in ENTRIES.keys() & set(HERE)
    if name not in BY_CUSOLVER and name not in ("getitem", "add_at", "set_at")
)


def pulled(function: Any, arrays: list[Any]) -> list[ai.Tensor]:
    """Return the result and the gradients of a call."""
    leaves = [x.detach() for x in arrays]
    for x in leaves:
        x.requires_grad = x.is_complex()
    output = function(*leaves)
    if output.requires_grad:
        ai.sum(ai.real(output * ai.conj(output))).backward()
    return [output.detach(), *(x.grad for x in leaves if x.grad is not None)]


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_the_host(name: str) -> None:
    for t in tries(name)[:3]:
        moved = [x.to("cuda") for x in t.narrow]
        with forbid("sync", "h2d", "d2h"):
            found = pulled(t.function, moved)
        for one, other in zip(found, pulled(t.function, t.narrow), strict=True):
            assert one.device == "cuda:0"
            assert one.dtype == other.dtype
            np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", some_names(NAMES, "compiled"))
def test_compiled_is_eager(name: str) -> None:
    def make(device: str) -> Any:
        calls = [(t.function, [x.to(device) for x in t.narrow]) for t in tries(name)[:2]]
        return lambda: [pulled(*call) for call in calls], []

    with interpreted():
        twins(make)


def test_a_step() -> None:
    source = np.random.default_rng(0)
    start = source.standard_normal((8, 8)) + 1j * source.standard_normal((8, 8))

    def make(device: str) -> Any:
        w = ai.tensor(start, dtype="complex64", requires_grad=True, device=device)

        def step(x: ai.Tensor) -> ai.Tensor:
            w.grad = None
            wave = ai.exp(1j * x)[:, None] * ai.tanh(w @ w.mH / 8) + w.T.reshape(8, 8)
            rest = ai.concat([wave, ai.zeros((1, 8), "complex64", device=device)]) + 0 * x
            loss = ai.mean(ai.abs(rest)) + ai.sum(ai.mean(w, axis=0).imag ** 2)
            loss.backward()
            assert w.grad is not None
            w.assign(w - 0.1 * w.grad)
            return loss

        return step, [w]

    with interpreted():
        twins(make, *((source.standard_normal(8).astype("f4"),) for _ in range(3)))
