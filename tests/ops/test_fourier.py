"""Fourier transforms: NumPy's values and dtypes, and the gradients of what they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sampling import Array

import autograd_iron as ai

fft: Any = ai.fft
NAMES = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
OF_SEVERAL = ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]
HOW: list[dict[str, Any]] = [
    {},
    {"n": 3, "axis": 0},
    {"n": 4, "norm": "forward"},
    {"n": 7, "norm": "ortho"},
    {"n": 8, "axis": 0},
    {"n": 1},
]
HOW_MANY: list[dict[str, Any]] = [
    {"axes": (0, 1)},
    {"s": (3, 6), "axes": (0, 1)},
    {"s": (6, 3), "axes": (1, 0), "norm": "ortho"},
    {"axes": (0,), "norm": "forward"},
    {"axes": (-1, 0)},
]
CALLS = [(n, how) for n in NAMES for how in HOW] + [(n, h) for n in OF_SEVERAL for h in HOW_MANY]
every_call = pytest.mark.parametrize(("name", "how"), CALLS, ids=[f"{n}-{h}" for n, h in CALLS])


def given(name: str, dtype: str = "complex128") -> Array:
    source = np.random.default_rng(0)
    x = source.standard_normal((4, 5)) + 1j * source.standard_normal((4, 5))
    real = name.startswith("r") or name == "ihfft"
    return x.real.astype("f4" if dtype == "complex64" else "f8") if real else x.astype(dtype)


@every_call
def test_values_and_dtypes_are_numpys(name: str, how: dict[str, Any]) -> None:
    for dtype, close in (("complex128", 1e-12), ("complex64", 1e-5)):
        x = given(name, dtype)
        expected = getattr(np.fft, name)(x, **how)
        for found in (getattr(fft, name)(x, **how), getattr(np.fft, name)(ai.tensor(x), **how)):
            assert isinstance(found, ai.Tensor)
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(found.numpy(), expected, rtol=close, atol=close)


def loss(f: Callable[[Any], Any], power: int = 1) -> Callable[[Any], Any]:
    """Return a real function in which each part of each element counts."""

    def of(x: Any) -> Any:
        y = f(x)
        source = np.random.default_rng(1)
        weights = source.standard_normal(y.shape) + 1j * source.standard_normal(y.shape)
        return ai.sum(ai.real(ai.conj(weights) * (y if power == 1 else y * y)))

    return of


@every_call
def test_gradients_are_those_of_differences(name: str, how: dict[str, Any]) -> None:
    x = given(name)
    f = loss(lambda x: getattr(fft, name)(x, **how), power=2)
    leaf = ai.tensor(x, requires_grad=True)
    f(leaf).backward()
    assert leaf.grad is not None
    assert leaf.grad.dtype == x.dtype
    source = np.random.default_rng(2)
    for unit in (1, 1j) if x.dtype.kind == "c" else (1,):
        v, eps = source.standard_normal(x.shape) * unit, 1e-6
        slope = float(f(ai.tensor(x + eps * v)) - f(ai.tensor(x - eps * v))) / 2 / eps
        np.testing.assert_allclose(np.sum(np.conj(v) * leaf.grad.numpy()).real, slope, rtol=1e-6)


@pytest.mark.parametrize("name", ["rfft", "rfft2", "rfftn", "ihfft", "fft"])
def test_both_gradients_of_what_is_made_of_real_numbers(name: str) -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    f = loss(getattr(fft, name), power=2)
    ai.check_grads(f, [x], order=2)
    np.testing.assert_allclose(ai.compile(ai.grad(f))(x).numpy(), ai.grad(f)(x).numpy())


def test_to_and_back() -> None:
    x = ai.tensor(given("rfft"))
    np.testing.assert_allclose(fft.irfft(fft.rfft(x), 5).numpy(), x.numpy(), atol=1e-12)
    np.testing.assert_allclose(fft.ifftn(fft.fftn(x)).real.numpy(), x.numpy(), atol=1e-12)
    np.testing.assert_allclose(fft.ifftshift(fft.fftshift(x)).numpy(), x.numpy())


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
def test_frequencies(name: str, n: int) -> None:
    found = getattr(fft, name)(n, 0.5)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.numpy(), getattr(np.fft, name)(n, 0.5), rtol=1e-6)
    exact = getattr(fft, name)(n, d=0.1, dtype="float64").numpy()
    np.testing.assert_allclose(exact, getattr(np.fft, name)(n, 0.1), rtol=1e-14)


def test_integers_and_lists_are_single_precision() -> None:
    assert fft.fft([1, 2, 3]).dtype == "complex64"
    assert fft.rfft(ai.arange(4)).dtype == "complex64"
    assert fft.fft(ai.ones(4, "float16")).dtype == "complex64"
    assert fft.irfft([1.0, 2.0]).dtype == "float32"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda x: fft.rfft(x * 1j), TypeError, "rfft is of real numbers, got complex"),
        (lambda x: fft.ihfft(x * 1j), TypeError, "ihfft is of real numbers"),
        (lambda x: fft.fft(x, norm="sum"), ValueError, "none of 'backward', 'ortho'"),
        (lambda x: fft.fft(x, n=0), ValueError, "1 number or more, not of 0"),
        (lambda x: fft.irfft(x[:, :1]), ValueError, "1 number or more, not of 0"),
        (lambda x: fft.fft(x, axis=2), ValueError, "out of range"),
        (lambda x: fft.fft2(x[0]), ValueError, "out of range"),
        (lambda x: fft.fftn(x, s=(2, 2), axes=(0,)), ValueError, "s has 2 sizes for 1 axes"),
        (lambda x: fft.fftfreq(0), ValueError, "1 number or more"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call(ai.tensor(given("rfft")))
