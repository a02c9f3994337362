"""Averages, and how far values lie from them."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, floating, operand
from autograd_iron.core.specs import axes_of
from autograd_iron.ops.reduce.axes import count
from autograd_iron.ops.reduce.sums import squares

__all__ = ["aminmax", "average", "count_nonzero", "ptp", "std", "var"]


@composite
def var(F, x, /, axis=None, keepdims=False, correction=0, ddof=None):
    """Return the variance over the axes: the mean square distance from the mean.

    Parameters
    ----------
    correction : int or float
        Subtracted from the number of elements in the divisor (1: the unbiased estimate).
    ddof : int or float, optional
        NumPy's name for `correction`.
    """
    x, correction = floating(F, x), _correction(correction, ddof)
    # The squares of float16 leave its range early.
    if dtypes.is_narrow(x.dtype):
        wide = F.var(F.astype(x, dtype="float32"), axis, keepdims, correction)
        return F.astype(wide, dtype=x.dtype)
    centred = x - F.mean(x, axis=axis, keepdims=True)
    total = F.sum(squares(F, centred), axis=axis, keepdims=keepdims)
    return total / max(count(x, axis) - correction, 0)


def _correction(correction, ddof):
    if ddof is None:
        return correction
    if correction:
        raise ValueError("ddof and correction are two names of one number; give one of them")
    return ddof


@composite
def std(F, x, /, axis=None, keepdims=False, correction=0, ddof=None):
    """Return the standard deviation over the axes, the square root of `var`.

    Where it is 0 its gradient is 0, as in PyTorch.

    Parameters
    ----------
    correction : int or float
        Subtracted from the number of elements in the divisor (1: the unbiased estimate).
    ddof : int or float, optional
        NumPy's name for `correction`.
    """
    x = floating(F, x)
    if dtypes.is_narrow(x.dtype):
        wide = F.std(F.astype(x, dtype="float32"), axis, keepdims, correction, ddof)
        return F.astype(wide, dtype=x.dtype)
    return root(F, F.var(x, axis, keepdims, correction, ddof))


def root(F, x):
    """Return the square root, whose gradient is 0 at 0."""
    return F.where(x == 0, 0, F.sqrt(F.where(x == 0, 1, x)))


@composite
def average(F, x, /, axis=None, weights=None, returned=False, keepdims=False):
    """Return the average over the axes, each value as often as its weight says.

    Parameters
    ----------
    weights : array, optional
        Of the shape of `x`, or of one axis for that axis alone; None: all are 1.
    returned : bool
        Return the sum of the weights, too.
    """
    x = floating(F, x)
    if weights is None:
        total = F.mean(x, axis=axis, keepdims=keepdims)
        if not returned:
            return total
        ones = F.ones(total.shape, dtype=total.dtype, device=total.device)
        return total, ones * count(x, axis)
    weights = operand(F, weights, (x,))
    if weights.shape != x.shape:
        over = axes_of(axis, x.ndim)
        if axis is None or weights.shape != tuple(x.shape[a] for a in over):
            raise ValueError(
                f"weights of shape {weights.shape} are neither of shape {x.shape} nor of the axes "
                f"axis={axis}"
            )
        weights = _laid_along(F, weights, over, x)
    sums = F.sum(weights, axis=axis, keepdims=keepdims)
    made = F.sum(x * weights, axis=axis, keepdims=keepdims) / sums
    return (made, sums) if returned else made


def _laid_along(F, weights, over, x):
    """Return weights of some axes of `x` with all its axes."""
    weights = F.permute_dims(weights, axes=tuple(sorted(range(len(over)), key=over.__getitem__)))
    shape = tuple(n if i in over else 1 for i, n in enumerate(x.shape))
    return F.broadcast_to(F.reshape(weights, shape=shape), shape=x.shape)


@composite
def ptp(F, x, /, axis=None, keepdims=False):
    """Return the distance from the smallest to the largest value over the axes."""
    x = operand(F, x)
    return F.max(x, axis=axis, keepdims=keepdims) - F.min(x, axis=axis, keepdims=keepdims)


@composite
def aminmax(F, x, /, axis=None, keepdims=False):
    """Return the smallest and the largest value over the axes, as PyTorch's `aminmax`."""
    return F.min(x, axis=axis, keepdims=keepdims), F.max(x, axis=axis, keepdims=keepdims)


@composite
def count_nonzero(F, x, /, axis=None, keepdims=False):
    """Return how many values over the axes are not zero."""
    return F.sum(operand(F, x) != 0, axis=axis, keepdims=keepdims)
