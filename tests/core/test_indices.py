"""What an index is: whatever NumPy takes for one, with its values, gradients and updates."""

from __future__ import annotations

import array
import enum
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from compiling import compare, proven  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

import autograd_iron as ai

SHAPE = (3, 2, 4)


class Row(enum.IntEnum):
    FIRST = 0
    LAST = -1


class Indexed:
    """An integer of somebody else's."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value

    def __repr__(self) -> str:
        return f"Indexed({self.value})"


class ArrayLike:
    """An array of somebody else's."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.values

    def __repr__(self) -> str:
        return f"ArrayLike({self.values.tolist()})"


class Pair(NamedTuple):
    row: Any
    column: Any


INTEGERS = [int, np.int64, np.uint8, np.int32, np.array, Indexed]
CONTAINERS: list[Any] = [
    list,
    tuple,
    np.array,
    lambda v: np.array(v, dtype=">i4"),
    lambda v: array.array("b", v),
    lambda v: memoryview(np.array(v)),
    lambda v: [np.int64(n) for n in v],
    lambda v: [Indexed(n) if n else np.array(0) for n in v],
    ArrayLike,
    lambda v: [tuple(v), list(v)],
    lambda v: ([v], np.array([v])[0])[:1],
]
TRUTHS = [True, False, np.True_, np.bool_(False), np.array(True)]


def integers(size: int) -> SearchStrategy[Any]:
    numbers = st.integers(-size, size - 1)
    kinds = st.tuples(st.sampled_from(INTEGERS), numbers)
    return kinds.map(lambda k: k[0](k[1] % size if k[0] is np.uint8 else k[1]))


def arrays(size: int) -> SearchStrategy[Any]:
    numbers = st.lists(st.integers(-size, size - 1), min_size=2, max_size=2)
    made = st.tuples(st.sampled_from(CONTAINERS), numbers).map(lambda k: k[0](k[1]))
    return made | st.just(range(size)[:2]) | st.just(range(1, -1, -1))


def masks(size: int) -> SearchStrategy[Any]:
    truths = st.just([True, True] + [False] * (size - 2))
    return st.tuples(st.sampled_from([list, tuple, np.array, ArrayLike]), truths).map(
        lambda k: k[0](k[1])
    )


def slices(size: int) -> SearchStrategy[slice]:
    end = st.none() | st.integers(-size, size).map(np.int64) | st.just(Indexed(1)) | st.just(True)
    step = st.sampled_from([None, 1, np.int64(-1), Indexed(2)])
    return st.builds(slice, end, end, step)


@st.composite
def weird(draw: DrawFn) -> Any:
    """Draw an index of SHAPE as users write them, and as no list of types would have them all."""
    parts: list[Any] = []
    for size in SHAPE[: draw(st.integers(0, 3))]:
        kinds = [integers(size), arrays(size), masks(size), slices(size)]
        parts.append(draw(draw(st.sampled_from(kinds))))
    for extra in draw(st.lists(st.sampled_from([None, *TRUTHS]), max_size=2)):
        parts.insert(draw(st.integers(0, len(parts))), extra)
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), ...)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return Pair(*parts) if len(parts) == 2 and draw(st.booleans()) else tuple(parts)


def holds(x: ai.Tensor, index: Any, weights: np.ndarray[Any, Any], expected: Any) -> None:
    """Compare the value at an index, and its gradient, with NumPy's."""
    np.testing.assert_array_equal(x[index].data, expected, err_msg=repr(index))
    gradient = np.zeros(SHAPE)
    np.add.at(gradient, index, weights)
    found = ai.grad(lambda x: ai.sum(x[index] * ai.asarray(weights)))(x)
    np.testing.assert_array_equal(found.data, gradient, err_msg=f"gradient at {index!r}")


@given(index=weird())
def test_an_index_is_what_numpy_takes_for_one(index: Any) -> None:
    values = np.arange(24.0).reshape(SHAPE)
    try:
        expected = values[index]
    except (IndexError, ValueError):  # arrays that do not broadcast
        with pytest.raises((IndexError, ValueError)):
            ai.tensor(values)[index]
        return
    x = ai.tensor(values)
    weights = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    holds(x, index, weights, expected)

    added = values.copy()
    np.add.at(added, index, weights)
    assert np.array_equal(x.at[index].add(weights).data, added), index

    hits = np.zeros(SHAPE)
    np.add.at(hits, index, 1)
    if (hits > 1).any():
        with pytest.raises(ValueError, match="names a position twice"):
            x.at[index].set(weights)
        return
    written = values.copy()
    written[index] = weights
    assert np.array_equal(x.at[index].set(weights).data, written), index


def shown(value: Any) -> str:
    """Return an id, the same in each process: the repr of some has an address."""
    return re.sub(r" at 0x\w+", "", repr(value))[:40]


COMPILED: list[Any] = [
    (0, 0),
    ((0, 0),),
    (slice(None), (0, 1, 0)),
    (slice(None), np.int64(1)),
    (Row.LAST, slice(Row.FIRST, np.int64(1))),
    [Row.LAST, Row.FIRST],
    Pair((0, 1), 1),
    range(2),
    (..., array.array("b", [1, 1])),
    memoryview(b"\x01\x02"),
    bytearray(b"\x02\x02"),
    ArrayLike([0, 0, 1]),
    (ArrayLike(1), Indexed(-1)),
    True,
    (False, 1),
    (np.True_, None, [0, 0]),
    (np.array([True, False, True]), 0),
    (np.array(1), np.array([0, 0]), ...),
    [],
    (slice(None), []),
    [[True, False], [False, True], [True, True]],
    np.array([2, 0], dtype=">u2"),
    (),
    ([ai.tensor(1, dtype="int64"), 0],),
]


@pytest.mark.parametrize("index", COMPILED, ids=shown)
def test_a_compiled_step_reads_and_writes_where_an_eager_one_does(index: Any) -> None:
    x = ai.tensor(np.arange(24.0).reshape(SHAPE))
    plain = np.asarray(index[0]) if isinstance(index, tuple) and len(index) == 1 else index
    expected = x.data[plain]
    weights = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    holds(x, index, weights, expected)

    def step(x: ai.Tensor) -> Any:
        read = ai.grad(lambda x: ai.sum(ai.square(x[index])))(x)
        return x[index] * 1, read, x.at[index].add(x[index]), x[index] + 1

    compare(step, (x,))


def test_a_tuple_inside_an_index_names_a_position_as_often_as_it_says() -> None:
    x = ai.tensor([5.0, 7.0, 9.0], requires_grad=True)
    ai.sum(x[(0, 0),]).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 0, 0], "each time the position is named counts"
    assert x.at[(0, 0),].add(1.0).tolist() == [7, 7, 9]


def test_an_index_is_as_it_was_when_it_was_given() -> None:
    x, index = ai.tensor([1.0, 2.0, 3.0], requires_grad=True), [0, 1]
    kept = np.array([0, 1])
    both = x[index] + x[kept]
    index[0] = kept[0] = 2
    ai.sum(both).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 0]


NO_INDICES: list[tuple[Any, type[Exception], str]] = [
    (1.0, IndexError, "dtype float64 is neither integers nor a bool mask"),
    ([1.5], IndexError, r"\[1.5\]: an index of dtype float64"),
    (np.array([]), IndexError, "dtype float64 is neither"),
    ("a", IndexError, "neither integers"),
    ([None], IndexError, "neither integers"),
    ({1}, IndexError, "neither integers"),
    ([[0, 1], [0]], ValueError, "is no index"),
    (slice(1.5), TypeError, "1.5 is no end of a slice"),
    (np.array([2**64 - 1], dtype="uint64"), IndexError, "out of bounds"),
    (2**70, IndexError, "getitem|_at"),
    ([9], IndexError, "out of bounds"),
    (([0, 1], [0, 1, 2]), IndexError, "broadcast"),
    (np.ma.masked_array([0, 1], [True, False]), TypeError, "masked"),
]


@pytest.mark.parametrize(("index", "error", "text"), NO_INDICES, ids=shown)
def test_what_is_no_index_is_refused_eagerly_and_compiled(
    index: Any, error: type[Exception], text: str
) -> None:
    x = ai.ones(SHAPE)
    for read in (lambda x: x[index], lambda x: x.at[index].add(1.0), lambda x: x.at[index].set(1)):
        for function in (read, ai.compile(read)):
            with pytest.raises(error, match=text):
                function(x)
