"""Samples of the reductions over axes."""

from __future__ import annotations

import math

import numpy as np
from sampling import (
    BOOL,
    DISTINCT,
    EMPTY_REDUCTIONS,
    NONZERO,
    REAL,
    REDUCTIONS,
    Array,
    Samples,
    Shape,
    call,
    end_to_end,
    reductions,
    small,
    stretches,
)


def sum_to(x: Array, shape: Shape) -> Array:
    """Add up one element at a time, each at the place it was broadcast from."""
    total = np.zeros(shape, x.dtype)
    for place in np.ndindex(x.shape):
        kept = place[x.ndim - len(shape) :]
        total[tuple(0 if n == 1 else i for i, n in zip(kept, shape, strict=True))] += x[place]
    return total


SAMPLES: dict[str, Samples] = {
    # reductions
    "sum": Samples((REAL,), REDUCTIONS + EMPTY_REDUCTIONS, np.sum, reductions(small), complex=True),
    "prod": Samples(
        (REAL,), REDUCTIONS + EMPTY_REDUCTIONS, np.prod, reductions(small), complex=True
    ),
    "mean": Samples((REAL,), REDUCTIONS, np.mean, reductions(), complex=True),
    "max": Samples((DISTINCT,), REDUCTIONS, np.max, reductions()),
    "min": Samples((DISTINCT,), REDUCTIONS, np.min, reductions()),
    "norm": Samples((NONZERO,), REDUCTIONS, np.linalg.vector_norm, reductions(), complex=True),
    "logsumexp": Samples(
        (REAL,),
        REDUCTIONS,
        lambda x, **over: np.log(np.sum(np.exp(x), **over)),
        reductions(),
        complex=True,
    ),
    "all": Samples((BOOL,), REDUCTIONS + EMPTY_REDUCTIONS, np.all, reductions(small)),
    "any": Samples((BOOL,), REDUCTIONS + EMPTY_REDUCTIONS, np.any, reductions(small)),
    **{
        name: Samples(
            (REAL,),
            [
                call(()),
                call((3,)),
                call((2, 3)),
                call((2, 3), keepdims=True),
                call((2, 3), axis=1),
                call((2, 3, 2), axis=-2, keepdims=True),
            ],
            getattr(np, name),
        )
        for name in ("argmax", "argmin")
    },
    "sum_to": Samples(
        (REAL,),
        [
            call(wide, shape=narrow)
            for wide, narrow in [
                ((), ()),
                ((3,), ()),
                ((2, 3), (3,)),
                ((2, 3), (2, 1)),
                ((2, 3), (1, 1)),
                ((2, 3, 2), (3, 1)),
                ((2, 0, 3), (1, 3)),
                ((0,), (1,)),
                ((2, 3), (2, 3)),
            ]
        ],
        sum_to,
        stretches().map(lambda c: call(c.attributes["shape"], shape=c.shapes[0])),
        complex=True,
    ),
}

FILLED = [c for c in REDUCTIONS if 0 not in c.shapes[0]]
FEW = [call((2, 3)), call((2, 3), axis=0), call((2, 3, 2), axis=(0, -1), keepdims=True)]
CONTINUOUS = ["linear", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased"]
METHODS = [
    *CONTINUOUS,
    "normal_unbiased",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]
QUANTILES = [
    call((5,)),
    call((2, 3), axis=1, keepdims=True),
    call((2, 3, 2), axis=(0, -1)),
    call((4, 1), axis=-1),
]


def some_nan(shape: Shape) -> Array:
    """Return zeros, every fourth of them NaN: to be added to values."""
    return np.where(np.arange(math.prod(shape)) % 4 == 1, np.nan, 0).reshape(shape)


WITH_NAN = {
    name: Samples((DISTINCT,), FEW, getattr(np, name), around=some_nan)
    for name in [
        "nansum",
        "nanprod",
        "nanmean",
        "nanmax",
        "nanmin",
        "nanvar",
        "nanstd",
        "nanmedian",
    ]
} | {
    name: Samples(
        (DISTINCT,),
        [call((5,)), call((2, 3), axis=0), call((2, 3), axis=1, keepdims=True)],
        getattr(np, name),
        around=some_nan,
    )
    for name in ("nanargmax", "nanargmin")
}
COMPOSITES: dict[str, Samples] = {
    "cov": Samples(
        (REAL,),
        [
            call((2, 4)),
            call((3,)),
            call((4, 2), rowvar=False, bias=True),
            call((2, 4), ddof=0, fweights=[1, 2, 1, 3]),
            call((2, 4), fweights=[1, 2, 1, 3], aweights=[0.5, 1.0, 2.0, 1.5]),
            call((2, 4), y=[1.0, -2.0, 0.5, 3.0]),
        ],
        np.cov,
        complex=True,
    ),
    "corrcoef": Samples((REAL,), [call((3, 5)), call((5, 2), rowvar=False)], np.corrcoef),
    "var": Samples((REAL,), [*FILLED, call((2, 3), axis=1, correction=1)], np.var, complex=True),
    "std": Samples((DISTINCT,), [*FEW, call((2, 3), axis=1, ddof=1)], np.std, complex=True),
    "ptp": Samples((DISTINCT,), FEW, np.ptp),
    "aminmax": Samples(
        (DISTINCT,), FEW, end_to_end(lambda x, **over: (np.min(x, **over), np.max(x, **over)))
    ),
    "count_nonzero": Samples((BOOL,), FEW, np.count_nonzero),
    "average": Samples((REAL,), FEW, np.mean, complex=True),
    "median": Samples((DISTINCT,), QUANTILES, np.median),
    "percentile": Samples(
        (DISTINCT,), [call((5,), q=30), call((2, 3), q=[0, 75.0])], np.percentile
    ),
    "quantile": Samples(
        (DISTINCT,),
        [
            call((5,), q=0.3),
            call((2, 3), q=(0.0, 0.25, 1.0), axis=1),
            call((2, 3, 2), q=[[0.1, 0.9]], axis=(0, 2), keepdims=True),
            *[call((7,), q=(0, 0.1, 0.25, 0.5, 0.62, 1), method=method) for method in METHODS],
            *[call((6,), q=(0, 1 / 6, 0.25, 0.5, 0.62, 1), method=method) for method in METHODS],
        ],
        np.quantile,
    ),
    "nanquantile": Samples(
        (DISTINCT,),
        [
            call((2, 3, 2), q=[0.1, 0.9], axis=(0, 2), keepdims=True),
            *[call((4, 6), q=(0, 0.25, 0.5, 1), axis=1, method=method) for method in METHODS],
        ],
        np.nanquantile,
        around=some_nan,
    ),
    "nanpercentile": Samples((DISTINCT,), [call((5,), q=30)], np.nanpercentile, around=some_nan),
    **WITH_NAN,
    "log_softmax": Samples(
        (REAL,),
        [call((3,)), call((2, 3)), call((2, 3), axis=0), call((2, 3, 2), axis=(0, -2))],
        lambda x, axis=-1: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
        complex=True,
    ),
}
