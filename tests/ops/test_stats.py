"""`ai.stats` beside SciPy: values, gradients, supports, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats

import autograd_iron as ai

METHODS = ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf")
X = np.array([[-0.7, 0.4, 1.3], [2.2, 0.1, 0.8]])
UNIT = np.array([[0.2, 0.4, 0.9], [0.7, 0.1, 0.8]])
SHAPES: dict[str, tuple[Any, list[Any]]] = {
    "norm": (X, []),
    "t": (X, [np.array([1.5, 4.0, 30.0])]),
    "gamma": (np.abs(X), [np.array([0.6, 2.0, 1.0])]),
    "chi2": (np.abs(X), [np.array([1.0, 2.0, 5.5])]),
    "beta": (UNIT, [np.array([0.6, 2.0, 1.0]), 1.7]),
}


def both(name: str, method: str, *args: Any, **settings: Any) -> tuple[Any, Any]:
    ours = getattr(getattr(ai.stats, name), method)(*args, **settings)
    theirs = getattr(getattr(scipy.stats, name), method)(*args, **settings)
    return ours, theirs


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SHAPES)
def test_values_are_scipys(name: str, method: str) -> None:
    x, shapes = SHAPES[name]
    for settings in ({}, {"loc": -0.2, "scale": 1.5}, {"scale": np.array([[0.9], [2.0]])}):
        ours, theirs = both(name, method, x, *shapes, **settings)
        assert ours.dtype == "float64"
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", SHAPES)
def test_loc_and_scale_may_be_given_in_order(name: str) -> None:
    x, shapes = SHAPES[name]
    ours, theirs = both(name, "logpdf", x, *shapes, -0.3, 2.0)
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-11)


@pytest.mark.parametrize("name", SHAPES)
def test_densities_have_gradients_in_every_argument(name: str) -> None:
    x, shapes = SHAPES[name]
    density = getattr(ai.stats, name).logpdf
    arguments = [x, *(np.array(s) for s in shapes), np.array(-0.1), np.array([[1.2], [1.5]])]
    ai.check_grads(density, arguments, order=2, rtol=1e-4)


@pytest.mark.parametrize("method", ["cdf", "sf", "logcdf", "logsf"])
@pytest.mark.parametrize("name", SHAPES)
def test_distribution_functions_have_gradients(name: str, method: str) -> None:
    x, shapes = SHAPES[name]
    function = getattr(getattr(ai.stats, name), method)
    ai.check_grads(
        lambda x, loc, scale: function(x, *shapes, loc=loc, scale=scale),
        [x, np.array(-0.05), np.array(1.2)],
        order=2,
        rtol=1e-4,
    )


@pytest.mark.parametrize("method", ["logpdf", "pdf", "cdf", "sf"])
@pytest.mark.parametrize("name", ["gamma", "chi2", "beta"])
def test_outside_the_support(name: str, method: str) -> None:
    _, shapes = SHAPES[name]
    x = np.array([-1.0, 40.0, np.nan])
    ours, theirs = both(name, method, x, *shapes)
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-11, atol=1e-30)
    leaf = ai.tensor(x[:1], requires_grad=True)
    ai.sum(getattr(getattr(ai.stats, name), method)(leaf, *shapes)).backward()
    assert leaf.grad is not None
    assert leaf.grad.tolist() == [0.0]


def test_tails_of_the_normal_distribution() -> None:
    x = np.array([-40.0, -5.0, 5.0, 40.0])
    for method in ("logcdf", "logsf"):
        ours, theirs = both("norm", method, x)
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12)
    ours, theirs = both("norm", "ppf", UNIT, 1.0, 2.0)
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-12)


@pytest.mark.parametrize("method", ["logpmf", "pmf", "cdf", "sf", "logcdf", "logsf"])
def test_poisson(method: str) -> None:
    k, mu = np.array([0.0, 1.0, 7.0, 2.5, -1.0]), np.array([0.4, 3.0, 6.0, 1.0, 2.0])
    with np.errstate(divide="ignore"):
        ours, theirs = both("poisson", method, k, mu)
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-11)
    shifted, theirs = both("poisson", method, k[:3] + 1, mu[:3], loc=1)
    np.testing.assert_allclose(shifted.data, theirs, rtol=1e-11)
    function = getattr(ai.stats.poisson, method)
    ai.check_grads(lambda mu: function(k[:3], mu), [mu[:3]], order=2, rtol=1e-4)


COVARIANCE = np.array([[2.0, 0.3, -0.1], [0.3, 1.0, 0.2], [-0.1, 0.2, 0.7]])


@pytest.mark.parametrize("method", ["logpdf", "pdf"])
@pytest.mark.parametrize("covariance", [COVARIANCE, np.diag(COVARIANCE), 1.7])
def test_multivariate_normal(method: str, covariance: Any) -> None:
    mean = np.array([0.1, -0.2, 0.3])
    for x in (X, X[0]):
        ours, theirs = both("multivariate_normal", method, x, mean, covariance)
        assert ours.shape == np.shape(theirs)
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12)
    ours, theirs = both("multivariate_normal", "entropy", mean, covariance)
    np.testing.assert_allclose(float(ours), theirs, rtol=1e-12)


def test_multivariate_normal_has_gradients() -> None:
    def density(x: Any, mean: Any, root: Any) -> Any:
        return ai.stats.multivariate_normal.logpdf(x, mean, root @ root.mT + ai.eye(3))

    ai.check_grads(density, [X, np.array([0.1, -0.2, 0.3]), COVARIANCE], order=2, rtol=1e-4)


def test_a_singular_covariance() -> None:
    turn = np.linalg.qr(COVARIANCE + np.arange(3))[0]
    flat = turn @ np.diag([1.5, 0.7, 0.0]) @ turn.T
    inside, settings = turn @ np.array([0.3, -1.0, 0.0]), {"allow_singular": True}
    for x in (inside, X[0], np.stack([inside, X[0]])):
        for covariance in (flat, COVARIANCE):
            ours, theirs = both("multivariate_normal", "logpdf", x, None, covariance, **settings)
            np.testing.assert_allclose(ours.data, theirs, rtol=1e-9)
    density = ai.stats.multivariate_normal.pdf

    def at(place: Any, mean: Any) -> Any:
        return density(turn[:, :2] @ place, turn[:, :2] @ mean, flat, allow_singular=True)

    ai.check_grads(at, [np.array([0.3, -1.0]), np.array([0.1, 0.2])], order=2, rtol=1e-4)


def test_dirichlet() -> None:
    alpha = np.array([0.7, 2.0, 3.5])
    shares = np.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]])
    for x in (shares, shares[:, 0], shares[:2]):
        ours, theirs = both("dirichlet", "logpdf", x, alpha)
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12)
    np.testing.assert_allclose(*both("dirichlet", "pdf", shares, alpha), rtol=1e-12)
    ai.check_grads(ai.stats.dirichlet.logpdf, [shares, alpha], order=2, rtol=1e-4)


def test_float32_stays_float32() -> None:
    x = ai.tensor([0.5, 0.25])
    assert ai.stats.norm.logpdf(x, 0.5, 2.0).dtype == "float32"
    assert ai.stats.beta.cdf(x, 2.0, 3.0).dtype == "float32"
    assert ai.stats.norm.cdf([1, 2]).dtype == "float32"


def test_compiled_is_eager() -> None:
    x = ai.tensor(np.abs(X))
    for f in (ai.stats.norm.logpdf, lambda x: ai.stats.gamma.cdf(x, 2.0)):
        np.testing.assert_allclose(ai.compile(f)(x).data, f(x).data, rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ai.stats.t.logpdf(1.0), TypeError, "df is missing"),
        (lambda: ai.stats.norm.logpdf(1.0, 0, 1, 2), TypeError, "expected .x, loc=0, scale=1"),
        (lambda: ai.stats.norm.cdf(1.0, mean=0), TypeError, "mean"),
        (lambda: ai.stats.dirichlet.logpdf([0.5], [1.0, 1.0, 1.0]), ValueError, "3 numbers"),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_shape_without_a_derivative_is_refused() -> None:
    a = ai.tensor([2.0], requires_grad=True)
    with pytest.raises(NotImplementedError, match="gammainc has no derivative"):
        ai.stats.gamma.cdf(1.0, a).backward()
