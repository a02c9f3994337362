"""The largest value and the sum of each window, and where they came from."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.windows.geometry import (
    counts,
    empty_padded,
    inside,
    is_host,
    padded,
    places,
    settle,
)
from autograd_iron.ops.windows.unfolding import split, whole_axes


@primitive(by_kernel="windows overlap")
def max_pool(xp, x, /, kernel, stride, padding, dilation):
    """Return the largest value of each window over the last axes; of equal ones the first counts.

    Parameters
    ----------
    kernel, stride, dilation : tuple of int
        An entry for each of the last axes.
    padding : tuple of (before, after)
        Of what is smaller than everything.
    """
    _, size = split(x.shape, kernel)
    count = counts(size, kernel, stride, padding, dilation)
    made = padded(xp, x, padding, dtypes.extreme(x.dtype, lowest=True))
    # One axis after the other: numbers side by side are compared first, and then there are fewer.
    for i, settings in enumerate(zip(count, kernel, stride, dilation, strict=True)):
        rest = (slice(None),) * (len(kernel) - 1 - i)
        wide, made = made, None
        for _, at in places(*((n,) for n in settings)):
            part = wide[(*at, *rest)]
            made = xp.array(part) if made is None else xp.maximum(made, part, out=made)
    return made


def _of_pool(x, kernel, stride, padding, dilation):
    lead, size = split(x.shape, kernel)
    return Spec((*lead, *counts(size, kernel, stride, padding, dilation)), x.dtype)


def _pool_axes(x, kernel, stride, padding, dilation):
    return whole_axes((x,), (len(kernel),), len(kernel))


max_pool.shape(_of_pool)


max_pool.axes(_pool_axes)


@max_pool.vjp
def _(F, g, y, x, kernel, stride, padding, dilation):
    _, size = split(x.shape, kernel)
    settings = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return F.add_to_windows(g, F.place_of_max(x, y, **settings), size=size, **settings)


@primitive(by_kernel="windows overlap")
def place_of_max(xp, x, y, /, kernel, stride, padding, dilation):
    """Return which element of its window is the first of the value `y`: the number of its place.

    That of the last where none is: the largest value of a window with NaN is NaN.
    """
    _, size = split(x.shape, kernel)
    count = counts(size, kernel, stride, padding, dilation)
    x = padded(xp, x, padding, dtypes.extreme(x.dtype, lowest=True))
    lead = _joint_lead(x, y, kernel)
    dtype = _places_dtype(kernel)
    made = xp.zeros((*lead, *count), dtype=dtype)
    # From the last place but one to the first: no step further where the value is there.
    for _, at in list(places(count, kernel, stride, dilation))[-2::-1]:
        made += 1
        made *= x[at] != y
    return made


def _places_dtype(kernel):
    return dtypes.dtype("uint8") if math.prod(kernel) < 256 else dtypes.int64


def _joint_lead(x, y, kernel):
    return device.broadcast_shape(split(x.shape, kernel)[0], split(y.shape, kernel)[0])


@place_of_max.shape
def _(x, y, kernel, stride, padding, dilation):
    made = _of_pool(x, kernel, stride, padding, dilation)
    lead = device.broadcast_shape(split(x.shape, kernel)[0], split(y.shape, kernel)[0])
    if lead is None or y.shape[len(y.shape) - len(kernel) :] != made.shape[len(lead) :]:
        raise ValueError(f"{y.shape} is not the shape of windows over {x.shape}")
    return Spec((*lead, *made.shape[len(lead) :]), _places_dtype(kernel))


@place_of_max.axes
def _(x, y, kernel, stride, padding, dilation):
    return whole_axes((x, y), (len(kernel), len(kernel)), len(kernel))


@primitive(by_kernel="windows overlap")
def add_to_windows(xp, x, place, /, size, kernel, stride, padding, dilation):
    """Return each value added at its place of its window: the gradient of `read_windows`."""
    count = counts(size, kernel, stride, padding, dilation)
    lead = _joint_lead(x, place, kernel)
    made = empty_padded(xp, lead, size, padding, x.dtype)
    apart = all(s >= d * (k - 1) + 1 for k, s, d in zip(kernel, stride, dilation, strict=True))
    for number, (_, at) in enumerate(places(count, kernel, stride, dilation)):
        part = _where(xp, place == number, x)
        if apart:
            made[at] = part
        else:
            made[at] += part
    return made[inside(size, padding)]


def _where(xp, chosen, x):
    """Return `x` where it is chosen, else 0: its bits times one or zero, for NumPy's speed."""
    whole = {"f": "int32", "d": "int64"}.get(x.dtype.char) if is_host(xp) else None
    return xp.where(chosen, x, 0) if whole is None else (x.view(whole) * chosen).view(x.dtype)


@add_to_windows.shape
def _(x, place, size, kernel, stride, padding, dilation):
    (lead, count), (other, _) = split(x.shape, kernel), split(place.shape, kernel)
    lead = device.broadcast_shape(lead, other)
    if lead is None or count != counts(size, kernel, stride, padding, dilation):
        raise ValueError(f"{x.shape} and {place.shape} are not those of windows over {size}")
    return Spec((*lead, *size), x.dtype)


@add_to_windows.vjp
def _(F, g, _y, _x, place, size, kernel, stride, padding, dilation):
    return F.read_windows(
        g, place, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


add_to_windows.vjp(None)


@add_to_windows.axes
def _(x, place, size, kernel, stride, padding, dilation):
    return whole_axes((x, place), (len(kernel), len(kernel)), len(kernel))


@primitive(by_kernel="windows overlap")
def read_windows(xp, x, place, /, kernel, stride, padding, dilation):
    """Return of each window the element at a place; 0 where there is no such place."""
    _, size = split(x.shape, kernel)
    count = counts(size, kernel, stride, padding, dilation)
    x = padded(xp, x, padding)
    lead = _joint_lead(x, place, kernel)
    made = xp.zeros((*lead, *count), dtype=x.dtype)
    for number, (_, at) in enumerate(places(count, kernel, stride, dilation)):
        xp.copyto(made, x[at], where=place == number)
    return made


@read_windows.shape
def _(x, place, kernel, stride, padding, dilation):
    (lead, size), (other, count) = split(x.shape, kernel), split(place.shape, kernel)
    lead = device.broadcast_shape(lead, other)
    if lead is None or count != counts(size, kernel, stride, padding, dilation):
        raise ValueError(f"{place.shape} is not the shape of windows over {x.shape}")
    return Spec((*lead, *count), x.dtype)


@read_windows.vjp
def _(F, g, _y, _x, place, kernel, stride, padding, dilation):
    _, size = split(_x.shape, kernel)
    return F.add_to_windows(
        g, place, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


read_windows.vjp(None)


@read_windows.axes
def _(x, place, kernel, stride, padding, dilation):
    return whole_axes((x, place), (len(kernel), len(kernel)), len(kernel))


@primitive(by_kernel="windows overlap")
def sum_pool(xp, x, /, kernel, stride, padding, dilation):
    """Return the sum of each window over the last axes; see `max_pool`, but padding is of zeros."""
    lead, size = split(x.shape, kernel)
    count = counts(size, kernel, stride, padding, dilation)
    narrow = x.dtype == dtypes.float16
    dtype = dtypes.float32 if narrow else x.dtype
    x = padded(xp, x, padding)
    made = xp.zeros((*lead, *count), dtype=dtype)
    for _, at in places(count, kernel, stride, dilation):
        made += x[at]
    return made.astype(x.dtype) if narrow else made


sum_pool.shape(_of_pool)


sum_pool.axes(_pool_axes)


@sum_pool.vjp
def _(F, g, _y, _x, kernel, stride, padding, dilation):
    _, size = split(_x.shape, kernel)
    return F.spread_windows(
        g, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


@primitive(by_kernel="windows overlap")
def spread_windows(xp, x, /, size, kernel, stride, padding, dilation):
    """Return each value added to all elements of its window: the gradient of `sum_pool`."""
    lead, _ = split(x.shape, kernel)
    count = counts(size, kernel, stride, padding, dilation)
    made = empty_padded(xp, lead, size, padding, x.dtype)
    for _, at in places(count, kernel, stride, dilation):
        made[at] += x
    return made[inside(size, padding)]


@spread_windows.shape
def _(x, size, kernel, stride, padding, dilation):
    lead, count = split(x.shape, kernel)
    if count != counts(size, kernel, stride, padding, dilation):
        raise ValueError(f"{x.shape} is not the shape of windows over {size}")
    return Spec((*lead, *size), x.dtype)


@spread_windows.axes
def _(x, size, kernel, stride, padding, dilation):
    return whole_axes((x,), (len(kernel),), len(kernel))


@spread_windows.vjp
def _(F, g, _y, _x, size, kernel, stride, padding, dilation):
    return F.sum_pool(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


for word in (max_pool, place_of_max, add_to_windows, read_windows, sum_pool, spread_windows):
    settle(word)
