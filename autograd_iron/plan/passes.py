"""Passes: pure functions from program to program, each making it smaller and none changing bits.

(Except where a comment says so, the results of every remaining step are the same bits as before.)
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autograd_iron import device
from autograd_iron.ops.elementwise import multiply
from autograd_iron.ops.shapes import broadcast_to
from autograd_iron.plan.program import Operand, Program, Step, Value

# Elementwise primitives that are one ufunc of NumPy's, and so broadcast their operands themselves.
UFUNCS = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "negative": "negative",
    "pow": "power",
    "abs": "absolute",
    "sign": "sign",
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
    "maximum": "maximum",
    "minimum": "minimum",
    "equal": "equal",
    "not_equal": "not_equal",
    "less": "less",
    "less_equal": "less_equal",
    "greater": "greater",
    "greater_equal": "greater_equal",
    "logical_and": "logical_and",
    "logical_or": "logical_or",
    "logical_not": "logical_not",
    "isfinite": "isfinite",
    "isnan": "isnan",
    "bitwise_and": "bitwise_and",
    "bitwise_or": "bitwise_or",
    "bitwise_xor": "bitwise_xor",
    "bitwise_invert": "invert",
}
BROADCASTING = {*UFUNCS, "where", "multiply_no_nan"}


def optimise(program: Program) -> Program:
    """Run all passes until nothing changes."""
    program = drop_dead(program)
    before = -1
    while len(program.steps) != before:
        before = len(program.steps)
        for run in (fold_constants, simplify, fold_broadcasts, share, drop_dead):
            program = run(program)
    return program


def drop_dead(program: Program) -> Program:
    """Drop the steps whose results nothing needs."""
    needed = set(program.wanted())
    kept = []
    for step in reversed(program.steps):
        if step.output in needed:
            needed.update(step.values)
            kept.append(step)
    return program.with_steps(kept[::-1])


def share(program: Program) -> Program:
    """Compute equal steps once."""
    first: dict[Any, Value] = {}
    renamed: dict[Value, Value] = {}
    steps = []
    for step in program.steps:
        step = step.with_inputs(_renamed(step.inputs, renamed))
        try:
            key = (
                step.primitive.name,
                tuple(v if isinstance(v, Value) else _frozen(v) for v in step.inputs),
                _settings(step.attributes),
            )
            known = first.setdefault(key, step.output)
        except TypeError:  # an index with arrays in it cannot be compared
            known = step.output
        if known is step.output:
            steps.append(step)
        else:
            renamed[step.output] = known
    return program.with_steps(steps, renamed)


def _settings(attributes: dict[str, Any]) -> Any:
    return tuple((name, _frozen(value)) for name, value in sorted(attributes.items()))


def _frozen(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, tuple | list):
        return tuple(_frozen(v) for v in value)
    hash(value)
    # repr tells -0.0 from 0.0.
    return (type(value).__name__, repr(value) if isinstance(value, float) else value)


def fold_constants(program: Program) -> Program:
    """Compute what depends on constants alone, where the result is small."""
    known = {value: array for array, value in program.constants}
    constants = list(program.constants)
    steps = []
    for step in program.steps:
        small = step.output.bytes <= 4096 and step.primitive.name != "broadcast_to"
        if small and all(v in known for v in step.values):
            arrays = [known[v] if isinstance(v, Value) else v for v in step.inputs]
            with device.quiet():
                array = step.primitive.compute(arrays, step.attributes)
            known[step.output] = array
            constants.append((array, step.output))
        else:
            steps.append(step)
    used = {v for step in steps for v in step.values} | set(program.wanted())
    constants = [(array, value) for array, value in constants if value in used]
    return replace(program.with_steps(steps), constants=constants)


def fold_broadcasts(program: Program) -> Program:
    """Let elementwise steps broadcast their operands themselves, and work before broadcasting."""
    source = {s.output: s.inputs[0] for s in program.steps if s.primitive.name == "broadcast_to"}
    steps = []
    for step in program.steps:
        if step.primitive.name in BROADCASTING:
            inputs = tuple(source.get(v, v) if isinstance(v, Value) else v for v in step.inputs)
            shape = device.broadcast_shape(*(v.shape for v in inputs if isinstance(v, Value)))
            if shape != step.output.shape:
                small = program.value(shape or (), step.output.dtype)
                steps.append(replace(step, inputs=inputs, output=small))
                step = Step(broadcast_to, (small,), {"shape": step.output.shape}, step.output)
                source[step.output] = small
            else:
                step = step.with_inputs(inputs)
        steps.append(step)
    return program.with_steps(steps)


def simplify(program: Program) -> Program:
    """Remove steps that only pass a value on: times one, plus zero, transposed twice.

    Adding zero to -0.0 gives 0.0: that sign is the one bit this may change.  A product in which a
    zero would absorb infinities is a plain one where the other factor is known to have no zero.
    """
    without_zero = {v for array, v in program.constants if array.size <= 1024 and array.all()}
    made_by = {s.output: s for s in program.steps}
    number = {value: array.item() for array, value in program.constants if array.ndim == 0}
    renamed: dict[Value, Value] = {}
    steps = []
    for step in program.steps:
        inputs = _renamed(step.inputs, renamed)
        plain = tuple(number.get(v, v) if isinstance(v, Value) else v for v in inputs)
        step = step.with_inputs(inputs)
        if step.primitive.name == "multiply_no_nan" and inputs[1] in without_zero:
            step = replace(step, primitive=multiply)
        same = _same_as(step, plain, made_by)
        if (
            isinstance(same, Value)
            and same.shape == step.output.shape
            and same.dtype == step.output.dtype
        ):
            renamed[step.output] = same
        else:
            made_by[step.output] = step
            steps.append(step)
    return program.with_steps(steps, renamed)


def _same_as(step: Step, plain: tuple[Any, ...], made_by: dict[Value, Step]) -> Operand:
    """Return the operand that the step's result equals, if one is known."""
    name, inputs = step.primitive.name, step.inputs
    if name == "multiply_no_nan":
        return inputs[1] if _is(plain[0], 1) else None
    if name == "multiply":
        return inputs[1] if _is(plain[0], 1) else inputs[0] if _is(plain[1], 1) else None
    if name == "add":
        return inputs[1] if _is(plain[0], 0) else inputs[0] if _is(plain[1], 0) else None
    if name in ("subtract", "divide", "pow"):
        return inputs[0] if _is(plain[1], int(name != "subtract")) else None
    if name == "where" and isinstance(plain[0], bool):
        return inputs[1] if plain[0] else inputs[2]
    if name in ("identity", "reshape", "broadcast_to", "sum_to", "astype"):
        return inputs[0]
    if name in ("negative", "matrix_transpose"):
        first = inputs[0]
        inner = made_by.get(first) if isinstance(first, Value) else None
        return inner.inputs[0] if inner is not None and inner.primitive.name == name else None
    return None


def _is(operand: Any, number: int) -> bool:
    return isinstance(operand, int | float) and operand == number


def _renamed(inputs: tuple[Operand, ...], renamed: dict[Value, Value]) -> tuple[Operand, ...]:
    return tuple(renamed.get(v, v) if isinstance(v, Value) else v for v in inputs)
