"""Tangents, the inverse functions of angles, and angles themselves."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.core.composite import composite, floating
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.elementwise.trigonometric import arctan

__all__ = [
    "acos",
    "arccos",
    "arcsin",
    "arctan2",
    "asin",
    "atan",
    "atan2",
    "deg2rad",
    "degrees",
    "hypot",
    "rad2deg",
    "radians",
    "sinc",
    "tan",
]


@elementwise(floating=True, numpy="tan", c="tan{f}({x})")
def tan(xp, x, /):
    """Return the tangent of `x` in radians."""
    return xp.tan(x)


@tan.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.conj(1 + y * y), g)


@elementwise(floating=True, numpy="arcsin", c="asin{f}({x})")
def arcsin(xp, x, /):
    """Return the angle in radians, between -pi/2 and pi/2, whose sine is `x`."""
    return xp.arcsin(x)


@arcsin.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(1 / F.sqrt((1 - x) * (1 + x))), g)


@elementwise(floating=True, numpy="arccos", c="acos{f}({x})")
def arccos(xp, x, /):
    """Return the angle in radians, between 0 and pi, whose cosine is `x`."""
    return xp.arccos(x)


@arccos.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(-1 / F.sqrt((1 - x) * (1 + x))), g)


@elementwise(floating=True, numpy="arctan2", c="atan2{f}({x}, {y})")
def arctan2(xp, x, y, /):
    """Return the angle in radians, from -pi to pi, of the point with ordinate `x`, abscissa `y`.

    That is the angle whose tangent is `x / y`; the derivatives at the origin are 0.
    """
    return xp.arctan2(x, y)


@arctan2.vjp
def _(F, g, _out, x, y):
    r = _away_from_zero(F, x, y)
    return F.multiply_no_nan(y / r / r, g)


@arctan2.vjp
def _(F, g, _out, x, y):
    r = _away_from_zero(F, x, y)
    return F.multiply_no_nan(-(x / r) / r, g)


def _away_from_zero(F, x, y):
    r = F.hypot(x, y)
    return F.where(r == 0, 1.0, r)


@elementwise(floating=True, numpy="hypot", c="hypot{f}({x}, {y})")
def hypot(xp, x, y, /):
    """Return `sqrt(x ** 2 + y ** 2)` without overflow; the derivatives at the origin are 0."""
    return xp.hypot(x, y)


@hypot.vjp
def _(F, g, r, x, _y):
    return F.multiply_no_nan(x / F.where(r == 0, 1.0, r), g)


@hypot.vjp
def _(F, g, r, _x, y):
    return F.multiply_no_nan(y / F.where(r == 0, 1.0, r), g)


@composite
def deg2rad(F, x, /):
    """Return an angle of `x` degrees in radians."""
    return floating(F, x) * (math.pi / 180)


@composite
def rad2deg(F, x, /):
    """Return an angle of `x` radians in degrees."""
    return floating(F, x) * (180 / math.pi)


# sin(z) / z as a polynomial in the square of z, for abs(z) < 1: without a division that would
# cancel in its derivatives.
_SINC = [(-1) ** k / math.factorial(2 * k + 1) for k in range(10)]


@composite
def sinc(F, x, /):
    """Return `sin(pi x) / (pi x)`, and 1 at 0."""
    z = floating(F, x) * math.pi
    near = F.abs(z) < 1
    small = F.where(near, z, 0)
    square = small * small
    series = _SINC[-1]
    for coefficient in reversed(_SINC[:-1]):
        series = series * square + coefficient
    far = F.where(near, 1, z)
    return F.where(near, series, F.sin(far) / far)


asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
degrees, radians = rad2deg, deg2rad
