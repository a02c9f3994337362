"""Pseudoinverses, least squares, ranks."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.composite import composite, operand, operands
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like


class LstsqResult(NamedTuple):
    """The solution of least squares, and what NumPy's `lstsq` returns beside it."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


@composite
def pinv(F, x, /, rcond=None, hermitian=False, rtol=None):
    """Return the Moore-Penrose pseudoinverse of each matrix.

    Parameters
    ----------
    x : (..., m, n)
    rcond, rtol : float, optional
        Singular values not above so much of the largest one count as 0.  Default: the distance of
        1 from the next number of the dtype, times the larger of `m` and `n`.
    hermitian : bool
        Take the Hermitian part of the matrices.

    Returns
    -------
    (..., n, m)
        Its gradient is that of matrices of the same rank: it does not exist where the rank changes.
    """
    x = operand(F, x)
    check_matrix(x, square=hermitian)
    if hermitian:
        x = (x + adjoint(F, x)) / 2
    return F.pseudoinverse(x, rcond=_tolerance(x, rcond, rtol))


def _tolerance(x, rcond, rtol):
    if rcond is not None and rtol is not None:
        raise ValueError("rcond and rtol are two words for one number: give one of them")
    given = rtol if rcond is None else rcond
    return _precision(x) * max(x.shape[-2:]) if given is None else float(given)


def _precision(x):
    dtype = dtypes.real_of(x.dtype)
    if dtype.kind != "f" or dtype == dtypes.float16:
        dtype = dtypes.float32
    return float(device.host.finfo(dtype).eps)


@primitive(floating=True, by_kernel=BY_LIBRARY)
def pseudoinverse(xp, x, /, rcond):
    """Return what `pinv` does."""
    if xp is device.host:
        return by_lapack(xp.linalg.pinv, x, rcond=rcond)
    return by_lapack(partial(_by_singular_values, xp), x, rcond=rcond)


def _by_singular_values(xp, x, /, rcond):
    """Return what NumPy's `pinv` does, of which CuPy's waits for the device."""
    if not x.size:
        return xp.zeros((*x.shape[:-2], x.shape[-1], x.shape[-2]), dtype=x.dtype)
    u, s, vh = by_lapack(xp.linalg.svd, xp.conj(x), full_matrices=False)
    kept = s > rcond * xp.max(s, axis=-1, keepdims=True)
    turned = xp.where(kept, 1 / xp.where(kept, s, 1), 0)
    return xp.matmul(xp.swapaxes(vh, -1, -2), turned[..., None] * xp.swapaxes(u, -1, -2))


@pseudoinverse.shape
def _(x, rcond):
    check_matrix(x)
    return Spec((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype)


pseudoinverse.axes("...MN -> ...NM")


@pseudoinverse.vjp
def _(F, g, y, x, rcond):
    # Golub and Pereyra (1973), "The differentiation of pseudo-inverses ...", equation 4.12.
    back, gh = adjoint(F, y), adjoint(F, g)
    wide = F.matmul(gh, F.matmul(y, back))
    tall = F.matmul(F.matmul(back, y), gh)
    return (
        wide
        - F.matmul(x, F.matmul(y, wide))
        + tall
        - F.matmul(F.matmul(tall, y), x)
        - F.matmul(F.matmul(back, g), back)
    )


@composite
def lstsq(F, a, b, /, rcond=None):
    """Return the shortest `x` that makes the sum of squares of `b - a @ x` least.

    Parameters
    ----------
    a : (..., m, n)
    b : (m,) or (..., m, k)
    rcond : float, optional
        See `pinv`.

    Returns
    -------
    solution : (n,) or (..., n, k)
    residuals : (k,)
        The sums of squares that are left, if there are more equations than unknowns; else empty.
    rank : ()
        The rank of `a`.
    singular_values : (..., min(m, n))
        Those of `a`.
    """
    a, b = operands(F, a, b)
    check_matrix(a)
    if b.ndim == 1:
        made = F.lstsq(a, F.expand_dims(b, -1), rcond=rcond)
        return made._replace(solution=F.squeeze(made.solution, axis=-1))
    if rcond is not None and rcond < 0:
        rcond = _precision(a)
    made = F.matmul(F.pinv(a, rcond=rcond), b)
    rest = b - F.matmul(a, made)
    if a.shape[-2] > a.shape[-1]:
        residuals = F.sum(F.real(F.conj(rest) * rest), axis=-2)
    else:
        residuals = F.zeros((0,), dtype=dtypes.real_of(rest.dtype), device=device.of(rest))
    s = F.svdvals(a)
    return LstsqResult(made, residuals, _count(F, s, _tolerance(a, rcond, None)), s)


def _count(F, s, tolerance):
    return F.sum(s > F.max(s, axis=-1, keepdims=True) * tolerance, axis=-1)


@composite
def matrix_rank(F, x, /, tol=None, hermitian=False, rtol=None):
    """Return how many singular values of each matrix are not as good as 0.

    Parameters
    ----------
    tol : float or array, optional
        Those not above it count as 0.
    rtol : float, optional
        Those not above so much of the largest one, where `tol` is not given; see `pinv`.
    """
    x = operand(F, x)
    if x.ndim < 2:
        return F.astype(F.any(x != 0), dtype="int64")
    if hermitian:
        x = (x + adjoint(F, x)) / 2
    s = F.svdvals(x)
    if not s.shape[-1]:
        return F.astype(F.sum(s, axis=-1), dtype="int64")
    if tol is None:
        return _count(F, s, _tolerance(x, None, rtol))
    limit = operand(F, tol)
    return F.sum(s > F.expand_dims(limit, -1), axis=-1)


@composite
def householder_product(F, x, tau, /):
    """Return the first columns of the product of reflections: `I - tau[i] * v @ v.mH` each.

    Parameters
    ----------
    x : (..., m, n)
        Column `i` below the diagonal is `v` from its element `i + 1` on; element `i` is 1, and
        those before are 0.
    tau : (..., k)

    Returns
    -------
    (..., m, n)
    """
    x, tau = operands(F, x, tau)
    check_matrix(x)
    *lead, m, n = x.shape
    if m < n or tau.shape[-1] > n:
        raise ValueError(f"there are no reflections in shapes {x.shape} and {tau.shape}")
    identity = identity_like(F, x, m, n)
    vectors = F.tril(x, k=-1) + identity
    made = F.broadcast_to(identity, shape=(*lead, m, n))
    for i in reversed(range(tau.shape[-1])):
        v = F.getitem(vectors, index=(..., slice(i, i + 1)))
        scale = F.expand_dims(F.getitem(tau, index=(..., slice(i, i + 1))), -1)
        made = made - scale * F.matmul(v, F.matmul(adjoint(F, v), made))
    return made
