"""The device that is not there: its memory, streams and captures, and a log of what it was asked.

Work goes to a stream by `enqueue`. It is done at once, or recorded if the stream is capturing, or,
where `late` is set, put off until something waits for it: as late as CUDA may do it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

import numpy as np
from cupy_backends.cuda.api import runtime

from ..host_memory import extent, host_view
from ..log import Log

Work = Callable[[], Any]

LEGACY_STREAMS = (0, 1)
NON_BLOCKING = 1  # cudaStreamNonBlocking
RED_ZONE = 512  # bytes before and after every allocation that nobody may write; also its alignment
RED = 0xA5
POISON = 0xFF  # NaN in every float, -1 in every integer


class Status(IntEnum):
    """The cudaError_t values that are given here."""

    SUCCESS = 0
    INVALID_VALUE = 1
    MEMORY_ALLOCATION = 2
    INVALID_DEVICE = 101
    ILLEGAL_STATE = 401
    NOT_READY = 600
    ILLEGAL_ADDRESS = 700
    CAPTURE_UNSUPPORTED = 900
    CAPTURE_INVALIDATED = 901
    CAPTURE_UNMATCHED = 903
    CAPTURE_UNJOINED = 904
    CAPTURE_IMPLICIT = 906
    CAPTURED_EVENT = 907


class Refused(RuntimeError):
    """A kernel did what a device may not survive."""


def fail(status: Status) -> NoReturn:
    raise runtime.CUDARuntimeError(status)


@dataclass(eq=False)
class Capture:
    origin: Stream
    work: list[Work] = field(default_factory=list)
    invalid: bool = False
    unjoined: set[Stream] = field(default_factory=set)  # forked into the capture, not back yet


@dataclass(eq=False)
class Stream:
    handle: int
    flags: int = 0
    priority: int = 0
    capture: Capture | None = None
    pending: deque[Work] = field(default_factory=deque)
    finished: int = 0  # how much of its work was ever taken up

    @property
    def is_legacy(self) -> bool:
        return self.handle in LEGACY_STREAMS

    @property
    def is_blocking(self) -> bool:
        return not self.flags & NON_BLOCKING

    @property
    def end(self) -> int:
        """The mark behind everything that was enqueued so far."""
        return self.finished + len(self.pending)

    def run_until(self, mark: int | None = None) -> None:
        while self.pending and (mark is None or self.finished < mark):
            self.finished += 1
            self.pending.popleft()()


@dataclass(eq=False)
class Event:
    """A mark in the work of a stream, or in a capture."""

    stream: Stream
    mark: int
    capture: Capture | None


@dataclass(eq=False)
class Block:
    """An allocation, red zones included."""

    bytes: Any
    start: int
    size: int

    def red_zones(self) -> tuple[Any, Any]:
        end = self.start + self.size
        return self.bytes[self.start - RED_ZONE : self.start], self.bytes[end : end + RED_ZONE]


class Device(Log):
    def __init__(self) -> None:
        super().__init__()
        self.total_memory = 16 << 30
        self.used_memory = 0
        self.memory: dict[int, Block] = {}
        self.pinned: dict[int, Any] = {}
        self.count = 2
        self.current = 0
        self.streams: dict[int, Stream] = {}
        self.events: dict[int, Event] = {}
        self.graphs: dict[int, list[Work]] = {}
        self._last_handle = 1000

        self.late = False  # do work only when something waits for it
        self.backwards = False  # run the threads and blocks of every kernel in reverse order
        # Look at the red zones after every kernel. The pool hands out parts of a block: after
        # cupy.cuda.set_allocator(None) each array has red zones of its own.
        self.guarded = False

    def start_afresh(self) -> None:
        """Finish all work and end all captures: what a test leaves behind is not the next one's."""
        self.late = self.backwards = self.guarded = False
        for stream in self.streams.values():
            stream.capture = None
        self.run_all()
        self.current = 0
        self._forbidden = frozenset()
        self.reset()

    def new_handle(self) -> int:
        self._last_handle += 16
        return self._last_handle

    # --- memory

    def allocate(self, size: int) -> int:
        if self.used_memory + size > self.total_memory:
            fail(Status.MEMORY_ALLOCATION)
        raw = np.full(size + 3 * RED_ZONE, POISON, np.uint8)
        start = -raw.ctypes.data % RED_ZONE + RED_ZONE
        block = Block(raw, start, size)
        for zone in block.red_zones():
            zone.fill(RED)
        address = raw.ctypes.data + start
        self.memory[address] = block
        self.used_memory += size
        return address

    def release(self, address: int) -> None:
        self.run_all()  # cudaFree waits for the device
        if address in self.memory:
            self.used_memory -= self.memory.pop(address).size

    def owns(self, address: int, size: int) -> bool:
        """Return whether these bytes lie in one allocation."""
        return any(
            base <= address and address + size <= base + block.size
            for base, block in self.memory.items()
        )

    def check_owns(self, address: int, size: int) -> None:
        if not self.owns(address, size):
            fail(Status.ILLEGAL_ADDRESS)

    def view(self, address: int, shape: Any, dtype: Any, strides: Any = None) -> Any:
        """Return device memory as a NumPy array."""
        self.check_owns(address, extent(shape, dtype, strides))
        return host_view(address, shape, dtype, strides)

    def check_red_zones(self, who: str) -> None:
        for block in self.memory.values():
            zones = block.red_zones()
            if all((zone == RED).all() for zone in zones):
                continue
            for zone in zones:
                zone.fill(RED)
            raise Refused(
                f"{who} wrote outside an allocation of {block.size} bytes (cudaErrorIllegalAddress)"
            )

    # --- streams

    def stream(self, handle: int) -> Stream:
        return self.streams.setdefault(handle, Stream(handle))

    def capturing(self) -> list[Stream]:
        return [stream for stream in self.streams.values() if stream.capture]

    def is_capturing(self, handle: int) -> bool:
        return self.stream(handle).capture is not None

    def enqueue(self, handle: int, work: Work) -> None:
        stream = self.stream(handle)
        if stream.capture is not None:
            self._record(stream, stream.capture, work)
            return
        self.check_legacy(stream)
        if not self.late:
            work()
            return
        marks = [(other, other.end) for other in self._synchronised_with(stream)]
        if marks:
            stream.pending.append(lambda: [other.run_until(mark) for other, mark in marks])
        stream.pending.append(work)

    def _record(self, stream: Stream, capture: Capture, work: Work) -> None:
        if capture.invalid:
            fail(Status.CAPTURE_INVALIDATED)
        if stream is not capture.origin:
            capture.unjoined.add(stream)
        capture.work.append(work)

    def _synchronised_with(self, stream: Stream) -> list[Stream]:
        """Return the streams whose work so far comes first: the legacy stream and blocking ones."""
        return [
            other
            for other in self.streams.values()
            if other is not stream
            and (other.is_legacy or stream.is_legacy)
            and other.is_blocking
            and stream.is_blocking
        ]

    def run_all(self) -> None:
        for stream in list(self.streams.values()):
            stream.run_until()

    def check_legacy(self, stream: Stream) -> None:
        """Refuse the legacy stream, which waits for blocking ones, while one of them captures."""
        if stream.is_legacy and any(other.is_blocking for other in self.capturing()):
            fail(Status.CAPTURE_IMPLICIT)

    def check_may_wait(self, handle: int) -> None:
        """Refuse a wait for a stream that is capturing: it would never end."""
        stream = self.stream(handle)
        if stream.capture is not None:
            self.invalidate(stream.capture)
        self.check_legacy(stream)

    def invalidate(
        self, *captures: Capture, status: Status = Status.CAPTURE_UNSUPPORTED
    ) -> NoReturn:
        for capture in captures:
            capture.invalid = True
        fail(status)
