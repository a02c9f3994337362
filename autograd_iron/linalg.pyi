"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike

def cholesky(x: TensorLike, /) -> Tensor:
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

def cross(x1: Any, x2: Any, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the cross product of vectors of three elements along an axis."""

def eigh(x: TensorLike, /) -> tuple[Tensor, ...]:
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

def matrix_transpose(x: TensorLike, /) -> Tensor:
    """Return `x` with its last two axes swapped."""

def matvec(x1: Any, x2: Any, /) -> Tensor:
    """Return the products of matrices (..., m, n) and vectors (..., n)."""

def multi_dot(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return the product of two or more matrices, in the order that costs least.

    The first may be a vector, a row, and the last one too, a column.
    """

def outer(a: Any, b: Any, /) -> Tensor:
    """Return the products of each element of `a` with each of `b`, both flattened."""

def qr(x: TensorLike, /) -> tuple[Tensor, ...]:
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

def solve(a: TensorLike, b: TensorLike, /) -> Tensor:
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

def tensordot(a: Any, b: Any, /, axes: builtins.int | Sequence[Any] | None = 2) -> Tensor:
    """Return the sum of products over axes of both arrays.

    Parameters
    ----------
    axes : int or (axes of a, axes of b)
        A number stands for the last so many axes of `a` and the first so many of `b`.
    """

def vecdot(x1: Any, x2: Any, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the products of vectors along an axis, `x1` conjugated; all other axes broadcast."""

def vecmat(x1: Any, x2: Any, /) -> Tensor:
    """Return the products of vectors (..., n), conjugated, and matrices (..., n, m)."""
