"""Indexing: views, and what an index array costs; out of range it wraps around, silently."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .checks import is_bfloat16, is_scalar, refuse_transfer
from .machine import events
from .streams import enqueue

if TYPE_CHECKING:
    from .arrays import ndarray

# What CuPy's kernel of `add.at` adds: where an index has no arrays, it adds as elsewhere.
ATOMIC = ("int32", "int64", "float16", "float32", "float64", "uint32", "uint64")
SMALL = 512  # a mask of more elements is counted up in two passes more


class Index:
    """An index as NumPy takes it.

    Attributes
    ----------
    raw : tuple
        With what the index arrays hold when it is asked for.
    arrays : list of ndarray
        The index arrays, on the device.
    masked : bool
        Whether one of them is a mask: how much it selects, only the device knows.
    """

    def __init__(self, array: ndarray, index: Any) -> None:
        self.arrays: list[ndarray] = []
        self.masked = False
        parts = index if isinstance(index, tuple) else (index,)
        self._parts = [self._part(part) for part in parts]
        self._shape = array.shape
        if not self.arrays:
            _check_range(self._parts, array.shape)

    @property
    def raw(self) -> tuple[Any, ...]:
        wraps = self.arrays and not self.masked
        return tuple(_wrapped(self._parts, self._shape) if wraps else self._parts)

    def _part(self, part: Any) -> Any:
        from .arrays import ndarray
        from .creation import array

        if isinstance(part, list | np.ndarray):
            part = array(part)
        if isinstance(part, ndarray):
            if part.dtype.kind not in "biu":
                raise IndexError(
                    "arrays used as indices must be of integer or boolean type. "
                    f"(actual: {part.dtype.type})"
                )
            self.arrays.append(part)
            self.masked |= part.dtype.kind == "b"
            return part.raw
        if isinstance(part, slice):
            ends = (part.start, part.stop, part.step)
            return slice(*(int(end) if isinstance(end, ndarray) else end for end in ends))
        if part is None or part is Ellipsis:
            return part
        return int(part)

    @property
    def whole(self) -> bool:
        """Whether the index takes everything."""
        return not self.arrays and self.raw in ((Ellipsis,), (slice(None),))

    def pay(self, array: ndarray) -> int:
        """Count what the index arrays cost; return how many kernels the access takes."""
        if self.masked:
            refuse_transfer("D2H")
            full = self.arrays[0].shape == array.shape
            passes = 4 if array.size > SMALL else 2
            for _ in range((2 if passes == 2 else 3) if full else 5):
                events.note("alloc", "mask")
            events.note("d2h", "mask")
            events.note("sync", "mask")
            return passes if full else 4
        if len(self.arrays) > 1:
            events.note("alloc", "indices")
            events.note("launch", "memset")
            return len(self.arrays) + 1
        return 1


def _wrapped(parts: list[Any], shape: tuple[int, ...]) -> list[Any]:
    taken = sum(part is not None and part is not Ellipsis for part in parts)
    found, axis = [], 0
    for part in parts:
        if part is Ellipsis:
            axis += len(shape) - taken
        elif part is not None:
            if isinstance(part, np.ndarray):
                part = part % shape[axis] if shape[axis] else part
            axis += 1
        found.append(part)
    return found


def _check_range(parts: list[Any], shape: tuple[int, ...]) -> None:
    if Ellipsis in parts or None in parts:
        return
    for axis, (part, size) in enumerate(zip(parts, shape, strict=False)):
        if isinstance(part, int) and not -size <= part < size:
            raise IndexError(f"Index {part} is out of bounds for axis {axis} with size {size}")


def get_item(array: ndarray, index: Any) -> ndarray:
    """Return a view, or for index arrays a copy."""
    from .arrays import computed

    found = Index(array, index)
    if not found.arrays:
        raw = array.raw[found.raw]
        return array.view_of(raw if isinstance(raw, np.ndarray) else array.raw[(*found.raw, ...)])
    launches = found.pay(array)
    return computed(
        lambda raw, *_: raw[found.raw], [array, *found.arrays], name="take", launches=launches
    )


def set_item(array: ndarray, index: Any, value: Any) -> None:
    """Write at an index.  Which of several values for one place stays is undefined: the first."""
    from .arrays import ndarray
    from .creation import copyto

    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, ndarray) and not is_scalar(value):
        raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
    found = Index(array, index)
    if found.whole:
        if isinstance(value, ndarray):
            copyto(array, value, casting="unsafe")
        else:
            array.fill(value)
        return
    if not found.arrays and isinstance(value, ndarray) and same(array.raw[found.raw], value.raw):
        return  # the end of `x[index] += y`, which was done in place
    if found.arrays and not isinstance(value, ndarray):
        value = number_on_device(value, array.dtype)
    if found.arrays and not found.masked:
        value = value.astype(array.dtype, copy=False)
    launches = found.pay(array) if found.arrays else 1
    number = value.raw if isinstance(value, ndarray) else value
    inputs = [value, *found.arrays] if isinstance(value, ndarray) else found.arrays
    raw = array.raw

    def work() -> None:
        places = found.raw
        if len(places) == 1 and found.arrays and not found.masked and places[0].ndim == 1:
            values = np.broadcast_to(number, raw[places].shape)
            raw[places[0][::-1]] = values[::-1]
        else:
            raw[places] = number

    enqueue("launch", work, inputs, [array], "setitem", count=launches)


def same(a: Any, b: np.ndarray) -> bool:
    """Return whether two arrays are the same elements of the same memory."""
    return isinstance(a, np.ndarray) and a.__array_interface__ == b.__array_interface__


def number_on_device(value: Any, dtype: Any) -> ndarray:
    """Return a number as an array, for a kernel that takes no numbers."""
    from .arrays import ndarray

    made = ndarray((), dtype)
    made.fill(value)
    return made


def at(operation: Any, array: ndarray, index: Any, value: Any) -> None:
    """Apply a ufunc at an index, duplicates included; in which order is undefined."""
    from .arrays import ndarray

    found = Index(array, index)
    if is_bfloat16(array.dtype):
        raise TypeError(f"cupy.{operation.__name__}.at supports no bfloat16 as data type")
    if operation is np.add and found.arrays and array.dtype.name not in ATOMIC:
        raise TypeError(f"cupy.add.at only supports {', '.join(ATOMIC)} as data type")
    if not isinstance(value, ndarray):
        value = number_on_device(value, array.dtype)
    value = value.astype(array.dtype, copy=False)
    raw, operand = array.raw, value.raw
    target = raw[found.raw].shape
    if np.broadcast_shapes(target, operand.shape) != target:
        raise ValueError("Out shape is mismatched")
    operand = np.broadcast_to(operand, target)  # NumPy 2.4 reads past its end otherwise
    enqueue(
        "launch",
        lambda: operation.at(raw, found.raw, operand),
        [value, *found.arrays],
        [array],
        f"{operation.__name__}.at",
    )
