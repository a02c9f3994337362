"""What an index of an array names, from shapes alone: how much, and which positions twice."""

from __future__ import annotations

import math
from typing import Any

import numpy

from autograd_iron.arrays import cuda, device


def indexed_shape(shape: tuple[int, ...], index: Any) -> tuple[int, ...]:
    """Return the shape of what NumPy finds at an index of an array of this shape.

    Raises
    ------
    IndexError
        There is no such place.
    """
    # Elements of no bytes: NumPy looks at the index alone, and nothing is allocated.
    nothing = numpy.broadcast_to(numpy.empty((), "V0"), shape)
    found: tuple[int, ...] = numpy.shape(nothing[_on_host(index)])
    return found


def names_twice(shape: tuple[int, ...], index: tuple[Any, ...]) -> bool:
    """Return whether an index of an array of this shape names a position twice.

    False where arrays of the index are on a GPU, which is not waited for.
    """
    if any(cuda.is_array(part) for part in index):
        return False
    named = numpy.arange(math.prod(shape)).reshape(shape)[index]
    return bool(numpy.unique(named).size < named.size)


def rounds(shape: tuple[int, ...], index: tuple[Any, ...]) -> list[tuple[Any, Any]] | None:
    """Return the positions that an index names so that each is named once in a round.

    Each round is (where in what the index reads, which positions of the array), both in row-major
    order; the second time that a position is named is in the second round.  None where all are
    named once, or where arrays of the index are on a GPU, which is not waited for.
    """
    if not names_twice(shape, index):
        return None
    named = numpy.arange(math.prod(shape)).reshape(shape)[index].ravel()
    order = numpy.argsort(named, kind="stable")
    _, starts, counts = numpy.unique(named[order], return_index=True, return_counts=True)
    times = numpy.empty(named.size, "int64")
    times[order] = numpy.arange(named.size) - numpy.repeat(starts, counts)
    places = [numpy.flatnonzero(times == time) for time in range(int(counts.max()))]
    return [(place, named[place]) for place in places]


def _on_host(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_on_host, value))
    return device.on_host(value) if cuda.is_array(value) else value
