"""Products of matrices by cuBLAS, called directly.

CuPy's own products cannot be recorded into a CUDA graph (cupy#6290), and may copy operands or take
workspace unseen.  This is one function of the library, `cublasGemmStridedBatchedEx`, with a
workspace that is given once: it can be recorded, and allocates nothing.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

from autograd_iron.arrays import cuda
from autograd_iron.support import forks

# cudaDataType by the name of the dtype.  What has 16 bits is multiplied and added up in float32.
_KINDS = {"float16": 2, "bfloat16": 14, "float32": 0, "float64": 1}
_COMPUTE_32F, _COMPUTE_64F, _COMPUTE_32F_FAST_TF32 = 68, 70, 77
# The parts of a long sum of 16 bits are added up in float32 too.
_DISALLOW_REDUCED_PRECISION_REDUCTION = 16
_NOT_INITIALIZED, _ALLOC_FAILED = 1, 3
_LARGEST = 2**31 - 1  # sizes are of 32 bits
_NAMES = ("libcublas.so.12", "libcublas.so.13", "libcublas.so.11", "cublas64_12.dll")
# What cuBLAS recommends for the GPU that wants most (Hopper).
_WORKSPACE = 32 << 20


@dataclass(frozen=True)
class Matrices:
    """One operand: (count, rows, columns) at an address, each matrix C- or F-contiguous.

    Attributes
    ----------
    pointer : int
    shape : (int, int)
    transposed : bool
        Whether the matrices are F-contiguous.
    stride : int
        Elements from one matrix to the next; 0 takes the same one again.
    dtype : dtype
    """

    pointer: int
    shape: tuple[int, int]
    transposed: bool
    stride: int
    dtype: Any


class Blas:
    """A handle of cuBLAS for one GPU, with its workspace.

    Products on two streams at once would meet in the workspace: a GPU's work is on one at a time.
    """

    def __init__(self, number: int) -> None:
        self.after_fork()
        forks.renew(self)
        self._library = _library()
        self._handle = ctypes.c_void_p()
        with cuda.cupy_on(number):
            # First, for it may not be there, and a handle would be left behind.
            self._workspace = cuda.cupy.empty(_WORKSPACE, "uint8")
            create = self._library.cublasCreate_v2
            status = create(ctypes.byref(self._handle))
            if status in (_NOT_INITIALIZED, _ALLOC_FAILED):
                # It takes memory of its own, of which CuPy's pool may have left none.
                cuda.empty_cache()
                status = create(ctypes.byref(self._handle))
            self._check("create", status)
            mode = _DISALLOW_REDUCED_PRECISION_REDUCTION
            self._check("math mode", self._library.cublasSetMathMode(self._handle, mode))

    def after_fork(self) -> None:
        """Give a forked process a lock that nobody holds."""
        self._lock = threading.Lock()

    def multiply(
        self, x: Matrices, y: Matrices, out: Matrices, count: int, stream: int, tf32: bool
    ) -> None:
        """Write `count` products of matrices.

        Both factors have one dtype, and the product that of the factors, or float32 for less; it is
        not transposed.  With `tf32`, float32 is rounded to 10 bits before it is multiplied.
        cuBLAS sees row-major matrices transposed: it computes `y.T @ x.T`, which is the transpose
        of the product.
        """
        rows, inner = x.shape
        columns = y.shape[1]
        factor: Any = ctypes.c_float
        compute = _COMPUTE_32F
        if x.dtype == "float64":
            factor, compute = ctypes.c_double, _COMPUTE_64F
        elif x.dtype == "float32" and tf32:
            compute = _COMPUTE_32F_FAST_TF32
        what = f"product of {x.shape} and {y.shape} {x.dtype}"
        if max(rows, columns, inner, count) > _LARGEST:
            raise ValueError(f"cuBLAS: {what}, {count} times, is larger than its 32 bits can count")
        one, zero = factor(1), factor(0)
        with self._lock:
            self._work_on(stream)
            status = self._library.cublasGemmStridedBatchedEx(
                self._handle,
                int(y.transposed),
                int(x.transposed),
                *(columns, rows, inner),
                ctypes.byref(one),
                *_operand(y),
                *_operand(x),
                ctypes.byref(zero),
                *_operand(out),
                count,
                compute,
                -1,  # the algorithm: cuBLAS chooses
            )
        self._check(what, status)

    def _work_on(self, stream: int) -> None:
        set_stream = self._library.cublasSetStream_v2
        self._check("stream", set_stream(self._handle, ctypes.c_void_p(stream)))
        # Choosing a stream takes the workspace away.
        pointer, size = ctypes.c_void_p(self._workspace.data.ptr), ctypes.c_size_t(_WORKSPACE)
        set_workspace = self._library.cublasSetWorkspace_v2
        self._check("workspace", set_workspace(self._handle, pointer, size))

    def _check(self, what: str, status: int) -> None:
        if status:
            raise RuntimeError(f"cuBLAS: {what} failed with status {status}")


def _operand(matrices: Matrices) -> tuple[Any, ...]:
    leading = matrices.shape[0] if matrices.transposed else matrices.shape[1]
    pointer, stride = ctypes.c_void_p(matrices.pointer), ctypes.c_longlong(matrices.stride)
    return pointer, _KINDS[str(matrices.dtype)], max(leading, 1), stride


@cache
def blas(number: int) -> Blas:
    """Return the handle of a GPU, made when it is first asked for."""
    return Blas(number)


@cache
def _library() -> Any:
    """Return cuBLAS, from where CuPy finds it or from where the system does."""
    try:
        from cuda import pathfinder  # CuPy brings this package along

        return ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublas").abs_path)
    except (ImportError, AttributeError, RuntimeError, OSError):
        pass
    for name in _NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise ImportError(
        f"compiled steps on a GPU need cuBLAS, and none of {', '.join(_NAMES)} was found. It comes "
        "with the CUDA toolkit, or with pip install nvidia-cublas-cu12"
    )
