"""A strict stand-in for CuPy: no GPU, no CuPy, no compiler needed, and no mercy.

NumPy computes, and everything that CuPy refuses is refused.  `events` counts what costs time on a
device (kernel launches, allocations, transfers, waits), `forbid` turns any of it into an error, and
`real_cupy.txt` says what the real CuPy did, which `test_strict_cupy.py` holds this against.

It is an adversary where CuPy leaves something open: new memory holds 0xFF, freed memory is handed
out at once, of several values for one place the first stays, a copy to the host arrives with the
wait for it, and streams that nobody orders are an error.
"""

from __future__ import annotations

import builtins
import inspect
from types import ModuleType

import numpy as np

from . import (
    creation,
    cuda,
    cupyx,
    fft,
    linalg,
    machine,
    memory,
    products,
    random,
    reductions,
    shapes,
    sorting,
    special,
    streams,
    testing,
    ufuncs,
)
from .arrays import ndarray
from .kernels import CompileException, RawKernel, RawModule, can_compile
from .machine import (
    Forbidden,
    PinnedMemoryOverwritten,
    StreamOrderError,
    devices,
    events,
)
from .memory import get_default_memory_pool
from .ufuncs import ufunc

__version__ = "14.2.0"
__all__ = [
    "CompileException",
    "Forbidden",
    "PinnedMemoryOverwritten",
    "RawKernel",
    "RawModule",
    "StreamOrderError",
    "can_compile",
    "cuda",
    "cupyx",
    "devices",
    "events",
    "fft",
    "forbid",
    "get_array_module",
    "get_default_memory_pool",
    "linalg",
    "modules",
    "ndarray",
    "random",
    "start_afresh",
    "testing",
    "ufunc",
]

forbid = events.forbid


def start_afresh() -> None:
    """Put the machine into the state in which a process finds it; arrays keep their values."""
    for part in (machine, streams, memory):
        part.reset()


def get_array_module(*args: object) -> ModuleType:
    """Return this module if one of the arguments lives on the device, else NumPy."""
    return modules()["cupy"] if builtins.any(isinstance(a, ndarray) for a in args) else np


def modules() -> dict[str, ModuleType]:
    """Return what sys.modules must hold for `import cupy` and `import cupyx` to find this."""
    import sys

    return {
        "cupy": sys.modules[__name__],
        "cupy.cuda": cuda,
        "cupy.fft": fft,
        "cupy.linalg": linalg,
        "cupy.random": random,
        "cupy.testing": testing,
        "cupyx": cupyx,
        "cupyx.scipy.special": special,
    }


def _functions() -> dict[str, object]:
    return {
        name: function
        for module in (creation, shapes, products, reductions, sorting)
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


# The vocabulary hides Python's own `any`, `sum` and others: nothing comes after it.
_TYPES = (
    "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 "
    "complex128 dtype iinfo finfo newaxis pi inf nan e broadcast_shapes promote_types issubdtype"
)
globals().update({name: getattr(np, name) for name in _TYPES.split()})
globals().update(
    ufuncs.table
    | {"angle": ufuncs.angle, "amax": reductions.max, "amin": reductions.min}
    | _functions()
)
