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


def as_array(value: Any, to: Any = None, *, copy: bool = False, beside: Iterable[Any] = ()) -> Any:
    """Return `value` as an array: of float32, int64 or bool, or of the dtype that an array has.

    Plain numbers and lists of them are float32, or int64 if all of them are integers, or bool; or
    complex64 if one of them is complex.

    Parameters
    ----------
    value : array, number or nested list of them
    to : dtype, optional
        The dtype to convert to.
    copy : bool
        Whether the result must own its memory.
    beside : iterable
        What numbers and lists meet: among them a float64 keeps all digits of floats, and what is
        on a GPU takes them there.  An array of the host stays, for somebody put it there.

    Raises
    ------
    TypeError
        The values are no numbers, or they are more than numbers: masked, say; or they are complex
        and the dtype is not; or a list holds Tensors that require a gradient.
    ValueError
        A nested list is ragged.
    OverflowError
        A number is too large for the dtype; an array's are wrapped, as NumPy and PyTorch do.
    """
    if to is None and not copy and type(value) is Array and value.dtype in dtypes.COMMON:
        return value
    if to is not None:
        to = dtypes.dtype(to)
    placed = hasattr(value, "__array__") or hasattr(value, "__dlpack__")
    if not isinstance(value, Array | Scalar):
        on_gpu = cuda.adopt(value)
        if on_gpu is not None:
            to = dtypes.dtype(on_gpu.dtype) if to is None else to
            _check_complex(on_gpu.dtype, to)
            with on_gpu.device:
                return on_gpu.astype(to, copy=copy)
        if isinstance(value, list | tuple):
            _check_parts(value)
        if isinstance(value, int) and to is not None and dtypes.is_inexact(to):
            value = float(value)  # NumPy makes an object of what takes more than 64 bits
        made = _plain_array(value)
        if to is None and not placed:
            to = _dtype_of_numbers(value, made, beside)
        value = made
        if to is not None:
            _check_complex(value.dtype, to)
        _check_range(value, to)
    check_plain(value)
    found = dtypes.dtype(value.dtype)  # in the byte order of this machine
    to = found if to is None else to
    _check_complex(found, to)
    made = numpy.array(value, dtype=to) if copy else numpy.asarray(value, dtype=to)
    number = None if cuda.cupy is None or (placed and made.ndim) else cuda.met(beside)
    return made if number is None else cuda.from_host(made, number)


def shares_memory(array: Any, source: Any) -> bool:
    """Return whether an array shows memory of what it was made from."""
    if array is source:
        return True
    if isinstance(source, Array):
        return bool(numpy.may_share_memory(array, source))
    if cuda.is_array(source) and cuda.is_array(array):
        return bool(storage(array).data.ptr == storage(source).data.ptr)
    if isinstance(array, Array) and not isinstance(source, Scalar | int | float | complex | list):
        return not array.flags.owndata  # of a buffer, or of another library's array
    return False


def from_dlpack(value: Any) -> Any:
    """Return what another library offers by DLPack, as an array where it lives."""
    on_gpu = cuda.adopt(value)
    return numpy.from_dlpack(value) if on_gpu is None else on_gpu


def check_plain(array: Any) -> None:
    """Refuse an array that is more than its numbers, which would be all that a tensor keeps.

    Raises
    ------
    TypeError
        It is of a class of its own: masked, a matrix, a quantity with a unit.
    """
    kind = type(array)
    if kind is Array or not isinstance(array, Array) or kind is numpy.memmap:
        return
    if hasattr(array, "filled"):
        raise TypeError(
            "a masked array is more than its numbers, and a tensor would take the masked ones for "
            "data. Write array.filled(value) to put a number in their place, or keep the numbers "
            "(array.data) and the mask apart, and choose with ai.where"
        )
    raise TypeError(
        f"a {kind.__module__}.{kind.__qualname__} is more than its numbers (its class has its own "
        "idea of what they mean), and a tensor would keep the numbers alone. If that is meant, "
        "write numpy.asarray(array)"
    )


def _check_parts(values: Iterable[Any]) -> None:
    """Refuse a list of which something would be lost: gradients, masks."""
    for value in values:
        if type(value) in (float, int, bool, complex):
            continue
        if isinstance(value, list | tuple):
            _check_parts(value)
        elif isinstance(value, Array):
            check_plain(value)
        elif getattr(value, "requires_grad", False):
            raise TypeError(
                "a list with Tensors in it that require a gradient would be cut off from the "
                "graph. Join them with ai.array(list), ai.stack (along a new axis) or ai.concat; "
                "or take x.detach() of each if no gradient is meant to flow"
            )
        elif getattr(value, "device", "cpu") not in ("cpu", None) and hasattr(value, "detach"):
            raise TypeError(
                f"a list with a tensor on {value.device} in it would be gathered on the host; join "
                "tensors with ai.stack or ai.concat"
            )


def _dtype_of_numbers(value: Any, made: Any, beside: Iterable[Any]) -> Any:
    if made.dtype.kind == "b":
        return dtypes.bool_
    if made.dtype.kind in "iu":
        return dtypes.int64
    if made.dtype.kind == "c":
        met = (b.dtype for b in beside if hasattr(b, "dtype"))
        wide = any(found in (dtypes.float64, dtypes.complex128) for found in met)
        return dtypes.complex128 if wide else dtypes.default_complex
    # NumPy makes floats of integers that no one of its integers holds together.
    if made.size and numpy.abs(made).max() >= 2.0**63 and _are_integers(value):
        return dtypes.int64
    wide = any(hasattr(b, "dtype") and b.dtype == dtypes.float64 for b in beside)
    return dtypes.float64 if wide else dtypes.default_float


def _are_integers(value: Any) -> bool:
    return all(isinstance(number, int) for number in numpy.asarray(value, dtype=object).flat)


def _plain_array(value: Any) -> Any:
    try:
        made = numpy.asanyarray(value)
    except (TypeError, ValueError) as error:
        ragged = "inhomogeneous" in str(error)
        why = "its parts differ in length" if ragged else str(error).rstrip(".")
        raise type(error)(
            f"cannot make a tensor of {_describe(value)}: {why}. "
            "Give numbers, an array, or nested lists of equal length."
        ) from None
    if made.dtype.kind == "O" and made.size and _are_integers(value):
        raise OverflowError(
            f"cannot make a tensor of {_describe(value)}: out of range for every integer dtype. "
            "Write floats: 1e20"
        )
    if made.dtype.kind not in "bfiuc" and made.dtype.name != "bfloat16":
        kind = ValueError if made.dtype.kind in "US" else TypeError
        raise kind(
            f"cannot make a tensor of {_describe(value)}: its dtype would be {made.dtype}. "
            f"{dtypes.WHAT_IS_SUPPORTED}."
        )
    return made


def _check_complex(found: Any, to: Any) -> None:
    if found.kind == "c" and to.kind != "c":
        raise TypeError(
            f"complex numbers do not fit {to}; take their parts, ai.real(x) and ai.imag(x), or "
            "their absolute values, ai.abs(x)"
        )


def _check_range(made: Any, to: Any) -> None:
    if to is None or to.kind not in "iu" or not made.size:
        return
    for number in made.min(), made.max():
        if not math.isfinite(number) or not dtypes.fits(int(number), to):
            raise OverflowError(f"{number} is out of range for {to}: a tensor would hold another")


def _describe(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


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


# --- what captures need


def indexed_shape(shape: tuple[int, ...], index: Any) -> tuple[int, ...]:
    """Return the shape of what NumPy finds at an index of an array of this shape.

    Raises
    ------
    IndexError
        There is no such place.
    """
    # Elements of no bytes: NumPy looks at the index alone, and nothing is allocated.
    nothing = numpy.broadcast_to(numpy.empty((), "V0"), shape)
    found: tuple[int, ...] = numpy.shape(nothing[_on_host(index)])
    return found


def names_twice(shape: tuple[int, ...], index: tuple[Any, ...]) -> bool:
    """Return whether an index of an array of this shape names a position twice.

    False where arrays of the index are on a GPU, which is not waited for.
    """
    if any(cuda.is_array(part) for part in index):
        return False
    named = numpy.arange(math.prod(shape)).reshape(shape)[index]
    return bool(numpy.unique(named).size < named.size)


def rounds(shape: tuple[int, ...], index: tuple[Any, ...]) -> list[tuple[Any, Any]] | None:
    """Return the positions that an index names so that each is named once in a round.

    Each round is (where in what the index reads, which positions of the array), both in row-major
    order; the second time that a position is named is in the second round.  None where all are
    named once, or where arrays of the index are on a GPU, which is not waited for.
    """
    if not names_twice(shape, index):
        return None
    named = numpy.arange(math.prod(shape)).reshape(shape)[index].ravel()
    order = numpy.argsort(named, kind="stable")
    _, starts, counts = numpy.unique(named[order], return_index=True, return_counts=True)
    times = numpy.empty(named.size, "int64")
    times[order] = numpy.arange(named.size) - numpy.repeat(starts, counts)
    places = [numpy.flatnonzero(times == time) for time in range(int(counts.max()))]
    return [(place, named[place]) for place in places]


def _on_host(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_on_host, value))
    return on_host(value) if cuda.is_array(value) else value


def is_dense(array: Any) -> bool:
    """Return whether the values lie in memory in row-major order and without gaps."""
    return bool(array.flags.c_contiguous)
