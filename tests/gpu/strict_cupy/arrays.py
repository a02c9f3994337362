"""The array: what NumPy's does on the host, with every way back to the host closed or counted."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import memory
from .checks import Flags, can_hold, checked_dtype, is_bfloat16, is_scalar, refuse_transfer
from .indexing import get_item, set_item
from .machine import PinnedMemoryOverwritten, current_device, events
from .memory import MemoryPointer, is_pinned
from .streams import current_stream, enqueue

NO_CONVERSION = (
    "Implicit conversion to a NumPy array is not allowed. "
    "Please use `.get()` to construct a NumPy array explicitly."
)
AMBIGUOUS = (
    "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
)
# What may be asked of bfloat16 beside elementwise functions; of anything else the rounding, or
# whether CuPy has it at all, is not known here.
OF_BFLOAT16 = (
    "copy astype reshape flatten take concat stack repeat tile roll pad diag where clip compare "
    "sum max min argmax argmin any all matmul dot"
)
NOT_AN_INTEGER = "'ndarray' object cannot be interpreted as an integer"


class ndarray:
    """An array on a device; `raw` is the NumPy array under it, for the stand-in alone."""

    __array_priority__ = 100
    __hash__ = None
    __module__ = "cupy"
    __slots__ = ("__weakref__", "base", "data", "raw")

    def __init__(
        self,
        shape: Any,
        dtype: Any = float,
        memptr: MemoryPointer | None = None,
        strides: tuple[int, ...] | None = None,
        order: str = "C",
    ) -> None:
        dtype, shape = checked_dtype(dtype), checked_shape(shape)
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self.base = None
        self.data = memory.alloc(count) if memptr is None else memptr
        offset, buffer = self.data.offset, self.data.mem.bytes
        self.raw = np.ndarray(shape, dtype, buffer, offset, strides, order or "C")

    def view_of(self, raw: np.ndarray) -> ndarray:
        """Return another view of this array's memory."""
        made = object.__new__(ndarray)
        made.raw = raw
        made.base = self if self.base is None else self.base
        start = memory.address(raw) - memory.address(self.data.mem.bytes)
        made.data = MemoryPointer(self.data.mem, start if raw.size else self.data.offset)
        return made

    # --- what it is

    dtype = property(lambda self: self.raw.dtype)
    ndim = property(lambda self: self.raw.ndim)
    size = property(lambda self: self.raw.size)
    nbytes = property(lambda self: self.raw.nbytes)
    itemsize = property(lambda self: self.raw.itemsize)
    strides = property(lambda self: self.raw.strides)
    flags = property(lambda self: Flags(self.raw, self.base is None))
    device = property(lambda self: self.data.device)
    T = property(lambda self: self.view_of(self.raw.T))
    mT = property(lambda self: self.view_of(self.raw.mT))
    real = property(lambda self: self.view_of(self.raw.real))
    imag = property(lambda self: self.view_of(self.raw.imag))
    flat = property(lambda self: self.reshape(-1)[...].copy())

    @property
    def shape(self) -> tuple[int, ...]:
        return self.raw.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self.raw = self.raw.reshape(shape, copy=False)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.data.ptr, False),
            "strides": None if self.raw.flags.c_contiguous else self.strides,
            "version": 3,
            "stream": 1,
        }

    def __len__(self) -> int:
        return len(self.raw)

    def __iter__(self) -> Iterator[ndarray]:
        return (self[i] for i in range(len(self)))

    # --- the border to the host

    def to_host(self, what: str) -> np.ndarray:
        """Return the values, having waited for them."""
        refuse_transfer("D2H")
        stream = current_stream(self.data.device_id)
        events.note("d2h", what)
        events.note("sync", what)
        mem = self.data.mem
        stream.take_turn([mem.use(self.raw)], [])
        stream.wait_on_host()
        return self.raw

    def get(
        self,
        stream: Any = None,
        order: str = "C",
        out: np.ndarray | None = None,
        blocking: bool = True,
    ) -> np.ndarray:
        if out is not None and (not isinstance(out, np.ndarray) or out.dtype != self.dtype):
            raise TypeError("Only numpy.ndarray of the same dtype can be obtained")
        if out is not None and out.shape != self.shape:
            raise ValueError(
                f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}"
            )
        contiguous = self.raw.flags.f_contiguous if order == "F" else self.raw.flags.c_contiguous
        source = self if contiguous else self.copy(order)
        host = np.empty(self.shape, self.dtype, order) if out is None else out
        if blocking:
            host[...] = source.to_host("get")
            return host
        refuse_transfer("D2H")
        events.note("d2h", "get")
        stream = stream or current_stream()
        stream.take_turn([self.data.mem.use(self.raw)], [])
        values = source.raw.copy()
        host.ravel("K").view("u1").fill(0xFF)  # it is there once somebody waits
        stream.arrives_later(lambda: np.copyto(host, values))
        return host

    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not (self.raw.flags.c_contiguous or self.raw.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        upload(arr, self, stream)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(NO_CONVERSION)

    def __dlpack__(self, **_: Any) -> Any:
        raise RuntimeError("Unsupported device in DLTensor.")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.data.device_id

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.to_host("item").item()

    def tolist(self) -> Any:
        return self.to_host("tolist").tolist()

    def tobytes(self, order: str = "C") -> bytes:
        return self.to_host("tobytes").tobytes(order)

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError(AMBIGUOUS)
        return bool(self.to_host("bool"))

    def _number(self, kind: Callable[[Any], Any]) -> Any:
        host = self.to_host(kind.__name__)
        if self.ndim:
            raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
        return kind(host[()])

    def __float__(self) -> float:
        return self._number(float)

    def __int__(self) -> int:
        return self._number(int)

    def __complex__(self) -> complex:
        return self._number(complex)

    def __repr__(self) -> str:
        return repr(self.to_host("repr") if self.size else self.raw)

    def __str__(self) -> str:
        return str(self.to_host("str") if self.size else self.raw)

    def __format__(self, spec: str) -> str:
        host = self.to_host("format")
        return format(host if self.ndim else host[()], spec)

    def __reduce__(self) -> Any:
        from .creation import array

        return array, (self.to_host("pickle").copy(),)

    # --- NumPy's functions, called on it

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        ours = _namesake(function)
        known = all(isinstance(x, ndarray | np.ndarray) or is_scalar(x) for x in inputs)
        if method != "__call__" or ours is None or not known:
            return NotImplemented
        return ours(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        ours = _namesake(function)
        return NotImplemented if ours is None else ours(*args, **kwargs)

    # --- indexing

    def __getitem__(self, index: Any) -> ndarray:
        return get_item(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        set_item(self, index, value)

    # --- shapes and copies

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> ndarray:
        wanted = shape[0] if len(shape) == 1 else shape
        checked_shape(wanted)
        raw = self.raw
        reshaped = raw.reshape(wanted, order=order)
        if not reshaped.size or np.shares_memory(reshaped, raw):
            return self.view_of(reshaped)
        return computed(lambda a: a.reshape(wanted, order=order), [self], name="reshape")

    def ravel(self, order: str = "C") -> ndarray:
        return self.reshape(-1, order=order)

    def flatten(self, order: str = "C") -> ndarray:
        return computed(lambda a: a.flatten(order), [self], name="flatten")

    def transpose(self, *axes: Any) -> ndarray:
        return self.view_of(self.raw.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        if not all(-self.ndim <= axis < self.ndim for axis in (axis1, axis2)):
            raise ValueError("Axis out of range")
        return self.view_of(self.raw.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> ndarray:
        return self.view_of(self.raw.squeeze(axis))

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return self.view_of(self.raw.view() if dtype is None else self.raw.view(dtype))

    def copy(self, order: str = "C") -> ndarray:
        if self.data.device_id != current_device():
            made = ndarray(self.shape, self.dtype)
            copy_between_devices(made, self)
            return made
        made = empty_in_layout(self, self.dtype, order)
        return computed(lambda a: a, [self], made, name="copy")

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: Any = None,
        subok: Any = None,
        copy: bool = True,
    ) -> ndarray:
        dtype = checked_dtype(dtype)
        if not copy and self.dtype == dtype:
            return self
        made = empty_in_layout(self, dtype, order)
        return computed(lambda a: a, [self], made, casting="unsafe", name="astype")

    def fill(self, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        raw = self.raw
        if is_scalar(value) and value == 0 and raw.flags.c_contiguous:
            enqueue("launch", lambda: raw.fill(0), [], [self], "memset")
            return
        inputs = [value] if isinstance(value, ndarray) else []
        number = value.raw if inputs else value
        enqueue("launch", lambda: np.copyto(raw, number, casting="unsafe"), inputs, [self], "fill")


def checked_shape(shape: Any) -> tuple[int, ...]:
    """Return a shape as a tuple; arrays of the device are no numbers."""
    parts = shape if isinstance(shape, tuple | list) else (shape,)
    if builtins.any(isinstance(part, ndarray) for part in parts):
        raise TypeError(NOT_AN_INTEGER)
    return tuple(parts)


def device_array(value: Any, argument: str = "a") -> ndarray:
    """Return an argument that must be an array of the device."""
    if not isinstance(value, ndarray):
        kind = type(value)
        place = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise TypeError(
            f"Argument '{argument}' has incorrect type (expected "
            f"cupy._core.core._ndarray_base, got {place}{kind.__name__})"
        )
    return value


def _namesake(function: Any) -> Any:
    """Return our function of the same name and place as NumPy's."""
    place = sys.modules[__package__]
    for part in (getattr(function, "__module__", None) or "numpy").split(".")[1:]:
        place = getattr(place, part, None)
    return getattr(place, function.__name__, None)


def upload(host: np.ndarray, target: ndarray, stream: Any = None) -> None:
    """Copy from the host to the device."""
    refuse_transfer("H2D")
    events.note("h2d", host.nbytes)
    stream = stream or current_stream()
    stream.take_turn([], [target.data.mem.use(target.raw)])
    target.raw[...] = host
    if is_pinned(host):  # anything else is copied aside before the call returns
        values = host.copy()

        def check() -> None:
            if not np.array_equal(host, values, equal_nan=host.dtype.kind in "fV"):
                raise PinnedMemoryOverwritten(
                    f"pinned memory (shape {host.shape}, dtype {host.dtype}) was written while "
                    "a copy from it was under way. Wait for an event recorded after the copy."
                )

        stream.arrives_later(check)


def copy_between_devices(target: ndarray, source: ndarray) -> None:
    """Copy from one device to another."""
    refuse_transfer("D2D")
    events.note("launch", "copy")
    target.raw[...] = source.raw


def empty_in_layout(like: ndarray, dtype: Any, order: str | None) -> ndarray:
    """Return a new array; order "K" keeps the order of axes in memory."""
    if order in ("K", "A") and like.ndim > 1 and not like.raw.flags.c_contiguous:
        axes = sorted(range(like.ndim), key=lambda axis: -abs(like.strides[axis]))
        made = ndarray(tuple(like.shape[axis] for axis in axes), dtype)
        made.raw = made.raw.transpose(sorted(range(like.ndim), key=axes.__getitem__))
        return made
    return ndarray(like.shape, dtype, order="F" if order == "F" else "C")


def computed(
    function: Callable[..., Any],
    inputs: list[Any],
    out: ndarray | None = None,
    *,
    casting: str = "same_kind",
    kind: str = "launch",
    name: str = "",
    launches: int = 1,
    temporaries: int = 0,
) -> ndarray:
    """Run a NumPy function on the inputs' raw arrays as work on the device, into `out` or anew.

    Captured, it runs once on what the memory holds, to learn the shape and dtype of the result.
    """
    arrays = [x for x in inputs if isinstance(x, ndarray)]
    known = kind == "ufunc" or name in OF_BFLOAT16.split()
    if not known and any(is_bfloat16(x.dtype) for x in arrays):
        raise NotImplementedError(f"{name} of bfloat16: widen it to float32 first")
    raws = [x.raw if isinstance(x, ndarray) else x for x in inputs]

    def run() -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(*raws))

    result = run()
    if out is None:
        out = ndarray(result.shape, result.dtype)
    elif not isinstance(out, ndarray):
        raise TypeError(f"Unsupported type {type(out)}")
    elif not can_hold(out.shape, result.shape, kind == "ufunc"):
        raise ValueError("Out shape is mismatched")
    elif not np.can_cast(result.dtype, out.dtype, casting):
        raise TypeError(
            f"Cannot cast output operand from {result.dtype!r} to {out.dtype!r} "
            f"according to the rule '{casting}'"
        )
    for _ in range(temporaries):
        events.note("alloc", f"inside {name}")
    target = out.raw
    done_once = [result]

    def work() -> None:
        value = done_once.pop() if done_once else run()
        with np.errstate(all="ignore"):
            np.copyto(target, value, casting="unsafe")

    if current_stream().capture is not None:
        done_once.clear()
    event = "gemm" if kind == "gemm" else "launch"
    enqueue(event, work, arrays, [out], name)
    for _ in range(launches - 1):
        events.note("launch", name)
    return out


def all_computed(function: Callable[..., Any], inputs: list[Any], name: str) -> tuple[ndarray, ...]:
    """Run a NumPy function of several results as one piece of work on the device."""
    with np.errstate(all="ignore"):
        values = function(*(x.raw if isinstance(x, ndarray) else x for x in inputs))
    outs = [ndarray(np.shape(value), np.asarray(value).dtype) for value in values]

    def fill(*raws: Any) -> Any:
        found = function(*raws)
        for out, value in zip(outs[1:], found[1:], strict=True):
            out.raw[...] = value
        return found[0]

    computed(fill, inputs, outs[0], name=name)
    return tuple(outs)
