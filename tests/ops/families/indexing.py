"""Samples of reading and writing at an index."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import (
    INDEX,
    INDICES,
    REAL,
    Array,
    Samples,
    call,
    indices,
    names_a_position_twice,
    update_calls,
    updates,
)


def scatter_sum(values: Array, indices: Array, size: int, axis: int) -> Array:
    """Add up the slices as a product with one row per slice, which is 1 at its index."""
    chosen = (np.arange(size) == indices.reshape(-1, 1) % size).astype(values.dtype)
    shape = values.shape[:axis], values.shape[axis + indices.ndim :]
    flat = np.moveaxis(
        values.reshape(*shape[0], -1, *shape[1]) if values.size else values, axis, -1
    )
    return np.moveaxis(flat @ chosen, -1, axis)


def scatter_sum_along(values: Array, indices: Array, size: int, axis: int) -> Array:
    """Add up one element at a time."""
    axis %= values.ndim
    made = np.zeros((*values.shape[:axis], size, *values.shape[axis + 1 :]), values.dtype)
    for place in np.ndindex(values.shape):
        made[(*place[:axis], indices[place], *place[axis + 1 :])] += values[place]
    return made


def add_at(x: Array, value: Array, index: Any) -> Array:
    positions = np.arange(x.size).reshape(x.shape)[index]
    made = x.flatten()
    for position, v in zip(
        positions.ravel(), np.broadcast_to(value, positions.shape).ravel(), strict=True
    ):
        made[position] += v
    return made.reshape(x.shape)


def set_at(x: Array, value: Array, index: Any) -> Array:
    made = x.copy()
    made[index] = value
    return made


SAMPLES: dict[str, Samples] = {
    # indexing
    "getitem": Samples(
        (REAL,),
        [call(shape, index=index) for shape, index in INDICES],
        lambda x, index: x[index],
        indices().map(lambda drawn: call(drawn[0], index=drawn[1])),
        complex=True,
    ),
    "add_at": Samples(
        (REAL, REAL), [*update_calls(INDICES)], add_at, updates(once=False), complex=True
    ),
    "set_at": Samples(
        (REAL, REAL),
        [*update_calls([row for row in INDICES if not names_a_position_twice(*row)])],
        set_at,
        updates(once=True),
        complex=True,
    ),
    "gather": Samples(
        (REAL, INDEX),
        [
            call((3,), (4,)),
            call((3, 2), (4,)),
            call((3, 2), (2, 5), axis=-1),
            call((3, 4, 2), (3, 1), axis=1),
            call((2, 3), (0,)),
        ],
        lambda x, indices, axis=0: np.take(x, indices, axis),
        complex=True,
    ),
    "scatter_sum": Samples(
        (REAL, INDEX),
        [
            call((4,), (4,), size=3, axis=0),
            call((4, 2), (4,), size=2, axis=0),
            call((2, 2, 3, 2), (2, 3), size=4, axis=1),
            call((3, 0), (0,), size=2, axis=1),
        ],
        scatter_sum,
        complex=True,
    ),
    "gather_along": Samples(
        (REAL, INDEX),
        [
            call((3,), (4,), axis=0),
            call((2, 3), (2, 5), axis=-1),
            call((3, 4, 2), (3, 1, 2), axis=1),
            call((3, 0), (1, 0), axis=0),
        ],
        np.take_along_axis,
        complex=True,
    ),
    "scatter_sum_along": Samples(
        (REAL, INDEX),
        [
            call((4,), (4,), size=3, axis=0),
            call((2, 5), (2, 5), size=3, axis=-1),
            call((3, 1, 2), (3, 1, 2), size=4, axis=1),
            call((1, 0), (1, 0), size=2, axis=0),
        ],
        scatter_sum_along,
        complex=True,
    ),
}

COMPOSITES: dict[str, Samples] = {
    "take_along_axis": Samples(
        (REAL, INDEX),
        [
            call((2, 3), (2, 4)),
            call((2, 3), (1, 3), axis=0),
            call((2, 1, 3), (1, 4, 2), axis=-1),
            call((2, 3), (5,), axis=None),
        ],
        np.take_along_axis,
        complex=True,
    ),
}
