"""What a plan asks of a GPU: memory, kernels, products, and steps recorded as CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autograd_iron.arrays import cuda
from autograd_iron.arrays.cublas import Matrices, blas

Work = Callable[[], object]


def memory(size: int) -> Any:
    """Return `size` bytes of the GPU that is computing now; what they hold is not set."""
    return cuda.cupy.empty(max(size, 1), "uint8")


def array(block: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return the first bytes of a block of memory as an array."""
    return cuda.cupy.ndarray(shape, dtype, memptr=block.data)


def view(
    base: Any, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...], offset: int
) -> Any:
    """Return a look at the memory of an array; strides and offset count elements."""
    size = dtype.itemsize
    pointer = base.data + offset * size
    return cuda.cupy.ndarray(shape, dtype, pointer, strides=tuple(s * size for s in strides))


def copying(target: Any, source: Any) -> Work:
    """Return what copies one array to another, on the GPU."""
    return partial(cuda.cupy.copyto, target, source)


def kernel(
    source: str, name: str, grid: tuple[int, ...], block: int, arguments: tuple[Any, ...]
) -> Work:
    """Compile a kernel and return what launches it.

    Raises
    ------
    RuntimeError
        The compiler refuses the text: a bug, and its message is passed on.
    """
    raw = cuda.cupy.RawKernel(source, name)
    try:
        raw.compile()
    except cuda.cupy.cuda.compiler.CompileException as error:
        raise RuntimeError(f"a generated kernel does not compile: {error}\n{source}") from None
    return partial(raw, grid, (block,), arguments)


def product(number: int, x: Matrices, y: Matrices, out: Any, count: int) -> Work:
    """Return what writes the products of matrices to an array."""
    handle, tf32 = blas(number), cuda.tf32_allowed()
    rows, columns = x.shape[0], y.shape[1]
    made = Matrices(out.data.ptr, (rows, columns), False, rows * columns, out.dtype)

    def multiply() -> None:
        stream = cuda.cupy.cuda.get_current_stream().ptr
        handle.multiply(x, y, made, count, stream, tf32)

    return multiply


class Recorded:
    """Work that was recorded as a CUDA graph: a call launches all of it at once.

    It is recorded under a pool of its own.  A graph keeps no memory alive, so what the work
    allocates on the way must never be given to anybody else.  It may take what the limit of the
    usual pool leaves at that moment.

    Parameters
    ----------
    work : callable
        Runs on the GPU that is computing now; nothing in it may wait or copy from the host.

    Raises
    ------
    Exception
        Whatever CUDA or CuPy says to what cannot be recorded; nothing has been run.
    """

    def __init__(self, work: Work) -> None:
        cupy = cuda.cupy
        self._pool = cupy.cuda.MemoryPool()
        usual = cupy.get_default_memory_pool()
        if usual.get_limit():
            self._pool.set_limit(size=max(1, usual.get_limit() - usual.total_bytes()))
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream, cupy.cuda.using_allocator(self._pool.malloc):
            stream.begin_capture()
            try:
                work()
            except BaseException:
                _drop(stream)
                raise
            self._graph = stream.end_capture()

    def __call__(self) -> None:
        """Launch it, after all that was asked of the GPU before."""
        self._graph.launch(cuda.cupy.cuda.get_current_stream())


def _drop(stream: Any) -> None:
    """End a recording that went wrong; what is left of it is of no use."""
    try:
        stream.end_capture()
    except Exception:  # whatever it was that went wrong, the caller knows
        return
