"""Values between given ones, and what is left without the zeros around it."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.specs import axes_of
from autograd_iron.ops.elementwise.words import together

__all__ = ["interp", "trim_zeros"]


@composite
def interp(F, x, xp, fp, /, left=None, right=None, period=None):
    """Return at `x` the values of the straight lines through the points `xp`, `fp`.

    Parameters
    ----------
    x : array
    xp : array
        One axis of ascending numbers.
    fp : array
        The values there.
    left, right : number, optional
        The values before the first point and after the last; default: those at these points.
    period : float, optional
        The values repeat so; then `xp` need not ascend, and there is nothing to the left and right.
    """
    x, xp, fp = together(F, x, xp, fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"xp and fp are no two vectors of one size: {xp.shape} and {fp.shape}")
    if period is not None:
        period = abs(setting(period, "period"))
        if not period:
            raise ValueError("period is 0; give the distance after which the values repeat")
        x, xp = F.remainder(x, period), F.remainder(xp, period)
        order = F.argsort(xp)
        xp, fp = F.gather(xp, order, axis=0), F.gather(fp, order, axis=0)
        ends = slice(-1, None), slice(0, 1)
        before, after = (F.getitem(xp, index=(end,)) for end in ends)
        xp = F.join(before - period, xp, after + period, axis=0)
        before, after = (F.getitem(fp, index=(end,)) for end in ends)
        fp = F.join(before, fp, after, axis=0)
        left = right = None
    count = xp.size
    last = F.clip(F.searchsorted(xp, x, side="right"), 1, max(count - 1, 1))
    upper, lower = F.clip(last, 0, count - 1), last - 1
    x0, x1 = (F.gather(xp, at, axis=0) for at in (lower, upper))
    y0, y1 = (F.gather(fp, at, axis=0) for at in (lower, upper))
    width = x1 - x0
    # Where two points are one the later is it.
    between = F.where(width == 0, y1, y0 + (x - x0) * ((y1 - y0) / F.where(width == 0, 1, width)))
    first, final = (F.getitem(xp, index=(i,)) for i in (0, -1))
    start, end = (F.getitem(fp, index=(i,)) for i in (0, -1))
    made = F.where(x < first, start if left is None else left, between)
    return F.where(x > final, end if right is None else right, F.where(x == final, end, made))


@composite
def trim_zeros(F, x, /, trim="fb", axis=None):
    """Return `x` without the zeros at its ends.

    Parameters
    ----------
    trim : str
        "f" for the front, "b" for the back, "fb" for both.
    axis : int or tuple of int, optional
        Default: all.
    """
    x = operand(F, x)
    if not trim or set(trim.lower()) - set("fb"):
        raise ValueError(f"trim={trim!r} is none of 'f', 'b' and 'fb'")
    over = axes_of(axis, x.ndim)
    places = F.nonzero(x)
    found = bool(places) and places[0].size
    key = []
    for i in range(x.ndim):
        start, stop = 0, x.shape[i]
        if i in over and found:
            start = int(places[i].min()) if "f" in trim.lower() else start
            stop = int(places[i].max()) + 1 if "b" in trim.lower() else stop
        elif i in over:
            stop = 0
        key.append(slice(start, stop))
    return F.getitem(x, index=tuple(key))
