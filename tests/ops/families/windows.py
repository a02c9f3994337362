"""Samples of windows that move over the last axes: convolutions and pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sampling import DISTINCT, INDEX, REAL, Array, Samples, Shape, call


def windows(
    x: Array, kernel: Shape, stride: Shape, padding: Any, dilation: Shape, border: float = 0.0
) -> Array:
    """Return the windows: (..., *counts, *kernel)."""
    n = len(kernel)
    x = np.pad(x, [(0, 0)] * (x.ndim - n) + list(padding), constant_values=border)
    spans = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    every = sliding_window_view(x, spans, tuple(range(x.ndim - n, x.ndim)))
    steps = (*stride, *dilation)
    return np.asarray(every[(..., *(slice(None, None, s) for s in steps))])


def adjoint(linear: Callable[[Array], Array], shape: Shape, y: Array) -> Array:
    """Return what the transpose of a linear function makes of `y`, column by column."""
    size = int(np.prod(shape))
    basis = np.eye(size).reshape(size, *shape)
    return np.array([np.sum(linear(e) * y) for e in basis]).reshape(shape)


def conv(x: Array, w: Array, groups: int, **settings: Any) -> Array:
    parts = [
        np.tensordot(
            windows(own, w.shape[2:], **settings),
            made,
            ((1, *range(x.ndim, 2 * x.ndim - 2)), tuple(range(1, w.ndim))),
        )
        for own, made in zip(np.split(x, groups, 1), np.split(w, groups), strict=True)
    ]
    return np.moveaxis(np.concatenate(parts, -1), -1, 1)


def conv_input_gradient(y: Array, w: Array, size: Shape, **settings: Any) -> Array:
    shape = (y.shape[0], w.shape[1] * settings["groups"], *size)
    return adjoint(lambda x: conv(x, w, **settings), shape, y)


def conv_weight_gradient(x: Array, y: Array, kernel: Shape, **settings: Any) -> Array:
    shape = (y.shape[1], x.shape[1] // settings["groups"], *kernel)
    return adjoint(lambda w: conv(x, w, **settings), shape, y)


def unfold_windows(x: Array, kernel: Shape, **settings: Any) -> Array:
    made, n = windows(x, kernel, **settings), len(kernel)
    lead = made.ndim - 2 * n
    axes = (*range(lead), *range(lead + n, lead + 2 * n), *range(lead, lead + n))
    return made.transpose(axes)


def over_windows(x: Array, kernel: Shape) -> tuple[int, ...]:
    return tuple(range(-len(kernel), 0))


def read_windows(x: Array, place: Array, kernel: Shape, **settings: Any) -> Array:
    made = windows(x, kernel, **settings)
    flat = made.reshape(*made.shape[: made.ndim - len(kernel)], int(np.prod(kernel)))
    chosen = np.arange(flat.shape[-1]) == place[..., None]
    return np.asarray((flat * chosen).sum(-1))


def place_of_max(x: Array, y: Array, kernel: Shape, **settings: Any) -> Array:
    made = windows(x.astype(float), kernel, **settings, border=-np.inf)
    flat = made.reshape(*made.shape[: made.ndim - len(kernel)], int(np.prod(kernel)))
    hit = flat == y[..., None]
    last = flat.shape[-1] - 1
    return np.where(hit.any(-1), np.argmax(hit, -1), last).astype("uint8")


def settings(stride: Any = 1, padding: Any = 0, dilation: Any = 1, axes: int = 2) -> dict[str, Any]:
    def each(value: Any) -> Any:
        return value if isinstance(value, tuple) else (value,) * axes

    pairs = tuple(p if isinstance(p, tuple) else (p, p) for p in each(padding))
    return {"stride": each(stride), "padding": pairs, "dilation": each(dilation)}


PLAIN = settings()
BUSY = settings((2, 1), ((1, 0), (2, 1)), (1, 2))
LINE = settings(2, 1, 2, axes=1)
SOLID = settings(axes=3)

# Input, weight, setting, groups.
CONVS = [
    ((2, 2, 4, 3), (3, 2, 2, 2), PLAIN, 1),
    ((2, 4, 5, 3), (2, 2, 3, 2), BUSY, 2),
    ((1, 1, 5), (2, 1, 2), LINE, 1),
    ((1, 2, 2, 2, 2), (1, 2, 1, 2, 2), SOLID, 1),
    ((2, 3, 2, 2), (2, 3, 1, 1), PLAIN, 1),
    ((0, 2, 3, 3), (1, 2, 2, 2), PLAIN, 1),
    ((1, 2, 2, 16), (2, 1, 2, 3), settings(1, ((1, 0), (1, 1))), 2),  # wide enough to go by rows
]


def made(x: Shape, w: Shape, s: Any) -> Shape:
    return (x[0], w[0], *windows(np.zeros(x), w[2:], **s).shape[2 : len(x)])


POOLS = [
    call((2, 4, 6), kernel=(2, 2), **settings((2, 3))),
    call((5, 4), kernel=(2, 3), **settings((2, 1), ((1, 0), (1, 1)), (2, 1))),
    call((2, 5), kernel=(3,), **settings(2, axes=1)),
    call((0, 4), kernel=(2,), **settings(axes=1)),
]


def spread(row: Any) -> Any:
    """Return the call that gives values back to the windows of a pool's call."""
    (x,), kernel = row.shapes, row.attributes["kernel"]
    n = len(kernel)
    count = windows(np.zeros(x), **row.attributes).shape[: len(x)]
    return call(count, size=x[len(x) - n :], **row.attributes)


SPREADS = [spread(row) for row in POOLS]

SAMPLES: dict[str, Samples] = {
    "conv": Samples(
        (REAL, REAL), [call(x, w, groups=g, **s) for x, w, s, g in CONVS], conv, complex=True
    ),
    "conv_input_gradient": Samples(
        (REAL, REAL),
        [call(made(x, w, s), w, size=x[2:], groups=g, **s) for x, w, s, g in CONVS],
        conv_input_gradient,
        complex=True,
    ),
    "conv_weight_gradient": Samples(
        (REAL, REAL),
        [call(x, made(x, w, s), kernel=w[2:], groups=g, **s) for x, w, s, g in CONVS],
        conv_weight_gradient,
        complex=True,
    ),
    "unfold_windows": Samples((REAL,), POOLS, unfold_windows, complex=True),
    "fold_windows": Samples(
        (REAL,),
        [
            call(unfold_windows(np.zeros(row.shapes[0]), **row.attributes).shape, **to.attributes)
            for row, to in zip(POOLS, SPREADS, strict=True)
        ],
        lambda x, size, kernel, **s: adjoint(
            lambda e: unfold_windows(e, kernel, **s),
            (*x.shape[: x.ndim - 2 * len(kernel)], *size),
            x,
        ),
        complex=True,
    ),
    "max_pool": Samples(
        (DISTINCT,),
        POOLS,
        lambda x, kernel, **s: windows(x, kernel, **s, border=-np.inf).max(over_windows(x, kernel)),
    ),
    "place_of_max": Samples(
        (INDEX, INDEX),
        [
            call(row.shapes[0], to.shapes[0], **row.attributes)
            for row, to in zip(POOLS, SPREADS, strict=True)
        ],
        place_of_max,
    ),
    "sum_pool": Samples(
        (REAL,),
        POOLS,
        lambda x, kernel, **s: windows(x, kernel, **s).sum(over_windows(x, kernel)),
        complex=True,
    ),
    "spread_windows": Samples(
        (REAL,),
        SPREADS,
        lambda x, size, kernel, **s: adjoint(
            lambda e: windows(e, kernel, **s).sum(over_windows(e, kernel)),
            (*x.shape[: x.ndim - len(kernel)], *size),
            x,
        ),
        complex=True,
    ),
    "read_windows": Samples(
        (REAL, INDEX),
        [
            call(row.shapes[0], to.shapes[0], **row.attributes)
            for row, to in zip(POOLS, SPREADS, strict=True)
        ],
        read_windows,
        complex=True,
    ),
    "add_to_windows": Samples(
        (REAL, INDEX),
        [call(to.shapes[0], to.shapes[0], **to.attributes) for to in SPREADS],
        lambda x, place, size, kernel, **s: adjoint(
            lambda e: read_windows(e, place, kernel, **s),
            (*x.shape[: x.ndim - len(kernel)], *size),
            x,
        ),
        complex=True,
    ),
}
