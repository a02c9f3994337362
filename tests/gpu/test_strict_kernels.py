"""The stand-in's kernels: CUDA C++ compiled for the host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from . import strict_cupy as cp
from .strict_cupy import kernels

needs_compiler = pytest.mark.skipif(not cp.can_compile(), reason="kernels need g++ and host_cuda.h")

SCALE = """
extern "C" __global__ void scale(const float* x, float* y, int n, float by) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * by;
}
"""
TOTAL = """
extern "C" __global__ void total(const float* x, float* y, int n) {
  extern __shared__ float part[];
  part[threadIdx.x] = threadIdx.x < n ? x[threadIdx.x] : 0.0f;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) y[0] = part[0];
}
"""


@needs_compiler
def test_a_kernel_runs_is_counted_and_captured() -> None:
    kernel = cp.RawKernel(SCALE, "scale")
    x, y = cp.arange(5).astype("f4"), cp.zeros(5, "f4")
    args = (x, y, np.int32(5), np.float32(3))
    cp.events.reset()
    kernel((2,), (4,), args)
    assert cp.events.details("launch") == ["scale"]
    assert y.tolist() == [0, 3, 6, 9, 12]
    stream = cp.cuda.Stream()
    with stream:
        stream.begin_capture()
        kernel((2,), (4,), (y, y, np.int32(5), np.float32(2)))
        graph = stream.end_capture()
        graph.launch()
    assert y.tolist() == [0, 6, 12, 18, 24]


@needs_compiler
def test_a_kernel_has_barriers_and_dynamic_shared_memory() -> None:
    x, y = cp.arange(50).astype("f4"), cp.zeros((), "f4")
    cp.RawKernel(TOTAL, "total")((1,), (64,), (x, y, np.int32(50)), shared_mem=256)
    assert float(y) == 49 * 50 / 2


@needs_compiler
def test_an_argument_of_the_wrong_size_is_named() -> None:
    x = cp.zeros(5, "f4")
    with pytest.raises(TypeError, match=r"numpy\.int32"):
        cp.RawKernel(SCALE, "scale")((1,), (5,), (x, x, 5, 2.0))


@needs_compiler
def test_a_kernel_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "CACHE", tmp_path)
    source = SCALE.replace("scale", "scale_once")
    kernels.library.__wrapped__(source, ())
    [compiled] = tmp_path.iterdir()
    made = compiled.stat().st_mtime_ns
    kernels.library.__wrapped__(source, ())
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [made]
    with pytest.raises(cp.CompileException, match="nonsense"):
        kernels.library.__wrapped__(source + "nonsense", ())


def test_without_a_compiler_a_kernel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(cp.CompileException, match="g\\+\\+"):
        cp.RawKernel(SCALE.replace("scale", "unheard"), "unheard")((1,), (1,), ())
