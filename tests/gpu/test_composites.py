"""Functions that are made of primitives, on a GPU: the host's values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from samples import COMPOSITES, joined
from test_composites import called as joining
from test_composites import found

import autograd_iron as ai
from autograd_iron.core.tensor import Tensor

from .device_under_test import TIER
from .test_eager import PHASES, fixed

# What is joined of functions whose vectors have the phases that a library likes.
FACTORS = {
    "linalg.eigh": "eigh_of_lower",
    "linalg.qr": "qr_factors",
    "linalg.svd": "svd_factors",
}


def called(path: str, row: Any, dtype: str) -> tuple[Any, list[Any]]:
    """Return a function, and its arrays; with one choice made where phases are free."""
    function, arrays = joining(path, row, dtype)
    name = FACTORS.get(path)
    if name is None:
        return function, arrays

    def chosen(*given: Any) -> Any:
        made = found(path)(*given, **row.attributes)
        if isinstance(made, tuple):
            return joined(PHASES[name](*made))
        return ai.matrix_transpose(made.mT * fixed(made.mT))  # the rows of R alone

    return chosen, arrays


def run(function: Any, arrays: list[Any], device: str) -> tuple[Any, list[Any]]:
    """Return a result and the gradients of a sum of its squares, as arrays of the host."""
    inputs: list[Tensor] = [
        ai.tensor(a, requires_grad=a.dtype.kind == "f", device=device) for a in arrays
    ]
    output = function(*inputs)
    assert output.device == inputs[0].device
    if output.requires_grad:
        ai.sum(output * output).backward()
    return output.numpy(), [x.grad.numpy() for x in inputs if x.grad is not None]


def is_elsewhere(error: str) -> bool:
    """Say whether SciPy alone computes it, or a function of CUDA's that g++ has not."""
    on_a_gpu = TIER == "sim" and "was not declared in this scope" in error
    return on_a_gpu or "on the host alone: move" in error


@pytest.mark.parametrize("path", sorted(COMPOSITES))
def test_the_host_and_the_device_agree(path: str, subtests: pytest.Subtests) -> None:
    for row in COMPOSITES[path].calls[:2]:
        if not row.shapes:
            continue
        with subtests.test(row=str(row)):
            function, arrays = called(path, row, "float32")
            expected, gradients = run(function, arrays, "cpu")
            try:
                value, gradients_there = run(function, arrays, "cuda")
            except Exception as error:
                if not is_elsewhere(str(error)):
                    raise
                continue
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
            assert len(gradients_there) == len(gradients)
            for a, b in zip(gradients_there, gradients, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
