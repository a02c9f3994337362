"""cupyx: arrays of the host in pinned memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from .memory import pinned_array


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    return pinned_array(shape, dtype, order)


def zeros_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    made = pinned_array(shape, dtype, order)
    made.fill(0)
    return made


def empty_like_pinned(
    a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> np.ndarray:
    return pinned_array(a.shape if shape is None else shape, dtype or a.dtype)


def zeros_like_pinned(
    a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> np.ndarray:
    return zeros_pinned(a.shape if shape is None else shape, dtype or a.dtype)
