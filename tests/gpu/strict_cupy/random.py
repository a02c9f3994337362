"""cupy.random: float64 unless a dtype is given; cuRAND refuses a captured stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import computed, ndarray
from .checks import refuse_transfer
from .machine import events
from .streams import current_stream

_source = np.random.default_rng(0)


def seed(seed: int | None = None) -> None:
    global _source  # noqa: PLW0603
    _source = np.random.default_rng(seed)


def _drawn(draw: Callable[[], Any], dtype: Any, launches: int, temporaries: int = 0) -> ndarray:
    if current_stream().capture is not None:
        raise NotImplementedError(
            "calling cuRAND API during stream capture is currently unsupported"
        )
    if np.dtype(dtype).kind not in "iu" and np.dtype(dtype).char not in "fd":
        raise TypeError("cupy.random only supports float32 and float64")
    host = np.asarray(draw(), dtype)
    return computed(lambda: host, [], name="curand", launches=launches, temporaries=temporaries)


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = float) -> ndarray:
    return _drawn(lambda: _source.uniform(low, high, size), dtype, 3)


def normal(loc: Any = 0.0, scale: Any = 1.0, size: Any = None, dtype: Any = float) -> ndarray:
    return _drawn(lambda: _source.normal(loc, scale, size), dtype, 1)


def standard_normal(size: Any = None, dtype: Any = float) -> ndarray:
    return _drawn(lambda: _source.standard_normal(size), dtype, 1)


def rand(*size: int, dtype: Any = float) -> ndarray:
    return _drawn(lambda: _source.random(size), dtype, 2)


def randn(*size: int, dtype: Any = float) -> ndarray:
    return _drawn(lambda: _source.standard_normal(size), dtype, 1)


def randint(low: int, high: int | None = None, size: Any = None, dtype: Any = int) -> ndarray:
    refuse_transfer("D2H")
    events.note("d2h", "randint")
    events.note("sync", "randint")
    return _drawn(lambda: _source.integers(low, high, size), dtype, 7, 5)


def permutation(a: int) -> ndarray:
    return _drawn(lambda: _source.permutation(a), int, 3, 2)
