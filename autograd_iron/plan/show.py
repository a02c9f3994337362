"""Printing a plan as a reader would write it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_iron.plan.program import Operand, Program, Step, Value

if TYPE_CHECKING:
    from autograd_iron.plan.build import Plan
    from autograd_iron.plan.gpu_plan import GpuPlan
    from autograd_iron.plan.launch import Launch


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


def show_launches(plan: GpuPlan) -> str:
    """Return the launches of a plan on a GPU as text."""
    program, names = plan.program, _names(plan.program)
    work, traffic = sum(map(flops, program.steps)), sum(map(_traffic, plan.launches))
    lines = [
        f"{len(plan.launches)} launches for {len(program.steps)} steps on {program.place}, "
        f"{_count(work)}FLOP, {_count(traffic)}B moved, {_count(plan.bytes)}B of buffers, "
        f"{plan.how}",
    ]
    for launch in plan.launches:
        written = ", ".join(_label(v, names) for v in launch.writes)
        read = ", ".join(_label(v, names) for v in launch.reads)
        text = f"    {written} = {_title(launch)}({read})"
        shapes = ", ".join(f"{list(v.shape)} {v.dtype}" for v in launch.writes)
        lines.append(f"{text:<64} # {shapes}")
    for tensor, value in program.effects:
        lines.append(f"    {names.get(_number_of(program, tensor), 'tensor')} <- {value}")
    lines.append(f"return {', '.join(_label(v, names) for v in program.results)}")
    return "\n".join(lines)


def _title(launch: Launch) -> str:
    """Return the names of what a launch computes."""
    from autograd_iron.plan.launch import Call, Pack, Product

    if isinstance(launch, Product):
        return "matmul"
    if isinstance(launch, Call):
        return launch.step.primitive.name
    if isinstance(launch, Pack):
        return " | ".join(map(_title, launch.parts))
    words = [line.step.primitive.name for line in launch.lines]
    return " ".join([*words, *(fold.combine for fold in launch.folds)])


def _traffic(launch: Launch) -> int:
    return sum(v.bytes for v in (*launch.reads, *launch.writes))


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
