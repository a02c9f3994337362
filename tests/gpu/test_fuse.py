"""Launches compute what the program computes, in an order that works, and there are few of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import (
    DIFFERENTIABLE,
    ON_GPU,
    PRIMITIVES,
    SAMPLES,
    fixed_case,
    joined,
    own_words,
    some_rows,
)
from test_plan import INSIDE, VIEWS, Problem, instructions, parts, plans, pulled
from test_plan_passes import EXAMPLES, captured, evaluate

import autograd_iron as ai
from autograd_iron.core.index import Index
from autograd_iron.plan.cuda.launches import GPU, launches
from autograd_iron.plan.loops.loops import Bundle, Call, Loop, Product, ReducingLoop, Task
from autograd_iron.plan.loops.views import View, dense_strides, whole
from autograd_iron.plan.passes import optimise
from autograd_iron.plan.program import Program, Value

from .launching import Array, interpret, look, network_step, results, sources, strides

FLOAT = np.dtype("float32")
X = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
Y = np.random.default_rng(1).standard_normal((4, 3)).astype("float32")


def launched(function: Callable[..., Any], *arrays: Array) -> list[Task]:
    """Return the launches of a function, after proving them right on these arrays."""
    program = optimise(captured(function, *arrays))
    return proven(program, *arrays)


def kinds(found: list[Task]) -> list[str]:
    return [type(launch).__name__ for launch in found]


def run(program: Program, found: list[Task], *arrays: Array) -> list[Array]:
    memory = sources(program, *arrays)
    for launch in found:
        assert memory.keys().isdisjoint(launch.writes), "a buffer is written twice"
        needed = {v for v in launch.reads if v.bytes}
        assert memory.keys() >= needed, "a buffer is read before it is written"
        interpret(launch, memory)
    return results(program, memory)


def proven(program: Program, *arrays: Array) -> list[Task]:
    """Return the launches of a program, after comparing them with it."""
    found = launches(program, strides(sources(program, *arrays)))
    for one, other in zip(run(program, found, *arrays), evaluate(program, *arrays), strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        eps = np.finfo(one.dtype).eps if one.dtype.kind == "f" else 0
        np.testing.assert_allclose(one, other, rtol=8 * eps, atol=8 * eps)
    return found


# --- launches compute what the program computes


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name: str) -> None:
    launched(EXAMPLES[name], X, Y)


@pytest.mark.parametrize("name", ON_GPU)
def test_each_primitive_and_its_rules(name: str) -> None:
    for row in some_rows(SAMPLES[name], "launches"):
        arrays = [
            a.astype("float32") if a.dtype.kind == "f" else a for a in fixed_case(name, row).arrays
        ]
        if name == "eig_of_complex":
            arrays = [a.astype("complex64") for a in arrays]
        launched(lambda *x, row=row: PRIMITIVES[name](*x, **row.attributes), *arrays)
        if name in DIFFERENTIABLE:
            flowing, _ = parts(name, arrays)
            shape = joined(PRIMITIVES[name](*arrays, **row.attributes)).shape
            cotangent = np.random.default_rng(0).standard_normal(shape).astype("float32")
            launched(pulled(name, row, flowing), cotangent, *arrays)


@pytest.mark.parametrize("wanted", INSIDE)
@settings(plans, max_examples=25)
@given(instructions=instructions)
def test_random_programs(wanted: str, instructions: Any) -> None:
    problem = Problem(instructions, rows=5)
    arrays = [np.array(t.data) for t in Problem.data(0, 5)]
    program = optimise(captured(getattr(problem, wanted), *arrays))
    memory = sources(program, *arrays)
    found = run(program, launches(program, strides(memory)), *arrays)
    right = evaluate(program, *arrays)
    moved = evaluate(program, *(a * (1 + 1e-15) for a in arrays))
    for one, other, nudged in zip(found, right, moved, strict=True):
        scale = np.abs(other).max(initial=0)
        if not np.allclose(nudged, other, rtol=1e-10, atol=1e-10 * scale):
            reject()  # Rounding alone moves this program's results.
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("name", VIEWS)
def test_views_of_captured_tensors(name: str, strided: bool) -> None:
    memory = np.arange(24.0, dtype="float32").reshape(4, 6)
    w = ai.Tensor(memory[::-1, ::2] if strided else memory)
    launched(lambda: (VIEWS[name](w), ai.sin(VIEWS[name](w)), ai.sum(VIEWS[name](w * 2))))


@pytest.mark.parametrize("one", VIEWS)
def test_views_of_views(one: str) -> None:
    for other in VIEWS.values():
        try:
            other(VIEWS[one](ai.zeros((4, 6))))
        except (ValueError, IndexError):
            continue
        x = np.arange(24, dtype="float32").reshape(4, 6)
        launched(lambda x, other=other: (other(VIEWS[one](x)), other(VIEWS[one](x * 2)) * 3), x)


@pytest.mark.parametrize("rows", [0, 1])
def test_sizes_that_are_nothing(rows: int) -> None:
    x = np.ones((rows, 3), "float32")
    w = np.ones((3, 2), "float32")

    def function(x: ai.Tensor, w: ai.Tensor) -> Any:
        return x * 2, ai.sum(x), ai.sum(x * 2, axis=0), x @ w, x.T @ x, ai.all(x > 0), ai.any(x > 0)

    launched(function, x, w)


# --- what runs together


def test_a_chain_is_one_launch_that_writes_only_what_is_wanted() -> None:
    [launch] = launched(lambda x, y: ai.tanh(x * y + 1) - ai.exp(x) / 2, X, Y)
    assert isinstance(launch, Loop)
    assert len(launch.outputs) == 1
    assert len(launch.views) == 2


def test_several_results_of_one_chain_are_one_launch() -> None:
    [launch] = launched(lambda x, y: (x * y, ai.exp(x * y), ai.sin(x)), X, Y)
    assert len(launch.writes) == 3


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda x: (x + 1) + (x + 1)[::-1], 2),
        (lambda x: (x + 1)[::-1] + (x + 1), 2),
        (lambda x: (x + 1) * ai.sum(x + 1), 2),
        (lambda x: (x + 1) * ai.sum(x + 1, axis=0), 2),
        (lambda x: x + ai.exp(x[0]), 2),
        (lambda x: ai.exp(x[::-1]) + x, 1),
        (lambda x: ai.exp(x).T * 2, 2),
    ],
)
def test_what_is_read_at_other_places_is_written_first(
    function: Callable[..., Any], count: int
) -> None:
    assert len(launched(function, X)) == count


def test_a_chain_is_computed_where_it_is_used() -> None:
    # The slope of tanh is not computed beside tanh and stored until backward.
    def function(x: ai.Tensor, w: ai.Tensor) -> Any:
        h = ai.tanh(x)
        return (h @ w) * (1 - h * h)

    found = launched(function, X, np.ones((3, 3), "float32"))
    assert kinds(found) == ["Loop", "Product", "Loop"]
    assert len(found[0].writes) == 1
    assert len(found[2].lines) == 3  # type: ignore[union-attr]


def test_a_sum_is_fused_with_what_it_adds_up() -> None:
    [launch] = launched(lambda x, y: ai.sum((x - y) * (x - y)), X, Y)
    assert isinstance(launch, ReducingLoop)
    assert launch.outputs == ()
    assert launch.axes == (0, 1)


def test_what_is_added_up_and_needed_is_written_on_the_way() -> None:
    def function(x: ai.Tensor, y: ai.Tensor) -> Any:
        product = x * y
        return product, ai.sum(product, axis=0), ai.max(product, axis=0), ai.sum(x, axis=0)

    [launch] = launched(function, X, Y)
    assert isinstance(launch, ReducingLoop)
    assert len(launch.folds) == 3


def test_sums_over_other_axes_are_launches_of_their_own() -> None:
    found = launched(lambda x: (ai.sum(x, axis=0), ai.sum(x, axis=1)), X)
    assert kinds(found) == ["ReducingLoop", "ReducingLoop"]


def test_axes_of_size_one_make_no_difference() -> None:
    def function(x: ai.Tensor) -> Any:
        return ai.sum(x), ai.sum(x, axis=0), ai.sum(x, axis=1)

    found = launched(function, np.ones((5, 1), "float32"))
    assert kinds(found) == ["ReducingLoop"]


def test_updates_of_all_parameters_are_one_launch() -> None:
    ws = [ai.ones(shape) for shape in ((3, 4), (4,), (4, 2), (2,))]

    def function(rate: ai.Tensor) -> None:
        for w in ws:
            w.assign(w - rate * w * w)

    [launch] = launched(function, np.array(0.5, "float32"))
    assert isinstance(launch, Bundle)
    assert len(launch.parts) == 4
    # A parameter may be written where it is; the rate, which all of them read, may not.
    assert all(len(over) == 1 for over in launch.in_place.values())


def test_a_launch_has_bounds() -> None:
    def function(x: ai.Tensor) -> Any:
        for _ in range(3 * GPU.lines):
            x = ai.sin(x)
        return x

    found = launched(function, X)
    assert len(found) == 3
    assert all(len(launch.lines) <= GPU.lines for launch in found)  # type: ignore[union-attr]
    sums = [lambda x, i=i: ai.sum(x * i) for i in range(2, 4 + 2 * GPU.folds)]
    found = launched(lambda x: [one(x) for one in sums], X)
    assert all(len(launch.folds) <= GPU.folds for launch in found)  # type: ignore[union-attr]


def test_results_that_are_views_are_copied_and_arguments_are_not() -> None:
    found = launched(lambda x, y: (x.T, (x * y)[1:], y, x.reshape(-1)), X, Y)
    assert sum(len(launch.writes) for launch in found) == 4  # the product, and three copies
    assert len(found) == 2


def test_what_may_be_written_in_place_is_read_at_its_own_place_only() -> None:
    def over(function: Callable[..., Any]) -> set[str]:
        [launch] = launched(function, X, Y, X[0])
        assert isinstance(launch, Loop)
        names = {v: "xyz"[i] for i, v in enumerate(sorted(launch.reads, key=lambda v: v.number))}
        return {names[v] for inputs in launch.in_place.values() for v in inputs}

    assert over(lambda x, y, z: x + y) == {"x", "y"}
    assert over(lambda x, y, z: x + y[::-1]) == {"x"}
    assert over(lambda x, y, z: x + x[::-1] + y) == {"y"}
    assert over(lambda x, y, z: x * y + z) == {"x", "y"}
    assert over(lambda x, y, z: x > y) == set()
    assert over(lambda x, y, z: (x + y + z).astype("float64")) == set()


def test_what_two_parts_of_a_launch_read_is_not_overwritten() -> None:
    [launch] = launched(lambda x: (x * 3, x.reshape(-1) * 2), X)
    assert isinstance(launch, Bundle)
    assert set(launch.in_place.values()) == {()}


# --- products


W = np.random.default_rng(2).standard_normal((3, 5)).astype("float32")
B = np.random.default_rng(3).standard_normal((2, 4, 3)).astype("float32")


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, w, b: x @ w, ["Product"]),
        (lambda x, w, b: x.T @ x, ["Product"]),
        (lambda x, w, b: x @ x.T, ["Product"]),
        (lambda x, w, b: x[1:] @ w, ["Product"]),
        (lambda x, w, b: x[:, 0] @ x, ["Loop", "Product"]),
        (lambda x, w, b: x[0] @ w, ["Product"]),
        (lambda x, w, b: w.T @ x[0], ["Product"]),
        (lambda x, w, b: x[0] @ x[1], ["Product"]),
        (lambda x, w, b: x[:, 1:] @ w[1:], ["Loop", "Product"]),
        (lambda x, w, b: x[::-1] @ w, ["Loop", "Product"]),
        (lambda x, w, b: b @ w, ["Product"]),
        (lambda x, w, b: b.mT @ x, ["Product"]),
        (lambda x, w, b: b @ b.mT, ["Product"]),
        (lambda x, w, b: ai.expand_dims(b, 1) @ ai.expand_dims(b.mT, 0), ["Bundle", "Product"]),
        (lambda x, w, b: ai.broadcast_to(x, (7, 4, 3)) @ w, ["Product"]),
        (lambda x, w, b: ai.permute_dims(b, axes=(1, 0, 2)) @ w, ["Loop", "Product"]),
        (lambda x, w, b: x.astype("float64") @ w, ["Bundle", "Product"]),
        (lambda x, w, b: x.astype("int32") @ w.astype("int32"), ["Bundle", "Call"]),
        (lambda x, w, b: x[:, :0] @ w[:0], ["Loop"]),
    ],
)
def test_products(function: Callable[..., Any], expected: list[str]) -> None:
    assert kinds(launched(function, X, W, B)) == expected


def test_a_batch_that_shares_its_matrix_is_one_large_product() -> None:
    [launch] = launched(lambda b, w: b @ w, B, W)
    assert isinstance(launch, Product)
    assert launch.x.shape == (8, 3)


# --- what is left to the primitives' own kernels


def test_which_primitives_run_by_their_own_kernel() -> None:
    called = set()
    for name, entry in SAMPLES.items():
        for row in entry.calls:
            arrays = [
                a.astype("float32") if a.dtype.kind == "f" else a
                for a in fixed_case(name, row).arrays
            ]
            program = optimise(
                captured(lambda *x, n=name, r=row: PRIMITIVES[n](*x, **r.attributes), *arrays)
            )
            if any(isinstance(launch, Call) for launch in launches(program)):
                called.add(name)
    # NumPy's kernels, where they are faster than what an operation decomposes into.
    called -= {name for name, p in PRIMITIVES.items() if p.decomposition}
    # A view that an index makes needs no kernel; an index with arrays in it makes none.
    own = {name for name, p in PRIMITIVES.items() if p.by_kernel and p.c is None}
    assert called == {"getitem", *own}


def test_users_primitives_run_by_their_own_kernel() -> None:
    with own_words():

        @ai.extend.elementwise
        def halved(xp: Any, x: Any, /) -> Any:
            return x * 0.5

        found = launched(lambda x: ai.exp(halved(x * 2)) + 1, X)
        assert kinds(found) == ["Loop", "Call", "Loop"]


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (lambda x: x == 300, [np.arange(42, 46, dtype="uint8")]),
        (lambda x: x == -1, [np.arange(3, dtype="uint8")]),
        (lambda x, y: x < y, [np.arange(3) - 1, np.arange(3, dtype="uint64")]),
    ],
)
def test_what_has_no_expression_is_called(
    function: Callable[..., Any], arrays: list[Array]
) -> None:
    assert kinds(launched(function, *arrays)) == ["Call"]


# --- how few they are


def test_the_launches_of_the_notes_network() -> None:
    step, arrays = network_step(4)
    program = optimise(captured(step, *arrays))
    found = proven(program, *arrays)
    # 8 layers: 8 products forwards and 15 backwards (the data needs no gradient); 7 times bias and
    # tanh; 8 times a layer's gradient with the sum for its bias, the last of them with the loss;
    # and all updates at once.
    assert (
        sorted(kinds(found)) == ["Bundle"] + ["Loop"] * 7 + ["Product"] * 23 + ["ReducingLoop"] * 8
    )
    assert len(found) == 39
    unnoticed = program.checked()  # a GPU's values are not looked at
    unfused = [s for s in program.steps if s.output not in unnoticed]
    assert sum(s.primitive.name != "matrix_transpose" for s in unfused) == 114


# --- views


def flat(shape: tuple[int, ...]) -> tuple[View, dict[Value, Array]]:
    value = Value(0, shape, FLOAT)
    size = int(np.prod(shape))
    return whole(value), {value: np.arange(size, dtype="float32").reshape(shape)}


@st.composite
def looks(draw: st.DrawFn) -> tuple[View, dict[Value, Array], Array]:
    """Draw views of views, and what NumPy makes of the same."""
    view, memory = flat(draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
    array = memory[view.root]
    for kind in draw(
        st.lists(st.sampled_from(["permute", "flip", "stretch", "index"]), max_size=3)
    ):
        ndim = array.ndim
        if kind == "permute":
            order = tuple(draw(st.permutations(range(ndim))))
            view, array = view.permuted(order), array.transpose(order)
        elif kind == "flip":
            axes = tuple(draw(st.sets(st.integers(0, ndim - 1)))) if ndim else ()
            view, array = view.flipped(axes), np.flip(array, axes)
        elif kind == "stretch":
            shape = (draw(st.integers(0, 2)), *(3 if n == 1 else n for n in array.shape))
            view, array = view.stretched(shape), np.broadcast_to(array, shape)
        elif ndim:
            index = draw(hnp.basic_indices(array.shape, allow_newaxis=True))
            found = view.indexed(Index.of(index))
            assert found is not None
            view, array = found, np.asarray(array[index])
    return view, memory, array


@settings(max_examples=100)
@given(drawn=looks(), data=st.data())
def test_views_show_what_numpys_show(drawn: Any, data: st.DataObject) -> None:
    view, memory, array = drawn
    np.testing.assert_array_equal(look(view, memory), array)
    assert view.dense == (array.flags.c_contiguous or array.size == 0)
    same = np.array_equal(array.ravel(), memory[view.root].ravel())
    assert view.whole == (same and view.dense) or array.size < 2
    divisors = [d for d in range(1, array.size + 1) if array.size % d == 0]
    first = data.draw(st.sampled_from(divisors)) if array.size else 0
    shapes = [(first, array.size // max(first, 1)), (1, *array.shape, 1), (array.size,)]
    shape = data.draw(st.sampled_from(shapes))
    reshaped = view.reshaped(shape)
    if reshaped is None:
        assert not np.shares_memory(array.reshape(shape), array)
    else:
        np.testing.assert_array_equal(look(reshaped, memory), array.reshape(shape))


def test_views_know_how_far_they_reach() -> None:
    view, _ = flat((4, 6))
    assert view.reach == 23
    assert view.flipped((0, 1)).reach == 23 + 23
    assert dense_strides((2, 3, 4)) == (12, 4, 1)


def test_fusing_grows_as_the_program() -> None:
    def calls(length: int) -> int:
        def chain(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
            for i in range(length):
                x = x @ y if i % 2 else ai.tanh(x * y) + y
            return x

        program, count = optimise(captured(chain, np.eye(4, dtype="f4"), np.ones((4, 4), "f4"))), 0

        def look(_frame: Any, event: str, _: Any) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(look)
        try:
            launches(program)
        finally:
            sys.setprofile(None)
        return count

    assert calls(400) < 4.2 * calls(100)
