"""Powers and logarithms of other bases, sums under a logarithm, reciprocals and roots."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.core.composite import composite, operand
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.creation import asarray
from autograd_iron.ops.elementwise.arithmetic import divide, pow
from autograd_iron.ops.elementwise.words import together

__all__ = [
    "cbrt",
    "exp2",
    "float_power",
    "lerp",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "power",
    "reciprocal",
    "rsqrt",
    "true_divide",
]

_LOG_2 = math.log(2)


@elementwise(floating=True, numpy="exp2", c="exp2{f}({x})")
def exp2(xp, x, /):
    """Return 2 to the power `x`."""
    return xp.exp2(x)


@exp2.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.conj(y * _LOG_2), g)


@elementwise(floating=True, numpy="log2", c="log2{f}({x})")
def log2(xp, x, /):
    """Return the logarithm to base 2."""
    return xp.log2(x)


@log2.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj((1 / _LOG_2) / x), g)


@elementwise(floating=True, numpy="log10", c="log10{f}({x})")
def log10(xp, x, /):
    """Return the logarithm to base 10."""
    return xp.log10(x)


@log10.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj((1 / math.log(10)) / x), g)


@elementwise(floating=True, numpy="cbrt", c="cbrt{f}({x})")
def cbrt(xp, x, /):
    """Return the cube root, negative for negative `x`; the derivative at 0 is infinite."""
    return xp.cbrt(x)


@cbrt.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(1 / (3 * y * y), g)


_SUM = "({x} > {y} ? {x} : {y}) + log1p{f}({x} == {y} ? 1 : exp{f}(-fabs{f}({x} - {y})))"


@elementwise(floating=True, numpy="logaddexp", c=_SUM)
def logaddexp(xp, x, y, /):
    """Return `log(exp(x) + exp(y))` without overflow, broadcast."""
    return xp.logaddexp(x, y)


@logaddexp.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(_share(F, x, y, 1.0), g)


@logaddexp.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(_share(F, y, x, 1.0), g)


def _share(F, x, y, unit):
    """Return what part of the sum is the first term: half of it, where both are infinite."""
    alike = F.logical_and(x == y, F.isinf(x))
    return F.where(alike, 0.5, F.sigmoid((x - y) * unit))


# A 2 of the dtype of x: of an int, C++ does not know which logarithm is meant.
_SUM_2 = (
    "({x} > {y} ? {x} : {y}) + log1p{f}({x} == {y} ? 1 : exp2{f}(-fabs{f}({x} - {y})))"
    " / log{f}({x} == {x} ? 2 : {x})"
)


@elementwise(floating=True, numpy="logaddexp2", c=_SUM_2)
def logaddexp2(xp, x, y, /):
    """Return `log2(2 ** x + 2 ** y)` without overflow, broadcast."""
    return xp.logaddexp2(x, y)


@logaddexp2.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(_share(F, x, y, _LOG_2), g)


@logaddexp2.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(_share(F, y, x, _LOG_2), g)


@composite
def reciprocal(F, x, /):
    """Return `1 / x`."""
    return 1 / operand(F, x)


@composite
def rsqrt(F, x, /):
    """Return `1 / sqrt(x)`."""
    return 1 / F.sqrt(operand(F, x))


@composite
def float_power(F, x, p, /):
    """Return `x ** p` in float64, or complex128, so that integers have negative powers too."""
    given = [
        asarray(a, "float64") if type(a) in (int, float) else operand(F, a, (x, p)) for a in (x, p)
    ]
    wide = "complex128" if any(a.dtype.kind == "c" for a in given) else "float64"
    return F.pow(*(F.astype(a, dtype=wide) for a in given))


@composite
def lerp(F, start, end, weight):
    """Return `start + weight * (end - start)`, broadcast."""
    start, end, weight = together(F, start, end, weight)
    return start + weight * (end - start)


power, true_divide = pow, divide
