"""Where windows lie that move over the last axes of an array.

Of `kernel`, `stride`, `padding` and `dilation` each has one entry an axis; that of the padding is a
pair: how much stands before the axis, and how much behind it.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial
from itertools import product

from autograd_iron.arrays import device
from autograd_iron.core.plain import setting


def counts(size, kernel, stride, padding, dilation):
    """Return how many windows there are along each axis.

    Raises
    ------
    ValueError
        A window is larger than the padded axis, or an entry makes no sense.
    """
    made = []
    for n, k, s, (before, after), d in zip(size, kernel, stride, padding, dilation, strict=True):
        if min(k, s, d) < 1 or min(before, after) < 0:
            raise ValueError(
                f"a kernel of {k} with stride {s}, padding {(before, after)} and dilation {d}: "
                "padding is 0 or more, and the others are 1 or more"
            )
        span, room = d * (k - 1) + 1, n + before + after
        if span > room:
            raise ValueError(
                f"a window of {span} ({k} elements, dilation {d}) does not fit into {room}, which "
                f"is {n} with a padding of {before} and {after}: give more padding, or a smaller "
                "kernel"
            )
        made.append((room - span) // s + 1)
    return tuple(made)


def places(count, kernel, stride, dilation):
    """Yield for each element of a window its place there, and where all windows have it.

    The second is the index into the last axes of the padded array.
    """
    for place in product(*map(range, kernel)):
        parts = zip(place, count, stride, dilation, strict=True)
        yield place, (..., *(slice(p * d, p * d + s * (n - 1) + 1, s) for p, n, s, d in parts))


def padded(xp, x, padding, value=0):
    """Return `x` with a border around its last axes; `x` itself where there is none."""
    if is_plain(padding):
        return x
    size = x.shape[x.ndim - len(padding) :]
    lead = x.shape[: x.ndim - len(padding)]
    wide = (n + sum(pair) for n, pair in zip(size, padding, strict=True))
    made = xp.full((*lead, *wide), value, dtype=x.dtype)
    made[inside(size, padding)] = x
    return made


def inside(size, padding):
    """Return the index of an array in what `padded` makes of it."""
    pairs = zip(size, padding, strict=True)
    return (..., *(slice(before, before + n) for n, (before, _) in pairs))


def empty_padded(xp, lead, size, padding, dtype):
    """Return zeros with a border around the last axes, into which windows are added."""
    wide = (n + sum(pair) for n, pair in zip(size, padding, strict=True))
    return xp.zeros((*lead, *wide), dtype=dtype)


def is_host(xp):
    """Return whether arrays are NumPy's."""
    return xp is device.host


def is_plain(padding):
    """Return whether there is no padding at all."""
    return not any(map(any, padding))


def settle(word):
    """Say that the settings of an operation are tuples of integers, whoever computed them."""
    for name in ("kernel", "stride", "padding", "dilation", "groups", "size"):
        if name in word.defaults:
            word.forms[name] = partial(setting, name="shape")
