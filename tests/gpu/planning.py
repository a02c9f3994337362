"""What the tests of compiled steps on a GPU share: interpreted kernels, and a host's twin."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from compiling import tensors_in

import autograd_iron as ai
from autograd_iron.arrays import gpu
from autograd_iron.plan.cuda import kernels
from autograd_iron.plan.loops.loops import Bundle, Loop, Task
from autograd_iron.plan.program import Value

from .device_under_test import TIER
from .host_memory import host_view
from .launching import interpret

# At first kernel by kernel, then recorded, then replayed.
RUNS = 5


@contextlib.contextmanager
def interpreted() -> Iterator[None]:
    """Let the stand-in run each launch with NumPy, for its compiler takes a second for a kernel.

    What the texts of kernels do is the matter of test_kernels.
    """
    if TIER != "stand-in":
        yield
        return
    from .strict_cupy.streams import enqueue

    launches: dict[str, tuple[Task, tuple[Value | int, ...]]] = {}
    text = kernels.text

    def known_text(launch: Loop, name: str) -> kernels.Kernel:
        name = f"{name}_{len(launches)}"
        kernel = text(launch, name)
        launches[name] = launch, (*launch.reads, *launch.writes)
        return kernels.Kernel(name, kernel.source, (1, 1), 1, launches[name][1])

    def kernel(_source: str, name: str, _grid: Any, _block: int, arrays: Any) -> Any:
        launch, values = launches[name]

        def work() -> None:
            memory = {v: memory_of(a) for v, a in zip(values, arrays, strict=True)}
            made = dict(memory)
            interpret(launch, made)
            for v, a in list(zip(values, arrays, strict=True))[len(launch.reads) :]:
                # Row by row and without gaps, as a kernel does, whatever the array says.
                host_view(a.data.ptr, v.shape, v.dtype)[...] = made[v].reshape(v.shape)

        return lambda: enqueue("launch", work, [], arrays, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "text", known_text)
        patch.setattr(gpu, "kernel", kernel)
        yield


def memory_of(array: Any) -> Any:
    """Return the memory of an array of the stand-in, whichever its strides."""
    first = host_view(array.data.ptr, (1,) * array.ndim, array.dtype, (0,) * array.ndim)
    return np.lib.stride_tricks.as_strided(first, array.shape, array.strides)


def arrays_of(tree: Any) -> list[Any]:
    """Return the Tensors of a nested result as arrays of the host."""
    return [t.detach().numpy() for t in tensors_in(tree)]


def near(found: Any, wanted: Any, rtol: float = 2e-5, atol: float = 2e-6) -> None:
    """Compare nested results, of whichever devices."""
    for i, (one, other) in enumerate(zip(arrays_of(found), arrays_of(wanted), strict=True)):
        assert one.dtype == other.dtype, f"result {i}"
        assert one.shape == other.shape, f"result {i}"
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=f"result {i}")


Step = Callable[..., Any]
Make = Callable[[str], tuple[Step, list[ai.Tensor]]]


def twins(make: Make, *calls: tuple[Any, ...], runs: int = RUNS, rtol: float = 2e-5) -> Any:
    """Compare a step, compiled on the GPU, with the host's eager one; return the compiled one.

    Parameters
    ----------
    make : callable
        From a device to a step and the tensors that it changes.
    calls : tuples of arrays
        What the step is called with, in turn.
    """
    calls = calls or ((),)
    eager, host_state = make("cpu")
    step, state = make("cuda")
    compiled = ai.compile(step)
    for i in range(runs):
        arrays = calls[i % len(calls)]
        wanted = eager(*(ai.tensor(a) for a in arrays))
        found = compiled(*(ai.tensor(a, device="cuda") for a in arrays))
        near(found, wanted, rtol)
        near(state, host_state, rtol)
        for one, other in zip(state, host_state, strict=True):
            assert (one.grad is None) is (other.grad is None)
            if other.grad is not None:
                near(one.grad, other.grad, rtol)
    check_apart(compiled.plan)
    return compiled


def check_apart(plan: Any) -> None:
    """Prove that nothing is computed over what it is computed from, but element by element.

    What imitates cuBLAS here reads all of its operands before it writes; the real one does not.
    """
    for launch in plan.launches:
        parts = launch.parts if isinstance(launch, Bundle) else (launch,)
        alone = [type(part) is Loop for part in parts]
        for part, elementwise in zip(parts, alone, strict=True):
            if not elementwise:
                for out in part.writes:
                    assert not any(overlap(plan, out, v) for v in launch.reads if v.bytes)


def overlap(plan: Any, one: Value, other: Value) -> bool:
    (a, b), (c, d) = (bounds(plan._arrays[v]) for v in (one, other))
    return a < d and c < b


def bounds(array: Any) -> tuple[int, int]:
    reach = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
    start = array.data.ptr + sum(r for r in reach if r < 0)
    return start, array.data.ptr + sum(r for r in reach if r > 0) + array.itemsize
