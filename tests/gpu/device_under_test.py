"""The device that the tests of this folder run on, chosen by the environment variable AI_GPU.

stand-in   a strict imitation of CuPy on NumPy: no CuPy, no compiler (the default)
sim        the real CuPy, on the host's memory and with g++ (host_cuda)
real       the real CuPy on a GPU

For all three: `cupy`, and what it was asked for since `reset()`, by `counts()`. The kinds are those
of `log.KINDS`; a kind that did not occur counts 0. `forbid(*kinds)` lets them raise `Forbidden`.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache, partial
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

import autograd_iron as ai
from autograd_iron.arrays import cublas as engine_cublas
from autograd_iron.arrays import device as engine_device
from autograd_iron.ops import random as engine_random

from . import fake_cublas, log

KINDS = log.KINDS
PRODUCTS = ("cublasSgemm_v2", "cublasDgemm_v2", "cublasGemmEx", "cublasGemmStridedBatchedEx")
TIER = os.environ.get("AI_GPU", "stand-in")
# What the engine makes once for a device.
KEPT = (engine_cublas.blas, engine_random._kernel, engine_device._row_on_gpu)

_log: Any
cupy: Any
modules: dict[str, ModuleType] = {}  # what takes the place of CuPy's
Forbidden: type[Exception] = log.Forbidden
_forget: Callable[[], None]  # what a test left behind, on the device

if TIER == "stand-in":
    from . import stand_in, strict_cupy

    cupy, _log, Forbidden = strict_cupy, strict_cupy.events, strict_cupy.Forbidden
    modules, _forget = strict_cupy.modules(), strict_cupy.start_afresh
    _fake_cublas = fake_cublas.Library(stand_in.Device())
elif TIER == "sim":
    from . import host_cuda

    _log = device = host_cuda.install()
    cupy, _forget = import_module("cupy"), device.start_afresh
    _fake_cublas = fake_cublas.Library(device)
elif TIER == "real":
    from . import real_counters

    _log = real_counters.install()
    cupy, _forget = import_module("cupy"), _log.reset
else:
    raise ValueError(f"AI_GPU={TIER!r} is no device: choose stand-in, sim or real")


def reset() -> None:
    _log.reset()


def counts() -> Counter[str]:
    """Return how often each kind of thing was asked for."""
    return Counter({kind: number for kind, number in _log.counts().items() if kind in KINDS})


def forbid(*kinds: str) -> AbstractContextManager[None]:
    """Return a context in which these kinds raise."""
    unknown = set(kinds) - set(KINDS)
    if unknown:
        raise ValueError(f"{sorted(unknown)} are not counted: choose from {', '.join(KINDS)}")
    return _log.forbid(*kinds)


def limit_to(more: int) -> int:
    """Let the first GPU give so many bytes more; return the limit."""
    ai.cuda.set_memory_limit(None)  # asks for the GPU, without which there is no cache
    gc.collect()  # or what earlier tests left behind would be room, once it is asked for
    ai.cuda.empty_cache()
    limit: int = cupy.get_default_memory_pool().total_bytes() + more
    ai.cuda.set_memory_limit(limit)
    return limit


def _start_afresh() -> None:
    _forget()
    pool = cupy.get_default_memory_pool()
    pool.set_limit(size=0)
    pool.free_all_blocks()
    cupy.cuda.set_allocator(pool.malloc)


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    """Return a context in which `import cupy`, and so the engine, finds the device."""
    # Not the fixture `monkeypatch`: Hypothesis would warn of it in every test that draws examples.
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        # Whatever CuPy the engine met is forgotten, here and after.
        patch.setattr("autograd_iron.arrays.cuda.cupy", None)
        patch.setattr("autograd_iron.arrays.cuda._used", set())
        library = cache(partial(cublas, engine_cublas._library))
        patch.setattr("autograd_iron.arrays.cublas._library", library)
        _start_afresh()
        yield
        if TIER != "real":  # there the device stays, and so does cuBLAS
            for kept in KEPT:
                kept.cache_clear()


def cublas(load: Callable[[], Any]) -> Any:
    """Return the library that the engine shall call: the fake, or what `load` finds, counted."""
    if TIER != "real":
        return _fake_cublas
    return real_counters.count_products(_log, load(), PRODUCTS)


def kernel_names() -> list[str]:
    """Return the kernels launched, in order; CuPy's own are named differently by the stand-in."""
    return _log.details("launch")
