"""What a step is made of where it runs in loops: loops, products of matrices, and calls.

Pure data.  A task reads and writes whole buffers, one per `Value` that some task makes; what is
only another look at such a buffer (a transpose, a slice) is a `View` and costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autograd_iron.core.facts import Reduction
from autograd_iron.plan.loops.views import Shape, View
from autograd_iron.plan.program import Step, Value

Operand = View | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Line:
    """One elementwise primitive inside a loop.

    An operand that shows a value made by an earlier line of the same loop is that variable; every
    other one is read from memory, at the same place of the iteration.
    """

    step: Step
    operands: tuple[Operand, ...]
    output: Value


@dataclass(frozen=True, slots=True)
class Fold:
    """A reduction of `source` at the end of a loop, over axes of it."""

    step: Step
    source: View
    output: Value

    @property
    def reduction(self) -> Reduction:
        """What it combines."""
        found = self.step.primitive.reduction
        assert found is not None
        return found


@dataclass(frozen=True, slots=True)
class Loop:
    """Lines that run for each element of `shape`.

    Attributes
    ----------
    shape : tuple of int
        Every view of the lines has it.
    lines : tuple of Line
    outputs : tuple of Value
        Those that are written to their buffers, element i of the iteration to element i.
    """

    shape: Shape
    lines: tuple[Line, ...]
    outputs: tuple[Value, ...]

    @property
    def views(self) -> list[View]:
        """The views that are read from memory, each once, in the order of the lines."""
        made = {line.output for line in self.lines}
        found = [v for line in self.lines for v in line.operands if isinstance(v, View)]
        found += [fold.source for fold in self.folds]
        return list(dict.fromkeys(v for v in found if v.root not in made))

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The reductions at its end."""
        return ()

    @property
    def reads(self) -> tuple[Value, ...]:
        """The buffers that it reads."""
        return tuple(dict.fromkeys(v.root for v in self.views))

    @property
    def writes(self) -> tuple[Value, ...]:
        """The buffers that it fills."""
        return self.outputs

    @property
    def in_place(self) -> dict[Value, tuple[Value, ...]]:
        """For each of `outputs`, the buffers it may be written over: read at no other place."""
        elsewhere = {v.root for v in self.views if not v.whole}
        return {
            out: tuple(
                v
                for v in self.reads
                if v not in elsewhere and v.dtype.itemsize == out.dtype.itemsize
            )
            for out in self.outputs
        }


@dataclass(frozen=True, slots=True)
class ReducingLoop(Loop):
    """A loop that reduces some of what it computes, or reads, over `axes`."""

    axes: Shape
    ends: tuple[Fold, ...]

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The reductions at its end."""
        return self.ends

    @property
    def writes(self) -> tuple[Value, ...]:
        """The buffers that it fills."""
        return (*self.outputs, *(fold.output for fold in self.ends))

    @property
    def in_place(self) -> dict[Value, tuple[Value, ...]]:
        """Nothing: a thread can only read ahead of what it writes if these lie apart."""
        return {}


@dataclass(frozen=True, slots=True)
class Bundle:
    """Loops that need nothing of each other, run as one."""

    parts: tuple[Loop, ...]

    @property
    def reads(self) -> tuple[Value, ...]:
        """The buffers that it reads."""
        return tuple(dict.fromkeys(v for part in self.parts for v in part.reads))

    @property
    def writes(self) -> tuple[Value, ...]:
        """The buffers that it fills."""
        return tuple(v for part in self.parts for v in part.writes)

    @property
    def in_place(self) -> dict[Value, tuple[Value, ...]]:
        """For each output, the buffers it may be written over: read by its own part alone."""
        readers = Counter(v for part in self.parts for v in part.reads)
        return {
            out: tuple(v for v in over if readers[v] == 1)
            for part in self.parts
            for out, over in part.in_place.items()
        }


@dataclass(frozen=True, slots=True)
class Product:
    """A product of matrices (n, k) and (k, m), or of as many of each: (b, n, k) and (b, k, m).

    Each matrix is C- or F-contiguous; along the first of three axes any stride is met, also 0.
    The output is dense and nothing is of size 0.  Both factors are of one floating dtype, and the
    output of the same, or float32 if they have 16 bits.
    """

    x: View
    y: View
    output: Value

    @property
    def reads(self) -> tuple[Value, ...]:
        """The buffers that it reads."""
        return tuple(dict.fromkeys((self.x.root, self.y.root)))

    @property
    def writes(self) -> tuple[Value, ...]:
        """The buffers that it fills."""
        return (self.output,)


@dataclass(frozen=True, slots=True)
class Call:
    """A primitive that only its own kernel can run; what it returns is copied into buffers."""

    step: Step
    operands: tuple[Operand, ...]

    @property
    def reads(self) -> tuple[Value, ...]:
        """The buffers that it reads."""
        return tuple(dict.fromkeys(v.root for v in self.operands if isinstance(v, View)))

    @property
    def writes(self) -> tuple[Value, ...]:
        """The buffers that it fills; what has no elements has none."""
        return tuple(v for v in self.step.outputs if v.bytes)


Task = Loop | Bundle | Product | Call


def views_of(work: Line | Fold | Product | Call) -> Iterator[View]:
    """Yield the views that a piece of work reads."""
    if isinstance(work, Fold):
        yield work.source
    elif isinstance(work, Product):
        yield from (work.x, work.y)
    else:
        yield from (v for v in work.operands if isinstance(v, View))
