"""Which axes of the values are the rows: found by following labels through the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autograd_iron.core.axes import Label, Labels, aligned
from autograd_iron.core.explain import EXPLAINED, explain
from autograd_iron.core.specs import Spec
from autograd_iron.plan.program import Program, Step, Value

SMALLEST_TILE = 64
# An input is large that takes at least this part of the bytes of the largest input.
LARGE = 0.1

# An axis of a value.
Place = tuple[Value, int]


@dataclass(frozen=True)
class Rows:
    """Axes of one size that can be cut together.

    Attributes
    ----------
    count : int
        Their size.
    axis : dict of Value to int
        Where the rows are in each value that has them, whether or not a tile can compute the value.
    labels : dict of Step to Labels, or None
        Those of every step.
    """

    count: int
    axis: dict[Value, int]
    labels: dict[Step, Labels | None]


def candidates(program: Program) -> Iterator[Rows]:
    """Yield the axes that can be cut, the likeliest first.

    First come the leading axes of large inputs, those of most bytes before the others, then axes
    that all large inputs share.  What requires a gradient or is assigned to, parameters and
    optimizer state, is not data.
    """
    data, large = _data(program), _large(program)
    leading: Counter[int] = Counter()
    for value in data:
        if value.shape:
            leading[value.shape[0]] += value.bytes
    ordered = [n for n, _ in leading.most_common()]
    first = [n for n in ordered if any(v.shape[:1] == (n,) for v in large)]
    shared = set.intersection(*(set(v.shape) for v in large)) if large else set()
    sizes = [*first, *sorted(shared, reverse=True), *ordered]
    labels: dict[Step, Labels | None] | None = None
    for count in dict.fromkeys(n for n in sizes if n > SMALLEST_TILE):
        labels = labels or labels_of(program)
        rows = of_size(program, count, labels, inner=count not in leading)
        if any(v in rows.axis for v in data):
            yield rows


def of_size(
    program: Program,
    count: int,
    labels: dict[Step, Labels | None] | None = None,
    inner: bool = False,
) -> Rows:
    """Return the rows among the axes of a size.

    Axes that have one label in a step are one; those that no value has side by side can be cut
    together.

    Parameters
    ----------
    inner : bool
        Whether no data has the size on its leading axis.  An axis that parameters or optimizer
        state have too is then one of features.
    """
    labels = labels or labels_of(program)
    joined = _Joined()
    having = {v for v in program.sources() if joined.add(v, count)}
    for step in program.steps:
        having.update([v for v in step.outputs if joined.add(v, count)])
        known = labels[step]
        if known is None or having.isdisjoint((*step.values, *step.outputs)):
            continue
        made = known.outputs * (len(step.outputs) // len(known.outputs))
        first: dict[Label, Place] = {}
        operands = (*step.inputs, *step.outputs)
        for operand, own in zip(operands, (*known.operands, *made), strict=True):
            if type(operand) is Value and operand in having:
                for a, label in enumerate(own):
                    if label is not None and operand.shape[a] == count:
                        joined.join(first.setdefault(label, (operand, a)), (operand, a))
    axis: dict[Value, int] = {}
    data, state = set(_data(program)), _state(program)
    large = set(_large(program))

    def weight(group: list[Place]) -> int:
        return sum(v.bytes for v in large.intersection(v for v, _ in group))

    for group in sorted(joined.groups(), key=weight, reverse=True):
        values = {v for v, _ in group}
        of_features = not values.isdisjoint(state) and (inner or values.isdisjoint(data))
        if of_features or not values.isdisjoint(axis):
            continue
        for value, a in reversed(group):  # of two axes the first is left
            axis[value] = a
    for value in state:
        axis.pop(value, None)
    return Rows(count, axis, labels)


class _Joined:
    """Axes of values, those that are known to be one in a group."""

    def __init__(self) -> None:
        self._above: dict[Place, Place] = {}

    def add(self, value: Value, count: int) -> bool:
        """Add the axes of a size that a value has; return whether it has one."""
        if count not in value.shape:
            return False
        for a, n in enumerate(value.shape):
            if n == count:
                self._above[value, a] = (value, a)
        return True

    def _top(self, place: Place) -> Place:
        while (above := self._above[place]) != place:
            self._above[place] = self._above[above]
            place = above
        return place

    def join(self, one: Place, other: Place) -> None:
        """Make one group of the groups of two axes."""
        self._above[self._top(other)] = self._top(one)

    def groups(self) -> list[list[Place]]:
        """Return the groups; in each the axes in the order in which they were added."""
        found: dict[Place, list[Place]] = {}
        for place in self._above:
            found.setdefault(self._top(place), []).append(place)
        return list(found.values())


def labels_of(program: Program) -> dict[Step, Labels | None]:
    """Return the labels of every step; None for one that talks to other processes, or has none."""
    return {step: _labels(step) for step in program.steps}


def _labels(step: Step) -> Labels | None:
    if step.primitive.collective:
        return None
    if step.primitive.is_elementwise:  # most are: their labels cannot be wrong
        return aligned(*step.inputs)
    operands = [Spec(v.shape, v.dtype) if isinstance(v, Value) else v for v in step.inputs]
    try:
        labels = step.primitive.labels(operands, step.attributes)
        if labels is not None:
            _check(labels, step)
    except EXPLAINED as error:
        explain(step.primitive, operands, step.attributes, error)
    return labels


def _check(labels: Labels, step: Step) -> None:
    """Refuse labels that are not those of the axes that there are."""
    made, outputs = labels.outputs, step.outputs
    if len(made) == 1:
        made *= len(outputs)
    if len(made) != len(outputs):
        raise ValueError(f"its labels name {len(made)} results, and there are {len(outputs)}")
    pairs = [*zip(labels.operands, step.inputs, strict=True), *zip(made, outputs, strict=True)]
    for own, v in pairs:
        if isinstance(v, Value) and len(own) != len(v.shape):
            what = "a result" if v in outputs else "an operand"
            raise ValueError(f"its labels name {len(own)} axes of {what} of shape {v.shape}")


def _state(program: Program) -> set[Value]:
    assigned = {id(tensor) for tensor, _ in program.effects}
    return {v for t, v in program.captured if t.requires_grad or id(t) in assigned}


def _data(program: Program) -> list[Value]:
    state = _state(program)
    captured = [v for _, v in program.captured if v not in state]
    return [*program.arguments, *(v for _, v in program.constants), *captured]


def _large(program: Program) -> list[Value]:
    data = _data(program)
    least = LARGE * max((v.bytes for v in data), default=0)
    return [v for v in data if v.bytes >= least]
