"""Reading and functionally updating at an index: slices, integers, masks, integer arrays."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron import device, dtypes
from autograd_iron.primitive import primitive


@primitive(exact=True)
def getitem(xp, x, /, index):
    """Return `x[index]` by NumPy's rules; basic indices give a view.

    On a GPU an index array of the host is checked and copied there.  The integers of one that is
    on the GPU already are not looked at, which would mean waiting: that they are in range is the
    caller's promise, and what lies outside wraps around.  A mask is: its count is the new shape.
    """
    return xp.asarray(x[index])


@getitem.vjp
def _(F, g, _y, _x, index):
    return F.add_at(F.zeros(_x.shape, dtype=g.dtype, device=g.device), g, index=index)


def _kept_axis(axis, index):
    """Return where an axis goes that a basic index takes whole; None if it is cut."""
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(part, int | slice) for part in parts):
        return None
    if axis < len(parts) and parts[axis] != slice(None):
        return None
    return axis - sum(isinstance(part, int) for part in parts[:axis])


@getitem.batching
def _(axes, shapes, output_shape, index):
    return _kept_axis(axes[0], index)


@primitive
def add_at(xp, x, value, /, index):
    """Return `x` with `value` added at the index; repeated positions add up."""
    made = xp.array(x)
    if _is_advanced(index):
        device.add_at(xp, made, index, value)
    else:
        made[index] += value
    return made


@add_at.vjp
def _(F, g, _y, _x, _value, index):
    return g


@add_at.vjp
def _(F, g, _y, _x, _value, index):
    return F.getitem(g, index=index)


@add_at.batching
def _(axes, shapes, output_shape, index):
    a, b = axes
    whole = a is not None and b is not None and _kept_axis(a, index) == b
    return a if whole and len(shapes[1]) == len(output_shape) - _dropped(index) else None


def _dropped(index):
    return sum(isinstance(part, int) for part in (index if isinstance(index, tuple) else (index,)))


@primitive
def set_at(xp, x, value, /, index):
    """Return `x` with `value` at the index.

    On a GPU floating elements at a position that an integer array names twice become NaN instead.

    Raises
    ------
    ValueError
        An integer array names a position twice: which value stays would be undefined.
    """
    made = xp.array(x)
    made[index] = value
    if not _is_advanced(index):
        return made
    if not device.can_look(xp) and (not hasattr(value, "dtype") or not dtypes.is_float(made.dtype)):
        return made
    hits = xp.zeros(x.shape, dtype="int64")
    xp.add.at(hits, index, 1)
    if not device.can_look(xp):
        return xp.where(hits > 1, math.nan, made)
    if (hits > 1).any():
        raise ValueError("an index that names a position twice has no defined result; use .add")
    return made


def _is_advanced(index):
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, list) or getattr(part, "ndim", 0) > 0 for part in parts)


@set_at.vjp
def _(F, g, _y, _x, _value, index):
    return F.set_at(g, 0, index=index)


@set_at.vjp
def _(F, g, _y, _x, _value, index):
    return F.getitem(g, index=index)
