"""Shapes, joining, choosing: views where CuPy gives views, kernels where it needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import computed, device_array, ndarray
from .checks import is_bfloat16, refuse_transfer
from .machine import events
from .ufuncs import operand

# --- views


def reshape(a: Any, newshape: Any, order: str = "C", *, copy: bool | None = None) -> ndarray:
    return a.reshape(newshape, order=order)


def ravel(a: ndarray, order: str = "C") -> ndarray:
    return a.ravel(order)


def transpose(a: ndarray, axes: Any = None) -> ndarray:
    return a.transpose(axes)


def permute_dims(a: ndarray, axes: Any = None) -> ndarray:
    return a.transpose(axes)


def matrix_transpose(x: ndarray, /) -> ndarray:
    return x.mT


def swapaxes(a: ndarray, axis1: int, axis2: int) -> ndarray:
    return a.swapaxes(axis1, axis2)


def moveaxis(a: ndarray, source: Any, destination: Any) -> ndarray:
    return a.view_of(np.moveaxis(a.raw, source, destination))


def expand_dims(a: ndarray, axis: Any) -> ndarray:
    return a.view_of(np.expand_dims(a.raw, axis))


def real(val: ndarray) -> ndarray:
    return device_array(val, "array").real


def imag(val: ndarray) -> ndarray:
    return device_array(val, "array").imag


def squeeze(a: ndarray, axis: Any = None) -> ndarray:
    return a.squeeze(axis)


def broadcast_to(array: Any, shape: Any) -> ndarray:
    return device_array(array, "array").view_of(np.broadcast_to(array.raw, shape))


def broadcast_arrays(*args: ndarray) -> list[ndarray]:
    shape = np.broadcast_shapes(*(array.shape for array in args))
    return [broadcast_to(array, shape) for array in args]


def flip(a: ndarray, axis: Any = None) -> ndarray:
    return a.view_of(np.flip(a.raw, axis))


def split(ary: ndarray, indices_or_sections: Any, axis: int = 0) -> list[ndarray]:
    return [ary.view_of(part) for part in np.split(ary.raw, indices_or_sections, axis)]


def ndim(a: Any) -> int:
    return np.ndim(getattr(a, "raw", a))


def shape(a: Any) -> tuple[int, ...]:
    return np.shape(getattr(a, "raw", a))


def size(a: Any, axis: int | None = None) -> int:
    return np.size(getattr(a, "raw", a), axis)


def may_share_memory(a: ndarray, b: ndarray, max_work: Any = None) -> bool:
    return np.may_share_memory(a.raw, b.raw)


# --- joining and laying out anew


def _joined(
    function: Any, tup: Sequence[Any], out: Any, dtype: Any, casting: str, name: str
) -> ndarray:
    arrays = list(tup)
    if not arrays:
        raise ValueError("need at least one array to concatenate")
    return computed(
        lambda *raws: function(raws).astype(dtype) if dtype else function(raws),
        arrays,
        out,
        casting=casting,
        name=name,
        launches=len(arrays),
    )


def concatenate(
    tup: Sequence[Any],
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> ndarray:
    arrays = [_operand_array(array) for array in tup]
    return _joined(lambda raws: np.concatenate(raws, axis), arrays, out, dtype, casting, "concat")


def concat(
    tup: Sequence[Any],
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> ndarray:
    return concatenate(tup, axis, out, dtype=dtype, casting=casting)


def _operand_array(value: Any) -> ndarray:
    if not isinstance(value, ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    return value


def stack(
    tup: Sequence[Any],
    axis: int = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: str = "same_kind",
) -> ndarray:
    arrays = [device_array(array) for array in tup]
    return _joined(lambda raws: np.stack(raws, axis), arrays, out, dtype, casting, "stack")


def meshgrid(*xi: ndarray, **kwargs: Any) -> list[ndarray]:
    indexing, copy = kwargs.pop("indexing", "xy"), kwargs.pop("copy", True)
    if kwargs:
        raise TypeError(f"meshgrid() got an unexpected keyword argument {min(kwargs)!r}")
    grids = np.meshgrid(*(array.raw for array in xi), indexing=indexing, copy=False)
    views = [array.view_of(grid) for array, grid in zip(xi, grids, strict=True)]
    return [view.copy() for view in views] if copy else views


def pad(array: ndarray, pad_width: Any, mode: str = "constant", **kwargs: Any) -> ndarray:
    if set(kwargs) - {"constant_values"}:
        raise ValueError(f"unsupported keyword arguments for mode '{mode}': {set(kwargs)}")
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise ValueError(f"mode '{mode}' is not supported")
    sides = int(np.count_nonzero(np.broadcast_to(pad_width, (array.ndim, 2))))
    if mode == "constant" and not kwargs:
        events.note("launch", "memset")
        launches, temporaries = 1, 0
    else:
        edges = int(mode != "constant")  # those are copied first
        launches, temporaries = 1 + sides + edges, edges
    return computed(
        lambda raw: np.pad(raw, pad_width, mode, **kwargs),
        [device_array(array, "array")],
        name="pad",
        launches=launches,
        temporaries=temporaries,
    )


def repeat(a: ndarray, repeats: Any, axis: int | None = None) -> ndarray:
    return computed(lambda raw: np.repeat(raw, repeats, axis), [a], name="repeat")


def tile(A: ndarray, reps: Any) -> ndarray:
    return computed(lambda raw: np.tile(raw, reps), [A], name="tile")


def roll(a: ndarray, shift: Any, axis: Any = None) -> ndarray:
    return computed(lambda raw: np.roll(raw, shift, axis), [a], name="roll", launches=2)


def tril(m: ndarray, k: int = 0) -> ndarray:
    return computed(lambda raw: np.tril(raw, k), [m], name="tril", launches=2, temporaries=1)


def triu(m: ndarray, k: int = 0) -> ndarray:
    return computed(lambda raw: np.triu(raw, k), [m], name="triu", launches=2, temporaries=1)


def diag(v: ndarray, k: int = 0) -> ndarray:
    return computed(lambda raw: np.diag(raw, k), [v], name="diag")


def trace(
    a: ndarray, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> ndarray:
    return computed(lambda raw: np.trace(raw, offset, axis1, axis2, dtype), [a], out, name="trace")


# --- choosing and comparing


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return nonzero(condition)
    if isinstance(condition, np.ndarray):
        raise TypeError(f"Unsupported type {type(condition)}")
    condition = condition.astype("?", copy=False)

    return computed(
        lambda *raws: np.where(*map(_widened, raws)),
        [condition, operand(x), operand(y)],
        name="where",
    )


def _widened(raw: Any) -> Any:
    """Return bfloat16 as float32, as CuPy does where it has no kernel for it."""
    narrow = isinstance(raw, np.ndarray) and is_bfloat16(raw.dtype)
    return raw.astype("f4") if narrow else raw


def clip(a: ndarray, a_min: Any, a_max: Any, out: Any = None) -> ndarray:
    bounds = [None if bound is None else operand(bound) for bound in (a_min, a_max)]
    if all(bound is None for bound in bounds):
        return computed(lambda raw: raw, [a], out, name="clip")
    return computed(np.clip, [device_array(a), *bounds], out, name="clip")


def take(a: ndarray, indices: Any, axis: int | None = None, out: Any = None) -> ndarray:
    from .creation import array

    if isinstance(indices, list | np.ndarray):
        indices = array(indices)
    return computed(
        lambda raw, index: np.take(raw, index, axis, mode="wrap"), [a, indices], out, name="take"
    )


def nonzero(a: ndarray) -> tuple[ndarray, ...]:
    refuse_transfer("D2H")
    for _ in range(2):
        events.note("alloc", "nonzero")
        events.note("launch", "nonzero")
    found = np.nonzero(a.to_host("nonzero"))
    made = computed(lambda: np.array(found), [], name="nonzero")
    return tuple(made[axis] for axis in range(a.ndim))


def array_equal(a1: ndarray, a2: ndarray, equal_nan: bool = False) -> ndarray:
    return _verdict(lambda x, y: np.array_equal(x, y, equal_nan), a1, a2)


def allclose(
    a: ndarray, b: ndarray, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> ndarray:
    return _verdict(lambda x, y: np.allclose(x, y, rtol, atol, equal_nan), a, b)


def _verdict(function: Any, a: Any, b: Any) -> ndarray:
    return computed(function, [operand(a), operand(b)], name="compare", launches=2, temporaries=1)


def isclose(
    a: ndarray, b: ndarray, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> ndarray:
    return computed(
        lambda x, y: np.isclose(x, y, rtol, atol, equal_nan),
        [operand(a), operand(b)],
        name="isclose",
    )


def _clip_method(self: ndarray, min: Any = None, max: Any = None, out: Any = None) -> ndarray:
    return clip(self, min, max, out)


ndarray.clip, ndarray.take, ndarray.nonzero = _clip_method, take, nonzero
