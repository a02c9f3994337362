"""Kernels compile for every architecture that is supported, and keep to the registers."""

from __future__ import annotations

import pytest

from .nvrtc import ARCHITECTURES, CompileError, compile_for, spills

SCALE = """
#include <cuda_fp16.h>
extern "C" __global__ void scale(const __half* x, float* y, float factor, long long n) {
  long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = factor * __half2float(x[i]);
}
"""
# 96 values alive in each of 1024 threads: a multiprocessor has 64 registers for each.
HOARD = """
extern "C" __global__ void __launch_bounds__(1024) hoard(const float* x, float* y) {
  float held[96];
#pragma unroll
  for (int i = 0; i < 96; i++) held[i] = x[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 96; i++) y[i * 1024 + threadIdx.x] = held[95 - i] * held[i / 2];
}
"""


def test_a_kernel_compiles_for_every_architecture() -> None:
    compiled = compile_for(SCALE)
    assert set(compiled) == set(ARCHITECTURES)
    assert all(code.startswith(b"\x7fELF") for code in compiled.values())
    assert len(set(compiled.values())) == len(ARCHITECTURES)


def test_a_kernel_that_does_not_compile_says_why() -> None:
    with pytest.raises(CompileError, match=r'(?s)sm_80.*identifier "z" is undefined.*y\[0\] = z'):
        compile_for('extern "C" __global__ void f(float* y) { y[0] = z; }', archs=["80"])


def test_spilled_registers_are_counted() -> None:
    assert spills(SCALE) == {"scale": 0}
    assert spills(HOARD)["hoard"] > 0
