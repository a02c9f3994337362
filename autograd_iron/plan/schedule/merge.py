"""Equal steps on several small values, as one step: the values lie one after the other in memory.

`rate * g` for each parameter of a small network is such a case.  A call of the array library costs
more than its work there, so four parameters then take the time of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autograd_iron.plan.program import Program, Step, Value

LARGEST = 1 << 15  # bytes of a merged value: beyond, the work outweighs the call

Merged = dict[Value, list[Value]]


def merge(program: Program, steps: list[Step], fixed: Iterable[Value]) -> tuple[list[Step], Merged]:
    """Return the steps with equal ones merged, and which values lie in each new one's memory.

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

    merged: dict[Value, Step | None] = {}
    found: Merged = {}
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
        found[before] = sources
        found[after] = [step.output for step, _ in members]
        taken.update(found[before], found[after])
        step, source = members[0]
        merged |= dict.fromkeys(found[after])
        inputs = tuple(before if v is source else v for v in step.inputs)
        merged[step.output] = Step(step.primitive, inputs, step.attributes, after)
    made = [merged.get(step.outputs[0], step) for step in steps]
    return [step for step in made if step is not None], found


def _source(step: Step) -> Value | None:
    """Return the one value of the output's shape that a step works on beside numbers."""
    if len(step.outputs) > 1 or step.primitive.ufunc is None:
        return None
    large = {v for v in step.values if v.shape}
    if len(large) != 1:
        return None
    (source,) = large
    out = step.output
    return source if (source.shape, source.dtype) == (out.shape, out.dtype) else None
