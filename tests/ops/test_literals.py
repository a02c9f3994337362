"""Arrays as they are written down: `array` of Tensors, `r_`, `c_`, and what is asked of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

X = np.array([1.5, 2.0, 3.0])
JOINED: list[Callable[[Any, Any], Any]] = [
    lambda m, x: m.array([x, x * 2]),
    lambda m, x: m.array([[x[0], 0.1], [0.2, x[1]]]),
    lambda m, x: m.array([[x, x], [x, [1, 2, 3]]]),
    lambda m, x: m.array((x[0], 2)),
    lambda m, x: m.array(x, ndmin=2),
    lambda m, x: m.r_[1:4, 0, x],
    lambda m, x: m.r_[0:1:5j, x],
    lambda m, x: m.r_[0:1:0.25, x, 0.1],
    lambda m, x: m.r_[x, [0.1, 0.2]],
    lambda m, x: m.r_["0,2", x, [0.1, 2, 3]],
    lambda m, x: m.r_["0,2,0", x, x],
    lambda m, x: m.r_["1", [x, x], [[3.5], [4]]],
    lambda m, x: m.c_[x, x],
    lambda m, x: m.c_[x, [4, 5, 6]],
    lambda m, x: m.c_[x[None], 0, 0, [[4, 5, 6]]],
]


@pytest.mark.parametrize("join", JOINED)
def test_pieces_are_joined_as_numpys(join: Callable[[Any, Any], Any]) -> None:
    made, expected = join(ai, ai.asarray(X)), join(np, X)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made.data, expected)
    ai.check_grads(lambda x: ai.square(join(ai, x)), [ai.asarray(X)], order=2)
    plan = ai.compile(lambda x: join(ai, x))
    np.testing.assert_array_equal(plan(ai.asarray(X)).data, expected)


def test_pieces_without_an_array_are_as_in_lists() -> None:
    assert ai.array([1.0, 2]).dtype == ai.r_[0.5, 1].dtype == ai.r_[0:1:3j].dtype == "float32"
    assert ai.array([1, 2]).dtype == ai.r_[0:3, 5].dtype == "int64"
    assert ai.array(np.ones(2)).dtype == "float64"
    assert ai.array([1, 2], dtype="float64", ndmin=2).shape == (1, 2)
    assert ai.r_["c", [1, 2]].shape == (2, 1)
    assert ai.r_["r", [1, 2]].shape == (1, 2)


def test_array_copies_unless_it_is_told_not_to() -> None:
    given = np.ones(2)
    assert not np.shares_memory(ai.array(given).data, given)
    assert np.shares_memory(ai.array(given, copy=False).data, given)


def test_pieces_that_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match=r"r_: 'x' is none of 'r', 'c' and"):
        ai.r_["x", 1]
    with pytest.raises(ValueError, match="c_: there is nothing to join"):
        ai.c_[()]
    with pytest.raises(ValueError, match="cannot begin at 5"):
        ai.r_["0,2,5", [1, 2]]
    with pytest.raises(ValueError, match="array"):
        ai.array([ai.ones(2), ai.ones(3)])


def test_keys() -> None:
    assert ai.s_[1:3, ...] == (slice(1, 3), ...)
    assert ai.s_[2] == 2
    assert ai.index_exp[2] == (2,)


@pytest.mark.parametrize("value", [3, 1.5, [[1, 2], [3, 4]], 1j, X, [1, 2.5j]])
def test_what_is_asked_of_arrays(value: Any) -> None:
    for question in ("ndim", "shape", "size", "iscomplexobj", "isrealobj", "isscalar"):
        assert getattr(ai, question)(value) == getattr(np, question)(value), question
    assert ai.size([[1, 2, 3]], axis=1) == np.size([[1, 2, 3]], axis=1) == 3
    assert ai.shape(ai.ones((2, 3))) == (2, 3)
    assert ai.promote_types("int64", ai.float32) == ai.result_type("int64", "float32")


def test_real_if_close() -> None:
    near, far = np.array([1 + 1e-15j, 2]), np.array([1 + 1e-3j, 2])
    for value, settings in ((near, {}), (far, {}), (far, {"tol": 0.01}), (X, {})):
        made = ai.real_if_close(ai.asarray(value), **settings)
        expected = np.real_if_close(value, tol=settings.get("tol", 100))
        if settings:
            expected = value.real
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made.data, expected)


def test_zeros_are_trimmed_as_numpys() -> None:
    for value in ([0, 0, 1.0, 0, 2, 0], [0.0, 0.0], np.pad(np.ones((2, 2)), 2), [[0, 1.0], [0, 0]]):
        for settings in ({}, {"trim": "f"}, {"trim": "b"}):
            given = np.asarray(value)
            made = ai.trim_zeros(ai.asarray(given), **settings)
            if given.ndim == 1:  # NumPy 2.0 and 2.1 have no others
                np.testing.assert_array_equal(made.data, np.trim_zeros(given, **settings))
    assert ai.trim_zeros(ai.asarray(np.pad(np.ones((2, 2)), 2))).shape == (2, 2)
    assert ai.trim_zeros(ai.asarray(np.pad(np.ones((2, 2)), 2)), axis=1).shape == (6, 2)
    with pytest.raises(ValueError, match="none of 'f', 'b' and 'fb'"):
        ai.trim_zeros([1.0], "x")


def test_roots_and_the_covariance_of_a_fit_are_numpys() -> None:
    for p in ([1.0, -6, 11, -6], [0, 2.0, 0, -2, 0, 0], [1.0, 0, 1], [3.0], [0.0]):
        made = ai.roots(ai.asarray(np.array(p))).data
        made, expected = (
            sorted(z.round(9) + 0, key=lambda v: (v.real, v.imag)) for z in (made, np.roots(p))
        )
        np.testing.assert_allclose(made, expected, atol=1e-9)
    x, y = np.arange(6.0), np.array([1.0, 3, 2, 5, 7, 6])
    ours, theirs = ai.polyfit(x, y, 2, cov=True), np.polyfit(x, y, 2, cov=True)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b, rtol=1e-9)
    assert len(ai.polyfit(x, y, 1, full=True)) == 5


def test_the_slope_of_the_reciprocal_gamma_function_at_the_poles() -> None:
    for n, slope in ((0, 1.0), (-1, -1.0), (-2, 2.0), (-3, -6.0)):
        assert float(ai.grad(ai.special.rgamma)(float(n))) == pytest.approx(slope)


def test_grids_of_a_function_and_orders_by_several_keys() -> None:
    made = ai.fromfunction(lambda i, j, by: i * by + j, (2, 3), by=2)
    np.testing.assert_array_equal(made.data, [[0, 1, 2], [2, 3, 4]])
    keys = np.array([[3, 1, 2, 0, 1], [1, 0, 1, 1, 0], [0, 1, 0, 0, 1]])
    for given in (keys, list(keys), (keys[0],), keys[:2]):
        np.testing.assert_array_equal(ai.lexsort(given).data, np.lexsort(given))
    np.testing.assert_array_equal(
        ai.lexsort(keys[None], axis=0).data, np.lexsort(keys[None], axis=0)
    )
    with pytest.raises(ValueError, match="no keys"):
        ai.lexsort(())
