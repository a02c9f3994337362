"""Samples of NumPy's elementwise functions beyond arithmetic: angles, rounding, bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import (
    BETWEEN,
    INDEX,
    INTEGER,
    NONZERO,
    POSITIVE,
    REAL,
    Array,
    Domain,
    Samples,
    call,
    elementwise,
    end_to_end,
)

SLANTED = Domain(((-1.3, 1.3),))  # away from the poles of the tangent
WITHIN = Domain(((-0.45, 0.45),))
ABOVE_ONE = Domain(((1.2, 3.0),))
BROKEN = Domain(((-1.9, -1.1), (0.1, 0.9), (1.1, 1.9)))  # away from whole numbers
DIVISOR = Domain(((2.3, 2.9),))  # what BROKEN is divided by jumps nowhere
ROUND = Domain(((-1.4, -0.6), (0.6, 1.4)))  # away from halves


SAMPLES: dict[str, Samples] = {
    # angles, hyperbolic functions
    "tan": elementwise(np.tan, SLANTED, complex=True),
    "arcsin": elementwise(np.arcsin, WITHIN, complex=True),
    "arccos": elementwise(np.arccos, WITHIN, complex=True),
    "arctan2": elementwise(np.arctan2, NONZERO, NONZERO),
    "hypot": elementwise(np.hypot, REAL, NONZERO),
    "sinh": elementwise(np.sinh, REAL, complex=True),
    "cosh": elementwise(np.cosh, REAL, complex=True),
    "arcsinh": elementwise(np.arcsinh, REAL, complex=True),
    "arccosh": elementwise(np.arccosh, ABOVE_ONE, complex=True),
    "arctanh": elementwise(np.arctanh, WITHIN, complex=True),
    # powers and logarithms
    "exp2": elementwise(np.exp2, REAL, complex=True),
    "log2": elementwise(np.log2, POSITIVE, complex=True),
    "log10": elementwise(np.log10, POSITIVE, complex=True),
    "cbrt": elementwise(np.cbrt, NONZERO),
    "logaddexp": elementwise(np.logaddexp, REAL, REAL),
    "logaddexp2": elementwise(np.logaddexp2, REAL, REAL),
    # rounding
    "floor": elementwise(np.floor, BROKEN),
    "ceil": elementwise(np.ceil, BROKEN),
    "trunc": elementwise(np.trunc, BROKEN),
    "rint": elementwise(np.rint, ROUND),
    "floor_divide": elementwise(np.floor_divide, BROKEN, DIVISOR),
    "remainder": elementwise(np.remainder, BROKEN, DIVISOR),
    "fmod": elementwise(np.fmod, Domain(((-4.3, -3.2), (3.2, 4.3))), DIVISOR),
    # floats and their bits
    "copysign": elementwise(np.copysign, NONZERO, NONZERO),
    "nextafter": elementwise(np.nextafter, REAL, BETWEEN),
    "signbit": elementwise(np.signbit, REAL),
    "left_shift": elementwise(np.left_shift, INTEGER, Domain(dtype="index")),
    "right_shift": elementwise(np.right_shift, INTEGER, Domain(dtype="index")),
    "bitwise_count": elementwise(np.bitwise_count, INTEGER),
    "gcd": elementwise(np.gcd, INTEGER, INTEGER),
    "lcm": elementwise(np.lcm, INTEGER, INTEGER),
    # infinities, NaN, likeness
    "isinf": elementwise(np.isinf, REAL, complex=True),
    "logical_xor": elementwise(np.logical_xor, Domain(dtype="bool"), Domain(dtype="bool")),
    "fmax": elementwise(np.fmax, REAL, BETWEEN),
    "fmin": elementwise(np.fmin, REAL, BETWEEN),
}


def clipped(x: Array, low: Array, high: Array) -> Any:
    return np.minimum(np.maximum(x, low), high)


def interpolated(start: Array, end: Array, weight: Array) -> Any:
    return (1 - weight) * start + weight * end


_ROWS = [call((2, 3)), call(())]
_PAIRS = [call((2, 3), (3,)), call((), (2,))]

COMPOSITES: dict[str, Samples] = {
    "deg2rad": elementwise(np.deg2rad, REAL, calls=_ROWS),
    "rad2deg": elementwise(np.rad2deg, REAL, calls=_ROWS),
    "sinc": elementwise(np.sinc, REAL, calls=_ROWS, complex=True),
    "reciprocal": elementwise(np.reciprocal, NONZERO, calls=_ROWS, complex=True),
    "rsqrt": elementwise(lambda x: x**-0.5, POSITIVE, calls=_ROWS, complex=True),
    "lerp": elementwise(
        interpolated, REAL, REAL, REAL, calls=[call((2, 3), (3,), (2, 1))], complex=True
    ),
    "round": elementwise(
        lambda x, decimals=0: np.round(x, decimals),
        ROUND,
        calls=[call((2, 3)), call((4,), decimals=-1)],
        complex=True,
    ),
    "heaviside": elementwise(np.heaviside, NONZERO, REAL, calls=_PAIRS),
    "ldexp": elementwise(np.ldexp, REAL, INDEX, calls=_PAIRS),
    "divmod": elementwise(end_to_end(np.divmod), BROKEN, DIVISOR, calls=_PAIRS),
    "modf": elementwise(end_to_end(np.modf), BROKEN, calls=_ROWS),
    "positive": elementwise(np.positive, REAL, calls=_ROWS, complex=True),
    "fabs": elementwise(np.fabs, NONZERO, calls=_ROWS),
    "isreal": elementwise(np.isreal, REAL, calls=_ROWS),
    "iscomplex": elementwise(np.iscomplex, REAL, calls=_ROWS),
    "isposinf": elementwise(np.isposinf, REAL, calls=_ROWS),
    "isneginf": elementwise(np.isneginf, REAL, calls=_ROWS),
    "nan_to_num": elementwise(np.nan_to_num, REAL, calls=_ROWS, complex=True),
    "isclose": elementwise(
        lambda x, y, rtol=1e-5: np.isclose(x, y, rtol=rtol),
        REAL,
        REAL,
        calls=[call((2, 3), (3,), rtol=0.5), call((), (2,))],
        complex=True,
    ),
    "allclose": elementwise(np.allclose, REAL, REAL, calls=_PAIRS, complex=True),
    "array_equiv": elementwise(
        np.array_equiv, REAL, REAL, calls=[*_PAIRS, call((3,), (2,))], complex=True
    ),
    "array_equal": elementwise(
        np.array_equal, REAL, REAL, calls=[*_PAIRS, call((3,), (3,))], complex=True
    ),
    "clip": elementwise(
        clipped, REAL, BETWEEN, Domain(((2.003, 2.5),)), calls=[call((2, 3), (3,), (2, 1))]
    ),
}
