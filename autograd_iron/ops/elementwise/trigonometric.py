"""Trigonometric functions and activations."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device
from autograd_iron.core.primitive import elementwise

__all__ = ["arctan", "cos", "relu", "sigmoid", "sin", "softplus", "tanh"]


@elementwise(floating=True, numpy="sin", c="sin{f}({x})")
def sin(xp, x, /):
    """Return the sine of `x` in radians."""
    return xp.sin(x)


@sin.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.cos(F.conj(x)), g)


@elementwise(floating=True, numpy="cos", c="cos{f}({x})")
def cos(xp, x, /):
    """Return the cosine of `x` in radians."""
    return xp.cos(x)


@cos.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(-F.sin(F.conj(x)), g)


@elementwise(floating=True, numpy="arctan", c="atan{f}({x})")
def arctan(xp, x, /):
    """Return the angle in radians, between -pi/2 and pi/2, whose tangent is `x`."""
    return xp.arctan(x)


@arctan.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.conj(1 / (1 + x * x)), g)


@elementwise(floating=True, numpy="tanh", c="tanh{f}({x})")
def tanh(xp, x, /):
    """Return the hyperbolic tangent."""
    return xp.tanh(x)


@tanh.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.conj(1 - y * y), g)


@elementwise(floating=True, decomposes=True)
def sigmoid(F, x, /):
    """Return `1 / (1 + exp(-x))`; 0 where the exponential overflows."""
    with device.quiet():
        return 1 / (1 + F.exp(-x))


@sigmoid.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.conj(y * (1 - y)), g)


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


for word in (relu, softplus):
    word.ordered = True
