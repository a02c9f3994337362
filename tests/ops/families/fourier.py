"""Samples of Fourier transforms; what makes complex numbers of real ones is in test_fourier.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import REAL, Array, Samples, call


def by_matrices(
    x: Array, axis: tuple[int, ...], norm: str = "backward", inverse: bool = False
) -> Array:
    """Return the transform as products with the matrix of roots of 1; of reals the real part."""
    made: Any = x.astype(complex)
    for a in axis:
        n = x.shape[a]
        numbers = np.arange(n)
        roots = np.exp((2j if inverse else -2j) * np.pi * np.outer(numbers, numbers) / n)
        scale = {"ortho": n**-0.5, "forward": 1.0 if inverse else 1 / n}.get(
            norm, 1 / n if inverse else 1.0
        )
        made = np.moveaxis(np.tensordot(roots * scale, made, (1, a)), 0, a)
    return np.asarray(made if x.dtype.kind == "c" else made.real)


def from_half(x: Array, axis: int, n: int, norm: str = "backward") -> Array:
    """Return the inverse transform of the whole that a half stands for."""
    half = np.moveaxis(x, axis, -1).astype(complex)
    ends = [0] if n % 2 else [0, -1]
    half[..., ends] = half[..., ends].real
    rest = np.conj(half[..., 1 : (n + 1) // 2])[..., ::-1]
    whole = np.concatenate([half, rest], axis=-1)
    return np.moveaxis(by_matrices(whole, (whole.ndim - 1,), norm, True).real, -1, axis)


SAMPLES: dict[str, Samples] = {
    "dft": Samples(
        (REAL,),
        [
            call((5,), axis=(0,)),
            call((2, 4), axis=(1,), norm="ortho"),
            call((2, 3, 4), axis=(2, 0), inverse=True),
            call((3, 2), axis=(-2, -1), norm="forward"),
            call((2, 1), axis=(0,), inverse=True, norm="forward"),
            call((0, 3), axis=(1,)),
        ],
        by_matrices,
        complex=True,
    ),
    "real_dft": Samples(
        (REAL,),
        [
            call((5,), axis=0, real_part=True),
            call((2, 4), axis=-1, norm="ortho", real_part=True),
            call((3, 2), axis=0, norm="forward", real_part=True),
            call((1, 2), axis=0, real_part=True),
        ],
        lambda x, axis, norm="backward", real_part=True: np.fft.rfft(x, None, axis, norm).real,
    ),
    "inverse_real_dft": Samples(
        (REAL,),
        [
            call((3,), axis=0, n=5),
            call((2, 3), axis=-1, n=4, norm="ortho"),
            call((2, 2), axis=0, n=2, norm="forward"),
            call((2, 1), axis=1, n=1),
        ],
        from_half,
        complex=True,
    ),
}
COMPOSITES: dict[str, Samples] = {
    "fft.hfft": Samples(
        (REAL,), [call((3,)), call((2, 4), n=5, axis=0, norm="ortho")], np.fft.hfft, complex=True
    ),
    "fft.irfft": Samples(
        (REAL,), [call((3,)), call((2, 4), n=9, axis=0, norm="ortho")], np.fft.irfft, complex=True
    ),
    "fft.irfft2": Samples(
        (REAL,), [call((3, 4)), call((2, 3, 3), s=(4, 5))], np.fft.irfft2, complex=True
    ),
    "fft.irfftn": Samples(
        (REAL,), [call((3, 4)), call((2, 3, 3), s=(4, 5), axes=(0, 2))], np.fft.irfftn, complex=True
    ),
    "fft.fftshift": Samples(
        (REAL,), [call((5,)), call((3, 4), axes=1)], np.fft.fftshift, complex=True
    ),
    "fft.ifftshift": Samples(
        (REAL,), [call((5,)), call((3, 4), axes=(0,))], np.fft.ifftshift, complex=True
    ),
}
