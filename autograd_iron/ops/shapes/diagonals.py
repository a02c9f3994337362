"""Diagonals: read, summed, and put into matrices."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device
from autograd_iron.core.batch import moved
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.specs import axes_of

__all__ = ["block_diag", "diag", "diag_embed", "diagflat", "diagonal", "trace"]


def _pair(axis1, axis2, ndim):
    (first,), (second,) = axes_of(axis1, ndim), axes_of(axis2, ndim)
    if first == second:
        raise ValueError(f"axis1 and axis2 are both axis {first}; a diagonal needs two")
    return first, second


def _places(rows, columns, offset):
    """Return where a diagonal of a matrix lies in its values in row-major order, as a slice."""
    first = offset if offset >= 0 else -offset * columns
    count = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    step = columns + 1
    return slice(first, first + (count - 1) * step + 1, step) if count > 0 else slice(0, 0)


@composite
def diagonal(F, x, /, offset=0, axis1=0, axis2=1):
    """Return the diagonal of the matrices that two axes span, as the last axis of the result.

    Parameters
    ----------
    offset : int
        0: the main diagonal; above 0: one further to the right, below 0: one further down.
    """
    x = operand(F, x)
    if x.ndim < 2:
        raise ValueError(f"a diagonal is that of two axes or more, and there are {x.ndim}")
    first, second = _pair(axis1, axis2, x.ndim)
    others = [a for a in range(x.ndim) if a not in (first, second)]
    if (*others, first, second) != tuple(range(x.ndim)):
        x = F.permute_dims(x, axes=(*others, first, second))
    *lead, rows, columns = x.shape
    flat = F.reshape(x, shape=(*lead, rows * columns))
    return F.getitem(flat, index=(..., _places(rows, columns, setting(offset, "offset"))))


@composite
def trace(F, x, /, offset=0, axis1=0, axis2=1, dtype=None):
    """Return the sum of a diagonal: see `diagonal`."""
    found = F.diagonal(x, offset, axis1, axis2)
    return F.sum(found if dtype is None else F.astype(found, dtype=dtype), axis=-1)


@composite
def diag_embed(F, x, /, offset=0, dim1=-2, dim2=-1):
    """Return matrices with the last axis of `x` as their diagonal, and zeros around.

    Parameters
    ----------
    offset : int
        Which diagonal: see `diagonal`.
    dim1, dim2 : int
        Which axes of the result those of the matrices are.
    """
    x = operand(F, x)
    if not x.ndim:
        raise ValueError("a number is no diagonal; give one axis or more")
    offset = setting(offset, "offset")
    first, second = _pair(dim1, dim2, x.ndim + 1)
    *lead, size = x.shape
    n = size + abs(offset)
    zeros = F.zeros((*lead, n * n), dtype=x.dtype, device=device.of(x))
    made = F.set_at(zeros, x, index=(..., _places(n, n, offset))) if size else zeros
    made = F.reshape(made, shape=(*lead, n, n))
    if first > second:
        first, second, made = second, first, F.matrix_transpose(made)
    return moved(F, moved(F, made, made.ndim - 2, first), made.ndim - 1, second)


@composite
def diag(F, x, /, k=0):
    """Return a matrix with this diagonal `k`; of a matrix, its diagonal `k`."""
    x = operand(F, x)
    if x.ndim == 1:
        return F.diag_embed(x, k)
    if x.ndim == 2:
        return F.diagonal(x, k)
    raise ValueError(
        f"diag takes a vector or a matrix, not {x.ndim} axes; diag_embed and diagonal take stacks"
    )


@composite
def diagflat(F, x, /, k=0):
    """Return a matrix with the values of `x`, flattened, as its diagonal `k`."""
    return F.diag_embed(F.reshape(operand(F, x), shape=(-1,)), k)


@composite
def block_diag(F, /, *arrays):
    """Return a matrix with these matrices along its diagonal, and zeros around.

    A vector is a matrix of one row, a number one of one element.
    """
    blocks = [F.atleast_2d(a) for a in arrays]
    wide = [block.ndim for block in blocks if block.ndim > 2]
    if wide or not blocks:
        found = f"one has {wide[0]} axes" if wide else "there are none"
        raise ValueError(f"block_diag takes matrices, with 2 axes, and {found}")
    width, before, rows = sum(block.shape[1] for block in blocks), 0, []
    for block in blocks:
        after = width - before - block.shape[1]
        rows.append(F.pad_constant(block, pad_width=((0, 0), (before, after))))
        before += block.shape[1]
    return F.join(*rows, axis=0)
