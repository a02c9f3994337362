"""Values less their mean, over their deviation: what normalisation layers share."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of


@primitive(floating=True, decomposes=True)
def standardize(F, x, /, axis, eps):
    """Return ``(x - mean) / sqrt(var + eps)`` over axes, the mean and the variance.

    Both keep the axes, with size 1; the variance is the mean square distance from the mean.
    """
    if dtypes.is_narrow(x.dtype):
        made = F.standardize(F.astype(x, dtype="float32"), axis=axis, eps=eps)
        return tuple(F.astype(y, dtype=x.dtype) for y in made)
    mean = F.mean(x, axis=axis, keepdims=True)
    centred = x - mean
    var = F.mean(centred * centred, axis=axis, keepdims=True)
    return centred * (1 / F.sqrt(var + eps)), mean, var


@standardize.shape
def _(x, axis, eps):
    small = Spec(specs.reduced(x, axis, True), x.dtype)
    return Spec(x.shape, x.dtype), small, small


@standardize.vjp
def _(F, g, outputs, _x, axis, eps):
    y, _mean, var = outputs
    narrow = dtypes.is_narrow(_x.dtype)
    if narrow:
        y, var = (F.astype(v, dtype="float32") for v in (y, var))
    count = math.prod(_x.shape[a] for a in axes_of(axis, len(_x.shape))) or 1
    deviation = F.sqrt(var + eps)
    total = 0
    if not g.is_zero(0):
        own = F.astype(g[0], dtype="float32") if narrow else g[0]
        along = F.mean(F.multiply_no_nan(y, own), axis=axis, keepdims=True)
        rest = own - F.mean(own, axis=axis, keepdims=True) - F.multiply_no_nan(y, along)
        total = F.multiply_no_nan(1 / deviation, rest)
    if not g.is_zero(1):
        total = total + F.astype(g[1], dtype=y.dtype) * (1 / count)
    if not g.is_zero(2):
        slope = F.multiply_no_nan(deviation, F.astype(g[2], dtype=y.dtype) * (2 / count))
        total = total + F.multiply_no_nan(y, slope)
    return F.astype(total, dtype=_x.dtype) if narrow else total


@standardize.axes
def _(x, axis, eps):
    over = axes_of(axis, x.ndim)
    own = tuple(None if a in over else a for a in range(x.ndim))
    return Labels((own,), (own,))


standardize.ordered = True
