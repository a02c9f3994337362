"""Views: looks at the memory of a value, by strides that count elements."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autograd_iron.core.index import Index
from autograd_iron.plan.program import Value

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
