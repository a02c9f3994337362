"""Kernels written in CUDA C++, compiled for the host by g++ with the header of `host_cuda`.

A launch does what CUDA's does with its arguments: a Python int is 64 bits wide and a float is a
double, whatever the kernel declares.  There it would read other bytes than were meant; here the
sizes are compared.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import ndarray
from .machine import CUDARuntimeError
from .memory import MemoryPointer
from .streams import enqueue

INCLUDE = Path(__file__).parent.parent / "host_cuda" / "include"
CACHE = Path(sys.prefix) / "host_cuda"  # with the other things compiled for this environment
FLAGS = ("-std=c++17", "-O1", "-w", "-fPIC", "-shared", "-ffp-contract=off")
MOST_THREADS = 1024

_KERNEL = re.compile(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(")
_DYNAMIC_SHARED = re.compile(
    r"extern\s+__shared__\s+(?:__align__\(\d+\)\s+)?([\w:<>, ]+?)\s+(\w+)\s*\[\s*\]\s*;"
)
_running = threading.Lock()  # a compiled kernel keeps its thread index in variables of the module


class CompileException(Exception):
    """The source is not CUDA C++ (or not what the host's header knows of it)."""


def can_compile() -> bool:
    """Return whether this machine has what kernels need here."""
    return shutil.which("g++") is not None and (INCLUDE / "host_cuda.h").exists()


def host_source(source: str) -> str:
    """Return the C++ that is compiled in place of the CUDA C++."""
    names = dict.fromkeys(_KERNEL.findall(source))
    shared = r"\1* \2 = (\1*)host_cuda::dynamic_shared_memory;"
    text = _DYNAMIC_SHARED.sub(shared, source)
    waits = re.search(r"__syncthreads|__syncwarp|__shfl|__ballot|__any_sync|__all_sync", text)
    return "\n".join(
        [
            '#include "host_cuda.h"',
            text,
            *(f"HOST_CUDA_EXPORT({name}, {name})" for name in names),
            f"static int mode = (host_cuda::uses_barriers = {'true' if waits else 'false'}, 0);",
        ]
    )


@cache
def library(source: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """Return the compiled source, from the disk if it was compiled before."""
    if not can_compile():
        raise CompileException(
            "a RawKernel needs g++ and tests/gpu/host_cuda/include/host_cuda.h, which compile it "
            "for the host; install g++, or skip this test unless kernels.can_compile()"
        )
    text = host_source(source)
    defines = [option for option in options if option.startswith("-D")]
    headers = ["host_cuda.h"] + ["cuda_bf16.h"] * ("cuda_bf16.h" in text)
    headers = [(INCLUDE / name).read_text(encoding="utf-8") for name in headers]
    key = hashlib.sha256("\0".join([text, *headers, *FLAGS, *defines]).encode()).hexdigest()[:24]
    path = CACHE / f"{key}.so"
    if not path.exists():
        _compile(text, defines, path)
    return ctypes.CDLL(str(path))


def _compile(text: str, defines: list[str], path: Path) -> None:
    """Compile under a name of our own, then rename: test workers share the cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    command = ["g++", *FLAGS, *defines, f"-I{INCLUDE}", "-x", "c++", "-", "-o", str(unfinished)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileException(done.stderr[:4000])
    unfinished.replace(path)


class RawKernel:
    """A kernel of a source, compiled when it is first launched."""

    def __init__(
        self,
        code: str,
        name: str,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        *,
        enable_cooperative_groups: bool = False,
        jitify: bool | None = None,
    ) -> None:
        if not isinstance(options, tuple):
            raise TypeError("Argument 'options' has incorrect type (expected tuple)")
        self.code, self.name, self.options, self.backend = code, name, options, backend

    def compile(self, log_stream: Any = None) -> None:
        self._functions()

    def _functions(self) -> tuple[Any, list[int]]:
        compiled = library(self.code, self.options)
        try:
            sizes_of = compiled[f"host_cuda_sizes_{self.name}"]
        except AttributeError:
            raise CUDARuntimeError(
                f"CUDA_ERROR_NOT_FOUND: named symbol not found: {self.name}"
            ) from None
        sizes = (ctypes.c_int * max(sizes_of(None), 1))()
        count = sizes_of(sizes)
        return compiled[f"host_cuda_launch_{self.name}"], list(sizes)[:count]

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: Any, *, shared_mem: int = 0
    ) -> None:
        launch, sizes = self._functions()
        values = [_argument(value) for value in args]
        found = [value.nbytes for value in values]
        if found != sizes:
            raise TypeError(
                f"kernel {self.name} takes arguments of {sizes} bytes, and got {found}: a Python "
                "int has 8 and a float is a double of 8; pass numpy.int32(n), numpy.float32(x)"
            )
        grid, block = ((*sides, 1, 1)[:3] for sides in (grid, block))
        if not 0 < np.prod(block) <= MOST_THREADS or min(grid) < 1:
            raise CUDARuntimeError("cudaErrorInvalidValue: invalid argument")
        pointers = (ctypes.c_void_p * max(len(values), 1))(
            *(value.__array_interface__["data"][0] for value in values)
        )
        name = self.name

        def work() -> None:
            with _running:
                stuck = launch(pointers, *map(int, grid), *map(int, block), shared_mem)
            if stuck:
                raise CUDARuntimeError(f"cudaErrorLaunchFailure: threads of {name} wait apart")
            del values[:0]  # the launch keeps its arguments

        # Which arrays a kernel only reads, nobody says: it may write all.
        arrays = [value for value in args if isinstance(value, ndarray)]
        enqueue("launch", work, [], arrays, name)


def _argument(value: Any) -> np.ndarray:
    """Return the bytes that a kernel is given for a value."""
    if isinstance(value, ndarray | MemoryPointer):
        return np.array(value.data.ptr if isinstance(value, ndarray) else value.ptr, "u8")
    if isinstance(value, bool | int | float | complex | np.generic):
        return np.array(value)
    if isinstance(value, np.ndarray):
        raise TypeError(
            f"You are trying to pass a numpy.ndarray of shape {value.shape} as a kernel parameter."
        )
    raise TypeError(f"Unsupported type {type(value)}")


class RawModule:
    """Several kernels of one source."""

    def __init__(
        self,
        code: str | None = None,
        *,
        path: str | None = None,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        enable_cooperative_groups: bool = False,
        name_expressions: Any = None,
        jitify: bool | None = None,
    ) -> None:
        if code is None:
            raise NotImplementedError("the stand-in compiles source alone: give code=")
        self.code, self.options = code, options

    def get_function(self, name: str) -> RawKernel:
        return RawKernel(self.code, name, self.options)
