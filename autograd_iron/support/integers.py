"""What stands for an integer."""

from __future__ import annotations

import operator
from typing import Any


def integer(value: Any) -> int | None:
    """Return what stands for an integer (one of NumPy's, a 0-d array, an IntEnum) as a plain one.

    None for anything else: floats, whole or not, and truths.
    """
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    try:
        return int(operator.index(value))
    except TypeError:
        return None
