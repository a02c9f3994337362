"""Widen: bfloat16 on the CPU by way of float32."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.ops.shapes.conversion import astype
from autograd_iron.plan.passes.rewrite import Rewriting
from autograd_iron.plan.program import Operand, Step, Value


def rule(walk: Rewriting, step: Step) -> Step | None:
    """Compute on the CPU in float32 what is bfloat16, and round each result; see `by_float32`.

    The kernels of a GPU do so by themselves, and multiply matrices as they are.
    """
    narrow = dtypes.bfloat16
    if narrow is None or walk.program.place != "cpu" or step.primitive.exact:
        return None
    met = {v.dtype for v in (*step.values, *step.outputs)}
    if narrow not in met:
        return None
    if dtypes.is_bfloat16_alone(met):
        step = step.with_inputs(tuple(map(dtypes.round_to_bfloat16, step.inputs)))
    step = step.with_inputs(tuple(_in_float32(walk, v) for v in step.inputs))
    if not any(out.dtype == narrow for out in step.outputs):
        return step
    made = [
        walk.program.value(out.shape, dtypes.float32) if out.dtype == narrow else out
        for out in step.outputs
    ]
    walk.take(Step(step.primitive, step.inputs, step.attributes, *made))
    *before, last = [
        Step(astype, (walk.renamed.get(wide, wide),), {"dtype": narrow}, out)
        for out, wide in zip(step.outputs, made, strict=True)
        if wide is not out
    ]
    for narrowing in before:
        walk.take(narrowing)
    return last


def _in_float32(walk: Rewriting, operand: Operand) -> Operand:
    if not isinstance(operand, Value) or operand.dtype != dtypes.bfloat16:
        return operand
    wide = walk.program.value(operand.shape, dtypes.float32)
    walk.take(Step(astype, (operand,), {"dtype": dtypes.float32}, wide))
    return walk.renamed.get(wide, wide)
