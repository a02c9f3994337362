"""Printing a plan as a reader would write it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_iron.plan.program import Operand, Program, Step, Value

if TYPE_CHECKING:
    from autograd_iron.plan.build import Plan


def show(plan: Plan) -> str:
    """Return the program as text: its stages line by line, its work and its memory."""
    program, rows = plan.program, plan.schedule.rows
    names = _names(program)
    steps = [s for stage in plan.stages for s in stage.steps]
    work = sum(flops(s) for s in steps)
    lines = [
        f"{len(steps)} steps, {_count(work)}FLOP, {_count(sum(map(moved, steps)))}B moved, "
        f"{_count(plan.bytes)}B of buffers",
    ]
    if plan.tile:
        tiles = math.ceil(rows / plan.tile)
        lines.append(f"{rows:,} rows in {tiles} tiles of {plan.tile}, {plan.threads} threads")
    if plan.views:
        lines.append("in the memory of others, once and for all:")
        lines += [f"    {view}" for view in plan.views]
    for stage in plan.stages:
        lines.append("for each tile:" if stage.tiled else "once:")
        for step in stage.steps:
            shape = list(step.output.shape)
            axis = plan.schedule.axis.get(step.output)
            if stage.tiled and axis is not None:
                shape[axis] = plan.tile
            text = f"    {_label(step.output, names)} = {_call(step, names)}"
            note = f"{shape} {step.output.dtype}"
            if step.output in stage.slots:
                note += f" in b{stage.slots[step.output]}"
            if step.output in stage.totals:
                note += f", {plan.schedule.combine[step.output]} over the tiles"
            lines.append(f"{text:<64} # {note}")
    for tensor, value in program.effects:
        lines.append(f"    {names.get(_number_of(program, tensor), 'tensor')} <- {value}")
    lines.append(f"return {', '.join(_label(v, names) for v in program.results)}")
    return "\n".join(lines)


def _number_of(program: Program, tensor: Any) -> Any:
    return next((v for other, v in program.captured if other is tensor), None)


def _names(program: Program) -> dict[Value, str]:
    names = dict(program.names)
    for i, value in enumerate(program.arguments):
        names.setdefault(value, f"argument{i}")
    return names


def _label(value: Operand, names: dict[Value, str]) -> str:
    return names.get(value, repr(value)) if isinstance(value, Value) else repr(value)


def _call(step: Step, names: dict[Value, str]) -> str:
    operands = [_label(v, names) for v in step.inputs]
    operands += [f"{key}={value!r}" for key, value in step.attributes.items() if value is not None]
    return f"{step.primitive.name}({', '.join(operands)})"


def flops(step: Step) -> int:
    """Return the arithmetic operations of a step, a transcendental function counting as one."""
    out = math.prod(step.output.shape)
    if step.primitive.name == "matmul":
        first = step.inputs[0]
        return 2 * out * (first.shape[-1] if isinstance(first, Value) else 1)
    return max([out, *(math.prod(v.shape) for v in step.values)])


def moved(step: Step) -> int:
    """Return the bytes that a step reads and writes."""
    return step.output.bytes + sum(v.bytes for v in step.values)


def _count(number: float) -> str:
    for unit in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} T"
