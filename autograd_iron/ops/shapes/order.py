"""The same values in another order: axes exchanged or reversed."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import moved
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.shapes.joining import all_but

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "roll",
    "rollaxis",
    "rot90",
    "swapaxes",
    "transpose",
]


@primitive(exact=True)
def permute_dims(xp, x, /, axes=None):
    """Return `x` with its axes in the given order (None: reversed)."""
    return xp.transpose(x, axes)


@permute_dims.shape
def _(x, axes):
    return Spec(tuple(x.shape[a] for a in _order(axes, x.ndim)), x.dtype)


def _order(axes, ndim):
    order = axes_of(axes, ndim)
    if sorted(order) != list(range(ndim)):
        raise ValueError(f"axes {axes} do not name each of {ndim} axes once")
    return order[::-1] if axes is None else order


@permute_dims.view
def _(view, _shape, /, axes):
    return view.permuted(_order(axes, len(view.shape)))


@permute_dims.vjp
def _(F, g, _y, _x, axes):
    if axes is None:
        return F.permute_dims(g)
    order = axes_of(axes, _x.ndim)
    return F.permute_dims(g, axes=tuple(sorted(range(len(order)), key=order.__getitem__)))


@permute_dims.axes
def _(x, axes):
    return Labels((tuple(range(x.ndim)),), (_order(axes, x.ndim),))


@permute_dims.vmap
def _(F, _batched, x, axes):
    return F.permute_dims(x, axes=(0, *(a + 1 for a in _order(axes, x.ndim - 1))))


@composite
def transpose(F, x, /, axes=None):
    """Return `x` with its axes in the given order (None: reversed), as permute_dims."""
    return F.permute_dims(x, axes=axes)


@primitive(exact=True)
def matrix_transpose(xp, x, /):
    """Return `x` with its last two axes swapped."""
    if x.ndim < 2:
        raise ValueError(f"a shape of {x.shape} has no two axes to swap")
    return x.swapaxes(-1, -2)


matrix_transpose.own_inverse = True


@matrix_transpose.shape
def _(x):
    if x.ndim < 2:
        raise ValueError(f"a shape of {x.shape} has no two axes to swap")
    return Spec((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)


@matrix_transpose.view
def _(view, _shape, /):
    ndim = len(view.shape)
    return view.permuted((*range(ndim - 2), ndim - 1, ndim - 2))


@matrix_transpose.vjp
def _(F, g, _y, _x):
    return F.matrix_transpose(g)


matrix_transpose.axes("...ij -> ...ji")


@primitive(exact=True)
def flip(xp, x, /, axis=None):
    """Return `x` with the order along the axes (None: all) reversed."""
    return xp.flip(x, axis)


@flip.shape
def _(x, axis):
    axes_of(axis, x.ndim)
    return Spec(x.shape, x.dtype)


@flip.view
def _(view, _shape, /, axis):
    return view.flipped(axes_of(axis, len(view.shape)))


@flip.vjp
def _(F, g, _y, _x, axis):
    return F.flip(g, axis=axis)


@flip.axes
def _(x, axis):
    return Labels((all_but(x.ndim, axis),), (all_but(x.ndim, axis),))


@composite
def flipud(F, x, /):
    """Return `x` with the order along its first axis reversed."""
    return F.flip(x, axis=0)


@composite
def fliplr(F, x, /):
    """Return `x` with the order along its second axis reversed."""
    return F.flip(x, axis=1)


@composite
def swapaxes(F, x, /, axis1, axis2):
    """Return `x` with two axes exchanged."""
    x = operand(F, x)
    (first,), (second,) = axes_of(axis1, x.ndim), axes_of(axis2, x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return F.permute_dims(x, axes=tuple(order))


@composite
def moveaxis(F, x, /, source, destination):
    """Return `x` with axes at other places, the rest in their order.

    Parameters
    ----------
    source, destination : int or sequence of int
        The axes, and for each its place in the result.
    """
    x = operand(F, x)
    start, end = axes_of(source, x.ndim), axes_of(destination, x.ndim)
    if len(start) != len(end):
        raise ValueError(f"{len(start)} axes cannot move to {len(end)} places")
    order = [a for a in range(x.ndim) if a not in start]
    for target, a in sorted(zip(end, start, strict=True)):
        order.insert(target, a)
    return x if order == list(range(x.ndim)) else F.permute_dims(x, axes=tuple(order))


@composite
def rollaxis(F, x, /, axis, start=0):
    """Return `x` with one axis moved back until it lies before the axis `start` (see moveaxis)."""
    x = operand(F, x)
    (axis,) = axes_of(axis, x.ndim)
    (start,) = axes_of(setting(start, "axis"), x.ndim + 1) if start >= 0 else axes_of(start, x.ndim)
    return moved(F, x, axis, start - (axis < start))


@composite
def roll(F, x, /, shift, axis=None):
    """Return `x` with its elements shifted along axes; what leaves at one end enters at the other.

    Parameters
    ----------
    shift : int or tuple of int
        By how many places; of several, one for each axis.
    axis : int, tuple of int, or None
        None: `x` is rolled as if it were flat.
    """
    x = operand(F, x)
    shift = setting(shift, "shift")
    if axis is None:
        flat = F.reshape(x, shape=(-1,))
        total = sum(shift) if isinstance(shift, tuple) else shift
        return F.reshape(_rolled(F, flat, total, 0), shape=x.shape)
    axis = setting(axis, "axis")
    shifts = shift if isinstance(shift, tuple) else (shift,)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if not axes:
        return F.reshape(x, shape=x.shape)
    count = max(len(shifts), len(axes))
    if not {len(shifts), len(axes)} <= {1, count}:
        raise ValueError(f"{len(shifts)} shifts do not fit {len(axes)} axes")
    total = {}
    for n, a in zip(shifts * (count // len(shifts)), axes * (count // len(axes)), strict=True):
        (a,) = axes_of(a, x.ndim)
        total[a] = total.get(a, 0) + n
    for a, n in total.items():
        x = _rolled(F, x, n, a)
    return x


def _rolled(F, x, shift, axis):
    size = x.shape[axis]
    shift = shift % size if size else 0
    if not shift:
        return F.reshape(x, shape=x.shape)
    before = (slice(None),) * axis
    tail = F.getitem(x, index=(*before, slice(size - shift, None)))
    return F.join(tail, F.getitem(x, index=(*before, slice(None, size - shift))), axis=axis)


@composite
def rot90(F, x, /, k=1, axes=(0, 1)):
    """Return `x` turned by `k` quarters of a circle, from the first of two axes to the second."""
    x = operand(F, x)
    pair = axes_of(axes, x.ndim)
    if len(pair) != 2:
        raise ValueError(f"axes {axes} are not two")
    k = setting(k, "k") % 4
    if k == 0:
        return F.reshape(x, shape=x.shape)
    if k == 2:
        return F.flip(x, axis=pair)
    if k == 3:
        return F.flip(F.swapaxes(x, *pair), axis=pair[1])
    return F.swapaxes(F.flip(x, axis=pair[1]), *pair)
