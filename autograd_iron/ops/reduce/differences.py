"""Differences along an axis, and the areas under what values draw."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.batch import moved
from autograd_iron.core.composite import composite, floating, operand
from autograd_iron.core.specs import axes_of
from autograd_iron.ops.reduce.axes import at_home

__all__ = ["cumulative_trapezoid", "diff", "ediff1d", "gradient", "trapezoid", "unwrap"]


def _part(F, x, axis, start=None, end=None):
    return F.getitem(x, index=(slice(None),) * axis + (slice(start, end),))


@composite
def diff(F, x, /, n=1, axis=-1, prepend=None, append=None):
    """Return the differences of neighbours along an axis, `n` times over.

    Parameters
    ----------
    prepend, append : array or number, optional
        What comes before and after `x` along the axis; a number is one value everywhere.
    """
    x = operand(F, x)
    if n < 0:
        raise ValueError(f"n={n} is negative: how often differences are taken")
    (at,) = axes_of(axis, x.ndim)
    parts = (_beside(F, prepend, x, at), x, _beside(F, append, x, at))
    parts = tuple(part for part in parts if part is not None)
    x = F.join(*parts, axis=at) if len(parts) > 1 else x
    for _ in range(n):
        later, earlier = _part(F, x, at, 1), _part(F, x, at, None, -1)
        x = later != earlier if x.dtype == dtypes.bool_ else later - earlier
    return x


def _beside(F, value, x, axis):
    """Return what is put beside `x` along an axis."""
    if value is None:
        return None
    if hasattr(value, "dtype") or isinstance(value, list | tuple):
        value = operand(F, value, (x,))
    else:
        dtype = x.dtype if dtypes.fits(value, x.dtype) else dtypes.default_float
        value = F.full((), value, dtype=dtype, device=device.of(x))
    if value.ndim:
        return value
    return F.broadcast_to(value, shape=(*x.shape[:axis], 1, *x.shape[axis + 1 :]))


@composite
def ediff1d(F, x, /, to_end=None, to_begin=None):
    """Return the differences of neighbours in the flattened array.

    Parameters
    ----------
    to_end, to_begin : array or number, optional
        What comes after the differences, and before them.
    """
    x = F.reshape(operand(F, x), shape=(-1,))
    made = _part(F, x, 0, 1) - _part(F, x, 0, None, -1)
    parts = (_end(F, to_begin, x), made, _end(F, to_end, x))
    return F.join(*(part for part in parts if part is not None), axis=0)


def _end(F, value, x):
    if value is None:
        return None
    value = at_home(F, value, x)
    if not dtypes.can_cast(value.dtype, x.dtype, "same_kind"):
        raise TypeError(f"ends of {value.dtype} do not go with differences of {x.dtype}")
    return F.reshape(F.astype(value, dtype=x.dtype), shape=(-1,))


@composite
def unwrap(F, p, /, discont=None, axis=-1, *, period=2 * math.pi):
    """Return angles without their jumps: multiples of the period are added along an axis.

    Parameters
    ----------
    discont : float, optional
        The least jump that is one; no less than half a period, which is the default.
    axis : int
    period : float
    """
    p = operand(F, p)
    (at,) = axes_of(axis, p.ndim)
    whole = p.dtype.kind in "iu" and isinstance(period, int)
    p = p if whole else floating(F, p)
    half = period // 2 if whole else period / 2
    jump = F.diff(p, axis=at)
    near = F.remainder(jump + half, period) - half
    if not whole or period % 2 == 0:  # of half a period: the sign of the jump is kept
        near = F.where((near == -half) & (jump > 0), half, near)
    few = F.abs(jump) < (half if discont is None else discont)
    # How many periods are added is a whole number, whose gradient is 0.
    added = F.cumsum(F.where(few, 0, near - jump), axis=at)
    first, later = _part(F, p, at, None, 1), _part(F, p, at, 1)
    return F.join(first, later + added, axis=at)


def _areas(F, y, x, dx, axis):
    """Return the areas under a line through the values, between each two of them."""
    y = floating(F, y, (x,))
    (at,) = axes_of(axis, y.ndim)
    if x is not None:
        x = floating(F, x, (y,))
        dx = F.diff(x, axis=-1 if x.ndim == 1 else at)
        if x.ndim == 1:
            dx = F.reshape(dx, shape=(-1, *(1,) * (y.ndim - 1 - at)))
    return dx * (_part(F, y, at, 1) + _part(F, y, at, None, -1)) / 2, at


@composite
def trapezoid(F, y, /, x=None, dx=1.0, axis=-1):
    """Return the area under a line through the values along an axis.

    Parameters
    ----------
    x : array, optional
        Where the values are, along the axis or of the shape of `y`.
    dx : float
        How far apart they are, if there is no `x`.
    """
    areas, at = _areas(F, y, x, dx, axis)
    return F.sum(areas, axis=at)


@composite
def cumulative_trapezoid(F, y, /, x=None, dx=1.0, axis=-1, initial=None):
    """Return the areas under a line through the values, up to each but the first: see `trapezoid`.

    Parameters
    ----------
    initial : float, optional
        The area up to the first, SciPy's way of asking for that too.
    """
    areas, at = _areas(F, y, x, dx, axis)
    made = F.cumsum(areas, axis=at)
    if initial is None:
        return made
    shape = (*made.shape[:at], 1, *made.shape[at + 1 :])
    first = F.full(shape, initial, dtype=made.dtype, device=device.of(made))
    return F.join(first, made, axis=at)


@composite
def gradient(F, f, /, *varargs, axis=None, edge_order=1):
    """Return the slopes of values on a grid along each axis, as NumPy's `gradient`.

    They are differences of the neighbours on both sides, at the ends of one side.  The derivative
    of a function is `ai.grad`.

    Parameters
    ----------
    *varargs : number or array
        How far apart the values are, or where they are, for all axes or for each.
    axis : int or tuple of int, optional
        Along which axes; None: along all, and a tuple comes back if these are several.
    edge_order : 1 or 2
        How exact the slopes at the ends are.
    """
    f = floating(F, f)
    axes = axes_of(axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order is 1 or 2, not {edge_order}")
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"{len(varargs)} distances are not one for each of {len(axes)} axes")
    spaces = varargs or (1.0,)
    spaces = spaces * len(axes) if len(spaces) == 1 else spaces
    made = tuple(_slope(F, f, h, a, edge_order) for h, a in zip(spaces, axes, strict=True))
    return made[0] if len(made) == 1 else made


def _slope(F, f, space, axis, edge_order):
    n, end = f.shape[axis], f.ndim - 1
    if n < edge_order + 1:
        raise ValueError(f"axis {axis} has {n} values: slopes take {edge_order + 1} at least")
    f = moved(F, f, axis, end)
    space = space if isinstance(space, int | float) else operand(F, space, (f,))
    if getattr(space, "ndim", 0):
        if space.shape != (n,):
            raise ValueError(f"places of shape {space.shape} are not those of {n} values")
        steps = F.diff(floating(F, space))
        before, after = _part(F, steps, 0, None, -1), _part(F, steps, 0, 1)
        first, last = ((i, i + 1) if n > 2 else (0, 0) for i in (0, n - 3))
        ends = [[F.getitem(steps, index=(i,)) for i in pair] for pair in (first, last)]
    else:
        before = after = space
        ends = [[space, space], [space, space]]
    left, here, right = (_part(F, f, end, i, n - 2 + i) for i in range(3))
    if getattr(space, "ndim", 0):
        inner = before / after * (right - here) + after / before * (here - left)
        inner = inner / (before + after)
    else:  # the value between is no part of the slope, nor is an infinite one
        inner = (right - left) / (space + space)
    if edge_order == 1:
        start = (_part(F, f, end, 1, 2) - _part(F, f, end, 0, 1)) / ends[0][0]
        stop = (_part(F, f, end, n - 1, n) - _part(F, f, end, n - 2, n - 1)) / ends[1][1]
    else:
        start = _one_sided(F, f, end, (0, 1, 2), *ends[0])
        stop = _one_sided(F, f, end, (n - 1, n - 2, n - 3), *(-h for h in reversed(ends[1])))
    return moved(F, F.join(start, inner, stop, axis=end), end, axis)


def _one_sided(F, f, end, places, near, far):
    """Return the slope at the first of three places of the parabola through all of them."""
    a, b, c = (_part(F, f, end, i, i + 1) for i in places)
    return ((b - a) / near * (near + far) ** 2 - (c - a) * near) / (far * (near + far))
