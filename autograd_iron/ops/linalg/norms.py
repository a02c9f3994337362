"""Norms of vectors and matrices, condition numbers; what lies along diagonals."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.specs import axes_of
from autograd_iron.ops.linalg.kernels import check_matrix
from autograd_iron.ops.linalg.operands import last


@composite
def norm_of_order(F, x, /, ord=None, axis=None, keepdims=False):
    """Return the norm of vectors or matrices.

    Parameters
    ----------
    ord : number, "fro" or "nuc", optional
        Of vectors: any number; inf and -inf are the largest and smallest absolute value, 0 counts
        what is not 0.  Of matrices: "fro" (all elements as one vector), "nuc" (the sum of the
        singular values), 2 and -2 (the largest and smallest one), 1 and -1 (of the sums of
        columns), inf and -inf (of the sums of rows).  Default: the Euclidean norm.
    axis : int or (int, int), optional
        One axis: of vectors; two: of matrices.  None: all of `x`, which has one or two axes unless
        `ord` is None.
    """
    x = operand(F, x)
    if ord is None:
        return F.norm(x, axis=axis, keepdims=keepdims)
    axes = axes_of(axis, x.ndim)
    if len(axes) == 1:
        return F.vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ValueError(f"ord={ord!r} is of vectors and matrices: name one axis or two, or no ord")
    rest = tuple(a for a in range(x.ndim) if a not in axes)
    made = F.matrix_norm(last(F, x, axes), ord=ord)
    if not keepdims:
        return made
    sizes = dict(zip(rest, made.shape, strict=True))
    return F.reshape(made, shape=tuple(sizes.get(a, 1) for a in range(x.ndim)))


@composite
def vector_norm(F, x, /, axis=None, keepdims=False, ord=2):
    """Return the norm of vectors along the axes (None: of all elements): see `norm`.

    At the zero vector the derivative is 0.
    """
    x = operand(F, x)
    ord = setting(ord)
    if isinstance(ord, str) or ord is None:
        raise ValueError(f"ord={ord!r} is no norm of vectors: give a number")
    if ord == 2:
        return F.norm(x, axis=axis, keepdims=keepdims)
    kept = {"axis": axis, "keepdims": keepdims}
    sizes = F.abs(x)
    if math.isinf(ord):
        return F.max(sizes, **kept) if ord > 0 else F.min(sizes, **kept)
    if sizes.dtype.kind != "f":
        sizes = F.astype(sizes, dtype="float32")
    if ord == 0:
        return F.sum(F.astype(sizes != 0, dtype=sizes.dtype), **kept)
    if ord == 1:
        return F.sum(sizes, **kept)
    total = F.sum(sizes**ord, **kept)
    if ord < 0:  # of what has a 0 it is 0
        return F.where(total == math.inf, 0, F.where(total == math.inf, 1, total) ** (1 / ord))
    return F.where(total == 0, 0, F.where(total == 0, 1, total) ** (1 / ord))


@composite
def matrix_norm(F, x, /, keepdims=False, ord="fro"):
    """Return the norm of the matrices in the last two axes: see `norm`."""
    x = operand(F, x)
    check_matrix(x)
    if ord in ("fro", None):
        return F.norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord == "nuc":
        made = F.sum(F.svdvals(x), axis=-1)
    elif ord in (2, -2):
        made = (F.max if ord > 0 else F.min)(F.svdvals(x), axis=-1)
    elif ord in (1, -1, math.inf, -math.inf):
        sums = F.sum(F.abs(x), axis=-2 if abs(ord) == 1 else -1)
        made = (F.max if ord > 0 else F.min)(sums, axis=-1)
    else:
        raise ValueError(
            f"ord={ord!r} is no norm of matrices: give 'fro', 'nuc', 1, -1, 2, -2, inf or -inf"
        )
    return F.reshape(made, shape=(*x.shape[:-2], 1, 1)) if keepdims else made


@composite
def cond(F, x, /, p=None):
    """Return the condition number of each matrix in the norm `p`; None is 2."""
    x = operand(F, x)
    check_matrix(x)
    if p is None or p in (2, -2):
        s = F.svdvals(x)
        largest, smallest = (F.getitem(s, index=(..., i)) for i in (0, -1))
        return smallest / largest if p == -2 else largest / smallest
    return F.matrix_norm(x, ord=p) * F.matrix_norm(F.inv(x), ord=p)


@composite
def diagonal_of_matrices(F, x, /, offset=0):
    """Return the diagonals of the matrices in the last two axes."""
    return F.diagonal(operand(F, x), offset, -2, -1)


@composite
def trace_of_matrices(F, x, /, offset=0, dtype=None):
    """Return the sums of the diagonals of the matrices in the last two axes."""
    return F.trace(operand(F, x), offset, -2, -1, dtype)
