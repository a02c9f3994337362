"""Device memory out of pools, as CuPy's: 512-byte units, best fit, freed blocks reused at once.

Every block handed out is filled with 0xFF, which is NaN in every float and -1 in every signed
integer: reading what was never written shows.
"""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .machine import (
    TOTAL_MEMORY,
    OutOfMemoryError,
    current_device,
    events,
    local,
)
from .streams import Use, current_stream

UNIT = 512


def address(array: np.ndarray) -> int:
    """Return where the first element of a NumPy array lies."""
    return array.__array_interface__["data"][0]


def aligned(size: int) -> np.ndarray:
    """Return memory of the host that starts where CUDA's would."""
    whole = np.empty(size + UNIT, "u1")
    start = -address(whole) % UNIT
    return whole[start : start + size]


class Chunk:
    """A stretch of memory that came from the device in one piece with its neighbours."""

    def __init__(self, memory: np.ndarray, arena: Any) -> None:
        self.memory, self.arena = memory, arena
        self.before: Chunk | None = None
        self.after: Chunk | None = None
        self.free = False
        self.touched: dict[Any, list[int]] = {}  # by stream: its last read and write

    @property
    def size(self) -> int:
        return self.memory.size

    def split(self, size: int) -> Chunk | None:
        """Keep the first `size` bytes; return the rest."""
        if size == self.size:
            return None
        rest = Chunk(self.memory[size:], self.arena)
        self.memory = self.memory[:size]
        rest.touched = {stream: list(ticks) for stream, ticks in self.touched.items()}
        rest.before, rest.after, self.after = self, self.after, rest
        if rest.after is not None:
            rest.after.before = rest
        return rest

    def join(self, after: Chunk) -> None:
        """Take in the chunk that follows."""
        whole = self.memory.base
        start = address(self.memory) - address(whole)
        self.memory = whole[start : start + self.size + after.size]
        for stream, ticks in after.touched.items():
            mine = self.touched.setdefault(stream, [0, 0])
            mine[:] = map(max, mine, ticks)
        self.after = after.after
        if self.after is not None:
            self.after.before = self


class Memory:
    """What one allocation owns; the last array on it gives it back to its pool."""

    def __init__(self, pool: MemoryPool, chunk: Chunk, size: int) -> None:
        self.bytes, self.size, self.device_id = chunk.memory, chunk.size, chunk.arena[0]
        self.ptr = address(self.bytes) if size else 0
        self.chunk = chunk
        weakref.finalize(self, pool.give_back, chunk)

    def use(self, array: Any) -> Use:
        """Say that some work uses an array in this memory."""
        return Use(array.shape, array.dtype, self.chunk.touched)


class MemoryPointer:
    """A place in device memory."""

    def __init__(self, mem: Memory, offset: int) -> None:
        self.mem, self.offset = mem, offset

    @property
    def ptr(self) -> int:
        return self.mem.ptr + self.offset

    @property
    def device_id(self) -> int:
        return self.mem.device_id

    @property
    def device(self) -> Any:
        from .cuda import Device

        return Device(self.device_id)

    def __int__(self) -> int:
        return self.ptr

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.offset + offset)


class MemoryPool:
    """Blocks of each device and stream, kept when they are freed and handed out again."""

    def __init__(self, allocator: Any = None) -> None:
        self._free: dict[Any, list[Chunk]] = {}
        self._used: dict[int, int] = {}
        self._total: dict[int, int] = {}
        self._limit: dict[int, int] = {}
        everything.add(self)

    def malloc(self, size: int) -> MemoryPointer:
        events.note("alloc", size)
        rounded = max(1, -(-size // UNIT)) * UNIT
        arena = (current_device(), current_stream())
        fitting = [chunk for chunk in self._free.get(arena, ()) if chunk.size >= rounded]
        if fitting:
            chunk = min(fitting, key=lambda found: found.size)
            self._free[arena].remove(chunk)
            chunk.free = False
            rest = chunk.split(rounded)
            if rest is not None:
                self._keep(rest)
        else:
            chunk = self._new_chunk(rounded, arena)
        chunk.memory.fill(0xFF)
        self._used[arena[0]] = self.used_bytes() + chunk.size
        return MemoryPointer(Memory(self, chunk, size), 0)

    def _new_chunk(self, size: int, arena: Any) -> Chunk:
        for attempt in range(2):
            limit = self.get_limit()
            if (not limit or self.total_bytes() + size <= limit) and size <= free_memory():
                self._total[arena[0]] = self.total_bytes() + size
                events.note("cudaMalloc", size)
                return Chunk(aligned(size), arena)
            if attempt == 0:
                self.free_all_blocks()
                gc.collect()
                self.free_all_blocks()
        bound = f", limit set to: {limit:,} bytes" if limit else ""
        raise OutOfMemoryError(
            f"Out of memory allocating {size:,} bytes "
            f"(allocated so far: {self.total_bytes():,} bytes{bound})."
        )

    def _keep(self, chunk: Chunk) -> None:
        chunk.free = True
        self._free.setdefault(chunk.arena, []).append(chunk)

    def give_back(self, chunk: Chunk) -> None:
        device = chunk.arena[0]
        self._used[device] -= chunk.size
        after, before = chunk.after, chunk.before
        if after is not None and after.free:
            self._free[chunk.arena].remove(after)
            chunk.join(after)
        if before is not None and before.free:
            self._free[chunk.arena].remove(before)
            before.join(chunk)
            chunk = before
        self._keep(chunk)

    def free_all_blocks(self, stream: Any = None) -> None:
        for (device, owner), chunks in self._free.items():
            if device == current_device() and (stream is None or stream is owner):
                whole = [c for c in chunks if c.before is None and c.after is None]
                self._total[device] -= sum(chunk.size for chunk in whole)
                chunks[:] = [c for c in chunks if c not in whole]

    def used_bytes(self) -> int:
        return self._used.get(current_device(), 0)

    def total_bytes(self) -> int:
        return self._total.get(current_device(), 0)

    def free_bytes(self) -> int:
        return self.total_bytes() - self.used_bytes()

    def n_free_blocks(self) -> int:
        here = current_device()
        return sum(len(chunks) for (device, _), chunks in self._free.items() if device == here)

    def get_limit(self) -> int:
        return self._limit.get(current_device(), 0)

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        if size is not None and fraction is not None:
            raise ValueError("size and fraction cannot be specified at one time")
        if fraction is not None:
            if not 0 <= fraction <= 1:
                raise ValueError(f"memory limit fraction out of range: {fraction}")
            size = int(fraction * TOTAL_MEMORY)
        self._limit[current_device()] = size or 0


everything: weakref.WeakSet[MemoryPool] = weakref.WeakSet()
default_pool = MemoryPool()


def reset() -> None:
    """Start with a new pool, which has no limit and no blocks that were used before."""
    global default_pool  # noqa: PLW0603
    default_pool = MemoryPool()
    local.allocator = None


def free_memory() -> int:
    """Return how many bytes of the current device no pool has taken."""
    return TOTAL_MEMORY - sum(pool.total_bytes() for pool in everything)


def get_default_memory_pool() -> MemoryPool:
    return default_pool


def get_allocator() -> Callable[[int], MemoryPointer]:
    return getattr(local, "allocator", None) or default_pool.malloc


def set_allocator(allocator: Callable[[int], MemoryPointer] | None = None) -> None:
    local.allocator = allocator


@contextlib.contextmanager
def using_allocator(allocator: Callable[[int], MemoryPointer] | None = None) -> Iterator[None]:
    before = getattr(local, "allocator", None)
    local.allocator = allocator
    try:
        yield
    finally:
        local.allocator = before


def alloc(size: int) -> MemoryPointer:
    return get_allocator()(size)


# --- memory of the host that the device copies from and to by itself


class PinnedMemoryPointer(bytearray):
    """Pinned memory; numpy.frombuffer makes an array of it."""

    def __init__(self, size: int) -> None:
        super().__init__(b"\xff" * max(UNIT, -(-size // UNIT) * UNIT))
        self.ptr = address(np.frombuffer(self, "u1"))
        self.mem = self
        pinned[self.ptr] = self

    def size(self) -> int:
        return len(self)


pinned: weakref.WeakValueDictionary[int, PinnedMemoryPointer] = weakref.WeakValueDictionary()


def alloc_pinned_memory(size: int) -> PinnedMemoryPointer:
    return PinnedMemoryPointer(size)


def pinned_array(shape: Any, dtype: Any, order: str = "C") -> np.ndarray:
    """Return a NumPy array in pinned memory."""
    count = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, PinnedMemoryPointer(count), order=order)


def is_pinned(array: np.ndarray) -> bool:
    """Return whether a NumPy array lies in pinned memory."""
    place = address(array)
    return any(start <= place < start + found.size() for start, found in pinned.items())
