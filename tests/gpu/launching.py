"""Running launches without a GPU: each with NumPy, or its kernel compiled by the host's g++."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import autograd_iron as ai
import nn
from autograd_iron.plan.cuda.kernels import Kernel
from autograd_iron.plan.loops.loops import Bundle, Call, Loop, Product, Task
from autograd_iron.plan.loops.views import View
from autograd_iron.plan.program import Program, Value

Array = np.ndarray[Any, Any]
Memory = dict[Value, Array]  # the buffer of a value: flat, or for a source the array itself

HEADER = Path(__file__).parent / "host_cuda" / "include" / "host_cuda.h"
CACHE = Path(tempfile.gettempdir()) / "autograd_iron_host_kernels"
# As NumPy rounds: a product that is added to something is rounded first.
FLAGS = ["-std=c++17", "-O1", "-w", "-fPIC", "-shared", "-ffp-contract=off"]
has_compiler = shutil.which("g++") is not None


def sources(program: Program, *arrays: Array) -> Memory:
    """Return the memory of what no step computes."""
    memory: Memory = dict(zip(program.arguments, map(np.ascontiguousarray, arrays), strict=True))
    memory.update((v, t.data) for t, v in program.captured)
    memory.update((v, np.asarray(a)) for a, v in program.constants)
    memory.update((v, a) for (_, v), a in zip(program.draws, program.drawn, strict=True))
    return {v: a.reshape(v.shape) for v, a in memory.items()}


def strides(memory: Memory) -> dict[Value, tuple[int, ...]]:
    """Return the strides of the arrays that are not dense, in elements."""
    return {
        v: tuple(s // a.itemsize for s in a.strides)
        for v, a in memory.items()
        if not a.flags.c_contiguous
    }


def look(view: View, memory: Mapping[Value, Array]) -> Array:
    """Return what a view shows."""
    if view.size == 0:
        return np.empty(view.shape, view.root.dtype)
    buffer = memory[view.root]
    steps = tuple(s * buffer.itemsize for s in view.strides)
    start = buffer.ctypes.data + view.offset * buffer.itemsize
    address = ctypes.cast(start, ctypes.POINTER(ctypes.c_byte))
    # From a pointer, so that no check of NumPy's stands in the way of a wrong one showing.
    shown = np.ctypeslib.as_array(address, (buffer.itemsize,)).view(buffer.dtype)
    return np.lib.stride_tricks.as_strided(shown, view.shape, steps, writeable=False)


def interpret(launch: Task, memory: Memory) -> None:
    """Run a launch with NumPy, into new memory for what it writes."""
    with np.errstate(all="ignore"):
        if isinstance(launch, Bundle):
            before = dict(memory)
            for part in launch.parts:
                own = dict(before)
                interpret(part, own)
                memory.update((v, own[v]) for v in part.writes)
        elif isinstance(launch, Loop):
            _loop(launch, memory)
        elif isinstance(launch, Product):
            _product(launch, memory)
        else:
            call(launch, memory)


def _loop(launch: Loop, memory: Memory) -> None:
    known: dict[Value, Array] = {}

    def shown(operand: Any) -> Any:
        if not isinstance(operand, View):
            return operand
        if operand.root in known:
            assert operand.whole
            return known[operand.root]
        assert operand.shape == launch.shape
        return look(operand, memory)

    for line in launch.lines:
        out = line.output
        made = line.step.primitive.compute([shown(v) for v in line.operands], line.step.attributes)
        known[out] = np.array(np.broadcast_to(made, launch.shape), out.dtype, order="C")
    results = {v: known[v].reshape(v.shape) for v in launch.outputs}
    for fold in launch.folds:
        axes = launch.axes  # type: ignore[attr-defined]
        made = getattr(np, str(fold.reduction.combine.ufunc)).reduce(shown(fold.source), axis=axes)
        results[fold.output] = np.array(made, fold.output.dtype, order="C").reshape(
            fold.output.shape
        )
    memory.update(results)


def _product(launch: Product, memory: Memory) -> None:
    for view in (launch.x, launch.y):
        assert view.size
        assert view.root.dtype == launch.output.dtype
        *_, n, m = view.shape
        assert view.strides[-2:] in ((m, 1), (1, n))
        assert len(view.shape) == len(launch.x.shape) <= 3
    made = np.matmul(look(launch.x, memory), look(launch.y, memory))
    memory[launch.output] = made.reshape(launch.output.shape)


def call(launch: Call, memory: Memory) -> None:
    """Run a primitive's own kernel."""
    operands = [look(v, memory) if isinstance(v, View) else v for v in launch.operands]
    made = launch.step.primitive.compute(operands, launch.step.attributes)
    outputs = launch.step.outputs
    for value, array in zip(outputs, made if len(outputs) > 1 else (made,), strict=True):
        memory[value] = np.array(array, order="C")


def results(program: Program, memory: Memory) -> list[Array]:
    """Return what is wanted of a program, after its launches."""
    return [
        np.empty(v.shape, v.dtype) if 0 in v.shape else np.array(memory[v]).reshape(v.shape)
        for v in program.wanted()
    ]


def network_step(points: int) -> tuple[Callable[..., Any], list[Array]]:
    """Return a step of SGD on the notes' tanh network, and its data."""
    rng = np.random.default_rng(0)
    layers: list[nn.Module] = []
    for n, m in pairwise((2, 50, 50, 100, 50, 25, 25, 25, 1)):
        layer = nn.Linear(n, m)
        layer.weight.assign(rng.standard_normal((m, n)) / np.sqrt(n))
        layer.bias.assign(rng.uniform(-0.1, 0.1, m))
        layers += [layer, nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    optimizer = nn.SGD(model.parameters(), 0.1)

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        # As on a GPU, where nn.BCEWithLogitsLoss looks at no target.
        loss = nn.functional.binary_cross_entropy_with_logits(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    x = rng.uniform(-1, 1, (points, 2)).astype("float32")
    return step, [x, (x[:, :1] * x[:, 1:] > 0).astype("float32")]


# --- with g++


ZONE = 64  # bytes on each side of a buffer, which no kernel may write


def poisoned(value: Value) -> Array:
    """Return a buffer that nothing has been written to yet: NaN, or a number of all ones."""
    block = np.full(value.bytes + 2 * ZONE, 0xFF, np.uint8)
    return block[ZONE : ZONE + value.bytes].view(value.dtype)


def overrun(buffer: Array) -> bool:
    """Say whether something beside a poisoned buffer was written; of any other array, no."""
    block = buffer.base
    if not isinstance(block, np.ndarray) or block.dtype != np.uint8:
        return False
    beside = np.concatenate([block[:ZONE], block[-ZONE:]])
    return block.nbytes == buffer.nbytes + 2 * ZONE and bool((beside != 0xFF).any())


class Library:
    """Kernels compiled together, in one run of the compiler; kept on disk by their text."""

    def __init__(self, kernels: Iterable[Kernel]) -> None:
        flat: list[Kernel] = []
        for kernel in kernels:
            flat += [kernel, kernel.second] if kernel.second is not None else [kernel]
        parts = ['#include "host_cuda.h"']
        for k in flat:
            # In a space of its own: each text brings the functions it calls.
            parts.append(f"namespace in_{k.name} {{\n{k.source}\n}}")
            parts.append(f"HOST_CUDA_EXPORT({k.name}, in_{k.name}::{k.name})")
        parts.append(
            'extern "C" void set_modes(int waits, int backwards) {'
            " host_cuda::uses_barriers = waits; host_cuda::backwards = backwards; }"
        )
        text = "\n".join(parts)
        key = hashlib.sha256((text + repr(FLAGS) + HEADER.read_text()).encode()).hexdigest()[:24]
        path = CACHE / f"{key}.so"
        if not path.exists():
            CACHE.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                unit, made = Path(folder) / "kernels.cpp", Path(folder) / "kernels.so"
                unit.write_text(text)
                command = ["g++", *FLAGS, f"-I{HEADER.parent}", str(unit), "-o", str(made)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr[:4000]
                made.rename(path)
        self._library = ctypes.CDLL(str(path))

    def run(self, kernel: Kernel, memory: Memory, backwards: bool = False) -> None:
        """Run a kernel on the buffers in `memory`, which all exist.

        Raises
        ------
        AssertionError
            Threads wait in two places, or something beside a poisoned buffer was written.
        """
        workspace = np.full(kernel.workspace + ZONE, 0xFF, np.uint8)
        each: Kernel | None = kernel
        while each is not None:
            pointers = [
                workspace.ctypes.data + a if isinstance(a, int) else memory[a].ctypes.data
                for a in each.arguments
            ]
            held = [ctypes.c_void_p(p) for p in pointers]
            addresses = (ctypes.c_void_p * len(held))(*(ctypes.addressof(h) for h in held))
            self._library.set_modes("__syncthreads" in each.source, backwards)
            launch = getattr(self._library, f"host_cuda_launch_{each.name}")
            stuck = launch(addresses, *each.grid, 1, each.block, 1, 1, 0)
            assert not stuck, f"{each.name}: a barrier that not every thread reaches"
            each = each.second
        for value, buffer in memory.items():
            assert not overrun(buffer), f"{kernel.name} writes outside the buffer of {value}"
        assert (workspace[kernel.workspace :] == 0xFF).all(), f"{kernel.name}: workspace"
