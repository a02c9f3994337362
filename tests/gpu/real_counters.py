"""Count what CuPy asks of a real device: its calls of CUDA, by way of Python methods that log them.

The capsules through which CuPy's compiled modules reach CUDA lead to these methods, and they on to
the functions that the capsules held.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from .log import Log

# CuPy lets CUDA find out (4) where it copies from array to array.
COPY_KINDS = {0: "h2h", 1: "h2d", 2: "d2h", 3: "launch", 4: "launch"}


class CountedCalls:
    """Each method stands for the function of its name, and calls it."""

    def __init__(self, log: Log, runtime: Any, driver: Any) -> None:
        self._log = log
        self._names: dict[int, str] = {}
        self._real = {
            name: getattr(module, name)
            for module in (runtime, driver)
            for name in dir(type(self))
            if not name.startswith("_") and hasattr(module, name)
        }

    def moduleGetFunction(self, module: int, name: str) -> int:
        function = self._real["moduleGetFunction"](module, name)
        self._names[function] = name
        return function

    def launchKernel(self, function: int, *arguments: int) -> None:
        self._log.note("launch", self._names.get(function, "?"))
        self._real["launchKernel"](function, *arguments)

    def memsetAsync(self, *arguments: int) -> None:
        self._log.note("launch", "memset")
        self._real["memsetAsync"](*arguments)

    def memcpyAsync(self, target: int, source: int, size: int, kind: int, stream: int) -> None:
        self._log.note(COPY_KINDS[kind], size)
        self._real["memcpyAsync"](target, source, size, kind, stream)

    def memcpy(self, target: int, source: int, size: int, kind: int) -> None:
        self._log.note("sync", "memcpy")
        self._log.note(COPY_KINDS[kind], size)
        self._real["memcpy"](target, source, size, kind)

    def deviceSynchronize(self) -> None:
        self._log.note("sync", "device")
        self._real["deviceSynchronize"]()

    def streamSynchronize(self, stream: int) -> None:
        self._log.note("sync", "stream")
        self._real["streamSynchronize"](stream)

    def eventSynchronize(self, event: int) -> None:
        self._log.note("sync", "event")
        self._real["eventSynchronize"](event)

    def graphLaunch(self, graph: int, stream: int) -> None:
        self._log.note("graph")
        self._real["graphLaunch"](graph, stream)


class CountedFunction:
    """A product of cuBLAS; where it is a function of ctypes, its types may still be set."""

    def __init__(self, log: Log, function: Any) -> None:
        vars(self).update(log=log, function=function)

    def __call__(self, *arguments: Any) -> Any:
        self.log.note("gemm")
        return self.function(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.function, name, value)


def count_products(log: Log, library: Any, names: Iterable[str]) -> Any:
    for name in names:
        function = getattr(library, name)
        if not isinstance(function, CountedFunction):
            setattr(library, name, CountedFunction(log, function))
    return library


def install() -> Log:
    """Return what logs from now on; `cupy` must not be imported yet.

    Without CUB, whose launches nobody can count, the reductions cost what they cost elsewhere.
    """
    os.environ["CUPY_ACCELERATORS"] = ""
    from cupy_backends.cuda.api import driver, runtime

    from .host_cuda import trampolines

    log = Log()
    trampolines.install(CountedCalls(log, runtime, driver), runtime, driver)

    import cupy
    from cupy_backends.cuda.libs import cublas

    count_products(log, cublas, [name for name in dir(cublas) if "gemm" in name])

    class CountAllocations(cupy.cuda.MemoryHook):
        name = "count"

        def malloc_preprocess(self, *, size: int, **_: int) -> None:
            log.note("alloc", size)

    CountAllocations().__enter__()
    return log
