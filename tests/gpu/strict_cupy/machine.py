"""The pretend machine: its devices, what happened on them, and what is forbidden."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

TOTAL_MEMORY = 16 << 30

PEER_ACCESS = (
    "The device where the array resides ({0}) is different from the current device ({1}). "
    "Peer access is unavailable between these devices."
)


class Forbidden(RuntimeError):
    """Work did something that its test forbids."""


class StreamOrderError(RuntimeError):
    """Two streams touch the same memory, and nothing says which of them comes first."""


class PinnedMemoryOverwritten(RuntimeError):
    """The host wrote into pinned memory while a copy from it was under way."""


class CUDARuntimeError(RuntimeError):
    """What the runtime answers where it refuses."""


class OutOfMemoryError(MemoryError):
    """The pool's limit, or the device's memory, is used up."""


class Events:
    """Every event that costs time on a device: how often it came, and whether it may."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []
        self.forbidden: frozenset[str] = frozenset()

    def note(self, kind: str, detail: Any = "") -> None:
        """Count an event; raise at once if it is forbidden."""
        if kind in self.forbidden:
            raise Forbidden(f"{kind} is forbidden here, and came: {detail}")
        self.log.append((kind, detail))

    def reset(self) -> None:
        """Forget the events so far."""
        self.log.clear()

    def counts(self) -> Counter[str]:
        """Return how many events of each kind there were."""
        return Counter(kind for kind, _ in self.log)

    def details(self, kind: str) -> list[Any]:
        """Return the details of the events of a kind, such as the names of kernels."""
        return [detail for found, detail in self.log if found == kind]

    @contextlib.contextmanager
    def forbid(self, *kinds: str) -> Iterator[None]:
        """Raise `Forbidden` where such an event would come."""
        before = self.forbidden
        self.forbidden = before | set(kinds)
        try:
            yield
        finally:
            self.forbidden = before


events = Events()
local = threading.local()  # the current device, streams and allocator of each thread


class Machine:
    """How many devices there are."""

    devices = 1


machine = Machine()


@contextlib.contextmanager
def devices(count: int) -> Iterator[None]:
    """Pretend that the machine has so many devices; none of them reaches another's memory."""
    before = machine.devices
    machine.devices = count
    try:
        yield
    finally:
        machine.devices = before
        local.device = 0


def reset() -> None:
    """Start with one device, which is the current one, and nothing forbidden."""
    machine.devices, local.device = 1, 0
    events.forbidden = frozenset()
    events.reset()


def current_device() -> int:
    """Return the number of the current device."""
    return getattr(local, "device", 0)


def set_device(number: int) -> None:
    """Make a device the current one."""
    if not 0 <= number < machine.devices:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    local.device = number


def check_device(number: int) -> None:
    """Raise unless this is the current device: the devices do not reach each other's memory."""
    if number != current_device():
        raise ValueError(PEER_ACCESS.format(number, current_device()))
