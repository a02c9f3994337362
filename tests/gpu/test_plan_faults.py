"""Training steps on a device that behaves as badly as CUDA allows, and under NVIDIA's compilers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
from autograd_iron.plan.loops.loops import Call, Product

from . import device_under_test
from .device_under_test import TIER, cupy
from .planning import interpreted, twins
from .test_plan_equal import STEPS, batches

every_step = pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)


@pytest.fixture
def device() -> Iterator[Any]:
    if TIER != "sim":
        pytest.skip("only the simulation can misbehave on purpose")
    found = device_under_test._log
    yield found
    found.run_all()
    found.guarded = found.backwards = found.late = False


@every_step
@pytest.mark.parametrize("fault", ["guarded", "backwards", "late"])
def test_nothing_goes_wrong_on_the_worst_device(make: Any, fault: str, device: Any) -> None:
    # What an array holds before it is written is NaN on this device in any case.
    setattr(device, fault, True)
    allocator = cupy.cuda.get_allocator()
    try:
        if fault == "guarded":
            cupy.cuda.set_allocator(None)  # each array with red zones of its own
        # So many rows that reductions are cut into chunks.
        rows = 1500 if fault == "backwards" else 12
        step = twins(make, *batches(rows)[make], rtol=1e-4)
        assert step.plan.how == "one launch of a CUDA graph"
    finally:
        cupy.cuda.set_allocator(allocator)


def test_results_are_what_they_were_when_work_is_late(device: Any) -> None:
    count = ai.zeros((), device="cuda")
    x = ai.ones((4, 3), device="cuda")

    def step(x: ai.Tensor) -> Any:
        count.assign(count + 1)
        return count, x * count

    compiled = ai.compile(step)
    device.late = True
    held = [compiled(x) for _ in range(20)]
    for i, (number, product) in enumerate(held, 1):
        assert number.item() == i
        np.testing.assert_array_equal(product.numpy(), np.full((4, 3), i, "f4"))


def test_arguments_may_be_changed_right_after_the_call_when_work_is_late(device: Any) -> None:
    step = ai.compile(lambda x: ai.sum(x * 2))
    device.late = True
    x = ai.ones(3, device="cuda")
    held = []
    for i in range(8):
        x.assign(float(i))
        held.append(step(x))
    assert [t.item() for t in held] == [6.0 * i for i in range(8)]


# --- the texts


def kernels_of(make: Any) -> dict[str, str]:
    """Return the text of every kernel of a training step by its name."""
    with interpreted():
        step, _ = make("cuda")
        compiled = ai.compile(step)
        compiled(*(ai.tensor(a, device="cuda") for a in batches()[make][0]))
    return {k.name: k.source for kernel in compiled.plan.kernels.values() for k in kernel.all}


@every_step
def test_nothing_is_float64(make: Any) -> None:
    with interpreted():
        step, _ = make("cuda")
        compiled = ai.compile(step)
        data = [ai.tensor(a, device="cuda") for a in batches()[make][0]]
        for _ in range(4):
            compiled(*data)
    plan = compiled.plan
    assert not re.search(r"\bdouble\b", plan.source)
    for launch in plan.launches:
        assert not any(v.dtype == np.float64 for v in (*launch.reads, *launch.writes))
        assert not isinstance(launch, Call)
        if isinstance(launch, Product):
            assert launch.output.dtype == np.float32


@every_step
def test_nvidias_compilers_take_the_kernels(make: Any) -> None:
    pytest.importorskip("cupy_backends.cuda.libs.nvrtc")
    from . import nvrtc

    spaces = [f"namespace in_{name} {{\n{text}\n}}" for name, text in kernels_of(make).items()]
    source = "\n".join(spaces)
    assert set(nvrtc.compile_for(source)) == set(nvrtc.ARCHITECTURES)
    assert set(nvrtc.spills(source).values()) == {0}
