"""Samples of linear algebra."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg
from sampling import (
    BINARY,
    INDEX,
    NONZERO,
    REAL,
    Array,
    Domain,
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


def by_elimination(x: Array) -> tuple[Array, Array]:
    """Return what LU makes of matrices whose rows need no exchange, and that none was made."""
    made = x.copy()
    for i in range(min(x.shape[-2:])):
        made[..., i + 1 :, i] /= made[..., i, None, i]
        made[..., i + 1 :, i + 1 :] -= made[..., i + 1 :, i, None] * made[..., i, None, i + 1 :]
    k = min(x.shape[-2:])
    return made, np.broadcast_to(np.arange(k), (*x.shape[:-2], k))


def by_kronecker(a: Array, b: Array, q: Array) -> Array:
    """Return the solution of Sylvester's equation as that of one system of n m equations."""
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    made = np.empty((*lead, *q.shape[-2:]), np.result_type(a, b, q))
    a, b, q = (np.broadcast_to(x, (*lead, *x.shape[-2:])) for x in (a, b, q))
    for i in np.ndindex(*lead):
        n, m = q[i].shape
        whole = np.kron(a[i], np.eye(m)) + np.kron(np.eye(n), b[i].T)
        made[i] = np.linalg.solve(whole, q[i].ravel()).reshape(n, m)
    return made


def large_middle(shape: Shape) -> Array:
    """Return what makes a matrix regular whose diagonals are these rows."""
    return np.where(np.arange(shape[-2]) == shape[-2] // 2, 7, 0)[:, None]


def by_whole_matrix(ab: Array, b: Array, lower: int, upper: int) -> Array:
    n = b.shape[-2]
    whole = np.zeros((*ab.shape[:-2], n, n), ab.dtype)
    for i, j in np.ndindex(n, n):
        if -lower <= j - i <= upper:
            whole[..., i, j] = ab[..., upper + i - j, j]
    return np.linalg.solve(whole, b)


def exchanged(x: Array, size: int) -> Array:
    made = np.empty((*x.shape[:-1], size), "i8")
    for place in np.ndindex(*x.shape[:-1]):
        rows = list(range(size))
        for i, other in enumerate(x[place]):
            rows[i], rows[other] = rows[other], rows[i]
        made[place] = rows
    return made


def by_normal_equations(x: Array) -> Array:
    adjoint = np.conj(x.swapaxes(-1, -2))
    if x.shape[-2] >= x.shape[-1]:
        return np.linalg.solve(adjoint @ x, adjoint)
    return np.conj(np.linalg.solve(x @ adjoint, x).swapaxes(-1, -2))


def by_series(x: Array) -> Array:
    """Return the exponential, as the sum of powers in more digits."""
    term = np.broadcast_to(np.eye(x.shape[-1]), x.shape).astype(np.result_type(x, "longdouble"))
    total = term * 0
    for k in range(1, 60):
        total = total + term
        term = term @ x / k
    return total.astype(x.dtype)


def by_eigenvalues(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def of(x: Array) -> Array:
        w, v = np.linalg.eig(x.astype(complex))
        made = (v * f(w)[..., None, :]) @ np.linalg.inv(v)
        return np.asarray(made if x.dtype.kind == "c" else made.real)

    return of


SMALL = Domain(((-0.5, 0.5),))
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
    "lu_factors": Samples(
        (REAL,),
        [call((1, 1)), call((3, 3)), call((4, 2)), call((2, 4)), call((2, 3, 2)), call((2, 0))],
        end_to_end(by_elimination),
        around=large_diagonal,
    ),
    "order_of_exchanges": Samples(
        (INDEX,),
        [call((2,), size=3), call((2, 2), size=2), call((0,), size=2), call((0, 2), size=2)],
        exchanged,
    ),
    "pseudoinverse": Samples(
        (REAL,),
        [
            *[call((1, 1), rcond=0.0), call((3, 3), rcond=1e-9), call((4, 2), rcond=0.0)],
            *[call((2, 4), rcond=0.0), call((2, 3, 2), rcond=0.0)],
        ],
        lambda x, rcond: by_normal_equations(x),
        around=large_diagonal,
        complex=True,
    ),
    # equations of structure
    "solve_sylvester": Samples(
        (REAL,),
        [
            *[call((1, 1), (1, 1), (1, 1)), call((3, 3), (2, 2), (3, 2))],
            *[call((2, 2, 2), (2, 2), (2, 1, 2, 2)), call((0, 0), (2, 2), (0, 2))],
        ],
        by_kronecker,
        around=large_diagonal,
        complex=True,
    ),
    "solve_bands": Samples(
        (REAL,),
        [
            call((3, 4), (4, 2), lower=1, upper=1),
            call((4, 4), (4, 1), lower=1, upper=2),
            call((2, 2, 3), (3, 1), lower=0, upper=1),
            call((1, 2), (2, 2), lower=0, upper=0),
            call((3, 1), (1, 1), lower=1, upper=1),
        ],
        by_whole_matrix,
        around=large_middle,
        complex=True,
    ),
    # functions of matrices
    "expm": Samples((SMALL,), SQUARES, by_series, complex=True),
    "logm": Samples((SMALL,), SQUARES, by_eigenvalues(np.log), around=large_diagonal, complex=True),
    "sqrtm": Samples(
        (SMALL,), SQUARES, by_eigenvalues(np.sqrt), around=large_diagonal, complex=True
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


NEW = np.lib.NumpyVersion(np.__version__) >= "2.0.0"


def apart_of_any(shape: Shape) -> Array:
    return np.eye(*shape[-2:]) * np.arange(1, shape[-1] + 1) * 3


def by_reflections(x: Array, tau: Array) -> Array:
    made = np.broadcast_to(np.eye(x.shape[-2]), (*x.shape[:-2], x.shape[-2], x.shape[-2]))
    for i in range(tau.shape[-1]):
        v = x[..., :, i] * (np.arange(x.shape[-2]) > i) + (np.arange(x.shape[-2]) == i)
        made = made @ (
            np.eye(x.shape[-2]) - tau[..., i, None, None] * v[..., :, None] * v[..., None, :]
        )
    return made[..., : x.shape[-1]]


def by_scipy(x: Array, permute_l: bool, p_indices: bool) -> tuple[Array, ...]:
    p, lower, upper = scipy.linalg.lu(x)
    if permute_l:
        return p @ lower, upper
    return (p.swapaxes(-1, -2).argmax(axis=-2) if p_indices else p), lower, upper


def solved(a: Array, b: Array) -> Array:
    return (np.linalg.inv(a) @ b[:, None])[..., 0] if b.ndim == 1 else np.linalg.inv(a) @ b


def triangular(a: Array, b: Array, trans: int | str = 0, **how: bool) -> Array:
    a = np.tril(a) if how.get("lower") else np.triu(a)
    if how.get("unit_diagonal"):
        a = a - a * np.eye(a.shape[-1]) + np.eye(a.shape[-1])
    turned = a if trans in (0, "N") else a.swapaxes(-1, -2)
    return solved(turned.conj() if trans in (2, "C") else turned, b)


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
    "linalg.pinv": Samples(
        (REAL,),
        [call((3, 2)), call((2, 2, 3)), call((3, 3), hermitian=True), call((3, 2), rcond=0.1)],
        lambda x, hermitian=False, rcond=1e-15: np.linalg.pinv(
            symmetric_part(x) if hermitian else x, rcond
        ),
        around=apart_of_any,
    ),
    "linalg.lstsq": Samples(
        (REAL, REAL),
        [call((4, 2), (4,)), call((4, 2), (4, 3)), call((2, 3), (2,)), call((3, 3), (3, 2))],
        end_to_end(lambda a, b: np.linalg.lstsq(a, b, rcond=None)),
        around=apart_of_any,
    ),
    "linalg.matrix_rank": Samples(
        (REAL,),
        [call((3, 2)), call((2, 3, 3)), call((3,)), call((3, 2), tol=0.5), call((3, 3), rtol=0.5)],
        np.linalg.matrix_rank if NEW else lambda x, **how: np.linalg.matrix_rank(x, how.get("tol")),
    ),
    "linalg.householder_product": Samples(
        (REAL, REAL), [call((4, 2), (2,)), call((2, 3, 3), (2, 2))], by_reflections
    ),
    "linalg.norm": Samples(
        (NONZERO,),
        [
            call((3,)),
            call((2, 3)),
            call((2, 3), ord="fro"),
            call((2, 3), ord="nuc", keepdims=True),
            call((3, 2), ord=2),
            call((2, 3, 4), ord=-2, axis=(2, 0), keepdims=True),
            call((2, 3), ord=1),
            call((2, 3), ord=-1),
            call((2, 3, 2), ord=np.inf, axis=(0, 1)),
            call((2, 3), ord=-np.inf),
            call((2, 3), ord=3, axis=1, keepdims=True),
            call((3,), ord=0.5),
            call((3,), ord=-2),
            call((2, 3), ord=np.inf, axis=0),
            call((2, 3), ord=-np.inf, axis=0),
            call((2, 3), ord=0, axis=0),
            call((2, 3), ord=1, axis=0),
        ],
        np.linalg.norm,
    ),
    "linalg.vector_norm": Samples(
        (NONZERO,),
        [call((2, 3)), call((2, 3), ord=3), call((2, 3, 2), axis=(0, 2), ord=1, keepdims=True)],
        lambda x, axis=None, keepdims=False, ord=2: (
            np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1 / ord)
        ),
    ),
    "linalg.matrix_norm": Samples(
        (NONZERO,),
        [call((2, 3)), call((2, 2, 3), ord="nuc"), call((2, 2, 3), ord=1, keepdims=True)],
        lambda x, keepdims=False, ord="fro": np.linalg.norm(x, ord, (-2, -1), keepdims),
    ),
    "linalg.cond": Samples(
        (REAL,),
        [call((3, 2)), call((2, 3, 3), p=1), call((3, 3), p="fro"), call((2, 2), p=-2)],
        lambda x, p=None: np.linalg.cond(x, p),
        around=apart_of_any,
    ),
    "linalg.trace": Samples(
        (REAL,),
        [call((3, 3)), call((2, 3, 4), offset=1)],
        lambda x, offset=0: np.trace(x, offset, -2, -1),
    ),
    "linalg.diagonal": Samples(
        (REAL,),
        [call((3, 3)), call((2, 3, 4), offset=-1)],
        lambda x, offset=0: np.diagonal(x, offset, -2, -1),
    ),
    "linalg.lu": Samples(
        (REAL,),
        [call((3, 3)), call((2, 4, 2)), call((2, 4), permute_l=True), call((3, 3), p_indices=True)],
        lambda x, permute_l=False, p_indices=False: end_to_end(by_scipy)(x, permute_l, p_indices),
    ),
}
