"""Reductions and scans that leave NaN out."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, floating, operand
from autograd_iron.ops.reduce.statistics import root
from autograd_iron.ops.reduce.sums import squares

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def _filled(F, x, number):
    """Return `x` with a number in the place of each NaN, to which no gradient flows."""
    x = operand(F, x)
    return F.where(F.isnan(x), number, x) if dtypes.is_inexact(x.dtype) else x


@composite
def nansum(F, x, /, axis=None, keepdims=False, dtype=None):
    """Return the sum over the axes, NaN counting as 0."""
    return _cast(F, F.sum, _filled(F, x, 0), dtype, axis=axis, keepdims=keepdims)


@composite
def nanprod(F, x, /, axis=None, keepdims=False, dtype=None):
    """Return the product over the axes, NaN counting as 1."""
    return _cast(F, F.prod, _filled(F, x, 1), dtype, axis=axis, keepdims=keepdims)


def _cast(F, reduction, x, dtype, **over):
    if dtype is None:
        return reduction(x, **over)
    return F.astype(reduction(F.astype(x, dtype=dtype), **over), dtype=dtype)


@composite
def nancumsum(F, x, /, axis=None, dtype=None):
    """Return the sums of all values up to each along an axis, NaN counting as 0."""
    return F.cumsum(_filled(F, x, 0), axis, dtype)


@composite
def nancumprod(F, x, /, axis=None, dtype=None):
    """Return the products of all values up to each along an axis, NaN counting as 1."""
    return F.cumprod(_filled(F, x, 1), axis, dtype)


def _valid(F, x, axis, keepdims):
    """Return how many values over the axes are not NaN, in the dtype of real parts."""
    valid = F.astype(F.logical_not(F.isnan(x)), dtype=dtypes.real_of(x.dtype))
    return F.sum(valid, axis=axis, keepdims=keepdims)


@composite
def nanmean(F, x, /, axis=None, keepdims=False, dtype=None):
    """Return the mean over the axes of all values that are not NaN; NaN where there are none."""
    x = floating(F, x) if dtype is None else F.astype(operand(F, x), dtype=dtype)
    if dtypes.is_narrow(x.dtype):
        wide = F.nanmean(F.astype(x, dtype="float32"), axis, keepdims)
        return F.astype(wide, dtype=x.dtype)
    total = F.sum(_filled(F, x, 0), axis=axis, keepdims=keepdims)
    return total / _valid(F, x, axis, keepdims)


@composite
def nanvar(F, x, /, axis=None, keepdims=False, correction=0, ddof=None):
    """Return the variance over the axes of all values that are not NaN: see `var`."""
    x = floating(F, x)
    if dtypes.is_narrow(x.dtype):
        wide = F.nanvar(F.astype(x, dtype="float32"), axis, keepdims, correction, ddof)
        return F.astype(wide, dtype=x.dtype)
    centred = _filled(F, x, 0) - F.nanmean(x, axis, True)
    found = F.where(F.isnan(x), 0, squares(F, F.where(F.isnan(x), 0, centred)))
    valid = _valid(F, x, axis, keepdims)
    less = correction if ddof is None else ddof
    divisor = F.where(valid > less, valid - less, math.nan)  # of too few values NumPy says NaN
    return F.sum(found, axis=axis, keepdims=keepdims) / divisor


@composite
def nanstd(F, x, /, axis=None, keepdims=False, correction=0, ddof=None):
    """Return the standard deviation over the axes of all values that are not NaN: see `std`."""
    x = floating(F, x)
    if dtypes.is_narrow(x.dtype):
        wide = F.nanstd(F.astype(x, dtype="float32"), axis, keepdims, correction, ddof)
        return F.astype(wide, dtype=x.dtype)
    return root(F, F.nanvar(x, axis, keepdims, correction, ddof))


@composite
def nanmax(F, x, /, axis=None, keepdims=False):
    """Return the largest value over the axes that is not NaN; NaN where there is none."""
    return _extreme(F, F.max, x, -math.inf, axis, keepdims)


@composite
def nanmin(F, x, /, axis=None, keepdims=False):
    """Return the smallest value over the axes that is not NaN; NaN where there is none."""
    return _extreme(F, F.min, x, math.inf, axis, keepdims)


def _extreme(F, reduction, x, least, axis, keepdims):
    x = operand(F, x)
    made = reduction(_filled(F, x, least), axis=axis, keepdims=keepdims)
    if not dtypes.is_float(x.dtype):
        return made
    return F.where(F.all(F.isnan(x), axis=axis, keepdims=keepdims), math.nan, made)


@composite
def nanargmax(F, x, /, axis=None, keepdims=False):
    """Return where the first largest value is that is not NaN; -1 where there is none."""
    return _place(F, F.argmax, x, -math.inf, axis, keepdims)


@composite
def nanargmin(F, x, /, axis=None, keepdims=False):
    """Return where the first smallest value is that is not NaN; -1 where there is none."""
    return _place(F, F.argmin, x, math.inf, axis, keepdims)


def _place(F, place, x, least, axis, keepdims):
    x = operand(F, x)
    made = place(_filled(F, x, least), axis=axis, keepdims=keepdims)
    if not dtypes.is_float(x.dtype):
        return made
    return F.where(F.all(F.isnan(x), axis=axis, keepdims=keepdims), -1, made)
