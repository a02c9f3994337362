"""Systems of linear equations, and inverses."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device
from autograd_iron.core import specs
from autograd_iron.core.composite import composite, operand, operands
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like


@composite
def solve(F, a, b, /):
    """Return the `x` with `a @ x = b`.

    Parameters
    ----------
    a : (..., n, n)
    b : (n,) or (..., n, k)
        One axis alone is a vector, as in NumPy.

    Raises
    ------
    ValueError
        A matrix is singular, or not square.
    """
    a, b = operands(F, a, b)
    if b.ndim != 1:
        return F.solve_matrices(a, b)
    return F.squeeze(F.solve_matrices(a, F.expand_dims(b, -1)), axis=-1)


@primitive(floating=True, numpy="linalg.solve", by_kernel=BY_LIBRARY)
def solve_matrices(xp, a, b, /):
    """Return the `x` with `a @ x = b`, of matrices `a` (..., n, n) and `b` (..., n, k)."""
    if xp is not device.host and a.shape[:-2] != b.shape[:-2]:  # CuPy's does not broadcast
        lead = device.broadcast_shape(a.shape[:-2], b.shape[:-2])
        a, b = (xp.broadcast_to(x, (*(lead or ()), *x.shape[-2:])) for x in (a, b))
    return by_lapack(xp.linalg.solve, a, b)


@solve_matrices.shape
def _(a, b):
    check_matrix(a, square=True)
    check_matrix(b)
    lead = device.broadcast_shape(a.shape[:-2], b.shape[:-2])
    if lead is None or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matrices of shape {a.shape} have no solutions of shape {b.shape}")
    return Spec((*lead, *b.shape[-2:]), specs.joint(a, b))


solve_matrices.axes("...NN, ...Nk -> ...Nk")


@solve_matrices.vjp
def _(F, g, y, a, _b):
    return -F.matmul(F.solve_matrices(adjoint(F, a), g), adjoint(F, y))


@solve_matrices.vjp
def _(F, g, _y, a, _b):
    return F.solve_matrices(adjoint(F, a), g)


@primitive(floating=True, numpy="linalg.inv", by_kernel=BY_LIBRARY)
def inv(xp, x, /):
    """Return the inverse of each matrix.

    Raises
    ------
    ValueError
        A matrix is singular, or not square.
    """
    return by_lapack(xp.linalg.inv, x)


@inv.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape, x.dtype)


inv.axes("...NN -> ...NN")


@inv.vjp
def _(F, g, y, _x):
    back = adjoint(F, y)
    return -F.matmul(F.matmul(back, g), back)


@composite
def solve_triangular(F, a, b, /, trans=0, lower=False, unit_diagonal=False):
    """Return the `x` with `a @ x = b`, of triangular `a`: SciPy's function, for stacks too.

    Parameters
    ----------
    a : (..., n, n)
        The other triangle is not read.
    b : (n,) or (..., n, k)
    trans : 0, 1, 2, "N", "T" or "C"
        Whether to solve with `a`, its transpose or its conjugate transpose.
    lower : bool
    unit_diagonal : bool
        Take 1 for the numbers on the diagonal, unread.
    """
    a, b = operands(F, a, b)
    check_matrix(a, square=True)
    a = triangle(F, a, lower, unit_diagonal)
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(f"trans={trans!r} is none of 0, 1, 2, 'N', 'T' and 'C'")
    if trans in (1, "T"):
        a = F.matrix_transpose(a)
    elif trans in (2, "C"):
        a = adjoint(F, a)
    return F.solve(a, b)


def triangle(F, a, lower, unit=False):
    """Return one triangle of square matrices, on request with ones on its diagonal."""
    part = F.tril if lower else F.triu
    if not unit:
        return part(a)
    return part(a, k=-1 if lower else 1) + identity_like(F, a, a.shape[-1])


@composite
def cho_solve(F, c_and_lower, b, /):
    """Return the `x` with `a @ x = b`, from the Cholesky factor of `a`: `(factor, whether lower)`.

    As SciPy's, for stacks too.
    """
    c, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    half = F.solve_triangular(c, b, trans=first, lower=lower)
    return F.solve_triangular(c, half, trans=second, lower=lower)


@composite
def tensorsolve(F, a, b, /, axes=None):
    """Return the `x` with `tensordot(a, x, x.ndim) = b`.

    Parameters
    ----------
    axes : tuple of int, optional
        Axes of `a` to move to the end first.
    """
    a, b = operands(F, a, b)
    if axes is not None:
        over = specs.axes_of(setting(axes, "axes"), a.ndim)
        kept = tuple(i for i in range(a.ndim) if i not in over)
        a = F.permute_dims(a, axes=(*kept, *over))
    shape = a.shape[b.ndim :]
    size = math.prod(shape)
    if a.shape[: b.ndim] != b.shape or b.size != size:
        raise ValueError(
            f"an array of shape {a.shape} is no square matrix from {shape} to {b.shape}"
        )
    flat = F.solve(F.reshape(a, shape=(size, size)), F.reshape(b, shape=(size,)))
    return F.reshape(flat, shape=shape)


@composite
def tensorinv(F, a, /, ind=2):
    """Return the inverse of `a`, as a matrix from its last axes to its first `ind` ones."""
    a = operand(F, a)
    ind = setting(ind)
    if ind <= 0:
        raise ValueError(f"ind={ind}: give how many of the first axes the inverse maps to, 1 up")
    before, after = a.shape[:ind], a.shape[ind:]
    size = math.prod(before)
    if size != math.prod(after):
        raise ValueError(
            f"an array of shape {a.shape} is no square matrix from {after} to {before}"
        )
    return F.reshape(F.inv(F.reshape(a, shape=(size, size))), shape=(*after, *before))
