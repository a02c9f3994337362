"""Decompose: the parts of a step in its place, where the executor has no kernel for the whole."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Iterator

from autograd_iron.core.primitive import Primitive
from autograd_iron.plan.program import Program, Step

HasKernel = Callable[[Primitive], bool]


def decompose(program: Program, has_kernel: HasKernel | None = None) -> Program:
    """Put the parts of a step in its place, unless the executor has a kernel for the whole."""
    return program.with_steps([part for step in program.steps for part in _parts(step, has_kernel)])


def _parts(step: Step, has_kernel: HasKernel | None) -> Iterator[Step]:
    if not step.parts:
        yield step
    elif has_kernel is not None and has_kernel(step.primitive):
        yield Step(step.primitive, step.inputs, step.attributes, *step.outputs)
    else:
        for part in step.parts:
            yield from _parts(part, has_kernel)
