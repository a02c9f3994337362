"""Which memory each value lives in: buffers are shared by values that are never alive together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from autograd_iron.plan.program import Step, Value

ALIGNMENT = 64


@dataclass
class Layout:
    """Where values live.

    Attributes
    ----------
    slot : dict of Value to int
        The number of the buffer.
    sizes : list of int
        Bytes per buffer.
    """

    slot: dict[Value, int] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """All buffers together."""
        return sum(self.sizes)


def last_uses(
    steps: list[Step], roots: dict[Value, Value], kept: Iterable[Value]
) -> dict[Value, int]:
    """Return, per value with memory of its own, the last step that reads it or a view of it."""
    last: dict[Value, int] = {}
    for i, step in enumerate(steps):
        for v in step.values:
            last[roots.get(v, v)] = i
        last.setdefault(roots.get(step.output, step.output), i)
    for v in kept:
        last[roots.get(v, v)] = len(steps)
    return last


def assign(
    steps: list[Step],
    roots: dict[Value, Value],
    sizes: dict[Value, int],
    kept: Iterable[Value],
    in_place: dict[Value, tuple[Value, ...]],
) -> Layout:
    """Give every value with a size a buffer.

    Parameters
    ----------
    steps : list of Step
        In order.
    roots : dict
        For a view, the value whose memory it shows.
    sizes : dict
        Bytes of the values that need a buffer.
    kept : values
        Alive to the end.
    in_place : dict
        Per output, the inputs whose buffer it may take over if they die there.
    """
    last = last_uses(steps, roots, kept)
    layout = Layout()
    free: list[int] = []
    for i, step in enumerate(steps):
        out = step.output
        if out in sizes and out not in layout.slot:
            taken = None
            allowed = in_place.get(out, ())
            still_read = {roots.get(v, v) for v in step.values if v not in allowed}
            for v in allowed:
                root = roots.get(v, v)
                if root in still_read:
                    continue
                if last.get(root) == i and root in layout.slot and sizes[root] == sizes[out]:
                    taken = layout.slot[root]
                    break
            if taken is None:
                taken = _fitting(free, layout.sizes, sizes[out])
            if taken is None:
                taken = len(layout.sizes)
                layout.sizes.append(sizes[out])
            layout.slot[out] = taken
            layout.sizes[taken] = max(layout.sizes[taken], sizes[out])
        holder = {roots.get(v, v) for v in (*step.values, out)}
        for root in holder:
            if last.get(root) == i and root in layout.slot:
                number = layout.slot[root]
                mine = out in layout.slot and layout.slot[out] == number and root != out
                if not mine and number not in free:
                    free.append(number)
    return layout


def _fitting(free: list[int], sizes: list[int], wanted: int) -> int | None:
    """Take the free buffer that fits with least waste, or the largest, which then grows."""
    if not free:
        return None
    best = min(free, key=lambda n: (sizes[n] < wanted, abs(sizes[n] - wanted)))
    free.remove(best)
    return best


def check(
    steps: list[Step],
    roots: dict[Value, Value],
    layout: Layout,
    kept: Iterable[Value],
    in_place: dict[Value, tuple[Value, ...]],
) -> None:
    """Prove that no two values alive at the same time share a buffer.

    Independent of `assign`: it replays the steps and looks at what each buffer holds.

    Raises
    ------
    AssertionError
        A step reads a value whose buffer was overwritten.
    """
    holds: dict[int, Value] = {}
    for i, step in enumerate(steps):
        for v in step.values:
            root = roots.get(v, v)
            if root in layout.slot and holds.get(layout.slot[root]) != root:
                raise AssertionError(f"step {i}: {root} was overwritten before {step.output}")
        out = step.output
        if out in layout.slot:
            allowed = in_place.get(out, ())
            for v in step.values:
                root = roots.get(v, v)
                if layout.slot.get(root) == layout.slot[out] and v not in allowed:
                    raise AssertionError(f"step {i}: {out} is computed over its own input {v}")
            holds[layout.slot[out]] = out
    for v in kept:
        root = roots.get(v, v)
        if root in layout.slot and holds.get(layout.slot[root]) != root:
            raise AssertionError(f"{root} is wanted at the end and was overwritten")
