"""CUDA's runtime and driver functions, as CuPy's two wrapper modules name them, on the host.

Only what CuPy and the engine call is here. Whatever is not stays CuPy's own and fails loudly: the
driver is missing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from cupy_backends.cuda.api import runtime

from .kernels import Kernel
from .state import Capture, Device, Event, Refused, Status, Work, fail

VERSION = 12090
HOST_TO_DEVICE = 1
DEVICE_TO_HOST = 2
DEVICE_TO_DEVICE = 3
DEFAULT = 4  # CUDA sees from the addresses which it is
COPY_KINDS = {0: "h2h", HOST_TO_DEVICE: "h2d", DEVICE_TO_HOST: "d2h", DEVICE_TO_DEVICE: "launch"}
MAX_THREADS_PER_BLOCK = 1024

# cudaDeviceAttr: the values of a small device of compute capability 8.0
MAX_THREADS_ATTRIBUTE = 1
WARP_SIZE_ATTRIBUTE = 10
MULTIPROCESSORS_ATTRIBUTE = 16
MAJOR_ATTRIBUTE = 75
MINOR_ATTRIBUTE = 76
MEMORY_POOLS_ATTRIBUTE = 115
ATTRIBUTES = {
    MAX_THREADS_ATTRIBUTE: MAX_THREADS_PER_BLOCK,
    WARP_SIZE_ATTRIBUTE: 32,
    MULTIPROCESSORS_ATTRIBUTE: 4,
    MAJOR_ATTRIBUTE: 8,
    MINOR_ATTRIBUTE: 0,
    MEMORY_POOLS_ATTRIBUTE: 1,
}
# cudaMemoryType
HOST_MEMORY = 1
DEVICE_MEMORY = 2


class CudaApi:
    """Each method stands for the function of its name."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._modules: dict[int, ctypes.PyDLL] = {}
        self._kernels: dict[int, Kernel] = {}
        self._graph_launches: dict[int, list[Work]] = {}

    # --- devices

    def driverGetVersion(self) -> int:
        return VERSION

    def runtimeGetVersion(self) -> int:
        return VERSION

    def _getCUDAMajorVersion(self) -> int:
        return VERSION // 1000

    def getDevice(self) -> int:
        return self._device.current

    def getDeviceCount(self) -> int:
        return self._device.count

    def setDevice(self, index: int) -> None:
        if not 0 <= index < self._device.count:
            fail(Status.INVALID_DEVICE)
        self._device.current = index

    def deviceGetAttribute(self, attribute: int, index: int) -> int:
        return ATTRIBUTES.get(attribute, 0)

    def getDeviceProperties(self, index: int) -> dict[str, Any]:
        return {
            "name": b"host",
            "totalGlobalMem": self._device.total_memory,
            "warpSize": ATTRIBUTES[WARP_SIZE_ATTRIBUTE],
            "maxThreadsPerBlock": MAX_THREADS_PER_BLOCK,
            "maxThreadsPerMultiProcessor": 2048,
            "maxThreadsDim": (1024, 1024, 64),
            "maxGridSize": (2**31 - 1, 65535, 65535),
            "multiProcessorCount": ATTRIBUTES[MULTIPROCESSORS_ATTRIBUTE],
            "major": ATTRIBUTES[MAJOR_ATTRIBUTE],
            "minor": ATTRIBUTES[MINOR_ATTRIBUTE],
            "sharedMemPerBlock": 49152,
            "regsPerBlock": 65536,
            "unifiedAddressing": 1,
        }

    def memGetInfo(self) -> tuple[int, int]:
        return self._device.total_memory - self._device.used_memory, self._device.total_memory

    def _ensure_context(self) -> None:
        pass

    def deviceSynchronize(self) -> None:
        captures = [stream.capture for stream in self._device.capturing() if stream.capture]
        if captures:
            self._device.invalidate(*captures)
        self._device.note("sync", "device")
        self._device.run_all()

    def deviceCanAccessPeer(self, index: int, peer: int) -> int:
        return 1

    def deviceEnablePeerAccess(self, peer: int) -> None:
        pass

    def _deviceEnsurePeerAccess(self, peer: int) -> None:
        pass

    # --- memory

    def malloc(self, size: int) -> int:
        self._device.note("cudaMalloc", size)
        return self._device.allocate(size)

    def free(self, address: int) -> None:
        self._device.release(address)

    def mallocAsync(self, size: int, stream: int) -> int:
        self._device.note("cudaMallocAsync", size)
        return self._device.allocate(size)

    def mallocFromPoolAsync(self, size: int, pool: int, stream: int) -> int:
        return self.mallocAsync(size, stream)

    def freeAsync(self, address: int, stream: int) -> None:
        self._device.release(address)

    def deviceGetDefaultMemPool(self, index: int) -> int:
        return 1

    def deviceGetMemPool(self, index: int) -> int:
        return 1

    def deviceSetMemPool(self, index: int, pool: int) -> None:
        pass

    def memPoolSetAttribute(self, pool: int, attribute: int, value: object) -> None:
        pass

    def memPoolGetAttribute(self, pool: int, attribute: int) -> int:
        return 0

    def memPoolTrimTo(self, pool: int, size: int) -> None:
        pass

    def hostAlloc(self, size: int, flags: int) -> int:
        self._device.note("hostAlloc", size)
        memory = np.zeros(max(size, 1), np.uint8)
        self._device.pinned[memory.ctypes.data] = memory
        return memory.ctypes.data

    def freeHost(self, address: int) -> None:
        self._device.pinned.pop(address, None)

    def hostRegister(self, address: int, size: int, flags: int) -> None:
        pass

    def hostUnregister(self, address: int) -> None:
        pass

    def pointerGetMemoryType(self, address: int) -> int:
        if self._device.owns(address, 0):
            return DEVICE_MEMORY
        return HOST_MEMORY if address in self._device.pinned else 0

    def pointerGetAttributes(self, address: int) -> Any:
        return runtime.PointerAttributes(0, address, 0, self.pointerGetMemoryType(address))

    def memcpyAsync(self, target: int, source: int, size: int, kind: int, stream: int) -> None:
        if kind == DEFAULT:
            from_device, to_device = (self._device.owns(end, size) for end in (source, target))
            kind = DEVICE_TO_HOST * from_device + HOST_TO_DEVICE * to_device
        self._device.note(COPY_KINDS[kind], "copy" if kind == DEVICE_TO_DEVICE else size)
        if kind in (DEVICE_TO_HOST, DEVICE_TO_DEVICE):
            self._device.check_owns(source, size)
        if kind in (HOST_TO_DEVICE, DEVICE_TO_DEVICE):
            self._device.check_owns(target, size)
        self._device.enqueue(stream, lambda: ctypes.memmove(target, source, size))

    def memcpy(self, target: int, source: int, size: int, kind: int) -> None:
        self._device.check_may_wait(0)
        self._device.note("sync", "memcpy")
        self.memcpyAsync(target, source, size, kind, 0)
        self._device.stream(0).run_until()

    def memsetAsync(self, address: int, value: int, size: int, stream: int) -> None:
        self._device.check_owns(address, size)
        self._device.note("launch", "memset")
        self._device.enqueue(stream, lambda: ctypes.memset(address, value, size))

    def memset(self, address: int, value: int, size: int) -> None:
        self._device.check_may_wait(0)
        self.memsetAsync(address, value, size, 0)

    # --- streams

    def streamCreate(self) -> int:
        return self.streamCreateWithPriority(0, 0)

    def streamCreateWithFlags(self, flags: int) -> int:
        return self.streamCreateWithPriority(flags, 0)

    def streamCreateWithPriority(self, flags: int, priority: int) -> int:
        handle = self._device.new_handle()
        stream = self._device.stream(handle)
        stream.flags = flags
        stream.priority = priority
        return handle

    def streamDestroy(self, handle: int) -> None:
        self._device.stream(handle).run_until()
        del self._device.streams[handle]

    def streamGetFlags(self, handle: int) -> int:
        return self._device.stream(handle).flags

    def streamGetPriority(self, handle: int) -> int:
        return self._device.stream(handle).priority

    def streamQuery(self, handle: int) -> int:
        stream = self._device.stream(handle)
        if stream.capture is not None:
            stream.capture.invalid = True
            return Status.CAPTURE_UNSUPPORTED
        return Status.NOT_READY if stream.pending else Status.SUCCESS

    def streamSynchronize(self, handle: int) -> None:
        self._device.check_may_wait(handle)
        self._device.note("sync", "stream")
        self._device.stream(handle).run_until()

    def streamWaitEvent(self, handle: int, event_handle: int, flags: int = 0) -> None:
        event = self._device.events.get(event_handle)
        if event is None:
            return
        stream = self._device.stream(handle)
        if self._device.late and stream.capture is None:
            stream.pending.append(lambda: event.stream.run_until(event.mark))
        capture = event.capture
        if capture is None or capture.origin.capture is not capture:
            return
        if stream is capture.origin:
            capture.unjoined.discard(event.stream)
        else:
            stream.capture = capture
            capture.unjoined.add(stream)

    def streamIsCapturing(self, handle: int) -> int:
        stream = self._device.stream(handle)
        if stream.capture is None:
            self._device.check_legacy(stream)
            return 0
        if stream.capture.invalid:
            raise RuntimeError(
                "the stream was capturing, but an error has invalidated the capture sequence"
            )
        return 1

    def streamBeginCapture(self, handle: int, mode: int = 2) -> None:
        stream = self._device.stream(handle)
        if stream.capture is not None:
            fail(Status.ILLEGAL_STATE)
        stream.capture = Capture(stream)

    def streamEndCapture(self, handle: int) -> int:
        stream = self._device.stream(handle)
        capture = stream.capture
        if capture is None:
            fail(Status.ILLEGAL_STATE)
        if stream is not capture.origin:
            self._device.invalidate(capture, status=Status.CAPTURE_UNMATCHED)
        for taking_part in self._device.capturing():
            if taking_part.capture is capture:
                taking_part.capture = None
        if capture.invalid:
            fail(Status.CAPTURE_INVALIDATED)
        if capture.unjoined:
            fail(Status.CAPTURE_UNJOINED)
        graph = self._device.new_handle()
        self._device.graphs[graph] = capture.work
        return graph

    def launchHostFunc(self, stream: int, function: Callable[[Any], Any], argument: Any) -> None:
        self._device.enqueue(stream, lambda: function(argument))

    def _launchHostFuncUnmanaged(self, stream: int, function_and_argument: Any) -> None:
        function, argument = function_and_argument
        self._device.enqueue(stream, lambda: function(argument))

    def streamAddCallback(
        self, stream: int, function: Callable[..., Any], argument: Any, flags: int = 0
    ) -> None:
        function(stream, 0, argument)

    # --- events

    def eventCreate(self) -> int:
        return self._device.new_handle()

    def eventCreateWithFlags(self, flags: int) -> int:
        return self._device.new_handle()

    def eventDestroy(self, handle: int) -> None:
        self._device.events.pop(handle, None)

    def eventRecord(self, handle: int, stream_handle: int) -> None:
        stream = self._device.stream(stream_handle)
        self._device.events[handle] = Event(stream, stream.end, stream.capture)

    def eventSynchronize(self, handle: int) -> None:
        event = self._free_event(handle)
        self._device.note("sync", "event")
        if event is not None:
            event.stream.run_until(event.mark)

    def eventQuery(self, handle: int) -> int:
        event = self._free_event(handle)
        reached = event is None or event.stream.finished >= event.mark
        return Status.SUCCESS if reached else Status.NOT_READY

    def _free_event(self, handle: int) -> Event | None:
        """Return the event, if it was recorded; to ask for one inside a capture breaks that."""
        event = self._device.events.get(handle)
        if event is not None and event.capture is not None:
            self._device.invalidate(event.capture, status=Status.CAPTURED_EVENT)
        return event

    def eventElapsedTime(self, start: int, stop: int) -> float:
        return 0.0

    # --- graphs

    def graphInstantiate(self, graph: int) -> int:
        handle = self._device.new_handle()
        self._graph_launches[handle] = self._device.graphs[graph]
        return handle

    def graphDestroy(self, graph: int) -> None:
        self._device.graphs.pop(graph, None)

    def graphExecDestroy(self, handle: int) -> None:
        self._graph_launches.pop(handle, None)

    def graphUpload(self, handle: int, stream: int) -> None:
        pass

    def graphLaunch(self, handle: int, stream: int) -> None:
        nodes = self._graph_launches[handle]
        self._device.note("graph", len(nodes))
        self._device.enqueue(stream, lambda: [node() for node in nodes])

    # --- modules and kernels

    def moduleLoadData(self, path: bytes) -> int:
        """Load what `compiler.build` made: what CuPy takes for a binary is a path.

        PyDLL lets one Python thread at a time run a kernel, which keeps its state in variables.
        """
        handle = self._device.new_handle()
        self._modules[handle] = ctypes.PyDLL(path.decode())
        return handle

    def moduleUnload(self, handle: int) -> None:
        self._modules.pop(handle, None)

    def moduleGetFunction(self, module: int, name: str) -> int:
        handle = self._device.new_handle()
        self._kernels[handle] = Kernel(self._modules[module], name)
        return handle

    def funcGetAttribute(self, attribute: int, function: int) -> int:
        return MAX_THREADS_PER_BLOCK

    def funcSetAttribute(self, function: int, attribute: int, value: int) -> None:
        pass

    def occupancyMaxActiveBlocksPerMultiprocessor(self, *_: int) -> int:
        return 4

    def occupancyMaxPotentialBlockSize(self, *_: int) -> tuple[int, int]:
        return 4, 128

    def launchKernel(
        self,
        function: int,
        grid_x: int,
        grid_y: int,
        grid_z: int,
        block_x: int,
        block_y: int,
        block_z: int,
        shared_bytes: int,
        stream: int,
        arguments: int,
        extra: int,
    ) -> None:
        kernel = self._kernels[function]
        if block_x * block_y * block_z > MAX_THREADS_PER_BLOCK:
            fail(Status.INVALID_VALUE)
        self._device.note("launch", kernel.name)
        values = kernel.copy_arguments(arguments)
        shape = (grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes)

        def work() -> None:
            completed = kernel.run(values, shape, self._device.backwards)
            if self._device.guarded:
                self._device.check_red_zones(f"kernel {kernel.name}")
            if not completed:
                raise Refused(f"divergent barrier in kernel {kernel.name}")

        self._device.enqueue(stream, work)
