"""What a GPU is asked to do for a step: launches, and views of the memory that they read.

Pure data.  A launch reads and writes whole buffers, one per `Value` that some launch makes; what is
only another look at such a buffer (a transpose, a slice) is a `View` and costs nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from autograd_iron.core.facts import Reduction
from autograd_iron.core.index import Index
from autograd_iron.plan.program import Step, Value

Shape = tuple[int, ...]


def dense_strides(shape: Shape) -> Shape:
    """Return the strides, in elements, of an array in row-major order and without gaps."""
    strides, size = [], 1
    for n in reversed(shape):
        strides.append(size)
        size *= n
    return tuple(reversed(strides))


def runs(shape: Shape, strides: Shape) -> list[tuple[int, int]]:
    """Return (size, stride) of the fewest axes that visit the same elements in the same order."""
    found: list[tuple[int, int]] = []
    for n, stride in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if found and found[-1][1] == stride * n:
            found[-1] = (found[-1][0] * n, stride)
        else:
            found.append((n, stride))
    return found


@dataclass(frozen=True, slots=True)
class View:
    """A look at the buffer of `root`; strides and offset count elements."""

    root: Value
    shape: Shape
    strides: Shape
    offset: int = 0

    @property
    def size(self) -> int:
        """How many elements it shows, repeated ones counted each time."""
        return math.prod(self.shape)

    @property
    def dense(self) -> bool:
        """Whether its elements lie in row-major order and without gaps."""
        return self.size == 0 or runs(self.shape, self.strides) in ([], [(self.size, 1)])

    @property
    def whole(self) -> bool:
        """Whether its element number i is number i of the buffer, for all of the buffer."""
        return self.offset == 0 and self.dense and self.size == math.prod(self.root.shape)

    @property
    def reach(self) -> int:
        """How far from the buffer's start, forwards or backwards, it reads at most."""
        steps = [(n - 1) * s for n, s in zip(self.shape, self.strides, strict=True) if n]
        return abs(self.offset) + sum(map(abs, steps))

    def permuted(self, order: Shape) -> View:
        """Return it with its axes in this order."""
        shape, strides = (tuple(t[a] for a in order) for t in (self.shape, self.strides))
        return View(self.root, shape, strides, self.offset)

    def stretched(self, shape: Shape) -> View:
        """Return it broadcast to a shape."""
        lead = len(shape) - len(self.shape)
        strides = [0] * lead + [
            s if n == m else 0
            for s, n, m in zip(self.strides, self.shape, shape[lead:], strict=True)
        ]
        return View(self.root, shape, tuple(strides), self.offset)

    def flipped(self, axes: Shape) -> View:
        """Return it with the order along these axes reversed."""
        offset, strides = self.offset, list(self.strides)
        for a in axes:
            offset += max(self.shape[a] - 1, 0) * strides[a]
            strides[a] = -strides[a]
        return View(self.root, self.shape, tuple(strides), offset)

    def reshaped(self, shape: Shape) -> View | None:
        """Return it in another shape; None where that takes a copy."""
        if self.size == 0:
            return View(self.root, shape, dense_strides(shape), self.offset)
        left = runs(self.shape, self.strides)
        strides = []
        for n in reversed(shape):
            size, stride = left.pop() if left else (1, 1)
            if size % n:
                return None
            strides.append(stride)
            if size > n:
                left.append((size // n, stride * n))
            elif n == 1 and size > 1:
                left.append((size, stride))
        return View(self.root, shape, tuple(reversed(strides)), self.offset)

    def indexed(self, index: Index) -> View | None:
        """Return it at a basic index (integers, slices, None and ...); None for any other."""
        parts = list(index)
        if not all(part is None or part is ... or isinstance(part, slice | int) for part in parts):
            return None
        taken = sum(isinstance(p, slice | int) for p in parts)
        rest = [slice(None)] * (len(self.shape) - taken)
        at = next((i for i, p in enumerate(parts) if p is ...), len(parts))
        parts[at : at + 1] = rest
        axes = iter(zip(self.shape, self.strides, strict=True))
        offset, shape, strides = self.offset, [], []
        for part in parts:
            if part is None:
                shape.append(1)
                strides.append(0)
                continue
            n, stride = next(axes)
            if isinstance(part, int):
                offset += stride * (part + n if part < 0 else part)
                continue
            assert isinstance(part, slice)
            places = range(n)[part]
            offset += stride * places.start if places else 0
            shape.append(len(places))
            strides.append(stride * places.step)
        return View(self.root, tuple(shape), tuple(strides), offset)


def whole(value: Value) -> View:
    """Return the look at all of a value's own, dense buffer."""
    return View(value, value.shape, dense_strides(value.shape))


Operand = View | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Line:
    """One elementwise primitive inside a kernel.

    An operand that shows a value made by an earlier line of the same kernel is that variable; every
    other one is read from memory, at the same place of the iteration.
    """

    step: Step
    operands: tuple[Operand, ...]
    output: Value


@dataclass(frozen=True, slots=True)
class Fold:
    """A reduction of `source` at the end of a kernel, over the axes of its launch."""

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
class Elementwise:
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
class ReducingLoop(Elementwise):
    """An elementwise kernel that reduces some of what it computes, or reads, over `axes`."""

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
class Pack:
    """Elementwise kernels that need nothing of each other, as one launch."""

    parts: tuple[Elementwise, ...]

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


Launch = Elementwise | Pack | Product | Call


def views_of(work: Line | Fold | Product | Call) -> Iterator[View]:
    """Yield the views that a piece of work reads."""
    if isinstance(work, Fold):
        yield work.source
    elif isinstance(work, Product):
        yield from (work.x, work.y)
    else:
        yield from (v for v in work.operands if isinstance(v, View))
