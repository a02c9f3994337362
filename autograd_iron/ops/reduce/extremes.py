"""The largest and the smallest over axes, and where they are."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from functools import partial

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.elementwise.choosing import maximum, minimum
from autograd_iron.ops.reduce.axes import known, labels, spread
from autograd_iron.ops.reduce.options import accept_where_initial
from autograd_iron.ops.reduce.sums import sum

__all__ = ["amax", "amin", "argmax", "argmin", "max", "min"]


def _share_of_ties(F, g, y, x, axis, keepdims):
    chosen = F.astype(x == spread(F, y, x, axis, keepdims), dtype=x.dtype)
    ties = F.sum(chosen, axis=axis, keepdims=True)
    return F.multiply_no_nan(chosen / ties, spread(F, g, x, axis, keepdims))


@primitive
def max(xp, x, /, axis=None, keepdims=False):
    """Return the largest value over the axes; equal ones share the gradient equally."""
    return xp.max(x, axis=known(axis, x), keepdims=keepdims)


def _extreme(x, axis, keepdims):
    shape = specs.reduced(x, axis, keepdims)
    if 0 in x.shape and 0 not in shape:
        raise ValueError(f"no value of shape {x.shape} is the extreme one over axis {axis}")
    return Spec(shape, x.dtype)


max.shape(_extreme)


max.reduction = Reduction(maximum, partial(dtypes.extreme, lowest=True))


@max.vjp
def _(F, g, y, x, axis, keepdims):
    return _share_of_ties(F, g, y, x, axis, keepdims)


max.axes(labels("max"))


accept_where_initial(max)


@primitive
def min(xp, x, /, axis=None, keepdims=False):
    """Return the smallest value over the axes; equal ones share the gradient equally."""
    return xp.min(x, axis=known(axis, x), keepdims=keepdims)


min.shape(_extreme)


min.reduction = Reduction(minimum, partial(dtypes.extreme, lowest=False))


@min.vjp
def _(F, g, y, x, axis, keepdims):
    return _share_of_ties(F, g, y, x, axis, keepdims)


min.axes(labels("min"))


accept_where_initial(min)


@primitive(numpy="argmax", by_kernel="it returns a position")
def argmax(xp, x, /, axis=None, keepdims=False):
    """Return the position of the first largest value along an axis (None: of the flattened x)."""
    return xp.argmax(x, axis=known(axis, x), keepdims=keepdims)


def _place(x, axis, keepdims):
    return Spec(_extreme(x, axis, keepdims).shape, dtypes.int64)


argmax.shape(_place)


argmax.axes(labels())


@primitive(numpy="argmin", by_kernel="it returns a position")
def argmin(xp, x, /, axis=None, keepdims=False):
    """Return the position of the first smallest value along an axis (None: of the flattened x)."""
    return xp.argmin(x, axis=known(axis, x), keepdims=keepdims)


argmin.shape(_place)


argmin.axes(labels())


@argmax.vmap
def _(F, _batched, x, axis, keepdims):
    values, over = _one_axis(F, x, axis)
    made = F.argmax(values, axis=over)
    return _kept(F, made, x, axis) if keepdims else made


@argmin.vmap
def _(F, _batched, x, axis, keepdims):
    values, over = _one_axis(F, x, axis)
    made = F.argmin(values, axis=over)
    return _kept(F, made, x, axis) if keepdims else made


def _kept(F, made, x, axis):
    """Return what was reduced of each value of a batch with the axes that it lacks."""
    shape = specs.reduced(Spec(x.shape[1:], x.dtype), axis, True)
    return F.reshape(made, shape=(x.shape[0], *shape))


def _one_axis(F, x, axis):
    """Return a batch and the axis over which an operation goes: of flattened values for None."""
    if axis is None:
        return F.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:]))), 1
    (axis,) = axes_of(axis, x.ndim - 1)
    return x, axis + 1


for word in (max, min, argmax, argmin):
    word.ordered = True


amax, amin = max, min  # NumPy's older names


# What combines the results of parts of an axis, by the words of `core.axes`.
COMBINED = {"sum": sum, "max": max, "min": min}
