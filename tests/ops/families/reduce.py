"""Samples of the reductions over axes."""

from __future__ import annotations

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
            [call(()), call((3,)), call((2, 3)), call((2, 3), axis=1), call((2, 3, 2), axis=-2)],
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

COMPOSITES: dict[str, Samples] = {
    "var": Samples((REAL,), [c for c in REDUCTIONS if 0 not in c.shapes[0]], np.var, complex=True),
    "log_softmax": Samples(
        (REAL,),
        [call((3,)), call((2, 3)), call((2, 3), axis=0), call((2, 3, 2), axis=-2)],
        lambda x, axis=-1: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
        complex=True,
    ),
}
