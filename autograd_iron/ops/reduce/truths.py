"""Whether all or some values over axes are true."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.elementwise.questions import logical_and, logical_or
from autograd_iron.ops.reduce.axes import known, labels
from autograd_iron.ops.reduce.options import accept_where

__all__ = ["all", "any"]


@primitive
def all(xp, x, /, axis=None, keepdims=False):
    """Return whether every value over the axes is true."""
    return xp.all(x, axis=known(axis, x), keepdims=keepdims)


all.reduction = Reduction(logical_and, True)


@all.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), dtypes.bool_)


all.axes(labels("min"))


accept_where(all)


@primitive
def any(xp, x, /, axis=None, keepdims=False):
    """Return whether some value over the axes is true."""
    return xp.any(x, axis=known(axis, x), keepdims=keepdims)


any.reduction = Reduction(logical_or, False)


@any.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), dtypes.bool_)


any.axes(labels("max"))


accept_where(any)
