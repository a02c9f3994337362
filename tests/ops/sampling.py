"""How samples are drawn: values from domains, calls of every kind of shape, layouts in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.strategies import DrawFn, SearchStrategy

Shape = tuple[int, ...]
Array = np.ndarray[Any, Any]
STEPS = 1000


@dataclass(frozen=True)
class Domain:
    """Values an argument may take: a grid of STEPS points over intervals, or bools, or integers."""

    intervals: tuple[tuple[float, float], ...] = ((-2.0, 2.0),)
    distinct: bool = False
    dtype: str = "float64"

    @property
    def width(self) -> float:
        return sum(high - low for low, high in self.intervals)

    def values(self, steps: Array) -> Array:
        """Return the grid points with these numbers."""
        if self.dtype == "bool":
            return np.asarray(steps % 2 == 1)
        if self.dtype == "index":
            return np.asarray(steps % 4 - 2)
        if self.dtype == "int64":
            return np.asarray(steps - STEPS // 2)
        low, high = np.array(self.intervals).T
        which = steps % len(self.intervals)
        return np.asarray(low[which] + (high - low)[which] * (steps / STEPS))


REAL = Domain()
POSITIVE = Domain(((0.3, 3.0),))
NONZERO = Domain(((-2.0, -0.4), (0.4, 2.0)))
DISTINCT = Domain(distinct=True)
BETWEEN = Domain(((-2.002, 1.998),))  # no grid point in common with REAL: x and y never tie
INSIDE = Domain(((0.1, 0.9),))
BOOL = Domain(dtype="bool")
INTEGER = Domain(dtype="int64")
INDEX = Domain(dtype="index")  # of an axis of size 2 or more


@dataclass(frozen=True)
class Call:
    """The shapes of the arrays, and the attributes."""

    shapes: tuple[Shape, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        settings = "".join(f", {key}={value!r}" for key, value in self.attributes.items())
        return " ".join(map(str, self.shapes)) + settings


def call(*shapes: Shape, **attributes: Any) -> Call:
    return Call(shapes, attributes)


@dataclass(frozen=True)
class Case:
    """A call with its arrays, in float64."""

    arrays: tuple[Array, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Samples:
    """How one primitive is tried.

    `elsewhere` answers the same call with NumPy's own function, or a formula unlike the kernel's.
    A primitive is elementwise if element i of its output depends on element i of its inputs alone.
    `around` is added to the first array: what keeps drawn matrices from being singular.
    `on_gpu` is false where CuPy has no such function.
    `complex` says that the operation takes complex arrays too; then it is tried with them as well.
    """

    domains: tuple[Domain, ...]
    calls: Sequence[Call]
    elsewhere: Callable[..., Any]
    more: SearchStrategy[Call] | None = None
    elementwise: bool = False
    eps: float = 1e-6
    around: Callable[[Shape], Array] | None = None
    complex: bool = False
    on_gpu: bool = True

    def settled(self, arrays: list[Array]) -> list[Array]:
        """Return the arrays, the first of them where the primitive is smooth."""
        if self.around is None:
            return arrays
        return [arrays[0] + self.around(arrays[0].shape), *arrays[1:]]

    def domain(self, argument: int) -> Domain:
        return self.domains[min(argument, len(self.domains) - 1)]


def end_to_end(elsewhere: Callable[..., Any]) -> Callable[..., Array]:
    """Return a function that answers with several arrays as one; see `joined`."""

    def one(*arrays: Array, **attributes: Any) -> Array:
        made = elsewhere(*arrays, **attributes)
        whole = np.concatenate([np.ravel(a) for a in made])
        return whole if whole.dtype.kind == "c" else whole.astype(made[0].dtype)

    return one


# --- calls

SHAPES: list[Shape] = [(), (3,), (2, 3), (1,), (0,), (2, 0, 3), (2, 1, 3)]
PAIRS: list[tuple[Shape, Shape]] = [
    ((), ()),
    ((3,), (3,)),
    ((2, 3), ()),
    ((), (2, 3)),
    ((3,), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((1, 2, 1), (3, 1, 2)),
    ((0,), ()),
    ((1,), (0,)),
    ((2, 0), (1,)),
    ((1, 1), (2, 3)),
]
UNARY = [call(shape) for shape in SHAPES]
BINARY = [call(*pair) for pair in PAIRS]
TERNARY = [
    call((), (), ()),
    call((3,), (3,), (3,)),
    call((2, 3), (), ()),
    call((), (2, 3), (2, 1)),
    call((3,), (2, 1), (1, 3)),
    call((2, 1), (1, 3), (2, 3)),
    call((1, 3), (0, 1), ()),
]
small = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
filled = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)


def broadcastable(count: int) -> SearchStrategy[Call]:
    shapes = hnp.mutually_broadcastable_shapes(
        num_shapes=count, min_dims=0, max_dims=3, min_side=0, max_side=3
    )
    return shapes.map(lambda drawn: Call(drawn.input_shapes, {}))


def elementwise(
    elsewhere: Callable[..., Any],
    *domains: Domain,
    eps: float = 1e-6,
    calls: Sequence[Call] = (),
    complex: bool = False,
    on_gpu: bool = True,
) -> Samples:
    count = len(domains)
    rows = {1: UNARY, 2: BINARY, 3: TERNARY}[count]
    more = None if calls else broadcastable(count)
    return Samples(
        domains, calls or rows, elsewhere, more, True, eps, complex=complex, on_gpu=on_gpu
    )


REDUCTIONS = [
    call((), axis=None),
    call((), axis=()),
    call((3,), axis=0),
    call((3,), axis=-1, keepdims=True),
    call((2, 3)),
    call((2, 3), keepdims=True),
    call((2, 3), axis=0),
    call((2, 3), axis=1, keepdims=True),
    call((2, 3), axis=(0, 1)),
    call((2, 3, 2), axis=(0, -1)),
    call((2, 3, 2), axis=(-1, 0), keepdims=True),
    call((2, 3, 2), axis=1),
    call((2, 3), axis=()),
    call((0, 3), axis=1),
    call((2, 0, 3), axis=(0, 2), keepdims=True),
]
EMPTY_REDUCTIONS = [call((0,)), call((2, 0), axis=1), call((2, 0), axis=1, keepdims=True)]


@st.composite
def reductions(draw: DrawFn, shapes: SearchStrategy[Shape] = filled) -> Call:
    shape = draw(shapes)
    several = hnp.valid_tuple_axes(len(shape), min_size=0)
    one = st.integers(-len(shape), len(shape) - 1) if shape else st.none()
    axis = draw(st.none() | one | several)
    return call(shape, axis=axis, keepdims=draw(st.booleans()))


@st.composite
def reshapes(draw: DrawFn) -> Call:
    shape = draw(small)
    size = math.prod(shape)
    divisors = [d for d in range(1, size + 1) if size % d == 0]
    first = draw(st.sampled_from(divisors)) if size else 0
    choices: list[Any] = [(size,), (-1, 1), (1, size), -1 if size else (size,)]
    if size:
        choices += [(first, size // first), (size // first, 1, first), [first, -1]]
    return call(shape, shape=draw(st.sampled_from(choices)))


@st.composite
def permutations(draw: DrawFn) -> Call:
    shape = draw(small)
    axes = draw(st.permutations(range(len(shape))))
    signed = tuple(a - len(shape) if draw(st.booleans()) else a for a in axes)
    return call(shape, axes=draw(st.sampled_from([None, signed])))


@st.composite
def stretches(draw: DrawFn) -> Call:
    wide = draw(small)
    lead = draw(st.integers(0, len(wide)))
    narrow = tuple(1 if draw(st.booleans()) else n for n in wide[lead:])
    return call(narrow, shape=wide)


INDICES: list[tuple[Shape, Any]] = [
    ((), ()),
    ((), None),
    ((), ...),
    ((4,), 2),
    ((4,), -1),
    ((4,), np.int64(1)),
    ((4,), slice(None, None, -2)),
    ((4,), slice(3, 3)),
    ((0,), slice(None)),
    ((2, 3), (0, 1)),
    ((2, 3), (..., 1)),
    ((2, 3), (slice(None), None, slice(1, None))),
    ((4,), [0, 2, 2, -1]),
    ((4,), np.array([[0, 1], [1, 3]])),
    ((4,), np.array([], dtype=np.int64)),
    ((4,), np.array([True, False, True, True])),
    ((2, 3), np.array([[True, False, True], [False, False, True]])),
    ((2, 3), (np.array([0, 1, 0]), np.array([2, 0, 2]))),
    ((2, 3), (slice(None), [2, 0, 2])),
    ((2, 3, 2), ([1, 0], slice(None), [1, 1])),
    ((2, 3), (np.array([[0], [1]]), np.array([0, 2]))),
    ((2, 3), (1, np.array([True, False, True]))),
]


def names_a_position_twice(shape: Shape, index: Any) -> bool:
    hits = np.zeros(shape)
    np.add.at(hits, index, 1)
    return bool((hits > 1).any())


@st.composite
def indices(draw: DrawFn) -> tuple[Shape, Any]:
    shape = draw(filled)
    if draw(st.booleans()):
        return shape, draw(hnp.basic_indices(shape, allow_newaxis=True))
    if draw(st.booleans()):
        return shape, draw(hnp.arrays(bool, shape))
    result = hnp.array_shapes(max_dims=2, max_side=3)
    return shape, draw(hnp.integer_array_indices(shape, result_shape=result))


@st.composite
def updates(draw: DrawFn, once: bool) -> Call:
    shape, index = draw(indices().filter(lambda i: not (once and names_a_position_twice(*i))))
    hole = np.empty(shape)[index].shape
    lead = draw(st.integers(0, len(hole)))
    return call(shape, draw(st.sampled_from([hole, hole[lead:], ()])), index=index)


def update_calls(rows: Sequence[tuple[Shape, Any]]) -> Iterator[Call]:
    for shape, index in rows:
        hole = np.empty(shape)[index].shape
        for value in dict.fromkeys([hole, hole[1:], (), (1,) * len(hole)]):
            yield call(shape, value, index=index)


@st.composite
def products(draw: DrawFn) -> Call:
    drawn = draw(
        hnp.mutually_broadcastable_shapes(
            signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3
        )
    )
    return Call(drawn.input_shapes, {})


@st.composite
def layers(draw: DrawFn) -> Call:
    n, m = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    lead = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    bias = [(m,)] if draw(st.booleans()) else []
    return call((*lead, n), (m, n), *bias)


@st.composite
def joins(draw: DrawFn) -> Call:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    shapes = []
    for size in draw(st.lists(st.integers(0, 3), min_size=1, max_size=3)):
        one = list(shape)
        one[axis] = size
        shapes.append(tuple(one))
    return call(*shapes, axis=axis)


@st.composite
def pads(draw: DrawFn) -> Call:
    shape = draw(small)
    width = st.integers(0, 2)
    pair = st.tuples(width, width)
    widths = width | pair | st.tuples(*[pair] * len(shape)) if shape else width
    return call(shape, pad_width=draw(widths), constant_values=draw(st.sampled_from([0, 1.5, -2])))


@st.composite
def flips(draw: DrawFn) -> Call:
    drawn = draw(reductions(small))
    return call(*drawn.shapes, axis=drawn.attributes["axis"])


# --- layouts


def _strided(array: Array) -> Array:
    wide = np.full([2 * n for n in array.shape], 77, array.dtype)
    view = wide[(..., *[slice(None, None, 2)] * array.ndim)]
    view[...] = array
    return view


def _reversed(array: Array) -> Array:
    backwards = (..., *[slice(None, None, -1)] * array.ndim)
    return array[backwards].copy()[backwards]


def _read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": np.array,
    "transposed": lambda array: array.T.copy().T,
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
}
