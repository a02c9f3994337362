"""Running results of a ufunc along an axis, for the arrays of either library."""

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device


def accumulate(xp: Any, name: str, x: Any, axis: int) -> Any:
    """Return what an associative ufunc makes of all values up to each along an axis.

    CuPy has this for sums and products alone. There a logarithmic number of calls does it: after
    each, a result has twice as many values in it.
    """
    ufunc = getattr(xp, name)
    if xp is device.host:
        return ufunc.accumulate(x, axis=axis)
    size, lead, step = x.shape[axis], (slice(None),) * (axis % x.ndim), 1
    while step < size:
        later, earlier = x[(*lead, slice(step, None))], x[(*lead, slice(-step))]
        start = x[(*lead, slice(step))]
        x = xp.concatenate((start, ufunc(earlier, later)), axis=axis)
        step *= 2
    return x
