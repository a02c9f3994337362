"""Making arrays: filled, spaced, from the host; float64 unless a dtype is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import (
    computed,
    copy_between_devices,
    empty_in_layout,
    ndarray,
    upload,
)
from .checks import checked_dtype
from .machine import current_device
from .streams import enqueue
from .ufuncs import operand


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return ndarray(shape, dtype, order=order)


def zeros(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    made = ndarray(shape, dtype, order=order)
    raw = made.raw
    enqueue("launch", lambda: raw.fill(0), [], [made], "memset")
    return made


def _filled(made: ndarray, value: Any) -> ndarray:
    raw, inputs = made.raw, [value] if isinstance(value, ndarray) else []
    number = value.raw if inputs else value
    enqueue("launch", lambda: np.copyto(raw, number, casting="unsafe"), inputs, [made], "fill")
    return made


def ones(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return _filled(ndarray(shape, dtype, order=order), 1)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    value = operand(fill_value)
    found = dtype or (value.dtype if isinstance(value, ndarray) else np.asarray(value).dtype)
    return _filled(ndarray(shape, found, order=order), value)


def empty_like(
    prototype: Any, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None
) -> ndarray:
    found = dtype or prototype.dtype
    if shape is not None or not isinstance(prototype, ndarray):
        return ndarray(prototype.shape if shape is None else shape, found)
    return empty_in_layout(prototype, checked_dtype(found), order)


def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None
) -> ndarray:
    made = empty_like(a, dtype, order, subok, shape)
    raw = made.raw
    enqueue("launch", lambda: raw.fill(0), [], [made], "memset")
    return made


def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: None = None, shape: Any = None
) -> ndarray:
    return _filled(empty_like(a, dtype, order, subok, shape), 1)


def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: None = None,
    shape: Any = None,
) -> ndarray:
    return _filled(empty_like(a, dtype, order, subok, shape), operand(fill_value))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    start, stop = (0, start) if stop is None else (start, stop)
    host = np.arange(start, stop, step, dtype)
    return computed(lambda: host, [], name="arange")


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> ndarray:
    host = np.linspace(start, stop, num, endpoint, dtype=dtype)
    cast = dtype is not None and host.dtype != "f8"
    return computed(
        lambda: host, [], name="linspace", launches=1 + endpoint + cast, temporaries=int(cast)
    )


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float, order: str = "C") -> ndarray:
    made = zeros((N, M or N), dtype, order)
    host = np.eye(N, M, k, dtype)
    return computed(lambda: host, [], made, name="eye")


# --- from the host, and back


def array(
    obj: Any,
    dtype: Any = None,
    copy: bool | None = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    *,
    blocking: bool = False,
) -> ndarray:
    if isinstance(obj, ndarray):
        return _of_array(obj, dtype, copy, order)
    if isinstance(obj, list | tuple) and isinstance(_first(obj), ndarray):
        from .shapes import stack

        made = stack([array(part, copy=False) for part in obj])
        return made if dtype is None else made.astype(dtype, copy=False)
    host = np.array(obj, dtype, ndmin=ndmin)
    checked_dtype(host.dtype)
    if host.ndim == 0:
        return _filled(ndarray((), host.dtype), host[()])
    pinned = isinstance(obj, np.ndarray) and obj.dtype == host.dtype and obj.flags.c_contiguous
    source = obj if pinned else host
    made = ndarray(host.shape, host.dtype)
    upload(source, made)
    return made


def _of_array(obj: ndarray, dtype: Any, copy: bool | None, order: str) -> ndarray:
    if obj.data.device_id != current_device():
        made = ndarray(obj.shape, obj.dtype)
        copy_between_devices(made, obj)
        obj, copy = made, False
    same = dtype is None or checked_dtype(dtype) == obj.dtype
    if same:
        return obj.copy(order) if copy else obj
    return obj.astype(dtype, order)


def _first(value: Any) -> Any:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    copy: bool | None = None,
    blocking: bool = False,
) -> ndarray:
    return array(a, dtype, bool(copy), order or "K")


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    made = asarray(a, dtype)
    return made if made.raw.flags.c_contiguous else made.copy()


def asfortranarray(a: Any, dtype: Any = None) -> ndarray:
    made = asarray(a, dtype)
    return made if made.raw.flags.f_contiguous else made.copy("F")


def asnumpy(
    a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True
) -> np.ndarray:
    if isinstance(a, ndarray):
        return a.get(stream, order, out, blocking)
    return np.asarray(a, order=order)


def copyto(dst: ndarray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    if isinstance(src, np.ndarray) and src.ndim:
        raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
    source = operand(src)
    if isinstance(source, ndarray) and not np.can_cast(source.dtype, dst.dtype, casting):
        raise TypeError(f"Cannot cast array from {source.dtype} to {dst.dtype}: {casting!r}")
    raw = dst.raw
    if isinstance(source, ndarray) and source.data.device_id != dst.data.device_id:
        copy_between_devices(dst, source)
        return
    inputs = [x for x in (source, where) if isinstance(x, ndarray)]
    value = source.raw if isinstance(source, ndarray) else source
    mask = True if where is None else where.raw if isinstance(where, ndarray) else where
    plain = (
        where is None
        and isinstance(source, ndarray)
        and (source.dtype, source.shape) == (dst.dtype, dst.shape)
        and source.raw.flags.c_contiguous
        and raw.flags.c_contiguous
    )
    np.broadcast_to(value, raw.shape)
    enqueue(
        "launch",
        lambda: np.copyto(raw, value, casting="unsafe", where=mask),
        inputs,
        [dst],
        "copy" if plain else "copyto",
    )


def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, ndarray) else from_, to, casting)


def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    return np.result_type(*(getattr(x, "raw", x) for x in arrays_and_dtypes))
