"""Complex numbers: where they come from, what they may become, and whose gradient is real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn

Z = np.array([1 + 2j, 3 - 1j, -0.5 + 0.25j])


@pytest.mark.parametrize(
    ("made", "dtype"),
    [
        (lambda: ai.tensor(1j), "complex64"),
        (lambda: ai.tensor([1, 2.0, 1j]), "complex64"),
        (lambda: ai.asarray(Z), "complex128"),
        (lambda: ai.tensor(Z, dtype="complex64"), "complex64"),
        (lambda: ai.tensor([1.0], dtype=ai.complex128), "complex128"),
        (lambda: ai.tensor([1.0, 2.0]) * 1j, "complex64"),
        (lambda: ai.tensor([1.0, 2.0], dtype="float64") + 1j, "complex128"),
        (lambda: ai.tensor([1.0], dtype="bfloat16") * 1j, "complex64"),
        (lambda: ai.arange(3) * 1j, "complex64"),
        (lambda: ai.arange(3) * ai.tensor(Z, dtype="complex64"), "complex64"),
        (lambda: ai.tensor(Z, dtype="complex64") * 2.5, "complex64"),
        (lambda: ai.tensor(Z, dtype="complex64") * np.float64(2.5), "complex64"),
        (lambda: ai.tensor(Z, dtype="complex64") * np.complex128(2j), "complex64"),
        (lambda: ai.tensor([1.0, 2.0]) - [1j, 2], "complex64"),
        (lambda: ai.ones(3, dtype="float64") - [1j, 2, 3], "complex128"),
        (lambda: ai.full(2, 1j, "complex64"), "complex64"),
        (lambda: ai.conj(2j), "complex64"),
        (lambda: ai.real([1j, 2]), "float32"),
        (lambda: ai.imag(ai.asarray(Z)), "float64"),
        (lambda: ai.angle(1), "float32"),
    ],
)
def test_dtype(made: Callable[[], ai.Tensor], dtype: str) -> None:
    assert made().dtype == dtype
    assert ai.compile(made)().dtype == dtype


def test_parts() -> None:
    z = ai.tensor(Z)
    for found, expected in (
        (z.real, Z.real),
        (z.imag, Z.imag),
        (z.conj(), Z.conj()),
        (z.reshape(1, 3).H, Z.reshape(1, 3).conj().T),
        (z.reshape(1, 1, 3).mH, Z.reshape(1, 3, 1).conj()),
        (ai.angle(z), np.angle(Z)),
        (ai.angle(z, deg=True), np.angle(Z, deg=True)),
        (np.conj(z), Z.conj()),
        (np.real(z), Z.real),
        (np.imag(z), Z.imag),
        (z.astype("bool"), [True] * 3),
    ):
        np.testing.assert_array_equal(found.data, expected)
    assert z.is_complex()
    assert not z.is_floating_point()
    assert complex(z[0]) == z[0].item() == 1 + 2j
    assert z.tolist() == Z.tolist()
    assert "1. +2.j" in repr(z)
    with pytest.raises(ValueError, match="use mH for stacks"):
        z.H  # noqa: B018


def test_of_real_numbers_nothing_is_made() -> None:
    x = ai.tensor([1.0, -2.0], requires_grad=True)
    for same in (x.conj(), ai.conj(x), ai.real(x), x.real):
        assert same is x
    assert x.imag.tolist() == [0.0, 0.0]
    assert not x.is_complex()


def test_the_gradient_is_that_of_the_real_part_plus_i_times_that_of_the_imaginary_part() -> None:
    z = ai.tensor(Z, requires_grad=True)
    ai.sum(2 * z.real + 3 * z.imag).backward()
    assert z.grad is not None
    np.testing.assert_array_equal(z.grad.data, np.full(3, 2 + 3j))


def test_the_gradient_of_a_real_leaf_is_real() -> None:
    x = ai.tensor([1.0, 2.0], requires_grad=True)
    ai.sum((x * [1j, 2 - 3j]).imag).backward()
    assert x.grad is not None
    assert x.grad.dtype == "float32"
    assert x.grad.tolist() == [1.0, -3.0]


def test_a_complex_result_has_no_gradient_of_its_own() -> None:
    z = ai.tensor(Z, requires_grad=True)
    calls: list[Callable[[], Any]] = [lambda: ai.sum(z).backward(), lambda: ai.grad(ai.sum)(Z)]
    for call in calls:
        with pytest.raises(RuntimeError, match="a complex128 number has no gradient of its own"):
            call()
    ai.sum(z).backward(1 + 1j)
    assert z.grad is not None
    assert z.grad.tolist() == [1 + 1j] * 3


@pytest.mark.parametrize(
    "function",
    [
        lambda z: z < 1,
        lambda z: z.real < 1j,
        lambda z: z.real <= 1j,
        ai.max,
        ai.argmin,
        ai.relu,
        ai.softplus,
        ai.sort,
        ai.cummax,
        ai.median,
        ai.fmax,
        ai.special.erf,
        ai.special.gamma,
        lambda z: ai.clip(z, 0, 1),
        lambda z: ai.maximum(z, 0),
        lambda z: ai.heaviside(z, 1),
        lambda z: nn.functional.layer_norm(z, (3,)),
    ],
)
def test_what_is_of_real_numbers_alone_is_refused(function: Callable[[Any], Any]) -> None:
    def of_one(z: Any) -> Any:
        return function(z) if function is not ai.fmax else function(z, z)

    for f in (of_one, ai.compile(of_one)):
        with pytest.raises(TypeError, match=r"complex numbers have no order.*ai\.real"):
            f(ai.tensor(Z, dtype="complex64"))


def test_parameters_are_real() -> None:
    with pytest.raises(TypeError, match=r"Parameter: .* self\.re \+ 1j \* self\.im"):
        nn.Parameter([1j])
    with pytest.raises(TypeError, match=r"SGD: parameter w is complex.* re \+ 1j \* im"):
        nn.SGD([("w", ai.tensor([1j], requires_grad=True))], lr=0.1)

    re, im = nn.Parameter([1.0]), nn.Parameter([2.0])
    optimizer = nn.SGD([re, im], lr=0.5)
    ai.sum(ai.abs(re + 1j * im - (3 - 1j)) ** 2).backward()
    optimizer.step()
    assert (re.tolist(), im.tolist()) == ([3.0], [-1.0])
