"""Printing a plan as a reader would write it."""

from __future__ import annotations

import math
import re
import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays.cuda import size_text
from autograd_iron.ops.linalg.products import matmul
from autograd_iron.plan.loops.loops import Bundle, Call, Product, Task
from autograd_iron.plan.numpy.lines import python
from autograd_iron.plan.program import Operand, Program, Step, Value
from autograd_iron.support.text import visible

if TYPE_CHECKING:
    from autograd_iron.plan.cuda.gpu_plan import GpuPlan
    from autograd_iron.plan.numpy.build import Plan
    from autograd_iron.plan.numpy.stage import Stage

WIDTH = 100


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
        called = {repr(value): name for value, name in names.items()}
        for text in (text for view in plan.views for text in python(view, set())):
            lines.append("    " + re.sub(r"\bv\d+\b", lambda m: called.get(m[0], m[0]), text))
    for stage in plan.stages:
        lines.append("for each tile:" if stage.tiled else "once:")
        for step in stage.steps:
            made = ", ".join(_label(v, names) for v in step.outputs)
            text = f"    {made} = {_call(step, names)}"
            notes = "; ".join(_note(plan, stage, v) for v in step.outputs)
            lines.append(f"{text:<64} # {notes}")
    for tensor, value in program.effects:
        lines.append(f"    {names.get(_number_of(program, tensor), 'tensor')} <- {value}")
    lines.append(f"return {', '.join(_label(v, names) for v in program.results)}")
    return "\n".join(lines)


def _note(plan: Plan, stage: Stage, value: Value) -> str:
    """Return the shape, the dtype and the place of a value in words."""
    shape = list(value.shape)
    axis = plan.schedule.axis.get(value)
    if stage.tiled and axis is not None:
        shape[axis] = plan.tile
    note = f"{shape} {value.dtype}"
    if value in stage.slots:
        note += f" in b{stage.slots[value]}"
    if value in stage.parameters.totals:
        note += f", {plan.schedule.combine[value].name} over the tiles"
    return note


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
        parts = launch.parts if isinstance(launch, Bundle) else (launch,)
        if len(parts) > 1:
            lines.append(f"    {len(parts)} in one launch:")
        lines += [_wrapped(part, names, indent=4 * min(len(parts), 2)) for part in parts]
    for tensor, value in program.effects:
        lines.append(f"    {names.get(_number_of(program, tensor), 'tensor')} <- {value}")
    lines.append(f"return {', '.join(_label(v, names) for v in program.results)}")
    return "\n".join(lines)


def _wrapped(launch: Task, names: dict[Value, str], indent: int) -> str:
    """Return a launch in lines of bearable width."""
    written, read = ([_label(v, names) for v in vs] for vs in (launch.writes, launch.reads))
    text = f"{', '.join(written)} = {_title(launch)}({', '.join(read)})"
    shapes: list[str] = []
    for kind, same in groupby(f"{list(v.shape)} {v.dtype}" for v in launch.writes):
        count = len(list(same))
        shapes.append(kind if count == 1 else f"{count} of {kind}")
    first, more = " " * indent, " " * (indent + 8)
    lines = textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=more)
    note = f"# {', '.join(shapes)}"
    if max(len(lines[-1]), 64) + 1 + len(note) > WIDTH:
        notes = textwrap.wrap(note, WIDTH, initial_indent=more, subsequent_indent=f"{more}# ")
        return "\n".join([*lines, *notes])
    lines[-1] = f"{lines[-1]:<64} {note}"
    return "\n".join(lines)


def _title(launch: Task) -> str:
    """Return the names of what a launch computes."""
    if isinstance(launch, Product):
        return matmul.name
    if isinstance(launch, Call):
        return visible(launch.step.primitive.name)
    if isinstance(launch, Bundle):
        return " | ".join(map(_title, launch.parts))
    words = [line.step.primitive.name for line in launch.lines]
    return " ".join([*words, *(fold.step.primitive.name for fold in launch.folds)])


def largest(plan: GpuPlan, count: int = 5) -> str:
    """Return the values that take most of the memory of a plan on a GPU, in words."""
    program, names = plan.program, _names(plan.program)
    made = {v: visible(step.primitive.name) for step in program.steps for v in step.outputs}
    held = [*program.arguments, *(v for _, v in (*program.constants, *program.draws))]
    held += [v for launch in plan.launches for v in launch.writes]
    texts = []
    for value in sorted(dict.fromkeys(held), key=lambda v: -v.bytes)[:count]:
        made_by = f" ({made[value]})" if value in made else ""
        texts.append(
            f"{_label(value, names)}{made_by} {list(value.shape)} {value.dtype}, "
            f"{size_text(value.bytes)}"
        )
    return "; ".join(texts)


def _traffic(launch: Task) -> int:
    return sum(v.bytes for v in (*launch.reads, *launch.writes))


def _number_of(program: Program, tensor: Any) -> Any:
    return next((v for other, v in program.captured if other is tensor), None)


def _names(program: Program) -> dict[Value, str]:
    names = {value: visible(name) for value, name in program.names.items()}
    for i, value in enumerate(program.arguments):
        names.setdefault(value, f"argument{i}")
    return names


def _label(value: Operand, names: dict[Value, str]) -> str:
    return names.get(value, repr(value)) if isinstance(value, Value) else repr(value)


def _call(step: Step, names: dict[Value, str]) -> str:
    operands = [_label(v, names) for v in step.inputs]
    operands += [
        f"{key}={visible(' '.join(repr(value).split()))}"
        for key, value in step.attributes.items()
        if value is not None
    ]
    return f"{visible(step.primitive.name)}({', '.join(operands)})"


def flops(step: Step) -> int:
    """Return the arithmetic operations of a step, a transcendental function counting as one."""
    out = sum(v.size for v in step.outputs)
    if step.primitive is matmul:
        first = step.inputs[0]
        return 2 * out * (first.shape[-1] if isinstance(first, Value) else 1)
    return max([out, *(math.prod(v.shape) for v in step.values)])


def moved(step: Step) -> int:
    """Return the bytes that a step reads and writes."""
    return sum(v.bytes for v in (*step.outputs, *step.values))


def _count(number: float) -> str:
    for unit in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} T"
