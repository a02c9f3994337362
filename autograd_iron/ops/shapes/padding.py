"""Borders around arrays, in all ways of NumPy's."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Mapping

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import number, setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of

__all__ = ["pad"]


@composite
def pad(
    F,
    x,
    /,
    pad_width,
    mode="constant",
    *,
    constant_values=0,
    end_values=0,
    stat_length=None,
    reflect_type="even",
):
    """Return `x` with a border around it, as NumPy's `pad` makes one.

    Parameters
    ----------
    pad_width : int, (before, after), one such pair per axis, or a dict of these by axis
    mode : str
        What the border holds: "constant", "edge" (the outermost values), "reflect" and "symmetric"
        (`x` mirrored, without and with its edge), "wrap" (`x` over again), "linear_ramp" (from the
        edge to `end_values`), "maximum", "minimum", "mean" or "median" (of the `stat_length` values
        at that edge; None: of all), "empty" (zeros here).
    constant_values, end_values : number, (before, after), or one such pair per axis
    stat_length : int, (before, after), one such pair per axis, or None
    reflect_type : {"even", "odd"}
        "odd": what is mirrored is taken from twice the edge.
    """
    x = operand(F, x)
    widths = _by_axis(pad_width, x.ndim)
    if mode not in _MODES:
        known = ", ".join(map(repr, ("constant", "empty", *_MODES)))
        if mode not in ("constant", "empty"):
            raise ValueError(f"mode is one of {known}, not {mode!r}")
        values = constant_values if mode == "constant" else 0
        return F.pad_constant(x, pad_width=widths, constant_values=values)
    pairs = _pairs(widths, x.ndim)
    if len(pairs) != x.ndim or min((n for pair in pairs for n in pair), default=0) < 0:
        raise ValueError(f"pad_width {pad_width} is not a pair of sizes for each of {x.ndim} axes")
    if reflect_type not in ("even", "odd"):
        raise ValueError(f"reflect_type is 'even' or 'odd', not {reflect_type!r}")
    ends = _pairs(number(end_values), x.ndim)
    lengths = _pairs(setting(stat_length, "shape"), x.ndim)
    for axis, pair in enumerate(pairs):
        if pair != (0, 0):
            if not x.shape[axis] and mode != "linear_ramp":
                raise ValueError(
                    f"axis {axis} is empty: there is nothing to fill its border with; use "
                    'mode="constant"'
                )
            settings = (ends[axis], lengths[axis], reflect_type == "odd")
            x = _MODES[mode](F, x, axis, pair, mode, settings)
    return x


def _by_axis(pad_width, ndim):
    """Return widths as NumPy has them without a dict: of axes that it does not name, 0."""
    if not isinstance(pad_width, Mapping):
        return setting(pad_width, "pad_width")
    pairs = [(0, 0)] * ndim
    for axis, width in pad_width.items():
        ((at,), width) = axes_of(axis, ndim), setting(width, "pad_width")
        pairs[at] = (width, width) if isinstance(width, int) else tuple(width)
    return tuple(pairs)


def _pairs(values, ndim):
    """Return (before, after) for each axis of what NumPy broadcasts to these: 1, (1, 2), ..."""
    if not isinstance(values, tuple | list):
        return ((values, values),) * ndim
    if not isinstance(values[0], tuple | list):
        if len(values) not in (1, 2):
            raise ValueError(f"{values} is not (before, after), nor one such pair per axis")
        return ((values[0], values[-1]),) * ndim
    pairs = tuple((pair[0], pair[-1]) for pair in values)
    return pairs * ndim if len(pairs) == 1 else pairs


def _part(x, axis, start, stop, step=1):
    """Return a part of `x` along an axis, between positions that are in it (stop: or None)."""
    return x[(*(slice(None),) * axis, slice(start, stop, step))]


def _copied(F, x, axis, pair, mode, _settings):
    """Return `x` with a border of its own values: mirrored, wrapped, or the outermost ones."""
    size = x.shape[axis]
    places = device.host.pad(range(size), pair, mode).tolist()
    parts = []
    while places:
        first, step = places[0], places[1] - places[0] if len(places) > 1 else 1
        count = next(
            (i for i, place in enumerate(places) if place != first + i * step), len(places)
        )
        if abs(step) > 1:
            step, count = 1, 1
        places = places[count:]
        if step == 0:
            shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
            parts.append(F.broadcast_to(_part(x, axis, first, first + 1), shape=shape))
        else:
            end = first + step * count
            parts.append(_part(x, axis, first, end if end >= 0 else None, step))
    return F.join(*parts, axis=axis)


def _mirrored(F, x, axis, pair, mode, settings):
    """Return `x` with a border of what is mirrored: as it is, or taken from twice the edge."""
    if not settings[2] or (mode == "reflect" and x.shape[axis] == 1):
        return _copied(F, x, axis, pair, mode, settings)
    left, right = pair
    skip = int(mode == "reflect")
    while left or right:  # each round mirrors all that there is by then
        size = x.shape[axis]
        low, high = min(left, size - skip), min(right, size - skip)
        parts = [x]
        if low:
            mirrored = _part(x, axis, skip + low - 1, skip - 1 if skip else None, -1)
            parts.insert(0, 2 * _part(x, axis, 0, 1) - mirrored)
        if high:
            end = size - skip
            mirrored = _part(x, axis, end - 1, end - 1 - high if end > high else None, -1)
            parts.append(2 * _part(x, axis, size - 1, size) - mirrored)
        parts = [part if part.dtype == x.dtype else F.astype(part, dtype=x.dtype) for part in parts]
        x = F.join(*parts, axis=axis)
        left, right = left - low, right - high
    return x


def _ramps(F, x, axis, pair, _mode, settings):
    """Return `x` with a border that goes from its edges to other values in equal steps."""
    parts = [x]
    for after, (width, end) in enumerate(zip(pair, settings[0], strict=True)):
        if not width:
            continue
        if not x.shape[axis]:
            raise ValueError(f"axis {axis} is empty: there is no edge for a ramp to start from")
        edge = _part(x, axis, x.shape[axis] - 1, None) if after else _part(x, axis, 0, 1)
        steps = [i / width for i in (range(1, width + 1) if after else range(width, 0, -1))]
        shape = (width, *(1,) * (x.ndim - axis - 1))
        dtype = x.dtype if dtypes.is_inexact(x.dtype) else dtypes.float64
        share = device.make(device.of(x), "asarray", steps, dtype=dtype).reshape(shape)
        share = operand(F, share)
        ramp = edge + (end - edge) * share
        if not dtypes.is_inexact(x.dtype):
            ramp = F.astype(ramp if x.dtype.kind == "b" else F.floor(ramp), dtype=x.dtype)
        parts.insert(len(parts) if after else 0, ramp)
    return F.join(*parts, axis=axis)


def _statistics(F, x, axis, pair, mode, settings):
    """Return `x` with a border of one number for each line: the mean of its values, say."""
    word = {"maximum": "max", "minimum": "min"}.get(mode, mode)
    parts = [x]
    size = x.shape[axis]
    for after, (width, length) in enumerate(zip(pair, settings[1], strict=True)):
        if not width:
            continue
        if length is not None and length < 1:
            raise ValueError(f"stat_length is {length}; give 1 or more, or None for all")
        count = size if length is None else min(length, size)
        part = _part(x, axis, size - count if after else 0, None if after else count)
        one = getattr(F, word)(part, axis=axis, keepdims=True)
        if one.dtype != x.dtype:
            one = F.astype(F.round(one), dtype=x.dtype)
        shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
        parts.insert(len(parts) if after else 0, F.broadcast_to(one, shape=shape))
    return F.join(*parts, axis=axis)


_MODES = {
    "edge": _copied,
    "wrap": _copied,
    "reflect": _mirrored,
    "symmetric": _mirrored,
    "linear_ramp": _ramps,
    "maximum": _statistics,
    "minimum": _statistics,
    "mean": _statistics,
    "median": _statistics,
}


@primitive(by_kernel="it copies into a larger array")
def pad_constant(xp, x, /, pad_width, constant_values=0):
    """Return `x` with a border of constants, of one such pair of sizes per axis: see `pad`."""
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


@pad_constant.shape
def _(x, pad_width, constant_values):
    pairs = _pairs(pad_width, x.ndim) if x.ndim else ()
    if len(pairs) != x.ndim or min((n for pair in pairs for n in pair), default=0) < 0:
        raise ValueError(f"pad_width {pad_width} is not a pair of sizes for each of {x.ndim} axes")
    shape = tuple(n + sum(pair) for n, pair in zip(x.shape, pairs, strict=True))
    return Spec(shape, x.dtype)


@pad_constant.axes
def _(x, pad_width, constant_values):
    pairs = _pairs(pad_width, x.ndim) if x.ndim else ()
    own = tuple(i if pair == (0, 0) else None for i, pair in enumerate(pairs))
    return Labels((own,), (own,))


@pad_constant.vmap
def _(F, _batched, x, pad_width, constant_values):
    pairs = _pairs(pad_width, x.ndim - 1) if x.ndim > 1 else ()
    return F.pad_constant(x, pad_width=((0, 0), *pairs), constant_values=constant_values)


@pad_constant.vjp
def _(F, g, _y, _x, pad_width, constant_values):
    if _x.ndim == 0:
        return g
    pairs = _pairs(pad_width, _x.ndim)
    inner = tuple(slice(before, before + n) for (before, _), n in zip(pairs, _x.shape, strict=True))
    return F.getitem(g, index=inner)


pad_constant.forms["constant_values"] = number
