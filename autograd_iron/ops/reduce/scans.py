"""Running totals along an axis: of sums, products, extremes."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.arrays.scans import accumulate
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import moved
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "logcumsumexp",
]


def _labels(x, axis, **_):
    over = axes_of(axis, x.ndim)
    kept = tuple(None if i in over else i for i in range(x.ndim))
    return Labels((kept,), (kept,))


def _total(x, axis):
    axes_of(axis, x.ndim)
    return Spec(x.shape, specs.total(x.dtype))


def _wide(scan, x, axis):
    """Return a running total, that of float16 made in float32 and rounded once."""
    if x.dtype == dtypes.float16:
        return scan(x.astype("float32"), axis=axis).astype(x.dtype)
    return scan(x, axis=axis)


@primitive(numpy="cumsum", by_kernel="each result needs the one before")
def running_sum(xp, x, /, axis):
    """Return the sums of all values up to each, along an axis."""
    return _wide(xp.cumsum, x, axis)


running_sum.shape(_total)


running_sum.axes(_labels)


@running_sum.vjp
def _(F, g, _y, _x, axis):
    return F.flip(F.running_sum(F.flip(g, axis=axis), axis=axis), axis=axis)


@primitive(numpy="cumprod", by_kernel="each result needs the one before")
def running_product(xp, x, /, axis):
    """Return the products of all values up to each, along an axis."""
    return _wide(xp.cumprod, x, axis)


running_product.shape(_total)


running_product.axes(_labels)


@running_product.vjp
def _(F, g, _y, x, axis):
    # The derivative of the product up to k by x[j] is that of all before j, times that of all
    # between j and k.  Nothing is divided, so that zeros need no case of their own.
    at = axes_of(axis, x.ndim)[0]
    x, g = moved(F, F.conj(x), at, x.ndim - 1), moved(F, g, at, x.ndim - 1)
    if not x.shape[-1]:
        return moved(F, g, x.ndim - 1, at)
    before = _after_one(F, F.running_product(x, axis=-1), 1)
    after = F.flip(recurrence(F, _after_one(F, F.flip(x, axis=-1), 0), F.flip(g, axis=-1)), axis=-1)
    return moved(F, F.multiply_no_nan(before, after), x.ndim - 1, at)


def _after_one(F, x, first):
    """Return a number, and then all but the last of `x` along the last axis."""
    start = F.full((*x.shape[:-1], 1), first, dtype=x.dtype, device=device.of(x))
    return F.join(start, _part(F, x, slice(-1)), axis=-1)


def _part(F, x, part):
    return F.getitem(x, index=(..., part))


def recurrence(F, a, b):
    """Return the `s` with `s[0] = b[0]` and `s[i] = a[i] * s[i - 1] + b[i]`, along the last axis.

    Two steps make one of the same kind, so that half as many are left to do: linear work in a
    logarithmic number of operations, with gradients of any order.  An `s` of 0 absorbs the `a`
    that it is multiplied by.
    """
    n = b.shape[-1]
    if n < 2:
        return b
    whole = n - n % 2
    evens, odds = slice(0, whole, 2), slice(1, whole, 2)
    a_odd = _part(F, a, odds)
    odd = recurrence(
        F,
        _part(F, a, evens) * a_odd,
        F.multiply_no_nan(a_odd, _part(F, b, evens)) + _part(F, b, odds),
    )
    even = _part(F, b, slice(1))
    if n > 2:
        later = slice(2, None, 2)
        before = _part(F, odd, slice((n - 1) // 2))
        even = F.join(
            even, F.multiply_no_nan(_part(F, a, later), before) + _part(F, b, later), axis=-1
        )
    if n % 2:
        odd = F.join(odd, _part(F, odd, slice(-1, None)), axis=-1)
    both = F.join(*(F.reshape(s, shape=(*s.shape, 1)) for s in (even, odd)), axis=-1)
    flat = F.reshape(both, shape=(*b.shape[:-1], 2 * even.shape[-1]))
    return _part(F, flat, slice(n)) if n % 2 else flat


@primitive(floating=True, by_kernel="each result needs the one before")
def running_logsumexp(xp, x, /, axis):
    """Return `log(sum(exp(x)))` of all values up to each, along an axis."""
    return accumulate(xp, "logaddexp", x, axis)


@running_logsumexp.shape
def _(x, axis):
    axes_of(axis, x.ndim)
    return Spec(x.shape, x.dtype)


running_logsumexp.axes(_labels)


@running_logsumexp.vjp
def _(F, g, y, x, axis):
    # exp(x[j] - y[k]) is exp(x[j] - y[j]) times exp(y[i] - y[i + 1]) for each i between: no factor
    # is more than 1.
    at = axes_of(axis, x.ndim)[0]
    x, y, g = (moved(F, v, at, x.ndim - 1) for v in (x, y, g))
    if not x.shape[-1]:
        return moved(F, g, x.ndim - 1, at)
    share = F.exp(_difference(F, x, y))
    steps = F.exp(_difference(F, _part(F, y, slice(-1)), _part(F, y, slice(1, None))))
    start = F.ones((*x.shape[:-1], 1), dtype=steps.dtype, device=device.of(steps))
    back = F.join(start, F.flip(steps, axis=-1), axis=-1)
    after = F.flip(recurrence(F, back, F.flip(g, axis=-1)), axis=-1)
    return moved(F, F.multiply_no_nan(share, after), x.ndim - 1, at)


def _difference(F, x, y):
    """Return `x - y`, and 0 where both are the same infinity."""
    return F.where(x == y, 0, x - F.where(x == y, 0, y))


@primitive(by_kernel="each result needs the one before")
def running_place(xp, x, /, axis, largest):
    """Return where the largest, or smallest, of all values up to each is: of equals the last."""
    extreme = accumulate(xp, "maximum" if largest else "minimum", x, axis)
    (at,) = axes_of(axis, x.ndim)
    places = xp.arange(x.shape[at], dtype="int64")
    places = places.reshape(-1, *(1,) * (x.ndim - 1 - at))
    met = (x == extreme) | (x != x)  # a NaN is the extreme one from there on
    return accumulate(xp, "maximum", xp.where(met, places, 0), axis)


@running_place.shape
def _(x, axis, largest):
    axes_of(axis, x.ndim)
    return Spec(x.shape, dtypes.int64)


running_place.axes(_labels)


for word in (running_place, running_logsumexp):
    word.ordered = True


@composite
def cumsum(F, x, /, axis=None, dtype=None):
    """Return the sums of all values up to each, along an axis (None: of the flattened `x`)."""
    return _scan(F, F.running_sum, x, axis, dtype)


@composite
def cumprod(F, x, /, axis=None, dtype=None):
    """Return the products of all values up to each, along an axis (None: of the flattened `x`).

    The gradient is right where values are zero, too.
    """
    return _scan(F, F.running_product, x, axis, dtype)


def _scan(F, scan, x, axis, dtype):
    x = operand(F, x)
    if axis is None:
        x, axis = F.reshape(x, shape=(-1,)), 0
    if dtype is None:
        return scan(x, axis=axis)
    return F.astype(scan(F.astype(x, dtype=dtype), axis=axis), dtype=dtype)


@composite
def cumulative_sum(F, x, /, axis=None, dtype=None, include_initial=False):
    """Return the sums of all values up to each, as the array API's `cumulative_sum`.

    Parameters
    ----------
    axis : int, optional
        It may be left out where `x` has one axis.
    include_initial : bool
        Put the 0 in front with which a sum begins.
    """
    return _cumulative(F, F.cumsum, x, axis, dtype, include_initial, 0)


@composite
def cumulative_prod(F, x, /, axis=None, dtype=None, include_initial=False):
    """Return the products of all values up to each, as the array API's `cumulative_prod`.

    Parameters
    ----------
    axis : int, optional
        It may be left out where `x` has one axis.
    include_initial : bool
        Put the 1 in front with which a product begins.
    """
    return _cumulative(F, F.cumprod, x, axis, dtype, include_initial, 1)


def _cumulative(F, scan, x, axis, dtype, include_initial, first):
    x = operand(F, x)
    if axis is None and x.ndim != 1:
        raise ValueError(f"x has shape {x.shape}: give the axis=, as it has not one axis")
    (at,) = axes_of(axis, x.ndim)
    made = scan(x, axis=at, dtype=dtype)
    if not include_initial:
        return made
    shape = (*made.shape[:at], 1, *made.shape[at + 1 :])
    return F.join(F.full(shape, first, dtype=made.dtype, device=made.device), made, axis=at)


@composite
def logcumsumexp(F, x, /, axis=-1):
    """Return `log(sum(exp(x)))` of all values up to each along an axis, finite for finite `x`."""
    return F.running_logsumexp(x, axis=axis)


@composite
def cummax(F, x, /, axis=-1):
    """Return the largest of all values up to each along an axis, and where it is, as PyTorch."""
    return _extreme(F, x, axis, largest=True)


@composite
def cummin(F, x, /, axis=-1):
    """Return the smallest of all values up to each along an axis, and where it is, as PyTorch."""
    return _extreme(F, x, axis, largest=False)


def _extreme(F, x, axis, largest):
    x = operand(F, x)
    places = F.running_place(x, axis=axis, largest=largest)
    return F.gather_along(x, places, axis=axis), places
