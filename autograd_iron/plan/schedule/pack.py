"""Equal steps on several small values, as one step: the values lie one after the other in memory.

`rate * g` for each parameter of a small network is such a case.  A call of the array library costs
more than its work there, so four parameters then take the time of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_iron.plan.program import Program, Step, Value

LARGEST = 1 << 15  # bytes of a pack: beyond, the work outweighs the call

Packs = dict[Value, list[Value]]


def pack(program: Program, steps: list[Step], fixed: Iterable[Value]) -> tuple[list[Step], Packs]:
    """Return the steps with equal ones joined, and which values lie in each new one's memory.

    Parameters
    ----------
    program : Program
        It numbers the new values.
    steps : list of Step
        They run in this order.
    fixed : values
        Their memory is given, so that it cannot be chosen here.
    """
    where = {v: i for i, step in enumerate(steps) for v in step.outputs}
    free = where.keys() - set(fixed)
    alike: dict[Any, list[tuple[Step, Value]]] = {}
    for step in steps:
        source = _source(step)
        if source is not None and source in free and step.output in free:
            others = tuple("" if v is source else v for v in step.inputs)
            key = (step.primitive, repr(others), source.dtype)
            alike.setdefault(key, []).append((step, source))

    joined: dict[Value, Step | None] = {}
    packs: Packs = {}
    taken: set[Value] = set()
    for members in alike.values():
        first = where[members[0][0].output]
        members = [(step, source) for step, source in members if where[source] < first]
        sources = [source for _, source in members]
        if len(set(sources)) < max(2, len(sources)) or taken & set(sources):
            continue
        if sum(source.bytes for source in sources) > LARGEST:
            continue
        size = sum(source.size for source in sources)
        before, after = (program.value((size,), sources[0].dtype) for _ in range(2))
        packs[before] = sources
        packs[after] = [step.output for step, _ in members]
        taken.update(packs[before], packs[after])
        step, source = members[0]
        joined |= dict.fromkeys(packs[after])
        inputs = tuple(before if v is source else v for v in step.inputs)
        joined[step.output] = Step(step.primitive, inputs, step.attributes, after)
    made = [joined.get(step.outputs[0], step) for step in steps]
    return [step for step in made if step is not None], packs


def _source(step: Step) -> Value | None:
    """Return the one value of the output's shape that a step works on beside numbers."""
    large = {v for v in step.values if v.shape}
    if len(step.outputs) > 1:
        return None
    if step.primitive.ufunc is None or len(large) != 1:
        return None
    (source,) = large
    out = step.output
    return source if (source.shape, source.dtype) == (out.shape, out.dtype) else None
