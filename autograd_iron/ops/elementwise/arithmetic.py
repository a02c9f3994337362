"""Arithmetic: sums, products, quotients, powers, signs."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import builtins
import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.facts import C
from autograd_iron.core.primitive import elementwise
from autograd_iron.core.specs import Spec
from autograd_iron.ops.elementwise.words import zero_slope

__all__ = [
    "abs",
    "add",
    "divide",
    "frexp",
    "multiply",
    "negative",
    "pow",
    "sign",
    "square",
    "subtract",
]


@elementwise(c=C("{y} == 0 && {x} - {x} != 0 ? 0 : {x} * {y}", "({u}){x} * ({u}){y}", "{x} & {y}"))
def multiply_no_nan(xp, x, y, /):
    """Return `x * y`, and 0 where `y` is 0 even if `x` is infinite or NaN."""
    product = xp.multiply(x, y)
    if device.all_finite(product):
        return product
    return xp.where(y == 0, 0, product)


multiply_no_nan.neutral = (1, None)


@multiply_no_nan.vjp
def _(F, g, _y, _x, y):
    return F.multiply_no_nan(F.conj(y), g)


@multiply_no_nan.vjp
def _(F, g, _y, x, _y_in):
    return F.multiply_no_nan(F.conj(x), g)


@elementwise(numpy="add", c=C("{x} + {y}", "({u}){x} + ({u}){y}", "{x} | {y}"))
def add(xp, x, y, /):
    """Return the sum `x + y`, broadcast."""
    return xp.add(x, y)


add.neutral = (0, 0)


@add.vjp
def _(F, g, _out, _x, _y):
    return g


@add.vjp
def _(F, g, _out, _x, _y):
    return g


@elementwise(numpy="subtract", c=C("{x} - {y}", "({u}){x} - ({u}){y}"))
def subtract(xp, x, y, /):
    """Return the difference `x - y`, broadcast."""
    return xp.subtract(x, y)


subtract.neutral = (None, 0)


@subtract.vjp
def _(F, g, _out, _x, _y):
    return g


@subtract.vjp
def _(F, g, _out, _x, _y):
    return -g


@elementwise(numpy="multiply", c=C("{x} * {y}", "({u}){x} * ({u}){y}", "{x} & {y}"))
def multiply(xp, x, y, /):
    """Return the product `x * y`, broadcast."""
    return xp.multiply(x, y)


multiply.neutral = (1, 1)


@multiply.vjp
def _(F, g, _out, _x, y):
    return F.multiply_no_nan(F.conj(y), g)


@multiply.vjp
def _(F, g, _out, x, _y):
    return F.multiply_no_nan(F.conj(x), g)


@elementwise(floating=True, numpy="divide", c="{x} / {y}")
def divide(xp, x, y, /):
    """Return the quotient `x / y`, broadcast; integers give float32."""
    return xp.divide(x, y)


divide.neutral = (None, 1)


@divide.vjp
def _(F, g, _out, _x, y):
    if isinstance(y, int | float):
        return g / y if y else F.multiply_no_nan(math.copysign(math.inf, y), g)
    if isinstance(y, complex):
        return F.multiply_no_nan(1 / y.conjugate() if y else math.nan, g)
    return F.multiply_no_nan(1 / F.conj(y), g)


@divide.vjp
def _(F, g, out, _x, y):
    return F.multiply_no_nan(F.conj(-out / y), g)


@elementwise(numpy="negative", c=C("-{x}", "0 - ({u}){x}", exact=True))
def negative(xp, x, /):
    """Return `-x`."""
    return xp.negative(x)


negative.own_inverse = True


@negative.vjp
def _(F, g, _y, _x):
    return -g


_WHOLE = "whole_power((unsigned long long){x}, (unsigned long long){y})"


@elementwise(numpy="power", c=C("pow{f}({x}, {y})", _WHOLE, _WHOLE))
def pow(xp, x, p, /):
    """Return `x ** p`, broadcast; derivatives at `x = 0` are those of the limit where it exists."""
    if isinstance(p, int) and p < 0 and getattr(x, "dtype", dtypes.bool_).kind in "iu":
        raise ValueError("integers to negative integer powers are not: use x.astype('float32')")
    return x**p


@pow.shape
def _(x, p):
    if (
        type(p) in (int, float, bool) and p == 2
    ):  # NumPy's ** squares, where a truth stays in 8 bits
        (dtype,) = specs.of_ufunc("square", (x,))
    else:
        (dtype,) = specs.of_ufunc("power", (x, p))
    return Spec(specs.broadcast(x, p), dtype)


pow.neutral = (None, 1)


@pow.vjp
def _(F, g, _y, x, p):
    if isinstance(p, int | float):
        if p == 0:
            return F.multiply_no_nan(0.0, g)
        return F.multiply_no_nan(F.conj(p * x ** (p - 1)), g)
    at_zero = F.logical_and(x == 0, p == 0)
    return F.multiply_no_nan(F.conj(F.where(at_zero, 0.0, p * x ** (p - 1))), g)


@pow.vjp
def _(F, g, y, x, p):
    if isinstance(x, complex):
        log = complex(math.log(builtins.abs(x)), math.atan2(x.imag, x.real)) if x else math.nan
        slope = y * log
        slope = F.where(F.real(p) >= 0, 0.0, slope) if x == 0 else slope
        return F.multiply_no_nan(F.conj(slope), g)
    if isinstance(x, int | float) and y.dtype.kind != "c":
        slope = y * math.log(x) if x > 0 else y * (-math.inf if x == 0 else math.nan)
        return F.multiply_no_nan(F.where(p >= 0, 0.0, slope) if x == 0 else slope, g)
    if y.dtype.kind == "c":
        at_zero = F.logical_and(x == 0, F.real(p) >= 0)
        base = F.where(at_zero, 1.0, x) + 0j  # of which a negative number has a logarithm
        return F.multiply_no_nan(F.conj(F.where(at_zero, 0.0, y * F.log(base))), g)
    at_zero = F.logical_and(x == 0, p >= 0)
    return F.multiply_no_nan(F.where(at_zero, 0.0, y * F.log(F.where(at_zero, 1.0, x))), g)


@elementwise(decomposes=True)
def square(_F, x, /):
    """Return `x * x`."""
    return x * x


@square.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(2 * F.conj(x), g)


@elementwise(
    numpy="absolute", c=C("fabs{f}({x})", "{x} < 0 ? 0 - ({u}){x} : ({u}){x}", "{x}", exact=True)
)
def abs(xp, x, /):
    """Return the absolute value; the derivative at 0 is 0."""
    return xp.abs(x)


@abs.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.sign(x), g)


# What is neither above nor below zero is zero, or NaN, and stays what it is.
_SIGN = "{x} > 0 ? 1 : {x} < 0 ? -1 : {x}"


@elementwise(numpy="sign", c=C.same(_SIGN, exact=True))
def sign(xp, x, /):
    """Return -1, 0 or 1, of a complex number `x / abs(x)`; the derivative of real ones is 0."""
    if x.dtype.kind != "c":
        return xp.sign(x)
    size = xp.abs(x)
    return x / xp.where(size == 0, 1, size) + 0  # of zeros 0, whatever the signs of their parts


@sign.vjp
def _(F, g, y, x):
    if x.dtype.kind != "c":
        return zero_slope(F, g, y)
    size = F.abs(x)
    across = g - y * F.real(F.conj(y) * g)  # what is not along the number
    return F.where(size == 0, 0.0, across / F.where(size == 0, 1.0, size))


@elementwise(floating=True, numpy="frexp", by_kernel="it has two results")
def frexp(xp, x, /):
    """Return `m` and the int32 `e` with `x = m * 2 ** e` and `0.5 <= abs(m) < 1`; 0 and 0 for 0."""
    return xp.frexp(x)


@frexp.vjp
def _(F, g, y, _x):
    gm, _ = g
    _, e = y
    return gm * F.pow(2.0, F.astype(-e, dtype=_x.dtype))
