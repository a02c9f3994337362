"""Infinities and NaN, and whether values are alike."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.composite import composite, floating, operand
from autograd_iron.core.facts import C
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.elementwise.arithmetic import abs
from autograd_iron.ops.elementwise.words import together

__all__ = [
    "absolute",
    "allclose",
    "array_equal",
    "array_equiv",
    "fabs",
    "fmax",
    "fmin",
    "isclose",
    "iscomplex",
    "isinf",
    "isneginf",
    "isposinf",
    "isreal",
    "logical_xor",
    "nan_to_num",
    "positive",
]

absolute = abs


@composite
def positive(F, x, /):
    """Return `+x`, which is `x`."""
    return F.identity(x)


@composite
def fabs(F, x, /):
    """Return the absolute value as a float; the derivative at 0 is 0."""
    return F.abs(floating(F, x))


@elementwise(numpy="isinf", c="{x:joint} - {x:joint} != 0 && {x:joint} == {x:joint}")
def isinf(xp, x, /):
    """Return whether `x` is infinite, elementwise."""
    return xp.isinf(x)


@composite
def isposinf(F, x, /):
    """Return whether `x` is positive infinity, elementwise."""
    return F.equal(x, math.inf)


@composite
def isneginf(F, x, /):
    """Return whether `x` is negative infinity, elementwise."""
    return F.equal(x, -math.inf)


@composite
def isreal(F, x, /):
    """Return whether the imaginary part of `x` is 0, elementwise."""
    return F.equal(F.imag(x), 0)


@composite
def iscomplex(F, x, /):
    """Return whether the imaginary part of `x` is not 0, elementwise."""
    return F.not_equal(F.imag(x), 0)


@elementwise(numpy="logical_xor", c="{x:bool} ^ {y:bool}")
def logical_xor(xp, x, y, /):
    """Return whether one of `x` and `y` is true and the other is not, broadcast."""
    return xp.logical_xor(x, y)


logical_xor.truths = True


def _known(sign):
    """Return what takes the larger or smaller of two, and the other one where one is NaN."""
    return C.same(f"({{x}} {sign} {{y}} || {{y}} != {{y}} ? {{x}} : {{y}})", exact=True)


@elementwise(numpy="fmax", c=_known(">"))
def fmax(xp, x, y, /):
    """Return the larger of `x` and `y`, and the other where one is NaN; equal ones share."""
    return xp.fmax(x, y)


@fmax.vjp
def _(F, g, _out, x, y):
    return _chosen(F, g, x == y, F.logical_or(x > y, y != y))


@fmax.vjp
def _(F, g, _out, x, y):
    return _chosen(F, g, x == y, F.logical_and(F.logical_not(x > y), y == y))


@elementwise(numpy="fmin", c=_known("<"))
def fmin(xp, x, y, /):
    """Return the smaller of `x` and `y`, and the other where one is NaN; equal ones share."""
    return xp.fmin(x, y)


@fmin.vjp
def _(F, g, _out, x, y):
    return _chosen(F, g, x == y, F.logical_or(x < y, y != y))


@fmin.vjp
def _(F, g, _out, x, y):
    return _chosen(F, g, x == y, F.logical_and(F.logical_not(x < y), y == y))


def _chosen(F, g, alike, chosen):
    return F.where(alike, 0.5 * g, F.where(chosen, g, 0))


@composite
def nan_to_num(F, x, /, copy=True, nan=0.0, posinf=None, neginf=None):
    """Return `x` with numbers for NaN and infinities, through which no gradient flows.

    Parameters
    ----------
    x : Tensor
    copy : bool
        For the sake of NumPy's signature: the result is always a new Tensor.
    nan : float
        What stands for NaN.
    posinf, neginf : float, optional
        What stands for the infinities: by default the largest and the lowest number of the dtype.
    """
    x = operand(F, x)
    if x.dtype.kind in "biu":
        return F.identity(x)
    if x.dtype.kind == "c":
        parts = (F.real(x), F.imag(x))
        real, imag = (F.nan_to_num(part, copy, nan, posinf, neginf) for part in parts)
        return real + 1j * imag
    largest = dtypes.largest(x.dtype)
    x = F.where(x == math.inf, largest if posinf is None else posinf, x)
    x = F.where(x == -math.inf, -largest if neginf is None else neginf, x)
    return F.where(x != x, nan, x)


@composite
def isclose(F, x, y, /, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Return where `abs(x - y) <= atol + rtol * abs(y)`, broadcast.

    Infinities are close to themselves, and with `equal_nan` so is NaN.
    """
    x, y = together(F, x, y)
    with device.quiet():  # the difference of two infinities is none
        near = F.abs(x - y) <= atol + rtol * F.abs(y)
    close = F.logical_or(F.logical_and(near, F.isfinite(y)), x == y)
    return F.logical_or(close, F.logical_and(x != x, y != y)) if equal_nan else close


@composite
def allclose(F, x, y, /, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Return whether all values are close: see `isclose`."""
    return F.all(F.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan))


@composite
def array_equal(F, x, y, /, equal_nan=False):
    """Return whether `x` and `y` have one shape and equal values."""
    x, y = operand(F, x), operand(F, y)
    if x.shape != y.shape:
        return F.zeros((), dtype="bool", device=device.of(x))
    alike = x == y
    return F.all(F.logical_or(alike, F.logical_and(x != x, y != y)) if equal_nan else alike)


@composite
def array_equiv(F, x, y, /):
    """Return whether `x` and `y` broadcast to one shape, and are equal there."""
    x, y = operand(F, x), operand(F, y)
    if device.broadcast_shape(x.shape, y.shape) is None:
        return F.zeros((), dtype="bool", device=device.of(x))
    return F.all(x == y)


for word in (fmax, fmin):
    word.ordered = True
