"""Matrices as products: QR, Cholesky, singular values."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.eigen import gaps_of, lower, skew
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like


class QRResult(NamedTuple):
    """Factors of matrices: `Q @ R`."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """Factors of matrices: `U @ diag(S) @ Vh`."""

    U: Any
    S: Any
    Vh: Any


# --- orthonormal columns and a triangle


@composite
def qr(F, x, /, mode="reduced"):
    """Return `q` with orthonormal columns and the upper triangular `r` with `x = q @ r`.

    Parameters
    ----------
    x : (..., m, n)
        For a gradient, its first `min(m, n)` columns must be independent.
    mode : "reduced", "complete" or "r"
        "complete" makes `q` a square matrix, whose columns beyond the `n`-th have no gradient; "r"
        returns the reduced `r` alone.

    Returns
    -------
    Q, R : (..., m, k), (..., k, n)
        `k` is the smaller of `m` and `n`; `m` if complete.
    """
    x = operand(F, x)
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"mode={mode!r} is none of 'reduced', 'complete' and 'r'")
    if mode == "r":
        return F.qr_factors(x)[1]
    return QRResult(*F.qr_factors(x, mode=mode))


@primitive(floating=True, numpy="linalg.qr", by_kernel=BY_LIBRARY)
def qr_factors(xp, x, /, mode="reduced"):
    """Return the factors that `qr` does, as two arrays."""
    return by_lapack(xp.linalg.qr, x, mode=mode)


@qr_factors.shape
def _(x, mode):
    check_matrix(x)
    *lead, m, n = x.shape
    k = m if mode == "complete" else min(m, n)
    return Spec((*lead, m, k), x.dtype), Spec((*lead, k, n), x.dtype)


qr_factors.axes("...MN -> ...MK, ...KN")


@qr_factors.vjp
def _(F, g, y, _x, mode):
    # Seeger et al., "Auto-differentiating linear algebra", arXiv 1710.08717, section 4.3.  Columns
    # beyond the first k are q @ r[:, k:], so that they add to the cotangent of q.
    q, r = y
    gq, gr = _reduced(F, g, y) if mode == "complete" and _x.shape[-2] > _x.shape[-1] else g
    k, n = min(_x.shape[-2:]), _x.shape[-1]
    q = F.getitem(q, index=(..., slice(0, k))) if k < q.shape[-1] else q
    r = F.getitem(r, index=(..., slice(0, k), slice(None))) if k < r.shape[-2] else r
    if n > k:
        (square, gsquare), (rest, grest) = (
            [F.getitem(v, index=(..., columns)) for v in (r, gr)]
            for columns in (slice(0, k), slice(k, n))
        )
        gq = gq + F.matmul(q, F.matmul(rest, adjoint(F, grest)))
    else:
        square, gsquare, grest = r, gr, None
    m = F.matmul(square, adjoint(F, gsquare)) - F.matmul(adjoint(F, gq), q)
    half = (F.tril(m) + F.tril(m, k=-1)) / 2
    right = adjoint(F, gq + F.matmul(q, half + adjoint(F, half)))
    gx = adjoint(F, F.solve_matrices(square, right))
    return gx if grest is None else F.join(gx, F.matmul(q, grest), axis=-1)


def _reduced(F, g, y):
    """Return the cotangents of the reduced factors from those of the complete ones."""
    if not g.is_zero(0):
        raise ValueError(
            "with mode='complete' q has columns that x does not determine, so that q has no "
            "gradient here; use mode='reduced'"
        )
    m, n = y[0].shape[-1], y[1].shape[-1]
    gq = F.zeros_like(y[0], shape=(*y[0].shape[:-2], m, n))
    return gq, F.getitem(g[1], index=(..., slice(0, n), slice(None)))


# --- a triangle and its adjoint


@composite
def cholesky(F, x, /, upper=False):
    """Return the lower triangular `l` with `l @ l.mH` the Hermitian part of `x`: `(x + x.mH) / 2`.

    Parameters
    ----------
    x : (..., n, n)
        Its Hermitian part is positive definite.
    upper : bool
        Return the upper triangular `l.mH`.

    Raises
    ------
    ValueError
        A matrix is not square, or its Hermitian part not positive definite.
    """
    x = operand(F, x)
    check_matrix(x, square=True)
    made = F.cholesky_of_lower((x + adjoint(F, x)) / 2)
    return adjoint(F, made) if upper else made


@composite
def cho_factor(F, a, /, lower=False):
    """Return the Cholesky factor of `a` and whether it is the lower one: see `cho_solve`."""
    return F.cholesky(a, upper=not lower), bool(lower)


@primitive(floating=True, numpy="linalg.cholesky", by_kernel=BY_LIBRARY)
def cholesky_of_lower(xp, x, /):
    """Return what `cholesky` does for the Hermitian matrices with the lower triangles of `x`."""
    return by_lapack(xp.linalg.cholesky, x)


@cholesky_of_lower.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape, x.dtype)


cholesky_of_lower.axes("...NN -> ...NN")


@cholesky_of_lower.vjp
def _(F, g, y, _x):
    # Murray, "Differentiation of the Cholesky decomposition", arXiv 1602.07527, equation 10.
    upper = adjoint(F, y)
    product = F.matmul(upper, F.tril(g))
    half = (F.tril(product) + F.tril(product, k=-1)) / 2
    inner = adjoint(F, F.solve_matrices(upper, half))
    whole = F.solve_matrices(upper, inner)
    return lower(F, (whole + adjoint(F, whole)) / 2)


# --- singular values


@composite
def svd(F, x, /, full_matrices=True, compute_uv=True, hermitian=False):
    """Return the singular value decomposition: `x = U[..., :k] @ diag(S) @ Vh[..., :k, :]`.

    Parameters
    ----------
    x : (..., m, n)
    full_matrices : bool
        Whether `U` and `Vh` are square.  Then, if `x` is not, they have no gradient.
    compute_uv : bool
        Whether to return `U` and `Vh` too, not `S` alone.
    hermitian : bool
        Whether the matrices are Hermitian; it changes nothing but the gradient of `S`, which is
        that of a Hermitian matrix.

    Returns
    -------
    U : (..., m, m) or (..., m, k)
    S : (..., k)
        Descending; `k` is the smaller of `m` and `n`.
    Vh : (..., n, n) or (..., k, n)
        `U` and `Vh` have gradients where the singular values differ, and differ from 0 if `x` is
        not square; of complex matrices only that of what the phases of columns leave alone.
    """
    x = operand(F, x)
    if hermitian:
        check_matrix(x, square=True)
        x = (x + adjoint(F, x)) / 2
    if not compute_uv:
        return F.svd_factors(x)[1]
    square = x.ndim > 1 and x.shape[-1] == x.shape[-2]
    return SVDResult(*F.svd_factors(x, full_matrices=bool(full_matrices) and not square))


@composite
def svdvals(F, x, /):
    """Return the singular values of matrices, descending."""
    return F.svd_factors(operand(F, x))[1]


@primitive(floating=True, numpy="linalg.svd", by_kernel=BY_LIBRARY)
def svd_factors(xp, x, /, full_matrices=False):
    """Return what `svd` does, as three arrays."""
    return by_lapack(xp.linalg.svd, x, full_matrices=full_matrices)


@svd_factors.shape
def _(x, full_matrices):
    check_matrix(x)
    *lead, m, n = x.shape
    k = min(m, n)
    rows, columns = (m, n) if full_matrices else (k, k)
    return (
        Spec((*lead, m, rows), x.dtype),
        Spec((*lead, k), dtypes.real_of(x.dtype)),
        Spec((*lead, columns, n), x.dtype),
    )


svd_factors.axes("...MN -> ...MK, ...L, ...PN")

EQUAL = (
    "singular vectors have a gradient only where their singular value is no other one's, and, if "
    "the matrix is not square or complex, not 0; use the singular values alone, whose gradients "
    "exist"
)


@svd_factors.vjp
def _(F, g, y, _x, full_matrices):
    # Wan and Zhang, "Automatic differentiation for complex valued SVD", arXiv 1909.02659.
    u, s, vh = y
    *_, m, n = _x.shape
    k = min(m, n)
    flows = not (g.is_zero(0) and g.is_zero(2))
    if m > k and full_matrices:
        _refuse_flow(g, 0)
        u = F.getitem(u, index=(..., slice(0, k)))
    elif n > k and full_matrices:
        _refuse_flow(g, 2)
        vh = F.getitem(vh, index=(..., slice(0, k), slice(None)))
    diagonal = F.expand_dims(g[1], -2)  # columns of u are stretched by it
    if not flows:
        return F.matmul(u * diagonal, vh)
    uh, v = adjoint(F, u), adjoint(F, vh)
    gu = F.zeros_like(u) if g.is_zero(0) else g[0]
    gv = F.zeros_like(v) if g.is_zero(2) else adjoint(F, g[2])
    row, column = F.expand_dims(s, -2), F.expand_dims(s, -1)
    gaps = gaps_of(F, s * s)
    of_u, of_v = F.matmul(uh, gu), F.matmul(adjoint(F, v), gv)
    inner = F.quotient(skew(F, of_u), gaps, says=EQUAL) * row
    inner = inner + column * F.quotient(skew(F, of_v), gaps, says=EQUAL)
    if u.dtype.kind == "c":  # the phase of a column of u against that of v
        phase = F.imag(F.diagonal(of_u, 0, -2, -1)) * 1j
        inner = inner + F.expand_dims(F.quotient(phase, s, says=EQUAL), -1) * identity_like(F, s, k)
    gx = F.matmul(u * diagonal + F.matmul(u, inner), vh)
    if m > k and not g.is_zero(0):
        beyond = gu - F.matmul(u, of_u)
        gx = gx + F.matmul(F.quotient(beyond, row, says=EQUAL), vh)
    if n > k and not g.is_zero(2):
        beyond = gv - F.matmul(v, of_v)
        gx = gx + F.matmul(u, adjoint(F, F.quotient(beyond, row, says=EQUAL)))
    return gx


def _refuse_flow(g, index):
    if not g.is_zero(index):
        raise ValueError(
            "with full_matrices=True U or Vh have columns that x, which is not square, does not "
            "determine, so that they have no gradient; use full_matrices=False"
        )
