"""Eigenvalues and eigenvectors."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like

EQUAL = (
    "eigenvectors have a gradient only where their eigenvalue is no other one's, and two of a "
    "matrix are equal; use the eigenvalues alone, whose gradients exist"
)


class EighResult(NamedTuple):
    """Eigenvalues, ascending, and eigenvectors, of Hermitian matrices."""

    eigenvalues: Any
    eigenvectors: Any


class EigResult(NamedTuple):
    """Eigenvalues and eigenvectors of square matrices."""

    eigenvalues: Any
    eigenvectors: Any


@composite
def eigh(F, x, /, UPLO=None):
    """Return the eigenvalues and eigenvectors of Hermitian matrices.

    Parameters
    ----------
    x : (..., n, n)
    UPLO : "L" or "U", optional
        The triangle that is read.  Default: of a matrix that is not Hermitian its Hermitian part
        is taken, `(x + x.mH) / 2`, so that the gradient is Hermitian too.

    Returns
    -------
    eigenvalues : (..., n)
        Real, ascending.
    eigenvectors : (..., n, n)
        Column `v[..., :, i]` belongs to eigenvalue `i`.  Its gradient exists where that eigenvalue
        is no other one's; of complex matrices only that of what the phase of a column leaves alone.

    Raises
    ------
    ValueError
        A matrix is not square.
    """
    return EighResult(*F.eigh_of_lower(_lower_of(F, x, UPLO)))


def _lower_of(F, x, triangle):
    """Return what has the Hermitian matrices' lower triangles."""
    x = operand(F, x)
    if triangle is None:
        check_matrix(x, square=True)
        return (x + adjoint(F, x)) / 2
    if triangle not in ("L", "U", "l", "u"):
        raise ValueError(f"UPLO={triangle!r} is neither 'L' nor 'U'")
    return x if triangle in "Ll" else adjoint(F, x)


@composite
def eigvalsh(F, x, /, UPLO=None):
    """Return the eigenvalues of Hermitian matrices, ascending: those of `eigh`."""
    return F.eigh_of_lower(_lower_of(F, x, UPLO))[0]


@primitive(floating=True, numpy="linalg.eigh", by_kernel=BY_LIBRARY)
def eigh_of_lower(xp, x, /):
    """Return what `eigh` does for the Hermitian matrices of which `x` has the lower triangles."""
    return by_lapack(xp.linalg.eigh, x)


@eigh_of_lower.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape[:-1], dtypes.real_of(x.dtype)), Spec(x.shape, x.dtype)


eigh_of_lower.axes("...NN -> ...N, ...NN")


@eigh_of_lower.vjp
def _(F, g, y, _x):
    # Giles, "Collected matrix derivative results for forward and reverse mode AD" (2008), 3.1.
    gw, gv = g
    w, v = y
    vh = adjoint(F, v)
    if g.is_zero(1):
        return lower(F, F.matmul(v * F.expand_dims(gw, -2), vh))
    gaps = gaps_of(F, w)
    inner = F.quotient(skew(F, F.matmul(vh, gv)) / 2, gaps, says=EQUAL)
    return lower(F, F.matmul(v * F.expand_dims(gw, -2) + F.matmul(v, inner), vh))


def gaps_of(F, w):
    """Return by how much each number is above each other one, and 1 on the diagonal."""
    return F.expand_dims(w, -2) - F.expand_dims(w, -1) + identity_like(F, w, w.shape[-1])


def skew(F, x):
    """Return matrices minus their adjoints, with a diagonal of zeros."""
    below = F.tril(x, k=-1) - F.tril(adjoint(F, x), k=-1)
    return below - adjoint(F, below)


def lower(F, g):
    """Return the cotangent of lower triangles from that, Hermitian, of whole matrices."""
    return F.tril(g) + F.tril(g, k=-1)


@composite
def eig(F, x, /):
    """Return the eigenvalues and eigenvectors of square matrices: complex, whatever `x` is.

    Parameters
    ----------
    x : (..., n, n)

    Returns
    -------
    eigenvalues : (..., n)
        In no order.
    eigenvectors : (..., n, n)
        Column `v[..., :, i]`, of length 1, belongs to eigenvalue `i`.  A gradient exists where the
        eigenvalues differ, and for what the phase of a column leaves alone.
    """
    return EigResult(*F.eig_of_complex(_complex_of(F, x)))


@composite
def eigvals(F, x, /):
    """Return the eigenvalues of square matrices, complex and in no order: those of `eig`."""
    return F.eig_of_complex(_complex_of(F, x))[0]


def _complex_of(F, x):
    x = operand(F, x)
    check_matrix(x, square=True)
    wide = x.dtype in (dtypes.float64, dtypes.complex128)
    return F.astype(x, dtype=dtypes.complex128 if wide else dtypes.complex64)


@primitive(numpy="linalg.eig", by_kernel=BY_LIBRARY)
def eig_of_complex(xp, x, /):
    """Return what `eig` does for complex matrices."""
    return by_lapack(xp.linalg.eig, x)


@eig_of_complex.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape[:-1], x.dtype), Spec(x.shape, x.dtype)


eig_of_complex.axes("...NN -> ...N, ...NN")


@eig_of_complex.vjp
def _(F, g, y, _x):
    # Boeddeker et al., "On the computation of complex-valued gradients", arXiv 1701.00392, 4.16.
    gw, gv = g
    w, v = y
    vh = adjoint(F, v)
    if g.is_zero(1):
        return F.solve_matrices(vh, F.expand_dims(gw, -1) * vh)
    turned = F.matmul(vh, gv)
    length = F.real(F.sum(F.conj(v) * gv, axis=-2, keepdims=True))
    across = turned - F.matmul(vh, v) * length
    across = F.tril(across, k=-1) + F.triu(across, k=1)
    inner = F.quotient(across, F.conj(gaps_of(F, w)), says=EQUAL)
    return F.solve_matrices(vh, F.matmul(inner, vh) + F.expand_dims(gw, -1) * vh)
