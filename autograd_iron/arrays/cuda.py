"""GPUs: what there is, their memory, and the one file of the engine that imports CuPy.

CuPy is imported when a device is first asked for or an array of one is met, so that `import
autograd_iron` neither needs it nor waits for it.  Arrays of a GPU come from CuPy's default pool,
which keeps freed memory for the next array: allocating costs a look-up, not a wait.

>>> import autograd_iron as ai
>>> x = ai.ones((2, 3), device="cuda")          # doctest: +SKIP
>>> print(ai.cuda.memory_summary())             # doctest: +SKIP
cuda:0: 512 B in arrays, 0 B kept for the next ones, no limit; 15.4 GiB of 15.8 GiB free
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy

from autograd_iron.support.integers import integer

cupy: Any = None  # the module, once a device was asked for or an array of one was met


def is_available() -> bool:
    """Return whether CuPy is installed and finds a GPU."""
    return device_count() > 0


def device_count() -> int:
    """Return how many GPUs CuPy finds: 0 without CuPy, and without a driver."""
    try:
        found = _imported()
    except ImportError:
        return 0
    try:
        return int(found.cuda.runtime.getDeviceCount())
    except found.cuda.runtime.CUDARuntimeError:
        return 0


def memory_summary(device: str = "cuda") -> str:
    """Return a line on the memory of a GPU: what arrays use, what the pool keeps, what is free.

    Parameters
    ----------
    device : str
        "cuda" (the first GPU) or "cuda:1" and so on.
    """
    number = number_of(device)
    with cupy.cuda.Device(number):
        pool = cupy.get_default_memory_pool()
        used, kept, limit = pool.used_bytes(), pool.free_bytes(), pool.get_limit()
        free, total = cupy.cuda.runtime.memGetInfo()
    most = f"limit {size_text(limit)}" if limit else "no limit"
    return (
        f"cuda:{number}: {size_text(used)} in arrays, {size_text(kept)} kept for the next ones, "
        f"{most}; {size_text(free)} of {size_text(total)} free"
    )


def set_memory_limit(size: int | None, device: str = "cuda") -> None:
    """Let the arrays of a GPU take no more than so many bytes; None: all there is.

    Parameters
    ----------
    size : int or None
    device : str

    Raises
    ------
    ValueError
        The size is not a positive whole number.
    """
    whole = None if size is None else integer(size) or 0
    if whole is not None and whole < 1:
        raise ValueError(
            f"set_memory_limit: {size!r} is no number of bytes; give a positive integer, such as "
            "4 * 1024**3 for 4 GiB, or None for no limit"
        )
    with cupy_on(number_of(device)):
        cupy.get_default_memory_pool().set_limit(size=whole or 0)


def empty_cache() -> None:
    """Give the memory that no array uses back to the GPUs, for other programs to take."""
    for forget in _caches:
        forget()
    # The others have nothing to give back, and asking would start CUDA there.
    for number in sorted(_used) if cupy is not None else ():
        with cupy_on(number):
            cupy.get_default_memory_pool().free_all_blocks()


def synchronize(device: str = "cuda") -> None:
    """Wait until a GPU has done all that it was given, as a measurement of time must."""
    with cupy_on(number_of(device)) as found:
        found.synchronize()


def allow_tf32(allowed: bool = True) -> None:
    """Let the float32 products of compiled steps round their factors to 10 bits: TF32, faster.

    It is off unless asked for.  Plans that were made before keep what held then; the products of
    eager operations are CuPy's, which look at the environment variable CUPY_TF32.
    """
    global _tf32  # noqa: PLW0603  (a switch of the whole process)
    _tf32 = allowed


def tf32_allowed() -> bool:
    """Return whether `allow_tf32` was asked for."""
    return _tf32


_tf32 = False


def size_text(count: int) -> str:
    """Return a number of bytes as text."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


# --- which GPU


def _imported() -> Any:
    if cupy is not None:
        return cupy
    try:
        import cupy as found
    except ImportError as error:
        raise ImportError(
            f"arrays on a GPU need CuPy, which cannot be imported ({error}). For CUDA 12: "
            'pip install "autograd-iron[gpu]", which is pip install cupy-cuda12x; for other '
            'versions see https://docs.cupy.dev/en/stable/install.html. device="cpu" needs nothing'
        ) from None
    return found


def _remember(found: Any) -> Any:
    global cupy  # noqa: PLW0603  (everybody asks the module itself whether there is a GPU)
    cupy = found
    return found


def number_of(device: str) -> int:
    """Return the number of the GPU that "cuda" or "cuda:1" names, and have CuPy ready.

    Raises
    ------
    ValueError
        The name is unknown, or there are not so many GPUs.
    ImportError
        CuPy is not installed.
    RuntimeError
        There is no GPU.
    """
    kind, _, digits = device.partition(":") if isinstance(device, str) else ("", "", "")
    if kind != "cuda" or not (digits.isdecimal() or device == "cuda"):
        raise ValueError(
            f'there is no device {device!r}: devices are "cpu", "cuda" (which is "cuda:0"), '
            '"cuda:1" and so on'
        )
    number = int(digits or 0)
    if cupy is None or number:
        found, count = _imported(), device_count()
        if count == 0:
            raise RuntimeError(
                f'CuPy {found.__version__} finds no GPU for device="{device}". Does nvidia-smi '
                'list one, and is its driver new enough? device="cpu" needs none; '
                "ai.cuda.is_available() tells beforehand"
            )
        if number >= count:
            names = ", ".join(f'"cuda:{i}"' for i in range(count))
            raise ValueError(f'there is no device "{device}": the GPUs here are {names}')
        _remember(found)
    _used.add(number)
    return number


def is_array(value: Any) -> bool:
    """Return whether this is an array on a GPU."""
    return cupy is not None and isinstance(value, cupy.ndarray)


def cupy_on(number: int) -> AbstractContextManager[Any]:
    """Return a context in which CuPy computes on this GPU."""
    device: AbstractContextManager[Any] = cupy.cuda.Device(number)
    return device


def home(arrays: Iterable[Any]) -> int | None:
    """Return the GPU where the arrays live; None if they are the host's, -1 if they are mixed."""
    found: int | None = None
    seen = False
    for array in arrays:
        if isinstance(array, cupy.ndarray):
            place = array.device.id
        elif hasattr(array, "dtype"):
            place = None
        else:
            continue
        if seen and place != found:
            return -1
        found, seen = place, True
    return found


def met(values: Iterable[Any]) -> int | None:
    """Return the GPU of the first array or Tensor that is on one."""
    for value in values:
        if isinstance(value, cupy.ndarray):
            return int(value.device.id)
        place = getattr(value, "device", None)
        if isinstance(place, str) and place.startswith("cuda"):
            return number_of(place)
    return None


def adopt(value: Any) -> Any:
    """Return another library's array on a GPU as one of CuPy's on the same memory, else None."""
    if is_array(value):
        return value
    if hasattr(value, "__cuda_array_interface__"):
        found = _remember(_imported()).asarray(value)
    elif hasattr(value, "__dlpack_device__") and value.__dlpack_device__()[0] in _DLPACK_CUDA:
        found = _remember(_imported()).from_dlpack(value)
    else:
        return None
    _used.add(found.device.id)
    return found


_DLPACK_CUDA = (2, 13)  # kDLCUDA, kDLCUDAManaged
_used: set[int] = set()  # the GPUs that something was asked of


# --- moving


def from_host(array: Any, number: int) -> Any:
    """Return a copy of a numpy.ndarray on a GPU."""
    return attempt(lambda: cupy.array(array), number, f"moving {array.nbytes} bytes")


def from_gpu(array: Any, number: int) -> Any:
    """Return a copy of a GPU's array on another one."""
    return attempt(array.copy, number, f"moving {array.nbytes} bytes")


def to_host(array: Any) -> Any:
    """Return a copy of a GPU's array as a numpy.ndarray: waits until it is computed."""
    return cupy.asnumpy(array)


def pinned(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return a numpy.ndarray that the GPU in use can copy from and to while the host goes on."""
    size = math.prod(shape) * dtype.itemsize
    return numpy.ndarray(shape, dtype, cupy.cuda.alloc_pinned_memory(max(size, 1)))


def write(array: Any, value: Any) -> None:
    """Write an array of the same GPU, or a number, into an array, casting to its dtype."""
    with array.device:
        cupy.copyto(array, value, casting="same_kind")


# --- indexing


def index(given: tuple[Any, ...], array: Any, once: bool = False) -> tuple[Any, ...]:
    """Return the parts of an `Index` into a GPU's array with the index arrays there.

    Those of the host are checked before they are copied: CuPy wraps what is out of range, silently.
    Those of the GPU are taken on trust, but masks: they become the positions of what is true.

    Parameters
    ----------
    given : Index
    array : cupy.ndarray
    once : bool
        Refuse integer arrays of the host that name a position twice.

    Raises
    ------
    IndexError
        An index array is out of range, or a mask's shape differs, or is a single truth.
    ValueError
        A position is named twice; or an index array lives on another GPU.
    """
    taken = sum(_axes_of(part) for part in given)
    found: list[Any] = []
    axis = 0
    hosts: list[Any] = []
    for part in given:
        if part is Ellipsis:
            axis += array.ndim - taken
            found.append(part)
            continue
        count = _axes_of(part)
        sizes = array.shape[axis : axis + count]
        axis += count
        if is_array(part):
            found += _trusted(part, array, sizes)
        elif isinstance(part, numpy.ndarray):
            checked = _checked(part, sizes)
            hosts += checked
            found += checked
        else:
            found.append(part)
    if once and hosts and not any(is_array(part) for part in found):
        _check_once(hosts)
    with array.device:
        return tuple([cupy.asarray(p) if isinstance(p, numpy.ndarray) else p for p in found])


def _axes_of(part: Any) -> int:
    """Return how many axes a part of an index takes."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if getattr(part, "dtype", None) == numpy.dtype("bool") else 1


def _checked(part: Any, sizes: tuple[int, ...]) -> list[Any]:
    if part.dtype.kind == "b":
        _check_mask(part, sizes)
        return list(part.nonzero())
    (size,) = sizes or (0,)
    if part.size and not (-size <= part.min() and part.max() < size):
        raise IndexError(
            f"the indices range from {part.min()} to {part.max()}, out of bounds for an axis of "
            f"size {size}"
        )
    return [part % max(size, 1)]


def _check_mask(mask: Any, sizes: tuple[int, ...]) -> None:
    if not mask.ndim:
        raise IndexError("a single truth is no index on a GPU; write x[None] or x[None][:0]")
    if mask.shape != sizes:
        raise IndexError(f"a mask of shape {mask.shape} does not fit axes of sizes {sizes}")


def _trusted(part: Any, array: Any, sizes: tuple[int, ...]) -> list[Any]:
    if part.device.id != array.device.id:
        raise ValueError(
            f"the index is on cuda:{part.device.id} and what it indexes on "
            f"cuda:{array.device.id}; move one with .to"
        )
    if part.dtype.kind == "b":
        _check_mask(part, sizes)
        with array.device:
            return list(part.nonzero())
    return [part]


def _check_once(positions: list[Any]) -> None:
    named = numpy.stack(numpy.broadcast_arrays(*positions)).reshape(len(positions), -1)
    if numpy.unique(named, axis=1).shape[1] < named.shape[1]:
        raise ValueError("an index that names a position twice has no defined result; use .add")


# --- running out of memory


def run(work: Callable[[], Any], number: int) -> Any:
    """Compute something on a GPU."""
    if cupy.cuda.runtime.getDevice() == number:
        return work()
    with cupy_on(number):
        return work()


def is_out_of_memory(error: MemoryError) -> bool:
    """Return whether it was a GPU's memory that did not suffice."""
    return cupy is not None and isinstance(error, cupy.cuda.memory.OutOfMemoryError)


def attempt(work: Callable[[], Any], number: int, what: str) -> Any:
    """Compute something on a GPU, if need be once more with more memory free."""
    try:
        return run(work, number)
    except cupy.cuda.memory.OutOfMemoryError:
        pass
    return once_more(lambda: run(work, number), what, number)


def once_more(work: Callable[[], Any], what: str, number: int | None = None) -> Any:
    """Run again what found no memory on a GPU (default: that in use), after freeing what it can.

    Raises
    ------
    MemoryError
        It still finds none.
    """
    gc.collect()
    empty_cache()
    try:
        return work()
    except cupy.cuda.memory.OutOfMemoryError as error:
        number = cupy.cuda.runtime.getDevice() if number is None else number
        raise MemoryError(
            f"{what}: the memory of cuda:{number} does not suffice. {error}\n"
            f"{memory_summary(f'cuda:{number}')}\n"
            "Try smaller batches; float32 where it is float64; ai.no_grad() where no gradient is "
            "needed; float(loss) where losses are collected, for a Tensor keeps its whole graph; "
            "or a higher ai.cuda.set_memory_limit(bytes), if there is one."
        ) from None


_caches: list[Callable[[], object]] = []


def on_empty_cache(forget: Callable[[], object]) -> None:
    """Have a cache of arrays emptied with the pool."""
    _caches.append(forget)
