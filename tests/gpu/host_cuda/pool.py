"""What CuPy's memory pool hands out: counted, and filled with NaN, also when it is reused."""

from __future__ import annotations

import ctypes

import cupy

from .state import POISON, Device


class Watch(cupy.cuda.MemoryHook):
    name = "host_cuda"

    def __init__(self, device: Device) -> None:
        self._device = device

    def malloc_preprocess(self, *, size: int, **_: int) -> None:
        self._device.note("alloc", size)
        if self._device.capturing():
            self._device.note("alloc_in_capture", size)

    def malloc_postprocess(self, *, size: int, mem_ptr: int, **_: int) -> None:
        # Work that is put off may still have to read what the memory held before.
        if mem_ptr and not self._device.late and self._device.owns(mem_ptr, size):
            ctypes.memset(mem_ptr, POISON, size)
