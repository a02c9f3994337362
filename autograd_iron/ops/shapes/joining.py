"""Arrays joined and taken apart: concat, stack, split, pad."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from itertools import pairwise

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import all_batched
from autograd_iron.core.composite import composite
from autograd_iron.core.plain import real, setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of

__all__ = ["concat", "pad", "split", "stack"]


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
    return Labels((all_but(arrays[0].ndim, axis),) * len(arrays), (all_but(arrays[0].ndim, axis),))


@join.vmap
def _(F, batched, *arrays, axis):
    every = all_batched(F, batched, arrays)
    (axis,) = axes_of(axis, every[0].ndim - 1)
    return F.join(*every, axis=axis + 1)


def all_but(ndim, axis):
    """Return labels of axes, all but those over which an operation goes."""
    over = axes_of(axis, ndim)
    return tuple(None if i in over else i for i in range(ndim))


@composite
def concat(F, arrays, /, axis=0):
    """Return a sequence of arrays joined along an existing axis (None: flattened first)."""
    if axis is None:
        arrays, axis = [F.reshape(a, shape=(-1,)) for a in arrays], 0
    return F.join(*arrays, axis=axis)


@composite
def stack(F, arrays, /, axis=0):
    """Return a sequence of equally shaped arrays joined along a new axis."""
    met = [a for a in arrays if hasattr(a, "dtype")]
    if len(met) < len(arrays):  # numbers and lists take the dtype that they have beside an array
        widest = max(met, key=lambda a: (dtypes.is_float(a.dtype), a.dtype.itemsize), default=None)
        like = (dtypes.bool_, None) if widest is None else (widest.dtype, widest.device)
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
    return Labels((all_but(x.ndim, axis),), (all_but(x.ndim, axis),))


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


pad.forms["constant_values"] = real
