"""Samples of sorting and of searching in what is sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import BOOL, DISTINCT, INDEX, REAL, Array, Domain, Samples, Shape, call, end_to_end

ALONG = [
    call((5,), axis=0, descending=False),
    call((2, 3), axis=-1, descending=True),
    call((2, 4, 2), axis=1, descending=False),
    call((0, 2), axis=0, descending=True),
]
SORTS = [
    call((5,)),
    call((2, 3), axis=0),
    call((2, 3), axis=None),
    call((2, 3, 2), axis=1, descending=True),
]


def argsort(x: Array, axis: int | None = -1, descending: bool = False) -> Array:
    return np.argsort(-x if descending else x, axis=axis)


def sort(x: Array, axis: int | None = -1, descending: bool = False) -> Array:
    made = np.sort(x, axis=axis)
    return np.flip(made, -1 if axis is None else axis) if descending else made


def topk(x: Array, k: int, axis: int = -1, largest: bool = True) -> list[Array]:
    places = np.take(argsort(x, axis, largest), range(k), axis)
    return [np.take_along_axis(x, places, axis), places]


def kthvalue(x: Array, k: int, axis: int = -1, keepdims: bool = False) -> list[Array]:
    places = np.take(argsort(x, axis), [k - 1], axis)
    made = [np.take_along_axis(x, places, axis), places]
    return made if keepdims else [np.squeeze(a, axis) for a in made]


def mode(x: Array, axis: int = -1, keepdims: bool = False) -> list[Array]:
    def one(row: Array) -> Array:
        values, counts = np.unique(row, return_counts=True)
        value = values[np.argmax(counts)]
        return np.array([value, np.flatnonzero(row == value)[-1]])

    made = [np.take(np.apply_along_axis(one, axis, x), [i], axis) for i in (0, 1)]
    return made if keepdims else [np.squeeze(a, axis) for a in made]


# Of three values the one in the middle leaves each of the others one place.
PARTS: list[Any] = [
    call((3,), axis=0, kth=1),
    call((2, 3), axis=-1, kth=(1,)),
    call((3, 2), axis=0, kth=1),
]

PLACES = [
    call((5,), (), side="left"),
    call((5,), (4,), side="right"),
    call((3,), (2, 3), side="left"),
    call((0,), (2,), side="left"),
]


def ascending(shape: Shape) -> Array:
    """Return what makes values ascend that it is added to."""
    return np.arange(shape[0]) * 5.0


def searchsorted(a: Array, v: Array, side: str = "left") -> Array:
    """Count the values that are smaller, or not larger."""
    before = a < v[..., None] if side == "left" else a <= v[..., None]
    return np.asarray(before.sum(-1))


def histogram(x: Array, *args: Any, **settings: Any) -> list[Array]:
    return [*np.histogram(x, *args, **settings)]


AMONG = Domain(((-3.0, 23.0),))

SAMPLES: dict[str, Samples] = {
    "order_along": Samples((DISTINCT,), ALONG, argsort),
    "sort_along": Samples((DISTINCT,), ALONG, sort),
    "partition_along": Samples((DISTINCT,), PARTS, np.argpartition),
    "insertion_place": Samples((REAL, AMONG), PLACES, searchsorted, around=ascending),
}

COMPOSITES: dict[str, Samples] = {
    "sort": Samples((DISTINCT,), SORTS, sort),
    "argsort": Samples((DISTINCT,), SORTS, argsort),
    "partition": Samples((DISTINCT,), [*PARTS, call((1, 3), axis=None, kth=1)], np.partition),
    "argpartition": Samples((DISTINCT,), PARTS, np.argpartition),
    "topk": Samples(
        (DISTINCT,),
        [call((5,), k=2), call((2, 3), k=2, axis=0, largest=False), call((2, 3), k=0)],
        end_to_end(topk),
    ),
    "kthvalue": Samples(
        (DISTINCT,),
        [call((5,), k=2), call((2, 3), k=3), call((4, 2), k=1, axis=0, keepdims=True)],
        end_to_end(kthvalue),
    ),
    "mode": Samples(
        (INDEX,),
        [call((7,)), call((1,)), call((2, 9)), call((8, 2), axis=0, keepdims=True)],
        end_to_end(mode),
    ),
    "searchsorted": Samples((REAL, AMONG), PLACES, np.searchsorted, around=ascending),
    "digitize": Samples(
        (REAL,),
        [
            call((5,), bins=(-1.0, 0.0, 1.0)),
            call((2, 3), bins=(1.0, 0.5, -1.0), right=True),
            call((4,), bins=(0.25,)),
        ],
        np.digitize,
    ),
    "bincount": Samples(
        (BOOL,),
        [call((7,), length=2), call((0,), length=3), call((5,), length=9)],
        lambda x, length: np.bincount(x, minlength=length),
    ),
    "histogram_bin_edges": Samples(
        (REAL,), [call((5,)), call((2, 3), bins=3)], np.histogram_bin_edges
    ),
    "histogram": Samples(
        (REAL,),
        [
            call((9,)),
            call((2, 5), bins=4, range=(-1.0, 1.5)),
            call((9,), bins=(-2.0, -1.0, 0.5, 0.75)),
        ],
        end_to_end(histogram),
    ),
}
