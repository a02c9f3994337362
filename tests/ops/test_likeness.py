"""Numbers for NaN and infinities, bounds that are arrays, and powers of integers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_iron as ai

EDGES = np.array([np.nan, np.inf, -np.inf, -0.0, 1.5])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64"])
def test_nan_to_num_is_numpys(dtype: str) -> None:
    x = EDGES.astype(dtype)
    made = ai.nan_to_num(x)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.data, np.nan_to_num(x))
    np.testing.assert_array_equal(
        ai.nan_to_num(x, nan=1.0, posinf=2.0, neginf=3.0).data,
        np.nan_to_num(x, nan=1.0, posinf=2.0, neginf=3.0),
    )


def test_the_largest_bfloat16() -> None:
    made = ai.nan_to_num(ai.tensor([np.inf], dtype="bfloat16"))
    assert np.isfinite(float(made.sum()))


def test_bounds_that_are_arrays() -> None:
    x = np.array([-3.0, 0.5, 3.0, np.nan, 0.0])
    low, high = np.array([-1.0, 0.5, np.nan, 0.0, -1.0]), np.array([1.0, 1.0, 1.0, 1.0, np.nan])
    for given in ((low, high), (low, None), (None, high), (low, 1.0)):
        np.testing.assert_array_equal(ai.clip(x, *given).data, np.clip(x, *given))
    leaf, bound = ai.tensor(x[:3], requires_grad=True), ai.tensor([-1.0, 0.5, 2.0])
    bound.requires_grad = True
    ai.sum(ai.clip(leaf, bound, a_max=2.0)).backward()
    assert leaf.grad is not None
    assert bound.grad is not None
    assert leaf.grad.tolist() == [0, 1, 0]
    assert bound.grad.tolist() == [1, 0, 0]


def test_close_is_numpys() -> None:
    x, y = np.meshgrid([*EDGES, 1.50001], [*EDGES, 1.6])
    for same in (False, True):
        np.testing.assert_array_equal(
            ai.isclose(x, y, equal_nan=same).data, np.isclose(x, y, equal_nan=same)
        )
    assert ai.allclose([1.0, 2.0], [1.0, 2.00001])
    assert ai.array_equal([1, 2], [1, 2])
    assert not ai.array_equal([1, 2], [[1, 2]])
    assert ai.array_equal([np.nan], [np.nan], equal_nan=True)


def test_whole_numbers_stay_whole() -> None:
    x = ai.tensor([-7, 4, 15])
    for f in (ai.floor, ai.ceil, ai.trunc, ai.round):
        assert f(x).dtype == "int64"
        assert f(x).tolist() == x.tolist()
    assert ai.round(x, -1).tolist() == np.round(x.numpy(), -1).tolist()
    assert ai.floor_divide(x, 2).tolist() == [-4, 2, 7]
    assert ai.remainder(x, 2).tolist() == [1, 0, 1]
    made = ai.float_power(2, [-1, 3])
    assert made.dtype == "float64"
    assert made.tolist() == [0.5, 8.0]


def test_powers_of_two() -> None:
    x, e = np.array([5e-324, 1.0, 3.0]), np.array([1074, -1074, 1022])
    np.testing.assert_array_equal(ai.ldexp(x, e).data, np.ldexp(x, e))
    with pytest.raises(TypeError, match="the power must be integers"):
        ai.ldexp(x, 0.5)
