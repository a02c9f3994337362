"""What a plan asks of the CPU: NumPy's functions, memory on cache lines, cores and their cache."""

from __future__ import annotations

import contextvars
import math
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy
import numpy.random
import threadpoolctl

from autograd_iron.arrays.scans import add_on_host
from autograd_iron.support import forks


def quietly() -> Callable[..., Any]:
    """Return `call(function, *arguments)` that runs it with floating-point warnings off.

    The context is entered once and kept, which makes a call twenty times cheaper than `quiet`; it
    is for one thread at a time.
    """
    context = contextvars.copy_context()
    context.run(numpy.errstate(all="ignore").__enter__)
    return context.run


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array whose values are not set."""
    return numpy.empty(shape, dtype)


def memory(size: int) -> Any:
    """Return `size` bytes that start on a cache line."""
    raw_bytes = numpy.empty(size + 64, "uint8")
    start = -raw_bytes.ctypes.data % 64
    return raw_bytes[start : start + size]


def cast_memory(block: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return the first bytes of a block of memory as an array."""
    size = math.prod(shape) * dtype.itemsize
    return block[:size].view(dtype).reshape(shape)


# What lines of a plan may call beside the array library's functions: quicker than one of these,
# whose text is here too, and which does the same.
OWN = {"add_at": (add_on_host, "np.add.at")}


def function(name: str) -> Any:
    """Return the function of this name that lines of a plan call."""
    return OWN[name][0] if name in OWN else getattr(numpy, name)


class single_threaded_blas:
    """A context in which matrix products use one thread each."""

    def __enter__(self) -> None:
        _blas_threads().enter(id(self))

    def __exit__(self, *_: object) -> None:
        _blas_threads().leave(id(self))

    # An interrupt may have come right before the block, or right after it.
    __del__ = __exit__


def has_one_thread() -> bool:
    """Return whether somebody is inside such a context, who shares work out among threads."""
    return _blas_threads().is_held


class _BlasThreads:
    """Knows who is inside, so that the last one out restores what the first one found."""

    def __init__(self) -> None:
        controller = threadpoolctl.ThreadpoolController().select(user_api="blas")
        self._libraries = controller.lib_controllers
        self._found: list[int] = []
        self._inside: set[int] = set()
        self._lock = threading.RLock()
        forks.renew(self)

    @property
    def is_held(self) -> bool:
        """Whether anybody is inside."""
        return bool(self._inside)

    def enter(self, who: int) -> None:
        """Have each library use one thread."""
        with self._lock:
            if not self._inside:
                self._found = [library.get_num_threads() for library in self._libraries]
            self._inside.add(who)
            for library in self._libraries:
                library.set_num_threads(1)

    def leave(self, who: int) -> None:
        """Let the libraries go on as before, once nobody is inside; may be called again."""
        with self._lock:
            if self._inside == {who}:
                self._restore()
            self._inside.discard(who)

    def after_fork(self) -> None:
        """Let nobody be inside, and give a forked process a lock that nobody holds."""
        self._lock = threading.RLock()
        if self._inside:
            self._restore()
            self._inside.clear()

    def _restore(self) -> None:
        for library, count in zip(self._libraries, self._found, strict=True):
            library.set_num_threads(count)


@cache
def _blas_threads() -> _BlasThreads:
    return _BlasThreads()


@cache
def cache_size() -> int:
    """Return the bytes of a core's second-level cache, as Linux tells; 1 MiB where it does not."""
    from pathlib import Path

    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "level").read_text().strip() == "2":
            text = (index / "size").read_text().strip()
            return int(text.rstrip("K")) * 1024
    return 1 << 20


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def global_random_state() -> tuple[Any, ...]:
    """Return NumPy's global random state, to see whether it was used."""
    # The legacy state is what is looked for: a Generator of NumPy's has none that is global.
    state: Any = numpy.random.get_state(legacy=False)  # noqa: NPY002
    words = state["state"]
    return words["key"].tobytes(), words["pos"], state["has_gauss"], state["gauss"]


def is_function(value: Any) -> bool:
    """Return whether this is one of the array library's functions."""
    return callable(value) and getattr(numpy, getattr(value, "__name__", ""), None) is value


def save_arrays(file: Any, arrays: dict[str, Any]) -> None:
    """Write arrays to an open file, in the format of .npz."""
    numpy.savez(file, **arrays)
