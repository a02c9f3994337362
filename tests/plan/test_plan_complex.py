"""Compiled steps of complex numbers: in tiles, on threads, written out, with numbers."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import proven, small_cache  # noqa: F401

import autograd_iron as ai

source = np.random.default_rng(0)
START = source.standard_normal((4, 4)) + 1j * source.standard_normal((4, 4))
X = (source.standard_normal((200, 4)) + 1j * source.standard_normal((200, 4))).astype("c8")


def make() -> tuple[Any, list[ai.Tensor]]:
    w = ai.tensor(START, dtype="complex64", requires_grad=True)
    b = ai.tensor([0.5, 0.0, -1.0, 2.0], requires_grad=True)

    def step(x: ai.Tensor) -> ai.Tensor:
        w.grad = b.grad = None
        h = ai.tanh(x @ w * 0.1 + b)
        z = ai.linear(h, w) * 1j + 0.5
        loss = ai.mean(ai.abs(z) ** 2) + ai.norm(w) * 0.1 + ai.mean(ai.sum(h.imag * b, axis=1))
        loss.backward()
        assert w.grad is not None
        assert b.grad is not None
        w.assign(w - 0.01 * w.grad)
        b.assign(b - 0.01 * b.grad)
        return loss

    return step, [w, b]


def near(found: list[Any], wanted: list[Any]) -> None:
    for one, other in zip(found, wanted, strict=True):
        a, b = (np.asarray(getattr(v, "data", v)) for v in (one, other))
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("small_cache")
def test_in_tiles(threads: int) -> None:
    (eager, state), (step, other) = make(), make()
    compiled = ai.compile(step, threads=threads)
    for _ in range(3):
        near([compiled(X)], [eager(ai.asarray(X))])
        near([*other, *(t.grad for t in other)], [*state, *(t.grad for t in state)])
    assert 0 < compiled.plan.tile < len(X)


def test_written_out(tmp_path: Path) -> None:
    compiled = ai.compile(make()[0], threads=1)
    compiled(X)
    compiled.eject(tmp_path / "ejected.py")
    spec = importlib.util.spec_from_file_location("ejected", tmp_path / "ejected.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [module.step(X) for _ in range(2)]
    near(found, [compiled(X) for _ in range(2)])


def test_complex_numbers_are_part_of_the_key_and_keep_their_digits() -> None:
    @ai.compile
    def times(x: ai.Tensor, number: complex) -> ai.Tensor:
        return x * number

    x = ai.ones(1, dtype="float64")
    for number in (1j, 0.1 + 0.7j, 1 - 0j, complex(0.0, -0.0), complex("nan"), 1j):
        np.testing.assert_array_equal(times(x, number).data, np.ones(1) * number)


def test_zero_absorbs_what_is_infinite() -> None:
    def slope(z: ai.Tensor) -> Any:
        z = z.detach()
        z.requires_grad = True
        ai.sum(ai.real(ai.sqrt(z) * [0, 1])).backward()
        return z.grad

    z = ai.asarray(np.array([0, 4j]))
    for f in (slope, ai.compile(slope)):
        assert np.isfinite(f(z).data).all()
        assert f(z).data[0] == 0


def test_pickled_and_shown() -> None:
    z = ai.tensor([1 + 2j], requires_grad=True)
    again = pickle.loads(pickle.dumps(z))
    assert again.requires_grad
    assert again.tolist() == [1 + 2j]
    assert f"{z[0]:.1f}" == "1.0+2.0j"
    assert "complex64" in ai.draw_graph(ai.sum(ai.abs(z))).source
