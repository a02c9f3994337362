"""Passes: pure functions from program to program, each making it smaller and none changing bits.

(Except where a comment says so, the results of every remaining step are the same bits as before.)
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.elementwise import divide, multiply, multiply_no_nan, pow, sqrt, where
from autograd_iron.ops.shapes import astype, broadcast_to
from autograd_iron.plan.program import Operand, Program, Step, Value

# A rule looks at a step whose inputs went through all rules before.  It answers with the value that
# the step's output equals (for several outputs a tuple), with a step to put in its place, or None.
Rule = Callable[["_Rewriting", Step], Value | tuple[Value, ...] | Step | None]

HasKernel = Callable[[Primitive], bool]


def optimise(program: Program, has_kernel: HasKernel | None = None) -> Program:
    """Run all passes; those that look at a step at a time do it in one go.

    Parameters
    ----------
    program : Program
        As it was captured.
    has_kernel : callable, optional
        Whether the executor of the program has a kernel of its own for a primitive.
    """
    program = decompose(program, has_kernel)
    program = _rewritten(drop_dead(program), _widen, _fold_broadcasts, _fold, _simplify, _share)
    return drop_dead(program)


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


def drop_dead(program: Program) -> Program:
    """Drop the steps whose results nothing needs, and nobody else waits for."""
    needed = set(program.wanted())
    kept = []
    for step in reversed(program.steps):
        if step.primitive.collective or not needed.isdisjoint(step.outputs):
            needed.update(step.values)
            kept.append(step)
    return program.with_steps(kept[::-1])


def widen(program: Program) -> Program:
    """Compute on the CPU in float32 what is bfloat16, and round each result; see `by_float32`.

    The kernels of a GPU do so by themselves, and multiply matrices as they are.
    """
    return _rewritten(program, _widen)


def fold_constants(program: Program) -> Program:
    """Compute what depends on constants alone, where the result is small."""
    return _rewritten(program, _fold)


def simplify(program: Program) -> Program:
    """Remove steps that only pass a value on: times one, plus zero, transposed twice.

    Adding zero to -0.0 gives 0.0: that sign is the one bit this may change.  A product in which a
    zero would absorb infinities is a plain one where the other factor is known to have no zero.
    """
    return _rewritten(program, _simplify)


def fold_broadcasts(program: Program) -> Program:
    """Let elementwise steps broadcast their operands themselves, and work before broadcasting."""
    return _rewritten(program, _fold_broadcasts)


def share(program: Program) -> Program:
    """Compute equal steps once."""
    return _rewritten(program, _share)


def _rewritten(program: Program, *rules: Rule) -> Program:
    return _Rewriting(program, rules).run()


class _Rewriting:
    """One walk over a program, in which the rules see every step in turn."""

    def __init__(self, program: Program, rules: tuple[Rule, ...]) -> None:
        self.program = program
        self.rules = rules
        self.steps: list[Step] = []
        self.renamed: dict[Value, Value] = {}
        self.made_by: dict[Value, Step] = {}
        self.constants = {value: array for array, value in program.constants}
        self.equal: dict[Any, tuple[Value, ...]] = {}

    def run(self) -> Program:
        """Return the program as the rules leave it."""
        for step in self.program.steps:
            self.take(step)
        program = self.program.with_steps(self.steps, self.renamed)
        used = {v for step in self.steps for v in step.values} | set(program.wanted())
        constants = [(array, value) for value, array in self.constants.items() if value in used]
        return replace(program, constants=constants)

    def take(self, step: Step) -> None:
        """Put a step through the rules."""
        renamed = self.renamed
        inputs = tuple(renamed.get(v, v) if isinstance(v, Value) else v for v in step.inputs)
        step = step.with_inputs(inputs)
        for rule in self.rules:
            answer = rule(self, step)
            if isinstance(answer, Value):
                answer = (answer,)
            if isinstance(answer, tuple):
                renamed.update(zip(step.outputs, answer, strict=True))
                return
            if answer is not None:
                step = answer
        self.made_by.update(dict.fromkeys(step.outputs, step))
        self.steps.append(step)

    def number(self, operand: Operand) -> Any:
        """Return the number that an operand is known to be, or the operand."""
        if isinstance(operand, Value) and not operand.shape and operand in self.constants:
            return self.constants[operand].item()
        return operand


def _widen(walk: _Rewriting, step: Step) -> Step | None:
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


def _in_float32(walk: _Rewriting, operand: Operand) -> Operand:
    if not isinstance(operand, Value) or operand.dtype != dtypes.bfloat16:
        return operand
    wide = walk.program.value(operand.shape, dtypes.float32)
    walk.take(Step(astype, (operand,), {"dtype": dtypes.float32}, wide))
    return walk.renamed.get(wide, wide)


def _fold(walk: _Rewriting, step: Step) -> Value | None:
    known = walk.constants
    if len(step.outputs) > 1 or step.primitive.collective:
        return None
    if step.output.bytes > 4096 or step.primitive is broadcast_to:
        return None
    if not all(v in known for v in step.values):
        return None
    arrays = [known[v] if isinstance(v, Value) else v for v in step.inputs]
    with device.quiet():
        known[step.output] = step.primitive.compute(arrays, step.attributes)
    return step.output


def _simplify(walk: _Rewriting, step: Step) -> Value | Step:
    if len(step.outputs) > 1:
        return step
    out = step.output
    if step.primitive is multiply_no_nan and _has_no_zero(walk, step.inputs[1]):
        step = Step(multiply, step.inputs, step.attributes, out)
    step = _plainer_power(step) if step.primitive is pow else step
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


def _has_no_zero(walk: _Rewriting, operand: Operand) -> bool:
    array = walk.constants.get(operand) if isinstance(operand, Value) else None
    return array is not None and array.size <= 1024 and bool(array.all())


def _fold_broadcasts(walk: _Rewriting, step: Step) -> Step | None:
    if not step.primitive.is_elementwise or len(step.outputs) > 1:
        return None
    inputs = tuple(_unbroadcast(walk, v) for v in step.inputs)
    if inputs == step.inputs:
        return None
    step = step.with_inputs(inputs)
    shape = device.broadcast_shape(*(v.shape for v in step.values))
    if shape == step.output.shape:
        return step
    small = walk.program.value(shape or (), step.output.dtype)
    walk.take(Step(step.primitive, inputs, step.attributes, small))
    small = walk.renamed.get(small, small)
    return Step(broadcast_to, (small,), {"shape": step.output.shape}, step.output)


def _unbroadcast(walk: _Rewriting, operand: Operand) -> Operand:
    made = walk.made_by.get(operand) if isinstance(operand, Value) else None
    return operand if made is None or made.primitive is not broadcast_to else made.inputs[0]


def _share(walk: _Rewriting, step: Step) -> tuple[Value, ...] | None:
    if step.primitive.collective:
        return None
    try:
        inputs = tuple(v if isinstance(v, Value) else _frozen(v) for v in step.inputs)
        key = (step.primitive, inputs, _settings(step.attributes))
        known = walk.equal.setdefault(key, step.outputs)
    except TypeError:  # an index with arrays in it cannot be compared
        return None
    return None if known is step.outputs else known


def _settings(attributes: dict[str, Any]) -> Any:
    if not attributes:
        return ()
    return tuple((name, _frozen(value)) for name, value in sorted(attributes.items()))


def _frozen(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, tuple):
        return tuple(_frozen(v) for v in value)
    hash(value)
    # repr tells -0.0 from 0.0.
    return (type(value).__name__, repr(value) if isinstance(value, float) else value)


def _same_as(walk: _Rewriting, step: Step) -> Operand:
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
