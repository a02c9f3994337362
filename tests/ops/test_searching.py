"""Where values are, and sets of values, beside NumPy; and what a captured step makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

X = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 2.0]])
Y = np.array([2.0, 5.0, 1.0, 2.0])
CALLS: dict[str, Callable[..., Any]] = {
    "nonzero": lambda m, x, y: m.nonzero(x),
    "where": lambda m, x, y: m.where(x > 0.5),
    "argwhere": lambda m, x, y: m.argwhere(x),
    "flatnonzero": lambda m, x, y: m.flatnonzero(x),
    "union1d": lambda m, x, y: m.union1d(x, y),
    "intersect1d": lambda m, x, y: m.intersect1d(x, y),
    "intersect1d places": lambda m, x, y: m.intersect1d(x, y, return_indices=True),
    "setdiff1d": lambda m, x, y: m.setdiff1d(x, y),
    "setxor1d": lambda m, x, y: m.setxor1d(x, y),
    "compress": lambda m, x, y: m.compress(y > 1.5, m.concatenate([x, x], axis=1)[:, :4], axis=1),
    "extract": lambda m, x, y: m.extract(x > 0.5, x),
    "mask": lambda m, x, y: x[x > 0.5],
}


def parts(made: Any) -> list[Any]:
    return list(made) if isinstance(made, tuple) else [made]


@pytest.mark.parametrize("name", CALLS)
def test_it_is_numpys(name: str) -> None:
    call = CALLS[name]
    expected = parts(call(np, X, Y))
    for given in (
        call(ai, ai.tensor(X), ai.tensor(Y)),
        call(ai, X, ai.tensor(Y)),
        call(np, ai.tensor(X), ai.tensor(Y)),
    ):
        assert len(parts(given)) == len(expected)
        for a, b in zip(parts(given), expected, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(np.asarray(a), b)


@pytest.mark.parametrize("name", CALLS)
def test_a_captured_step_refuses_what_depends_on_values(name: str) -> None:
    step = ai.compile(lambda x, y: CALLS[name](ai, x, y))
    with pytest.raises(RuntimeError, match=r"captured|compile: .*(values|mask)"):
        step(ai.tensor(X), ai.tensor(Y))


def test_gradients_flow_to_what_a_mask_picks() -> None:
    x = ai.tensor(X, requires_grad=True)
    ai.sum(ai.extract(X > 0.5, x) ** 2).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.data, 2 * X)
    ai.check_grads(lambda x: ai.compress([True, False, True], x, axis=1), [x])


def test_numbers_put_in_take_the_dtype_that_is_there() -> None:
    x = ai.tensor([1, 2], dtype="int8")
    for made in (ai.insert(x, 1, [5]), ai.insert(x, 1, 5)):
        assert (made.dtype, made.tolist()) == ("int8", [1, 5, 2])
    assert ai.put_along_axis(x, [0], 7, 0).tolist() == [7, 2]


def test_numbers_that_are_not_given_are_looked_for() -> None:
    assert ai.one_hot([0, 2]).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert ai.segment_sum([1.0, 2.0, 4.0], [1, 0, 1]).tolist() == [2.0, 5.0]
    assert ai.segment_sum([1.0, 2.0, 4.0], [1, -1, 7], 2).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: ai.take(x, [0.5]), "not integers"),
        (lambda x: ai.take(x, 0, mode="around"), "mode is"),
        (lambda x: ai.take(x, ai.tensor([7]), axis=0), "out of bounds"),
        (lambda x: ai.select([x > 0], []), "1 conditions and 0 choices"),
        (lambda x: ai.select([x], [x]), "not of float64"),
        (lambda x: ai.choose(ai.tensor([0, 3]), [x[0, 0], 1.0]), "there are 2 choices"),
        (lambda x: ai.choose(x, [x]), "are integers"),
        (lambda x: ai.piecewise(x, [x > 0], [1, 2, 3]), "1 conditions and 3 functions"),
        (lambda x: ai.put_along_axis(x, [[0, 0]], 1.0, 1), "names a position twice"),
        (lambda x: ai.insert(ai.astype(x, "int32"), 0, [0.5]), "does not fit int32"),
        (lambda x: ai.insert(ai.astype(x, "int8"), 0, [300]), "out of range for int8"),
        (lambda x: ai.segment_sum(x, [0]), "one number for each slice"),
        (lambda x: ai.compress(x > 0, x), "give it one"),
        (lambda x: ai.sliding_window_view(x, 9, axis=0), "no window of size 9"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError, IndexError, OverflowError), match=message):
        call(ai.tensor(X))


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_values_are_put_along_an_axis(axis: int | None) -> None:
    places = np.array([[1, 0]]) if axis == 0 else np.array([[1], [2]])
    places = np.array([4, 1]) if axis is None else places
    shape = (1, 3) if axis == 0 else places.shape
    places = np.broadcast_to(np.array([[1, 0, 1]]), (1, 3)) if axis == 0 else places
    values = np.arange(np.prod(shape)).reshape(shape) + 10.0
    expected = X.copy()
    np.put_along_axis(expected, places, values, axis)
    made = ai.put_along_axis(ai.tensor(X), places, ai.tensor(values), axis)
    np.testing.assert_array_equal(made.data, expected)
    ai.check_grads(
        lambda x, v: ai.put_along_axis(x, places, v, axis), [ai.tensor(X), ai.tensor(values)]
    )
