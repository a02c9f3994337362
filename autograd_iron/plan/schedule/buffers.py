"""Which memory each value lives in: buffers are shared by values that are never alive together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autograd_iron.plan.program import Value

ALIGNMENT = 64


class Access(Protocol):
    """What reads and writes memory in one go: a step, or a task of loops."""

    @property
    def reads(self) -> tuple[Value, ...]:
        """The values that it reads."""

    @property
    def writes(self) -> tuple[Value, ...]:
        """The values that it makes."""


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
    steps: Sequence[Access], roots: dict[Value, Value], kept: Iterable[Value]
) -> dict[Value, int]:
    """Return, per value with memory of its own, the last step that reads it or a view of it."""
    last: dict[Value, int] = {}
    for i, step in enumerate(steps):
        for v in step.reads:
            last[roots.get(v, v)] = i
        for v in step.writes:
            last.setdefault(roots.get(v, v), i)
    for v in kept:
        last[roots.get(v, v)] = len(steps)
    return last


def assign(
    steps: Sequence[Access],
    roots: dict[Value, Value],
    sizes: dict[Value, int],
    kept: Iterable[Value],
    in_place: dict[Value, tuple[Value, ...]],
) -> Layout:
    """Give every value with a size a buffer.

    Parameters
    ----------
    steps : sequence of Access
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
    free: dict[int, list[int]] = {}  # by size, of which there are few
    for i, step in enumerate(steps):
        passed_on = set()
        for out in step.writes:
            if out not in sizes or out in layout.slot:
                continue
            taken = None
            allowed = in_place.get(out, ())
            still_read = allowed and {roots.get(v, v) for v in step.reads if v not in allowed}
            for v in allowed:
                root = roots.get(v, v)
                if root in still_read or root in passed_on:
                    continue
                if last.get(root) == i and root in layout.slot and sizes[root] == sizes[out]:
                    taken = layout.slot[root]
                    passed_on.add(root)
                    break
            if taken is None:
                taken = _fitting(free, sizes[out])
            if taken is None:
                taken = len(layout.sizes)
                layout.sizes.append(sizes[out])
            layout.slot[out] = taken
            layout.sizes[taken] = max(layout.sizes[taken], sizes[out])
        for root in dict.fromkeys([roots.get(v, v) for v in (*step.reads, *step.writes)]):
            if last.get(root) == i and root in layout.slot and root not in passed_on:
                slot = layout.slot[root]
                free.setdefault(layout.sizes[slot], []).append(slot)
    return layout


def _fitting(free: dict[int, list[int]], wanted: int) -> int | None:
    """Take the free buffer that fits with least waste, or the largest, which then grows."""
    if not free:
        return None
    best = min(free, key=lambda size: (size < wanted, abs(size - wanted)))
    taken = free[best].pop()
    if not free[best]:
        del free[best]
    return taken


def check(
    steps: Sequence[Access],
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
        for v in step.reads:
            root = roots.get(v, v)
            if root in layout.slot and holds.get(layout.slot[root]) != root:
                raise AssertionError(f"step {i}: {root} was overwritten before {step.writes}")
        for out in step.writes:
            if out not in layout.slot:
                continue
            allowed = in_place.get(out, ())
            for v in step.reads:
                root = roots.get(v, v)
                if layout.slot.get(root) == layout.slot[out] and v not in allowed:
                    raise AssertionError(f"step {i}: {out} is computed over its own input {v}")
            holds[layout.slot[out]] = out
        slots = [layout.slot[v] for v in step.writes if v in layout.slot]
        if len(set(slots)) < len(slots):
            raise AssertionError(f"step {i}: two of {step.writes} share a buffer")
    for v in kept:
        root = roots.get(v, v)
        if root in layout.slot and holds.get(layout.slot[root]) != root:
            raise AssertionError(f"{root} is wanted at the end and was overwritten")
