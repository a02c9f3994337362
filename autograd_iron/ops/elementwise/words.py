"""What several families of elementwise operations share."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core.tensor import Tensor


def zero_slope(F, g, _y, *_inputs, **_attributes):
    """The rule of an argument in which the result is flat wherever it does not jump."""
    return F.astype(F.not_equal(g, g), dtype=g.dtype) if F.xp is None else F.xp.zeros_like(g)


def operand(F, x):
    """Return an argument of a composite as `F` takes it: a Tensor of a list, array or number."""
    return x if F.xp is not None or isinstance(x, Tensor) else F.identity(x)


def floating(F, x):
    """Return an argument of a composite in a floating dtype: float32, where it has none."""
    x = operand(F, x)
    if getattr(x, "dtype", dtypes.default_float).kind in "biu":
        return F.astype(x, dtype=dtypes.default_float)
    return x
