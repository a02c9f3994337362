"""cupy.linalg: the norm, and what cuSOLVER computes, by NumPy's LAPACK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import all_computed, computed, ndarray
from .checks import refuse_transfer
from .machine import events


def norm(x: ndarray, ord: Any = None, axis: Any = None, keepdims: bool = False) -> ndarray:
    return computed(
        lambda raw: np.linalg.norm(raw, ord, axis, keepdims),
        [x],
        name="norm",
        launches=3,
        temporaries=2,
    )


def solve(a: ndarray, b: ndarray) -> ndarray:
    if max(a.ndim, b.ndim) > 2 and a.shape[:-1] != b.shape[: a.ndim - 1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M) or (..., M, K)")
    return computed(np.linalg.solve, [a, b], name="solve")


def _of_one(name: str) -> Callable[..., Any]:
    """Return a function of CuPy's of one array of matrices."""
    function = getattr(np.linalg, name)
    compute = all_computed if name in ("eig", "eigh", "qr", "slogdet", "svd") else computed

    def call(a: ndarray, *settings: Any, **named: Any) -> Any:
        return compute(lambda raw: function(raw, *settings, **named), [a], name=name)

    return call


cholesky, det, eig, eigh, eigvalsh, inv, qr, slogdet, svd = map(
    _of_one,
    ("cholesky", "det", "eig", "eigh", "eigvalsh", "inv", "qr", "slogdet", "svd"),
)
_pinv = _of_one("pinv")


def pinv(a: ndarray, rcond: float = 1e-15) -> ndarray:
    """Write through a mask, which waits for how much it selects."""
    if a.size:
        refuse_transfer("D2H")
        events.note("d2h", "mask")
        events.note("sync", "mask")
    return _pinv(a, rcond)
