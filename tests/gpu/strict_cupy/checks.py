"""What is checked of arguments, with CuPy's words."""

from __future__ import annotations

from typing import Any

import numpy as np

from .streams import current_stream


class Flags:
    """How an array lies in memory; CuPy has no `writeable`."""

    def __init__(self, raw: np.ndarray, owner: bool) -> None:
        self.c_contiguous = raw.flags.c_contiguous
        self.f_contiguous = raw.flags.f_contiguous
        self.owndata = owner

    def __getitem__(self, name: str) -> bool:
        return getattr(self, name.lower())


def checked_dtype(dtype: Any) -> np.dtype:
    """Return a dtype that a device has."""
    found = np.dtype(dtype)
    if (found.kind not in "biufc" or found.char in "gG") and not is_bfloat16(found):
        raise ValueError(f"Unsupported dtype {found}")
    return found


def is_bfloat16(dtype: np.dtype) -> bool:
    """Return whether a dtype is that of ml_dtypes, which may be missing."""
    return dtype.kind == "V" and dtype.name == "bfloat16"


def is_scalar(value: Any) -> bool:
    """Return whether a value can be an operand without being on the device."""
    return isinstance(value, bool | int | float | complex | np.generic)


def can_hold(out: tuple[int, ...], shape: tuple[int, ...], larger: bool) -> bool:
    """Return whether a result fits an output; that of an elementwise function may be larger."""
    if out == shape or not larger:
        return out == shape
    try:
        return np.broadcast_shapes(out, shape) == out
    except ValueError:
        return False


def refuse_transfer(direction: str) -> None:
    """Raise, and spoil the capture, if the current stream is captured."""
    if current_stream().capture is not None:
        raise RuntimeError(
            f"the current stream is capturing, so {direction} transfers are disallowed"
        )
