"""Triangles of matrices."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec

__all__ = ["tril", "triu"]


@primitive(exact=True, numpy="tril", by_kernel="it looks at positions")
def tril(xp, x, /, k=0):
    """Return matrices with what lies above their diagonal `k` set to 0."""
    return xp.tril(x, k)


@primitive(exact=True, numpy="triu", by_kernel="it looks at positions")
def triu(xp, x, /, k=0):
    """Return matrices with what lies below their diagonal `k` set to 0."""
    return xp.triu(x, k)


def _matrices(x, k):
    if x.ndim < 2:
        raise ValueError(f"a shape of {x.shape} has no matrices")
    return Spec(x.shape, x.dtype)


tril.shape(_matrices)


triu.shape(_matrices)


tril.axes("...MN -> ...MN")


triu.axes("...MN -> ...MN")


@tril.vjp
def _(F, g, _y, _x, k):
    return F.tril(g, k=k)


@triu.vjp
def _(F, g, _y, _x, k):
    return F.triu(g, k=k)
