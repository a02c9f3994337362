"""What stands between the brackets of `x[...]`, in one normal form.

NumPy decides what an index is. Whatever it reads as an integer is one here, and whatever it makes
an array of (lists, tuples inside the index, ranges, buffers, objects with `__array__`) is an array.
"""

from __future__ import annotations

import operator
from contextlib import suppress
from typing import Any, Self

from autograd_iron.arrays import cuda, device, dtypes, intake


class Index(tuple[Any, ...]):
    """An index as a tuple of parts, which means to NumPy what was given.

    A part is an int, a slice of ints, None, Ellipsis, or an array of int64 or bool that nobody else
    can change; an array on a GPU stays there, in its own dtype. While a plan is captured a part may
    be a Tensor of integers, whose values may differ in each replay.
    """

    __slots__ = ()

    @classmethod
    def of(cls, given: Any) -> Self:
        """Return what the caller wrote between the brackets in the normal form.

        Raises
        ------
        IndexError
            A part is no index.
        TypeError
            A slice has an end that is no integer.
        """
        if type(given) is cls:
            return given
        parts = given if isinstance(given, tuple) else (given,)
        return cls([p if type(p) is int or p is None or p is ... else _part(p) for p in parts])

    def __repr__(self) -> str:
        parts = [device.shown(part) for part in self]
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _part(given: Any) -> Any:
    if isinstance(given, slice):
        ends = given.start, given.stop, given.step
        return slice(*[e if e is None or type(e) is int else _end(e) for e in ends])
    if type(given) is device.Array or isinstance(given, list | tuple):
        return _array_part(given)
    if hasattr(given, "index_part"):
        given = given.index_part()
        if hasattr(given, "index_part"):
            _check_kind(given.dtype)
            return given
    if device.is_on_gpu(given):
        _check_kind(given.dtype)
        return given.copy()
    if isinstance(given, bool):
        return device.host.array(given)
    if not isinstance(given, device.Array):
        with suppress(TypeError):
            return int(operator.index(given))
    return _array_part(given)


def _array_part(given: Any) -> Any:
    array = given if isinstance(given, device.Array) else _array_of(given)
    intake.check_plain(array)
    _check_kind(array.dtype, given)
    if array.dtype.kind == "b":
        return device.host.array(array)
    if not array.ndim:
        return int(array)
    if array.dtype.itemsize == 8 and array.dtype.kind == "u" and (array >> 63).any():
        raise IndexError(f"an index of {array.max()} is out of bounds for every axis")
    return array.astype(dtypes.int64)


def _array_of(given: Any) -> Any:
    on_gpu = cuda.adopt(given)
    if on_gpu is not None:
        return Index.of(on_gpu)[0]
    try:
        array = device.host.asanyarray(given)
    except ValueError as error:
        raise ValueError(f"{given!r} is no index: {error}") from None
    # An empty list names no position; NumPy makes it one of floats.
    return array if array.size else array.astype(dtypes.int64)


def _end(given: Any) -> int:
    try:
        return int(operator.index(given))
    except TypeError:
        raise TypeError(
            f"{given!r} is no end of a slice: slices go from integer to integer in steps of an "
            "integer, and None is what is left out"
        ) from None


def _check_kind(dtype: Any, given: Any = None) -> None:
    if dtype.kind not in "biu":
        what = f"{given!r}: " if given is not None and not hasattr(given, "dtype") else ""
        raise IndexError(
            f"{what}an index of dtype {dtype} is neither integers nor a bool mask; an index is "
            "made of integers, slices, None, ... and arrays of integers or truths"
        )
