"""cupy.fft: cuFFT, which keeps single precision and casts what is real to complex."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import computed, ndarray


def fftn(a: ndarray, s: Any = None, axes: Any = None, norm: Any = None) -> ndarray:
    return computed(lambda raw: np.fft.fftn(raw, s, axes, norm), [_of_cufft(a)], name="fftn")


def ifftn(a: ndarray, s: Any = None, axes: Any = None, norm: Any = None) -> ndarray:
    return computed(lambda raw: np.fft.ifftn(raw, s, axes, norm), [_of_cufft(a)], name="ifftn")


def rfft(a: ndarray, n: Any = None, axis: int = -1, norm: Any = None) -> ndarray:
    return computed(lambda raw: np.fft.rfft(raw, n, axis, norm), [_of_cufft(a)], name="rfft")


def irfft(a: ndarray, n: Any = None, axis: int = -1, norm: Any = None) -> ndarray:
    return computed(lambda raw: np.fft.irfft(raw, n, axis, norm), [_of_cufft(a)], name="irfft")


def _of_cufft(a: ndarray) -> ndarray:
    if a.dtype == np.float16:
        raise NotImplementedError("cuFFT of float16 takes sizes that are powers of two alone")
    return a
