"""Simplify: steps that only pass a value on, and those that a plainer one equals."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import dtypes
from autograd_iron.ops.elementwise.arithmetic import add, divide, multiply, multiply_no_nan, pow
from autograd_iron.ops.elementwise.choosing import where
from autograd_iron.ops.elementwise.exponential import sqrt
from autograd_iron.ops.indexing.updates import add_at
from autograd_iron.ops.shapes.reshaping import broadcast_to
from autograd_iron.plan.passes.rewrite import Rewriting, rewritten
from autograd_iron.plan.program import Operand, Program, Step, Value


def simplify(program: Program) -> Program:
    """Remove steps that only pass a value on: times one, plus zero, transposed twice.

    Adding zero to -0.0 gives 0.0: that sign is the one bit this may change.  A product in which a
    zero would absorb infinities is a plain one where the other factor is known to have no zero.
    """
    return rewritten(program, rule)


def rule(walk: Rewriting, step: Step) -> Value | Step:
    """Return the operand that a step passes on, or the plainest step that does the same."""
    if len(step.outputs) > 1:
        return step
    out = step.output
    if step.primitive is multiply_no_nan and _has_no_zero(walk, step.inputs[1]):
        step = Step(multiply, step.inputs, step.attributes, out)
    step = _plainer_power(step) if step.primitive is pow else step
    step = _added_in_place(walk, step) if step.primitive is add else step
    same = _same_as(walk, step)
    if isinstance(same, Value) and same.shape == out.shape and same.dtype == out.dtype:
        return same
    return step


def _plainer_power(step: Step) -> Step:
    """Return a power of floats as the square, root or reciprocal that it is: these are NumPy's."""
    x, power = step.inputs
    if dtypes.is_float(step.output.dtype) and not isinstance(power, Value):
        if power == 2:
            return Step(multiply, (x, x), {}, step.output)
        if power == 0.5:
            return Step(sqrt, (x,), {}, step.output)
        if power == -1:
            return Step(divide, (1, x), {}, step.output)
    return step


def _added_in_place(walk: Rewriting, step: Step) -> Step:
    """Return the sum with an array that is zero but for a part as an addition to that part.

    So add up the gradients of an array's parts.
    """
    for i, operand in enumerate(step.inputs):
        inner = walk.made_by.get(operand) if isinstance(operand, Value) else None
        other = step.inputs[1 - i]
        if inner is None or inner.primitive is not add_at or not isinstance(other, Value):
            continue
        (zeros, part), out = inner.inputs, step.output
        made = walk.made_by.get(zeros) if isinstance(zeros, Value) else None
        if made is None or made.primitive is not broadcast_to:
            continue
        alike = {(v.shape, v.dtype) for v in (other, inner.output, out)}
        if len(alike) == 1 and _is(walk.number(made.inputs[0]), 0):
            return Step(add_at, (other, part), inner.attributes, out)
    return step


def _has_no_zero(walk: Rewriting, operand: Operand) -> bool:
    array = walk.constants.get(operand) if isinstance(operand, Value) else None
    return array is not None and array.size <= 1024 and bool(array.all())


def _same_as(walk: Rewriting, step: Step) -> Operand:
    """Return the operand that the step's result equals, if one is known."""
    primitive, inputs = step.primitive, step.inputs
    if primitive.converts:
        return inputs[0]
    if primitive.own_inverse:
        inner = walk.made_by.get(inputs[0]) if isinstance(inputs[0], Value) else None
        return inner.inputs[0] if inner is not None and inner.primitive is primitive else None
    if primitive is where:
        condition = walk.number(inputs[0])
        return inputs[2 - condition] if isinstance(condition, bool) else None
    for i, neutral in enumerate(primitive.neutral):
        if neutral is not None and _is(walk.number(inputs[i]), neutral):
            return inputs[1 - i]
    return None


def _is(operand: Any, number: float) -> bool:
    return isinstance(operand, int | float) and operand == number
