"""Solving and taking matrices apart: the last two axes are matrices, those before are stacked.

NumPy's LAPACK knows float32 and float64; 16 bits are computed in float32 and rounded once.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.composite import composite
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec


def _by_lapack(kernel, *matrices):
    """Return what a function of matrices gives, of 16 bits by way of float32."""
    for x in matrices:
        _check_matrix(x)
    if all(x.dtype != dtypes.float16 for x in matrices):
        return kernel(*matrices)
    made = kernel(*(x.astype("float32") for x in matrices))
    if isinstance(made, tuple):
        return tuple(array.astype("float16") for array in made)
    return made.astype("float16")


def _check_matrix(x, square=False):
    if x.ndim < 2:
        raise ValueError(f"a matrix has two axes or more, got shape {x.shape}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ValueError(f"the matrices must be square, got shape {x.shape}")


@primitive(floating=True, numpy="linalg.solve", by_kernel="a library of linear algebra solves")
def solve(xp, a, b, /):
    """Return the `x` with `a @ x = b`.

    Parameters
    ----------
    a : (..., n, n)
    b : (..., n, k)

    Raises
    ------
    ValueError
        A matrix is singular, or not square.
    """
    return _by_lapack(xp.linalg.solve, a, b)


@solve.shape
def _(a, b):
    _check_matrix(a, square=True)
    _check_matrix(b)
    lead = device.broadcast_shape(a.shape[:-2], b.shape[:-2])
    if lead is None or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matrices of shape {a.shape} have no solutions of shape {b.shape}")
    return Spec((*lead, *b.shape[-2:]), specs.joint(a, b))


solve.axes("...NN, ...Nk -> ...Nk")


@solve.vjp
def _(F, g, y, a, _b):
    return -F.matmul(F.solve(_adjoint(F, a), g), _adjoint(F, y))


@solve.vjp
def _(F, g, _y, a, _b):
    return F.solve(_adjoint(F, a), g)


def _adjoint(F, x):
    """Return the conjugate transpose of matrices."""
    return F.conj(F.matrix_transpose(x))


@primitive(floating=True, numpy="linalg.qr", by_kernel="a library of linear algebra factorises")
def qr(xp, x, /):
    """Return `q` with orthonormal columns and the upper triangular `r` with `x = q @ r`.

    Parameters
    ----------
    x : (..., m, n)
        For a gradient, its first `min(m, n)` columns must be independent.

    Returns
    -------
    (..., m, k), (..., k, n)
        `k` is the smaller of `m` and `n`.
    """
    return _by_lapack(xp.linalg.qr, x)


@qr.shape
def _(x):
    _check_matrix(x)
    *lead, m, n = x.shape
    k = min(m, n)
    return Spec((*lead, m, k), x.dtype), Spec((*lead, k, n), x.dtype)


qr.axes("...MN -> ...MK, ...KN")


@qr.vjp
def _(F, g, y, _x):
    # Seeger et al., "Auto-differentiating linear algebra", arXiv 1710.08717, section 4.3.  Columns
    # beyond the first k are q @ r[:, k:], so that they add to the cotangent of q.
    gq, gr = g
    q, r = y
    k, n = r.shape[-2:]
    if n > k:
        (square, gsquare), (rest, grest) = (
            [F.getitem(v, index=(..., columns)) for v in (r, gr)]
            for columns in (slice(0, k), slice(k, n))
        )
        gq = gq + F.matmul(q, F.matmul(rest, _adjoint(F, grest)))
    else:
        square, gsquare, grest = r, gr, None
    m = F.matmul(square, _adjoint(F, gsquare)) - F.matmul(_adjoint(F, gq), q)
    half = (F.tril(m) + F.tril(m, k=-1)) / 2
    right = _adjoint(F, gq + F.matmul(q, half + _adjoint(F, half)))
    gx = _adjoint(F, F.solve(square, right))
    return gx if grest is None else F.join(gx, F.matmul(q, grest), axis=-1)


@composite
def eigh(F, x, /):
    """Return the eigenvalues and eigenvectors of the Hermitian part of `x`: `(x + x.mH) / 2`.

    Of real matrices that is the symmetric part.

    Parameters
    ----------
    x : (..., n, n)

    Returns
    -------
    w : (..., n)
        The eigenvalues, ascending.
    v : (..., n, n)
        Column `v[..., :, i]` belongs to `w[..., i]`.  Its gradient exists where that eigenvalue is
        no other one's.  That of a complex one is known up to a factor of absolute value 1: only
        a loss that does not depend on the factor has a gradient.

    Raises
    ------
    ValueError
        A matrix is not square.
    """
    return F.eigh_of_lower((x + _adjoint(F, x)) / 2)


@primitive(floating=True, numpy="linalg.eigh", by_kernel="a library of linear algebra factorises")
def eigh_of_lower(xp, x, /):
    """Return what `eigh` does for the Hermitian matrices of which `x` has the lower triangles."""
    return _by_lapack(xp.linalg.eigh, x)


@eigh_of_lower.shape
def _(x):
    _check_matrix(x, square=True)
    return Spec(x.shape[:-1], dtypes.real_of(x.dtype)), Spec(x.shape, x.dtype)


eigh_of_lower.axes("...NN -> ...N, ...NN")


@eigh_of_lower.vjp
def _(F, g, y, _x):
    # Giles, "Collected matrix derivative results for forward and reverse mode AD" (2008), 3.1.
    gw, gv = g
    w, v = y
    vt = _adjoint(F, v)
    if g.is_zero(1):
        return _lower(F, F.matmul(v * F.expand_dims(gw, -2), vt))
    n = w.shape[-1]
    ones = F.ones((n, n), dtype=w.dtype, device=w.device)
    apart = F.tril(ones, k=-1) + F.triu(ones, k=1)
    gaps = F.expand_dims(w, -2) - F.expand_dims(w, -1)
    turned = apart / F.where(apart == 0, 1, gaps) * F.matmul(vt, gv)
    inner = (turned + _adjoint(F, turned)) / 2
    return _lower(F, F.matmul(v * F.expand_dims(gw, -2) + F.matmul(v, inner), vt))


@composite
def cholesky(F, x, /):
    """Return the lower triangular `l` with `l @ l.mH` the Hermitian part of `x`: `(x + x.mH) / 2`.

    Of real matrices that is the symmetric part.

    Parameters
    ----------
    x : (..., n, n)
        Its Hermitian part is positive definite.

    Raises
    ------
    ValueError
        A matrix is not square, or its Hermitian part not positive definite.
    """
    return F.cholesky_of_lower((x + _adjoint(F, x)) / 2)


@primitive(
    floating=True, numpy="linalg.cholesky", by_kernel="a library of linear algebra factorises"
)
def cholesky_of_lower(xp, x, /):
    """Return what `cholesky` does for the Hermitian matrices with the lower triangles of `x`."""
    return _by_lapack(xp.linalg.cholesky, x)


@cholesky_of_lower.shape
def _(x):
    _check_matrix(x, square=True)
    return Spec(x.shape, x.dtype)


cholesky_of_lower.axes("...NN -> ...NN")


@cholesky_of_lower.vjp
def _(F, g, y, _x):
    # Murray, "Differentiation of the Cholesky decomposition", arXiv 1602.07527, equation 10.
    upper = _adjoint(F, y)
    product = F.matmul(upper, F.tril(g))
    half = (F.tril(product) + F.tril(product, k=-1)) / 2
    inner = _adjoint(F, F.solve(upper, half))
    whole = F.solve(upper, inner)
    return _lower(F, (whole + _adjoint(F, whole)) / 2)


def _lower(F, g):
    """Return the cotangent of lower triangles from that, Hermitian, of whole matrices."""
    return F.tril(g) + F.tril(g, k=-1)
