"""Exponentials, logarithms and roots."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.primitive import elementwise

__all__ = ["exp", "expm1", "log", "log1p", "sqrt"]


@elementwise(floating=True, numpy="exp", c="exp{f}({x})")
def exp(xp, x, /):
    """Return e to the power `x`."""
    return xp.exp(x)


@exp.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.conj(y), g)


@elementwise(floating=True, numpy="expm1", c="expm1{f}({x})")
def expm1(xp, x, /):
    """Return `exp(x) - 1`, accurate near 0."""
    return xp.expm1(x)


@expm1.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.conj(y) + 1, g)


@elementwise(floating=True, numpy="log", c="log{f}({x})")
def log(xp, x, /):
    """Return the natural logarithm."""
    return xp.log(x)


@log.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(1 / F.conj(x), g)


@elementwise(floating=True, numpy="log1p", c="log1p{f}({x})")
def log1p(xp, x, /):
    """Return `log(1 + x)`, accurate near 0."""
    return xp.log1p(x)


@log1p.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(1 / (1 + F.conj(x)), g)


@elementwise(floating=True, numpy="sqrt", c="sqrt{f}({x})")
def sqrt(xp, x, /):
    """Return the square root; the derivative at 0 is infinite."""
    return xp.sqrt(x)


@sqrt.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(0.5 / F.conj(y), g)
