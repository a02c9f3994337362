"""Samples of what runs along an axis: running totals, differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import DISTINCT, REAL, Array, Samples, call, end_to_end

from families.reduce import some_nan

ALONG = [
    call((3,), axis=0),
    call((5,), axis=0),
    call((2, 3), axis=-1),
    call((2, 4, 2), axis=1),
    call((0, 2), axis=0),
    call((1, 2), axis=0),
]
SEVERAL = [call((2, 3)), call((7,)), call((2, 5), axis=0), call((2, 3, 2), axis=-2)]


def running_place(x: Array, axis: int, largest: bool) -> Array:
    """Look at each beginning by itself, from its end."""
    rows = np.moveaxis(x if largest else -x, axis, -1)
    made = np.zeros(rows.shape, np.int64)
    for i in range(rows.shape[-1]):
        made[..., i] = i - np.argmax(rows[..., i::-1], axis=-1)
    return np.moveaxis(made, -1, axis)


def logcumsumexp(x: Array, axis: int = -1) -> Array:
    return np.log(np.cumsum(np.exp(x), axis=axis))


def cumulative(name: str) -> Any:
    def one(x: Array, axis: int = -1) -> list[Array]:
        places = running_place(x, axis, largest=name == "cummax")
        return [np.take_along_axis(x, places, axis), places]

    return end_to_end(one)


SAMPLES: dict[str, Samples] = {
    "running_sum": Samples((REAL,), ALONG, np.cumsum, complex=True),
    "running_product": Samples((REAL,), ALONG, np.cumprod, complex=True),
    "running_logsumexp": Samples((REAL,), ALONG, logcumsumexp),
    "running_place": Samples(
        (REAL,),
        [
            call((3,), axis=0, largest=True),
            call((2, 3), axis=-1, largest=False),
            call((2, 4, 2), axis=1, largest=True),
        ],
        running_place,
    ),
}

INITIAL = [call((3,)), call((2, 3), axis=1, include_initial=True), call((2, 3), axis=0)]

COMPOSITES: dict[str, Samples] = {
    "cumsum": Samples((REAL,), SEVERAL, np.cumsum, complex=True),
    "cumprod": Samples((REAL,), SEVERAL, np.cumprod, complex=True),
    "cumulative_sum": Samples((REAL,), INITIAL, np.cumulative_sum),
    "cumulative_prod": Samples((REAL,), INITIAL, np.cumulative_prod),
    "nancumsum": Samples((REAL,), SEVERAL, np.nancumsum, around=some_nan),
    "nancumprod": Samples((REAL,), SEVERAL, np.nancumprod, around=some_nan),
    "logcumsumexp": Samples((REAL,), [call((2, 3)), call((5, 2), axis=0)], logcumsumexp),
    "cummax": Samples((DISTINCT,), [call((2, 5)), call((4, 2), axis=0)], cumulative("cummax")),
    "cummin": Samples((DISTINCT,), [call((2, 5)), call((4, 2), axis=0)], cumulative("cummin")),
}
