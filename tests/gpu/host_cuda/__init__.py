"""The real CuPy on a machine with no GPU.

Device memory is the host's, kernels are the CUDA C++ that CuPy or the engine generates, compiled by
g++, and what CuPy does above CUDA's runtime is CuPy's own: types, checks, memory pool, streams,
generated code. What `install` returns counts what a real device would be asked for, can forbid it,
and can be made to behave as badly as CUDA allows:

    device.forbid("alloc", "sync")   a context in which these raise
    device.guarded                   writes outside an allocation raise
    device.backwards                 threads and blocks run in reverse order
    device.late                      work is done only when something waits for it

It relies on names inside one release of CuPy, which the extra `gpu-sim` pins.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .state import Device


def install() -> Device:
    """Put a device under CuPy, which must not be imported yet: it copies pointers on import."""
    if "cupy" in sys.modules:
        raise ImportError("host_cuda.install() came after `import cupy`: it must come before")
    from .files import CACHE

    os.environ["CUPY_ACCELERATORS"] = ""  # CUB is device code made beforehand
    os.environ["CUPY_CACHE_DIR"] = str(CACHE / "cupy")

    from cupy_backends.cuda.api import driver, runtime

    from . import libraries, trampolines
    from .cuda_api import CudaApi
    from .state import Device

    device = Device()
    trampolines.install(CudaApi(device), runtime, driver)
    libraries.install_before_cupy(device)

    from . import compiler, pool

    compiler.install()
    libraries.install_after_cupy(device)
    pool.Watch(device).__enter__()
    return device
