"""Forward mode, derived from gradient rules: what differences give, and the rule's transpose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from compiling import close
from samples import (
    DIFFERENTIABLE,
    PRIMITIVES,
    Array,
    fixed_case,
    joined,
    over_rows,
    result,
    smooth,
    some_names,
)

import autograd_iron as ai
from autograd_iron.core.operands import bind
from autograd_iron.transforms.forward import tangents

some_smooth_rows = over_rows(DIFFERENTIABLE)


def pushed(name: str, row: Any, inputs: list[Any], along: list[Any]) -> Any:
    """Return the tangents of a call's outputs end to end; zeros for none."""
    primitive = PRIMITIVES[name]
    args, attributes = bind(primitive, tuple(inputs), dict(row.attributes))
    along = along + [None] * (len(args) - len(along))
    output = primitive(*inputs, **row.attributes)
    outputs = output if isinstance(output, tuple) else (output,)
    found = tangents(primitive, args, output, along, attributes)
    filled = [y * 0 if t is None else t for y, t in zip(outputs, found, strict=True)]
    for y, t in zip(outputs, filled, strict=True):
        assert (t.shape, t.dtype) == (y.shape, y.dtype)
    return joined(tuple(filled) if isinstance(output, tuple) else filled[0])


def directions(name: str, arrays: list[Array]) -> list[Any]:
    source = np.random.default_rng(5)
    return [
        ai.tensor(source.standard_normal(a.shape)) if smooth(name, i) else None
        for i, a in enumerate(arrays)
    ]


@some_smooth_rows
def test_a_tangent_is_what_differences_give(name: str, row: Any) -> None:
    case = fixed_case(name, row)
    along = directions(name, case.arrays)
    found = pushed(name, case, [ai.Tensor(a) for a in case.arrays], along)
    assert not found.requires_grad
    eps = 1e-6

    def moved(by: float) -> Any:
        arrays = [
            a if t is None else np.asarray(a + by * t.data)
            for a, t in zip(case.arrays, along, strict=True)
        ]
        return result(name, arrays, case.attributes).data

    wanted = (moved(eps) - moved(-eps)) / (2 * eps)
    np.testing.assert_allclose(found.data, wanted, rtol=1e-6, atol=1e-7)


def gradients(value: Any, inputs: list[ai.Tensor]) -> list[Any]:
    """Return the gradient of a number with respect to each input; zeros for none."""
    for t in inputs:
        t.grad = None
    if value.requires_grad:
        value.backward(create_graph=True)
    return [t * 0 if t.grad is None else t.grad for t in inputs]


@some_smooth_rows
def test_a_tangent_is_the_transpose_of_the_gradient_and_differentiable(name: str, row: Any) -> None:
    case = fixed_case(name, row)
    along = directions(name, case.arrays)
    inputs = [ai.Tensor(a, requires_grad=smooth(name, i)) for i, a in enumerate(case.arrays)]
    leaves = [t for t in inputs if t.requires_grad]
    output = result(name, inputs, case.attributes)
    cotangent = ai.tensor(np.random.default_rng(6).standard_normal(output.shape))

    forward = ai.sum(pushed(name, case, inputs, along) * cotangent)
    back = gradients(ai.sum(output * cotangent), leaves)
    ways = [t for t in along if t is not None]
    reverse: Any = sum(ai.sum(g * t) for g, t in zip(back, ways, strict=True))
    found = [forward, *gradients(forward, leaves)]
    wanted = [reverse, *gradients(reverse, leaves)]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.data, other.data, rtol=1e-8, atol=1e-9)


@over_rows(some_names(DIFFERENTIABLE, "compiled"))
def test_a_tangent_is_the_same_in_a_compiled_step(name: str, row: Any) -> None:
    case = fixed_case(name, row)
    along = directions(name, case.arrays)
    inputs = [ai.Tensor(a) for a in case.arrays]
    step = ai.compile(lambda *x: pushed(name, case, list(x), along), threads=1)
    close(step(*inputs), pushed(name, case, inputs, along))


def test_no_tangent_makes_none() -> None:
    x = ai.tensor([1.0, 2.0])
    assert tangents(PRIMITIVES["exp"], [x], ai.exp(x), [None], {}) == [None]
    isnan = PRIMITIVES["isnan"]
    assert tangents(isnan, [x], isnan(x), [x], {}) == [None]
    m, e = PRIMITIVES["frexp"](x)
    made = tangents(PRIMITIVES["frexp"], [x], (m, e), [x], {})
    assert made[0] is not None
    assert made[1] is None


def test_a_tangent_in_float32_and_broadcast() -> None:
    x, b = ai.tensor([[1.0, 2.0], [3.0, 4.0]]), ai.tensor([10.0, 20.0])
    y = x * b
    (found,) = tangents(PRIMITIVES["multiply"], [x, b], y, [None, ai.tensor([1.0, 0.5])], {})
    assert found is not None
    assert found.dtype == ai.float32
    np.testing.assert_array_equal(found.data, [[1.0, 1.0], [3.0, 2.0]])


@pytest.mark.parametrize("name", ["matmul", "sum"])
def test_a_tangent_of_a_tangent(name: str) -> None:
    """Forward over forward, by way of what was recorded: the mixed second derivative."""
    source = np.random.default_rng(0)
    a, b = (ai.tensor(source.standard_normal((3, 3)), requires_grad=True) for _ in range(2))
    da = ai.tensor(source.standard_normal((3, 3)))
    inputs = [a, b] if name == "matmul" else [a * a]
    primitive = PRIMITIVES[name]
    attributes = dict(primitive.defaults)
    along = [da, None] if name == "matmul" else [2 * a * da]
    (first,) = tangents(primitive, inputs, primitive(*inputs), along, attributes)
    assert first is not None
    ai.sum(first).backward()
    leaf = b if name == "matmul" else a
    wanted = da.data.sum(0)[:, None] * np.ones(3) if name == "matmul" else 2 * da.data
    assert leaf.grad is not None
    np.testing.assert_allclose(leaf.grad.data, wanted)
