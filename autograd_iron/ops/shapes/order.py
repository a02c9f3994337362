"""The same values in another order: axes exchanged or reversed."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.shapes.joining import all_but

__all__ = ["flip", "matrix_transpose", "permute_dims", "transpose"]


@primitive(exact=True)
def permute_dims(xp, x, /, axes=None):
    """Return `x` with its axes in the given order (None: reversed)."""
    return xp.transpose(x, axes)


@permute_dims.shape
def _(x, axes):
    return Spec(tuple(x.shape[a] for a in _order(axes, x.ndim)), x.dtype)


def _order(axes, ndim):
    order = axes_of(axes, ndim)
    if sorted(order) != list(range(ndim)):
        raise ValueError(f"axes {axes} do not name each of {ndim} axes once")
    return order[::-1] if axes is None else order


@permute_dims.view
def _(view, _shape, /, axes):
    return view.permuted(_order(axes, len(view.shape)))


@permute_dims.vjp
def _(F, g, _y, _x, axes):
    if axes is None:
        return F.permute_dims(g)
    order = axes_of(axes, _x.ndim)
    return F.permute_dims(g, axes=tuple(sorted(range(len(order)), key=order.__getitem__)))


@permute_dims.axes
def _(x, axes):
    return Labels((tuple(range(x.ndim)),), (_order(axes, x.ndim),))


@permute_dims.vmap
def _(F, _batched, x, axes):
    return F.permute_dims(x, axes=(0, *(a + 1 for a in _order(axes, x.ndim - 1))))


@composite
def transpose(F, x, /, axes=None):
    """Return `x` with its axes in the given order (None: reversed), as permute_dims."""
    return F.permute_dims(x, axes=axes)


@primitive(exact=True)
def matrix_transpose(xp, x, /):
    """Return `x` with its last two axes swapped."""
    if x.ndim < 2:
        raise ValueError(f"a shape of {x.shape} has no two axes to swap")
    return x.swapaxes(-1, -2)


matrix_transpose.own_inverse = True


@matrix_transpose.shape
def _(x):
    if x.ndim < 2:
        raise ValueError(f"a shape of {x.shape} has no two axes to swap")
    return Spec((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)


@matrix_transpose.view
def _(view, _shape, /):
    ndim = len(view.shape)
    return view.permuted((*range(ndim - 2), ndim - 1, ndim - 2))


@matrix_transpose.vjp
def _(F, g, _y, _x):
    return F.matrix_transpose(g)


matrix_transpose.axes("...ij -> ...ji")


@primitive(exact=True)
def flip(xp, x, /, axis=None):
    """Return `x` with the order along the axes (None: all) reversed."""
    return xp.flip(x, axis)


@flip.shape
def _(x, axis):
    axes_of(axis, x.ndim)
    return Spec(x.shape, x.dtype)


@flip.view
def _(view, _shape, /, axis):
    return view.flipped(axes_of(axis, len(view.shape)))


@flip.vjp
def _(F, g, _y, _x, axis):
    return F.flip(g, axis=axis)


@flip.axes
def _(x, axis):
    return Labels((all_but(x.ndim, axis),), (all_but(x.ndim, axis),))
