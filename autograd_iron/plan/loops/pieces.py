"""The steps of a program as pieces of loops: lines, folds, products and calls, on views."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.linalg.products import matmul
from autograd_iron.ops.shapes.conversion import astype
from autograd_iron.ops.shapes.reshaping import reshape
from autograd_iron.plan.loops.loops import Call, Fold, Line, Operand, Product
from autograd_iron.plan.loops.views import Shape, View, dense_strides, whole
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.transforms.gradients import identity


@dataclass(frozen=True)
class Machine:
    """What the executor of loops can do.

    Attributes
    ----------
    has_text : callable
        Whether a line can be written in its language.
    multiplies : callable
        Whether it has a product of matrices of a dtype.
    lines, folds : int
        How many values one loop computes, and reduces, at most.
    last : int
        Bytes that a loop may read and still be put off to the end, if nothing waits for it.
    """

    has_text: Callable[[Line], bool]
    multiplies: Callable[[Any], bool]
    lines: int
    folds: int
    last: int


@dataclass(eq=False)
class Piece:
    """A line, a fold, a product or a call, and where it stands in the program."""

    number: int
    what: Line | Fold | Product | Call
    shape: Shape = ()
    axes: Shape = ()

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The values that it makes."""
        return self.what.writes if isinstance(self.what, Call) else (self.what.output,)


class Pieces:
    """The steps of a program with every operand a view of some buffer."""

    def __init__(self, program: Program, machine: Machine, strides: Mapping[Value, Shape]) -> None:
        self._machine = machine
        self.all: list[Piece] = []
        self._views = {
            v: View(v, v.shape, strides.get(v, dense_strides(v.shape))) for v in program.sources()
        }
        self._narrow: dict[Value, View] = {}  # what float32 values were cast from
        self._wanted = set(program.wanted()) - set(program.sources())
        self._count = program.count
        for step in program.steps:
            self._step(step)

    def _add(self, what: Line | Fold | Product | Call, shape: Shape = (), axes: Shape = ()) -> None:
        self.all.append(Piece(len(self.all), what, shape, axes))

    def _step(self, step: Step) -> None:
        if len(step.outputs) > 1:
            self._views |= {v: whole(v) for v in step.outputs}
            if step.primitive.collective or any(v.bytes for v in step.outputs):
                self._add(Call(step, tuple(self.operand(v) for v in step.inputs)))
            return
        out = step.output
        view = self._look(step)
        if view is not None:
            self._views[out] = view
            if out in self._wanted and out.bytes:
                self.copy(view, out)
            return
        self._views[out] = whole(out)
        if not out.bytes and not step.primitive.collective:
            return
        primitive = step.primitive
        if primitive is astype and out.dtype == dtypes.float32:
            view = self.view(step.inputs[0])
            if view.whole and dtypes.is_narrow(view.root.dtype):
                self._narrow[out] = view
        form = FORMS.get(primitive)
        if form is not None and form(self, step):
            return
        operands = tuple(self.operand(v) for v in step.inputs)
        if primitive.reduction is not None and not any(map(_is_complex, step.values)):
            self._fold(step, primitive.reduction)
        elif not self._line(step, operands):
            self._add(Call(step, operands))

    def operand(self, operand: Any) -> Operand:
        """Return an operand of a step: a value as the view that it is."""
        return self._views[operand] if isinstance(operand, Value) else operand

    def view(self, operand: Any) -> View:
        """Return the view that a value is."""
        return self._views[operand]

    def _look(self, step: Step) -> View | None:
        """Return the view that a step's result is, if it is one."""
        rule, first = step.primitive.view_rule, step.inputs[0] if step.inputs else None
        if rule is None or not isinstance(first, Value):
            return None
        view: View | None = rule(self._views[first], step.output.shape, **step.attributes)
        return view

    # --- pieces

    def copy(self, view: View, out: Value) -> None:
        """Write what a view shows into a buffer, in row-major order and in the dtype of that."""
        same = view.root.dtype == out.dtype
        step = Step(identity, (), {}, out) if same else Step(astype, (), {"dtype": out.dtype}, out)
        if dtypes.is_complex(out.dtype):
            self._add(Call(step, (view,)))
        else:
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
        if not self._machine.has_text(line):
            return False
        self._add(line, shape)
        return True

    def _fold(self, step: Step, reduction: Reduction) -> None:
        out, view = step.output, self.view(step.inputs[0])
        over = reduction.over(view.shape, **step.attributes)
        axes = tuple(sorted(a for a in over if view.shape[a] != 1))
        if not axes:
            self.copy(view, out)
        elif view.size == 0:
            self.fill(out, reduction.start(out.dtype))
        else:
            self._add(Fold(step, view, out), view.shape, axes)

    def fill(self, out: Value, number: float) -> None:
        """Write a real number into all of a buffer."""
        if dtypes.is_complex(out.dtype):
            self._count += 1
            real = Value(self._count, out.shape, dtypes.real_of(out.dtype))
            self.fill(real, number)
            self.copy(whole(real), out)
            return
        self._add(Line(Step(identity, (), {}, out), (number,), out), out.shape)

    def product(self, step: Step) -> bool:
        """Add a product of matrices; decline where the machine knows none of this dtype."""
        out = step.output
        if not self._machine.multiplies(out.dtype):
            return False
        x, y = (self.view(v) for v in step.inputs)
        if len(x.shape) == 1:
            x = View(x.root, (1, *x.shape), (0, *x.strides), x.offset)
        if len(y.shape) == 1:
            y = View(y.root, (*y.shape, 1), (*y.strides, 0), y.offset)
        if x.shape[-1] == 0:
            self.fill(out, 0)
            return True
        dtype = out.dtype
        stored = self._as_stored(x), self._as_stored(y)
        if stored[0].root.dtype == stored[1].root.dtype:
            # The product is float32 of what is stored in 16 bits.
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
        self.copy(view, made)
        return whole(made)


def _is_complex(value: Value) -> bool:
    return dtypes.is_complex(value.dtype)


Form = Callable[[Pieces, Step], bool]

# What adds the piece of a step whose record alone does not say it, or declines: an open table.
FORMS: dict[Primitive, Form] = {}


def form_for(*primitives: Primitive) -> Callable[[Form], Form]:
    """Add the piece of these primitives by a function `(pieces, step)`, which may decline."""

    def add(form: Form) -> Form:
        FORMS.update(dict.fromkeys(primitives, form))
        return form

    return add


def has_kernel(primitive: Primitive) -> bool:
    """Return whether loops run an operation whole, though it decomposes."""
    return primitive in FORMS or primitive.c is not None or primitive.reduction is not None


@form_for(reshape)
def _(pieces: Pieces, step: Step) -> bool:
    pieces.copy(pieces.view(step.inputs[0]), step.output)
    return True


@form_for(matmul)
def _(pieces: Pieces, step: Step) -> bool:
    return pieces.product(step)


def _matrix(view: View) -> View | None:
    """Return a view whose matrices are C- or F-contiguous, with strides that say so."""
    *_, n, m = view.shape
    lead = view.strides[:-2]
    for strides in ((m, 1), (1, n)):
        pairs = zip(view.shape[-2:], view.strides[-2:], strides, strict=True)
        if all(size == 1 or old == new for size, old, new in pairs):
            return replace(view, strides=(*lead, *strides))
    return None
