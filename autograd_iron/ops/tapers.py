"""Windows that taper a signal towards its ends: Bartlett's, Blackman's, Hamming's and others."""

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.plain import real, setting
from autograd_iron.core.tensor import Tensor

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def _made(name: str, size: Any, *more: Any, dtype: Any, device: Any) -> Tensor:
    made = getattr(devices.host, name)(setting(size, "M"), *more)
    found = dtypes.default_float if dtype is None else dtypes.dtype(dtype)
    return Tensor(devices.move(intake.as_array(made, found), devices.full_name(device)))


def bartlett(M: int, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return a triangle of `M` numbers, which is 0 at both ends."""
    return _made("bartlett", M, dtype=dtype, device=device)


def blackman(M: int, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return Blackman's window, made of three cosines, as `M` numbers."""
    return _made("blackman", M, dtype=dtype, device=device)


def hamming(M: int, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return Hamming's window, a raised cosine that does not reach 0, as `M` numbers."""
    return _made("hamming", M, dtype=dtype, device=device)


def hanning(M: int, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return von Hann's window, a raised cosine, as `M` numbers."""
    return _made("hanning", M, dtype=dtype, device=device)


def kaiser(M: int, beta: float, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return Kaiser's window of the shape `beta`, made of Bessel functions, as `M` numbers."""
    return _made("kaiser", M, real(beta), dtype=dtype, device=device)
