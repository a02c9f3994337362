"""Values and gradients beside PyTorch's, for every operation that PyTorch has under the same name.

Of each row of samples that PyTorch can be called with: the value, the gradient of a random
cotangent, and the gradient of that. PyTorch comes with the extra `torch`; without it these are left
out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from samples import COMPOSITES, PRIMITIVES, SAMPLES, Array, Call, Samples, case_of
from test_composites import found

import autograd_iron as ai

torch = pytest.importorskip("torch")

# What PyTorch says of its own: a graph that its gradients keep, and a default that it regrets.
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:Using backward\(\) with create_graph:UserWarning"),
    pytest.mark.filterwarnings("ignore:Implicit dimension choice:UserWarning"),
]

# Their word for ours, where the two differ; None where theirs means something else.
WORDS: dict[str, str | None] = {
    "concat": "concat",
    "permute_dims": None,  # another call
    "expand_dims": None,
    "matrix_transpose": None,
    "ldexp": None,  # in theirs 2 ** -1 is 0, of integers, where the gradient is made
    "linalg.cholesky": None,  # theirs reads one triangle, ours the symmetric part, as JAX's
    "linalg.eigh": None,
    "linalg.eigvalsh": None,
    "norm": None,  # of matrices, theirs is another
    "pad": None,  # in nn.functional: from the last axis on
    "flip": None,  # needs its axes
    "std": None,  # divides by n - 1: see `std` with correction
    "var": None,
    "median": None,  # the lower of two in the middle
    "nanmedian": None,
    "split": None,  # their number is a size
    "repeat": "repeat_interleave",
    "tile": "tile",
    "clip": "clip",
    "sum_to": None,
    "equal": "eq",
    "meshgrid": None,  # another order of axes
    "vander": None,  # theirs cannot be differentiated: it writes into its own result
    "round": "round",
    "diag": "diag",
    "cross": None,
    "trapezoid": "trapezoid",
    "gradient": None,
    "sort": None,
    "argsort": None,
    "unique": None,
    "cov": "cov",
    "squeeze": None,
    "max": "amax",
    "min": "amin",
    "take": None,  # theirs flattens
    "gather": None,
    "sign": "sgn",
    "transpose": None,
    "linalg.qr": None,
    "special.kl_div": None,  # in theirs, of logarithms
    "linear": "nn.functional.linear",
}
ATTRIBUTES = {"axis": "dim", "keepdims": "keepdim", "axes": "dims"}
HOMES = {
    "": ("", "special", "linalg", "nn.functional"),
    "linalg": ("linalg",),
    "fft": ("fft",),
    "special": ("special", ""),
    "nn.functional": ("nn.functional",),
}
ENTRIES: dict[str, Samples] = {**SAMPLES, **COMPOSITES}


# Why PyTorch differentiates less than it computes; the last is a fault of its own.
NO_GRADIENT = ("not implemented", "not differentiable", "modified by an inplace operation")


def theirs(path: str) -> Callable[..., Any] | None:
    """Return PyTorch's function for ours."""
    word = WORDS.get(path, path)
    if word is None:
        return None
    home, _, name = word.rpartition(".")
    for place in HOMES.get(home, ()):
        module = torch
        for part in filter(None, place.split(".")):
            module = getattr(module, part)
        if callable(getattr(module, name, None)):
            function: Callable[..., Any] = getattr(module, name)
            return function
    return None


def ours(path: str) -> Callable[..., Any]:
    return PRIMITIVES[path] if path in SAMPLES else found(path)


def one(outputs: Any) -> Any:
    """Return the floating results end to end, in either library."""
    if not isinstance(outputs, tuple | list):
        return outputs
    parts = [t for t in outputs if t.is_floating_point() or t.dtype in COMPLEX]
    flat = [t.reshape(-1) for t in parts]
    return ai.concat(flat) if isinstance(flat[0], ai.Tensor) else torch.cat(flat)


def as_numpy(g: Any) -> Array:
    values: Array = g.detach().numpy(**({} if isinstance(g, ai.Tensor) else {"force": True}))
    return values


COMPLEX = (torch.complex64, torch.complex128)


def twice(output: Any, leaves: list[Any], us: list[Array], made: Callable[[Array], Any]) -> Any:
    """Return the gradients of <u, output>, and of the sum of their products with other numbers."""
    smooth = [x for x in leaves if x.requires_grad]
    total = (output * made(us[0])).sum()
    total = total.real if "complex" in str(total.dtype) else total
    total.backward(create_graph=True)
    first = [x.grad for x in smooth]
    for x in smooth:
        x.grad = None
    parts = [
        (g * made(u)).sum()
        for g, u in zip(first, us[1:], strict=False)
        if g is not None and g.requires_grad
    ]
    if parts:
        again = sum(p.real if "complex" in str(p.dtype) else p for p in parts)
        again.backward()
    second = [x.grad for x in smooth]
    values = lambda gs: [None if g is None else as_numpy(g) for g in gs]  # noqa: E731
    return values(first), values(second)


def compared(path: str, row: Call, arrays: list[Array]) -> bool:
    """Compare one call; return False where PyTorch cannot be called so."""
    function, reference = ours(path), theirs(path)
    assert reference is not None
    if "hermitian" in row.attributes:  # theirs reads one triangle, ours the symmetric part
        return False
    attributes = {ATTRIBUTES.get(k, k): v for k, v in row.attributes.items()}
    their_leaves = [torch.tensor(a, requires_grad=a.dtype.kind in "fc") for a in arrays]
    try:
        their_output = one(reference(*their_leaves, **attributes))
    except (TypeError, RuntimeError, ValueError, IndexError, NotImplementedError):
        return False
    if getattr(their_output, "dtype", None) not in (torch.float64, torch.complex128):
        return False
    leaves = [ai.tensor(a, requires_grad=a.dtype.kind in "fc") for a in arrays]
    output = one(function(*leaves, **row.attributes))
    if tuple(their_output.shape) != output.shape:
        return False
    np.testing.assert_allclose(
        output.detach().numpy(), their_output.detach().numpy(), rtol=1e-9, atol=1e-10
    )
    if not (output.requires_grad and their_output.requires_grad):
        return True
    source = np.random.default_rng(3)
    us = [source.standard_normal(output.shape)] + [source.standard_normal(a.shape) for a in arrays]
    try:
        their_first, their_second = twice(their_output, their_leaves, us, torch.tensor)
    except (NotImplementedError, RuntimeError) as error:
        if any(reason in str(error) for reason in NO_GRADIENT):
            return True
        raise
    first, second = twice(output, leaves, us, ai.tensor)
    for mine, other in zip(first + second, their_first + their_second, strict=True):
        zero = (
            np.zeros(())
            if mine is None and other is None
            else np.zeros_like(mine if other is None else other)
        )
        np.testing.assert_allclose(
            zero if mine is None else mine, zero if other is None else other, rtol=1e-7, atol=1e-8
        )
    return True


def rows(path: str) -> Iterator[tuple[Call, list[Array]]]:
    entry = ENTRIES[path]
    for row in entry.calls:
        arrays = list(case_of(entry, row, f"{path} {row}").arrays)
        yield row, arrays
        if entry.complex and entry.around is None:
            other = case_of(entry, row, f"{path} {row} imaginary").arrays
            yield (
                row,
                [
                    a + 1j * b if a.dtype.kind == "f" else a
                    for a, b in zip(arrays, other, strict=True)
                ],
            )


PATHS = sorted(path for path in ENTRIES if theirs(path) is not None)


@pytest.mark.parametrize("path", PATHS)
def test_values_and_both_gradients_are_those_of_pytorch(
    path: str, subtests: pytest.Subtests
) -> None:
    count = 0
    for row, arrays in rows(path):
        kinds = "".join(a.dtype.kind for a in arrays)
        with subtests.test(row=str(row), kinds=kinds):
            count += compared(path, row, arrays)
    if not count:
        pytest.skip("PyTorch cannot be called as the samples say")


def test_most_names_of_the_engine_are_compared() -> None:
    assert len(PATHS) > 60
    assert inspect.isfunction(compared)
