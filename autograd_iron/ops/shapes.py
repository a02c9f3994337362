"""Shapes and dtypes: reshape, permute, broadcast, join, split, pad, flip, cast."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from itertools import pairwise

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import all_batched, with_axes
from autograd_iron.core.composite import composite
from autograd_iron.core.facts import C
from autograd_iron.core.plain import real, setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of


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


@composite
def squeeze(F, x, /, axis=None):
    """Return `x` without the given axes of size 1 (None: without all of them).

    Raises
    ------
    ValueError
        An axis has another size.
    """
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else axes_of(axis, x.ndim)
    wide = [a for a in axes if x.shape[a] != 1]
    if wide:
        raise ValueError(f"axis {wide[0]} of shape {x.shape} is not of size 1")
    return F.reshape(x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@composite
def expand_dims(F, x, /, axis):
    """Return `x` with new axes of size 1 at these places of the result."""
    axis = setting(axis, "axis")
    count = len(axis) if isinstance(axis, tuple) else 1
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


@primitive(exact=True)
def astype(xp, x, /, dtype):
    """Return the values in another dtype; a cast to integers carries no gradient."""
    return x.astype(dtypes.dtype(dtype))


astype.converts = True
astype.c = C.same("{x}", exact=True)


@astype.shape
def _(x, dtype):
    return Spec(x.shape, dtypes.dtype(dtype))


@astype.vjp
def _(F, g, _y, _x, dtype):
    return g


astype.axes("... -> ...")


@primitive(exact=True, by_kernel="it copies several arrays")
def join(xp, /, *arrays, axis=0):
    """Return the arrays joined along an existing axis (`concat` takes them as a list)."""
    if {dtypes.bfloat16, dtypes.float16} <= {a.dtype for a in arrays}:  # two that have no joint one
        arrays = tuple(map(dtypes.to_float32, arrays))
    return xp.concatenate(arrays, axis=axis)


@join.shape
def _(*arrays, axis):
    ndim = arrays[0].ndim
    (at,) = axes_of(axis, ndim)
    around = {(x.ndim, x.shape[:at], x.shape[at + 1 :]) for x in arrays}
    if len(around) > 1:
        shapes = ", ".join(str(x.shape) for x in arrays)
        raise ValueError(f"the shapes {shapes} differ in more than axis {axis}")
    met = {x.dtype for x in arrays}
    mixed = {dtypes.bfloat16, dtypes.float16} <= met
    dtype = dtypes.float32 if mixed and len(met) == 2 else specs.joint(*arrays)
    size = sum(x.shape[at] for x in arrays)
    return Spec((*arrays[0].shape[:at], size, *arrays[0].shape[at + 1 :]), dtype)


@join.vjp
def _(F, g, _y, *_inputs, axis, argument):
    (axis,) = axes_of(axis, g.ndim)
    start = sum(_inputs[i].shape[axis] for i in range(argument))
    end = start + _inputs[argument].shape[axis]
    return F.getitem(g, index=(slice(None),) * axis + (slice(start, end),))


@join.axes
def _(*arrays, axis):
    return Labels((_but(arrays[0].ndim, axis),) * len(arrays), (_but(arrays[0].ndim, axis),))


@join.vmap
def _(F, batched, *arrays, axis):
    every = all_batched(F, batched, arrays)
    (axis,) = axes_of(axis, every[0].ndim - 1)
    return F.join(*every, axis=axis + 1)


def _but(ndim, axis):
    """Return labels of axes, all but those over which an operation goes."""
    over = axes_of(axis, ndim)
    return tuple(None if i in over else i for i in range(ndim))


@composite
def concat(F, arrays, /, axis=0):
    """Return a sequence of arrays joined along an existing axis (None: flattened first)."""
    if axis is None:
        arrays, axis = [F.reshape(a, shape=(-1,)) for a in arrays], 0
    return F.join(*arrays, axis=axis)


@primitive(exact=True)
def to_device(xp, x, /, here, there):
    """Return the values of a device on another one, both named in full: `Tensor.to`."""
    return device.move(x, there)


to_device.converts = True
to_device.shape(specs.same)


@to_device.view
def _(view, _shape, /, **_):
    return view  # a step has one device


@to_device.vjp
def _(F, g, _y, _x, here, there):
    return F.to_device(g, here=there, there=here)


to_device.axes("... -> ...")


@composite
def stack(F, arrays, /, axis=0):
    """Return a sequence of equally shaped arrays joined along a new axis."""
    met = [a for a in arrays if hasattr(a, "dtype")]
    if len(met) < len(arrays):  # numbers and lists take the dtype that they have beside an array
        widest = max(met, key=lambda a: (dtypes.is_float(a.dtype), a.dtype.itemsize), default=None)
        like = (None, None) if widest is None else (widest.dtype, widest.device)
        zero = F.zeros((), *like)
        arrays = [a if hasattr(a, "dtype") else zero + a for a in arrays]
    return F.join(*(F.expand_dims(a, axis) for a in arrays), axis=axis)


@primitive(exact=True)
def split(xp, x, /, indices_or_sections, axis=0):
    """Return `x` cut along an axis: into equal parts, or before each of a list of positions.

    Raises
    ------
    ValueError
        The axis does not divide into that many equal parts.
    """
    return tuple(x[part] for part in _parts(x, indices_or_sections, axis))


@split.shape
def _(x, indices_or_sections, axis):
    (at,) = axes_of(axis, x.ndim)
    parts = [part[-1] for part in _parts(x, indices_or_sections, axis)]
    sizes = [max(0, part.stop - part.start) for part in parts]
    return tuple(Spec((*x.shape[:at], n, *x.shape[at + 1 :]), x.dtype) for n in sizes)


def _parts(x, indices_or_sections, axis):
    """Return the index of each part of a split."""
    (axis,) = axes_of(axis, x.ndim)
    size = x.shape[axis]
    indices_or_sections = setting(indices_or_sections, "indices_or_sections")
    if isinstance(indices_or_sections, int):
        if indices_or_sections < 1:
            raise ValueError(f"cannot split into {indices_or_sections} parts; give 1 or more")
        step, rest = divmod(size, indices_or_sections)
        if rest:
            raise ValueError(
                f"axis {axis} of size {size} does not divide into {indices_or_sections} "
                "equal parts; give the positions of the cuts instead"
            )
        cuts = [step * i for i in range(1, indices_or_sections)]
    else:
        cuts = list(indices_or_sections)
    before = (slice(None),) * axis
    ends = zip([0, *cuts], [*cuts, size], strict=True)
    return [(*before, slice(*slice(start, end).indices(size))) for start, end in ends]


@split.axes
def _(x, indices_or_sections, axis):
    return Labels((_but(x.ndim, axis),), (_but(x.ndim, axis),))


@split.decompose
def _(F, x, indices_or_sections, axis):
    parts = _parts(x, indices_or_sections, axis)
    return tuple(F.getitem(x, index=part) for part in parts)


@split.vjp
def _(F, g, _y, _x, indices_or_sections, axis):
    parts = _parts(_x, indices_or_sections, axis)
    cuts = [(part[-1].start, part[-1].stop) for part in parts]
    grow = all(start <= end for start, end in cuts)
    if grow and all(end == start for (_, end), (start, _) in pairwise(cuts)):
        return F.join(*g, axis=axis)
    # Positions that do not grow cut parts that overlap, or leave some of x out.
    total = F.zeros(_x.shape, dtype=_x.dtype, device=device.of(g))
    for i, part in enumerate(parts):
        total = total if g.is_zero(i) else F.add_at(total, g[i], index=part)
    return total


@primitive(by_kernel="it copies into a larger array")
def pad(xp, x, /, pad_width, constant_values=0):
    """Return `x` with a border of a constant.

    Parameters
    ----------
    pad_width : int, (before, after), or one such pair per axis
    constant_values : number
    """
    _check_fit(constant_values, x.dtype)
    if x.ndim == 0:
        return xp.array(x)
    return xp.pad(x, _pairs(pad_width, x.ndim), constant_values=constant_values)


def _check_fit(value, dtype):
    if isinstance(value, tuple):
        for part in value:
            _check_fit(part, dtype)
    elif value not in (0, 1) and not dtypes.fits(value, dtype):
        raise TypeError(f"a border of {value} does not fit {dtype}; convert x first")


pad.forms["constant_values"] = real


def _pairs(pad_width, ndim):
    if isinstance(pad_width, int):
        return ((pad_width, pad_width),) * ndim
    if isinstance(pad_width[0], int):
        return (tuple(pad_width),) * ndim
    pairs = tuple(tuple(pair) for pair in pad_width)
    return pairs * ndim if len(pairs) == 1 else pairs


@pad.shape
def _(x, pad_width, constant_values):
    pairs = _pairs(pad_width, x.ndim) if x.ndim else ()
    if len(pairs) != x.ndim or min((n for pair in pairs for n in pair), default=0) < 0:
        raise ValueError(f"pad_width {pad_width} is not a pair of sizes for each of {x.ndim} axes")
    shape = tuple(n + sum(pair) for n, pair in zip(x.shape, pairs, strict=True))
    return Spec(shape, x.dtype)


@pad.axes
def _(x, pad_width, constant_values):
    pairs = _pairs(pad_width, x.ndim) if x.ndim else ()
    own = tuple(i if pair == (0, 0) else None for i, pair in enumerate(pairs))
    return Labels((own,), (own,))


@pad.vmap
def _(F, _batched, x, pad_width, constant_values):
    pairs = _pairs(pad_width, x.ndim - 1) if x.ndim > 1 else ()
    return F.pad(x, pad_width=((0, 0), *pairs), constant_values=constant_values)


@pad.vjp
def _(F, g, _y, _x, pad_width, constant_values):
    if _x.ndim == 0:
        return g
    pairs = _pairs(pad_width, _x.ndim)
    inner = tuple(slice(before, before + n) for (before, _), n in zip(pairs, _x.shape, strict=True))
    return F.getitem(g, index=inner)


@primitive(exact=True, numpy="tril", by_kernel="it looks at positions")
def tril(xp, x, /, k=0):
    """Return matrices with what lies above their diagonal `k` set to 0."""
    return xp.tril(x, k)


@primitive(exact=True, numpy="triu", by_kernel="it looks at positions")
def triu(xp, x, /, k=0):
    """Return matrices with what lies below their diagonal `k` set to 0."""
    return xp.triu(x, k)


def _matrices(x, k):
    if x.ndim < 2:
        raise ValueError(f"a shape of {x.shape} has no matrices")
    return Spec(x.shape, x.dtype)


tril.shape(_matrices)
triu.shape(_matrices)
tril.axes("...MN -> ...MN")
triu.axes("...MN -> ...MN")


@tril.vjp
def _(F, g, _y, _x, k):
    return F.tril(g, k=k)


@triu.vjp
def _(F, g, _y, _x, k):
    return F.triu(g, k=k)


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
    return Labels((_but(x.ndim, axis),), (_but(x.ndim, axis),))
