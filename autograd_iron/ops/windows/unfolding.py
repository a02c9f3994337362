"""Windows as axes of their own, and added up again: the two are each other's gradient."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.axes import of_text
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.windows.geometry import counts, empty_padded, inside, padded, places, settle

needed_whole = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # labels of axes that no tile cuts


@primitive(by_kernel="it copies windows, which overlap")
def unfold_windows(xp, x, /, kernel, stride, padding, dilation):
    """Return the windows over the last axes: `(..., *sizes)` becomes `(..., *kernel, *counts)`.

    Parameters
    ----------
    kernel, stride, dilation : tuple of int
        An entry for each of the last axes.
    padding : tuple of (before, after)
        Of zeros.
    """
    lead, size = split(x.shape, kernel)
    count = counts(size, kernel, stride, padding, dilation)
    made = xp.empty((*lead, *kernel, *count), dtype=x.dtype)
    x = padded(xp, x, padding)
    rest = (slice(None),) * len(count)
    for place, at in places(count, kernel, stride, dilation):
        made[(..., *place, *rest)] = x[at]
    return made


def split(shape, kernel):
    """Return the leading part of a shape, and the part over which windows move."""
    at = len(shape) - len(kernel)
    if at < 0:
        raise ValueError(f"windows over {len(kernel)} axes do not move over the shape {shape}")
    return shape[:at], shape[at:]


@unfold_windows.shape
def _(x, kernel, stride, padding, dilation):
    lead, size = split(x.shape, kernel)
    return Spec((*lead, *kernel, *counts(size, kernel, stride, padding, dilation)), x.dtype)


@unfold_windows.axes
def _(x, kernel, stride, padding, dilation):
    return whole_axes((x,), (len(kernel),), 2 * len(kernel))


def whole_axes(operands, own, made):
    """Return the labels of an operation that needs so many last axes of its operands whole."""
    left = ", ".join("..." + needed_whole[:n] for n in own)
    return of_text(f"{left} -> ...{needed_whole[:made]}", operands)


@unfold_windows.vjp
def _(F, g, _y, _x, kernel, stride, padding, dilation):
    _, size = split(_x.shape, kernel)
    return F.fold_windows(
        g, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


@primitive(by_kernel="it adds up windows, which overlap")
def fold_windows(xp, x, /, size, kernel, stride, padding, dilation):
    """Return windows added up where they lie: `(..., *kernel, *counts)` becomes `(..., *size)`."""
    lead, count = _windows(x, size, kernel, stride, padding, dilation)
    made = empty_padded(xp, lead, size, padding, x.dtype)
    rest = (slice(None),) * len(count)
    for place, at in places(count, kernel, stride, dilation):
        made[at] += x[(..., *place, *rest)]
    return made[inside(size, padding)]


def _windows(x, size, kernel, stride, padding, dilation):
    lead, found = split(x.shape, (*kernel, *size))
    count = counts(size, kernel, stride, padding, dilation)
    if found != (*kernel, *count):
        raise ValueError(
            f"windows of {kernel} over {size} have the last axes {(*kernel, *count)}, not {found}"
        )
    return lead, count


@fold_windows.shape
def _(x, size, kernel, stride, padding, dilation):
    lead, _ = _windows(x, size, kernel, stride, padding, dilation)
    return Spec((*lead, *size), x.dtype)


@fold_windows.axes
def _(x, size, kernel, stride, padding, dilation):
    return whole_axes((x,), (2 * len(kernel),), len(kernel))


@fold_windows.vjp
def _(F, g, _y, _x, size, kernel, stride, padding, dilation):
    return F.unfold_windows(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)


settle(unfold_windows)
settle(fold_windows)
