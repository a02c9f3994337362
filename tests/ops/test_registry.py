"""What every primitive promises, tried over the whole registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import wraps
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import (
    DIFFERENTIABLE,
    LAYOUTS,
    PRIMITIVES,
    RULES,
    SAMPLES,
    ZERO_OF_REALS,
    Array,
    Case,
    cases,
    differences,
    fixed_case,
    leaves,
    of_smooth,
    over_rows,
    pulled_back,
    result,
    smooth,
    some_names,
)

import autograd_iron as ai
from autograd_iron.core.registry import on_tensors, raw, registry

# A rule may answer in another dtype only where that is its meaning.
CASTS = {"astype"}

every_primitive = pytest.mark.parametrize("name", SAMPLES)
every_smooth_primitive = pytest.mark.parametrize("name", DIFFERENTIABLE)


def some_primitives(names: Iterable[str], promise: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", some_names(names, promise))


def cast(arrays: tuple[Array, ...], dtype: str) -> list[Array]:
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def cotangent_like(output: Any, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(output.shape).astype(output.dtype)


# --- the samples themselves


def test_every_primitive_has_samples() -> None:
    shipped = {
        name
        for name, primitive in PRIMITIVES.items()
        if primitive.kernel.__module__.split(".")[0] in ("autograd_iron", "nn")
    }
    assert shipped - SAMPLES.keys() == set(), "write a row of samples for each"
    assert SAMPLES.keys() - shipped == set(), "no such primitive"


@every_smooth_primitive
def test_every_argument_has_a_rule_or_none_on_purpose(name: str) -> None:
    primitive = PRIMITIVES[name]
    assert len(primitive.rules) == (1 if primitive.variadic else primitive.arity)


@every_smooth_primitive
def test_samples_move_every_argument_that_has_a_rule(name: str) -> None:
    # A gradient that is zero on all the samples would check nothing.
    for argument in range(len(PRIMITIVES[name].rules)):
        if (name, argument) not in RULES or name in ZERO_OF_REALS:
            continue
        moved = False
        for row in SAMPLES[name].calls:
            case = fixed_case(name, row)
            if argument < len(case.arrays) and not moved:
                output = result(name, case.arrays, case.attributes)
                gradients = pulled_back(name, case.arrays, case.attributes, cotangent_like(output))
                gradient = gradients[argument]
                moved |= gradient is not None and bool(np.any(gradient))
        assert moved, f"argument {argument} of {name}"


# --- values


def check_value(name: str, case: Case) -> None:
    inputs = [ai.asarray(a) for a in case.arrays]
    output = result(name, inputs, case.attributes)
    expected = np.asarray(SAMPLES[name].elsewhere(*case.arrays, **case.attributes))
    assert isinstance(output, ai.Tensor)
    assert not output.requires_grad
    assert output.shape == expected.shape
    assert output.dtype == expected.dtype
    np.testing.assert_allclose(output.data, expected, rtol=1e-13, atol=1e-13)


@over_rows(SAMPLES, every_row=True)
def test_value_is_that_of_another_source(name: str, row: Any) -> None:
    check_value(name, fixed_case(name, row))


@some_primitives(SAMPLES, "test_value_of_drawn_calls")
@given(data=st.data())
@settings(max_examples=10)
def test_value_of_drawn_calls(name: str, data: st.DataObject) -> None:
    check_value(name, data.draw(cases(name)))


@over_rows(name for name in SAMPLES if PRIMITIVES[name].decomposition)
def test_what_a_plan_takes_apart_has_the_kernels_value(name: str, row: Any) -> None:
    primitive = PRIMITIVES[name]
    assert primitive.decomposition is not None
    case = fixed_case(name, row)
    attributes = primitive.defaults | dict(case.attributes)
    for arrays in (list(case.arrays), cast(case.arrays, "float32")):
        expected = result(name, arrays, attributes)
        left_out = [None] * (0 if primitive.variadic else primitive.arity - len(arrays))
        parts = primitive.decomposition(raw(np), *arrays, *left_out, **attributes)
        if isinstance(parts, tuple):
            parts = np.concatenate([part.ravel() for part in parts])
        assert parts.shape == expected.shape
        assert parts.dtype == expected.dtype
        np.testing.assert_allclose(parts, expected.data, rtol=2e-6, atol=1e-6)


@every_primitive
def test_only_floats_carry_a_gradient(name: str) -> None:
    case = fixed_case(name, SAMPLES[name].calls[0])
    inputs = [ai.Tensor(a, requires_grad=a.dtype.kind == "f") for a in case.arrays]
    output = result(name, inputs, case.attributes)
    assert output.requires_grad == (name in DIFFERENTIABLE and output.dtype.kind == "f")


@every_primitive
def test_documented(name: str) -> None:
    assert PRIMITIVES[name].__doc__


# --- gradients


def check_gradient(name: str, case: Case) -> None:
    """Compare first and second derivatives with differences of one element at a time."""
    arrays = list(case.arrays)
    output = result(name, arrays, case.attributes)
    u = cotangent_like(output)
    gradients = pulled_back(name, arrays, case.attributes, u)
    directions = [cotangent_like(a, seed=1 + i) for i, a in enumerate(arrays)]

    def slope_along(inputs: list[Array]) -> float:
        found = pulled_back(name, inputs, case.attributes, u)
        return float(
            sum(np.sum(g * v) for g, v in zip(found, directions, strict=True) if g is not None)
        )

    curvatures = second_derivatives(name, case, u, directions)
    for i, array in enumerate(arrays):
        if not smooth(name, i):
            assert gradients[i] is None
            continue

        def at(value: Array, i: int = i) -> list[Array]:
            return [*arrays[:i], value, *arrays[i + 1 :]]

        def height(value: Array, i: int = i) -> float:
            return float(np.sum(u * result(name, at(value, i), case.attributes).data))

        def slope(value: Array, i: int = i) -> float:
            return slope_along(at(value, i))

        gradient = gradients[i]
        assert gradient is not None
        assert gradient.shape == array.shape
        np.testing.assert_allclose(gradient, differences(height, array), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(curvatures[i], differences(slope, array), rtol=1e-5, atol=1e-6)


def second_derivatives(name: str, case: Case, u: Array, directions: list[Array]) -> list[Array]:
    """Return the gradient of <gradient, directions> by differentiating the recorded gradient."""
    inputs = leaves(name, case.arrays)
    result(name, inputs, case.attributes).backward(ai.tensor(u), create_graph=True)
    total: Any = 0.0
    for t, v in zip(inputs, directions, strict=True):
        if t.grad is not None:
            total = total + ai.sum(t.grad * v)
            t.grad = None
    if total.requires_grad:
        total.backward()
    return [np.zeros(t.shape) if t.grad is None else t.grad.data for t in inputs]


@over_rows(DIFFERENTIABLE, every_row=True)
def test_gradients_are_those_of_differences(name: str, row: Any) -> None:
    check_gradient(name, fixed_case(name, row))


@over_rows(some_names(DIFFERENTIABLE, "test_check_grads_agrees"))
def test_check_grads_agrees(name: str, row: Any) -> None:
    function, arrays = of_smooth(name, fixed_case(name, row))
    ai.check_grads(function, arrays, eps=SAMPLES[name].eps)


@some_primitives(DIFFERENTIABLE, "test_gradients_of_drawn_calls")
@given(data=st.data())
@settings(max_examples=8)
def test_gradients_of_drawn_calls(name: str, data: st.DataObject) -> None:
    check_gradient(name, data.draw(cases(name)))


@pytest.mark.slow
@every_smooth_primitive
@given(data=st.data())
@settings(max_examples=400)
def test_gradients_of_many_drawn_calls(name: str, data: st.DataObject) -> None:
    check_gradient(name, data.draw(cases(name)))


@some_primitives(DIFFERENTIABLE, "test_gradients_ask_only_for_what_is_needed")
@given(data=st.data())
@settings(max_examples=5)
def test_gradients_ask_only_for_what_is_needed(name: str, data: st.DataObject) -> None:
    # What a rule keeps depends on which arguments are tracked, so each subset is a case of its own.
    case = data.draw(cases(name))
    u = cotangent_like(result(name, case.arrays, case.attributes))
    together = pulled_back(name, case.arrays, case.attributes, u)
    for i, array in enumerate(case.arrays):
        if smooth(name, i):
            inputs = [ai.asarray(a) for a in case.arrays]
            inputs[i] = ai.Tensor(array, requires_grad=True)
            result(name, inputs, case.attributes).backward(u)
            alone = inputs[i].grad
            assert alone is not None
            np.testing.assert_array_equal(alone.data, together[i])
            assert all(t.grad is None for j, t in enumerate(inputs) if j != i)


@some_primitives(DIFFERENTIABLE, "test_the_same_tensor_in_every_place")
@given(data=st.data())
@settings(max_examples=5)
def test_the_same_tensor_in_every_place(name: str, data: st.DataObject) -> None:
    # x + x, x * x, x @ x: the contributions of all places add up.
    case = data.draw(cases(name))
    places = [i for i in range(len(case.arrays)) if smooth(name, i)]
    strictest = min(places, key=lambda i: SAMPLES[name].domain(i).width)
    array = case.arrays[strictest]
    alike = [i for i in places if case.arrays[i].shape == array.shape]
    arrays = [array if i in alike else a for i, a in enumerate(case.arrays)]
    u = cotangent_like(result(name, arrays, case.attributes))
    apart = pulled_back(name, arrays, case.attributes, u)
    shared = ai.Tensor(array, requires_grad=True)
    result(
        name, [shared if i in alike else a for i, a in enumerate(arrays)], case.attributes
    ).backward(u)
    assert shared.grad is not None
    expected = np.sum([np.asarray(apart[i]) for i in alike], axis=0)
    np.testing.assert_allclose(shared.grad.data, expected, rtol=1e-13, atol=1e-13)


# --- memory


def check_memory(name: str, case: Case) -> None:
    arrays = [np.array(a) for a in case.arrays]
    before = [a.copy() for a in arrays]
    inputs = leaves(name, arrays)
    output = result(name, inputs, case.attributes)
    u = cotangent_like(output)
    output.backward(u)
    given_u, value = u.copy(), output.data.copy()
    gradients = [t.grad for t in inputs if t.grad is not None]
    for g in gradients:
        assert not any(np.shares_memory(g.data, a) for a in (*arrays, u, output.data)), name
        assert not any(np.shares_memory(g.data, h.data) for h in gradients if h is not g), name
        g.assign(7.0)
    for array, old in zip((*arrays, u, output.data), (*before, given_u, value), strict=True):
        np.testing.assert_array_equal(array, old)


@over_rows(some_names(DIFFERENTIABLE, "test_gradients_have_memory_of_their_own"))
def test_gradients_have_memory_of_their_own(name: str, row: Any) -> None:
    check_memory(name, fixed_case(name, row))


@some_primitives(DIFFERENTIABLE, "test_gradients_of_two_leaves_share_nothing")
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_of_two_leaves_share_nothing(name: str, create_graph: bool) -> None:
    case = fixed_case(name, SAMPLES[name].calls[0])
    inputs = leaves(name, case.arrays)
    twins = leaves(name, case.arrays)
    joined = [ai.add(a, b) if a.requires_grad else a for a, b in zip(inputs, twins, strict=True)]
    ai.sum(result(name, joined, case.attributes)).backward(create_graph=create_graph)
    for a, b in zip(inputs, twins, strict=True):
        if a.requires_grad:
            assert a.grad is not None
            assert b.grad is not None
            assert not np.shares_memory(a.grad.data, b.grad.data)


@some_primitives(SAMPLES, "test_inputs_are_never_written")
@given(data=st.data())
@settings(max_examples=5)
def test_inputs_are_never_written(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    arrays = [LAYOUTS["read-only"](a) for a in case.arrays]
    before = [a.copy() for a in arrays]
    output = result(name, leaves(name, arrays), case.attributes)
    if output.requires_grad:
        output.backward(LAYOUTS["read-only"](cotangent_like(output)))
    for array, old in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, old)


@some_primitives(SAMPLES, "test_memory_layout_makes_no_difference")
@given(data=st.data())
@settings(max_examples=5)
def test_memory_layout_makes_no_difference(name: str, data: st.DataObject) -> None:
    case = data.draw(cases(name))
    plain = tuple(np.array(a, order="C") for a in case.arrays)
    output = result(name, case.arrays, case.attributes)
    np.testing.assert_allclose(
        output.data, result(name, plain, case.attributes).data, rtol=1e-14, atol=1e-14
    )
    if name in DIFFERENTIABLE:
        u = cotangent_like(output)
        for layout in LAYOUTS.values():
            found = pulled_back(name, case.arrays, case.attributes, layout(u))
            expected = pulled_back(name, plain, case.attributes, u)
            for g, e in zip(found, expected, strict=True):
                if g is not None and e is not None:
                    np.testing.assert_allclose(g, e, rtol=1e-13, atol=1e-13)


# --- dtypes


@over_rows(some_names(SAMPLES, "test_dtype_is_kept"))
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_dtype_is_kept(name: str, row: Any, dtype: str) -> None:
    case = fixed_case(name, row)
    attributes = dict(case.attributes)
    if name in CASTS:
        attributes["dtype"] = dtype
    arrays = cast(case.arrays, dtype)
    wide = result(name, case.arrays, attributes)
    output = result(name, arrays, attributes)
    assert output.dtype == (dtype if wide.dtype.kind == "f" else wide.dtype)
    if name not in DIFFERENTIABLE:
        return
    inputs = leaves(name, arrays)
    recorded = result(name, inputs, attributes)
    for create_graph in (False, True):
        recorded.backward(cotangent_like(output), retain_graph=True, create_graph=create_graph)
        for t in inputs:
            if t.grad is not None:
                assert t.grad.dtype == dtype
                assert t.grad.shape == t.shape
                t.grad = None


@over_rows(some_names(DIFFERENTIABLE, "test_precision_is_that_of_the_dtype"))
def test_precision_is_that_of_the_dtype(name: str, row: Any) -> None:
    case = fixed_case(name, row)
    attributes = dict(case.attributes)
    if name in CASTS:
        attributes["dtype"] = "float32"
    arrays = cast(case.arrays, "float32")
    exact = cast(tuple(arrays), "float64")
    u = cotangent_like(result(name, arrays, attributes))
    found = pulled_back(name, arrays, attributes, u)
    expected = pulled_back(name, exact, case.attributes, u.astype("float64"))
    for g, e in zip(found, expected, strict=True):
        if g is not None and e is not None:
            np.testing.assert_allclose(g, e, rtol=2e-5, atol=1e-6 * (1 + np.abs(e).max(initial=0)))


class Watched(np.ndarray):
    """An array that notes every float64 array that NumPy makes of it."""

    widened: list[tuple[int, ...]]

    def __array_finalize__(self, source: Any) -> None:
        if self.dtype == np.float64:
            Watched.widened.append(self.shape)


@over_rows(some_names(DIFFERENTIABLE, "test_rules_compute_in_the_dtype_of_their_inputs"))
def test_rules_compute_in_the_dtype_of_their_inputs(
    name: str, row: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The engine would cast a float64 contribution back, after the time and memory were spent.
    primitive = PRIMITIVES[name]
    contributions: list[Any] = []
    Watched.widened = []

    def watch(rule: Any) -> Any:
        @wraps(rule)
        def watched(F: Any, g: Any, *others: Any, **attributes: Any) -> Any:
            views = [a.view(Watched) if isinstance(a, np.ndarray) else a for a in (g, *others)]
            contribution = rule(F, *views, **attributes)
            contributions.append(contribution)
            return np.asarray(contribution)

        return watched

    case = fixed_case(name, row)
    attributes = dict(case.attributes)
    if name in CASTS:
        attributes["dtype"] = "float32"
    arrays = cast(case.arrays, "float32")
    u = cotangent_like(result(name, arrays, attributes))
    monkeypatch.setattr(primitive, "rules", [rule and watch(rule) for rule in primitive.rules])
    pulled_back(name, arrays, attributes, u)
    assert contributions
    assert {c.dtype for c in contributions} == {np.dtype("float32")}
    assert Watched.widened == []


# --- numbers in the place of arrays


def numbers_for(case: Case, argument: int) -> Iterator[Any]:
    value = float(case.arrays[argument].flat[0])
    yield value
    yield np.float64(value)
    yield np.array(value)
    yield np.float32(value)


@pytest.mark.parametrize(
    "name", [n for n in SAMPLES if SAMPLES[n].elementwise and len(SAMPLES[n].domains) > 1]
)
def test_a_number_is_as_good_as_an_array_and_never_widens(name: str) -> None:
    first = SAMPLES[name].calls[1]
    case = fixed_case(name, first)
    arrays = cast(case.arrays, "float32")
    for argument, array in enumerate(arrays):
        if array.dtype.kind != "f":
            continue
        for number in numbers_for(Case(tuple(arrays), case.attributes), argument):
            with_number = leaves(name, arrays)
            with_number[argument] = number
            filled = leaves(name, arrays)
            filled[argument] = ai.full(array.shape, float(number))
            outputs = [PRIMITIVES[name](*inputs) for inputs in (with_number, filled)]
            assert outputs[0].dtype == outputs[1].dtype
            np.testing.assert_allclose(outputs[0].data, outputs[1].data, rtol=1e-6)
            if name not in DIFFERENTIABLE:
                continue
            for output in outputs:
                if output.requires_grad:
                    output.backward(np.ones(output.shape, "float32"))
            for i, (t, s) in enumerate(zip(with_number, filled, strict=True)):
                if i != argument and smooth(name, i):
                    assert t.grad is not None
                    assert t.grad.dtype == np.float32
                    np.testing.assert_allclose(t.grad.data, s.grad.data, rtol=1e-5, atol=1e-6)


def test_rules_never_see_a_number_as_float64() -> None:
    # Nothing wider than float32 is left behind by an expression of float32 tensors and numbers.
    x = ai.tensor([0.5, 1.5], requires_grad=True)
    y = (2 * x**3 - x / 3 + 1) / (4 - ai.maximum(x, 0.7)) * np.float64(0.1) + np.array(3.0)
    y = ai.where(y > 0.5, y, 0.25) ** np.float64(1.5)
    ai.mean(y).backward()
    assert y.dtype == np.float32
    assert x.grad is not None
    assert x.grad.dtype == np.float32


def test_a_definition_at_the_same_place_replaces_the_one_before() -> None:
    cell = """
import autograd_iron as ai

@ai.extend.primitive
def replaced_by_itself(xp, x, /):
    "Multiply."
    return x * FACTOR

@replaced_by_itself.vjp
def _(F, g, _y, _x):
    return g * FACTOR

@ai.extend.composite
def calls_what_is_replaced(F, x):
    return F.replaced_by_itself(x) + 1
"""
    x = ai.tensor(2.0, requires_grad=True)
    for factor in (3, 5):
        names: dict[str, Any] = {"__name__": "a_notebook", "FACTOR": factor}
        exec(compile(cell, f"<cell {factor}>", "exec"), names)  # its "file" is another each time
        result = names["calls_what_is_replaced"](x)
        assert float(result) == 2 * factor + 1
        assert on_tensors.replaced_by_itself(x).requires_grad
        assert float(raw(np).replaced_by_itself(np.float32(2))) == 2 * factor
        assert float(ai.grad(names["calls_what_is_replaced"])(2.0)) == factor
    with pytest.raises(ValueError, match="exists already, replaced_by_itself of a_notebook"):
        exec(cell, {"__name__": "another", "FACTOR": 1})
    assert float(on_tensors.replaced_by_itself(x)) == 10, "what was refused changed nothing"
    for name in ("replaced_by_itself", "calls_what_is_replaced"):
        del registry[name]


def test_a_word_of_the_engine_is_not_replaced() -> None:
    with pytest.raises(ValueError, match="exists already, exp of autograd_iron"):

        @ai.extend.primitive
        def exp(xp: Any, x: Any, /) -> Any:
            return x
