"""Convolutions: which way they are computed, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal

import autograd_iron as ai

S: Any = ai.signal
X = np.random.default_rng(0).standard_normal((40, 30))


@pytest.mark.parametrize("method", ["auto", "direct", "fft"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_every_way_gives_the_same(method: str, mode: str) -> None:
    kernel = X[:25, :25].copy()
    expected = scipy.signal.convolve(X, kernel, mode, "direct")
    found = S.convolve(X, kernel, mode, method)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-9)


def test_integers_stay_exact() -> None:
    x = np.arange(2000)
    found = S.convolve(x, x)
    assert found.dtype == "int64"
    np.testing.assert_array_equal(found.numpy(), np.convolve(x, x))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: ai.convolve(x, x), "ai.signal.convolve and correlate take any number"),
        (lambda x: ai.convolve(x[0], x[0], mode="all"), "none of 'full', 'same' and 'valid'"),
        (lambda x: S.convolve(x, x[0]), "both need equally many"),
        (lambda x: S.convolve(x, x[:0]), "is empty"),
        (lambda x: S.convolve(x, x, method="slow"), "none of 'auto', 'direct' and 'fft'"),
        (lambda x: S.convolve(x[:2], x[:, :2], mode="valid"), "as large along every axis"),
        (lambda x: S.fftconvolve(x[:2], x[:, :2], mode="valid"), "as large along the axes"),
        (lambda x: S.convolve2d(x[0], x[1]), "no two matrices"),
        (lambda x: S.convolve2d(x, x, boundary="mirror"), "none of 'fill', 'wrap' and 'symm'"),
        (lambda x: ai.polyval(x, x), "coefficients are a vector"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(ai.tensor(X))
