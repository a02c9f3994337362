"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike

def cholesky(x: TensorLike, /) -> Tensor:
    """Return the lower triangular `l` with `l @ l.mT` the symmetric part of `x`: `(x + x.mT) / 2`.

    Parameters
    ----------
    x : (..., n, n)
        Its symmetric part is positive definite.

    Raises
    ------
    ValueError
        A matrix is not square, or its symmetric part not positive definite.
    """

def eigh(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the eigenvalues and eigenvectors of the symmetric part of `x`: `(x + x.mT) / 2`.

    Parameters
    ----------
    x : (..., n, n)

    Returns
    -------
    w : (..., n)
        The eigenvalues, ascending.
    v : (..., n, n)
        Column `v[..., :, i]` belongs to `w[..., i]`.  Its gradient exists where that eigenvalue is
        no other one's.

    Raises
    ------
    ValueError
        A matrix is not square.
    """

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
