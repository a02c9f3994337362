"""Arrays taken apart: into parts along an axis, into slices."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from itertools import pairwise

from autograd_iron.arrays import device
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.shapes.joining import all_but

__all__ = ["array_split", "dsplit", "hsplit", "split", "unstack", "vsplit"]


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


@composite
def array_split(F, x, /, indices_or_sections, axis=0):
    """Return `x` cut along an axis as `split` does, into parts of sizes that may differ by one."""
    x = operand(F, x)
    count = setting(indices_or_sections, "indices_or_sections")
    if isinstance(count, int):
        if count < 1:
            raise ValueError(f"cannot split into {count} parts; give 1 or more")
        (at,) = axes_of(axis, x.ndim)
        each, extra = divmod(x.shape[at], count)
        indices_or_sections = tuple(i * each + min(i, extra) for i in range(1, count))
    return F.split(x, indices_or_sections=indices_or_sections, axis=axis)


def _split_along(F, x, indices_or_sections, axis, word):
    x = operand(F, x)
    if x.ndim <= axis:
        raise ValueError(f"{word} takes {axis + 1} axes or more, and there are {x.ndim}")
    return F.split(x, indices_or_sections=indices_or_sections, axis=axis)


@composite
def vsplit(F, x, /, indices_or_sections):
    """Return `x` cut into parts along its first axis, of two or more (see split)."""
    if operand(F, x).ndim < 2:
        raise ValueError("vsplit takes 2 axes or more, and there are fewer")
    return _split_along(F, x, indices_or_sections, 0, "vsplit")


@composite
def hsplit(F, x, /, indices_or_sections):
    """Return `x` cut into parts along its second axis, or the only one (see split)."""
    x = operand(F, x)
    return _split_along(F, x, indices_or_sections, min(max(x.ndim - 1, 0), 1), "hsplit")


@composite
def dsplit(F, x, /, indices_or_sections):
    """Return `x` cut into parts along its third axis (see split)."""
    return _split_along(F, x, indices_or_sections, 2, "dsplit")


@composite
def unstack(F, x, /, axis=0):
    """Return the slices of `x` along an axis, each without it, as a tuple: what `stack` undoes."""
    x = operand(F, x)
    (at,) = axes_of(axis, x.ndim)
    before = (slice(None),) * at
    return tuple(F.getitem(x, index=(*before, i)) for i in range(x.shape[at]))
