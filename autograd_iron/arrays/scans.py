"""Along one axis of an array: running results of a ufunc, and sums at positions."""

from __future__ import annotations

import math
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


def sums_along(values: Any, indices: Any, size: int, axis: int) -> Any:
    """Return what lands at each position of an axis, added up: of floats on the host.

    Counting with weights is many times faster there than `add.at`, and adds up in float64.

    Raises
    ------
    IndexError
        A position is out of range.
    """
    lead, count, tail = values.shape[:axis], values.shape[axis], values.shape[axis + 1 :]
    rows, row = math.prod(lead), math.prod(tail)
    places = indices.astype("int64").reshape(rows, count, row)
    if places.size and not -size <= places.min() <= places.max() < size:
        raise IndexError(f"a position is out of range: the axis has size {size}")
    places[places < 0] += size
    places += size * device.host.arange(rows)[:, None, None]
    flat = (places * row + device.host.arange(row)).reshape(-1)
    weights = device.host.asarray(values).reshape(
        -1
    )  # made float64, which costs less than `add.at`
    made = device.host.bincount(flat, weights, rows * size * row)
    return made.reshape(*lead, size, *tail).astype(values.dtype)


def stable_order(x: Any, axis: int) -> Any:
    """Return the positions that sort an array of the host, equal values in their order.

    NumPy's stable sort takes several times as long as the other, which does where no values tie.
    """
    order = device.host.argsort(x, axis=axis)
    rows = device.host.moveaxis(device.host.take_along_axis(x, order, axis), axis, -1)
    if (rows[..., :-1] < rows[..., 1:]).all():
        return order
    return device.host.argsort(x, axis=axis, kind="stable")
