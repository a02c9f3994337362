"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike

def cho_factor(a: Any, /, lower: Any = False) -> tuple[Tensor, ...]:
    """Return the Cholesky factor of `a` and whether it is the lower one: see `cho_solve`."""

def cho_solve(c_and_lower: Any, b: Any, /) -> Tensor:
    """Return the `x` with `a @ x = b`, from the Cholesky factor of `a`: `(factor, whether lower)`.

    As SciPy's, for stacks too.
    """

def cholesky(x: TensorLike, /, upper: Any = False) -> Tensor:
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

def cond(x: TensorLike, /, p: Any = None) -> Tensor:
    """Return the condition number of each matrix in the norm `p`; None is 2."""

def cross(x1: Any, x2: Any, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the cross product of vectors of three elements along an axis."""

def det(x: TensorLike, /) -> Tensor:
    """Return the determinant of each matrix; its gradient exists for singular ones too."""

def diagonal(x: TensorLike, /, offset: Any = 0) -> Tensor:
    """Return the diagonals of the matrices in the last two axes."""

def eig(x: TensorLike, /) -> tuple[Tensor, ...]:
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

def eigh(x: TensorLike, /, UPLO: Any = None) -> tuple[Tensor, ...]:
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

def eigvals(x: TensorLike, /) -> Tensor:
    """Return the eigenvalues of square matrices, complex and in no order: those of `eig`."""

def eigvalsh(x: TensorLike, /, UPLO: Any = None) -> Tensor:
    """Return the eigenvalues of Hermitian matrices, ascending: those of `eigh`."""

def expm(x: TensorLike, /) -> Tensor:
    """Return the exponential of each square matrix; SciPy's, on the host."""

def householder_product(x: TensorLike, tau: Any, /) -> Tensor:
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

def inv(x: TensorLike, /) -> Tensor:
    """Return the inverse of each matrix.

    Raises
    ------
    ValueError
        A matrix is singular, or not square.
    """

def logm(x: TensorLike, /) -> Tensor:
    """Return the principal logarithm of each square matrix; SciPy's, on the host.

    A real matrix with negative eigenvalues has none that is real: make it complex first.
    """

def lstsq(a: Any, b: Any, /, rcond: Any = None) -> tuple[Tensor, ...]:
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

def lu(x: TensorLike, /, permute_l: Any = False, p_indices: Any = False) -> tuple[Tensor, ...]:
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

def lu_factor(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return both triangles of `lu` in one array, and the exchanges of rows, for `lu_solve`."""

def lu_solve(lu_and_piv: Any, b: Any, /, trans: Any = 0) -> Tensor:
    """Return the `x` with `a @ x = b`, from `lu_factor(a)`.

    Parameters
    ----------
    b : (n,) or (..., n, k)
    trans : 0, 1 or 2
        Whether to solve with `a`, its transpose or its conjugate transpose.
    """

def matmul(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the matrix product over the last axis of `x` and the second-to-last of `y`.

    Parameters
    ----------
    x : (..., n, k) or (k,)
    y : (..., k, m) or (k,)
        Leading axes broadcast; a vector is a row on the left and a column on the right.

    Returns
    -------
    (..., n, m), without the axes of vectors
    """

def matrix_norm(x: TensorLike, /, keepdims: builtins.bool = False, ord: Any = 'fro') -> Tensor:
    """Return the norm of the matrices in the last two axes: see `norm`."""

def matrix_power(x: TensorLike, n: Any, /) -> Tensor:
    """Return the whole power `n` of each square matrix; a negative one is that of the inverse."""

def matrix_rank(x: TensorLike, /, tol: Any = None, hermitian: Any = False, rtol: Any = None) -> Tensor:
    """Return how many singular values of each matrix are not as good as 0.

    Parameters
    ----------
    tol : float or array, optional
        Those not above it count as 0.
    rtol : float, optional
        Those not above so much of the largest one, where `tol` is not given; see `pinv`.
    """

def matrix_transpose(x: TensorLike, /) -> Tensor:
    """Return `x` with its last two axes swapped."""

def matvec(x1: Any, x2: Any, /) -> Tensor:
    """Return the products of matrices (..., m, n) and vectors (..., n)."""

def multi_dot(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return the product of two or more matrices, in the order that costs least.

    The first may be a vector, a row, and the last one too, a column.
    """

def norm(x: TensorLike, /, ord: Any = None, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
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

def outer(a: Any, b: Any, /) -> Tensor:
    """Return the products of each element of `a` with each of `b`, both flattened."""

def pinv(x: TensorLike, /, rcond: Any = None, hermitian: Any = False, rtol: Any = None) -> Tensor:
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

def qr(x: TensorLike, /, mode: Any = 'reduced') -> tuple[Tensor, ...]:
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

def slogdet(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the sign of the determinant of each matrix, and the logarithm of its absolute value.

    Of complex matrices the sign is a number of absolute value 1.  Those of a singular matrix, 0 and
    minus infinity, have no gradient.
    """

def solve(a: Any, b: Any, /) -> Tensor:
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

def solve_banded(l_and_u: Any, ab: Any, b: Any, /) -> Tensor:
    """Return the `x` with `a @ x = b`, of a matrix given by its diagonals; SciPy's, on the host.

    Parameters
    ----------
    l_and_u : (int, int)
        How many diagonals there are below the main one, and above it.
    ab : (..., l + u + 1, n)
        The diagonals, the uppermost first: `ab[u + i - j, j] = a[i, j]`.
    b : (n,) or (..., n, k)
    """

def solve_sylvester(a: TensorLike, b: TensorLike, q: TensorLike, /) -> Tensor:
    """Return the `x` with `a @ x + x @ b = q`; SciPy's, on the host."""

def solve_triangular(a: Any, b: Any, /, trans: Any = 0, lower: Any = False, unit_diagonal: Any = False) -> Tensor:
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

def sqrtm(x: TensorLike, /) -> Tensor:
    """Return the principal square root of each square matrix; SciPy's, on the host.

    A real matrix with negative eigenvalues has none that is real: make it complex first.
    """

def svd(x: TensorLike, /, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> tuple[Tensor, ...]:
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

def svdvals(x: TensorLike, /) -> Tensor:
    """Return the singular values of matrices, descending."""

def tensordot(a: Any, b: Any, /, axes: builtins.int | Sequence[Any] | None = 2) -> Tensor:
    """Return the sum of products over axes of both arrays.

    Parameters
    ----------
    axes : int or (axes of a, axes of b)
        A number stands for the last so many axes of `a` and the first so many of `b`.
    """

def tensorinv(a: Any, /, ind: Any = 2) -> Tensor:
    """Return the inverse of `a`, as a matrix from its last axes to its first `ind` ones."""

def tensorsolve(a: Any, b: Any, /, axes: builtins.int | Sequence[Any] | None = None) -> Tensor:
    """Return the `x` with `tensordot(a, x, x.ndim) = b`.

    Parameters
    ----------
    axes : tuple of int, optional
        Axes of `a` to move to the end first.
    """

def trace(x: TensorLike, /, offset: Any = 0, dtype: Any = None) -> Tensor:
    """Return the sums of the diagonals of the matrices in the last two axes."""

def vander(x: TensorLike, /, N: Any = None, increasing: Any = False) -> Tensor:
    """Return the matrix whose columns are powers of a vector: from `N - 1` to 0, or increasing.

    A vector may have axes before its own: then there is a matrix for each.
    """

def vecdot(x1: Any, x2: Any, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the products of vectors along an axis, `x1` conjugated; all other axes broadcast."""

def vecmat(x1: Any, x2: Any, /) -> Tensor:
    """Return the products of vectors (..., n), conjugated, and matrices (..., n, m)."""

def vector_norm(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, ord: Any = 2) -> Tensor:
    """Return the norm of vectors along the axes (None: of all elements): see `norm`.

    At the zero vector the derivative is 0.
    """
