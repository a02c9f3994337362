"""Other shapes of the same values: reshape, squeeze, broadcast."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from collections.abc import Sequence

from autograd_iron.arrays import device
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import with_axes
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import are_integers, setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of, broadcast

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "expand_dims",
    "flatten",
    "ravel",
    "reshape",
    "squeeze",
]


@primitive(exact=True)
def reshape(xp, x, /, shape):
    """Return the values in another shape, in row-major order; one size may be -1."""
    return xp.reshape(x, shape)


reshape.converts = True


@reshape.shape
def _(x, shape):
    return Spec(_complete(shape, x), x.dtype)


def _complete(shape, x):
    """Return a shape with the size that -1 stands for."""
    sizes = [shape] if isinstance(shape, int) else list(shape)
    rest = math.prod(n for n in sizes if n != -1)
    if sizes.count(-1) == 1 and rest and not x.size % rest:
        sizes[sizes.index(-1)] = x.size // rest
    if -1 in sizes or math.prod(sizes) != x.size:
        raise ValueError(f"cannot reshape array of size {x.size} into shape {shape}")
    return tuple(sizes)


@reshape.view
def _(view, shape, /, **_):
    return view.reshaped(shape)


@reshape.vjp
def _(F, g, _y, _x, shape):
    return F.reshape(g, shape=_x.shape)


@reshape.axes
def _(x, shape):
    # An axis passes that keeps its size and its stride in row-major order.
    old, new = (_sizes_and_strides(sizes) for sizes in (x.shape, _complete(shape, x)))
    return Labels((tuple(old),), (tuple(axis if axis in old else None for axis in new),))


@reshape.vmap
def _(F, _batched, x, shape):
    part = Spec(x.shape[1:], x.dtype)
    return F.reshape(x, shape=(x.shape[0], *_complete(shape, part)))


def _sizes_and_strides(shape):
    return [(n, math.prod(shape[i + 1 :])) for i, n in enumerate(shape)]


@composite
def squeeze(F, x, /, axis=None):
    """Return `x` without the given axes of size 1 (None: without all of them).

    Raises
    ------
    ValueError
        An axis has another size.
    """
    x = operand(F, x)
    if axis is None or not x.ndim:  # of which NumPy takes the axes 0 and -1
        axes_of(axis, 1)
        return F.reshape(x, shape=tuple(n for n in x.shape if n != 1))
    axes = axes_of(axis, x.ndim)
    wide = [a for a in axes if x.shape[a] != 1]
    if wide:
        raise ValueError(f"axis {wide[0]} of shape {x.shape} is not of size 1")
    return F.reshape(x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@composite
def expand_dims(F, x, /, axis=0):
    """Return `x` with new axes of size 1 at these places of the result."""
    x = operand(F, x)
    axis = setting(axis, "axis")
    axis = axis if isinstance(axis, tuple) else (axis,)
    count = len(axis)
    axes = axes_of(axis, x.ndim + count)
    old = iter(x.shape)
    return F.reshape(x, shape=tuple(1 if i in axes else next(old) for i in range(x.ndim + count)))


@primitive(exact=True)
def broadcast_to(xp, x, /, shape):
    """Return `x` stretched to `shape`, as a read-only view where possible."""
    return device.stretch(xp, x, shape)


broadcast_to.converts = True


@broadcast_to.shape
def _(x, shape):
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if device.broadcast_shape(x.shape, shape) != shape:
        raise ValueError(f"an array of shape {x.shape} cannot be broadcast to {shape}")
    return Spec(shape, x.dtype)


@broadcast_to.view
def _(view, shape, /, **_):
    return view.stretched(shape)


@broadcast_to.vjp
def _(F, g, _y, _x, shape):
    return F.sum_to(g, shape=_x.shape)


@broadcast_to.axes
def _(x, shape):
    wide = (shape,) if isinstance(shape, int) else tuple(shape)
    lead = len(wide) - x.ndim
    own = tuple(lead + i if n == wide[lead + i] else None for i, n in enumerate(x.shape))
    return Labels((own,), (tuple(range(len(wide))),))


@broadcast_to.vmap
def _(F, _batched, x, shape):
    wide = (shape,) if isinstance(shape, int) else tuple(shape)
    return F.broadcast_to(with_axes(F, x, len(wide)), shape=(x.shape[0], *wide))


@composite
def ravel(F, x, /, order="C"):
    """Return the values along one axis, in row-major order ("F": in column-major order)."""
    x = operand(F, x)
    if order not in ("C", "A", "K", "F"):
        raise ValueError(f"order is 'C', 'F', 'A' or 'K', not {order!r}")
    return F.reshape(F.permute_dims(x) if order == "F" else x, shape=(-1,))


@composite
def flatten(F, x, /, start_dim=0, end_dim=-1):
    """Return `x` with the axes from one to another, both included, made one; a number has one."""
    x = operand(F, x)
    if not x.ndim:
        return F.reshape(x, shape=(1,))
    (start,), (end,) = axes_of(start_dim, x.ndim), axes_of(end_dim, x.ndim)
    if start > end:
        raise ValueError(f"start_dim {start_dim} comes after end_dim {end_dim}")
    size = math.prod(x.shape[start : end + 1])
    return F.reshape(x, shape=(*x.shape[:start], size, *x.shape[end + 1 :]))


def _with_at_least(F, arrays, shaped):
    made = [F.reshape(x, shape=shaped(x.shape)) for x in (operand(F, a) for a in arrays)]
    return made[0] if len(made) == 1 else tuple(made)


@composite
def atleast_1d(F, /, *arrays):
    """Return the arrays, those without axes with one of size 1."""
    return _with_at_least(F, arrays, lambda shape: shape or (1,))


@composite
def atleast_2d(F, /, *arrays):
    """Return the arrays, those of fewer than two axes as one row."""
    return _with_at_least(F, arrays, lambda shape: (1,) * (2 - len(shape)) + shape)


@composite
def atleast_3d(F, /, *arrays):
    """Return the arrays, those of fewer than three axes with new ones around as NumPy has them."""
    around = {0: lambda s: (1, 1, 1), 1: lambda s: (1, *s, 1), 2: lambda s: (*s, 1)}
    return _with_at_least(F, arrays, lambda shape: around.get(len(shape), lambda s: s)(shape))


@composite
def broadcast_arrays(F, /, *arrays):
    """Return the arrays stretched to the shape that they broadcast to, as read-only views."""
    given = [operand(F, a) for a in arrays]
    shape = broadcast(*given) if given else ()
    return tuple(F.broadcast_to(a, shape=shape) for a in given)


def broadcast_shapes(*shapes: int | Sequence[int]) -> tuple[int, ...]:
    """Return the shape that arrays of these shapes broadcast to.

    Raises
    ------
    ValueError
        They do not.
    """
    sizes = [setting(shape, "shape") for shape in shapes]
    for size in sizes:
        if not are_integers(size):
            raise TypeError(f"broadcast_shapes: a shape is integers, not {size!r}")
    return broadcast(*(Spec(n if isinstance(n, tuple) else (n,), None) for n in sizes))
