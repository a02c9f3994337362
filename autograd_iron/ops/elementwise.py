"""Elementwise primitives: arithmetic, powers, exponentials, activations, comparisons.

Zero absorbs: where a cotangent is exactly 0, an infinite or undefined local derivative contributes
0.  Rules whose derivative can be infinite or NaN, if only at such an input, multiply with
`F.multiply_no_nan`.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.facts import C
from autograd_iron.core.primitive import elementwise
from autograd_iron.core.specs import Spec


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
    return F.multiply_no_nan(y, g)


@multiply_no_nan.vjp
def _(F, g, _y, x, _y_in):
    return F.multiply_no_nan(x, g)


# --- arithmetic


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
    return F.multiply_no_nan(y, g)


@multiply.vjp
def _(F, g, _out, x, _y):
    return F.multiply_no_nan(x, g)


@elementwise(floating=True, numpy="divide", c="{x} / {y}")
def divide(xp, x, y, /):
    """Return the quotient `x / y`, broadcast; integers give float32."""
    return xp.divide(x, y)


divide.neutral = (None, 1)


@divide.vjp
def _(F, g, _out, _x, y):
    if isinstance(y, int | float):
        return g / y if y else F.multiply_no_nan(math.copysign(math.inf, y), g)
    return F.multiply_no_nan(1 / y, g)


@divide.vjp
def _(F, g, out, _x, y):
    return F.multiply_no_nan(-out / y, g)


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
    if not hasattr(p, "dtype") and p == 2:  # NumPy's ** squares, where a truth stays in 8 bits
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
        return F.multiply_no_nan(p * x ** (p - 1), g)
    at_zero = F.logical_and(x == 0, p == 0)
    return F.multiply_no_nan(F.where(at_zero, 0.0, p * x ** (p - 1)), g)


@pow.vjp
def _(F, g, y, x, p):
    if isinstance(x, int | float):
        slope = y * math.log(x) if x > 0 else y * (-math.inf if x == 0 else math.nan)
        return F.multiply_no_nan(F.where(p >= 0, 0.0, slope) if x == 0 else slope, g)
    at_zero = F.logical_and(x == 0, p >= 0)
    return F.multiply_no_nan(F.where(at_zero, 0.0, y * F.log(F.where(at_zero, 1.0, x))), g)


@elementwise(decomposes=True)
def square(_F, x, /):
    """Return `x * x`."""
    return x * x


@square.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(2 * x, g)


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
    """Return -1, 0 or 1; no gradient flows through it (its derivative is 0 almost everywhere)."""
    return xp.sign(x)


@elementwise(floating=True, numpy="frexp", by_kernel="it has two results")
def frexp(xp, x, /):
    """Return `m` and the int32 `e` with `x = m * 2 ** e` and `0.5 <= abs(m) < 1`; 0 and 0 for 0."""
    return xp.frexp(x)


@frexp.vjp
def _(F, g, y, _x):
    gm, _ = g
    _, e = y
    return gm * F.pow(2.0, F.astype(-e, dtype=_x.dtype))


# --- exponentials and roots


@elementwise(floating=True, numpy="exp", c="exp{f}({x})")
def exp(xp, x, /):
    """Return e to the power `x`."""
    return xp.exp(x)


@exp.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(y, g)


@elementwise(floating=True, numpy="expm1", c="expm1{f}({x})")
def expm1(xp, x, /):
    """Return `exp(x) - 1`, accurate near 0."""
    return xp.expm1(x)


@expm1.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(y + 1, g)


@elementwise(floating=True, numpy="log", c="log{f}({x})")
def log(xp, x, /):
    """Return the natural logarithm."""
    return xp.log(x)


@log.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(1 / x, g)


@elementwise(floating=True, numpy="log1p", c="log1p{f}({x})")
def log1p(xp, x, /):
    """Return `log(1 + x)`, accurate near 0."""
    return xp.log1p(x)


@log1p.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(1 / (1 + x), g)


@elementwise(floating=True, numpy="sqrt", c="sqrt{f}({x})")
def sqrt(xp, x, /):
    """Return the square root; the derivative at 0 is infinite."""
    return xp.sqrt(x)


@sqrt.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(0.5 / y, g)


# --- trigonometric functions and activations


@elementwise(floating=True, numpy="sin", c="sin{f}({x})")
def sin(xp, x, /):
    """Return the sine of `x` in radians."""
    return xp.sin(x)


@sin.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.cos(x), g)


@elementwise(floating=True, numpy="cos", c="cos{f}({x})")
def cos(xp, x, /):
    """Return the cosine of `x` in radians."""
    return xp.cos(x)


@cos.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(-F.sin(x), g)


@elementwise(floating=True, numpy="tanh", c="tanh{f}({x})")
def tanh(xp, x, /):
    """Return the hyperbolic tangent."""
    return xp.tanh(x)


@tanh.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(1 - y * y, g)


@elementwise(floating=True, decomposes=True)
def sigmoid(F, x, /):
    """Return `1 / (1 + exp(-x))`; 0 where the exponential overflows."""
    with device.quiet():
        return 1 / (1 + F.exp(-x))


@sigmoid.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(y * (1 - y), g)


@elementwise(decomposes=True)
def relu(F, x, /):
    """Return `max(x, 0)`; the derivative at 0 is 0."""
    return F.maximum(x, 0)


@relu.vjp
def _(F, g, y, _x):
    return g * (y > 0)


@elementwise(floating=True, decomposes=True)
def softplus(F, x, /):
    """Return `log(1 + exp(x))`, finite for every finite `x`."""
    return F.maximum(x, 0) + F.log1p(F.exp(-F.abs(x)))


@softplus.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.sigmoid(x), g)


# --- choosing


def _extreme(sign):
    """Return what takes the larger (">") or smaller ("<") of two, and NaN if one of them is."""
    chosen = f"({{x}} {sign} {{y}} ? {{x}} : {{y}})"
    unordered = f"({{x}} {sign} {{y}} || {{x}} != {{x}} ? {{x}} : {{y}})"
    return C(unordered, chosen, chosen, exact=True)


@elementwise(numpy="maximum", c=_extreme(">"))
def maximum(xp, x, y, /):
    """Return the larger of `x` and `y`, broadcast; equal ones get half the gradient each."""
    return xp.maximum(x, y)


@maximum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (x > y))


@maximum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (y > x))


@elementwise(numpy="minimum", c=_extreme("<"))
def minimum(xp, x, y, /):
    """Return the smaller of `x` and `y`, broadcast; equal ones get half the gradient each."""
    return xp.minimum(x, y)


@minimum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (x < y))


@minimum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (y < x))


@elementwise
def clip(xp, x, /, min=None, max=None):
    """Return `x` held between two numbers (None: no bound); at a bound the gradient passes."""
    _check_bounds(min, max)
    if x.dtype.kind != "f" and (isinstance(min, float) or isinstance(max, float)):
        x = x.astype("float32")
    if min is None and max is None:
        return xp.array(x)
    return xp.clip(x, min, max)


def _check_bounds(*bounds):
    if not all(bound is None or isinstance(bound, int | float) for bound in bounds):
        raise TypeError("the bounds must be numbers; for arrays use maximum and minimum")


@clip.shape
def _(x, min, max):
    _check_bounds(min, max)
    narrow = x.dtype.kind == "f" or not (isinstance(min, float) or isinstance(max, float))
    return Spec(x.shape, x.dtype if narrow else dtypes.float32)


@clip.decompose
def _(F, x, min, max):
    _check_bounds(min, max)
    if x.dtype.kind != "f" and (isinstance(min, float) or isinstance(max, float)):
        x = F.astype(x, dtype="float32")
    if x.dtype.kind in "iu":  # of which a bound need not be one: NumPy leaves out what holds anyway
        min = None if min is None or min <= dtypes.extreme(x.dtype, lowest=True) else min
        max = None if max is None or max >= dtypes.extreme(x.dtype, lowest=False) else max
    x = x if min is None else F.maximum(x, min)
    return x if max is None else F.minimum(x, max)


@clip.vjp
def _(F, g, y, x, min, max):
    return g * (x == y)


@elementwise(c=C.same("{x:bool} ? {y} : {z}", exact=True))
def where(xp, condition, x, y, /):
    """Return `x` where the condition holds, else `y`, broadcast."""
    if not hasattr(x, "dtype") and not hasattr(y, "dtype"):
        x = xp.asarray(x, dtype="float32")
    if type(x) is int or type(y) is int:
        _check_choice(x, y)
        _check_choice(y, x)
    return xp.where(condition, x, y)


def _check_choice(number, other):
    """Refuse an integer that is none of the other choice's, of which NumPy's `where` makes one."""
    if type(number) is not int or other.dtype.kind not in "biu":
        return
    dtype = dtypes.int64 if other.dtype == dtypes.bool_ else other.dtype
    if not dtypes.fits(number, dtype):
        raise OverflowError(f"Python integer {number} out of bounds for {dtype}")


@where.shape
def _(condition, x, y):
    numbers = not hasattr(x, "dtype") and not hasattr(y, "dtype")
    dtype = dtypes.float32 if numbers else specs.joint(x, y)
    return Spec(specs.broadcast(condition, x, y), dtype)


where.vjp(None)


@where.vjp
def _(F, g, _out, condition, _x, _y):
    return F.where(condition, g, 0)


@where.vjp
def _(F, g, _out, condition, _x, _y):
    return F.where(condition, 0, g)


# --- questions, whose answers are bool and carry no gradient


@elementwise(numpy="equal", c="{x:joint} == {y:joint}")
def equal(xp, x, y, /):
    """Return whether `x == y`, elementwise and broadcast."""
    return xp.equal(x, y)


@elementwise(numpy="not_equal", c="{x:joint} != {y:joint}")
def not_equal(xp, x, y, /):
    """Return whether `x != y`, elementwise and broadcast."""
    return xp.not_equal(x, y)


@elementwise(numpy="less", c="{x:joint} < {y:joint}")
def less(xp, x, y, /):
    """Return whether `x < y`, elementwise and broadcast."""
    return xp.less(x, y)


@elementwise(numpy="less_equal", c="{x:joint} <= {y:joint}")
def less_equal(xp, x, y, /):
    """Return whether `x <= y`, elementwise and broadcast."""
    return xp.less_equal(x, y)


@elementwise(numpy="greater", c="{x:joint} > {y:joint}")
def greater(xp, x, y, /):
    """Return whether `x > y`, elementwise and broadcast."""
    return xp.greater(x, y)


@elementwise(numpy="greater_equal", c="{x:joint} >= {y:joint}")
def greater_equal(xp, x, y, /):
    """Return whether `x >= y`, elementwise and broadcast."""
    return xp.greater_equal(x, y)


@elementwise(numpy="logical_and", c="{x:bool} & {y:bool}")
def logical_and(xp, x, y, /):
    """Return whether `x and y`, elementwise and broadcast."""
    return xp.logical_and(x, y)


@elementwise(numpy="logical_or", c="{x:bool} | {y:bool}")
def logical_or(xp, x, y, /):
    """Return whether `x or y`, elementwise and broadcast."""
    return xp.logical_or(x, y)


@elementwise(numpy="logical_not", c="!{x:bool}")
def logical_not(xp, x, /):
    """Return whether `x` is false, elementwise."""
    return xp.logical_not(x)


for word in (logical_and, logical_or, logical_not):
    word.truths = True


@elementwise(numpy="isfinite", c="{x:joint} - {x:joint} == 0")
def isfinite(xp, x, /):
    """Return whether `x` is neither infinite nor NaN, elementwise."""
    return xp.isfinite(x)


@elementwise(numpy="isnan", c="{x:joint} != {x:joint}")
def isnan(xp, x, /):
    """Return whether `x` is NaN, elementwise."""
    return xp.isnan(x)


@elementwise(numpy="bitwise_and", c="{x} & {y}")
def bitwise_and(xp, x, y, /):
    """Return `x & y` of bools or integers, broadcast."""
    return xp.bitwise_and(x, y)


@elementwise(numpy="bitwise_or", c="{x} | {y}")
def bitwise_or(xp, x, y, /):
    """Return `x | y` of bools or integers, broadcast."""
    return xp.bitwise_or(x, y)


@elementwise(numpy="bitwise_xor", c="{x} ^ {y}")
def bitwise_xor(xp, x, y, /):
    """Return `x ^ y` of bools or integers, broadcast."""
    return xp.bitwise_xor(x, y)


@elementwise(numpy="invert", c=C(None, "~{x}", "!{x}"))
def bitwise_invert(xp, x, /):
    """Return `~x` of bools or integers."""
    return xp.invert(x)
