"""What is known of a result before it is computed: shape and dtype, from those of the operands.

A shape rule gets, in the place of each array, something with `shape`, `dtype`, `ndim` and `size`;
Python numbers and None come as they are.  The functions here are what families of rules share.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.plain import setting


class Spec:
    """A shape and a dtype: all that is known of a value."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


def same(x: Any, /, **_: Any) -> Spec:
    """The shape rule of an operation that changes neither shape nor dtype."""
    return Spec(x.shape, x.dtype)


def joint(*operands: Any) -> Any:
    """Return the dtype in which operands meet: numbers take that of the arrays."""
    met = [x.dtype for x in operands if hasattr(x, "dtype")]
    numbers = [x for x in operands if isinstance(x, int | float | complex)]
    for number in numbers:
        met = [dtypes.joint_dtype(met, number)]
    return met[0] if len(met) == 1 else device.result_type(*met)


def broadcast(*operands: Any) -> tuple[int, ...]:
    """Return the shape that operands broadcast to.

    Raises
    ------
    ValueError
        They do not.
    """
    shapes = [x.shape for x in operands if hasattr(x, "shape")]
    shape = device.broadcast_shape(*shapes)
    if shape is None:
        raise ValueError(f"the shapes {' and '.join(map(str, shapes))} do not broadcast")
    return shape


def of_ufunc(name: str, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the dtypes of the results of a ufunc of NumPy's.

    Raises
    ------
    TypeError
        The ufunc does not take such operands.
    """
    return _of_ufunc(name, tuple(getattr(x, "dtype", type(x)) for x in operands))


@lru_cache(maxsize=1024)
def _of_ufunc(name: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    return device.ufunc_dtypes(name, kinds)


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes as a tuple of non-negative integers.

    Raises
    ------
    ValueError
        There is no such axis, or one is named twice.
    TypeError
        It is no integer.
    """
    if axis is None:
        return tuple(range(ndim))
    axis = setting(axis, "axis")
    given = axis if isinstance(axis, tuple) else (axis,)
    for a in given:
        if not isinstance(a, int):
            raise TypeError(f"axis {a!r} is not an integer")
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} is out of range: there are {ndim} axes")
    axes = tuple(a + ndim if a < 0 else a for a in given)
    if len(set(axes)) < len(axes):
        raise ValueError(f"an axis is named twice in {given}")
    return axes


def reduced(x: Any, axis: Any, keepdims: bool = False) -> tuple[int, ...]:
    """Return the shape that a reduction over axes leaves."""
    # Of a value without axes NumPy takes 0 and -1.
    axes = axes_of(axis, x.ndim or 1)
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axes)


def total(dtype: Any) -> Any:
    """Return the dtype of a sum: integers of fewer than 64 bits, and truths, are widened."""
    if dtype.kind not in "biu":
        return dtype
    return max(dtype, dtypes.uint64 if dtype.kind == "u" else dtypes.int64)
