"""cupy.cuda: the part that an engine touches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from . import memory as _memory
from .machine import (
    TOTAL_MEMORY,
    CUDARuntimeError,
    OutOfMemoryError,
    current_device,
    machine,
    set_device,
)
from .memory import (
    MemoryPointer,
    MemoryPool,
    PinnedMemoryPointer,
    alloc,
    alloc_pinned_memory,
    get_allocator,
    set_allocator,
    using_allocator,
)
from .streams import Event, Graph, Stream, current_stream, get_elapsed_time, synchronize_device

__all__ = [
    "Device",
    "Event",
    "Graph",
    "MemoryPointer",
    "MemoryPool",
    "PinnedMemoryPointer",
    "Stream",
    "alloc",
    "alloc_pinned_memory",
    "get_allocator",
    "get_current_stream",
    "get_device_id",
    "get_elapsed_time",
    "is_available",
    "memory",
    "runtime",
    "set_allocator",
    "using_allocator",
]


class Device:
    """One device; in a `with` block it is the current one."""

    def __init__(self, device: Any = None) -> None:
        self.id = current_device() if device is None else int(getattr(device, "id", device))
        self._before: list[int] = []

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def __enter__(self) -> Device:
        self._before.append(current_device())
        return self.use()

    def __exit__(self, *_: object) -> None:
        set_device(self._before.pop())

    def use(self) -> Device:
        set_device(self.id)
        return self

    def synchronize(self) -> None:
        with self:
            synchronize_device()

    @property
    def mem_info(self) -> tuple[int, int]:
        with self:
            return _memory.free_memory(), TOTAL_MEMORY

    @property
    def compute_capability(self) -> str:
        return "80"


def is_available() -> bool:
    return machine.devices > 0


def get_device_id() -> int:
    return current_device()


def get_current_stream(device_id: int = -1) -> Stream:
    return current_stream(device_id)


def _device_count() -> int:
    if machine.devices == 0:
        raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
    return machine.devices


runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=_device_count,
    getDevice=current_device,
    setDevice=set_device,
    deviceSynchronize=synchronize_device,
    memGetInfo=lambda: Device().mem_info,
    getDeviceProperties=lambda device: {"name": b"strict stand-in", "totalGlobalMem": TOTAL_MEMORY},
    runtimeGetVersion=lambda: 12090,
    streamCaptureModeGlobal=0,
    streamCaptureModeThreadLocal=1,
    streamCaptureModeRelaxed=2,
)
memory = SimpleNamespace(
    OutOfMemoryError=OutOfMemoryError, MemoryPool=MemoryPool, MemoryPointer=MemoryPointer
)
