"""All three devices count the same work alike, and their cuBLAS computes the same."""

from __future__ import annotations

import ctypes
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from . import device_under_test
from .device_under_test import Forbidden, counts, cupy, forbid, kernel_names, reset

N, T = 0, 1
FLOAT32, FLOAT64, FLOAT16 = 0, 1, 2
COMPUTE_32F, COMPUTE_64F = 68, 70
DEFAULT_ALGORITHM = -1
DTYPES = {FLOAT16: "f2", FLOAT32: "f4", FLOAT64: "f8"}
NOT_INITIALIZED, INVALID_VALUE, NOT_SUPPORTED = 1, 7, 15


def test_the_engine_would_import_the_device() -> None:
    import cupy as found

    assert found is device_under_test.cupy
    assert sys.modules["cupy"] is found


@pytest.mark.skipif(not device_under_test.modules, reason="CuPy itself stays imported")
def test_outside_this_folder_there_is_no_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in device_under_test.modules:
        monkeypatch.delitem(sys.modules, name)
    with device_under_test.in_place():
        assert sys.modules["cupy"] is cupy
    assert not [name for name in sys.modules if name.startswith("cupy")]


# --- counting


def test_a_step_without_waste_is_launches_and_products() -> None:
    x = cupy.asarray(np.ones((4, 4), "f4"))
    y, total = cupy.empty((4, 4), "f4"), cupy.empty((4,), "f4")

    def step() -> None:
        cupy.matmul(x, x, out=y)
        cupy.exp(y, out=y)
        cupy.multiply(y, 0.5, out=y)
        cupy.sum(y, axis=0, out=total)
        y.fill(0)

    step()
    reset()
    with forbid("alloc", "h2d", "d2h", "sync", "graph"):
        step()
    assert counts() == {"launch": 4, "gemm": 1}
    assert len(kernel_names()) == 4
    assert counts()["alloc"] == 0


def test_what_crosses_the_border_is_counted() -> None:
    reset()
    x = cupy.asarray(np.ones(3, "f4"))
    assert counts() == {"alloc": 1, "h2d": 1}
    float(x.sum())
    assert counts() == {"alloc": 2, "h2d": 1, "launch": 1, "d2h": 1, "sync": 1}
    reset()
    (x * 2).get()
    cupy.cuda.get_current_stream().synchronize()
    assert counts() == {"alloc": 1, "launch": 1, "d2h": 1, "sync": 2}


def test_a_copy_on_the_device_is_a_launch() -> None:
    x, y = cupy.ones(3, "f4"), cupy.zeros(3, "f4")
    reset()
    cupy.copyto(y, x)
    assert counts() == {"launch": 1}
    assert y.get().tolist() == [1] * 3


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_a_batch_of_products_counts_once(dtype: str) -> None:
    (a, a_there), (b, b_there) = filled(3, 4, 5, dtype=dtype), filled(3, 5, 6, dtype=dtype)
    out = cupy.empty((3, 4, 6), dtype)
    reset()
    cupy.matmul(a_there, b_there, out=out)
    assert counts()["gemm"] == 1
    np.testing.assert_array_equal(out.get(), a @ b)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize(
    "shapes", [((3, 4, 5), (5, 6)), ((2, 1, 4, 5), (3, 5, 6)), ((5,), (3, 5, 6))]
)
def test_batches_that_broadcast_are_multiplied(dtype: str, shapes: Any) -> None:
    (a, a_there), (b, b_there) = (filled(*shape, dtype=dtype) for shape in shapes)
    reset()
    product = cupy.matmul(a_there, b_there)
    assert counts()["gemm"] == 1
    np.testing.assert_array_equal(product.get(), a @ b)


@pytest.mark.skipif(device_under_test.TIER == "real", reason="a real device is not put away")
def test_a_test_leaves_nothing_behind() -> None:
    with cupy.cuda.Stream(non_blocking=True) as stream:
        cupy.ones(3, "f4")
        stream.begin_capture()
    cupy.get_default_memory_pool().set_limit(size=1 << 20)
    with device_under_test.in_place():
        assert not stream.is_capturing()
        assert cupy.get_default_memory_pool().get_limit() == 0
        assert cupy.ones(1 << 20, "f4").sum() == 1 << 20


def test_a_graph_counts_once() -> None:
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        x = cupy.zeros(3, "f4")
        cupy.add(x, 1, out=x)
        stream.begin_capture()
        cupy.add(x, 1, out=x)
        graph = stream.end_capture()
        reset()
        graph.launch()
        graph.launch()
        assert counts() == {"graph": 2}
        assert x.get().tolist() == [3] * 3


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("launch", lambda x: cupy.negative(x, out=x)),
        ("alloc", lambda x: cupy.empty(3)),
        ("h2d", lambda x: cupy.asarray(np.ones(3))),
        ("d2h", lambda x: x.get()),
        ("sync", lambda x: float(x[0, 0])),
        ("gemm", lambda x: cupy.matmul(x, x)),
    ],
)
def test_what_is_forbidden_raises(kind: str, act: Any) -> None:
    x = cupy.ones((2, 2), "f4")
    act(x)
    with forbid(kind), pytest.raises(Forbidden, match=kind):
        act(x)


def test_only_what_is_counted_can_be_forbidden() -> None:
    with pytest.raises(ValueError, match=r"\['copies'\] are not counted: choose from launch, "):
        forbid("copies")


# --- cuBLAS, as one calls it through ctypes


class Blas:
    """One handle on one stream, with a workspace; addresses are wrapped, as ctypes needs."""

    def __init__(self, library: Any, stream: Any) -> None:
        self.library = library
        self.stream = stream
        self.handle = ctypes.c_void_p()
        assert library.cublasCreate_v2(ctypes.byref(self.handle)) == 0
        self.workspace = cupy.empty(1 << 16, "u1")
        assert self.use_stream() == 0
        assert self.use_workspace() == 0

    def use_stream(self) -> int:
        return self.library.cublasSetStream_v2(self.handle, ctypes.c_void_p(self.stream.ptr))

    def use_workspace(self) -> int:
        address = ctypes.c_void_p(self.workspace.data.ptr)
        size = ctypes.c_size_t(self.workspace.nbytes)
        return self.library.cublasSetWorkspace_v2(self.handle, address, size)

    def gemm(
        self,
        a: Any,
        b: Any,
        c: Any,
        operations: tuple[int, int] = (N, N),
        alpha: Any = 1.0,
        beta: Any = 0.0,
        kinds: tuple[int, int, int, int] = (FLOAT32, FLOAT32, FLOAT32, COMPUTE_32F),
    ) -> int:
        """Multiply C-ordered batches: column-major, they are the transposes, so b goes first."""
        (m, n), k = c.shape[-2:], a.shape[-1 if operations[0] == N else -2]
        scalar = ctypes.c_double if kinds[3] == COMPUTE_64F else ctypes.c_float
        left, right, out = (
            [address(x), kind, x.shape[-1], ctypes.c_longlong(x.shape[-2] * x.shape[-1])]
            for x, kind in zip((b, a, c), kinds[:3], strict=True)
        )
        factors = [ctypes.byref(scalar(x)) for x in (alpha, beta)]
        head = [self.handle, operations[1], operations[0], n, m, k, factors[0]]
        count = c.shape[0] if c.ndim == 3 else 1
        tail = [kinds[3], DEFAULT_ALGORITHM]
        if c.ndim == 3:
            arguments = [*head, *left, *right, factors[1], *out, count, *tail]
            return self.library.cublasGemmStridedBatchedEx(*arguments)
        return self.library.cublasGemmEx(*head, *left[:3], *right[:3], factors[1], *out[:3], *tail)

    def sgemm(self, name: str, scalar: Any, a: Any, b: Any, c: Any) -> int:
        one, zero = (ctypes.byref(scalar(x)) for x in (1, 0))
        (m, n), k = c.shape, a.shape[1]
        head = [self.handle, N, N, n, m, k, one, address(b), n, address(a), k, zero]
        return getattr(self.library, name)(*head, address(c), n)


def address(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.data.ptr)


def filled(*shape: int, dtype: str = "f4") -> tuple[Any, Any]:
    host = np.random.default_rng(len(shape)).integers(-4, 5, shape).astype(dtype)
    return host, cupy.asarray(host)


@pytest.fixture
def blas() -> Iterator[Blas]:
    if device_under_test.TIER == "real":
        pytest.skip("the engine's own tests call the real cuBLAS")
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        yield Blas(device_under_test.cublas(lambda: None), stream)


@pytest.mark.parametrize("operations", list(itertools.product((N, T), repeat=2)))
@pytest.mark.parametrize(
    "kinds",
    [
        (FLOAT32, FLOAT32, FLOAT32, COMPUTE_32F),
        (FLOAT64, FLOAT64, FLOAT64, COMPUTE_64F),
        (FLOAT16, FLOAT16, FLOAT16, COMPUTE_32F),
        (FLOAT16, FLOAT16, FLOAT32, COMPUTE_32F),
    ],
)
@pytest.mark.parametrize("batch", [(), (3,)])
def test_products(
    blas: Blas, operations: tuple[int, int], kinds: Any, batch: tuple[int, ...]
) -> None:
    shape_a = (4, 5) if operations[0] == N else (5, 4)
    shape_b = (5, 6) if operations[1] == N else (6, 5)
    a, a_there = filled(*batch, *shape_a, dtype=DTYPES[kinds[0]])
    b, b_there = filled(*batch, *shape_b, dtype=DTYPES[kinds[1]])
    c, c_there = filled(*batch, 4, 6, dtype=DTYPES[kinds[2]])
    reset()
    assert blas.gemm(a_there, b_there, c_there, operations, 2.0, 0.5, kinds) == 0
    assert counts() == {"gemm": 1}
    a = a if operations[0] == N else a.swapaxes(-1, -2)
    b = b if operations[1] == N else b.swapaxes(-1, -2)
    # Small whole numbers: every dtype holds the sums exactly.
    np.testing.assert_array_equal(c_there.get(), (2 * (a @ b) + 0.5 * c).astype(c.dtype))


@pytest.mark.parametrize(
    ("name", "scalar", "dtype"),
    [("cublasSgemm_v2", ctypes.c_float, "f4"), ("cublasDgemm_v2", ctypes.c_double, "f8")],
)
def test_products_of_one_dtype(blas: Blas, name: str, scalar: Any, dtype: str) -> None:
    (a, a_there), (b, b_there) = filled(2, 3, dtype=dtype), filled(3, 4, dtype=dtype)
    c = cupy.empty((2, 4), dtype)  # NaN: it is not read where beta is 0
    assert blas.sgemm(name, scalar, a_there, b_there, c) == 0
    np.testing.assert_array_equal(c.get(), a @ b)


def test_half_precision_is_summed_in_single(blas: Blas) -> None:
    a, b, c = cupy.full((1, 2), 256, "f2"), cupy.full((2, 1), 256, "f2"), cupy.empty((1, 1), "f4")
    assert blas.gemm(a, b, c, kinds=(FLOAT16, FLOAT16, FLOAT32, COMPUTE_32F)) == 0
    assert float(c[0, 0]) == 131072  # to half precision, either term is infinite


def test_a_product_in_a_graph_reads_new_values_and_old_scalars(blas: Blas) -> None:
    a, b, c = cupy.ones((2, 2), "f4"), cupy.ones((2, 2), "f4"), cupy.zeros((2, 2), "f4")
    factor = ctypes.c_float(3)
    blas.stream.begin_capture()
    assert blas.gemm(a, b, c, alpha=factor.value) == 0
    graph = blas.stream.end_capture()
    assert not c.get().any()
    factor.value = 100
    a.fill(5)
    graph.launch()
    assert c.get().tolist() == [[30, 30], [30, 30]]


def test_a_capture_shows_that_the_workspace_is_missing(blas: Blas) -> None:
    a, c = cupy.ones((2, 2), "f4"), cupy.zeros((2, 2), "f4")
    blas.stream.begin_capture()
    with forbid("alloc"):
        assert blas.gemm(a, a, c) == 0
        blas.use_stream()  # cuBLAS forgets the workspace
        with pytest.raises(Forbidden, match="workspace"):
            blas.gemm(a, a, c)
        blas.use_workspace()
        assert blas.gemm(a, a, c) == 0
    blas.stream.end_capture()


def test_scalars_on_the_device_are_read_by_the_replay(blas: Blas) -> None:
    a, c = cupy.ones((1, 1), "f4"), cupy.zeros((1, 1), "f4")
    alpha, beta = cupy.full((), 7, "f4"), cupy.full((), 1, "f4")
    assert blas.library.cublasSetPointerMode_v2(blas.handle, 1) == 0
    head = [blas.handle, N, N, 1, 1, 1, address(alpha), address(a), 1, address(a), 1, address(beta)]
    blas.stream.begin_capture()
    assert blas.library.cublasSgemm_v2(*head, address(c), 1) == 0
    graph = blas.stream.end_capture()
    graph.launch()
    alpha.fill(20)
    graph.launch()
    assert float(c[0, 0]) == 27


def test_wrong_calls_are_answered_with_a_status(blas: Blas) -> None:
    a, c = cupy.ones((2, 2), "f4"), cupy.zeros((2, 2), "f4")
    half_sum = (FLOAT32, FLOAT32, FLOAT16, COMPUTE_32F)
    assert blas.gemm(a, a, c, kinds=half_sum) == NOT_SUPPORTED
    narrow = cupy.ones((2, 1), "f4")  # its rows lie closer than 2 elements
    assert blas.gemm(a, narrow, c) == INVALID_VALUE
    odd = ctypes.c_void_p(blas.workspace.data.ptr + 16)
    assert blas.library.cublasSetWorkspace_v2(blas.handle, odd, 1024) == INVALID_VALUE
    assert blas.library.cublasSetMathMode(blas.handle, 0) == 0
    assert blas.library.cublasDestroy_v2(blas.handle) == 0
    assert blas.gemm(a, a, c) == NOT_INITIALIZED
    assert blas.use_stream() == NOT_INITIALIZED


def test_an_address_that_ctypes_would_cut_is_refused(blas: Blas) -> None:
    with pytest.raises(TypeError, match=r"argument 1 is 0x.* ctypes passes the lower 32 bits"):
        blas.library.cublasSetWorkspace_v2(blas.handle, 1 << 40, 256)
    function = blas.library.cublasSetWorkspace_v2
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    try:
        assert function(blas.handle, 1 << 40, 256) == 0
    finally:
        function.argtypes = None
