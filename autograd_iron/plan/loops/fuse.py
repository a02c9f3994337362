"""From a program to launches: what runs in one kernel, and in which order.

Kernels are grown from the end of the program to its start: a step joins the kernel that reads it
first, if both run over the same elements, or another one over them that runs earlier still.  So
what backward derives from an activation is computed where it is used, and not beside the
activation, to be stored.  Every group has its place in one order, and a step joins no group that is
placed behind a reader of it: there can be no cycle.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.linalg.products import matmul
from autograd_iron.ops.shapes.conversion import astype
from autograd_iron.ops.shapes.reshaping import reshape
from autograd_iron.plan.cuda import c_text
from autograd_iron.plan.loops.launch import (
    Call,
    Elementwise,
    Fold,
    Launch,
    Line,
    Operand,
    Pack,
    Product,
    ReducingLoop,
    Shape,
    View,
    dense_strides,
    views_of,
    whole,
)
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.transforms.gradients import identity

# At most so many values are computed and reduced in one kernel (registers and shared memory end),
# and so many pointers handed to one of several parts (CUDA takes 4096 bytes of arguments).
LINES = 64
FOLDS = 6
BUFFERS = 128
# Bytes that a launch may read and still be put off to the end.
SMALL = 4096


def launches(program: Program, strides: Mapping[Value, Shape] | None = None) -> list[Launch]:
    """Return what computes the program, in an order in which it can run.

    A value that nothing makes because it is another look at one that is made is not written
    anywhere, unless it is a result, an effect or a gradient; then a kernel copies it.  What has no
    elements is not computed.

    Parameters
    ----------
    program : Program
        After the passes.
    strides : dict of Value to tuple of int, optional
        Of the sources that do not lie in row-major order and without gaps: theirs, in elements.
    """
    works = _Works(program, strides or {}).all
    return _packed(_ordered(_grouped(works, program.wanted())))


@dataclass(eq=False)
class _Work:
    """A line, a fold, a product or a call, and where it stands in the program."""

    number: int
    what: Line | Fold | Product | Call
    shape: Shape = ()
    axes: Shape = ()

    @property
    def outputs(self) -> tuple[Value, ...]:
        return self.what.writes if isinstance(self.what, Call) else (self.what.output,)


class _Works:
    """The steps of a program with every operand a view of some buffer."""

    def __init__(self, program: Program, strides: Mapping[Value, Shape]) -> None:
        self.all: list[_Work] = []
        self._views = {
            v: View(v, v.shape, strides.get(v, dense_strides(v.shape))) for v in program.sources()
        }
        self._narrow: dict[Value, View] = {}  # what float32 values were cast from
        self._wanted = set(program.wanted()) - set(program.sources())
        self._count = program.count
        for step in program.steps:
            self._step(step)

    def _add(self, what: Line | Fold | Product | Call, shape: Shape = (), axes: Shape = ()) -> None:
        self.all.append(_Work(len(self.all), what, shape, axes))

    def _step(self, step: Step) -> None:
        if len(step.outputs) > 1:
            self._views |= {v: whole(v) for v in step.outputs}
            if step.primitive.collective or any(v.bytes for v in step.outputs):
                self._add(Call(step, tuple(self._operand(v) for v in step.inputs)))
            return
        out = step.output
        view = self._look(step)
        if view is not None:
            self._views[out] = view
            if out in self._wanted and out.bytes:
                self._copy(view, out)
            return
        self._views[out] = whole(out)
        if not out.bytes and not step.primitive.collective:
            return
        primitive = step.primitive
        if primitive is astype and out.dtype == dtypes.float32:
            view = self._view(step.inputs[0])
            if view.whole and dtypes.is_narrow(view.root.dtype):
                self._narrow[out] = view
        form = FORMS.get(primitive)
        if form is not None and form(self, step):
            return
        if primitive.reduction is not None:
            self._fold(step, primitive.reduction)
        else:
            operands = tuple(self._operand(v) for v in step.inputs)
            if not self._line(step, operands):
                self._add(Call(step, operands))

    def _operand(self, operand: Any) -> Operand:
        return self._views[operand] if isinstance(operand, Value) else operand

    def _view(self, operand: Any) -> View:
        return self._views[operand]

    def _look(self, step: Step) -> View | None:
        """Return the view that a step's result is, if it is one."""
        rule, first = step.primitive.view_rule, step.inputs[0] if step.inputs else None
        if rule is None or not isinstance(first, Value):
            return None
        view: View | None = rule(self._views[first], step.output.shape, **step.attributes)
        return view

    # --- work

    def _copy(self, view: View, out: Value) -> None:
        """Write what a view shows into a buffer, in row-major order and in the dtype of that."""
        same = view.root.dtype == out.dtype
        step = Step(identity, (), {}, out) if same else Step(astype, (), {"dtype": out.dtype}, out)
        self._add(Line(step, (view,), out), view.shape)

    def _line(self, step: Step, operands: tuple[Operand, ...]) -> bool:
        """Add an elementwise step, if there is an expression for it."""
        if step.primitive.c is None:
            return False
        shape = step.output.shape
        if step.output.dtype == dtypes.float32:
            operands = tuple(self._as_stored(v) if isinstance(v, View) else v for v in operands)
        wide = tuple(v.stretched(shape) if isinstance(v, View) else v for v in operands)
        line = Line(step, wide, step.output)
        try:
            c_text.expression(line, ["x"] * len(wide))
        except c_text.Unwritable:
            return False
        self._add(line, shape)
        return True

    def _fold(self, step: Step, reduction: Reduction) -> None:
        out, view = step.output, self._view(step.inputs[0])
        over = reduction.over(view.shape, **step.attributes)
        axes = tuple(sorted(a for a in over if view.shape[a] != 1))
        if not axes:
            self._copy(view, out)
        elif view.size == 0:
            self._fill(out, reduction.start(out.dtype))
        else:
            self._add(Fold(step, view, out), view.shape, axes)

    def _fill(self, out: Value, number: float) -> None:
        self._add(Line(Step(identity, (), {}, out), (number,), out), out.shape)

    def _product(self, step: Step) -> bool:
        """Add a product of matrices; say no where cuBLAS knows none of this dtype."""
        out = step.output
        if not dtypes.is_float(out.dtype):
            return False
        x, y = (self._view(v) for v in step.inputs)
        if len(x.shape) == 1:
            x = View(x.root, (1, *x.shape), (0, *x.strides), x.offset)
        if len(y.shape) == 1:
            y = View(y.root, (*y.shape, 1), (*y.strides, 0), y.offset)
        if x.shape[-1] == 0:
            self._fill(out, 0)
            return True
        dtype = out.dtype
        stored = self._as_stored(x), self._as_stored(y)
        if stored[0].root.dtype == stored[1].root.dtype:
            # cuBLAS makes float32 of what is stored in 16 bits.
            x, y = stored
            dtype = x.root.dtype
        x, y = self._matrices(x, dtype), self._matrices(y, dtype)
        if len(y.shape) == 2:
            rows = x.reshaped((math.prod(x.shape[:-1]), x.shape[-1]))
            if rows is not None and _matrix(rows) is not None:
                x = rows
        if len(x.shape) > 2 or len(y.shape) > 2:
            lead = device.broadcast_shape(x.shape[:-2], y.shape[:-2]) or ()
            x, y = self._batch(x, lead), self._batch(y, lead)
        self._add(Product(x, y, out))
        return True

    def _as_stored(self, view: View) -> View:
        """Return the same look at what a float32 value was cast from, if that has 16 bits."""
        cast = self._narrow.get(view.root)
        return view if cast is None else replace(view, root=cast.root)

    def _matrices(self, view: View, dtype: Any) -> View:
        """Return a view of matrices that a product takes, of a copy if need be."""
        found = _matrix(view) if view.root.dtype == dtype else None
        return found or self._copied(view, dtype)

    def _batch(self, view: View, lead: Shape) -> View:
        """Return matrices broadcast to these leading axes, with one axis in their place."""
        wide = view.stretched((*lead, *view.shape[-2:]))
        shape = (math.prod(lead), *view.shape[-2:])
        found = wide.reshaped(shape)
        found = _matrix(found) if found is not None else None
        if found is None:
            made = self._copied(wide, view.root.dtype)
            found = View(made.root, shape, dense_strides(shape))
        return found

    def _copied(self, view: View, dtype: Any) -> View:
        self._count += 1
        made = Value(self._count, view.shape, dtype)
        self._copy(view, made)
        return whole(made)


Form = Callable[[_Works, Step], bool]

# What adds the work of a step whose record alone does not say it, or declines: an open table.
FORMS: dict[Primitive, Form] = {}


def form_for(*primitives: Primitive) -> Callable[[Form], Form]:
    """Add the work of these primitives by a function `(works, step)`, which may decline."""

    def add(form: Form) -> Form:
        FORMS.update(dict.fromkeys(primitives, form))
        return form

    return add


def has_kernel(primitive: Primitive) -> bool:
    """Return whether loops run an operation whole, though it decomposes."""
    return primitive in FORMS or primitive.c is not None or primitive.reduction is not None


@form_for(reshape)
def _(works: _Works, step: Step) -> bool:
    works._copy(works._view(step.inputs[0]), step.output)
    return True


@form_for(matmul)
def _(works: _Works, step: Step) -> bool:
    return works._product(step)


def _matrix(view: View) -> View | None:
    """Return a view whose matrices are C- or F-contiguous, with strides that say so."""
    *_, n, m = view.shape
    lead = view.strides[:-2]
    for strides in ((m, 1), (1, n)):
        pairs = zip(view.shape[-2:], view.strides[-2:], strides, strict=True)
        if all(size == 1 or old == new for size, old, new in pairs):
            return replace(view, strides=(*lead, *strides))
    return None


# --- groups


@dataclass(eq=False)
class _Group:
    """Works of one launch; `shape` is None if it takes no more than one, `place` is its own."""

    shape: Shape | None
    place: int
    works: list[_Work] = field(default_factory=list)
    axes: Shape | None = None

    def takes(self, bundle: list[_Work]) -> bool:
        """Say whether works over the same elements still fit."""
        if self.shape != bundle[0].shape or len(self.works) + len(bundle) > LINES:
            return False
        folds = [w for w in (*self.works, *bundle) if isinstance(w.what, Fold)]
        return len(folds) <= FOLDS and len({w.axes for w in folds}) <= 1

    def add(self, work: _Work) -> None:
        self.works.append(work)
        if isinstance(work.what, Fold):
            self.axes = work.axes

    def launch(self, outputs: set[Value]) -> Launch:
        """Return it as a launch, with these of its values written."""
        works = sorted(self.works, key=lambda w: w.number)
        first = works[0].what
        if isinstance(first, Product | Call):
            return first
        lines = tuple(w.what for w in works if isinstance(w.what, Line))
        folds = tuple(w.what for w in works if isinstance(w.what, Fold))
        written = tuple(line.output for line in lines if line.output in outputs)
        shape = works[0].shape
        if not folds:
            return Elementwise(shape, lines, written)
        return ReducingLoop(shape, lines, written, self.axes or (), folds)


class _Order(list[_Group]):
    """The groups in the order of their places."""

    def __init__(self) -> None:
        self._alike: dict[Shape, list[_Group]] = {}

    def alike(self, shape: Shape) -> list[_Group]:
        """Return the groups that run over a shape."""
        return self._alike.setdefault(shape, [])

    def make(self, place: int, shape: Shape | None) -> _Group:
        """Return a new group, which stands before the one that had its place."""
        made = _Group(shape, place)
        for group in self[place:]:
            group.place += 1
        self.insert(place, made)
        if shape is not None:
            self.alike(shape).append(made)
        return made


def _grouped(works: list[_Work], wanted: list[Value]) -> list[tuple[int, Launch]]:
    """Return the launches with the place of their last step in the program."""
    order = _Order()
    readers: dict[Value, dict[_Group, bool]] = {}  # whether each reads it element by element
    written = set(wanted)
    lines = {w.what.output: w for w in works if isinstance(w.what, Line)}
    follower: _Group | None = None  # the collective that comes next
    waiting: dict[_Work, list[_Work]] = {}  # folds, until the line is placed whose values they fold
    for work in reversed(works):
        needed = any(v in readers or v in written for v in work.outputs)
        collective = _is_collective(work.what)
        needed |= collective
        if not needed and work not in waiting:
            continue
        if isinstance(work.what, Fold):
            source = work.what.source
            line = lines.get(source.root)
            if line is not None and source.whole and source.shape == work.shape == line.shape:
                others = waiting.setdefault(line, [])
                if all(o.axes == work.axes for o in others) and len(others) < FOLDS:
                    others.append(work)
                    continue
        bundle = [work, *waiting.pop(work, [])]
        group = _home(bundle, order, readers, before=follower if collective else None)
        follower = group if collective else follower
        for one in bundle:
            group.add(one)
            for v in one.outputs:
                if any(other is not group for other in readers.get(v, ())):
                    written.add(v)
            for view in views_of(one.what):
                same = view.whole and view.shape == one.shape and group.shape is not None
                reading = readers.setdefault(view.root, {})
                reading[group] = reading.get(group, True) and same
    return [(max(w.number for w in g.works), g.launch(written)) for g in order]


def _home(
    bundle: list[_Work],
    order: _Order,
    readers: dict[Value, dict[_Group, bool]],
    before: _Group | None,
) -> _Group:
    """Return the group that works over the same elements join, or a new one in its place."""
    work, *folds = bundle
    shape = None if isinstance(work.what, Product | Call) else work.shape

    def first_reader(one: _Work) -> int:
        places = (group.place for v in one.outputs for group in readers.get(v, ()))
        return min(places, default=len(order))

    due = first_reader(work)
    folds_due = min(map(first_reader, folds), default=len(order))
    if shape is not None:
        if due < folds_due and not isinstance(work.what, Fold):
            group = order[due]
            if readers[work.outputs[0]][group] and group.takes(bundle):
                return group
        due = min(due, folds_due)
        earlier = [g for g in order.alike(shape) if g.place < due and g.takes(bundle)]
        if earlier:
            return max(earlier, key=lambda g: g.place)
    if before is not None:
        due = min(due, before.place)
    return order.make(due, shape)


def _ordered(groups: list[tuple[int, Launch]]) -> list[Launch]:
    """Return the launches in the order of the program, as far as their needs allow.

    So that a buffer lives no longer than it would have, had every step been run by itself.  What
    is small and no other launch waits for goes last, where it can share a launch.
    """
    maker = {v: i for i, (_, launch) in enumerate(groups) for v in launch.writes}
    read = {v for _, launch in groups for v in launch.reads}
    places = [
        (_is_small(launch) and read.isdisjoint(launch.writes), number) for number, launch in groups
    ]
    waits: list[set[int]] = [{maker[v] for v in launch.reads if v in maker} for _, launch in groups]
    collective = sorted((n, i) for i, (n, launch) in enumerate(groups) if _is_collective(launch))
    for (_, first), (_, then) in pairwise(collective):
        waits[then].add(first)
    followers: list[list[int]] = [[] for _ in groups]
    for i, before in enumerate(waits):
        for j in before:
            followers[j].append(i)
    ready = [(places[i], i) for i, before in enumerate(waits) if not before]
    heapq.heapify(ready)
    found: list[Launch] = []
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


def _is_small(launch: Launch) -> bool:
    return isinstance(launch, Elementwise) and sum(v.bytes for v in launch.reads) <= SMALL


def _packed(ordered: list[Launch]) -> list[Launch]:
    """Return the launches with neighbours that need nothing of each other made one."""
    found: list[Launch] = []
    for launch in ordered:
        last = found[-1] if found else None
        if type(launch) is Elementwise and isinstance(last, Elementwise | Pack):
            parts = last.parts if isinstance(last, Pack) else (last,)
            buffers = len(last.reads) + len(last.writes) + len(launch.reads) + len(launch.writes)
            apart = not set(last.writes).intersection(launch.reads)
            if type(parts[-1]) is Elementwise and apart and buffers <= BUFFERS:
                found[-1] = Pack((*parts, launch))
                continue
        found.append(launch)
    return found
