"""Samples of linear algebra."""

from __future__ import annotations

import numpy as np
from sampling import (
    BINARY,
    NONZERO,
    REAL,
    Array,
    Samples,
    Shape,
    call,
    end_to_end,
    layers,
    products,
)


def large_diagonal(shape: Shape) -> Array:
    """Return what makes a matrix of the domain regular, and its eigenvalues far from equal."""
    n, m = shape[-2:]
    # No entry is zero, on whose two sides LAPACK gives eigenvectors different signs.
    return np.eye(n, m) * 10 * np.arange(1, m + 1) + 0.002


def apart(shape: Shape) -> Array:
    """Return what makes a matrix of the domain regular, and its determinant no large number."""
    return np.diag(np.arange(1.0, shape[-1] + 1))


def by_minors(x: Array) -> Array:
    """Return the matrix of cofactors, by the determinants of what a row and a column leave."""
    made = np.empty(x.shape, x.dtype)
    for i, j in np.ndindex(*x.shape[-2:]):
        rest = np.delete(np.delete(x, i, axis=-2), j, axis=-1)
        made[..., i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return made


def lower_cholesky(x: Array) -> Array:
    """Return it row by row, as by hand, from the lower triangles alone."""
    made = np.zeros(x.shape)
    for i in range(x.shape[-1]):
        for j in range(i + 1):
            left = x[..., i, j] - np.sum(made[..., i, :j] * made[..., j, :j], axis=-1)
            made[..., i, j] = np.sqrt(left) if i == j else left / made[..., j, j]
    return made


SQUARES = [call((1, 1)), call((3, 3)), call((2, 2, 2)), call((0, 0))]


SAMPLES: dict[str, Samples] = {
    # products
    "matmul": Samples(
        (REAL, REAL),
        [
            call((3,), (3,)),
            call((3,), (3, 2)),
            call((2, 3), (3,)),
            call((2, 3), (3, 4)),
            call((5, 2, 3), (3,)),
            call((3,), (5, 3, 2)),
            call((5, 2, 3), (3, 4)),
            call((2, 3), (5, 3, 4)),
            call((5, 2, 3), (5, 3, 2)),
            call((2, 1, 2, 3), (4, 3, 2)),
            call((1, 2, 3), (4, 3, 2)),
            call((0, 3), (3, 2)),
            call((2, 0), (0, 3)),
            call((2, 3, 0), (0, 2)),
            call((2, 2, 3), (3, 0)),
            call((0, 2, 3), (3, 2)),
            call((0,), (0,)),
        ],
        np.matmul,
        products(),
        complex=True,
    ),
    "linear": Samples(
        (REAL, REAL, REAL),
        [
            call((3,), (2, 3), (2,)),
            call((3,), (2, 3)),
            call((4, 3), (2, 3), (2,)),
            call((4, 3), (2, 3)),
            call((2, 4, 3), (2, 3), (2,)),
            call((2, 4, 3), (2, 3)),
            call((0, 3), (2, 3), (2,)),
            call((4, 0), (2, 0), (2,)),
            call((2, 4, 0), (2, 0), (2,)),
            call((2, 4, 3), (0, 3), (0,)),
        ],
        lambda x, w, b=0.0: np.einsum("...n,mn->...m", x, w) + b,
        layers(),
        complex=True,
    ),
    # equations
    "solve_matrices": Samples(
        (REAL, REAL),
        [
            call((1, 1), (1, 2)),
            call((3, 3), (3, 2)),
            call((2, 2, 2), (2, 3)),
            call((2, 2), (4, 2, 1)),
            call((2, 2), (2, 0)),
        ],
        lambda a, b: np.linalg.inv(a) @ b,
        around=large_diagonal,
        complex=True,
    ),
    "inv": Samples(
        (REAL,),
        SQUARES,
        lambda x: np.linalg.solve(x, np.broadcast_to(np.eye(x.shape[-1]), x.shape)),
        around=large_diagonal,
        complex=True,
    ),
    "quotient": Samples(
        (REAL, NONZERO),
        [*BINARY, call((2,), (2,), says="no quotient")],
        lambda x, y, says="": x / y,
        complex=True,
    ),
    # matrices taken apart
    "qr_factors": Samples(
        (REAL,),
        [
            *[call((1, 1)), call((3, 3)), call((4, 2)), call((2, 4)), call((2, 3, 2))],
            *[call((2, 0)), call((2, 3), mode="complete")],
        ],
        end_to_end(np.linalg.qr),
        around=large_diagonal,
        complex=True,
    ),
    "cholesky_of_lower": Samples((REAL,), SQUARES, lower_cholesky, around=large_diagonal),
    "eigh_of_lower": Samples((REAL,), SQUARES, end_to_end(np.linalg.eigh), around=large_diagonal),
    # Of such matrices the eigenvalues are real.
    "eig_of_complex": Samples((REAL,), SQUARES, end_to_end(np.linalg.eig), around=large_diagonal),
    "svd_factors": Samples(
        (REAL,),
        [
            call((1, 1)),
            call((3, 3)),
            call((4, 2)),
            call((2, 4)),
            call((2, 3, 2)),
            call((2, 0)),
            call((3, 3), full_matrices=True),
        ],
        end_to_end(lambda x, **_: np.linalg.svd(x, full_matrices=False)),
        around=large_diagonal,
    ),
    # determinants
    "det": Samples(
        (REAL,),
        [call((1, 1)), call((3, 3)), call((2, 2, 2)), call((0, 0))],
        lambda x: (
            np.prod(np.diagonal(np.linalg.qr(x)[1], axis1=-2, axis2=-1), axis=-1)
            * np.linalg.det(np.linalg.qr(x)[0])
        ),
        around=apart,
        complex=True,
    ),
    "cofactors": Samples(
        (REAL,),
        [call((1, 1)), call((3, 3)), call((2, 2, 2)), call((2, 4, 4)), call((0, 0))],
        by_minors,
        around=apart,
        complex=True,
    ),
    "sign_and_log_of_det": Samples(
        (REAL,),
        [call((1, 1)), call((3, 3)), call((2, 2, 2)), call((0, 0))],
        end_to_end(lambda x: (np.sign(np.linalg.det(x)), np.log(np.abs(np.linalg.det(x))))),
        around=large_diagonal,
        complex=True,
    ),
}


def symmetric_part(x: Array) -> Array:
    return (x + x.swapaxes(-1, -2)) / 2


def hermitian(x: Array, triangle: str | None) -> Array:
    if triangle is None:
        return symmetric_part(x)
    return x if triangle == "L" else x.swapaxes(-1, -2)


def solved(a: Array, b: Array) -> Array:
    return (np.linalg.inv(a) @ b[:, None])[..., 0] if b.ndim == 1 else np.linalg.inv(a) @ b


def triangular(a: Array, b: Array, trans: int | str = 0, **how: bool) -> Array:
    a = np.tril(a) if how.get("lower") else np.triu(a)
    if how.get("unit_diagonal"):
        a = a - a * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    return solved(a if trans in (0, "N") else a.swapaxes(-1, -2), b)


COMPOSITES: dict[str, Samples] = {
    "linalg.solve": Samples(
        (REAL, REAL),
        [call((3, 3), (3,)), call((2, 3, 3), (3,)), call((3, 3), (3, 2)), call((2, 2), (4, 2, 1))],
        solved,
        around=large_diagonal,
        complex=True,
    ),
    "linalg.solve_triangular": Samples(
        (REAL, REAL),
        [
            call((3, 3), (3,)),
            call((2, 3, 3), (3, 2), lower=True),
            call((3, 3), (3,), trans=1),
            call((3, 3), (3,), trans="C", lower=True),
            call((3, 3), (3, 1), unit_diagonal=True),
        ],
        triangular,
        around=large_diagonal,
        complex=True,
    ),
    "linalg.tensorsolve": Samples(
        (REAL, REAL),
        [call((2, 3, 6), (2, 3)), call((2, 6, 3), (2, 3), axes=(1,))],
        np.linalg.tensorsolve,
        complex=True,
    ),
    "linalg.tensorinv": Samples(
        (REAL,), [call((2, 3, 6)), call((6, 2, 3), ind=1)], np.linalg.tensorinv, complex=True
    ),
    "linalg.qr": Samples(
        (REAL,),
        [call((3, 2)), call((3, 2), mode="r"), call((2, 3), mode="complete")],
        lambda x, mode="reduced": (
            np.linalg.qr(x, "r") if mode == "r" else end_to_end(np.linalg.qr)(x, mode)
        ),
        around=large_diagonal,
        complex=True,
    ),
    "linalg.cholesky": Samples(
        (REAL,),
        [call((3, 3)), call((2, 2, 2), upper=True)],
        lambda x, upper=False: np.linalg.cholesky(symmetric_part(x), upper=upper),
        around=large_diagonal,
    ),
    "linalg.eigh": Samples(
        (REAL,),
        [call((3, 3)), call((2, 2, 2)), call((3, 3), UPLO="L"), call((3, 3), UPLO="U")],
        lambda x, UPLO=None: end_to_end(np.linalg.eigh)(hermitian(x, UPLO)),
        around=large_diagonal,
    ),
    "linalg.eigvalsh": Samples(
        (REAL,),
        [call((3, 3)), call((2, 2, 2), UPLO="U")],
        lambda x, UPLO=None: np.linalg.eigvalsh(hermitian(x, UPLO)),
        around=large_diagonal,
    ),
    "linalg.svd": Samples(
        (REAL,),
        [call((3, 2), full_matrices=False), call((3, 3)), call((2, 3), compute_uv=False)],
        lambda x, **how: (
            np.linalg.svd(x, **how) if "compute_uv" in how else end_to_end(np.linalg.svd)(x, **how)
        ),
        around=large_diagonal,
    ),
    "linalg.svdvals": Samples(
        (REAL,),
        [call((3, 2)), call((2, 2, 3))],
        lambda x: (
            np.sqrt(np.linalg.eigvalsh(x @ x.swapaxes(-1, -2))[..., ::-1])
            if x.shape[-2] < x.shape[-1]
            else np.sqrt(np.linalg.eigvalsh(x.swapaxes(-1, -2) @ x)[..., ::-1])
        ),
        around=large_diagonal,
    ),
    "linalg.slogdet": Samples(
        (REAL,), [call((3, 3)), call((2, 2, 2))], end_to_end(np.linalg.slogdet), complex=True
    ),
}
