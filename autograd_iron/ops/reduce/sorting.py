"""Values in order, and where each of them was."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from autograd_iron.arrays import device, dtypes
from autograd_iron.arrays.scans import stable_order
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.reduce.axes import positions

__all__ = ["argpartition", "argsort", "kthvalue", "lexsort", "mode", "partition", "sort", "topk"]


def _labels(x, axis, **_):
    over = axes_of(axis, x.ndim)
    kept = tuple(None if i in over else i for i in range(x.ndim))
    return Labels((kept,), (kept,))


def _places(x, axis, **_):
    axes_of(axis, x.ndim)
    return Spec(x.shape, dtypes.int64)


@primitive(by_kernel="a library sorts")
def order_along(xp, x, /, axis, descending):
    """Return the positions along an axis that sort `x`, equal values in the order of `x`."""
    if not x.size:  # of which CuPy's sort reads past the end
        return xp.zeros(x.shape, dtype="int64")
    given = xp.flip(x, axis) if descending else x
    if xp is device.host:
        order = stable_order(given, axis)
    else:
        order = xp.argsort(given, axis=axis, kind="stable")
    if not descending:
        return order
    return xp.flip(x.shape[axis] - 1 - order, axis)


order_along.shape(_places)


order_along.axes(_labels)


@primitive(by_kernel="a library sorts")
def sort_along(xp, x, /, axis, descending):
    """Return the values in order along an axis; NaN is larger than all."""
    made = xp.sort(x, axis=axis) if x.size else xp.array(x)
    return xp.flip(made, axis) if descending else made


@sort_along.shape
def _(x, axis, descending):
    axes_of(axis, x.ndim)
    return Spec(x.shape, x.dtype)


sort_along.axes(_labels)


@sort_along.vjp
def _(F, g, _y, x, axis, descending):
    order = F.order_along(x, axis=axis, descending=descending)
    return F.scatter_sum_along(g, order, size=x.shape[axis], axis=axis)


@primitive(by_kernel="a library selects")
def partition_along(xp, x, /, axis, kth):
    """Return positions along an axis, at each of `kth` the one that sorting puts there.

    Those of smaller values come before it, those of larger ones after.
    """
    if device.can_look(xp):
        return xp.argpartition(x, kth, axis=axis)
    return order_along.kernel(xp, x, axis, False)  # as CuPy's does, which waits besides


@partition_along.shape
def _(x, axis, kth):
    (at,) = axes_of(axis, x.ndim)
    for k in kth if isinstance(kth, tuple) else (kth,):
        if not -x.shape[at] <= k < x.shape[at]:
            raise ValueError(f"kth={k} is out of range: axis {axis} has {x.shape[at]} values")
    return Spec(x.shape, dtypes.int64)


partition_along.axes(_labels)


partition_along.forms["kth"] = partial(setting, name="axis")  # integers, as axes are


for word in (order_along, sort_along, partition_along):
    word.ordered = True


def _flat(F, x, axis):
    x = operand(F, x)
    return (F.reshape(x, shape=(-1,)), 0) if axis is None else (x, axis)


@composite
def sort(F, x, /, axis=-1, *, descending=False, stable=True, kind=None):
    """Return the values in order along an axis (None: of the flattened `x`).

    NaN is larger than all other values.  The gradient goes where each value came from.

    Parameters
    ----------
    stable, kind
        Every sort here is stable.
    """
    x, axis = _flat(F, x, axis)
    return F.sort_along(x, axis=axis, descending=descending)


@composite
def argsort(F, x, /, axis=-1, *, descending=False, stable=True, kind=None):
    """Return the positions that sort `x` along an axis (None: those in the flattened `x`).

    Parameters
    ----------
    stable, kind
        Equal values are always in the order of `x`.
    """
    x, axis = _flat(F, x, axis)
    return F.order_along(x, axis=axis, descending=descending)


@composite
def lexsort(F, keys, /, axis=-1):
    """Return the positions that sort by several keys, the last of which counts most.

    Parameters
    ----------
    keys : array or sequence of arrays
        One key, of one shape, in each.
    """
    parts = [operand(F, key) for key in keys]
    if not parts:
        raise ValueError("there are no keys to sort by")
    (at,) = axes_of(axis, parts[0].ndim)
    order = F.order_along(parts[0], axis=at, descending=False)
    for key in parts[1:]:
        later = F.order_along(F.gather_along(key, order, axis=at), axis=at, descending=False)
        order = F.gather_along(order, later, axis=at)
    return order


@composite
def partition(F, x, /, kth, axis=-1):
    """Return the values along an axis so that those at `kth` are where sorting puts them.

    Smaller values come before, larger ones after, in no particular order.
    """
    x, axis = _flat(F, x, axis)
    return F.gather_along(x, F.partition_along(x, axis=axis, kth=kth), axis=axis)


@composite
def argpartition(F, x, /, kth, axis=-1):
    """Return the positions along an axis of what `partition` returns."""
    x, axis = _flat(F, x, axis)
    return F.partition_along(x, axis=axis, kth=kth)


@composite
def topk(F, x, /, k, axis=-1, largest=True, sorted=True):
    """Return the `k` largest (or smallest) values along an axis, and where they are, as PyTorch.

    Parameters
    ----------
    sorted : bool
        They always come sorted.
    """
    x = operand(F, x)
    (at,) = axes_of(axis, x.ndim)
    if not 0 <= k <= x.shape[at]:
        raise ValueError(f"k={k} is out of range: there are {x.shape[at]} values along axis {axis}")
    order = F.order_along(x, axis=at, descending=largest)
    places = F.getitem(order, index=(slice(None),) * at + (slice(k),))
    return F.gather_along(x, places, axis=at), places


@composite
def kthvalue(F, x, /, k, axis=-1, keepdims=False):
    """Return the `k`-th smallest value along an axis (the first: 1), and where it is."""
    x = operand(F, x)
    (at,) = axes_of(axis, x.ndim)
    if not 1 <= k <= x.shape[at]:
        raise ValueError(f"k={k} is out of range: there are {x.shape[at]} values along axis {axis}")
    order = F.order_along(x, axis=at, descending=False)
    places = F.getitem(order, index=(slice(None),) * at + (slice(k - 1, k),))
    return _read(F, x, places, at, keepdims)


def _read(F, x, places, axis, keepdims):
    """Return the values at positions of which there is one along an axis, and the positions."""
    values = F.gather_along(x, places, axis=axis)
    if keepdims:
        return values, places
    return F.squeeze(values, axis=axis), F.squeeze(places, axis=axis)


@composite
def mode(F, x, /, axis=-1, keepdims=False):
    """Return the commonest value along an axis, of several the smallest, and where it is last."""
    x = operand(F, x)
    (at,) = axes_of(axis, x.ndim)
    n, lead = x.shape[at], (slice(None),) * at
    if not n:
        raise ValueError(f"x has shape {x.shape}: no value along axis {axis} is the commonest")
    order = F.order_along(x, axis=at, descending=False)
    values = F.gather_along(x, order, axis=at)
    place = F.reshape(positions(F, n, x), shape=(n, *(1,) * (x.ndim - 1 - at)))
    later = F.getitem(values, index=(*lead, slice(1, None)))
    new = later != F.getitem(values, index=(*lead, slice(-1)))
    # Where the run of equal values began in which a position lies.
    tail = F.getitem(place, index=(slice(1, None),))
    starts = F.where(new, tail, 0)
    first = F.broadcast_to(
        F.getitem(place, index=(slice(1),)), shape=(*x.shape[:at], 1, *x.shape[at + 1 :])
    )
    starts = F.join(first, starts, axis=at)
    began = F.gather_along(starts, F.running_place(starts, axis=at, largest=True), axis=at)
    commonest = F.argmax(place - began, axis=at, keepdims=True)
    return _read(F, x, F.gather_along(order, commonest, axis=at), at, keepdims)
