"""Samples of convolution and correlation."""

from __future__ import annotations

import numpy as np
import scipy.signal
from sampling import REAL, Samples, call

SAMPLES: dict[str, Samples] = {}
BOTH = [
    call((5,), (3,)),
    call((3, 4), (2, 2), mode="same"),
    call((4, 3), (2, 3), mode="valid"),
    call((2, 2), (3, 4), mode="same"),
    call((2,), (4,), mode="valid"),
]
OF_MATRICES = [
    call((4, 3), (2, 3)),
    call((4, 3), (3, 2), mode="same", boundary="wrap"),
    call((3, 4), (3, 3), mode="full", boundary="symm"),
    call((3, 4), (2, 2), mode="same", fillvalue=1.5),
    call((3, 4), (2, 2), mode="valid", boundary="wrap"),
]
COMPOSITES: dict[str, Samples] = {
    "convolve": Samples(
        (REAL, REAL),
        [
            *[call((5,), (3,)), call((3,), (5,), mode="same"), call((5,), (2,), mode="same")],
            *[call((5,), (3,), mode="valid"), call((2,), (5,), mode="valid")],
        ],
        np.convolve,
        complex=True,
    ),
    "correlate": Samples(
        (REAL, REAL),
        [
            *[call((5,), (3,)), call((2,), (5,), mode="same"), call((5,), (2,), mode="same")],
            *[call((5,), (3,), mode="full"), call((2,), (5,), mode="full")],
        ],
        np.correlate,
        complex=True,
    ),
    "signal.convolve": Samples((REAL, REAL), BOTH, scipy.signal.convolve, complex=True),
    "signal.correlate": Samples((REAL, REAL), BOTH, scipy.signal.correlate, complex=True),
    "signal.fftconvolve": Samples(
        (REAL, REAL),
        [*BOTH, call((2, 5), (1, 3), axes=1), call((3, 2), (4, 2), axes=(0,), mode="same")],
        scipy.signal.fftconvolve,
        complex=True,
    ),
    "signal.convolve2d": Samples((REAL, REAL), OF_MATRICES, scipy.signal.convolve2d),
    "signal.correlate2d": Samples((REAL, REAL), OF_MATRICES, scipy.signal.correlate2d),
}
