"""Memory given by its address, as NumPy arrays."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np


def extent(shape: Any, dtype: Any, strides: Any = None) -> int:
    """Return how many bytes such an array spans."""
    size = np.dtype(dtype).itemsize
    if strides is None or 0 in shape:
        return int(np.prod(shape)) * size
    return size + sum((count - 1) * step for count, step in zip(shape, strides, strict=True))


def host_view(address: int, shape: Any, dtype: Any, strides: Any = None) -> Any:
    """Return the memory at an address as an array; nothing keeps it alive."""
    if 0 in shape:
        return np.empty(shape, dtype)
    memory = (ctypes.c_char * extent(shape, dtype, strides)).from_address(address)
    return np.ndarray(shape, dtype, memory, strides=strides)
