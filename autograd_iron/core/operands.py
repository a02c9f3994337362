"""The operands of a call that are no Tensors: numbers, and what becomes an array."""

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device
from autograd_iron.core.plain import setting

NUMBERS = frozenset((float, int, bool))


def operand(value: Any, beside: tuple[Any, ...]) -> Any:
    """Make an operand of what is neither a Tensor nor a Python number, beside the others.

    NumPy's scalars and 0-d arrays become Python numbers, which never widen a float32.  Those on a
    GPU would have to be waited for: see `device.demote_0d`.
    """
    if isinstance(value, device.Scalar) or (type(value) is device.Array and value.ndim == 0):
        number = value.item()
        if type(number) in NUMBERS:
            return number
    if isinstance(value, int | float):
        return setting(value)
    return device.as_array(value, beside=beside)
