"""Samples of polynomials."""

from __future__ import annotations

import numpy as np
from sampling import NONZERO, REAL, Domain, Samples, call

SAMPLES: dict[str, Samples] = {}
TWO = [call((3,), (3,)), call((2,), (4,)), call((4,), (1,))]
POINTS = [
    call((5,), (5,), deg=2),
    call((4,), (4, 2), deg=1),
    call((5,), (5,), deg=1, w=[1.0, 2.0, 0.5, 1.0, 3.0]),
]
COMPOSITES: dict[str, Samples] = {
    "polyval": Samples(
        (REAL, REAL),
        [call((4,), (2, 3)), call((1,), (2,)), call((3,), ())],
        np.polyval,
        complex=True,
    ),
    "polyadd": Samples((REAL, REAL), TWO, np.polyadd, complex=True),
    "polysub": Samples((REAL, REAL), TWO, np.polysub, complex=True),
    "polymul": Samples((NONZERO, NONZERO), TWO, np.polymul, complex=True),
    "polyder": Samples(
        (REAL,),
        [call((4,)), call((4,), m=2), call((1,)), call((3,), m=0)],
        np.polyder,
        complex=True,
    ),
    "polyint": Samples(
        (REAL,),
        [call((3,)), call((2,), m=2, k=[1.0, 2.0]), call((3,), m=2, k=0.5), call((2,), m=0)],
        np.polyint,
        complex=True,
    ),
    "polyfit": Samples(
        (Domain(distinct=True), REAL),
        POINTS,
        np.polyfit,
    ),
}
