"""What the rows of samples do not say of reductions, scans and sorts: zeros, ties, NaN, dtypes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import PRIMITIVES

import autograd_iron as ai
from autograd_iron.transforms.batching import batched

NAN = math.nan
ZEROS = [[2.0, 3.0, 5.0], [2.0, 0.0, 5.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]


def gradient(function: Callable[..., Any], x: Any) -> Any:
    x = ai.tensor(x, dtype="float64", requires_grad=True)
    ai.sum(function(x)).backward()
    assert x.grad is not None
    return x.grad.numpy()


# --- zeros in products


@pytest.mark.parametrize("x", ZEROS)
def test_products_have_both_gradients_at_zeros(x: list[float]) -> None:
    others = [math.prod(x[:i] + x[i + 1 :]) for i in range(3)]
    assert gradient(ai.prod, x).tolist() == others
    ai.check_grads(ai.prod, [np.array(x)], order=3)
    ai.check_grads(ai.cumprod, [np.array(x)], order=3)


def test_second_derivatives_of_a_product_are_the_products_of_the_others() -> None:
    second = ai.grad(lambda x: ai.grad(ai.prod)(x)[0])(ai.tensor([0.0, 0.0, 7.0]))
    assert second.numpy().tolist() == [0, 7, 0]


# --- spread


def test_the_gradient_of_a_deviation_of_zero_is_zero() -> None:
    for function in (ai.std, ai.nanstd):
        assert gradient(function, [3.0, 3.0, 3.0]).tolist() == [0, 0, 0]
        assert gradient(function, [3.0]).tolist() == [0]


def test_a_correction_has_two_names() -> None:
    x = ai.tensor([1.0, 2.0, 4.0])
    assert ai.var(x, ddof=1) == ai.var(x, correction=1)
    assert ai.std(x, ddof=1) == ai.std(x, correction=1)
    with pytest.raises(ValueError, match="ddof and correction are two names of one number"):
        ai.var(x, ddof=1, correction=1)


def test_weights_of_an_average_lie_along_its_axes() -> None:
    x, w = np.arange(24.0).reshape(2, 3, 4), np.arange(1.0, 9.0).reshape(4, 2)
    for axis, weights in ((1, [1.0, 2.0, 3.0]), ((2, 0), w), (None, x + 1), ((1, 2), w.T @ w)):
        if axis == (1, 2):
            weights = np.arange(12.0).reshape(3, 4)
        found, sums = ai.average(x, axis, ai.asarray(np.asarray(weights)), returned=True)
        expected = np.average(x, axis, weights, returned=True)
        np.testing.assert_allclose(found.numpy(), expected[0])
        np.testing.assert_allclose(np.broadcast_to(sums.numpy(), found.shape), expected[1])
    ai.check_grads(lambda x, w: ai.average(x, 0, w), [x[0], np.array([1.0, 2.0, 0.5])], order=2)
    with pytest.raises(ValueError, match=r"weights of shape \(2,\) are neither"):
        ai.average(x, 1, [1.0, 2.0])


# --- dtypes


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "nansum", "nanprod"])
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "uint64", "float32"])
def test_totals_have_numpys_dtypes(name: str, dtype: str) -> None:
    x = np.array([1, 1, 0], dtype)
    made = getattr(ai, name)(ai.asarray(x))
    expected = getattr(np, name)(x)
    assert made.dtype == expected.dtype
    assert made.numpy().tolist() == expected.tolist()
    for asked in ("float64", "int16"):
        made = getattr(ai, name)(ai.asarray(x), dtype=asked)
        expected = getattr(np, name)(x, dtype=asked)
        assert made.dtype == expected.dtype == asked
        assert made.numpy().tolist() == expected.tolist()


def test_a_dtype_widens_before_the_sum_and_the_gradient_comes_back_narrow() -> None:
    x = ai.tensor(np.full(3, 60000, "float16"), requires_grad=True)
    assert float(ai.sum(x, dtype="float32")) == 180000
    assert float(ai.mean(x, dtype="float64")) == 60000
    ai.sum(x, dtype="float64").backward()
    assert x.grad is not None
    assert x.grad.dtype == "float16"
    assert np.sum(ai.asarray(np.ones(2, "int32")), dtype="int32").dtype == "int32"


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "all", "any"])
def test_a_mask_leaves_values_out(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    mask = (x > -0.5) | np.eye(3, 4, dtype=bool) | np.eye(3, 4, 1, dtype=bool)
    for where in (mask, np.array([[True], [False], [True]]), True):
        settings = {"where": where} | ({"initial": -0.25} if name in ("max", "min") else {})
        for over in ({}, {"axis": 0}, {"axis": 0, "keepdims": True}):
            expected = getattr(np, name)(x, **over, **settings)
            found = getattr(ai, name)(ai.asarray(x), **over, **settings)
            np.testing.assert_allclose(found.numpy(), expected)
    assert getattr(np, name)(ai.asarray(x), 0, where=mask).shape == (4,)
    if name not in ("all", "any"):
        ai.check_grads(lambda x: getattr(ai, name)(x, 1, where=mask), [x], order=2)
        assert not gradient(lambda x: getattr(ai, name)(x, 1, where=mask), x)[~mask].any()


def test_a_reduction_may_start_from_a_number() -> None:
    x = np.array([[1.0, 3.0], [-2.0, 0.5]])
    for name in ("sum", "prod", "max", "min"):
        for initial in (-1.0, 2.0):
            expected = getattr(np, name)(x, 0, initial=initial)
            np.testing.assert_array_equal(getattr(ai, name)(x, 0, initial=initial), expected)
        nothing = getattr(ai, name)(np.zeros((2, 0)), axis=1, initial=2.0)
        assert nothing.numpy().tolist() == [2, 2]
    assert ai.sum(x, 0, True, dtype="float32", initial=1.0).dtype == "float32"


def test_nothing_has_the_neutral_total_and_no_extreme() -> None:
    nothing = ai.zeros((0,))
    assert float(ai.prod(nothing)) == 1
    assert ai.cumsum(nothing).shape == (0,)
    for name in ("max", "argmax", "median", "mode", "ptp", "aminmax"):
        with pytest.raises(ValueError, match=r"\(0,\)|zero-size|empty"):
            getattr(ai, name)(nothing)


# --- NaN and ties


@pytest.mark.parametrize("x", [[1.0, NAN, 3.0], [NAN, NAN, NAN], [2.0, 1.0, NAN]])
def test_nan_is_where_numpy_has_it(x: list[float]) -> None:
    a = ai.tensor(x, dtype="float64")
    for name in ("max", "min", "argmax", "argmin", "ptp", "median", "sort", "argsort", "prod"):
        expected = getattr(np, name)(np.array(x))
        np.testing.assert_array_equal(getattr(ai, name)(a).numpy(), expected, name)
    np.testing.assert_array_equal(ai.quantile(a, [0.0, 1.0]).numpy(), np.quantile(x, [0.0, 1.0]))
    np.testing.assert_array_equal(ai.cummax(a)[0].numpy(), np.maximum.accumulate(x))
    np.testing.assert_array_equal(ai.cummin(a)[0].numpy(), np.minimum.accumulate(x))


@pytest.mark.filterwarnings("ignore")
def test_slices_of_nan_alone_are_nan() -> None:
    x = np.array([[NAN, NAN], [1.0, NAN]])
    for name in ("nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "nanmedian"):
        expected = getattr(np, name)(x, axis=1)
        np.testing.assert_array_equal(getattr(ai, name)(x, axis=1).numpy(), expected, name)
        assert np.isfinite(gradient(lambda x, n=name: getattr(ai, n)(x, axis=1)[1], x)).all()
    assert ai.nanargmax(x, axis=1).numpy().tolist() == [-1, 0]


def test_ties_share_a_gradient_and_keep_their_order() -> None:
    tied = [2.0, 1.0, 2.0, 2.0]
    assert gradient(ai.max, tied).tolist() == [1 / 3, 0, 1 / 3, 1 / 3]
    assert gradient(ai.median, [1.0, 2.0, 2.0, 3.0]).tolist() == [0, 0.5, 0.5, 0]
    assert ai.argsort(tied).numpy().tolist() == [1, 0, 2, 3]
    assert ai.argsort(tied, descending=True).numpy().tolist() == [0, 2, 3, 1]
    assert ai.cummax(tied)[1].numpy().tolist() == [0, 0, 2, 3]
    unsigned = ai.asarray(np.array([3, 0, 255], "uint8"))
    assert ai.sort(unsigned, descending=True).numpy().tolist() == [255, 3, 0]
    assert ai.topk(unsigned, 2)[1].numpy().tolist() == [2, 0]


def test_what_sorts_says_which_position_it_lacks() -> None:
    for call in (lambda: ai.topk([1.0], 2), lambda: ai.kthvalue([1.0], 0)):
        with pytest.raises(ValueError, match=r"k=\d is out of range"):
            call()
    with pytest.raises(ValueError, match=r"kth\(=3\) out of bounds \(2\)"):
        ai.partition([1.0, 2.0], 3)
    with pytest.raises(ValueError, match="method 'cubic' is none of linear"):
        ai.quantile([1.0, 2.0], 0.5, method="cubic")
    with pytest.raises(ValueError, match="quantiles are between 0 and 1"):
        ai.quantile([1.0, 2.0], 1.5)


def test_infinities_are_quantiles_as_others() -> None:
    x = [-math.inf, 1.0, math.inf, math.inf]
    assert ai.quantile(x, [0.0, 1 / 3, 0.9, 1.0]).numpy().tolist() == [-math.inf, 1, *x[2:]]


def test_running_logsumexp_overflows_nowhere() -> None:
    x = np.array([1000.0, -1000.0, 999.0])
    found = ai.logcumsumexp(x).numpy()
    np.testing.assert_allclose(found, np.logaddexp.accumulate(x))
    assert np.isfinite(gradient(ai.logcumsumexp, [1000.0, -1000.0, 999.0])).all()
    assert not np.isnan(gradient(ai.logcumsumexp, [-math.inf, -math.inf, 1.0])).any()


# --- what is counted


def test_integers_are_counted_as_numpy_counts_them() -> None:
    x, w = np.array([3, 1, 1, 5, 0]), np.array([0.5, 1.0, 2.0, -1.0, 4.0])
    assert ai.bincount(x).numpy().tolist() == np.bincount(x).tolist()
    assert ai.bincount(x, minlength=9).numpy().tolist() == np.bincount(x, minlength=9).tolist()
    assert ai.bincount(x, w).numpy().tolist() == np.bincount(x, w).tolist()
    assert ai.bincount(x, length=2).numpy().tolist() == [1, 2]
    assert gradient(lambda w: ai.bincount(x, w)[1:], w).tolist() == [1, 1, 1, 1, 0]
    with pytest.raises(ValueError, match="integers from 0 on, not -1"):
        ai.bincount([-1])


def test_histograms_are_numpys() -> None:
    x = np.random.default_rng(0).normal(size=100)
    w = x**2
    for settings in (
        {"bins": 7},
        {"bins": 7, "density": True},
        {"bins": 5, "range": (-1.0, 1.0), "weights": w},
        {"bins": [-1.0, 0.0, 0.25, 2.0], "weights": w, "density": True},
    ):
        for found, expected in zip(
            ai.histogram(x, **settings), np.histogram(x, **settings), strict=True
        ):
            np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)
    assert ai.histogram([2.0, 2.0], bins=2)[0].numpy().tolist() == [0, 2]
    assert gradient(lambda w: ai.histogram(x, 3, weights=w)[0][0] * 2, w).max() == 2


def test_places_among_descending_edges() -> None:
    edges = [3.0, 1.0, -2.0]
    x = [-3.0, -2.0, 0.0, 1.0, 3.0, 4.0]
    for right in (False, True):
        found = ai.digitize(x, edges, right)
        assert found.numpy().tolist() == np.digitize(x, edges, right).tolist()
    order = np.argsort(edges)
    found = np.searchsorted(ai.tensor(edges), ai.tensor(x), sorter=order)
    assert found.numpy().tolist() == np.searchsorted(edges, x, sorter=order).tolist()


def test_each_of_a_batch_has_sorted_values_of_its_own() -> None:
    rows = np.sort(np.random.default_rng(0).normal(size=(3, 5)))
    values = np.random.default_rng(1).normal(size=(3, 2, 2))
    for side in ("left", "right"):
        primitive = PRIMITIVES["insertion_place"]
        found = batched(primitive, list(map(ai.asarray, (rows, values))), (0, 0), {"side": side})
        expected = [np.searchsorted(row, v, side) for row, v in zip(rows, values, strict=True)]
        assert found.numpy().tolist() == np.array(expected).tolist()
        found = batched(primitive, [ai.asarray(rows), 0.0], (0, None), {"side": side})
        assert found.numpy().tolist() == [int(np.searchsorted(row, 0, side)) for row in rows]


# --- what is unique

FOUR = [3.0, 1.0, NAN, 3.0, NAN, -0.5]


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse"])
def test_the_array_apis_functions_name_what_they_return(name: str) -> None:
    for x in (np.array(FOUR), np.array([[1, 0], [1, 2]])):
        found, expected = getattr(ai, name)(x), getattr(np, name)(x)
        assert found._fields == expected._fields
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a.numpy(), b)
    np.testing.assert_array_equal(ai.unique_values(FOUR).numpy(), np.unique_values(FOUR))


def test_unique_is_numpys_and_has_a_gradient() -> None:
    x = np.array(FOUR)
    every = {"return_index": True, "return_inverse": True, "return_counts": True}
    for equal_nan in (False, True):
        found = ai.unique(x, **every, equal_nan=equal_nan)
        for a, b in zip(found, np.unique(x, **every, equal_nan=equal_nan), strict=True):
            np.testing.assert_array_equal(a.numpy(), b)
    rows = np.array([[1, 2], [0, 0], [1, 2]])
    found = ai.unique(rows, axis=0, return_counts=True)
    assert [a.numpy().tolist() for a in found] == [[[0, 0], [1, 2]], [1, 2]]
    assert gradient(ai.unique, [3.0, 1.0, 3.0]).tolist() == [1, 1, 0]
    with pytest.raises(RuntimeError, match="unique is called, the shape of whose result"):
        ai.compile(ai.unique)(ai.tensor([1.0]))


# --- differences


def test_slopes_are_numpys_on_any_grid() -> None:
    source = np.random.default_rng(0)
    f, x, y = source.normal(size=(4, 6)), np.array([0.0, 1.0, 1.5, 4.0]), np.arange(6.0) ** 2
    for order in (1, 2):
        for space in ((), (0.5,), (x, y), (0.5, y)):
            found = ai.gradient(f, *space, edge_order=order)
            expected = np.gradient(f, *space, edge_order=order)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)
    ai.check_grads(lambda f, x: ai.gradient(f, x, axis=0, edge_order=2), [f, x], order=2)
    edge = np.array([0.0, np.inf, 1.0, np.nan, 2.0])  # is no part of the slope where it stands
    np.testing.assert_array_equal(ai.gradient(edge).numpy(), np.gradient(edge))
    with pytest.raises(ValueError, match="axis 0 has 1 values"):
        ai.gradient([1.0])
    with pytest.raises(TypeError, match="2 distances are not one for each of 3 axes"):
        ai.gradient(np.zeros((2, 2, 2)), 1.0, 2.0)


def test_what_lists_stand_for_comes_to_the_device_of_the_rest() -> None:
    assert ai.take_along_axis([[3.0, 1.0]], [[1, 0, 1]], 1).numpy().tolist() == [[1, 3, 1]]
    x = ai.tensor([1.0, 2.0])
    with pytest.raises(IndexError, match="out of range"):
        PRIMITIVES["scatter_sum_along"](x, ai.tensor([0, 2]), size=2, axis=0)
    assert ai.diff(ai.tensor([1, 2]), prepend=0.5).numpy().tolist() == [0.5, 1]


def test_differences_of_truths_are_truths() -> None:
    x = np.array([True, False, False])
    assert ai.diff(x).numpy().tolist() == np.diff(x).tolist()
    with pytest.raises(ValueError, match="n=-1 is negative"):
        ai.diff([1.0], n=-1)
