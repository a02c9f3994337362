"""From a program to tasks: what runs in one loop, and in which order.

Loops are grown from the end of the program to its start: a step joins the loop that reads it
first, if both run over the same elements, or another one over them that runs earlier still.  So
what backward derives from an activation is computed where it is used, and not beside the
activation, to be stored.  Every group has its place in one order, and a step joins no group that is
placed behind a reader of it: there can be no cycle.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import heapq
import math
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from autograd_iron.plan.loops.loops import (
    Call,
    Fold,
    Line,
    Loop,
    Product,
    ReducingLoop,
    Task,
    views_of,
)
from autograd_iron.plan.loops.pieces import Machine, Piece, Pieces
from autograd_iron.plan.loops.views import Shape
from autograd_iron.plan.program import Program, Value


def tasks(
    program: Program, machine: Machine, strides: Mapping[Value, Shape] | None = None
) -> list[Task]:
    """Return what computes the program, in an order in which it can run.

    A value that nothing makes because it is another look at one that is made is not written
    anywhere, unless it is a result, an effect or a gradient; then a loop copies it.  What has no
    elements is not computed.

    Parameters
    ----------
    program : Program
        After the passes.
    machine : Machine
    strides : dict of Value to tuple of int, optional
        Of the sources that do not lie in row-major order and without gaps: theirs, in elements.
    """
    pieces = Pieces(program, machine, strides or {}).all
    return _ordered(_grouped(pieces, program.wanted(), machine), machine)


@dataclass(eq=False)
class _Group:
    """Pieces of one task; `shape` is None if it takes no more than one, `place` is its own."""

    shape: Shape | None
    place: float
    pieces: list[Piece] = field(default_factory=list)
    folds: int = 0
    axes: Shape | None = None

    def takes(self, joined: list[Piece], machine: Machine) -> bool:
        """Say whether pieces over the same elements still fit."""
        if self.shape != joined[0].shape or len(self.pieces) + len(joined) > machine.lines:
            return False
        axes = {piece.axes for piece in joined if isinstance(piece.what, Fold)}
        count = self.folds + sum(isinstance(piece.what, Fold) for piece in joined)
        return (
            count <= machine.folds and len(axes if self.axes is None else axes | {self.axes}) <= 1
        )

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        if isinstance(piece.what, Fold):
            self.folds += 1
            self.axes = piece.axes

    def task(self, outputs: set[Value]) -> Task:
        """Return it as a task, with these of its values written."""
        pieces = sorted(self.pieces, key=lambda w: w.number)
        first = pieces[0].what
        if isinstance(first, Product | Call):
            return first
        lines = tuple(w.what for w in pieces if isinstance(w.what, Line))
        folds = tuple(w.what for w in pieces if isinstance(w.what, Fold))
        written = tuple(line.output for line in lines if line.output in outputs)
        shape = pieces[0].shape
        if not folds:
            return Loop(shape, lines, written)
        return ReducingLoop(shape, lines, written, self.axes or (), folds)


class _Order:
    """The groups in the order of their places, which are numbers with room between them.

    Attributes
    ----------
    all : list of _Group
    """

    def __init__(self, machine: Machine) -> None:
        self.all: list[_Group] = []
        self._machine = machine
        self._open: dict[Shape, list[_Group]] = {}  # those that may take more, by shape

    def last_before(self, place: float, joined: list[Piece]) -> _Group | None:
        """Return the last group before a place that takes pieces over the same elements."""
        alike = self._open.get(joined[0].shape, [])
        for i in reversed(range(bisect_left(alike, place, key=_place))):
            group = alike[i]
            if group.takes(joined, self._machine):
                return group
            if len(group.pieces) >= self._machine.lines:
                del alike[i]
        return None

    def make(self, place: float, shape: Shape | None) -> _Group:
        """Return a new group, which stands before all that are at this place or after it."""
        i = bisect_left(self.all, place, key=_place)
        if not self.all:
            new = 0.0
        elif not i:
            new = self.all[0].place - 1
        elif i == len(self.all):
            new = self.all[-1].place + 1
        else:
            low, high = self.all[i - 1].place, self.all[i].place
            new = (low + high) / 2
            if not low < new < high:  # no room is left
                for number, group in enumerate(self.all):
                    group.place = float(number)
                new = i - 0.5
        made = _Group(shape, new)
        self.all.insert(i, made)
        if shape is not None:
            insort(self._open.setdefault(shape, []), made, key=_place)
        return made


def _place(group: _Group) -> float:
    return group.place


def _grouped(pieces: list[Piece], wanted: list[Value], machine: Machine) -> list[tuple[int, Task]]:
    """Return the tasks with the place of their last step in the program."""
    order = _Order(machine)
    readers: dict[Value, dict[_Group, bool]] = {}  # whether each reads it element by element
    written = set(wanted)
    lines = {w.what.output: w for w in pieces if isinstance(w.what, Line)}
    follower: _Group | None = None  # the collective that comes next
    waiting: dict[Piece, list[Piece]] = {}  # folds, until the line is placed whose values they fold
    for piece in reversed(pieces):
        needed = any(v in readers or v in written for v in piece.outputs)
        collective = _is_collective(piece.what)
        needed |= collective
        if not needed and piece not in waiting:
            continue
        if isinstance(piece.what, Fold):
            source = piece.what.source
            line = lines.get(source.root)
            if line is not None and source.whole and source.shape == piece.shape == line.shape:
                others = waiting.setdefault(line, [])
                if all(o.axes == piece.axes for o in others) and len(others) < machine.folds:
                    others.append(piece)
                    continue
        joined = [piece, *waiting.pop(piece, [])]
        group = _home(joined, order, readers, machine, follower if collective else None)
        follower = group if collective else follower
        for one in joined:
            group.add(one)
            for v in one.outputs:
                if any(other is not group for other in readers.get(v, ())):
                    written.add(v)
            for view in views_of(one.what):
                same = view.whole and view.shape == one.shape and group.shape is not None
                reading = readers.setdefault(view.root, {})
                reading[group] = reading.get(group, True) and same
    return [(max(w.number for w in g.pieces), g.task(written)) for g in order.all]


def _home(
    joined: list[Piece],
    order: _Order,
    readers: dict[Value, dict[_Group, bool]],
    machine: Machine,
    before: _Group | None,
) -> _Group:
    """Return the group that pieces over the same elements join, or a new one in its place."""
    piece, *folds = joined
    shape = None if isinstance(piece.what, Product | Call) else piece.shape

    def first_reader(*pieces: Piece) -> _Group | None:
        groups = (group for one in pieces for v in one.outputs for group in readers.get(v, ()))
        return min(groups, key=_place, default=None)

    reader, due = first_reader(piece), math.inf
    first = first_reader(*joined)
    if first is not None:
        due = first.place
    if shape is not None:
        other = first_reader(*folds)
        nearest = reader is not None and (other is None or reader.place < other.place)
        if reader is not None and nearest and not isinstance(piece.what, Fold):
            same = readers[piece.outputs[0]][reader]
            if same and reader.takes(joined, machine):
                return reader
        earlier = order.last_before(due, joined)
        if earlier is not None:
            return earlier
    if before is not None:
        due = min(due, before.place)
    return order.make(due, shape)


def _ordered(groups: list[tuple[int, Task]], machine: Machine) -> list[Task]:
    """Return the tasks in the order of the program, as far as their needs allow.

    So that a buffer lives no longer than it would have, had every step been run by itself.  What
    is small and no other task waits for goes last, where it can be bundled.
    """
    maker = {v: i for i, (_, task) in enumerate(groups) for v in task.writes}
    read = {v for _, task in groups for v in task.reads}
    places = [
        (_is_small(task, machine) and read.isdisjoint(task.writes), number)
        for number, task in groups
    ]
    waits: list[set[int]] = [{maker[v] for v in task.reads if v in maker} for _, task in groups]
    collective = sorted((n, i) for i, (n, task) in enumerate(groups) if _is_collective(task))
    for (_, first), (_, then) in pairwise(collective):
        waits[then].add(first)
    followers: list[list[int]] = [[] for _ in groups]
    for i, before in enumerate(waits):
        for j in before:
            followers[j].append(i)
    ready = [(places[i], i) for i, before in enumerate(waits) if not before]
    heapq.heapify(ready)
    found: list[Task] = []
    while ready:
        _, i = heapq.heappop(ready)
        found.append(groups[i][1])
        for j in followers[i]:
            waits[j].discard(i)
            if not waits[j]:
                heapq.heappush(ready, (places[j], j))
    return found


def _is_collective(what: object) -> bool:
    return isinstance(what, Call) and what.step.primitive.collective


def _is_small(task: Task, machine: Machine) -> bool:
    return isinstance(task, Loop) and sum(v.bytes for v in task.reads) <= machine.last
