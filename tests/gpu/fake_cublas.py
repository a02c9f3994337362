"""cuBLAS for callers through ctypes, on a device whose memory is the host's.

Matrices are column-major and given by address, as in the real one. Scalars behind host pointers are
read at the call, and so are frozen by a capture; behind device pointers, when the product runs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .host_memory import host_view

SUCCESS = 0
NOT_INITIALIZED = 1
INVALID_VALUE = 7
INTERNAL_ERROR = 14
NOT_SUPPORTED = 15
DEVICE_POINTERS = 1
WORKSPACE_ALIGNMENT = 256

BFLOAT16 = "bfloat16"  # by this name NumPy finds it once ml_dtypes is imported
DTYPES = {0: "f4", 1: "f8", 2: "f2", 4: "c8", 5: "c16", 14: BFLOAT16}  # cudaDataType
FLOAT32, FLOAT64 = 0, 1
# cublasComputeType -> the dtype of the scalars and of the sum, for real matrices
COMPUTE_32F, COMPUTE_64F = 68, 70
FAST = (74, 75, 77)  # of float32, in which it is rounded first
DISALLOW_REDUCED_PRECISION_REDUCTION = 16  # cublasMath_t
COMPUTE_DTYPES = {
    64: "f2",
    65: "f2",
    COMPUTE_32F: "f4",
    69: "f4",
    74: "f4",
    75: "f4",
    77: "f4",
    COMPUTE_64F: "f8",
    71: "f8",
}
STORABLE = {"f2": {("f2", "f2")}, "f4": {("f4", "f4"), ("f2", "f2"), ("f2", "f4")}}
STORABLE["f4"] |= {(BFLOAT16, BFLOAT16), (BFLOAT16, "f4")}
STORABLE["f8"] = {("f8", "f8")}
OPERATIONS: list[Callable[[Any], Any]] = [lambda a: a, lambda a: a.T, lambda a: a.conj().T]


class Device(Protocol):
    """What the library needs of the device under it."""

    def note(self, kind: str, detail: Any) -> None: ...
    def enqueue(self, stream: int, work: Callable[[], Any]) -> None: ...
    def is_capturing(self, stream: int) -> bool: ...
    def view(self, address: int, shape: Any, dtype: Any, strides: Any = None) -> Any: ...


@dataclass
class Matrix:
    """A column-major matrix, or one of several at equal distances."""

    address: int
    rows: int
    columns: int
    leading: int  # elements from one column to the next
    dtype: Any
    distance: int = 0  # elements from one matrix to the next

    def __post_init__(self) -> None:
        if self.dtype == BFLOAT16:
            import ml_dtypes  # noqa: F401 (optional, and of no use to other products)

    def view(self, device: Device, index: int = 0) -> Any:
        size = np.dtype(self.dtype).itemsize
        address = self.address + index * self.distance * size
        strides = (size, self.leading * size)
        return device.view(address, (self.rows, self.columns), self.dtype, strides)


@dataclass
class Product:
    """c = alpha op(a) op(b) + beta c, `count` times; the sums are made in `accumulator`."""

    a: Matrix
    b: Matrix
    c: Matrix
    operations: tuple[int, int]
    accumulator: Any
    count: int = 1
    parts: Any = None  # the dtype in which parts of a sum are added up, if not in the accumulator's

    def run(self, device: Device, alpha: Any, beta: Any) -> None:
        op_a, op_b = (OPERATIONS[code] for code in self.operations)
        for index in range(self.count):
            a = op_a(self.a.view(device, index)).astype(self.accumulator)
            b = op_b(self.b.view(device, index)).astype(self.accumulator)
            c = self.c.view(device, index)
            with np.errstate(all="ignore"):
                result = alpha * self._multiplied(a, b)
                # cuBLAS does not read c where beta is 0: NaN in it is no matter.
                c[...] = result if beta == 0 else result + beta * c

    def _multiplied(self, a: Any, b: Any) -> Any:
        if self.parts is None:
            return np.matmul(a, b)
        half = a.shape[-1] // 2
        parts = np.matmul(a[:, :half], b[:half]), np.matmul(a[:, half:], b[half:])
        one, other = (part.astype(self.parts).astype(self.accumulator) for part in parts)
        return (one + other).astype(self.parts).astype(self.accumulator)


class Function:
    """An entry of the library, called through C like the real one: `argtypes` may be set."""

    def __init__(self, body: Callable[..., int], signature: Sequence[Any]) -> None:
        self.argtypes: Sequence[Any] | None = None
        self.restype: Any = ctypes.c_int
        self._signature = signature
        self._error: BaseException | None = None

        def call(*arguments: Any) -> int:
            try:
                return body(*arguments)
            except BaseException as error:  # C cannot pass it on
                self._error = error
                return INTERNAL_ERROR

        self._function = ctypes.CFUNCTYPE(ctypes.c_int, *signature)(call)

    def __call__(self, *arguments: Any) -> int:
        if len(arguments) != len(self._signature):
            raise TypeError(f"{len(self._signature)} arguments needed, {len(arguments)} given")
        if self.argtypes is None:
            _refuse_truncated(arguments)
        self._function.argtypes = self.argtypes or self._signature
        status = self._function(*arguments)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return status


def _refuse_truncated(arguments: Sequence[Any]) -> None:
    for position, argument in enumerate(arguments):
        if isinstance(argument, int) and not -(2**31) <= argument < 2**31:
            raise TypeError(
                f"argument {position} is {argument:#x}: without argtypes, ctypes passes the lower"
                " 32 bits of a Python int. Set argtypes, or wrap an address in c_void_p."
            )


@dataclass
class Handle:
    stream: int = 0
    pointer_mode: int = 0
    math_mode: int = 0
    workspace: int = 0


ADDRESS, INT, DISTANCE, SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong, ctypes.c_size_t
OPERATION_AND_SHAPE = [ADDRESS, INT, INT, INT, INT, INT]  # after the handle: op(a), op(b), m, n, k
MATRIX = [ADDRESS, INT]
TYPED_MATRIX = [ADDRESS, INT, INT]
BATCHED_MATRIX = [*TYPED_MATRIX, DISTANCE]
GEMM = [*OPERATION_AND_SHAPE, ADDRESS, *MATRIX, *MATRIX, ADDRESS, *MATRIX]
SIGNATURES = {
    "cublasCreate_v2": [ADDRESS],
    "cublasDestroy_v2": [ADDRESS],
    "cublasSetStream_v2": [ADDRESS, ADDRESS],
    "cublasSetWorkspace_v2": [ADDRESS, ADDRESS, SIZE],
    "cublasSetMathMode": [ADDRESS, INT],
    "cublasSetPointerMode_v2": [ADDRESS, INT],
    "cublasSgemm_v2": GEMM,
    "cublasDgemm_v2": GEMM,
    "cublasGemmEx": [
        *[*OPERATION_AND_SHAPE, ADDRESS, *TYPED_MATRIX, *TYPED_MATRIX],
        *[ADDRESS, *TYPED_MATRIX, INT, INT],
    ],
    "cublasGemmStridedBatchedEx": [
        *[*OPERATION_AND_SHAPE, ADDRESS, *BATCHED_MATRIX, *BATCHED_MATRIX],
        *[ADDRESS, *BATCHED_MATRIX, INT, INT, INT],
    ],
}


class Library:
    """What loading libcublas would give."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._handles: dict[int, Handle | None] = {}
        for name, signature in SIGNATURES.items():
            body = getattr(self, "_" + name.removeprefix("cublas").removesuffix("_v2"))
            setattr(self, name, Function(body, signature))

    def _Create(self, where: int) -> int:
        handle = len(self._handles) + 1
        self._handles[handle] = Handle()
        ctypes.c_void_p.from_address(where).value = handle
        return SUCCESS

    def _Destroy(self, handle: int) -> int:
        # The entry stays, so that no later handle has the same number.
        if self._handles.get(handle) is None:
            return NOT_INITIALIZED
        self._handles[handle] = None
        return SUCCESS

    def _SetStream(self, handle: int, stream: int | None) -> int:
        if (found := self._handles.get(handle)) is None:
            return NOT_INITIALIZED
        found.stream = stream or 0
        found.workspace = 0  # cuBLAS goes back to its own
        return SUCCESS

    def _SetWorkspace(self, handle: int, address: int | None, size: int) -> int:
        if (found := self._handles.get(handle)) is None:
            return NOT_INITIALIZED
        if (address or 0) % WORKSPACE_ALIGNMENT:
            return INVALID_VALUE
        found.workspace = size if address else 0
        return SUCCESS

    def _SetMathMode(self, handle: int, mode: int) -> int:
        if (found := self._handles.get(handle)) is None:
            return NOT_INITIALIZED
        found.math_mode = mode
        return SUCCESS

    def _SetPointerMode(self, handle: int, mode: int) -> int:
        if (found := self._handles.get(handle)) is None:
            return NOT_INITIALIZED
        found.pointer_mode = mode
        return SUCCESS

    def _Sgemm(self, *arguments: Any) -> int:
        return self._gemm(FLOAT32, COMPUTE_32F, *arguments)

    def _Dgemm(self, *arguments: Any) -> int:
        return self._gemm(FLOAT64, COMPUTE_64F, *arguments)

    def _gemm(self, kind: int, compute: int, *arguments: Any) -> int:
        head, (a, lda, b, ldb, beta, c, ldc) = arguments[:7], arguments[7:]
        return self._GemmEx(*head, a, kind, lda, b, kind, ldb, beta, c, kind, ldc, compute, -1)

    def _GemmEx(self, *arguments: Any) -> int:
        head = arguments[:7]
        a, b, (beta, *c), last = arguments[7:10], arguments[10:13], arguments[13:17], arguments[17:]
        return self._GemmStridedBatchedEx(*head, *a, 0, *b, 0, beta, *c, 0, 1, *last)

    def _GemmStridedBatchedEx(
        self, handle: int, op_a: int, op_b: int, m: int, n: int, k: int, alpha: int, *rest: Any
    ) -> int:
        a, a_kind, lda, a_distance, b, b_kind, ldb, b_distance, *rest = rest
        beta, c, c_kind, ldc, c_distance, count, compute, _algorithm = rest
        if (found := self._handles.get(handle)) is None:
            return NOT_INITIALIZED
        accumulator = COMPUTE_DTYPES.get(compute, "")
        dtypes = DTYPES.get(a_kind), DTYPES.get(c_kind)
        if a_kind != b_kind or dtypes not in STORABLE.get(accumulator, ()):
            return NOT_SUPPORTED
        if compute in FAST and dtypes != ("f4", "f4"):
            return NOT_SUPPORTED
        shape_a = (m, k) if op_a == 0 else (k, m)
        shape_b = (k, n) if op_b == 0 else (n, k)
        matrices = [
            Matrix(a, *shape_a, lda, dtypes[0], a_distance),
            Matrix(b, *shape_b, ldb, dtypes[0], b_distance),
            Matrix(c, m, n, ldc, dtypes[1], c_distance),
        ]
        if min(m, n, k, count) < 0 or any(one.leading < max(1, one.rows) for one in matrices):
            return INVALID_VALUE
        reduced = found.math_mode & DISALLOW_REDUCED_PRECISION_REDUCTION == 0
        parts = dtypes[1] if reduced and dtypes[1] in ("f2", BFLOAT16) else None
        product = Product(*matrices, (op_a, op_b), accumulator, count, parts)
        if self._device.is_capturing(found.stream) and not found.workspace:
            self._device.note("alloc", "cuBLAS: no workspace was given after the stream was set")
        self._device.note("gemm", (m, n, k, count))
        self._device.enqueue(found.stream, self._work(product, alpha, beta, found.pointer_mode))
        return SUCCESS

    def _work(self, product: Product, alpha: int, beta: int, mode: int) -> Callable[[], None]:
        def scalars() -> list[Any]:
            if mode == DEVICE_POINTERS:
                return [self._device.view(p, (), product.accumulator)[()] for p in (alpha, beta)]
            return [host_view(p, (), product.accumulator)[()] for p in (alpha, beta)]

        if mode == DEVICE_POINTERS:
            return lambda: product.run(self._device, *scalars())
        now = scalars()
        return lambda: product.run(self._device, *now)
