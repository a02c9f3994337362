"""A compiled kernel, launched with the addresses of its arguments like CUDA's."""

from __future__ import annotations

import ctypes
from typing import Any


class Kernel:
    """A function of a compiled module, called like a CUDA kernel."""

    def __init__(self, module: ctypes.PyDLL, name: str) -> None:
        self.name = name
        self._module = module
        self._launch = getattr(module, f"host_cuda_launch_{name}")
        sizes_of = getattr(module, f"host_cuda_sizes_{name}")
        sizes = (ctypes.c_int * sizes_of(None))()
        sizes_of(sizes)
        self._sizes = list(sizes)

    def copy_arguments(self, addresses: int) -> list[Any]:
        """Return the arguments' values, which CUDA keeps from the launch (or its capture) on."""
        pointers = (ctypes.c_void_p * len(self._sizes)).from_address(addresses)
        return [
            ctypes.create_string_buffer(ctypes.string_at(pointer, size), size)
            for pointer, size in zip(pointers, self._sizes, strict=True)
        ]

    def run(self, arguments: list[Any], shape: tuple[int, ...], backwards: bool) -> bool:
        """Run all threads; return False if they got stuck at a barrier."""
        addresses = (ctypes.c_void_p * len(arguments))(*map(ctypes.addressof, arguments))
        self._module.host_cuda_set_backwards(int(backwards))
        return self._launch(addresses, *shape) == 0
