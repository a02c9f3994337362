"""Broadcast late: elementwise steps stretch their operands themselves, if they must."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from autograd_iron.arrays import device
from autograd_iron.ops.shapes.reshaping import broadcast_to
from autograd_iron.plan.passes.rewrite import Rewriting, rewritten
from autograd_iron.plan.program import Operand, Program, Step, Value


def fold_broadcasts(program: Program) -> Program:
    """Let elementwise steps broadcast their operands themselves, and work before broadcasting."""
    return rewritten(program, rule)


def rule(walk: Rewriting, step: Step) -> Step | None:
    """Return an elementwise step on what its operands were before they were broadcast."""
    if not step.primitive.is_elementwise or len(step.outputs) > 1:
        return None
    for value in step.values:
        if _is_broadcast(walk, value):
            break
    else:
        return None
    inputs = tuple(_unbroadcast(walk, v) for v in step.inputs)
    step = step.with_inputs(inputs)
    shape = device.broadcast_shape(*(v.shape for v in step.values))
    if shape == step.output.shape:
        return step
    small = walk.program.value(shape or (), step.output.dtype)
    walk.take(Step(step.primitive, inputs, step.attributes, small))
    small = walk.renamed.get(small, small)
    return Step(broadcast_to, (small,), {"shape": step.output.shape}, step.output)


def _is_broadcast(walk: Rewriting, value: Value) -> bool:
    made = walk.made_by.get(value)
    return made is not None and made.primitive is broadcast_to


def _unbroadcast(walk: Rewriting, operand: Operand) -> Operand:
    if isinstance(operand, Value) and _is_broadcast(walk, operand):
        return walk.made_by[operand].inputs[0]
    return operand
