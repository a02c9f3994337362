"""Samples of functions that take, choose and put slices, made of primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sampling import BETWEEN, BOOL, INDEX, INTEGER, POSITIVE, REAL, Array, Samples, call, end_to_end

import autograd_iron as ai

R = (REAL,)


def put_along_axis(x: Array, indices: Array, values: Array, axis: Any) -> Array:
    made = x.copy()
    np.put_along_axis(made, indices, values, axis)
    return made


def segment_sum(data: Array, segment_ids: Array, num_segments: int) -> Array:
    return np.stack([data[segment_ids == n].sum(0) for n in range(num_segments)])


SAMPLES: dict[str, Samples] = {
    "isin": Samples(
        (INDEX, INDEX),
        [
            call((3,), (4,)),
            call((2, 3), (2, 2), invert=True),
            call((), (3,)),
            call((0,), (2,)),
            call((2,), (0,)),
        ],
        np.isin,
    ),
}


COMPOSITES: dict[str, Samples] = {
    "interp": Samples(
        (BETWEEN, POSITIVE, REAL),  # the positive numbers are steps from point to point
        [
            call((4,), (5,), (5,)),
            call((2, 3), (4,), (4,), left=-1.0, right=2.0),
            call((5,), (4,), (4,), period=2.5),
            call((), (3,), (3,)),
            call((3,), (1,), (1,)),
        ],
        lambda x, steps, y, **more: np.interp(x, steps.cumsum() - 3, y, **more),
    ),
    "take": Samples(
        (REAL, INDEX),
        [
            call((3,), (4,)),
            call((2, 3), (2, 2)),
            call((2, 3), (2, 2), axis=1),
            call((2, 3), (), axis=0),
            call((2, 3), (4,), axis=-1, mode="clip"),
            call((2, 3), (0,), axis=0),
        ],
        lambda x, indices, axis=None, mode="raise": np.take(x, indices, axis, mode=mode),
        complex=True,
    ),
    "delete": Samples(
        R,
        [
            call((4,), obj=1),
            call((4,), obj=[0, -1]),
            call((2, 3), obj=slice(None, None, 2), axis=1),
            call((2, 3), obj=[True, False, True], axis=1),
            call((2, 3), obj=2),
            call((3,), obj=[]),
        ],
        np.delete,
        complex=True,
    ),
    "insert": Samples(
        R,
        [
            call((4,), (), obj=1),
            call((4,), (2,), obj=1),
            call((4,), (2,), obj=[1, 3]),
            call((4,), (3,), obj=[2, 2, 0]),
            call((4,), (2,), obj=slice(0, 4, 2)),
            call((2, 3), (2,), obj=1, axis=1),
            call((2, 3), (3,), obj=1, axis=0),
            call((2, 3), (2, 2), obj=[0, 2], axis=1),
            call((2, 3), (2, 1), obj=[1], axis=1),
            call((2, 3), (), obj=-1, axis=1),
            call((2, 3), (2,), obj=3),
        ],
        lambda x, values, obj, axis=None: np.insert(x, obj, values, axis),
        complex=True,
    ),
    "sliding_window_view": Samples(
        R,
        [
            call((4,), window_shape=2),
            call((3, 4), window_shape=(2, 3)),
            call((3, 4), window_shape=2, axis=1),
            call((3, 4, 2), window_shape=(2, 2), axis=(1, 0)),
            call((5,), window_shape=(2, 2), axis=(0, 0)),
            call((3,), window_shape=3),
        ],
        sliding_window_view,
        complex=True,
    ),
    "apply_along_axis": Samples(
        R,
        [call((2, 3), axis=0), call((2, 3, 2), axis=1), call((3,), axis=-1)],
        lambda x, axis: np.apply_along_axis(lambda v: np.outer(v, v), axis, x),
        complex=True,
    ),
    "unfold": Samples(
        R,
        [
            call((5,), axis=0, size=2, step=2),
            call((3, 4), axis=-1, size=3, step=1),
            call((4, 2), axis=0, size=1, step=3),
        ],
        lambda x, axis, size, step: np.moveaxis(
            np.moveaxis(sliding_window_view(x, size, axis), axis % x.ndim, 0)[::step],
            0,
            axis % x.ndim,
        ),
        complex=True,
    ),
    "unravel_index": Samples(
        (BOOL,),
        [call((3,), shape=(2, 3)), call((2, 2), shape=4), call((), shape=(3, 2))],
        end_to_end(lambda x, shape: np.unravel_index(x.astype(int), shape)),
    ),
    "ravel_multi_index": Samples(
        (INTEGER, INTEGER),
        [
            call((3,), (3,), dims=(4, 6), mode="wrap"),
            call((2, 2), (2, 2), dims=(4, 6), mode="clip"),
            call((2, 1), (3,), dims=(4, 6), mode="wrap"),
        ],
        lambda *x, dims, mode: np.ravel_multi_index(x, dims, mode),
    ),
    "select": Samples(
        (BOOL, BOOL, REAL),
        [call((3,), (3,), (3,), (2, 3)), call((2, 1), (3,), (), (3,), default=2.5)],
        lambda a, b, x, y, default=0: np.select([a, b], [x, y], default),
        complex=True,
    ),
    "choose": Samples(
        (INTEGER, REAL),
        [
            call((3,), (3,), (2, 3), (), mode="clip"),
            call((2, 3), (3,), mode="clip"),
        ],
        lambda x, *choices, mode="raise": np.choose(x, choices, mode=mode),
        complex=True,
    ),
    "piecewise": Samples(
        (REAL,),
        [call((3,)), call((2, 3)), call(())],
        lambda x: np.where(x > 1, 3.0, np.where(x < 0, x**2, np.sin(x))),
    ),
    "segment_sum": Samples(
        (REAL, INDEX),
        [call((4,), (4,), num_segments=2), call((5, 2), (5,), num_segments=3)],
        segment_sum,
        complex=True,
    ),
    "one_hot": Samples(
        (INDEX,),
        [call((3,), num_classes=2), call((2, 2), num_classes=3)],
        lambda x, num_classes: (x[..., None] == np.arange(num_classes)).astype("int64"),
    ),
}


def piecewise(x: Any) -> Any:
    """Return a call of the function, which takes functions."""
    return ai.piecewise(x, [x < 0, x > 1], [lambda x: x**2, 3.0, ai.sin])


# Of functions that take their arrays in lists, or in another order than arrays first.
ADAPTED: dict[str, Callable[..., Any]] = {
    "apply_along_axis": lambda x, axis: ai.apply_along_axis(lambda v: v[:, None] * v, axis, x),
    "interp": lambda x, steps, y, **more: ai.interp(x, ai.cumsum(steps, axis=0) - 3, y, **more),
    "unfold": lambda x, axis, size, step: x.unfold(axis, size, step),
    "unravel_index": lambda x, shape: ai.unravel_index(ai.astype(x, "int64"), shape),
    "ravel_multi_index": lambda *x, dims, mode: ai.ravel_multi_index(x, dims, mode),
    "insert": lambda x, values, obj, axis=None: ai.insert(x, obj, values, axis),
    "select": lambda a, b, x, y, default=0: ai.select([a, b], [x, y], default),
    "choose": lambda x, *choices, mode: ai.choose(x, choices, mode=mode),
    "piecewise": piecewise,
}
