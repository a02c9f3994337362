"""What CuPy has from NVIDIA's libraries, by NumPy: cuBLAS, cuRAND and the sorts of Thrust.

CuPy calls them through attributes of Python modules, so that other modules can take their places.
cuBLAS and cuRAND refuse a capturing stream, as CuPy's wrappers do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from cupy_backends.cuda import libs

from ..fake_cublas import BFLOAT16, DTYPES, FLOAT32, FLOAT64, OPERATIONS, Matrix, Product
from ..host_memory import host_view
from .state import Device

CUBLAS_CONSTANTS = {
    "CUBLAS_OP_N": 0,
    "CUBLAS_OP_T": 1,
    "CUBLAS_OP_C": 2,
    "CUBLAS_COMPUTE_16F": 64,
    "CUBLAS_COMPUTE_16F_PEDANTIC": 65,
    "CUBLAS_COMPUTE_32F": 68,
    "CUBLAS_COMPUTE_32F_PEDANTIC": 69,
    "CUBLAS_COMPUTE_32F_FAST_16F": 74,
    "CUBLAS_COMPUTE_32F_FAST_TF32": 77,
    "CUBLAS_COMPUTE_64F": 70,
    "CUBLAS_COMPUTE_64F_PEDANTIC": 71,
    "CUBLAS_GEMM_DEFAULT": -1,
    "CUBLAS_GEMM_DEFAULT_TENSOR_OP": 99,
    "CUBLAS_TENSOR_OP_MATH": 1,
    "CUBLAS_DEFAULT_MATH": 0,
    "CUBLAS_POINTER_MODE_HOST": 0,
    "CUBLAS_POINTER_MODE_DEVICE": 1,
}
ACCUMULATORS = {"f2": "f4", BFLOAT16: "f4"}  # of sums, where it is not the dtype of the result
CURAND_GENERATORS = (
    "PSEUDO_DEFAULT",
    "PSEUDO_XORWOW",
    "PSEUDO_MRG32K3A",
    "PSEUDO_MTGP32",
    "PSEUDO_MT19937",
    "PSEUDO_PHILOX4_32_10",
)


class Library:
    """What the libraries share: they work on the current stream of CuPy."""

    def __init__(self, device: Device, name: str) -> None:
        self._device = device
        self._name = name

    def _enqueue(self, kind: str, detail: Any, work: Callable[[], Any]) -> None:
        import cupy

        stream = cupy.cuda.get_current_stream().ptr
        if self._device.is_capturing(stream):
            raise NotImplementedError(
                f"calling {self._name} API during stream capture is currently unsupported"
            )
        self._device.note(kind, detail)
        self._device.enqueue(stream, work)


class Cublas(Library):
    def create(self) -> int:
        return self._device.new_handle()

    def destroy(self, handle: int) -> None:
        pass

    def setMathMode(self, handle: int, mode: int) -> None:
        pass

    def setStream(self, handle: int, stream: int) -> None:
        pass

    def getPointerMode(self, handle: int) -> int:
        return CUBLAS_CONSTANTS["CUBLAS_POINTER_MODE_HOST"]

    def setPointerMode(self, handle: int, mode: int) -> None:
        pass

    def gemmEx(self, *arguments: Any) -> None:
        head, a, b = arguments[:7], arguments[7:10], arguments[10:13]
        beta, *c = arguments[13:17]
        self.gemmStridedBatchedEx(*head, *a, 0, *b, 0, beta, *c, 0, 1, *arguments[17:])

    def gemmStridedBatchedEx(
        self, handle: int, op_a: int, op_b: int, m: int, n: int, k: int, alpha: int, *rest: int
    ) -> None:
        a, a_kind, lda, a_distance, b, b_kind, ldb, b_distance, *rest = rest
        beta, c, c_kind, ldc, c_distance, count, _compute, _algorithm = rest
        accumulator = ACCUMULATORS.get(DTYPES[c_kind], DTYPES[c_kind])
        product = Product(
            Matrix(a, *((m, k) if op_a == 0 else (k, m)), lda, DTYPES[a_kind], a_distance),
            Matrix(b, *((k, n) if op_b == 0 else (n, k)), ldb, DTYPES[b_kind], b_distance),
            Matrix(c, m, n, ldc, DTYPES[c_kind], c_distance),
            (op_a, op_b),
            accumulator,
            count,
        )
        scalars = [host_view(address, (), accumulator)[()] for address in (alpha, beta)]
        self._enqueue("gemm", (m, n, k, count), lambda: product.run(self._device, *scalars))

    def sgemmBatched(self, *arguments: int) -> None:
        self._gemmBatched(FLOAT32, *arguments)

    def dgemmBatched(self, *arguments: int) -> None:
        self._gemmBatched(FLOAT64, *arguments)

    def _gemmBatched(self, kind: int, *arguments: int) -> None:
        head, (a, lda, b, ldb, beta, c, ldc, count) = arguments[:7], arguments[7:]
        self.gemmBatchedEx(*head, a, kind, lda, b, kind, ldb, beta, c, kind, ldc, count, 0, 0)

    def gemmBatchedEx(
        self, handle: int, op_a: int, op_b: int, m: int, n: int, k: int, alpha: int, *rest: int
    ) -> None:
        """Multiply matrices whose addresses lie on the device, in three arrays."""
        a, a_kind, lda, b, b_kind, ldb, beta, c, c_kind, ldc, count, _compute, _algorithm = rest
        accumulator = ACCUMULATORS.get(DTYPES[c_kind], DTYPES[c_kind])
        scalars = [host_view(address, (), accumulator)[()] for address in (alpha, beta)]
        shape_a, shape_b = ((m, k) if op_a == 0 else (k, m)), ((k, n) if op_b == 0 else (n, k))

        def work() -> None:
            pointers = [self._device.view(array, (count,), "u8").tolist() for array in (a, b, c)]
            for at_a, at_b, at_c in zip(*pointers, strict=True):
                product = Product(
                    Matrix(at_a, *shape_a, lda, DTYPES[a_kind]),
                    Matrix(at_b, *shape_b, ldb, DTYPES[b_kind]),
                    Matrix(at_c, m, n, ldc, DTYPES[c_kind]),
                    (op_a, op_b),
                    accumulator,
                )
                product.run(self._device, *scalars)

        self._enqueue("gemm", (m, n, k, count), work)

    def sgeam(self, *arguments: int) -> None:
        self._geam("f4", *arguments)

    def dgeam(self, *arguments: int) -> None:
        self._geam("f8", *arguments)

    def _geam(
        self, dtype: str, handle: int, op_a: int, op_b: int, m: int, n: int, *rest: int
    ) -> None:
        """Add two matrices, either of them transposed."""
        alpha, a, lda, beta, b, ldb, c, ldc = rest
        factors = [host_view(address, (), dtype)[()] for address in (alpha, beta)]
        terms = [
            (factor, OPERATIONS[code], Matrix(start, *((m, n) if code == 0 else (n, m)), ld, dtype))
            for factor, code, start, ld in zip(
                factors, (op_a, op_b), (a, b), (lda, ldb), strict=True
            )
        ]

        def work() -> None:
            values = [x * op(matrix.view(self._device)) for x, op, matrix in terms if x != 0]
            Matrix(c, m, n, ldc, dtype).view(self._device)[...] = sum(values)

        self._enqueue("launch", "geam", work)


class Curand(Library):
    """The numbers are NumPy's: only their distributions are cuRAND's."""

    def __init__(self, device: Device, name: str) -> None:
        super().__init__(device, name)
        self._generators: dict[int, np.random.Generator] = {}

    def createGenerator(self, kind: int) -> int:
        handle = self._device.new_handle()
        self._generators[handle] = np.random.default_rng(0)
        return handle

    def destroyGenerator(self, handle: int) -> None:
        self._generators.pop(handle, None)

    def setPseudoRandomGeneratorSeed(self, handle: int, seed: int) -> None:
        self._generators[handle] = np.random.default_rng(int(seed) % 2**63)

    def setGeneratorOffset(self, handle: int, offset: int) -> None:
        pass

    def setStream(self, handle: int, stream: int) -> None:
        pass

    def generateUniform(self, handle: int, address: int, size: int) -> None:
        self._fill(handle, address, size, "f4", lambda draw: 1 - draw.random(size, "f4"))

    def generateUniformDouble(self, handle: int, address: int, size: int) -> None:
        self._fill(handle, address, size, "f8", lambda draw: 1 - draw.random(size))

    def generateNormal(
        self, handle: int, address: int, size: int, mean: float, deviation: float
    ) -> None:
        def values(draw: np.random.Generator) -> Any:
            return mean + deviation * draw.standard_normal(size, "f4")

        self._fill(handle, address, size, "f4", values)

    def generateNormalDouble(
        self, handle: int, address: int, size: int, mean: float, deviation: float
    ) -> None:
        def values(draw: np.random.Generator) -> Any:
            return mean + deviation * draw.standard_normal(size)

        self._fill(handle, address, size, "f8", values)

    def generate(self, handle: int, address: int, size: int) -> None:
        self._fill(handle, address, size, "u4", lambda draw: draw.integers(0, 2**32, size, "u4"))

    def _fill(
        self,
        handle: int,
        address: int,
        size: int,
        dtype: str,
        values: Callable[[np.random.Generator], Any],
    ) -> None:
        def work() -> None:
            self._device.view(address, (size,), dtype)[...] = values(self._generators[handle])

        self._enqueue("launch", "curand", work)


class Thrust(Library):
    """Sorting is device code made beforehand in CuPy's wheel: only its entry points can be met."""

    def sort(self, dtype: Any, data: int, keys: int, shape: tuple[int, ...]) -> None:
        self._enqueue("launch", "sort", lambda: self._device.view(data, shape, dtype).sort(axis=-1))

    def argsort(
        self, dtype: Any, indices: int, data: int, keys: int, shape: tuple[int, ...]
    ) -> None:
        def work() -> None:
            values = self._device.view(data, shape, dtype)
            order = np.argsort(values, axis=-1, kind="stable")
            self._device.view(indices, shape, "i8")[...] = order
            values[...] = np.take_along_axis(values, order, -1)

        self._enqueue("launch", "argsort", work)

    def lexsort(self, dtype: Any, indices: int, keys: int, count: int, size: int) -> None:
        def work() -> None:
            columns = self._device.view(keys, (count, size), dtype)
            self._device.view(indices, (size,), "i8")[...] = np.lexsort(columns)

        self._enqueue("launch", "lexsort", work)


def _methods(library: Library) -> dict[str, Any]:
    return {name: getattr(library, name) for name in dir(library) if not name.startswith("_")}


def install_before_cupy(device: Device) -> None:
    cublas = CUBLAS_CONSTANTS | _methods(Cublas(device, "cuBLAS"))
    curand = {f"CURAND_RNG_{name}": 100 + i for i, name in enumerate(CURAND_GENERATORS)}
    curand |= _methods(Curand(device, "cuRAND"))
    for name, content in (("cublas", cublas), ("curand", curand)):
        module = ModuleType(f"{libs.__name__}.{name}")
        vars(module).update(content)
        sys.modules[module.__name__] = module
        setattr(libs, name, module)


def install_after_cupy(device: Device) -> None:
    import cupy

    for name, method in _methods(Thrust(device, "Thrust")).items():
        setattr(cupy.cuda.thrust, name, method)

    def prebuilt(*_: Any, **__: Any) -> None:
        raise NotImplementedError(
            "cupy.random.Generator is device code made beforehand: its kernels would do nothing"
            " here and leave old memory. Use the engine's own generator."
        )

    cupy.random.default_rng = prebuilt
