"""Questions, whose answers are bool and carry no gradient; and what bits are made of."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.facts import C
from autograd_iron.core.primitive import elementwise

__all__ = [
    "equal",
    "greater",
    "greater_equal",
    "isfinite",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "not_equal",
]


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


for word in (less, less_equal, greater, greater_equal):
    word.ordered = True


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
