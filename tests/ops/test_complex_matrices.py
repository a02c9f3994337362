"""Complex matrices taken apart: what is unique of the factors, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_iron as ai


def matrices(*shape: int) -> Any:
    source = np.random.default_rng(3)
    made = source.standard_normal(shape) + 1j * source.standard_normal(shape)
    return ai.asarray(made)


def values_and_projections(x: Any) -> Any:
    """Return eigenvalues, and what does not depend on the factors of the eigenvectors."""
    w, v = ai.linalg.eigh(x)
    first = v[..., :, :1]
    return w, first @ first.mH, ai.abs(v)


def singular_values_and_projections(x: Any) -> Any:
    """Return singular values, and what does not depend on the factors of the vectors."""
    u, s, vh = ai.linalg.svd(x, full_matrices=False)
    return s, u[..., :, :1] @ vh[..., :1, :], ai.abs(u)


def eigenvalues_and_projections(x: Any) -> Any:
    """Return eigenvalues of any matrix, and the projections on its eigenspaces."""
    w, v = ai.linalg.eig(x)
    return w, v[..., :, :1] @ ai.linalg.inv(v)[..., :1, :]


def of_spectra(x: Any) -> Any:
    """Return what is made of eigenvalues or solutions: all that is unique."""
    hermitian = x @ x.mH + ai.asarray(np.eye(x.shape[-1]))
    sign, logarithm = ai.linalg.slogdet(x)
    return (
        sign,
        logarithm,
        ai.linalg.det(x),
        ai.linalg.inv(x),
        ai.linalg.eigvalsh(hermitian),
        ai.linalg.svdvals(x),
    )


def cholesky(x: Any) -> Any:
    return ai.linalg.cholesky(x @ x.mH + 3 * ai.asarray(np.eye(x.shape[-1])))


FUNCTIONS = [
    values_and_projections,
    cholesky,
    singular_values_and_projections,
    eigenvalues_and_projections,
    of_spectra,
]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 2, 2)])
def test_gradients_of_what_is_unique(function: Any, shape: tuple[int, ...]) -> None:
    ai.check_grads(function, [matrices(*shape)], order=2, rtol=1e-4, atol=1e-6)


def test_the_hermitian_part_is_taken_apart() -> None:
    x = matrices(2, 3, 3)
    hermitian = (x.data + x.data.conj().swapaxes(-1, -2)) / 2
    w, v = ai.linalg.eigh(x)
    assert (w.dtype, v.dtype) == ("float64", "complex128")
    np.testing.assert_allclose((v * ai.expand_dims(w, -2) @ v.mH).data, hermitian, atol=1e-12)
    lower = cholesky(x).data
    expected = np.linalg.cholesky(x.data @ x.data.conj().swapaxes(-1, -2) + 3 * np.eye(3))
    np.testing.assert_allclose(lower, expected, atol=1e-12)


def test_compiled() -> None:
    def step(x: Any) -> Any:
        x = x.detach()
        x.requires_grad = True
        w, projection, size = values_and_projections(x)
        loss = ai.sum(w * w) + ai.sum(ai.imag(projection)) + ai.sum(size)
        (loss + ai.sum(ai.real(cholesky(x)))).backward()
        return loss.detach(), x.grad

    for found, wanted in zip(ai.compile(step)(matrices(3, 3)), step(matrices(3, 3)), strict=True):
        np.testing.assert_allclose(found.data, wanted.data, rtol=1e-10)


def test_eigenvalues_that_are_equal_have_gradients_if_no_eigenvector_is_used() -> None:
    for dtype in ("float64", "complex128"):
        x = ai.tensor(np.eye(3), dtype=dtype, requires_grad=True)
        w, _ = ai.linalg.eigh(x)
        ai.sum(w).backward()
        assert x.grad is not None
        np.testing.assert_allclose(x.grad.data, np.eye(3))
