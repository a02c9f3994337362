"""cupy.linalg: the norm, and what cuSOLVER computes, by NumPy's LAPACK."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import all_computed, computed, ndarray


def norm(x: ndarray, ord: Any = None, axis: Any = None, keepdims: bool = False) -> ndarray:
    return computed(
        lambda raw: np.linalg.norm(raw, ord, axis, keepdims),
        [x],
        name="norm",
        launches=3,
        temporaries=2,
    )


def solve(a: ndarray, b: ndarray) -> ndarray:
    return computed(np.linalg.solve, [a, b], name="solve")


def qr(a: ndarray, mode: str = "reduced") -> tuple[ndarray, ...]:
    return all_computed(lambda raw: np.linalg.qr(raw, mode), [a], "qr")


def eigh(a: ndarray, UPLO: str = "L") -> tuple[ndarray, ...]:
    return all_computed(lambda raw: np.linalg.eigh(raw, UPLO), [a], "eigh")
