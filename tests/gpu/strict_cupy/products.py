"""Products of vectors and matrices: cuBLAS, which no captured stream may call."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import computed, device_array, ndarray
from .checks import is_bfloat16
from .machine import events
from .streams import current_stream


def _product(name: str, a: ndarray, b: ndarray, out: Any, casting: str) -> ndarray:
    """Multiply by cuBLAS, which refuses a captured stream, mixed dtypes and gaps in memory."""
    a, b = device_array(a, "a"), device_array(b, "b")
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ValueError("Axis dimension mismatch")
    function = getattr(np, name)
    dtype = np.result_type(a.dtype, b.dtype)
    if not a.size or not b.size:
        events.note("launch", "memset")
        made = ndarray(function(a.raw, b.raw).shape, dtype) if out is None else out
        made.raw.fill(0)
        return made
    narrow = is_bfloat16(dtype)
    if dtype.kind not in "fc" and not narrow:
        return computed(function, [a, b], out, name=name, launches=2, temporaries=1)
    vectors = a.ndim == b.ndim == 1
    one_number = max(a.ndim, b.ndim) <= 2 and a.size == b.size == a.shape[-1]
    if dtype == np.float16 or narrow:
        function = _added_up_in_half if one_number else _added_up_in_float(function, dtype)
    if narrow and one_number:
        raise NotImplementedError("CuPy rounds such a product of bfloat16 after every term")
    if narrow and name == "matmul" and max(a.ndim, b.ndim) > 2:
        raise TypeError("data type 'E' not understood")
    if not vectors and current_stream().capture is not None:
        raise NotImplementedError(
            "calling cuBLAS API during stream capture is currently unsupported"
        )
    a, b = (_laid_out(x.astype(dtype, copy=False)) for x in (a, b))
    extra = 0
    if out is not None:
        shared = np.may_share_memory(a.raw, out.raw) or np.may_share_memory(b.raw, out.raw)
        extra = int(shared or out.dtype != dtype or not out.raw.flags.c_contiguous)
    return computed(
        function,
        [a, b],
        out,
        casting=casting,
        kind="launch" if vectors else "gemm",
        name=name,
        launches=1 + extra,
        temporaries=extra,
    )


def _added_up_in_half(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a product that is one number: no work for cuBLAS, and rounded after every term."""
    total = np.add.accumulate(a.ravel() * b.ravel(), dtype="f2")[-1]
    return total.reshape(a.shape[:-1] + b.shape[1:])


def _added_up_in_float(function: Any, dtype: Any) -> Any:
    return lambda a, b: function(a.astype("f4"), b.astype("f4")).astype(dtype)


def _laid_out(array: ndarray) -> ndarray:
    """Return a copy if the matrices of an array have gaps, or are transposed in a stack."""
    flags = array.raw.flags
    if flags.c_contiguous or (array.ndim <= 2 and flags.f_contiguous):
        return array
    return array.copy()


def matmul(
    *args: Any,
    axes: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    casting: str = "same_kind",
    dtype: Any = None,
    signature: Any = None,
    order: str = "K",
    out: Any = None,
) -> ndarray:
    return _product("matmul", args[0], args[1], args[2] if len(args) > 2 else out, casting)


def dot(a: Any, b: Any, out: Any = None) -> Any:
    if not isinstance(a, ndarray):
        return a.dot(b)
    device_array(b, "b")
    if out is not None and out.dtype != np.result_type(a.dtype, b.dtype):
        raise ValueError("Not supported dtype combination.")
    if out is not None and not out.raw.flags.c_contiguous:
        raise ValueError("Output array must be C-contiguous")
    if out is not None and out.size != np.dot(a.raw, b.raw).size:
        raise ValueError("Output array has an invalid size")
    if not a.ndim or not b.ndim:
        return computed(np.multiply, [a, b], out, name="dot")
    return _product("dot", a, b, out, "no")


def vdot(a: ndarray, b: ndarray) -> ndarray:
    return computed(np.vdot, [device_array(a, "a"), device_array(b, "b")], name="vdot")


def inner(a: ndarray, b: ndarray) -> ndarray:
    return computed(np.inner, [a, b], name="inner")


def outer(a: ndarray, b: ndarray, out: Any = None) -> ndarray:
    return computed(np.outer, [a, b], out, name="outer")


def tensordot(a: ndarray, b: ndarray, axes: Any = 2) -> ndarray:
    result = np.tensordot(a.raw, b.raw, axes)
    kind = "gemm" if result.ndim else "launch"
    _refuse_blas(kind)
    return computed(lambda x, y: np.tensordot(x, y, axes), [a, b], kind=kind, name="tensordot")


def einsum(*operands: Any, **kwargs: Any) -> ndarray:
    subscripts, *arrays = operands
    if len(arrays) == 1:
        return computed(lambda x: np.einsum(subscripts, x), arrays, name="einsum")
    _refuse_blas("gemm")
    if all(is_bfloat16(array.dtype) for array in arrays):
        raise TypeError("data type 'E' not understood")
    return computed(
        lambda *raws: np.einsum(subscripts, *raws),
        [device_array(array) for array in arrays],
        kind="gemm",
        name="einsum",
        launches=3,
        temporaries=2,
    )


def _refuse_blas(kind: str) -> None:
    if kind == "gemm" and current_stream().capture is not None:
        raise NotImplementedError(
            "calling cuBLAS API during stream capture is currently unsupported"
        )


ndarray.dot = dot
ndarray.__matmul__ = matmul
ndarray.__rmatmul__ = lambda self, other: matmul(other, self)
