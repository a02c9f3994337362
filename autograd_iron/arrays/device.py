"""Arrays and where they live: NumPy's here, and through `autograd_iron.arrays.cuda` those on a GPU.

Everything else receives the array module as an argument (`xp` in kernels, `F` in gradient rules).
Until a GPU is asked for, `cuda.cupy` is None and every question below is answered by one look at
that: the host pays nothing for devices.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from typing import Any

import numpy

from autograd_iron.arrays import cuda, dtypes

host = numpy
Array = numpy.ndarray
Scalar = numpy.generic


def namespace(arrays: Iterable[Any]) -> Any:
    """Return the array module (numpy or cupy) that the arrays belong to."""
    return numpy if cuda.cupy is None or cuda.home(arrays) is None else cuda.cupy


def run(kernel: Callable[..., Any], arrays: list[Any], attributes: dict[str, Any]) -> Any:
    """Run a kernel on the device where its operands live.

    Raises
    ------
    ValueError
        They live on different ones.
    """
    place = cuda.home(arrays)
    if place is None:
        return kernel(numpy, *arrays, **attributes)
    if place < 0:
        raise ValueError(mixed(arrays))
    return cuda.run(partial(kernel, cuda.cupy, *arrays, **attributes), place)


def name(array: Any) -> str:
    """Return where an array lives: "cpu", "cuda:0", "cuda:1" and so on."""
    if cuda.cupy is None or not cuda.is_array(array):
        return "cpu"
    return f"cuda:{array.device.id}"


def of(value: Any) -> Any:
    """Return where an array, a Tensor or a scalar is, as a function that makes arrays takes it."""
    return getattr(value, "device", None)  # scalars have one from NumPy 2.1 on


def full_name(asked: str | None) -> str:
    """Return the name of a device in full ("cuda" is "cuda:0"; None is "cpu").

    Raises
    ------
    ValueError, ImportError, RuntimeError
        There is no such device.
    """
    # Not `in`: NumPy finds a dtype equal to None.
    if asked is None or (isinstance(asked, str) and asked == "cpu"):
        return "cpu"
    return f"cuda:{cuda.number_of(asked)}"


def mixed(arrays: Iterable[Any]) -> str:
    """Say that operands live on different devices, and which is where."""
    places = [(i, name(a)) for i, a in enumerate(arrays) if hasattr(a, "dtype")]
    gpu = next((place for _, place in places if place != "cpu"), "cuda")
    where = ", ".join(f"operand {i} on {place}" for i, place in places)
    return f'the operands are on different devices: {where}. Move one first: x.to("{gpu}")'


def are_mixed(arrays: Iterable[Any]) -> bool:
    """Return whether operands live on different devices."""
    return cuda.cupy is not None and cuda.home(arrays) == -1


def shown(value: Any) -> str:
    """Return an operation's setting as text for an error, without waiting for a GPU."""
    if type(value) is tuple:
        return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
    return f"{value.dtype}{list(value.shape)}" if cuda.is_array(value) else repr(value)


def demote_0d(given: tuple[Any, ...], arrays: list[Any]) -> list[Any]:
    """Give 0-d arrays on a GPU the dtype of the other operands, as a Python number takes it.

    `given` holds what the arrays come from: a Tensor is not weak.
    """
    weak = [cuda.is_array(a) and a is g and a.ndim == 0 for a, g in zip(arrays, given, strict=True)]
    strong = [a.dtype for a, w in zip(arrays, weak, strict=True) if not w and hasattr(a, "dtype")]
    if not strong or not any(weak):
        return arrays
    floats = [found for found in strong if dtypes.is_inexact(found)]

    def target(number: Any) -> Any:
        if dtypes.is_complex(number):
            return numpy.result_type(*floats or [dtypes.default_float], 1j)
        if floats or dtypes.is_float(number):
            return max(floats, key=lambda found: found.itemsize) if floats else dtypes.default_float
        return numpy.result_type(*strong, number.type(0).item())

    return [a.astype(target(a.dtype)) if w else a for a, w in zip(arrays, weak, strict=True)]


def move(array: Any, to: str) -> Any:
    """Return the values on the device of this full name: the array itself if it is there."""
    here = name(array)
    if here == to:
        return array
    if to == "cpu":
        return cuda.to_host(array)
    return (cuda.from_host if here == "cpu" else cuda.from_gpu)(array, cuda.number_of(to))


def is_on_gpu(value: Any) -> bool:
    """Return whether this is an array on a GPU."""
    return cuda.is_array(value)


def index_on_gpu(index: tuple[Any, ...], array: Any, once: bool = False) -> tuple[Any, ...]:
    """Return the parts of an `Index` with its arrays where `array` lives; see `cuda.index`.

    Raises
    ------
    ValueError
        It is on a GPU and what it indexes is not.
    """
    if cuda.is_array(array):
        return cuda.index(index, array, once)
    for part in index:
        if cuda.is_array(part):
            raise ValueError(
                f"the index is on {name(part)} and what it indexes on cpu; move one with .to"
            )
    return index


HERE = nullcontext()


def on_device_of(array: Any) -> AbstractContextManager[Any]:
    """Return a context in which computations on raw arrays run where `array` lives."""
    return array.device if cuda.is_array(array) else HERE


def has_gpu() -> bool:
    """Return whether arrays on a GPU may be met."""
    return cuda.cupy is not None


def go_to(array: Any) -> Any:
    """Compute where `array` lives from now on; return its array module."""
    if not cuda.is_array(array):
        return numpy
    array.device.use()
    return cuda.cupy


def can_look(xp: Any) -> bool:
    """Return whether values can be looked at: those on a GPU would have to be waited for."""
    return xp is numpy


def make(where: str | None, function: str, *args: Any, **settings: Any) -> Any:
    """Return what a creation function of the array library makes, on a device ("cpu" if None)."""
    if where is None or where == "cpu":
        return getattr(numpy, function)(*args, **settings)
    number = cuda.number_of(where)
    work = partial(getattr(cuda.cupy, function), *args, **settings)
    return cuda.attempt(work, number, f"{function}{args}")


def may_retry(error: MemoryError) -> bool:
    """Return whether freeing the unused memory of a GPU may help."""
    return cuda.is_out_of_memory(error)


def once_more(work: Callable[[], Any], what: str, arrays: Iterable[Any] = ()) -> Any:
    """Run again what found no memory on a GPU; if it still finds none, say `what` it was."""
    return cuda.once_more(work, what, cuda.home(arrays))


def row_of_ones(xp: Any, count: int, dtype: Any) -> Any:
    """Return that many ones on the device in use, always the same array."""
    if xp is numpy:
        return _row_of_ones(count, dtype)
    return _row_on_gpu(xp, count, dtype, xp.cuda.runtime.getDevice())


@lru_cache(maxsize=8)
def _row_of_ones(count: int, dtype: Any) -> Any:
    row = numpy.ones(count, dtype)
    row.flags.writeable = False
    return row


@lru_cache(maxsize=8)
def _row_on_gpu(xp: Any, count: int, dtype: Any, number: int) -> Any:
    return xp.ones(count, dtype)


cuda.on_empty_cache(_row_on_gpu.cache_clear)


def broadcast_shape(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape that the shapes broadcast to; None if they do not."""
    if not shapes or shapes.count(shapes[0]) == len(shapes):
        return shapes[0] if shapes else ()
    try:
        return numpy.broadcast_shapes(*shapes)
    except ValueError:
        return None


def ensure_array(number: Any) -> Any:
    """Return what a reduction of the array library gave as an array: NumPy gives scalars."""
    if cuda.cupy is not None and cuda.is_array(number):
        return number
    return numpy.asarray(number)


def quiet() -> AbstractContextManager[Any]:
    """Return a context in which floating-point warnings are off.

    A gradient rule computes a local derivative wherever the cotangent is, also where it is
    infinite and absorbed by a zero: NumPy's warnings there would be false alarms.
    """
    return numpy.errstate(all="ignore")


def all_finite(array: Any) -> bool:
    """Return whether all values are finite, or False where finding out would take longer than that.

    The sum of squares tells in one pass; it may overflow where the values did not.  For the values
    on a GPU one would have to wait.
    """
    if cuda.cupy is not None and cuda.is_array(array):
        return False
    finite: bool = numpy.vdot(array, array) < math.inf  # of complex numbers the real parts decide
    return finite


def storage(array: Any) -> Any:
    """Return the array that owns the memory of `array` (itself unless it is a view)."""
    base = array.base
    while isinstance(base, Array):
        array, base = base, base.base
    return base if base is not None and cuda.is_array(base) else array


def read_only(array: Any) -> Any:
    """Return a view of `array` through which nothing can be written."""
    view = array.view()
    view.flags.writeable = False
    return view


def stretch(xp: Any, array: Any, shape: int | tuple[int, ...]) -> Any:
    """Return a read-only view of `array` broadcast to `shape`.

    One number, the commonest case, takes a third of the time of numpy.broadcast_to.
    """
    shape = (shape,) if isinstance(shape, int) else shape
    if xp is numpy and array.ndim == 0:
        view = numpy.ndarray(shape, array.dtype, numpy.asarray(array), 0, (0,) * len(shape))
        view.flags.writeable = False
        return view
    return xp.broadcast_to(array, shape)


def overlapping(array: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """Return a view of an array of the host whose elements may lie in each other's place."""
    return numpy.lib.stride_tricks.as_strided(array, shape, strides, writeable=False)


def on_host(array: Any) -> Any:
    """Return `array` as a numpy.ndarray: a copy that is waited for if it lives on a GPU."""
    return cuda.to_host(array) if cuda.is_array(array) else array


def write(array: Any, value: Any) -> None:
    """Write `value` into the memory of `array`, casting to its dtype."""
    if dtypes.bfloat16 is not None and array.dtype == dtypes.float16:
        with on_device_of(array):  # neither float of 16 bits can be cast to the other safely
            value = dtypes.to_float32(value)
    if cuda.cupy is not None and cuda.is_array(array):
        cuda.write(array, value)
        return
    numpy.copyto(array, value, casting="same_kind")


def empty_like(array: Any) -> Any:
    """Return an array of the same shape and dtype, where it lives, whose values are not set."""
    return make(name(array), "empty", array.shape, array.dtype)


def ones_like(array: Any) -> Any:
    """Return an array of ones of the same shape and dtype, where it lives."""
    if cuda.cupy is not None and cuda.is_array(array):
        return cuda.run(partial(cuda.cupy.ones, array.shape, array.dtype), array.device.id)
    return numpy.ones(array.shape, array.dtype)


def array_text(array: Any) -> str:
    """Return the values as text, for printing."""
    return numpy.array2string(on_host(array), separator=", ", threshold=100, prefix="Tensor(")


def random_source(key: tuple[int, int], draw: int) -> Any:
    """Return NumPy's generator at the start of the stream of one draw (see `philox`).

    A thread has one, for whichever draw it makes: making one takes ten times as long.
    """
    source = getattr(_local, "source", None)
    if source is None:
        source = _local.source = numpy.random.Generator(numpy.random.Philox(0))
    source.bit_generator.state = {
        "bit_generator": "Philox",
        "state": {"counter": (0, 0, 0, draw), "key": key},
        "buffer": (0, 0, 0, 0),
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    return source


_local = threading.local()


def result_type(*met: Any) -> Any:
    """Return the dtype in which arrays of several dtypes meet."""
    return numpy.result_type(*met)


def is_ufunc(name: str) -> bool:
    """Return whether NumPy has a ufunc of this name."""
    return isinstance(getattr(numpy, name, None), numpy.ufunc)


def ufunc_dtypes(name: str, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the dtypes of what a ufunc makes of operands: dtypes, or the types of numbers.

    Raises
    ------
    TypeError
        The ufunc does not take such operands.
    """
    ufunc = getattr(numpy, name)
    given = [numpy.dtype(bool) if kind is bool else kind for kind in kinds]
    found: tuple[Any, ...] = ufunc.resolve_dtypes((*given, *[None] * ufunc.nout))
    return found[ufunc.nin :]


def is_dense(array: Any) -> bool:
    """Return whether the values lie in memory in row-major order and without gaps."""
    return bool(array.flags.c_contiguous)
