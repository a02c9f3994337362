"""Samples of what runs along an axis: running totals, differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import DISTINCT, POSITIVE, REAL, Array, Domain, Samples, call, end_to_end

from families.reduce import some_nan


def several(made: Any) -> Array:
    """Return arrays end to end, and one as it is."""
    return np.concatenate([a.ravel() for a in made]) if isinstance(made, tuple) else made


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


def cumulative_trapezoid(y: Array, x: Any = None, dx: float = 1.0, axis: int = -1) -> Array:
    ends = range(2, y.shape[axis] + 1)
    areas = []
    for end in ends:
        place = None if x is None else x[:end] if x.ndim == 1 else np.take(x, range(end), axis)
        areas.append(np.trapezoid(np.take(y, range(end), axis), place, dx, axis))
    return np.stack(areas, axis)


AREAS = [
    call((4,)),
    call((2, 3), dx=0.5),
    call((2, 3), axis=0),
    call((2, 3), (3,)),
    call((3, 2), (3,), axis=0),
    call((2, 3), (2, 3), axis=1),
]

INITIAL = [call((3,)), call((2, 3), axis=1, include_initial=True), call((2, 3), axis=0)]

COMPOSITES: dict[str, Samples] = {
    "cumsum": Samples((REAL,), SEVERAL, np.cumsum, complex=True),
    "cumprod": Samples((REAL,), SEVERAL, np.cumprod, complex=True),
    "cumulative_sum": Samples((REAL,), INITIAL, np.cumulative_sum, complex=True),
    "cumulative_prod": Samples((REAL,), INITIAL, np.cumulative_prod, complex=True),
    "nancumsum": Samples((REAL,), SEVERAL, np.nancumsum, around=some_nan, complex=True),
    "nancumprod": Samples((REAL,), SEVERAL, np.nancumprod, around=some_nan, complex=True),
    "logcumsumexp": Samples((REAL,), [call((2, 3)), call((5, 2), axis=0)], logcumsumexp),
    "cummax": Samples((DISTINCT,), [call((2, 5)), call((4, 2), axis=0)], cumulative("cummax")),
    "cummin": Samples((DISTINCT,), [call((2, 5)), call((4, 2), axis=0)], cumulative("cummin")),
    "diff": Samples(
        (REAL,),
        [
            call((4,)),
            call((2, 3), axis=0),
            call((2, 4), n=2, prepend=1.5),
            call((2, 3), n=0),
            call((2, 3), axis=0, prepend=[[1.0, 2.0, 3.0]], append=-2.0),
        ],
        np.diff,
        complex=True,
    ),
    "ediff1d": Samples(
        (REAL,),
        [call((4,)), call((2, 3), to_end=1.5), call((3,), to_begin=[1.0, 2.0], to_end=[3.0])],
        np.ediff1d,
        complex=True,
    ),
    "unwrap": Samples(
        (Domain(((-9.0, 9.0),)),),
        [
            call((5,)),
            call((2, 4)),
            call((4, 2), axis=0, period=3.0),
            call((6,), discont=4.0),
            call((1,)),
        ],
        np.unwrap,
    ),
    "trapezoid": Samples((REAL, REAL), AREAS, np.trapezoid, complex=True),
    "cumulative_trapezoid": Samples((REAL, REAL), AREAS, cumulative_trapezoid, complex=True),
    "gradient": Samples(
        (REAL, POSITIVE),
        [
            call((2,)),
            call((5,), edge_order=2),
            call((5,), (), axis=0),
            call((3, 4)),
            call((3, 4), axis=1, edge_order=2),
            call((2, 3, 4), axis=(0, 2)),
        ],
        lambda f, *space, **settings: several(np.gradient(f, *space, **settings)),
        complex=True,
    ),
}
