"""What floats are made of, and the bits of integers."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, floating, operand
from autograd_iron.core.primitive import elementwise
from autograd_iron.core.specs import Spec
from autograd_iron.core.switches import no_grad
from autograd_iron.ops.elementwise.questions import (
    bitwise_and,
    bitwise_invert,
    bitwise_or,
    bitwise_xor,
)
from autograd_iron.ops.elementwise.words import zero_slope

__all__ = [
    "bitwise_and",
    "bitwise_count",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "copysign",
    "gcd",
    "invert",
    "lcm",
    "ldexp",
    "left_shift",
    "nextafter",
    "right_shift",
    "signbit",
    "spacing",
]


@elementwise(floating=True, numpy="copysign", c="copysign{f}({x}, {y})")
def copysign(xp, x, y, /):
    """Return `x` with the sign of `y`, broadcast; the derivative in `x` is 0 at 0."""
    return xp.copysign(x, y)


@copysign.vjp
def _(F, g, _out, x, y):
    number = isinstance(y, int | float)
    towards = math.copysign(1.0, y) if number else F.copysign(1.0, y)
    return F.multiply_no_nan(F.sign(x) * towards, g)


copysign.vjp(zero_slope)


@composite
def ldexp(F, x, e, /):
    """Return `x * 2 ** e` for integers `e`; the power is taken in halves, so as not to overflow."""
    x, e = floating(F, x, (e,)), operand(F, e, (x,))
    if e.dtype.kind not in "biu":
        raise TypeError(f"the power must be integers, not {e.dtype}: use ai.astype(e, 'int64')")
    half = F.floor_divide(e, 2)
    first, rest = (F.exp2(F.astype(part, dtype=x.dtype)) for part in (half, e - half))
    return x * first * rest


@elementwise(floating=True, numpy="nextafter", by_kernel="CUDA has it for floats and doubles alone")
def nextafter(xp, x, y, /):
    """Return the next float after `x` in the direction of `y`; no gradient flows through it."""
    return xp.nextafter(x, y)


@composite
def spacing(F, x, /):
    """Return how far the next float is, away from 0; no gradient flows through it."""
    with no_grad():
        x = floating(F, x)
        size = F.abs(x)
        return F.copysign(F.nextafter(size, math.inf) - size, x)


@elementwise(numpy="signbit", by_kernel="it reads a bit of a float")
def signbit(xp, x, /):
    """Return whether the sign of `x` is negative, that of -0.0 too."""
    return xp.signbit(x)


_SHIFT = "NumPy shifts by more than there are bits, which C leaves open"


@elementwise(numpy="left_shift", by_kernel=_SHIFT)
def left_shift(xp, x, y, /):
    """Return the integers `x` times `2 ** y`, broadcast."""
    return xp.left_shift(x, y)


@elementwise(numpy="right_shift", by_kernel=_SHIFT)
def right_shift(xp, x, y, /):
    """Return the integers `x` divided by `2 ** y` and rounded down, broadcast."""
    return xp.right_shift(x, y)


@elementwise(numpy="gcd", by_kernel="it is a loop")
def gcd(xp, x, y, /):
    """Return the greatest common divisor of integers, broadcast."""
    return xp.gcd(x, y)


@elementwise(numpy="lcm", by_kernel="it is a loop")
def lcm(xp, x, y, /):
    """Return the least common multiple of integers, broadcast."""
    return xp.lcm(x, y)


@elementwise(numpy="bitwise_count", by_kernel="the loops in C have no type for it")
def bitwise_count(xp, x, /):
    """Return how many bits of the absolute value of integers are 1, as uint8."""
    return xp.bitwise_count(x)


@bitwise_count.shape
def _(x):
    return Spec(x.shape, dtypes.uint8)


invert = bitwise_not = bitwise_invert
bitwise_left_shift, bitwise_right_shift = left_shift, right_shift
