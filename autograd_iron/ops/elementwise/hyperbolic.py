"""Hyperbolic functions, and their inverse functions."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.primitive import elementwise

__all__ = [
    "acosh",
    "arccosh",
    "arcsinh",
    "arctanh",
    "asinh",
    "atanh",
    "cosh",
    "sinh",
]


@elementwise(floating=True, numpy="sinh", c="sinh{f}({x})")
def sinh(xp, x, /):
    """Return the hyperbolic sine."""
    return xp.sinh(x)


@sinh.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(F.cosh(x)), g)


@elementwise(floating=True, numpy="cosh", c="cosh{f}({x})")
def cosh(xp, x, /):
    """Return the hyperbolic cosine."""
    return xp.cosh(x)


@cosh.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(F.sinh(x)), g)


@elementwise(floating=True, numpy="arcsinh", c="asinh{f}({x})")
def arcsinh(xp, x, /):
    """Return the number whose hyperbolic sine is `x`."""
    return xp.arcsinh(x)


@arcsinh.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(1 / F.sqrt(1 + x * x)), g)


@elementwise(floating=True, numpy="arccosh", c="acosh{f}({x})")
def arccosh(xp, x, /):
    """Return the number from 0 up whose hyperbolic cosine is `x`; NaN for `x < 1`."""
    return xp.arccosh(x)


@arccosh.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(1 / (F.sqrt(x - 1) * F.sqrt(x + 1))), g)


@elementwise(floating=True, numpy="arctanh", c="atanh{f}({x})")
def arctanh(xp, x, /):
    """Return the number whose hyperbolic tangent is `x`."""
    return xp.arctanh(x)


@arctanh.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(1 / ((1 - x) * (1 + x))), g)


asinh, acosh, atanh = arcsinh, arccosh, arctanh
