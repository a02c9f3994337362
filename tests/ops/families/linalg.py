"""Samples of linear algebra."""

from __future__ import annotations

import numpy as np
from sampling import REAL, Array, Samples, Shape, call, end_to_end, layers, products


def large_diagonal(shape: Shape) -> Array:
    """Return what makes a matrix of the domain regular, and its eigenvalues far from equal."""
    n, m = shape[-2:]
    # No entry is zero, on whose two sides LAPACK gives eigenvectors different signs.
    return np.eye(n, m) * 10 * np.arange(1, m + 1) + 0.002


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
    # matrices taken apart
    "solve": Samples(
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
    "qr": Samples(
        (REAL,),
        [call((1, 1)), call((3, 3)), call((4, 2)), call((2, 4)), call((2, 3, 2)), call((2, 0))],
        end_to_end(np.linalg.qr),
        around=large_diagonal,
        complex=True,
    ),
    "cholesky_of_lower": Samples((REAL,), SQUARES, lower_cholesky, around=large_diagonal),
    "eigh_of_lower": Samples((REAL,), SQUARES, end_to_end(np.linalg.eigh), around=large_diagonal),
}
