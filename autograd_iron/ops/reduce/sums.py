"""Sums over axes and what is made of them: mean, norm."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.core.switches import no_grad
from autograd_iron.ops.elementwise.arithmetic import add
from autograd_iron.ops.reduce.axes import count, known, labels, spread
from autograd_iron.ops.reduce.options import accept_dtype_where, accept_dtype_where_initial

__all__ = ["log_softmax", "logsumexp", "mean", "norm", "softmax", "sum"]


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


sum.axes(labels("sum"))


accept_dtype_where_initial(sum)


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


@primitive(floating=True)
def mean(xp, x, /, axis=None, keepdims=False):
    """Return the mean over the axes; of integers, in float32."""
    if x.dtype != dtypes.float16:
        return sum.kernel(xp, x, axis, keepdims) / count(x, axis)
    total = xp.add.reduce(x, axis=axis, dtype="float32", keepdims=keepdims)
    return (total / count(x, axis)).astype(x.dtype)


@mean.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), x.dtype)


mean.axes(labels())


accept_dtype_where(mean)


@mean.decompose
def _(F, x, axis, keepdims):
    if not dtypes.is_narrow(x.dtype):
        return F.sum(x, axis=axis, keepdims=keepdims) / count(x, axis)
    total = F.sum(F.astype(x, dtype="float32"), axis=axis, keepdims=keepdims)
    return F.astype(total / count(x, axis), dtype=x.dtype)


@mean.vjp
def _(F, g, _y, _x, axis, keepdims):
    size = count(_x, axis)
    if dtypes.is_narrow(_x.dtype):  # of which 1 / count may be too small a number
        g = F.astype(F.astype(g, dtype="float32") / (size or 1), dtype=_x.dtype)
        return spread(F, g, _x, axis, keepdims)
    return spread(F, g * (1 / size if size else math.inf), _x, axis, keepdims)


def squares(F, x):
    """Return the squares of the absolute values."""
    return F.real(x * F.conj(x)) if x.dtype.kind == "c" else F.square(x)


@primitive(floating=True, decomposes=True)
def norm(F, x, /, axis=None, keepdims=False):
    """Return the Euclidean norm over the axes; at the zero vector the derivative is 0."""
    if dtypes.is_narrow(x.dtype):
        wide = F.astype(x, dtype="float32")
        return F.astype(F.sqrt(F.sum(wide * wide, axis=axis, keepdims=keepdims)), dtype=x.dtype)
    return F.sqrt(F.sum(squares(F, x), axis=axis, keepdims=keepdims))


@norm.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), dtypes.real_of(x.dtype))


norm.axes(labels())


@norm.vjp
def _(F, g, y, x, axis, keepdims):
    if dtypes.is_narrow(x.dtype):  # of which 1 / y may be too small a number
        g, y, x = (F.astype(v, dtype="float32") for v in (g, y, x))
    scale = F.where(y == 0, 0, F.multiply_no_nan(1 / F.where(y == 0, 1, y), g))
    return F.multiply_no_nan(x, spread(F, scale, x, axis, keepdims))


@primitive(floating=True, decomposes=True)
def logsumexp(F, x, /, axis=None, keepdims=False):
    """Return `log(sum(exp(x)))` over the axes, finite for every finite `x`."""
    if dtypes.is_narrow(x.dtype):
        wide = F.logsumexp(F.astype(x, dtype="float32"), axis=axis, keepdims=keepdims)
        return F.astype(wide, dtype=x.dtype)
    largest = F.max(F.real(x), axis=axis, keepdims=True)
    # Nothing is subtracted from infinities: the difference of two would be NaN.
    largest = F.where(F.isfinite(largest), largest, 0)
    total = F.log(F.sum(F.exp(x - largest), axis=axis, keepdims=keepdims))
    return total + F.reshape(largest, shape=total.shape)


@logsumexp.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), x.dtype)


logsumexp.axes(labels())


@logsumexp.vjp
def _(F, g, y, x, axis, keepdims):
    share = F.exp(x - spread(F, y, x, axis, keepdims))
    return F.multiply_no_nan(F.conj(share), spread(F, g, x, axis, keepdims))


@composite
def log_softmax(F, x, /, axis=-1):
    """Return `log(exp(x) / sum(exp(x)))` over an axis, finite for every finite `x`.

    The logarithms of the probabilities that logits `x` give to the classes along the axis.
    """
    if dtypes.is_narrow(getattr(x, "dtype", dtypes.default_float)):
        return F.astype(F.log_softmax(F.astype(x, dtype="float32"), axis), dtype=x.dtype)
    # The result does not depend on what is subtracted, so no gradient flows through it.
    with no_grad():
        largest = F.max(F.real(x), axis=axis, keepdims=True)
    shifted = x - largest
    return shifted - F.log(F.sum(F.exp(shifted), axis=axis, keepdims=True))


@composite
def softmax(F, x, /, axis=-1):
    """Return `exp(x) / sum(exp(x))` over an axis, without overflow."""
    if dtypes.is_narrow(getattr(x, "dtype", dtypes.default_float)):
        return F.astype(F.softmax(F.astype(x, dtype="float32"), axis), dtype=x.dtype)
    # The result does not depend on what is subtracted, so no gradient flows through it.
    with no_grad():
        largest = F.max(x, axis=axis, keepdims=True)
    powers = F.exp(x - largest)
    return powers / F.sum(powers, axis=axis, keepdims=True)
