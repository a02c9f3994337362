"""Reductions over axes; `sum_to` is the dual of broadcasting.

`axis` is None (all axes), an integer or a tuple of them; with `keepdims` the reduced axes stay with
size 1.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from functools import partial

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.core.switches import no_grad
from autograd_iron.ops.elementwise import add, logical_and, logical_or, maximum, minimum


def known(axis, x):
    """Return the axis as given; of a value without axes NumPy takes 0 and -1, CuPy does not."""
    if axis is not None and not x.ndim:
        axes_of(axis, 0)
    return axis


def spread(F, reduced, like, axis, keepdims):
    """Broadcast a reduced value back over the axes of `like` (an array, Node or Spec)."""
    if not keepdims and reduced.ndim:
        axes = axes_of(axis, like.ndim)
        kept = tuple(1 if i in axes else n for i, n in enumerate(like.shape))
        reduced = F.reshape(reduced, shape=kept)
    return F.broadcast_to(reduced, shape=like.shape)


@primitive
def sum(xp, x, /, axis=None, keepdims=False):
    """Return the sum over the axes."""
    return _added_up(xp, x, known(axis, x), keepdims)


def _added_up(xp, x, axis, keepdims=False):
    """Return the sum; that of float16 is made in float32 and rounded once.

    So said to CuPy too: on most GPUs it adds up by CUB, which stays with the dtype it is given.
    """
    if x.dtype == dtypes.float16:
        return xp.add.reduce(x, axis=axis, dtype="float32", keepdims=keepdims).astype(x.dtype)
    return xp.add.reduce(x, axis=axis, keepdims=keepdims)


@sum.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), specs.total(x.dtype))


sum.reduction = Reduction(add, 0, wide=True)


@sum.vjp
def _(F, g, _y, _x, axis, keepdims):
    return spread(F, g, _x, axis, keepdims)


def _labels(combine=None):
    """Return the labels of a reduction, the results of whose parts combine so."""

    def rule(x, axis, keepdims=False):
        over = axes_of(axis, x.ndim) if x.ndim else ()
        kept = tuple(None if i in over else i for i in range(x.ndim) if keepdims or i not in over)
        return Labels((tuple(range(x.ndim)),), (kept,), combine)

    return rule


sum.axes(_labels("sum"))


@primitive
def sum_to(xp, x, /, shape):
    """Return the sum over the axes along which `shape` was broadcast to that of `x`."""
    if columns(x.shape, shape) and x.dtype.char in "fd":
        # A product with a row of ones adds columns up several times faster than add.reduce.
        return xp.dot(device.row_of_ones(xp, x.shape[0], x.dtype), x)
    axes = stretched(x.shape, shape)
    made = _added_up(xp, x, axes[0] if len(axes) == 1 else axes)
    return made if made.shape == shape else made.reshape(shape)


def stretched(old, shape):
    """Return the axes of a shape along which another one was broadcast to it."""
    lead = len(old) - len(shape)
    return tuple(i for i, n in enumerate(old) if i < lead or (shape[i - lead] == 1 and n != 1))


def columns(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Return whether summing to the new shape adds up the columns of a matrix."""
    return len(old) == 2 and old[0] > 0 and new == old[1:]


@sum_to.shape
def _(x, shape):
    if device.broadcast_shape(shape, x.shape) != x.shape:
        raise ValueError(f"no array of shape {shape} is broadcast to {x.shape}")
    return Spec(shape, specs.total(x.dtype))


sum_to.converts = True
sum_to.reduction = Reduction(add, 0, over=stretched, wide=True)


@sum_to.vjp
def _(F, g, _y, _x, shape):
    return F.broadcast_to(g, shape=_x.shape)


@sum_to.axes
def _(x, shape):
    lead = x.ndim - len(shape)
    kept = tuple(None if n == 1 != x.shape[lead + i] else lead + i for i, n in enumerate(shape))
    return Labels((tuple(range(x.ndim)),), (kept,), "sum")


@sum_to.vmap
def _(F, _batched, x, shape):
    lead = (1,) * (x.ndim - 1 - len(shape))
    total = F.sum_to(x, shape=(x.shape[0], *lead, *shape))
    return F.reshape(total, shape=(x.shape[0], *shape)) if lead else total


def _count(x, axis):
    return x.size if axis is None else math.prod(x.shape[a] for a in axes_of(axis, x.ndim))


@primitive(floating=True)
def mean(xp, x, /, axis=None, keepdims=False):
    """Return the mean over the axes; of integers, in float32."""
    if x.dtype != dtypes.float16:
        return sum.kernel(xp, x, axis, keepdims) / _count(x, axis)
    total = xp.add.reduce(x, axis=axis, dtype="float32", keepdims=keepdims)
    return (total / _count(x, axis)).astype(x.dtype)


@mean.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), x.dtype)


mean.axes(_labels())


@mean.decompose
def _(F, x, axis, keepdims):
    if not dtypes.is_narrow(x.dtype):
        return F.sum(x, axis=axis, keepdims=keepdims) / _count(x, axis)
    total = F.sum(F.astype(x, dtype="float32"), axis=axis, keepdims=keepdims)
    return F.astype(total / _count(x, axis), dtype=x.dtype)


@mean.vjp
def _(F, g, _y, _x, axis, keepdims):
    count = _count(_x, axis)
    if dtypes.is_narrow(_x.dtype):  # of which 1 / count may be too small a number
        g = F.astype(F.astype(g, dtype="float32") / (count or 1), dtype=_x.dtype)
        return spread(F, g, _x, axis, keepdims)
    return spread(F, g * (1 / count if count else math.inf), _x, axis, keepdims)


@composite
def var(F, x, /, axis=None, keepdims=False, correction=0):
    """Return the variance over the axes: the mean square distance from the mean.

    Parameters
    ----------
    correction : int or float
        Subtracted from the number of elements in the divisor (1: the unbiased estimate).
    """
    # The squares of float16 leave its range early.
    if dtypes.is_narrow(getattr(x, "dtype", dtypes.default_float)):
        wide = F.var(F.astype(x, dtype="float32"), axis, keepdims, correction)
        return F.astype(wide, dtype=x.dtype)
    centred = x - F.mean(x, axis=axis, keepdims=True)
    total = F.sum(F.square(centred), axis=axis, keepdims=keepdims)
    return total / (_count(x, axis) - correction)


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


max.axes(_labels("max"))


@primitive
def min(xp, x, /, axis=None, keepdims=False):
    """Return the smallest value over the axes; equal ones share the gradient equally."""
    return xp.min(x, axis=known(axis, x), keepdims=keepdims)


min.shape(_extreme)


min.reduction = Reduction(minimum, partial(dtypes.extreme, lowest=False))


@min.vjp
def _(F, g, y, x, axis, keepdims):
    return _share_of_ties(F, g, y, x, axis, keepdims)


min.axes(_labels("min"))


@primitive(floating=True, decomposes=True)
def norm(F, x, /, axis=None, keepdims=False):
    """Return the Euclidean norm over the axes; at the zero vector the derivative is 0."""
    if dtypes.is_narrow(x.dtype):
        wide = F.astype(x, dtype="float32")
        return F.astype(F.sqrt(F.sum(wide * wide, axis=axis, keepdims=keepdims)), dtype=x.dtype)
    return F.sqrt(F.sum(x * x, axis=axis, keepdims=keepdims))


@norm.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), x.dtype)


norm.axes(_labels())


@norm.vjp
def _(F, g, y, x, axis, keepdims):
    if dtypes.is_narrow(x.dtype):  # of which 1 / y may be too small a number
        g, y, x = (F.astype(v, dtype="float32") for v in (g, y, x))
    scale = F.where(y == 0, 0, F.multiply_no_nan(1 / F.where(y == 0, 1, y), g))
    return F.multiply_no_nan(x, spread(F, scale, x, axis, keepdims))


@composite
def log_softmax(F, x, /, axis=-1):
    """Return `log(exp(x) / sum(exp(x)))` over an axis, finite for every finite `x`.

    The logarithms of the probabilities that logits `x` give to the classes along the axis.
    """
    if dtypes.is_narrow(getattr(x, "dtype", dtypes.default_float)):
        return F.astype(F.log_softmax(F.astype(x, dtype="float32"), axis), dtype=x.dtype)
    # The result does not depend on what is subtracted, so no gradient flows through it.
    with no_grad():
        largest = F.max(x, axis=axis, keepdims=True)
    shifted = x - largest
    return shifted - F.log(F.sum(F.exp(shifted), axis=axis, keepdims=True))


@primitive(numpy="argmax", by_kernel="it returns a position")
def argmax(xp, x, /, axis=None):
    """Return the position of the first largest value along an axis (None: of the flattened x)."""
    return xp.argmax(x, axis=known(axis, x))


def _place(x, axis):
    return Spec(_extreme(x, axis, False).shape, dtypes.int64)


argmax.shape(_place)
argmax.axes(_labels())


@primitive(numpy="argmin", by_kernel="it returns a position")
def argmin(xp, x, /, axis=None):
    """Return the position of the first smallest value along an axis (None: of the flattened x)."""
    return xp.argmin(x, axis=known(axis, x))


argmin.shape(_place)
argmin.axes(_labels())


@argmax.vmap
def _(F, _batched, x, axis):
    values, axis = _one_axis(F, x, axis)
    return F.argmax(values, axis=axis)


@argmin.vmap
def _(F, _batched, x, axis):
    values, axis = _one_axis(F, x, axis)
    return F.argmin(values, axis=axis)


def _one_axis(F, x, axis):
    """Return a batch and the axis over which an operation goes: of flattened values for None."""
    if axis is None:
        return F.reshape(x, shape=(x.shape[0], math.prod(x.shape[1:]))), 1
    (axis,) = axes_of(axis, x.ndim - 1)
    return x, axis + 1


@primitive
def all(xp, x, /, axis=None, keepdims=False):
    """Return whether every value over the axes is true."""
    return xp.all(x, axis=known(axis, x), keepdims=keepdims)


all.reduction = Reduction(logical_and, True)


@all.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), dtypes.bool_)


all.axes(_labels("min"))


@primitive
def any(xp, x, /, axis=None, keepdims=False):
    """Return whether some value over the axes is true."""
    return xp.any(x, axis=known(axis, x), keepdims=keepdims)


any.reduction = Reduction(logical_or, False)


@any.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), dtypes.bool_)


any.axes(_labels("max"))


# What combines the results of parts of an axis, by the words of `core.axes`.
COMBINED = {"sum": sum, "max": max, "min": min}
