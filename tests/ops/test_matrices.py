"""Matrices: complex ones, singular ones, what has no gradient, and results that have names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from sampling import Array

import autograd_iron as ai

L: Any = ai.linalg


def drawn(*shape: int, seed: int = 0) -> Array:
    source = np.random.default_rng(seed)
    return np.asarray(source.standard_normal(shape) + 1j * source.standard_normal(shape))


def weighted(y: ai.Tensor) -> ai.Tensor:
    """Return a real number in which each part of each element counts."""
    weights = drawn(*y.shape, seed=7)
    if not y.is_complex():
        return ai.sum(y * weights.real)
    return ai.sum(ai.real(ai.conj(weights) * y))


def columns(v: ai.Tensor) -> ai.Tensor:
    """Return what the phase of each column leaves alone."""
    return v * ai.conj(v[..., :1, :])


def parts(*losses: ai.Tensor) -> ai.Tensor:
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total


def of_svd(x: ai.Tensor) -> ai.Tensor:
    u, s, vh = L.svd(x, full_matrices=False)
    both = ai.conj(ai.matrix_transpose(u))[..., :, :, None] * ai.conj(vh)[..., :, None, :]
    return parts(weighted(both), weighted(columns(u)), weighted(s), weighted(columns(vh.mH)))


SQUARE: dict[str, Callable[[Any], Any]] = {
    "inv": lambda x: weighted(L.inv(x)),
    "det": lambda x: weighted(L.det(x)),
    "slogdet": lambda x: parts(*map(weighted, L.slogdet(x))),
    "solve": lambda x: weighted(L.solve(x, drawn(3, 2))),
    "solve_triangular": lambda x: weighted(L.solve_triangular(x, drawn(3), trans="C")),
    "eigh": lambda x: parts(weighted(L.eigh(x)[0]), weighted(columns(L.eigh(x)[1]))),
    "eigh of a triangle": lambda x: weighted(columns(L.eigh(x, UPLO="U").eigenvectors)),
    "eigvalsh": lambda x: weighted(L.eigvalsh(x)),
    "eig": lambda x: weighted(ai.sum(columns(L.eig(x)[1]) * L.eig(x)[0][..., None, :], axis=-1)),
    "cholesky": lambda x: weighted(L.cholesky(L.tensordot(x, x.mH, 1) + 3 * np.eye(3))),
}
ANY: dict[str, Callable[[Any], Any]] = {
    "qr": lambda x: parts(*map(weighted, L.qr(x))),
    "r": lambda x: weighted(L.qr(x, "r")),
    "r of a complete qr": lambda x: weighted(L.qr(x, "complete").R),
    "svd": of_svd,
    "svdvals": lambda x: weighted(L.svdvals(x)),
    "singular values beside full matrices": lambda x: weighted(L.svd(x).S),
}
CASES = [
    *[(name, f, (3, 3)) for name, f in SQUARE.items()],
    *[(name, f, shape) for name, f in ANY.items() for shape in ((3, 3), (4, 2), (2, 4))],
]


def slopes(f: Callable[[Any], Any], x: Array, eps: float = 1e-6) -> Array:
    """Return the slopes along the real and the imaginary part of each element, as PyTorch does."""
    found = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        for unit in (1, 1j) if x.dtype.kind == "c" else (1,):
            step = np.zeros_like(x)
            step[place] = eps * unit
            found[place] += unit * float(f(ai.tensor(x + step)) - f(ai.tensor(x - step))) / 2 / eps
    return found


@pytest.mark.parametrize(("name", "f", "shape"), CASES, ids=lambda p: p if type(p) is str else "")
@pytest.mark.parametrize("part", ["real", "complex"])
def test_gradients(name: str, f: Callable[[Any], Any], shape: Any, part: str) -> None:
    if name == "cholesky" and part == "complex":
        return  # x times its adjoint is matmul's
    given = drawn(*shape) if part == "complex" else drawn(*shape).real
    x = ai.tensor(given, requires_grad=True)
    f(x).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), slopes(f, given), rtol=1e-5, atol=1e-6)


def test_results_have_numpys_names_and_are_tuples() -> None:
    x = ai.tensor(np.eye(3) + 0.1 * drawn(3, 3).real)
    for made, names in {
        L.eigh(x): ("eigenvalues", "eigenvectors"),
        L.eig(x): ("eigenvalues", "eigenvectors"),
        L.qr(x): ("Q", "R"),
        L.svd(x): ("U", "S", "Vh"),
        L.slogdet(x): ("sign", "logabsdet"),
    }.items():
        assert made._fields == names
        assert all(isinstance(part, ai.Tensor) for part in made)
    compiled = ai.compile(L.qr)(x)
    np.testing.assert_allclose((compiled.Q @ compiled.R).numpy(), x.numpy(), atol=1e-12)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_a_determinant_has_both_gradients_whatever_the_rank(rank: int) -> None:
    u, s, vh = np.linalg.svd(drawn(4, 4).real)
    x = (u * np.where(np.arange(4) < rank, s, 0)) @ vh
    ai.check_grads(L.det, [x], order=2)
    ai.check_grads(L.det, [np.zeros((2, 2))], order=2)
    ai.check_grads(L.det, [np.eye(3)], order=2)


def test_what_equal_eigenvalues_leave() -> None:
    x = ai.tensor(np.eye(3), requires_grad=True)
    ai.sum(L.eigvalsh(x) * [1.0, 1.0, 1.0]).backward()
    np.testing.assert_allclose(x.grad.numpy(), np.eye(3), atol=1e-12)  # type: ignore[union-attr]
    ai.sum(L.svdvals(x)).backward()


NONE_THERE: dict[str, tuple[Callable[[Any], Any], Array, str]] = {
    "eigh": (lambda x: L.eigh(x)[1][0, 1], np.eye(3), "their eigenvalue is no other one's"),
    "eig": (lambda x: L.eig(x)[1].real[0, 1], np.eye(3), "their eigenvalue is no other one's"),
    "svd": (lambda x: L.svd(x).U[0, 1], np.eye(3), "singular value is no other one's"),
    "zero": (
        lambda x: ai.sum(L.svd(x, full_matrices=False).U * np.arange(8.0).reshape(4, 2)),
        np.zeros((4, 2)),
        "not square or complex, not 0",
    ),
    "full svd": (lambda x: L.svd(x).U[0, 0], np.ones((3, 2)), "use full_matrices=False"),
    "full qr": (lambda x: L.qr(x, "complete").Q[0, 0], np.eye(3, 2), "use mode='reduced'"),
    "qr": (lambda x: L.qr(x).R[0, 0], np.zeros((3, 3)), "Singular"),
    "slogdet": (lambda x: L.slogdet(x)[1], np.zeros((2, 2)), "Singular"),
}


@pytest.mark.parametrize(("f", "x", "says"), NONE_THERE.values(), ids=NONE_THERE)
def test_a_gradient_that_does_not_exist_is_refused(
    f: Callable[[Any], Any], x: Array, says: str
) -> None:
    t = ai.tensor(x, requires_grad=True)
    with pytest.raises(ValueError, match=says):
        f(t).backward()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (L.inv, "must be square"),
        (L.det, "must be square"),
        (L.eigh, "must be square"),
        (lambda x: L.eigh(x.mT @ x, UPLO="X"), "neither 'L' nor 'U'"),
        (lambda x: L.qr(x, mode="full"), "none of 'reduced', 'complete' and 'r'"),
        (lambda x: L.qr(x[0]), "two axes or more"),
        (lambda x: L.solve(x, x), "square"),
        (lambda x: L.solve_triangular(x.mT @ x, x, trans=3), "none of 0, 1, 2"),
        (L.tensorinv, "no square matrix"),
        (lambda x: L.tensorsolve(x, x), "no square matrix"),
        (lambda x: L.norm(x, ord="fro", axis=0), "no norm of vectors"),
        (lambda x: L.norm(x, ord=3), "no norm of matrices"),
        (lambda x: L.norm(x[None], ord=2), "name one axis or two"),
        (lambda x: L.pinv(x, 0.1, rtol=0.1), "two words for one number"),
        (lambda x: L.householder_product(x.mT, x[0]), "no reflections in shapes"),
        (lambda x: L.lu_solve(L.lu_factor(x), x), "must be square"),
        (lambda x: L.cond(x[0]), "two axes or more"),
        (lambda x: L.inv(ai.zeros((2, 2))), "Singular"),
        (lambda x: L.cholesky(-ai.ones((2, 2))), "not positive definite"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[Any], Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call(ai.tensor(drawn(3, 2).real))


def test_lu_factors_solve() -> None:
    a, b = drawn(2, 3, 3), drawn(3, 2)
    made = L.lu(a)
    assert made._fields == ("P", "L", "U")
    np.testing.assert_allclose((made.P @ made.L @ made.U).numpy(), a, atol=1e-12)
    rows = L.lu(a, p_indices=True)
    for i in range(2):
        whole = rows.L.numpy()[i][rows.P.numpy()[i]] @ rows.U.numpy()[i]
        np.testing.assert_allclose(whole, a[i], atol=1e-12)
    for trans, turned in enumerate((a, a.swapaxes(-1, -2), a.conj().swapaxes(-1, -2))):
        for right in (b, b[:, 0]):
            found = L.lu_solve(L.lu_factor(a), right, trans=trans)
            expected = np.linalg.inv(turned) @ right
            np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("n", [-2, -1, 0, 1, 2, 5])
def test_powers(n: int) -> None:
    x = drawn(2, 3, 3).real
    np.testing.assert_allclose(L.matrix_power(x, n).numpy(), np.linalg.matrix_power(x, n))
    if n:
        ai.check_grads(lambda x: L.matrix_power(x, n), [x[0]], order=2)


@pytest.mark.parametrize("widths", [(1, 1), (2, 0), (0, 1), (2, 1), (1, 2)])
def test_banded_matrices(widths: tuple[int, int]) -> None:
    bands = drawn(sum(widths) + 1, 5) + 7 * (np.arange(sum(widths) + 1) == widths[1])[:, None]
    for b in (drawn(5, 2, seed=1), drawn(5, seed=1)):
        found = L.solve_banded(widths, bands, b)
        np.testing.assert_allclose(found.numpy(), scipy.linalg.solve_banded(widths, bands, b))
        ai.check_grads(lambda ab, b: L.solve_banded(widths, ab, b), [bands, b], order=2)
    with pytest.raises(ValueError, match=rf"{widths[0]} diagonals below and {widths[1]} above"):
        L.solve_banded(widths, bands[1:], drawn(5))


def test_functions_of_matrices_that_are_no_diagonals() -> None:
    x = np.array([[1.0, 1.0], [0.0, 1.0]])  # has one eigenvector
    for f in (L.expm, L.logm, L.sqrtm):
        ai.check_grads(f, [x], order=2)
    np.testing.assert_allclose(L.sqrtm(x).numpy(), [[1.0, 0.5], [0.0, 1.0]], atol=1e-12)
    with pytest.raises(ValueError, match="not real: give a complex matrix"):
        L.sqrtm(-np.eye(2))
    np.testing.assert_allclose(L.sqrtm(-np.eye(2) + 0j).numpy(), 1j * np.eye(2), atol=1e-12)


def test_the_pseudoinverse_of_what_has_not_full_rank() -> None:
    x = drawn(4, 2).real @ drawn(2, 3, seed=1).real
    np.testing.assert_allclose(L.pinv(x).numpy(), np.linalg.pinv(x), atol=1e-12)
    assert L.matrix_rank(x).item() == 2
    solution, _, rank, s = L.lstsq(x, np.ones(4))
    expected = np.linalg.lstsq(x, np.ones(4), rcond=None)
    np.testing.assert_allclose(solution.numpy(), expected[0], atol=1e-12)
    assert rank.item() == expected[2]
    np.testing.assert_allclose(s.numpy(), expected[3], atol=1e-12)
    # Along matrices of that rank: x times what is near 1.
    u = drawn(3, 3).real
    ai.check_grads(lambda t: L.pinv(ai.matmul(x, np.eye(3) + t * u)), [np.array(0.1)], order=2)


@pytest.mark.parametrize("ord", [1, 2, 3, 0.5, -1, np.inf, -np.inf])
def test_the_norm_of_a_zero_vector_has_a_gradient(ord: float) -> None:
    x = ai.tensor(np.zeros(3), requires_grad=True)
    with np.errstate(divide="ignore"):
        L.vector_norm(x, ord=ord).backward()
    assert np.isfinite(x.grad.numpy()).all()  # type: ignore[union-attr]


def test_cholesky_factors_solve() -> None:
    x, b = drawn(3, 3), drawn(3, 2)
    a = x @ x.conj().T + np.eye(3)
    for lower in (False, True):
        factor = L.cho_factor(a, lower=lower)
        np.testing.assert_allclose(L.cho_solve(factor, b).numpy(), np.linalg.solve(a, b))
