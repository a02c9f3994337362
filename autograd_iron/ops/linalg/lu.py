"""Triangles of matrices with rows exchanged: LU, computed by SciPy on the host."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

from autograd_iron.arrays import device, dtypes
from autograd_iron.arrays.scipy import scipy
from autograd_iron.core.composite import composite, operand, operands
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_SCIPY_ON_HOST, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like


class LUResult(NamedTuple):
    """Factors of matrices: `P @ L @ U`."""

    P: Any
    L: Any
    U: Any


@primitive(floating=True, by_kernel=BY_SCIPY_ON_HOST)
def lu_factors(xp, x, /):
    """Return both triangles in one array, and with which row each one was exchanged in its turn."""
    if xp is not device.host:
        raise TypeError(
            "lu is computed by SciPy, on the host alone: move the matrices there, x.to('cpu'); "
            "ai.linalg.solve works on a GPU, too"
        )
    check_matrix(x)
    wide = x.astype("float32") if x.dtype == dtypes.float16 else x
    k = min(x.shape[-2:])
    packed = xp.empty(x.shape, dtype=x.dtype)
    pivots = xp.empty((*x.shape[:-2], k), dtype="int32")
    factors = scipy(xp, "linalg").lu_factor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a singular matrix, which has these factors, too
        for place in xp.ndindex(*x.shape[:-2]) if x.size else ():
            packed[place], pivots[place] = factors(wide[place])
    return packed, pivots


@lu_factors.shape
def _(x):
    check_matrix(x)
    pivots = Spec((*x.shape[:-2], min(x.shape[-2:])), dtypes.dtype("int32"))
    return Spec(x.shape, x.dtype), pivots


lu_factors.axes("...MN -> ...MN, ...K")


@lu_factors.vjp
def _(F, g, y, _x):
    # The square part is that of square matrices; rows and columns beyond follow from it.
    packed, pivots = y
    *_, m, n = packed.shape
    k = min(m, n)
    lower, upper = _triangles(F, packed)
    of_lower, of_upper = F.tril(g[0], k=-1), F.triu(g[0])
    lh, uh = (adjoint(F, _part(F, v, k, k)) for v in (lower, upper))
    gl, gu = _part(F, of_lower, k, k), _part(F, of_upper, k, k)
    right = below = None
    if n > k:  # rest = inv(l) @ rest of x
        rest, grest = (F.getitem(v, index=(..., slice(k, n))) for v in (upper, of_upper))
        right = F.solve_matrices(lh, grest)
        gl = gl - F.tril(F.matmul(right, adjoint(F, rest)), k=-1)
    if m > k:  # rest = rest of x @ inv(u)
        rest, grest = (
            F.getitem(v, index=(..., slice(k, m), slice(0, k))) for v in (lower, of_lower)
        )
        below = adjoint(F, F.solve_matrices(adjoint(F, uh), adjoint(F, grest)))
        gu = gu - F.triu(F.matmul(adjoint(F, rest), below))
    inner = F.tril(F.matmul(lh, gl), k=-1) + F.triu(F.matmul(gu, uh))
    half = F.solve_matrices(lh, inner)
    gx = adjoint(F, F.solve_matrices(adjoint(F, uh), adjoint(F, half)))
    gx = gx if right is None else F.join(gx, right, axis=-1)
    gx = gx if below is None else F.join(gx, below, axis=-2)
    return F.matmul(_exchanges(F, pivots, m, gx), gx)


def _part(F, x, rows, columns):
    return F.getitem(x, index=(..., slice(0, rows), slice(0, columns)))


def _triangles(F, packed):
    """Return the triangle with ones on its diagonal, and the upper one, from both in one array."""
    *_, m, n = packed.shape
    k = min(m, n)
    lower = F.tril(_part(F, packed, m, k), k=-1) + identity_like(F, packed, m, k)
    return lower, F.triu(_part(F, packed, k, n))


def _exchanges(F, pivots, size, x):
    """Return the matrix that puts rows, exchanged one after the other, back in their places."""
    order = F.order_of_exchanges(pivots, size=size)
    rows = F.cumsum(order * 0 + 1, axis=-1) - 1
    found = F.expand_dims(rows, -1) == F.expand_dims(order, -2)
    return F.astype(found, dtype=x.dtype)


@primitive(by_kernel="each exchange follows the one before")
def order_of_exchanges(xp, x, /, size):
    """Return in which order `size` rows stand once row `i` was exchanged with row `x[..., i]`."""
    lead = x.shape[:-1]
    flat = x.reshape(math.prod(lead), x.shape[-1])
    order = xp.broadcast_to(xp.arange(size, dtype="int64"), (len(flat), size)).copy()
    each = xp.arange(len(flat), dtype="int64")
    for i in range(flat.shape[-1]):
        other = flat[:, i]
        here, there = order[each, i], order[each, other]
        order[each, i] = there
        order[each, other] = here
    return order.reshape(*lead, size)


@order_of_exchanges.shape
def _(x, size):
    return Spec((*x.shape[:-1], size), dtypes.int64)


order_of_exchanges.axes("...K -> ...N")


@composite
def lu(F, x, /, permute_l=False, p_indices=False):
    """Return `p`, `l` and `u` with `x = p @ l @ u`: rows exchanged, and two triangles.

    Parameters
    ----------
    x : (..., m, n)
    permute_l : bool
        Return `p @ l` and `u`.
    p_indices : bool
        Return numbers of rows for `p`: `x = l[p] @ u`.

    Returns
    -------
    P, L, U : (..., m, m), (..., m, k), (..., k, n)
        `k` is the smaller of `m` and `n`; `L` has ones on its diagonal.
    """
    x = operand(F, x)
    packed, pivots = F.lu_factors(x)
    lower, upper = _triangles(F, packed)
    m = x.shape[-2]
    if p_indices and not permute_l:
        return LUResult(F.argsort(F.order_of_exchanges(pivots, size=m), axis=-1), lower, upper)
    p = _exchanges(F, pivots, m, packed)
    return (F.matmul(p, lower), upper) if permute_l else LUResult(p, lower, upper)


@composite
def lu_factor(F, x, /):
    """Return both triangles of `lu` in one array, and the exchanges of rows, for `lu_solve`."""
    return tuple(F.lu_factors(operand(F, x)))


@composite
def lu_solve(F, lu_and_piv, b, /, trans=0):
    """Return the `x` with `a @ x = b`, from `lu_factor(a)`.

    Parameters
    ----------
    b : (n,) or (..., n, k)
    trans : 0, 1 or 2
        Whether to solve with `a`, its transpose or its conjugate transpose.
    """
    packed, pivots, b = operands(F, *lu_and_piv, b)
    check_matrix(packed, square=True)
    if trans not in (0, 1, 2):
        raise ValueError(f"trans={trans!r} is none of 0, 1 and 2")
    p = _exchanges(F, pivots, packed.shape[-1], packed)
    column = F.expand_dims(b, -1) if b.ndim == 1 else b
    if trans == 0:
        half = F.solve_triangular(
            packed, F.matmul(F.matrix_transpose(p), column), lower=True, unit_diagonal=True
        )
        made = F.solve_triangular(packed, half)
    else:
        half = F.solve_triangular(packed, column, trans=trans)
        whole = F.solve_triangular(packed, half, trans=trans, lower=True, unit_diagonal=True)
        made = F.matmul(p, whole)
    return F.squeeze(made, axis=-1) if b.ndim == 1 else made
