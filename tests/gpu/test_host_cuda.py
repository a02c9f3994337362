"""The simulated device does what CUDA does, and finds the faults that a GPU would hide."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import cupyx
import numpy as np
import pytest

from .device_under_test import Forbidden, cupy, device
from .host_cuda.state import Refused

CUDAError = cupy.cuda.runtime.CUDARuntimeError


@pytest.fixture
def stream() -> Iterator[Any]:
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        yield stream


def kernel(name: str, body: str, parameters: str = "float* y, int n") -> Any:
    return cupy.RawKernel(f'extern "C" __global__ void {name}({parameters}) {{ {body} }}', name)


def warm_up(*works: Any) -> None:
    """Have the kernels compiled and the memory pool filled."""
    for work in works:
        work()
    device.reset()


# --- counting and forbidding


def test_every_launch_is_counted_by_name() -> None:
    x, y = cupy.ones((4, 4), "f4"), cupy.empty((4, 4), "f4")
    warm_up(lambda: (cupy.exp(x, out=y), cupy.matmul(x, x, out=y)))
    cupy.exp(x, out=y)
    cupy.multiply(y, 2.0, out=y)
    cupy.matmul(x, x, out=y)
    assert device.counts() == {"launch": 2, "gemm": 1}
    assert device.details("launch")[0] == "cupy_exp__float32_float32"


def test_copies_waits_and_allocations_are_counted() -> None:
    device.reset()
    x = cupy.asarray(np.ones(3, "f4"))
    counts = device.counts()
    assert (counts["h2d"], counts["alloc"], counts["d2h"], counts["sync"]) == (1, 1, 0, 0)
    x.get()
    x.copy()
    x.fill(0)
    counts = device.counts()
    assert (counts["d2h"], counts["sync"], counts["alloc"], counts["launch"]) == (1, 1, 2, 2)


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("sync", lambda x: x.get()),
        ("d2h", lambda x: float(x[0])),
        ("h2d", lambda x: x[[0, 1]]),
        ("alloc", lambda x: x * 2),
        ("launch", lambda x: cupy.negative(x, out=x)),
        ("gemm", lambda x: x[:, None] @ x[None]),
        ("sync", lambda x: x[x < 0]),
    ],
)
def test_what_is_forbidden_raises_where_it_happens(kind: str, act: Any) -> None:
    x = cupy.ones(4, "f4")
    act(x)
    with device.forbid(kind), pytest.raises(Forbidden, match=f"{kind} is forbidden here"):
        act(x)
    act(x)


# --- capture and replay


def test_a_graph_replays_what_was_captured(stream: Any) -> None:
    x, rate = cupy.zeros(4, "f4"), cupy.ones((), "f4")
    warm_up(lambda: cupy.add(x, rate, out=x))
    x.fill(0)
    device.reset()
    stream.begin_capture()
    cupy.add(x, rate, out=x)
    cupy.add(x, rate, out=x)
    graph = stream.end_capture()
    assert device.counts() == {"launch": 2}
    assert not x.get().any(), "a capture runs nothing"
    device.reset()
    for value in (1, 10):
        rate.fill(value)
        graph.launch()
    assert device.counts()["graph"] == 2
    assert x.get().tolist() == [22] * 4


def test_a_python_number_is_frozen_by_a_capture(stream: Any) -> None:
    x, factor = cupy.ones(4, "f4"), 2.0
    warm_up(lambda: cupy.multiply(x, 1.0, out=x))
    stream.begin_capture()
    cupy.multiply(x, factor, out=x)
    graph = stream.end_capture()
    factor = 100.0
    graph.launch()
    graph.launch()
    assert x.get().tolist() == [4] * 4


def test_a_graph_keeps_no_memory_alive(stream: Any) -> None:
    x = cupy.ones(1000, "f4")
    warm_up(lambda: cupy.add(x * 2, 1, out=x))
    x.fill(1)
    stream.begin_capture()
    passing = x * 2
    cupy.add(passing, 1, out=x)
    graph = stream.end_capture()
    assert device.counts()["alloc_in_capture"] == 1
    del passing
    victim = cupy.zeros(1000, "f4")
    graph.launch()
    assert victim.get().tolist() == [2] * 1000


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda x, s: s.synchronize(), CUDAError, "cudaErrorStreamCaptureUnsupported"),
        (lambda x, s: cupy.cuda.Device().synchronize(), CUDAError, "StreamCaptureUnsupported"),
        (lambda x, s: x.get(), RuntimeError, "D2H transfers are disallowed"),
        (lambda x, s: x.set(np.ones((2, 2), "f4")), RuntimeError, "H2D transfers are disallowed"),
        (lambda x, s: x @ x, NotImplementedError, "cuBLAS API during stream capture"),
        (lambda x, s: cupy.random.rand(3), NotImplementedError, "cuRAND API during stream"),
    ],
)
def test_what_a_capture_cannot_hold_is_refused(
    stream: Any, act: Any, error: type[Exception], message: str
) -> None:
    x = cupy.ones((2, 2), "f4")
    cupy.random.rand(3)
    stream.begin_capture()
    with pytest.raises(error, match=message):
        act(x, stream)
    if error is CUDAError:
        with pytest.raises(CUDAError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()
    else:  # CuPy refused before CUDA was asked
        stream.end_capture()
    assert not stream.is_capturing()


def test_an_event_in_a_capture_cannot_be_waited_for(stream: Any) -> None:
    event = cupy.cuda.Event()
    event.synchronize()  # never recorded: there is nothing to wait for
    assert device.counts() == {"sync": 1}
    stream.begin_capture()
    event.record(stream)
    with pytest.raises(CUDAError, match="cudaErrorCapturedEvent"):
        event.synchronize()
    with pytest.raises(CUDAError, match="cudaErrorStreamCaptureInvalidated"):
        stream.end_capture()


def test_the_null_stream_rests_while_a_blocking_stream_captures() -> None:
    x, blocking = cupy.ones(4, "f4"), cupy.cuda.Stream()
    warm_up(lambda: cupy.negative(x, out=x))
    blocking.begin_capture()
    with pytest.raises(CUDAError, match="cudaErrorStreamCaptureImplicit"):
        cupy.negative(x, out=x)
    blocking.end_capture()
    cupy.negative(x, out=x)
    assert x.get().tolist() == [1] * 4


def test_a_capture_must_end_where_all_its_streams_came_back(stream: Any) -> None:
    x, other = cupy.ones(4, "f4"), cupy.cuda.Stream(non_blocking=True)
    warm_up(lambda: cupy.negative(x, out=x))
    for comes_back in (False, True):
        stream.begin_capture()
        other.wait_event(stream.record())
        with other:
            cupy.negative(x, out=x)
        if comes_back:
            stream.wait_event(other.record())
            stream.end_capture().launch()
        else:
            with pytest.raises(CUDAError, match="cudaErrorStreamCaptureUnjoined"):
                stream.end_capture()
    assert x.get().tolist() == [1] * 4


# --- faults


def test_a_write_behind_an_array_is_found() -> None:
    cupy.cuda.set_allocator(None)  # no pool: each array has red zones of its own
    fill = kernel(
        "off_by_one", "int i = blockIdx.x*blockDim.x + threadIdx.x; if (i <= n) y[i] = 1;"
    )
    y = cupy.empty(128, "f4")
    device.guarded = True
    fill((2,), (128,), (y, np.int32(127)))
    with pytest.raises(Refused, match="off_by_one wrote outside an allocation of 512 bytes"):
        fill((2,), (128,), (y, np.int32(128)))


def test_memory_that_nobody_wrote_is_nan() -> None:
    assert np.isnan(cupy.empty(3, "f4").get()).all()
    used = cupy.ones(3, "f4")
    address = used.data.ptr
    del used
    again = cupy.empty(3, "f4")
    assert again.data.ptr == address
    assert np.isnan(float(again.sum()))


def test_threads_in_reverse_order_show_a_race() -> None:
    shift = kernel("shift", "int i = threadIdx.x; if (i < n) y[i + 1] = y[i];")
    results = []
    for device.backwards in (False, True):
        y = cupy.arange(5, dtype="f4")
        shift((1,), (4,), (y, np.int32(4)))
        results.append(y.get().tolist())
    assert results == [[0, 0, 0, 0, 0], [0, 0, 1, 2, 3]]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_barrier_makes_the_order_indifferent(backwards: bool) -> None:
    shift = kernel(
        "safe_shift",
        "__shared__ float s[64]; int i = threadIdx.x; s[i] = y[i]; __syncthreads();"
        "if (i < n) y[i + 1] = s[i];",
    )
    device.backwards = backwards
    y = cupy.arange(64, dtype="f4")
    shift((1,), (64,), (y, np.int32(63)))
    assert y.get().tolist() == [0, *range(63)]


def test_threads_that_wait_at_two_barriers_are_found() -> None:
    divergent = kernel(
        "divergent",
        "if (threadIdx.x < 8) __syncthreads(); else __syncthreads(); y[threadIdx.x] = n;",
    )
    with pytest.raises(Refused, match="divergent barrier in kernel divergent"):
        divergent((1,), (16,), (cupy.empty(16, "f4"), np.int32(1)))


def test_memory_is_limited() -> None:
    gc.collect()  # what another test left behind would do
    cupy.get_default_memory_pool().free_all_blocks()
    cupy.get_default_memory_pool().set_limit(size=1 << 20)
    with pytest.raises(cupy.cuda.memory.OutOfMemoryError, match="limit set to: 1,048,576 bytes"):
        cupy.zeros(1 << 20, "f4")


# --- work as late as CUDA allows


def test_a_staging_buffer_written_too_early_is_found(stream: Any) -> None:
    device.late = True
    staging = cupyx.empty_pinned(4, "f4")
    x, total = cupy.empty(4, "f4"), cupy.zeros(4, "f4")
    for batch in (1, 2, 3):
        staging[...] = batch  # the copy of the batch before may still be under way
        x.set(staging)
        cupy.add(total, x, out=total)
    assert total.get().tolist() == [9] * 4
    total.fill(0)
    copied = cupy.cuda.Event()
    for batch in (1, 2, 3):
        copied.synchronize()
        staging[...] = batch
        x.set(staging)
        copied.record(stream)
        cupy.add(total, x, out=total)
    assert total.get().tolist() == [6] * 4


def test_a_copy_to_the_host_is_there_only_after_a_wait(stream: Any) -> None:
    device.late = True
    x, host = cupy.ones(4, "f4"), np.zeros(4, "f4")
    x.get(out=host, blocking=False)
    assert not host.any()
    assert not stream.done
    stream.synchronize()
    assert host.all()


def test_streams_wait_for_each_other_only_if_told(stream: Any) -> None:
    device.late = True
    other = cupy.cuda.Stream(non_blocking=True)
    x = cupy.zeros(4, "f4")
    stream.synchronize()
    cupy.add(x, 1, out=x)
    with other:
        early = (x + 1).get()
    other.wait_event(stream.record())
    with other:
        late = (x + 1).get()
    assert (early[0], late[0]) == (1, 2)


# --- kernels


def test_shuffles_atomics_and_dynamic_shared_memory() -> None:
    total = kernel(
        "total",
        "extern __shared__ float part[];"
        "int i = blockIdx.x * blockDim.x + threadIdx.x; float v = i < n ? x[i] : 0.0f;"
        "for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffff, v, d);"
        "if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;"
        "__syncthreads();"
        "if (threadIdx.x == 0)"
        "  for (int w = 0; w < blockDim.x / 32; w++) atomicAdd(y, part[w]);",
        "const float* x, float* y, int n",
    )
    x, y = cupy.arange(1000, dtype="f4"), cupy.zeros(1, "f4")
    total((8,), (128,), (x, y, np.int32(1000)), shared_mem=16)
    assert y.get()[0] == 499500


def test_votes_are_taken_by_warp() -> None:
    vote = kernel(
        "vote",
        "int i = threadIdx.x; unsigned few = __ballot_sync(0xffffffff, i % 32 < 2);"
        "y[i] = few + 10 * __any_sync(0xffffffff, i == 40) + 100 * __all_sync(0xffffffff, i < 40);",
    )
    y = cupy.empty(48, "f4")
    vote((1,), (48,), (y, np.int32(48)))
    assert y.get().tolist() == [103] * 32 + [13] * 16


@pytest.mark.parametrize(("options", "fused"), [((), True), (("--fmad=false",), False)])
def test_products_are_fused_into_sums_as_by_nvrtc(options: tuple[str, ...], fused: bool) -> None:
    source = 'extern "C" __global__ void f(double* y) { y[3] = y[0] * y[1] + y[2]; }'
    x = 1 + 2.0**-30
    y = cupy.asarray(np.array([x, x, -x * x, 0.0]))
    cupy.RawKernel(source, "f", options=options)((1,), (1,), (y,))
    assert (float(y[3]) != 0) == fused


def test_a_kernel_that_does_not_compile_says_why() -> None:
    broken = kernel("broken", "y[0] = undeclared;")
    with pytest.raises(cupy.cuda.compiler.CompileException, match="undeclared"):
        broken((1,), (1,), (cupy.empty(1, "f4"), np.int32(1)))


def test_half_precision_is_stored() -> None:
    source = (
        "#include <cuda_fp16.h>\n"
        'extern "C" __global__ void twice(__half* y)'
        "{ y[threadIdx.x] = __float2half(2.0f * __half2float(y[threadIdx.x])); }"
    )
    y = cupy.arange(4, dtype="f2")
    cupy.RawKernel(source, "twice")((1,), (4,), (y,))
    assert y.get().tolist() == [0, 2, 4, 6]


# --- bfloat16


@pytest.fixture
def bfloat16() -> Any:
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16)


def pattern(array: Any) -> Any:
    """Return the bits of 2-byte numbers, with one pattern for all that are not a number."""
    bits = array.view("u2")
    return np.where(bits & 0x7FFF > 0x7F80, 0x7FFF, bits)


def near_bfloat16() -> Any:
    """Return every bfloat16 as a float32, and what lies between two: a half, less, and more."""
    upper = np.arange(1 << 16, dtype="u4") << 16
    lower = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], "u4")
    return (upper[:, None] | lower).view("f4").ravel()


def test_bfloat16_is_stored() -> None:
    source = (
        "#include <cuda_bf16.h>\n"
        'extern "C" __global__ void twice(__nv_bfloat16* y)'
        "{ y[threadIdx.x] = __float2bfloat16(2.0f * __bfloat162float(y[threadIdx.x])); }"
    )
    y = cupy.arange(4, dtype="f4").view("u2")[1::2].copy()  # the upper halves of the numbers
    cupy.RawKernel(source, "twice")((1,), (4,), (y,))
    assert (y.get().astype("u4") << 16).view("f4").tolist() == [0, 2, 4, 6]


def test_single_is_rounded_to_the_nearest_bfloat16(bfloat16: Any) -> None:
    x = near_bfloat16()
    with np.errstate(all="ignore"):
        wanted = x.astype(bfloat16)
    found = cupy.asarray(x).astype(bfloat16)
    np.testing.assert_array_equal(pattern(found.get()), pattern(wanted))
    assert set(found.view("u2").get()[np.isnan(x)]) == {0x7FFF}, "the NaN of the card"


def test_bfloat16_is_widened_exactly(bfloat16: Any) -> None:
    every = np.arange(1 << 16, dtype="u2")
    found = cupy.asarray(every).view(bfloat16).astype("f4")
    np.testing.assert_array_equal(found.get(), (every.astype("u4") << 16).view("f4"))


def test_cupy_rounds_a_double_to_single_before_bfloat16(bfloat16: Any) -> None:
    above_half = np.array([1 + 2.0**-8 + 2.0**-40, -1 - 2.0**-8 - 2.0**-40])
    found = cupy.asarray(above_half).astype(bfloat16)
    assert found.get().tolist() == [1, -1]
    source = (
        "#include <cuda_bf16.h>\n"
        'extern "C" __global__ void rounded(double* x, __nv_bfloat16* y)'
        "{ y[threadIdx.x] = __double2bfloat16(x[threadIdx.x]); }"
    )
    cupy.RawKernel(source, "rounded")((1,), (2,), (cupy.asarray(above_half), found))
    assert found.get().tolist() == [1 + 2.0**-7, -1 - 2.0**-7], "the header's own rounds once"
    below_half = np.array([1 + 2.0**-8 - 2.0**-40, 1 + 3 * 2.0**-8 - 2.0**-40])
    cupy.RawKernel(source, "rounded")((1,), (2,), (cupy.asarray(below_half), found))
    assert found.get().tolist() == [1, 1 + 2.0**-7]


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8"])
def test_bfloat16_is_cast_from_and_to_all(bfloat16: Any, dtype: str) -> None:
    x = np.array([0, 1, 2, 77, 101]).astype(dtype)
    there = cupy.asarray(x).astype(bfloat16)
    np.testing.assert_array_equal(there.get(), x.astype(bfloat16))
    np.testing.assert_array_equal(there.astype(dtype).get(), x)


def test_bfloat16_moves_as_bytes_do(bfloat16: Any) -> None:
    host = np.arange(24).reshape(4, 6).astype(bfloat16)
    x, few = cupy.asarray(host), cupy.array([2, 0])
    for found, wanted in [
        (x, host),
        (x.T.copy(), host.T),
        (x[::2, 1:], host[::2, 1:]),
        (x[::2, ::-1].copy(), host[::2, ::-1]),
        (x[few], host[[2, 0]]),
        (x[:, few], host[:, [2, 0]]),
        (cupy.concatenate([x, x], 1), np.concatenate([host, host], 1)),
        (cupy.broadcast_to(x[0], (2, 6)), np.broadcast_to(host[0], (2, 6))),
        (cupy.full(3, 0.1, bfloat16), np.full(3, 0.1, bfloat16)),
    ]:
        assert found.dtype == bfloat16
        np.testing.assert_array_equal(found.get(), wanted)
    y = cupy.zeros_like(x)
    y[1:3], y[3], y[few] = x[:2], 2.5, x[2:]
    wanted = np.zeros_like(host)
    wanted[1:3], wanted[3], wanted[[2, 0]] = host[:2], 2.5, host[2:]
    np.testing.assert_array_equal(y.get(), wanted)


def test_sums_and_products_of_bfloat16_are_rounded_once(bfloat16: Any) -> None:
    draw = np.random.default_rng(0)
    a, b = (draw.standard_normal(shape).astype(bfloat16) for shape in ((40, 60), (60, 7)))
    x, y = cupy.asarray(a), cupy.asarray(b)
    x += x * 3
    wanted = a.astype("f4") + (3 * a.astype("f4")).astype(bfloat16).astype("f4")
    assert (x == cupy.asarray(wanted).astype(bfloat16)).all()
    product = (cupy.asarray(a) @ y).get()
    np.testing.assert_array_equal(product, (a.astype("f4") @ b.astype("f4")).astype(bfloat16))
