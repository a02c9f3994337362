"""cupy.linalg: the norm alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import computed, ndarray


def norm(x: ndarray, ord: Any = None, axis: Any = None, keepdims: bool = False) -> ndarray:
    return computed(
        lambda raw: np.linalg.norm(raw, ord, axis, keepdims),
        [x],
        name="norm",
        launches=3,
        temporaries=2,
    )
