"""Products with logarithms, in which 0 wins, and what is made of them."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.core.composite import composite, floating
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.elementwise.trigonometric import sigmoid
from autograd_iron.ops.elementwise.words import together

expit = sigmoid


@composite
def logit(F, x, /):
    """Return `log(x / (1 - x))`, the inverse function of `expit`."""
    x = floating(F, x)
    return F.log(x) - F.log1p(-x)


@composite
def log_expit(F, x, /):
    """Return the logarithm of `expit(x)`, finite for every finite `x`."""
    return -F.softplus(-floating(F, x))


@composite
def xlogy(F, x, y, /):
    """Return `x * log(y)`, and 0 where `x` is 0 and `y` is no NaN."""
    x, y = together(F, x, y)
    no_matter = F.logical_and(x == 0, F.logical_or(y <= 0, y == math.inf))
    return x * F.log(F.where(no_matter, 1.0, y))


@composite
def xlog1py(F, x, y, /):
    """Return `x * log(1 + y)`, and 0 where `x` is 0 and `y` is no NaN."""
    x, y = together(F, x, y)
    no_matter = F.logical_and(x == 0, F.logical_or(y <= -1, y == math.inf))
    return x * F.log1p(F.where(no_matter, 0.0, y))


@elementwise(floating=True, decomposes=True)
def entr(F, x, /):
    """Return `-x * log(x)`, 0 at 0, and minus infinity below."""
    inside = F.where(x > 0, x, 1.0)
    return F.where(x < 0, -math.inf, F.where(x == 0, 0.0, -x * F.log(inside)))


@entr.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(-1 - F.log(x), g)


@composite
def rel_entr(F, x, y, /):
    """Return `x * log(x / y)`, 0 where `x` is 0 and `y` is not below, and infinity elsewhere."""
    x, y = together(F, x, y)
    both = F.logical_and(x > 0, y > 0)
    made = F.where(both, x, 1.0) * F.log(F.where(both, x, 1.0) / F.where(both, y, 1.0))
    nothing = F.logical_and(x == 0, y >= 0)
    nan = F.logical_or(x != x, y != y)
    edge = F.where(nothing, 0.0, F.where(nan, math.nan, math.inf))
    return F.where(both, made, edge)


@composite
def kl_div(F, x, y, /):
    """Return `x * log(x / y) - x + y`: see `rel_entr`."""
    x, y = together(F, x, y)
    return F.rel_entr(x, y) - x + y


entr.ordered = True
