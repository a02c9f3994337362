"""cupy.testing: comparisons that fetch what they compare."""

from __future__ import annotations

from typing import Any

import numpy as np

from .creation import asnumpy


def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0) -> None:
    np.testing.assert_allclose(asnumpy(actual), asnumpy(desired), rtol, atol)


def assert_array_equal(x: Any, y: Any) -> None:
    np.testing.assert_array_equal(asnumpy(x), asnumpy(y))
