"""Special functions at their edges, without SciPy, and where no derivative is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import autograd_iron as ai
from autograd_iron.ops.special import errors


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["erf", "erfc", "erfcx"])
def test_error_functions_without_scipy(name: str, dtype: str) -> None:
    x = np.linspace(-5, 9, 4001).astype(dtype)
    made = getattr(errors, f"_{name}")(np, x)
    assert made.dtype == dtype
    tolerance = {"float32": 5e-6, "float64": 1e-14}[dtype]
    np.testing.assert_allclose(made, getattr(sp, name)(x.astype("float64")), rtol=tolerance)
    edges = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)
    made, expected = getattr(errors, f"_{name}")(np, edges), getattr(sp, name)(edges)
    np.testing.assert_allclose(made, expected, rtol=tolerance)


def test_erf_is_the_polynomial_where_scipy_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "_erf_of_scipy", lambda: None)
    x = ai.tensor([-0.5, 2.0, 8.0], dtype="float64")
    np.testing.assert_allclose(ai.special.erf(x).data, sp.erf(x.data), rtol=1e-15)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma(n: int) -> None:
    x = np.array([0.3, 1.5, 7.0])
    np.testing.assert_allclose(ai.special.polygamma(n, x).data, sp.polygamma(n, x), rtol=1e-12)
    ai.check_grads(lambda x: ai.special.polygamma(n, x), [x], order=2, rtol=1e-4)


def test_a_polygamma_of_half_an_order_is_refused() -> None:
    with pytest.raises(ValueError, match="the order is a whole number"):
        ai.special.polygamma(0.5, 1.0)


@pytest.mark.parametrize(
    ("function", "others"), [("gammainc", (2.0,)), ("zeta", (2.0,)), ("betainc", (2.0, 0.5))]
)
def test_a_derivative_that_is_not_known_is_refused(function: str, others: Any) -> None:
    x = ai.tensor([2.0], requires_grad=True)
    with pytest.raises(NotImplementedError, match=f"{function} has no derivative with respect to"):
        ai.sum(getattr(ai.special, function)(x, *others)).backward()


def test_log_ndtr_keeps_its_slope_far_out() -> None:
    x = ai.tensor([-200.0, -5.0, 0.0, 8.0, 40.0], dtype="float64", requires_grad=True)
    y = ai.special.log_ndtr(x)
    np.testing.assert_allclose(y.data, sp.log_ndtr(x.data), rtol=1e-13)
    ai.sum(y).backward()
    assert x.grad is not None
    slope = np.exp(-(x.data**2) / 2 - 0.5 * np.log(2 * np.pi) - sp.log_ndtr(x.data))
    np.testing.assert_allclose(x.grad.data, slope, rtol=1e-11)


def test_nothing_times_a_logarithm() -> None:
    x, y = np.array([0.0, 0.0, 0.0, 2.0, 0.0]), np.array([0.0, -1.0, np.inf, 3.0, np.nan])
    np.testing.assert_array_equal(ai.special.xlogy(x, y).data, sp.xlogy(x, y))
    leaf = ai.tensor([0.0], requires_grad=True)
    ai.sum(ai.special.xlogy(leaf, 2.0)).backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad.data, np.log(2.0), rtol=1e-6)


def test_entropies_at_their_edges() -> None:
    x, y = np.array([0.0, -1.0, 1.0, np.nan, 1.0]), np.array([0.0, 1.0, 0.0, 1.0, np.nan])
    np.testing.assert_array_equal(ai.special.rel_entr(x, y).data, sp.rel_entr(x, y))
    np.testing.assert_array_equal(ai.special.entr(x).data, sp.entr(x))


def test_logsumexp_with_factors_and_signs() -> None:
    a, b = np.array([[1.0, 800.0], [-3.0, 2.0]]), np.array([[1.0, 0.0], [-2.0, 1.0]])
    made = ai.special.logsumexp(a, axis=1, b=b, return_sign=True)
    expected = sp.logsumexp(a, axis=1, b=b, return_sign=True)
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one.data, other, rtol=1e-13)
    ai.check_grads(lambda a, b: ai.special.logsumexp(a, axis=1, b=b**2), [a, b + 0.5], order=2)
