"""Positions in the flattened array, and the indices that they are."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.switches import switches

__all__ = ["ravel_multi_index", "unravel_index"]


def _checked(F, x, size, what):
    """Return integers; refuse those that are outside, where that can be told without waiting."""
    x = operand(F, x)
    if not x.size and dtypes.is_float(x.dtype):
        x = F.astype(x, dtype="int64")
    if x.dtype.kind not in "iu":
        raise TypeError(f"{what} are integers, not {x.dtype}")
    if F.xp is None and device.of(x) == "cpu" and x.size:
        message = f"{what} from {{low:.0f}} to {{high:.0f}} are not all from 0 to {size - 1}"
        switches().executor.check_range(x, 0, size - 1, message, nan=True)
    return x


@composite
def unravel_index(F, indices, /, shape):
    """Return the indices, one array for each axis, of positions in the flattened array.

    Parameters
    ----------
    indices : array of int
        As `argmax` returns them.
    shape : int or tuple of int
        That of the array.
    """
    sizes = setting(shape, "shape")
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    rest = _checked(F, indices, math.prod(sizes), "positions")
    made = []
    for size in reversed(sizes):
        made.append(F.remainder(rest, size))
        rest = F.floor_divide(rest, size)
    return tuple(reversed(made))


@composite
def ravel_multi_index(F, multi_index, /, dims, mode="raise"):
    """Return the positions in the flattened array of indices, one array for each axis.

    Parameters
    ----------
    multi_index : sequence of array of int
    dims : tuple of int
        The shape of the array.
    mode : {"raise", "wrap", "clip"}
        What an index outside its axis means: an error, a position around the end, the nearest one.
    """
    sizes = setting(dims, "shape")
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    if len(multi_index) != len(sizes):
        raise ValueError(f"there are {len(multi_index)} indices, and {len(sizes)} axes")
    positions = 0
    for index, size in zip(multi_index, sizes, strict=True):
        if mode == "raise":
            index = _checked(F, index, size, "indices")
        elif mode == "wrap":
            index = F.remainder(operand(F, index), size)
        elif mode == "clip":
            index = F.clip(operand(F, index), 0, size - 1)
        else:
            raise ValueError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r}")
        positions = positions * size + index
    return positions
