"""The value below which a given part of all values lies: median, quantiles, percentiles."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes, intake
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.registry import raw
from autograd_iron.ops.creation import asarray
from autograd_iron.ops.reduce.axes import as_last_axis, keep

__all__ = [
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]

# The methods that interpolate, by the two constants of Hyndman and Fan, "Sample Quantiles in
# Statistical Packages", 1996.
_INTERPOLATING = {
    "linear": (1, 1),
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (0.5, 0.5),
    "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
# The others, by what is added to `n * q`; None: that of "linear" is rounded.
_STEPPING = {
    "inverted_cdf": -1,
    "averaged_inverted_cdf": -1,
    "closest_observation": -1.5,
    "lower": None,
    "higher": None,
    "midpoint": None,
    "nearest": None,
}


def _places(F, n, q, method):
    """Return between which of `n` sorted values a quantile lies, and how far from the first.

    `n` and `q` are arrays of float64, which broadcast.  A quantile that is one of the values lies
    between this value and itself.
    """
    if method in _INTERPOLATING:
        a, b = _INTERPOLATING[method]
        at = (n - 1) * q if method == "linear" else n * q + (a + q * (1 - a - b)) - 1
    elif method in _STEPPING:
        start = _STEPPING[method]
        at = (n - 1) * q if start is None else n * q + start
    else:
        known = ", ".join([*_INTERPOLATING, *_STEPPING])
        raise ValueError(f"method {method!r} is none of {known}")
    below = F.astype(at + 2, dtype="int64") - 2  # rounded down: no position is less than -2
    part = at - F.astype(below, dtype="float64")
    odd = F.bitwise_and(below, 1) == 1
    if method in _STEPPING:
        part = {
            "inverted_cdf": lambda: F.where(part == 0, 0.0, 1.0),
            "averaged_inverted_cdf": lambda: F.where(part == 0, 0.5, 1.0),
            "closest_observation": lambda: F.where((part == 0) & odd, 0.0, 1.0),
            "lower": lambda: part * 0,
            "higher": lambda: F.where(part > 0, 1.0, 0.0),
            "midpoint": lambda: F.where(part > 0, 0.5, 0.0),
            "nearest": lambda: F.where((part > 0.5) | ((part == 0.5) & odd), 1.0, 0.0),
        }[method]()
    lower = F.where(part == 1, below + 1, below)
    upper = F.where(part == 0, below, below + 1)
    highest = F.astype(n, dtype="int64") - 1
    lower, upper = (F.maximum(F.minimum(v, highest), 0) for v in (lower, upper))
    return lower, upper, part


def _on_host(q):
    return intake.as_array(q.numpy() if hasattr(q, "node") else q, dtypes.float64)


def _fractions(q):
    """Return the numbers `q` as one row of float64 on the host, and their shape."""
    given = _on_host(q)
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"quantiles are between 0 and 1, not {given}")
    return given.reshape(-1), given.shape


@composite
def quantile(F, x, /, q, axis=None, keepdims=False, method="linear"):
    """Return the values over the axes below which the parts `q` of all values lie.

    The gradient goes to the values between which a quantile lies.

    Parameters
    ----------
    q : number or array
        Between 0 and 1.  The result has its axes first.
    method : str
        One of NumPy's: "linear", "lower", "higher", "midpoint", "nearest", "hazen" and so on.
    """
    x = operand(F, x)
    row, shape = _fractions(q)
    values = _sorted(F, x, axis)
    host = raw(device.host)
    n = host.full((1,), values.shape[-1], dtype="float64")
    lower, upper, part = _places(host, n, row, method)
    low = F.getitem(values, index=(..., lower))
    made = low
    if (lower != upper).any():
        high = F.getitem(values, index=(..., upper))
        made = _between(F, low, high, asarray(part, device=values.device))
    elif method in _INTERPOLATING or method in ("midpoint", "averaged_inverted_cdf"):
        made = _as_float(F, low)
    if dtypes.is_float(values.dtype):  # of which NaN comes last
        made = F.where(F.isnan(F.getitem(values, index=(..., slice(-1, None)))), math.nan, made)
    return _in_shape(F, made, shape, x, axis, keepdims)


def _sorted(F, x, axis):
    rows = as_last_axis(F, x, axis)
    if not rows.shape[-1]:
        raise ValueError(f"x has shape {x.shape}: there is no quantile of no values")
    return F.sort_along(rows, axis=-1, descending=False)


def _as_float(F, x):
    return x if dtypes.is_float(x.dtype) else F.astype(x, dtype=dtypes.default_float)


def _between(F, low, high, part):
    low, high = _as_float(F, low), _as_float(F, high)
    part = F.astype(part, dtype=low.dtype)
    # From an infinity there is no way: their difference would be NaN.
    way = F.where(F.isfinite(low), high - F.where(F.isfinite(low), low, 0), 0)
    return low + F.multiply_no_nan(way, part)


def _in_shape(F, made, shape, x, axis, keepdims):
    """Return quantiles, which come along the last axis, with the axes of `q` first."""
    order = (made.ndim - 1, *range(made.ndim - 1))
    made = F.permute_dims(made, axes=order)
    one = F.reshape(made, shape=(*shape, *made.shape[1:]))
    if not keepdims:
        return one
    kept = keep(F, F.getitem(made, index=(0,)), x, axis, keepdims).shape
    return F.reshape(one, shape=(*shape, *kept))


@composite
def percentile(F, x, /, q, axis=None, keepdims=False, method="linear"):
    """Return the values over the axes below which `q` per cent of all lie: see `quantile`."""
    return F.quantile(x, _on_host(q) / 100, axis, keepdims, method)


@composite
def median(F, x, /, axis=None, keepdims=False):
    """Return the middle value over the axes, or the mean of the two middle ones."""
    return F.quantile(x, 0.5, axis, keepdims)


@composite
def nanquantile(F, x, /, q, axis=None, keepdims=False, method="linear"):
    """Return `quantile` of all values that are not NaN; NaN where there are none."""
    x = operand(F, x)
    if not dtypes.is_float(x.dtype):
        return F.quantile(x, q, axis, keepdims, method)
    row, shape = _fractions(q)
    values = _sorted(F, x, axis)
    n = F.sum(F.logical_not(F.isnan(values)), axis=-1, keepdims=True)
    row = asarray(row, device=values.device)
    lower, upper, part = _places(F, F.astype(n, dtype="float64"), row, method)
    low, high = (F.gather_along(values, at, axis=-1) for at in (lower, upper))
    return _in_shape(F, _between(F, low, high, part), shape, x, axis, keepdims)


@composite
def nanpercentile(F, x, /, q, axis=None, keepdims=False, method="linear"):
    """Return `percentile` of all values that are not NaN; NaN where there are none."""
    return F.nanquantile(x, _on_host(q) / 100, axis, keepdims, method)


@composite
def nanmedian(F, x, /, axis=None, keepdims=False):
    """Return the median of all values that are not NaN; NaN where there are none."""
    return F.nanquantile(x, 0.5, axis, keepdims)
