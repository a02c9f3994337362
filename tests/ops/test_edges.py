"""Numerically honest edges: docs/edges.md is true, row by row, and zero absorbs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import DIFFERENTIABLE, PRIMITIVES, SAMPLES, fixed_case, leaves, result

import autograd_iron as ai
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, BY_SCIPY_ON_HOST

PAGE = (Path(__file__).parents[2] / "docs" / "edges.md").read_text(encoding="utf-8")
NUMBERS = {"inf": np.inf, "nan": np.nan}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
DOES_NOT_ABSORB = re.findall(r"^- `(\w+)`$", PAGE, re.MULTILINE)
# What the page must speak of.
PROMISED = {
    *("sqrt", "abs", "norm", "max", "min", "maximum", "minimum", "log", "clip", "relu", "where"),
    *("x ** 0.5", "0 ** x"),
}


def number(cell: str) -> Any:
    return np.array(eval(cell, {**NUMBERS, "__builtins__": {}}), "float32")


def test_the_page_speaks_of_what_it_must() -> None:
    assert len(ROWS) > 40
    assert {p for p in PROMISED if not any(p in row[0] for row in ROWS)} == set()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} at {row[1]}" for row in ROWS])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_page_is_true(row: list[str], dtype: str, create_graph: bool) -> None:
    code, at, value, gradient, _why = row
    if dtype == "float64" and "too large for float32" in row[4]:
        return
    x = ai.tensor(number(at), dtype=dtype, requires_grad=True)
    with np.errstate(all="ignore"):  # NumPy warns of 1 / 0; a backward pass must not
        y = eval(code.strip("`"), {**vars(ai), "x": x})
    y.backward(np.ones(y.shape), create_graph=create_graph)
    assert y.dtype == dtype
    assert x.grad is not None
    assert y.shape == number(value).shape
    tolerance = {"bfloat16": 8e-3, "float16": 2e-3}.get(dtype, 2e-6)
    np.testing.assert_allclose(y.data, number(value), rtol=tolerance)
    np.testing.assert_allclose(x.grad.data, number(gradient), rtol=tolerance, atol=1e-7)


GUARDED = [row for row in ROWS if row[0].startswith("`where")]


@pytest.mark.parametrize("row", GUARDED, ids=[row[0] for row in GUARDED])
def test_guards_hold_in_second_order(row: list[str]) -> None:
    x = ai.tensor(number(row[1]), dtype="float64", requires_grad=True)
    with np.errstate(all="ignore"):
        y = eval(row[0].strip("`"), {**vars(ai), "x": x})
    for _ in range(2):
        ai.sum(y).backward(create_graph=True)
        assert x.grad is not None
        y, x.grad = x.grad, None
        assert np.isfinite(y.data).all()
        assert y.data[0] == 0


# --- zero absorbs, over the whole registry

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, np.inf, -np.inf, np.nan, 1e38, -1e38, 1e-45, 800.0, -800.0],
    "float32",
)
WITHIN = np.array([0.0, 0.5, 1.0, np.nan], "float32")  # for what is defined on [0, 1] alone


def special_arrays(name: str) -> list[np.ndarray[Any, Any]]:
    """Return every combination of special numbers that an elementwise primitive may meet."""
    grids = [
        np.array([True, False])
        if domain.dtype == "bool"
        else np.arange(-2, 3)
        if domain.dtype != "float64"
        else (WITHIN if domain.width < 1 else SPECIAL)
        for domain in SAMPLES[name].domains
    ]
    return [np.array(grid.ravel()) for grid in np.meshgrid(*grids)]


def absorbed(name: str, arrays: list[np.ndarray[Any, Any]], attributes: Any) -> bool:
    """Return whether no gradient but 0 comes back through a result that was not chosen."""
    for create_graph in (False, True):
        inputs = leaves(name, arrays)
        with np.errstate(all="ignore"):
            try:
                output = result(name, inputs, attributes)
                nowhere = np.zeros(output.shape, bool)
                ai.sum(ai.where(nowhere, output, 1.0)).backward(create_graph=create_graph)
            except ValueError:  # LAPACK refuses a matrix
                return False
        if any(t.grad is not None and np.any(t.grad.data != 0) for t in inputs):
            return False
    return True


@pytest.mark.parametrize("name", [n for n in DIFFERENTIABLE if SAMPLES[n].elementwise])
def test_zero_absorbs_elementwise(name: str) -> None:
    attributes = SAMPLES[name].calls[0].attributes
    arrays = special_arrays(name)
    together = absorbed(name, arrays, attributes)
    if not together:
        combinations = zip(*arrays, strict=True)
        guilty = [
            c for c in combinations if not absorbed(name, [np.array([v]) for v in c], attributes)
        ]
        pytest.fail(f"{name} passes a gradient on at {[tuple(map(float, c)) for c in guilty]}")


@pytest.mark.parametrize("name", [n for n in DIFFERENTIABLE if SAMPLES[n].elementwise])
def test_a_zero_in_one_place_leaves_the_others_alone(name: str) -> None:
    # Half of the places are chosen and ordinary, half are special and not chosen.
    attributes = SAMPLES[name].calls[0].attributes
    special = special_arrays(name)
    n = len(special[0])
    source = np.random.default_rng(0)
    ordinary = [
        domain.values(source.integers(0, 1000, n)).astype(a.dtype)
        for domain, a in zip(SAMPLES[name].domains, special, strict=True)
    ]
    chosen = np.repeat([True, False], n)
    mixed = leaves(name, [np.concatenate(p) for p in zip(ordinary, special, strict=True)])
    alone = leaves(name, ordinary)
    with np.errstate(all="ignore"):
        output = result(name, mixed, attributes)
    chosen = np.resize(chosen, output.shape)  # once for each output, where there are several
    ai.sum(ai.where(chosen, output, 0.0)).backward()
    ai.sum(result(name, alone, attributes)).backward()
    for m, a in zip(mixed, alone, strict=True):
        if a.grad is not None:
            assert m.grad is not None
            np.testing.assert_allclose(m.grad.data[:n], a.grad.data, rtol=1e-6)
            np.testing.assert_array_equal(m.grad.data[n:], 0)


@pytest.mark.parametrize("name", [n for n in DIFFERENTIABLE if not SAMPLES[n].elementwise])
def test_zero_absorbs_in_reductions_shapes_and_products(name: str) -> None:
    failures = []
    for row in SAMPLES[name].calls:
        case = fixed_case(name, row)
        for special in (0.0, np.inf, -np.inf, np.nan):
            arrays = [
                np.full(a.shape, special, "float32") if a.dtype.kind == "f" else a
                for a in case.arrays
            ]
            if not absorbed(name, arrays, case.attributes):
                failures.append(f"{row} at {special}")
    of_matrices = PRIMITIVES[name].by_kernel in (BY_LIBRARY, BY_SCIPY_ON_HOST)
    assert bool(failures) == (of_matrices or name in DOES_NOT_ABSORB), failures


# --- warnings


def test_backward_emits_no_warning() -> None:
    # Warnings are errors here; the cotangent is not zero, so nothing is absorbed.
    for name in DIFFERENTIABLE:
        if SAMPLES[name].elementwise:
            inputs = leaves(name, special_arrays(name))
            with np.errstate(all="ignore"):
                output = result(name, inputs, SAMPLES[name].calls[0].attributes)
            output.backward(np.ones(output.shape), create_graph=True)
            for t in inputs:
                if t.grad is not None and t.grad.requires_grad:
                    t.grad.backward(np.ones(t.shape), retain_graph=True)


def test_backward_leaves_numpys_error_state_alone() -> None:
    x = ai.tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(all="raise"):
        before = np.geterr()
        ai.sum(ai.sqrt(x)).backward()
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            ai.log(x)


# --- questions about edges


def test_isfinite_and_isnan() -> None:
    x = ai.tensor(np.array([0.0, np.inf, -np.inf, np.nan, 1e308]))
    assert ai.isfinite(x).tolist() == [True, False, False, False, True]
    assert ai.isnan(x).tolist() == [False, False, False, True, False]


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("f", [ai.max, ai.min])
def test_ties_share_along_any_axis(f: Any, axis: Any) -> None:
    x = ai.tensor(np.array([[1.0, 2.0, 2.0], [2.0, 1.0, 2.0]]), requires_grad=True)
    y = f(x, axis=axis)
    y.backward(np.ones(y.shape))
    assert x.grad is not None
    best = x.numpy() == getattr(np, f.name)(x.numpy(), axis=axis, keepdims=True)
    np.testing.assert_array_equal(x.grad.numpy(), best / best.sum(axis=axis, keepdims=True))


def test_the_norm_of_a_zero_row_spoils_no_other() -> None:
    x = ai.tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    ai.sum(ai.norm(x, axis=1)).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)


def test_empty_means_differentiate_to_nothing() -> None:
    x = ai.tensor(np.ones((0, 3)), requires_grad=True)
    ai.sum(ai.sum(x, axis=0) * 2).backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 3)
    with np.errstate(all="ignore"):
        y = ai.mean(x)
    assert np.isnan(float(y))
    y.backward()
    assert x.grad.shape == (0, 3)


def test_a_power_of_zero_has_its_mixed_derivative() -> None:
    # x ** 0 is constant in x, but its slope in x is not constant in the power.
    ai.check_grads(ai.pow, [np.array([0.3, 2.0, 1.0]), np.array([0.0, 0.0, 1.0])], order=2)
    ai.check_grads(lambda x: x**0, [np.array([0.3, 2.0])], order=2)
