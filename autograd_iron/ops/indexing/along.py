"""Reading and adding at positions along one axis, which each slice has for itself."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, scans
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import all_batched
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.creation import asarray

__all__ = ["take_along_axis"]


def _check(x, indices, axis):
    """Return the axis; refuse indices that are no integers, or lie otherwise than `x`."""
    if indices.dtype.kind not in "iu":
        raise IndexError(f"the indices are {indices.dtype}, not integers")
    (at,) = axes_of(axis, x.ndim)
    around = x.shape[:at] + x.shape[at + 1 :]
    if x.ndim != indices.ndim or around != indices.shape[:at] + indices.shape[at + 1 :]:
        raise ValueError(
            f"indices of shape {indices.shape} do not lie along axis {axis} of shape {x.shape}: "
            "the other axes must be the same"
        )
    return at


def _all_but(x, at, label):
    return tuple(label if i == at else i for i in range(x.ndim))


@primitive(exact=True, by_kernel="it reads at positions")
def gather_along(xp, x, indices, /, axis):
    """Return the elements of `x` at positions along an axis; the other axes are the same."""
    _check(x, indices, axis)
    return xp.take_along_axis(x, indices, axis)


@gather_along.shape
def _(x, indices, axis):
    _check(x, indices, axis)
    return Spec(indices.shape, x.dtype)


@gather_along.vjp
def _(F, g, _y, _x, indices, axis):
    return F.scatter_sum_along(g, indices, size=_x.shape[axis], axis=axis)


gather_along.vjp(None)


@gather_along.axes
def _(x, indices, axis):
    at = _check(x, indices, axis)
    found = _all_but(x, at, "position")
    return Labels((_all_but(x, at, None), found), (found,))


@gather_along.vmap
def _(F, batched, x, indices, axis):
    x, indices = all_batched(F, batched, (x, indices))
    return F.gather_along(x, indices, axis=axes_of(axis, x.ndim - 1)[0] + 1)


@primitive(by_kernel="it writes at positions")
def scatter_sum_along(xp, values, indices, /, size, axis):
    """Return zeros with an axis of such a size, and the values added up at positions along it."""
    at = _check(values, indices, axis)
    if xp is device.host and values.dtype.kind == "f":
        return scans.sums_along(values, indices, size, at)
    shape = (*values.shape[:at], size, *values.shape[at + 1 :])
    made = xp.zeros(shape, dtype=values.dtype)
    grid = [
        xp.arange(n, dtype="int64").reshape(*(1,) * i, n, *(1,) * (values.ndim - 1 - i))
        for i, n in enumerate(values.shape)
    ]
    grid[at] = indices
    scans.add_at(xp, made, tuple(grid), values)
    return made


@scatter_sum_along.shape
def _(values, indices, size, axis):
    at = _check(values, indices, axis)
    return Spec((*values.shape[:at], size, *values.shape[at + 1 :]), values.dtype)


@scatter_sum_along.vjp
def _(F, g, _y, _values, indices, size, axis):
    return F.gather_along(g, indices, axis=axis)


scatter_sum_along.vjp(None)


@scatter_sum_along.axes
def _(values, indices, size, axis):
    at = _check(values, indices, axis)
    found = _all_but(values, at, "position")
    return Labels((found, found), (_all_but(values, at, None),), "sum")


@scatter_sum_along.vmap
def _(F, batched, values, indices, size, axis):
    values, indices = all_batched(F, batched, (values, indices))
    axis = axes_of(axis, values.ndim - 1)[0] + 1
    return F.scatter_sum_along(values, indices, size=size, axis=axis)


@composite
def take_along_axis(F, x, /, indices, axis=-1):
    """Return the elements of `x` at positions along an axis (None: of the flattened `x`).

    Each slice of `x` has positions of its own, as `argsort` and `argmax` return them; the other
    axes of `x` and of the indices broadcast.
    """
    x = operand(F, x)
    if axis is None:
        x, axis = F.reshape(x, shape=(-1,)), 0
    if not hasattr(indices, "dtype"):
        indices = asarray(indices, device=x.device)
    if x.ndim == indices.ndim:
        (at,) = axes_of(axis, x.ndim)
        lead, tail = (
            device.broadcast_shape(x.shape[part], indices.shape[part])
            for part in (slice(at), slice(at + 1, None))
        )
        if lead is not None and tail is not None:
            x = _stretched(F, x, (*lead, x.shape[at], *tail))
            indices = _stretched(F, indices, (*lead, indices.shape[at], *tail))
    return F.gather_along(x, indices, axis=axis)


def _stretched(F, x, shape):
    return x if x.shape == shape else F.broadcast_to(x, shape=shape)
