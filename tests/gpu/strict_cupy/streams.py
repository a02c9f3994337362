"""Streams, events, captures and graphs: when work is done, and what may come before what.

Work is done at once, with two exceptions: while a stream is captured it is only recorded, and a
copy to the host that nobody waits for arrives with the wait.  That streams are ordered is checked,
by vector clocks: work on memory that another stream used last must have been made to wait for it.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .machine import (
    CUDARuntimeError,
    StreamOrderError,
    check_device,
    current_device,
    events,
    local,
)

READ, WRITE = 0, 1
_INVALIDATED = (
    "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
)
_NOT_PERMITTED = (
    "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
)
_ILLEGAL_STATE = "cudaErrorIllegalState: the operation cannot be performed in the present state"
_UNJOINED = "cudaErrorStreamCaptureUnjoined: capture was not joined to the stream that it began on"

Clock = dict[Any, int]
_known_to_host: Clock = {}
_handles = itertools.count(4096, 16)


@dataclass(frozen=True)
class Use:
    """An array that some work uses; it does not keep the array's memory alive."""

    shape: tuple[int, ...]
    dtype: Any
    touched: dict[Stream, list[int]]  # by each stream: the tick of its last read and write


class Capture:
    """What is recorded between begin_capture and end_capture, on all streams that take part."""

    def __init__(self, origin: Stream) -> None:
        self.origin = origin
        self.works: list[tuple[Callable[[], Any], list[Use], list[Use]]] = []
        self.streams = {origin}
        self.unjoined: set[Stream] = set()
        self.broken = False


class Stream:
    """A queue of work on one device."""

    null: Stream
    ptds: Stream

    def __init__(
        self,
        null: bool = False,
        non_blocking: bool = False,
        ptds: bool = False,
        priority: int | None = None,
    ) -> None:
        self.device_id = current_device()
        self.is_non_blocking = non_blocking
        self.priority = priority or 0
        self.is_null = null
        self.ptr = 0 if null else 1 if ptds else next(_handles)
        self.capture: Capture | None = None
        self._tick = 0
        self._seen: Clock = {}
        self._arrivals: list[tuple[int, Callable[[], None]]] = []
        self._before: list[Any] = []
        _streams.add(self)

    def __enter__(self) -> Stream:
        self._before.append(_current().get(current_device()))
        return self.use()

    def __exit__(self, *_: object) -> None:
        _current()[self.device_id] = self._before.pop()

    def use(self) -> Stream:
        if self.device_id != current_device() and not self.is_null:
            raise RuntimeError("This stream was not created on the current device")
        _current()[current_device()] = self
        return self

    # --- waiting

    @property
    def done(self) -> bool:
        return not self._arrivals

    def synchronize(self) -> None:
        self.refuse_waiting()
        events.note("sync", "stream")
        self.wait_on_host()

    def refuse_waiting(self) -> None:
        """Raise if the host cannot wait for this stream, being captured."""
        if self.capture is not None:
            self.capture.broken = True
            raise CUDARuntimeError(_NOT_PERMITTED)

    def wait_on_host(self) -> None:
        """Let the host know of all that was queued here, and let it arrive."""
        _host_learns({**self._seen, self: self._tick})

    def arrive(self, until: int) -> None:
        """Do the copies to the host that were queued up to a tick."""
        while self._arrivals and self._arrivals[0][0] <= until:
            self._arrivals.pop(0)[1]()

    def arrives_later(self, copy: Callable[[], None]) -> None:
        """Do something when somebody waits for what is queued so far."""
        self._arrivals.append((self._tick, copy))

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        capture = event.capture
        if capture is not None:
            if self is capture.origin:
                capture.unjoined.discard(event.stream)
            elif self.capture is None:
                self.capture = capture
                capture.streams.add(self)
                capture.unjoined.add(self)
        _merge(self._seen, event.clock)

    def launch_host_func(self, callback: Callable[[Any], None], arg: Any) -> None:
        self.submit(lambda: callback(arg), [], [])

    # --- order

    def submit(self, work: Callable[[], Any], reads: list[Use], writes: list[Use]) -> None:
        """Do work in its turn, or record it."""
        if self.capture is not None:
            self.capture.works.append((work, reads, writes))
        else:
            self.take_turn(reads, writes)
            work()

    def take_turn(self, reads: list[Use], writes: list[Use]) -> None:
        """Count one piece of work; raise if memory that it uses may still be in use elsewhere."""
        for other in self._implied_order():
            _merge(self._seen, {**other._seen, other: other._tick})
        self._tick += 1
        for kind, uses in ((READ, reads), (WRITE, writes)):
            for use in uses:
                self._touch(use, kind)

    def _implied_order(self) -> list[Stream]:
        """Return the streams whose work comes before ours unasked: those of the null stream."""
        if self.is_non_blocking:
            return []
        others = [s for s in _streams if s.device_id == self.device_id and s is not self]
        return [s for s in others if not s.is_non_blocking and (self.is_null or s.is_null)]

    def _touch(self, use: Use, kind: int) -> None:
        for other, ticks in use.touched.items():
            last = max(ticks) if kind == WRITE else ticks[WRITE]
            known = max(self._seen.get(other, 0), _known_to_host.get(other, 0))
            if other is not self and last > known:
                raise StreamOrderError(
                    f"an array of shape {use.shape} and dtype {use.dtype} is "
                    f"{'written' if kind == WRITE else 'read'} on {self} while {other} may still "
                    f"use it. Let this stream wait: stream.wait_event(other.record())"
                )
        use.touched.setdefault(self, [0, 0])[kind] = self._tick

    def __repr__(self) -> str:
        return f"<Stream {self.ptr} (device {self.device_id})>"

    # --- capture

    def begin_capture(self, mode: int | None = None) -> None:
        if self.ptr in (0, 1):
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self.capture is not None:
            raise CUDARuntimeError(_ILLEGAL_STATE)
        self.capture = Capture(self)

    def end_capture(self) -> Graph:
        capture = self.capture
        if capture is None:
            raise CUDARuntimeError(_ILLEGAL_STATE)
        for stream in capture.streams:
            stream.capture = None
        if capture.broken:
            raise CUDARuntimeError(_INVALIDATED)
        if capture.unjoined:
            raise CUDARuntimeError(_UNJOINED)
        return Graph(capture.works)

    def is_capturing(self) -> bool:
        if self.capture is not None and self.capture.broken:
            raise RuntimeError("the stream was capturing, but an error has invalidated it")
        return self.capture is not None


class Graph:
    """Replays the work of a capture on the same memory, of which it keeps none alive: as CUDA's."""

    def __init__(self, works: list[Any]) -> None:
        self._works = works

    def upload(self, stream: Stream | None = None) -> None:
        pass

    def launch(self, stream: Stream | None = None) -> None:
        works = self._works

        def replay() -> None:
            for work, _, _ in works:
                work()

        stream = stream or current_stream()
        events.note("graph", f"{len(works)} nodes")
        reads = [use for _, uses, _ in works for use in uses]
        writes = [use for _, _, uses in works for use in uses]
        stream.submit(replay, reads, writes)


class Event:
    """A point in a stream that others can wait for."""

    def __init__(
        self, block: bool = False, disable_timing: bool = False, interprocess: bool = False
    ) -> None:
        self.clock: Clock = {}
        self.capture: Capture | None = None
        self.stream: Stream | None = None

    def record(self, stream: Stream | None = None) -> None:
        self.stream = stream or current_stream()
        self.capture = self.stream.capture
        self.clock = {**self.stream._seen, self.stream: self.stream._tick}

    @property
    def done(self) -> bool:
        return not any(s._arrivals and s._arrivals[0][0] <= at for s, at in self.clock.items())

    def synchronize(self) -> None:
        if self.capture is not None and self.capture.origin.capture is self.capture:
            self.capture.broken = True
            raise CUDARuntimeError(_NOT_PERMITTED)
        events.note("sync", "event")
        _host_learns(self.clock)


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    return 0.0


_streams: weakref.WeakSet[Stream] = weakref.WeakSet()
Stream.null = Stream(null=True)
Stream.ptds = Stream(ptds=True)
_null_streams = {0: Stream.null}


def _merge(clock: Clock, other: Clock) -> None:
    for stream, tick in other.items():
        clock[stream] = max(clock.get(stream, 0), tick)


def _host_learns(clock: Clock) -> None:
    _merge(_known_to_host, clock)
    for stream, tick in clock.items():
        stream.arrive(tick)


def _current() -> dict[int, Stream | None]:
    if not hasattr(local, "streams"):
        local.streams = {}
    return local.streams


def current_stream(device_id: int = -1) -> Stream:
    """Return the current stream of a device (-1: of the current one)."""
    device = current_device() if device_id < 0 else device_id
    found = _current().get(device)
    if found is None:
        found = _null_streams.get(device)
    if found is None:
        found = _null_streams[device] = Stream(null=True)
        found.device_id = device
    return found


def reset() -> None:
    """Let the device have done all that it was given, and drop what a test left of its streams."""
    local.streams = {}
    for stream in _streams:
        stream.capture = None
        stream._arrivals.clear()
        stream._before.clear()
    _known_to_host.clear()
    _known_to_host.update({stream: stream._tick for stream in _streams})


def synchronize_device() -> None:
    """Wait for every stream of the current device."""
    streams = [stream for stream in _streams if stream.device_id == current_device()]
    for stream in streams:
        stream.refuse_waiting()
    events.note("sync", "device")
    for stream in streams:
        stream.wait_on_host()


def enqueue(
    kind: str,
    work: Callable[[], Any],
    reads: Sequence[Any] = (),
    writes: Sequence[Any] = (),
    detail: Any = "",
    count: int = 1,
) -> None:
    """Submit work on arrays to the current stream; it counts as `count` events."""
    for array in (*reads, *writes):
        check_device(array.data.device_id)
    for _ in range(count):
        events.note(kind, detail)
    uses_read, uses_written = (
        [array.data.mem.use(array) for array in arrays] for arrays in (reads, writes)
    )
    current_stream().submit(work, uses_read, uses_written)
