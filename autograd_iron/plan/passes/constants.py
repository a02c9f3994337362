"""Fold: what depends on constants alone is computed once."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from autograd_iron.arrays import device
from autograd_iron.ops.shapes.reshaping import broadcast_to
from autograd_iron.plan.passes.rewrite import Rewriting, rewritten
from autograd_iron.plan.program import Program, Step, Value

# Bytes of the largest result that is computed beforehand.
SMALL = 4096


def fold_constants(program: Program) -> Program:
    """Compute what depends on constants alone, where the result is small."""
    return rewritten(program, rule)


def rule(walk: Rewriting, step: Step) -> Value | None:
    """Return the constant that a step makes of constants."""
    known = walk.constants
    for value in step.values:
        if value not in known:
            return None
    if len(step.outputs) > 1 or step.primitive.collective:
        return None
    if step.output.bytes > SMALL or step.primitive is broadcast_to:
        return None
    arrays = [known[v] if isinstance(v, Value) else v for v in step.inputs]
    with device.quiet():
        known[step.output] = step.primitive.compute(arrays, step.attributes)
    return step.output
