"""From a program to launches: tasks of a GPU, small neighbouring loops as one."""

from __future__ import annotations

from collections.abc import Mapping

from autograd_iron.arrays import dtypes
from autograd_iron.plan.cuda import c_text
from autograd_iron.plan.loops import fuse
from autograd_iron.plan.loops.loops import Bundle, Loop, Task
from autograd_iron.plan.loops.pieces import Machine
from autograd_iron.plan.loops.views import Shape
from autograd_iron.plan.program import Program, Value

# Registers and shared memory end beyond so many lines and folds.  cuBLAS multiplies floats, and
# makes float32 of what is stored in 16 bits.
GPU = Machine(c_text.is_writable, dtypes.is_float, lines=64, folds=6, last=4096)
# How many pointers are handed to one of several loops: CUDA takes 4096 bytes of arguments.
BUFFERS = 128


def launches(program: Program, strides: Mapping[Value, Shape] | None = None) -> list[Task]:
    """Return what computes the program on a GPU, a task a launch; see `fuse.tasks`."""
    return _bundled(fuse.tasks(program, GPU, strides))


def _bundled(ordered: list[Task]) -> list[Task]:
    """Return the launches with neighbours that need nothing of each other made one."""
    found: list[Task] = []
    for launch in ordered:
        last = found[-1] if found else None
        if type(launch) is Loop and isinstance(last, Loop | Bundle):
            parts = last.parts if isinstance(last, Bundle) else (last,)
            buffers = len(last.reads) + len(last.writes) + len(launch.reads) + len(launch.writes)
            apart = not set(last.writes).intersection(launch.reads)
            if type(parts[-1]) is Loop and apart and buffers <= BUFFERS:
                found[-1] = Bundle((*parts, launch))
                continue
        found.append(launch)
    return found
