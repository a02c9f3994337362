"""Reading and writing at an index: slices, integers, arrays, masks."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import addressing, device, dtypes, intake, scans
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import moved, repeated, with_axes
from autograd_iron.core.index import Index
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec


@primitive(exact=True)
def getitem(xp, x, /, index):
    """Return `x[index]` by NumPy's rules; basic indices give a view.

    On a GPU an index array of the host is checked and copied there.  The integers of one that is
    on the GPU already are not looked at, which would mean waiting: that they are in range is the
    caller's promise, and what lies outside wraps around.  A mask is: its count is the new shape.
    """
    return xp.asarray(x[index])


@getitem.shape
def _(x, index):
    return Spec(addressing.indexed_shape(x.shape, index), x.dtype)


@getitem.view
def _(view, _shape, /, index):
    return view.indexed(index)


@getitem.vjp
def _(F, g, _y, _x, index):
    return F.add_at(F.zeros(_x.shape, dtype=g.dtype, device=device.of(g)), g, index=index)


def _labels(x, index):
    """Return the labels of `x` and of `x[index]`: those of the axes that the index takes whole."""
    advanced = any(hasattr(part, "ndim") for part in index)
    parts = list(index) if any(part is Ellipsis for part in index) else [*index, Ellipsis]
    taken = [0 if part is None or part is Ellipsis else _axes_taken(part) for part in parts]
    own: list[int | None] = []
    made: list[int | None] = []
    looked_up: list[int] = []
    at = 0
    for place, (part, count) in enumerate(zip(parts, taken, strict=True)):
        axis = len(own)
        if part is None:
            made.append(None)
        elif part is Ellipsis:
            whole = range(axis, axis + x.ndim - sum(taken))
            own += whole
            made += whole
        elif isinstance(part, slice):
            own.append(axis if part == slice(None) else None)
            made.append(own[-1])
        else:
            at = at if looked_up else len(made)
            looked_up.append(place)
            own += [None] * count
    if advanced:
        # NumPy puts the axes of arrays first that stand apart.
        at = at if looked_up[-1] - looked_up[0] < len(looked_up) else 0
        made[at:at] = [None] * max(map(_axes_made, index))
    return tuple(own), tuple(made)


def _axes_taken(part):
    return part.ndim if getattr(part, "dtype", None) == dtypes.bool_ else 1


def _axes_made(part):
    return 1 if getattr(part, "dtype", None) == dtypes.bool_ else getattr(part, "ndim", 0)


@getitem.axes
def _(x, index):
    own, made = _labels(x, index)
    return Labels((own,), (made,))


@getitem.vmap
def _(F, _batched, x, index):
    index, place = _in_batch(x, index)
    return moved(F, F.getitem(x, index=index), place, 0)


def _in_batch(x, index):
    """Return the index that takes a batch whole, and the axis of the batch in what it reads."""
    index = Index((slice(None), *index))
    _, made = _labels(x, index)
    return index, made.index(0)


@primitive(by_kernel="it writes at positions")
def add_at(xp, x, value, /, index):
    """Return `x` with `value` added at the index; repeated positions add up.

    Raises
    ------
    TypeError
        The value does not fit the dtype of `x`: 300 and int64 are not in uint8.
    """
    check_fits(x, value)
    made = xp.array(x)
    if _is_advanced(index):
        scans.add_at(xp, made, index, value)
    else:
        made[index] += value
    return made


def _updated(x, value, index):
    check_fits(x, value)
    hole = addressing.indexed_shape(x.shape, index)
    if not hasattr(value, "dtype"):
        intake.as_array(value, x.dtype)  # which refuses one that is out of range
    if device.broadcast_shape(getattr(value, "shape", ()), hole) != hole:
        raise ValueError(f"a value of shape {value.shape} cannot be broadcast to {hole}, the index")
    return Spec(x.shape, x.dtype)


add_at.shape(_updated)


@add_at.vjp
def _(F, g, _y, _x, _value, index):
    return g


@add_at.vjp
def _(F, g, _y, _x, _value, index):
    return F.getitem(g, index=index)


def _update_labels(x, value, index):
    own, made = _labels(x, index)
    shape = getattr(value, "shape", ())
    part = zip(shape, made[len(made) - len(shape) :], strict=True)
    values = tuple(None if a is None or n != x.shape[a] else a for n, a in part)
    return Labels((own, values), (own,))


add_at.axes(_update_labels)


def _batch_update(update, F, batched, x, value, index):
    """Return a batch updated at an index, where `update` is the word for that."""
    if not batched[0]:
        x = repeated(F, x, value.shape[0])
    index, place = _in_batch(x, index)
    ndim = len(addressing.indexed_shape(x.shape, index)) - 1
    if batched[1]:
        value = moved(F, with_axes(F, value, ndim), 0, place)
    elif place and getattr(value, "ndim", 0) > ndim - place:
        value = F.expand_dims(value, value.ndim - (ndim - place))
    return update(x, value, index=index)


@add_at.vmap
def _(F, batched, x, value, index):
    return _batch_update(F.add_at, F, batched, x, value, index)


TWICE = "an index that names a position twice has no defined result; use .add"


@primitive(by_kernel="it writes at positions")
def set_at(xp, x, value, /, index):
    """Return `x` with `value` at the index.

    On a GPU floating elements at a position that an integer array names twice become NaN instead.

    Raises
    ------
    ValueError
        An integer array names a position twice: which value stays would be undefined.
    TypeError
        The value does not fit the dtype of `x`: 300 and int64 are not in uint8.
    """
    check_fits(x, value)
    made = xp.array(x)
    made[index] = value
    if not _is_advanced(index):
        return made
    if not device.can_look(xp) and (
        not hasattr(value, "dtype") or not dtypes.is_inexact(made.dtype)
    ):
        return made
    hits = xp.zeros(x.shape, dtype="int64")
    xp.add.at(hits, index, 1)
    if not device.can_look(xp):
        return xp.where(hits > 1, math.nan, made)
    if (hits > 1).any():
        raise ValueError(TWICE)
    return made


@set_at.shape
def _(x, value, index):
    made = _updated(x, value, index)
    if _is_advanced(index) and addressing.names_twice(x.shape, index):
        raise ValueError(TWICE)
    return made


def check_fits(x, value):
    """Refuse a value of another dtype that `x` has no room for."""
    if hasattr(x, "dtype") and not dtypes.fits(value, x.dtype):
        found = f"an array of {value.dtype}" if hasattr(value, "dtype") else value
        raise TypeError(
            f"{found} does not fit {x.dtype}, of which the tensor is; cast one of them first: "
            f'ai.astype(value, "{x.dtype}")'
        )


def _is_advanced(index):
    return any(getattr(part, "ndim", 0) > 0 for part in index)


set_at.axes(_update_labels)


@set_at.vjp
def _(F, g, _y, _x, _value, index):
    return F.set_at(g, 0, index=index)


@set_at.vjp
def _(F, g, _y, _x, _value, index):
    return F.getitem(g, index=index)


@set_at.vmap
def _(F, batched, x, value, index):
    return _batch_update(F.set_at, F, batched, x, value, index)


for word in (getitem, add_at, set_at):
    word.forms["index"] = Index.of
