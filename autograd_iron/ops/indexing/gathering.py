"""Reading and writing at Tensors of integers."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import dtypes, scans
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import all_batched, moved
from autograd_iron.core.composite import composite
from autograd_iron.core.index import Index
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.core.switches import switches
from autograd_iron.ops.creation import arange
from autograd_iron.ops.indexing.updates import TWICE, check_fits


@primitive(exact=True, by_kernel="it reads at positions")
def gather(xp, x, indices, /, axis=0):
    """Return the slices of `x` along an axis at an array of integers, which is an operand here.

    That of `getitem` is an attribute; this is what a plan makes of one that changes from call to
    call.  The shape is that of `x` with the axis replaced by the shape of the indices.
    """
    _check_integers(indices)
    return xp.asarray(x[_along(axis, x.ndim, indices)])


@gather.shape
def _(x, indices, axis):
    _check_integers(indices)
    (axis,) = axes_of(axis, x.ndim)
    return Spec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)


@gather.vjp
def _(F, g, _y, _x, indices, axis):
    return F.scatter_sum(g, indices, size=_x.shape[axis], axis=axis % _x.ndim)


gather.vjp(None)


@gather.axes
def _(x, indices, axis):
    (axis,) = axes_of(axis, x.ndim)
    lead, tail = range(axis), range(axis + 1, x.ndim)
    found = _places(indices)
    return Labels(((*lead, None, *tail), found), ((*lead, *found, *tail),))


def _places(indices):
    """Return labels of the axes of an array of indices, which no other operand has."""
    return tuple(f"index {i}" for i in range(indices.ndim))


@gather.vmap
def _(F, batched, x, indices, axis):
    (axis,) = axes_of(axis, x.ndim - batched[0])
    if not batched[1]:
        return F.gather(x, indices, axis=axis + 1)
    if not batched[0]:
        return moved(F, F.gather(x, indices, axis=axis), axis, 0)
    # All values lie one after the other along one axis, where each index finds its own.
    count = x.shape[axis + 1]
    x = moved(F, x, axis + 1, 1)
    flat = F.reshape(x, shape=(x.shape[0] * count, *x.shape[2:]))
    made = F.gather(flat, _one_after_the_other(F, indices, count), axis=0)
    return _exchanged(F, made, 1, indices.ndim - 1, axis)


def _one_after_the_other(F, indices, count):
    """Return where indices of each value of a batch are, when these lie one after the other."""
    size = indices.shape[0]
    own = _from_the_start(F, indices, count, outside=size * count)
    starts = arange(0, size * count, max(count, 1), dtype="int64", device=indices.device)
    return own + F.reshape(starts[:size], shape=(size, *(1,) * (indices.ndim - 1)))


def _exchanged(F, x, start, first, second):
    """Return `x` with two runs of axes exchanged, the first of which begins at `start`."""
    middle, end = start + first, start + first + second
    order = (*range(start), *range(middle, end), *range(start, middle), *range(end, x.ndim))
    return F.permute_dims(x, axes=order)


@primitive(by_kernel="it writes at positions")
def scatter_sum(xp, values, indices, /, size, axis):
    """Return zeros with such an axis, and the slices of `values` added up at the indices."""
    _check_integers(indices)
    shape = (*values.shape[:axis], size, *values.shape[axis + indices.ndim :])
    made = xp.zeros(shape, dtype=values.dtype)
    scans.add_at(xp, made, _along(axis, len(shape), indices), values)
    return made


@scatter_sum.shape
def _(values, indices, size, axis):
    _check_integers(indices)
    return Spec((*values.shape[:axis], size, *values.shape[axis + indices.ndim :]), values.dtype)


@scatter_sum.vjp
def _(F, g, _y, _values, indices, size, axis):
    return F.gather(g, indices, axis=axis)


scatter_sum.vjp(None)


@scatter_sum.axes
def _(values, indices, size, axis):
    lead, tail = range(axis), range(axis + indices.ndim, values.ndim)
    found = _places(indices)
    return Labels(((*lead, *found, *tail), found), ((*lead, None, *tail),), "sum")


@scatter_sum.vmap
def _(F, batched, values, indices, size, axis):
    if not batched[1]:
        return F.scatter_sum(values, indices, size=size, axis=axis + 1)
    values, indices = all_batched(F, batched, (values, indices))
    count = values.shape[0]
    values = _exchanged(F, values, 1, axis, indices.ndim - 1)
    # The first axis of the indices is that of the batch, as that of the values is.
    places = _one_after_the_other(F, indices, size)
    made = F.scatter_sum(values, places, size=count * size, axis=0)
    return moved(F, F.reshape(made, shape=(count, size, *made.shape[1:])), 1, axis + 1)


def _from_the_start(F, part, size, outside):
    if type(part) is int:
        return part % size if -size <= part < size else outside
    part = F.where((part >= -size) & (part < size), part, outside)
    return F.where(part < 0, part + size, part)


def _are_integers(part):
    return part.dtype.kind in "iu" if hasattr(part, "dtype") else type(part) is int


def _check_integers(indices):
    if not _are_integers(indices):
        raise IndexError(f"the indices are {indices.dtype}, not integers")


def _along(axis, ndim, indices):
    return (slice(None),) * (axis % ndim) + (indices,)


@composite
def read_at(F, x, index, /):
    """Return `x[index]` where Tensors of integers are among its parts: as `gather`.

    Raises
    ------
    IndexError
        The parts are no such integers, or not side by side.
    """
    part, _, _, positions, axis = _joined(F, x, index)
    return F.gather(part, positions, axis=axis)


@composite
def write_at(F, x, value, index, /, add):
    """Return `x` with `value` put or added where `read_at` reads.

    Unless values are added, a position that is named twice is refused; on a GPU, which is not
    waited for, floating elements there become NaN instead.
    """
    part, whole, basic, positions, axis = _joined(F, x, index)
    hole = (*part.shape[:axis], *positions.shape, *part.shape[axis + 1 :])
    size = part.shape[axis]
    if not hasattr(value, "dtype"):
        if not isinstance(value, float):
            check_fits(x, value)
        value = F.ones((), dtype=x.dtype, device=x.device) * value
    if not dtypes.is_float(value.dtype):
        check_fits(x, value)
    if not dtypes.is_inexact(value.dtype):
        value = F.astype(value, dtype=x.dtype)
    new = F.scatter_sum(F.broadcast_to(value, shape=hole), positions, size=size, axis=axis)
    if add:
        new = part + new
    else:
        ones = F.broadcast_to(F.ones((), device=x.device), shape=hole)
        hits = F.scatter_sum(ones, positions, size=size, axis=axis)
        new = F.where(hits > 0, new, part)
        if x.device == "cpu":
            switches().executor.check_range(hits, 0, 1, f"set_at: {TWICE}", nan=True)
        elif dtypes.is_inexact(x.dtype):
            new = F.where(hits > 1, math.nan, new)
    new = F.reshape(new, shape=whole.shape)
    return new if whole is x else F.set_at(x, new, index=basic)


def _joined(F, x, index):
    """Return `x` at the rest of an index, and the array that is left to look up, and its axis.

    The axes that the arrays take are one there; second comes `x` at the rest as it is, `x` itself
    if there is none; third the rest, which is basic.
    """
    parts = list(index)
    if any(getattr(part, "dtype", None) == dtypes.bool_ for part in parts):
        switches().executor.forbid(
            "an index is a mask, whose count depends on values",
            "Choose with ai.where(mask, x, y), or write a number there: x.at[mask].set(0.0).",
        )
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    at = next(i for i, part in enumerate(parts) if part is Ellipsis)
    taken = sum(part is not None and part is not Ellipsis for part in parts)
    parts[at : at + 1] = [slice(None)] * (x.ndim - taken)
    places = [i for i, part in enumerate(parts) if not (part is None or isinstance(part, slice))]
    first, last = places[0], places[-1]
    arrays = parts[first : last + 1]
    # NumPy puts the axes of arrays first that stand apart, even if by a ... that takes no axis.
    apart = 0 < first < at <= last and any(getattr(part, "ndim", 0) for part in arrays)
    if taken > x.ndim or apart or not all(map(_are_integers, arrays)):
        raise IndexError(
            f"x has shape {x.shape}: with a Tensor in an index, a compiled step takes integers "
            "that stand side by side, beside slices, None and ..."
        )
    basic = Index(slice(None) if i in places else part for i, part in enumerate(parts))
    if basic != (slice(None),) * x.ndim:
        x = F.getitem(x, index=basic)
    sizes = x.shape[first : last + 1]
    if len(arrays) == 1:
        return x, x, basic, arrays[0], first
    positions = 0
    for part, size in zip(arrays, sizes, strict=True):
        positions = positions * size + _from_the_start(F, part, size, outside=math.prod(sizes))
    shape = (*x.shape[:first], math.prod(sizes), *x.shape[last + 1 :])
    return F.reshape(x, shape=shape), x, basic, positions, first
