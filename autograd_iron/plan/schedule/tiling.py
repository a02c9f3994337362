"""Which steps can run on a few rows at a time, and in which order.

Rows are the batch: an axis that the large inputs share.  The labels of each operation say how that
axis passes through it, so every value is either whole or in rows.  A reduction over the rows adds
up over the tiles and is whole afterwards; what needs it starts the next phase.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from autograd_iron.arrays import dtypes
from autograd_iron.core.axes import Labels, passage
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.reduce.extremes import COMBINED
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.plan.schedule.row_axes import Rows

# Words of labels for what rounds the parts that it combines.
_ROUNDED = {w for w, p in COMBINED.items() if p.reduction is not None and p.reduction.wide}

# Tiles are shared out in this many groups, whatever the number of threads: each group adds up on
# its own and the groups are added in order, so the bits do not depend on who did what.
GROUPS = 8


@dataclass
class Phase:
    """Steps that run once (`whole`), then steps that run for every tile (`tiled`)."""

    whole: list[Step] = field(default_factory=list)
    tiled: list[Step] = field(default_factory=list)


@dataclass
class Schedule:
    """The program in phases.

    Attributes
    ----------
    rows : int
        How many there are; 0 if the program is not cut.
    axis : dict of Value to int
        Where the rows are, for the values that have them.
    full : set of Value
        Values in rows that are kept for all rows, because a later phase or the caller needs them.
    combine : dict of Value to Primitive
        Reductions over the rows: the reduction that combines parts.
    """

    phases: list[Phase]
    rows: int
    axis: dict[Value, int]
    full: set[Value]
    combine: dict[Value, Primitive]


def whole(program: Program) -> Schedule:
    """Return the schedule that cuts nothing."""
    return Schedule([Phase(whole=list(program.steps))], 0, {}, set(), {})


def cut(program: Program, rows: Rows) -> Schedule:
    """Return the schedule with everything that can be cut into rows cut."""
    axis: dict[Value, int] = {}
    ready: dict[Value, int] = {}  # the phase from which a value is there
    full: set[Value] = set()
    combine: dict[Value, Primitive] = {}
    phases = [Phase()]

    for value in program.sources():
        ready[value] = 0
        if value in rows.axis:
            axis[value] = rows.axis[value]
            full.add(value)

    made_in: dict[Value, int] = {}  # the phase whose tiles compute a value
    collective = 0  # the phase of the last step that other processes wait for
    for step in program.steps:
        values = list(step.values)
        answers = _through(step, axis, rows)
        tiled = answers is not None
        phase = collective if step.primitive.collective else 0
        for v in values:
            needs = ready[v]
            if v in made_in and not tiled:
                needs = made_in[v] + 1
            phase = max(phase, needs)
        combines = any(isinstance(answer, str) for answer in answers or ())
        while len(phases) <= phase + combines:
            phases.append(Phase())
        for v in values:
            if v in made_in and (not tiled or made_in[v] < phase):
                full.add(v)
        if step.primitive.collective:
            collective = phase
        if tiled:
            phases[phase].tiled.append(step)
        else:
            phases[phase].whole.append(step)
        for out, answer in zip(step.outputs, answers or [None] * len(step.outputs), strict=True):
            ready[out] = phase
            if isinstance(answer, str):
                combine[out] = COMBINED[answer]
                ready[out] = phase + 1
            elif isinstance(answer, int):
                axis[out] = answer
                made_in[out] = phase
            elif out in rows.axis:
                axis[out] = rows.axis[out]
                full.add(out)
    wanted = {v for v in program.wanted() if v in axis}
    schedule = Schedule(phases, rows.count, axis, full | wanted, combine)
    _compute_again(program, schedule, made_in, wanted)
    return schedule


def _compute_again(
    program: Program, schedule: Schedule, made_in: dict[Value, int], wanted: set[Value]
) -> None:
    """Compute values anew in a later phase where that moves fewer bytes than keeping them.

    Keeping writes and reads all rows of a value; computing it again reads the inputs of its step,
    if these are there anyway.
    """
    axis, full = schedule.axis, schedule.full
    made_by = {v: s for phase in schedule.phases for s in phase.tiled for v in s.outputs}
    readers = [
        (number, steps is phase.tiled, {v for s in steps for v in s.values})
        for number, phase in enumerate(schedule.phases)
        for steps in (phase.whole, phase.tiled)
    ]
    for value, step in made_by.items():
        if value not in full or value in wanted or not step.primitive.is_elementwise:
            continue
        if len(step.outputs) > 1:
            continue
        phases = [(n, tiled) for n, tiled, read in readers if value in read and n > made_in[value]]
        inputs = sum(v.bytes for v in step.values if v in axis)
        again = len(phases) * inputs <= (1 + len(phases)) * value.bytes
        there = all(v in full or v not in axis for v in step.values)
        if not (again and there and phases and all(tiled for _, tiled in phases)):
            continue
        for number, _ in phases:
            anew = program.value(value.shape, value.dtype)
            axis[anew] = axis[value]
            tiled = schedule.phases[number].tiled
            tiled[:] = [
                Step(step.primitive, step.inputs, step.attributes, anew),
                *(s.with_inputs(tuple(anew if v is value else v for v in s.inputs)) for s in tiled),
            ]
        full.remove(value)


def _through(step: Step, axis: dict[Value, int], rows: Rows) -> tuple[int | str, ...] | None:
    """Return the axis of the rows in each output, or how its parts combine; None: not cut."""
    labels = rows.labels[step]
    if labels is None:
        return None
    cut = [axis.get(v) if isinstance(v, Value) else None for v in step.inputs]
    if all(a is None for a in cut):
        return _repeated(labels, step, rows)
    answers = passage(labels, cut)
    if answers is None:
        return None
    answers *= len(step.outputs) // len(answers)
    # The sums over tiles would be rounded to 16 bits, and again when they are added up.
    pairs = zip(answers, step.outputs, strict=True)
    rounded = any(answer in _ROUNDED and dtypes.is_narrow(out.dtype) for answer, out in pairs)
    return None if rounded else answers


def _repeated(labels: Labels, step: Step, rows: Rows) -> tuple[int] | None:
    """Return the axis of the rows if the step makes these by repeating a value that is whole."""
    if len(step.outputs) > 1 or step.output not in rows.axis:
        return None
    axis = rows.axis[step.output]
    made = labels.outputs[0][axis]
    given = {label for own in labels.operands for label in own}
    return None if made is None or made in given else (axis,)


def groups(rows: int, height: int) -> list[list[int]]:
    """Return where the tiles start, in the groups that add up on their own."""
    starts = list(range(0, rows, height))
    share = math.ceil(len(starts) / GROUPS)
    return [starts[i : i + share] for i in range(0, len(starts), share)]


def folding(combine: Primitive) -> Reduction:
    """Return what a primitive of `Schedule.combine` is."""
    assert combine.reduction is not None
    return combine.reduction
