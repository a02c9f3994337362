"""Rounding, division with remainders, and what is left: flat between jumps, where slopes are 0."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.composite import composite, floating, operand
from autograd_iron.core.facts import C
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.elementwise.words import zero_slope

__all__ = [
    "around",
    "ceil",
    "divmod",
    "fix",
    "floor",
    "floor_divide",
    "fmod",
    "heaviside",
    "mod",
    "modf",
    "remainder",
    "rint",
    "round",
    "trunc",
]


def _whole(xp, function, x):
    """Return the values rounded; integers are whole already (NumPy 2.0 makes floats of them)."""
    return xp.array(x) if x.dtype.kind in "biu" else function(x)


@elementwise(numpy="floor", c=C("floor{f}({x})", "{x}", "{x}"))
def floor(xp, x, /):
    """Return the largest whole number that is not above `x`; the derivative is 0."""
    return _whole(xp, xp.floor, x)


@elementwise(numpy="ceil", c=C("ceil{f}({x})", "{x}", "{x}"))
def ceil(xp, x, /):
    """Return the smallest whole number that is not below `x`; the derivative is 0."""
    return _whole(xp, xp.ceil, x)


@elementwise(numpy="trunc", c=C("trunc{f}({x})", "{x}", "{x}"))
def trunc(xp, x, /):
    """Return `x` without its decimals; the derivative is 0."""
    return _whole(xp, xp.trunc, x)


for word in (floor, ceil, trunc):
    word.shape(specs.same)
    word.vjp(zero_slope)


@elementwise(floating=True, numpy="rint", c="rint{f}({x})")
def rint(xp, x, /):
    """Return the nearest whole number, of two equally near ones the even; the derivative is 0."""
    return xp.rint(x)


rint.vjp(zero_slope)


@composite
def round(F, x, /, decimals=0):
    """Return `x` rounded to so many decimals, halves to the even digit; the derivative is 0."""
    x = operand(F, x)
    if x.dtype.kind in "biu":
        if decimals >= 0:
            return x
        scale = 10**-decimals
        return F.astype(F.rint(F.astype(x, dtype="float64") / scale) * scale, dtype=x.dtype)
    if decimals == 0:
        return F.rint(x)
    scale = 10.0 ** abs(decimals)
    return F.rint(x * scale) / scale if decimals > 0 else F.rint(x / scale) * scale


around, fix = round, trunc

_NOT_C = "C has no division with NumPy's signs, and leaves open what 0 divides"


@elementwise(numpy="floor_divide", by_kernel=_NOT_C)
def floor_divide(xp, x, y, /):
    """Return the largest whole number that is not above `x / y`; the derivatives are 0."""
    return xp.floor_divide(x, y)


floor_divide.vjp(zero_slope)
floor_divide.vjp(zero_slope)


@elementwise(numpy="remainder", by_kernel=_NOT_C)
def remainder(xp, x, y, /):
    """Return what `floor_divide` leaves of `x`, with the sign of `y`."""
    return xp.remainder(x, y)


@remainder.vjp
def _(F, g, _out, _x, _y):
    return g


@remainder.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(-F.floor_divide(x, y), g)


@elementwise(numpy="fmod", by_kernel="C leaves open what 0 divides")
def fmod(xp, x, y, /):
    """Return what `trunc(x / y)` times `y` leaves of `x`, with the sign of `x`."""
    return xp.fmod(x, y)


@fmod.vjp
def _(F, g, _out, _x, _y):
    return g


@fmod.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(-F.trunc(x / y), g)


mod = remainder


@composite
def divmod(F, x, y, /):
    """Return `floor_divide(x, y)` and `remainder(x, y)`."""
    return F.floor_divide(x, y), F.remainder(x, y)


@composite
def modf(F, x, /):
    """Return the fractional part and the whole part of `x`, both of its sign."""
    x = floating(F, x)
    whole = F.trunc(x)
    return F.where(F.isinf(x), 0, x - whole), whole


@composite
def heaviside(F, x, y, /):
    """Return 0 where `x` is negative, 1 where it is positive, and `y` where it is 0."""
    x = floating(F, x)
    if dtypes.is_complex(x.dtype):
        raise TypeError(dtypes.UNORDERED)
    return F.where(x == 0, y, 0.5 * F.sign(x) + 0.5)
