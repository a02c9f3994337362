"""What the functions promise that are made of primitives: `COMPOSITES` in families/*.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from families.rearranging import LISTS, MOVES
from families.taking import ADAPTED
from samples import COMPOSITES, Call, case_of, joined, some_rows

import autograd_iron as ai
import nn


def found(path: str) -> Callable[..., Any]:
    """Return the function that users write so: "std", "linalg.pinv", "nn.functional.gelu"."""
    home, names = (nn, path.split(".")[1:]) if path.startswith("nn.") else (ai, path.split("."))
    if path in ADAPTED:
        return ADAPTED[path]
    for name in names:
        home = getattr(home, name)
    if path in LISTS:
        return lambda *arrays, **settings: home(list(arrays), **settings)  # type: ignore[operator]
    return home  # type: ignore[return-value]


every_composite = pytest.mark.parametrize("path", sorted(COMPOSITES))


def called(path: str, row: Call, dtype: str = "float64") -> tuple[Callable[..., Any], list[Any]]:
    """Return the function with a row's attributes, and its arrays; several results are one."""
    case = case_of(COMPOSITES[path], row, f"{path} {row}")
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in case.arrays]
    if dtype == "complex128":
        turns = np.exp(1j * np.arange(1, 1 + max((a.size for a in arrays), default=0)))
        arrays = [a * turns[: a.size].reshape(a.shape) if a.dtype == dtype else a for a in arrays]
    function = found(path)
    return (lambda *given: joined(function(*given, **case.attributes))), arrays


@every_composite
def test_value_is_that_of_another_source(path: str, subtests: pytest.Subtests) -> None:
    for row in COMPOSITES[path].calls:
        with subtests.test(row=str(row)):
            function, arrays = called(path, row)
            output = function(*map(ai.asarray, arrays))
            expected = np.asarray(COMPOSITES[path].elsewhere(*arrays, **row.attributes))
            assert output.shape == expected.shape
            assert output.dtype == expected.dtype
            np.testing.assert_allclose(output.data, expected, rtol=1e-10, atol=1e-12)


@every_composite
def test_float32_stays_float32(path: str) -> None:
    row = COMPOSITES[path].calls[0]
    function, arrays = called(path, row, "float32")
    narrow, (same, wide) = function(*map(ai.asarray, arrays)), called(path, row)
    expected = same(*map(ai.asarray, wide))
    assert narrow.dtype == ("float32" if expected.dtype == "float64" else expected.dtype)


@every_composite
def test_both_gradients_are_finite_differences(path: str, subtests: pytest.Subtests) -> None:
    for row in some_rows(COMPOSITES[path], "gradients"):
        function, arrays = called(path, row)
        output = function(*map(ai.asarray, arrays))
        if not output.is_floating_point() or not output.size:
            continue
        with subtests.test(row=str(row)):
            ai.check_grads(function, [ai.asarray(a) for a in arrays], order=2, rtol=1e-4, atol=1e-6)


@every_composite
def test_compiled_is_eager(path: str) -> None:
    for row in some_rows(COMPOSITES[path], "compiled", 3):
        function, arrays = called(path, row)
        expected = function(*map(ai.asarray, arrays))

        def both(*given: Any, f: Callable[..., Any] = function) -> Any:
            leaves = [x.detach() for x in given]
            for x in leaves:
                x.requires_grad = x.is_floating_point()
            output = f(*leaves)
            if output.requires_grad:
                ai.sum(output * output).backward()
            return output.detach(), [x.grad for x in leaves if x.grad is not None]

        value, gradients = both(*map(ai.asarray, arrays))
        compiled, of_plan = ai.compile(both)(*map(ai.asarray, arrays))
        np.testing.assert_allclose(value.data, expected.data, rtol=1e-12)
        np.testing.assert_allclose(compiled.data, value.data, rtol=1e-12, atol=1e-12)
        assert len(of_plan) == len(gradients)
        for a, b in zip(of_plan, gradients, strict=True):
            np.testing.assert_allclose(a.data, b.data, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("path", [path for path in sorted(COMPOSITES) if COMPOSITES[path].complex])
def test_of_complex_numbers_too(path: str, subtests: pytest.Subtests) -> None:
    for row in some_rows(COMPOSITES[path], "complex", 5):
        with subtests.test(row=str(row)):
            function, arrays = called(path, row, "complex128")
            output = function(*map(ai.asarray, arrays))
            expected = np.asarray(COMPOSITES[path].elsewhere(*arrays, **row.attributes))
            assert output.dtype == expected.dtype
            np.testing.assert_allclose(output.data, expected, rtol=1e-10, atol=1e-12)
            if output.is_complex() and output.size:
                ai.check_grads(function, [ai.asarray(a) for a in arrays], order=2)


@pytest.mark.parametrize("path", sorted(MOVES))
def test_what_moves_values_moves_integers_and_truths(path: str, subtests: pytest.Subtests) -> None:
    for row in some_rows(COMPOSITES[path], "integers", 5):
        for dtype in ("uint8", "int32", "bool"):
            with subtests.test(row=str(row), dtype=dtype):
                function, arrays = called(path, row)
                whole = [(9 * abs(a)).astype(dtype) if a.dtype == "float64" else a for a in arrays]
                output = function(*map(ai.asarray, whole))
                expected = np.asarray(COMPOSITES[path].elsewhere(*whole, **row.attributes))
                assert output.dtype == expected.dtype
                np.testing.assert_array_equal(output.data, expected)
