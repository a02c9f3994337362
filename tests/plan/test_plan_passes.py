"""The passes, each a pure function from program to program, and the layout of buffers."""

from __future__ import annotations

import copy
import inspect
import random
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from compiling import Array, close, compare
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from samples import own_words

import autograd_iron as ai
from autograd_iron.core.registry import registry
from autograd_iron.plan import passes
from autograd_iron.plan.numpy import forms
from autograd_iron.plan.passes import (
    decompose,
    drop_dead,
    fold_broadcasts,
    fold_constants,
    optimise,
    share,
    simplify,
)
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.plan.schedule import buffers, row_axes, tiling
from autograd_iron.transforms.gradients import identity

PASSES = [decompose, drop_dead, share, fold_constants, simplify, fold_broadcasts, optimise]
X = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
Y = np.random.default_rng(1).standard_normal((4, 3)).astype("float32")


class Caught(Exception):
    """Carries a program out of a capture, which then changes nothing."""


def captured(function: Callable[..., Any], *arrays: Array) -> Program:
    """Return what a function does, as it was written down and before any pass."""

    def catch(program: Program, *_: Any) -> Program:
        raise Caught(program)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes, "optimise", catch)
        with pytest.raises(Caught) as caught:
            ai.compile(function)(*map(ai.tensor, arrays))
    program = caught.value.args[0]
    assert isinstance(program, Program)
    return program


def evaluate(program: Program, *arrays: Array) -> list[Array]:
    """Run a program step by step, with no plan, and return all that is wanted of it."""
    known: dict[Value, Any] = dict(zip(program.arguments, arrays, strict=True))
    known.update((v, t.data) for t, v in program.captured)
    known.update((v, array) for array, v in program.constants)
    known.update((v, a) for (_, v), a in zip(program.draws, program.drawn, strict=True))
    for step in program.steps:
        inputs = [known[v] if isinstance(v, Value) else v for v in step.inputs]
        with np.errstate(all="ignore"):
            made = step.primitive.compute(inputs, step.attributes)
        results = made if isinstance(made, tuple) else (made,)
        for output, result in zip(step.outputs, results, strict=True):
            assert result.shape == output.shape
            assert result.dtype == output.dtype
            known[output] = result
    return [np.array(known[v]) for v in program.wanted()]


def names(program: Program) -> list[str]:
    return [step.primitive.name for step in program.steps]


def same(found: list[Array], wanted: list[Array]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert one.dtype == other.dtype
        if one.dtype == "bfloat16":  # of which NumPy takes no NaN for equal
            one, other = one.astype("float32"), other.astype("float32")
        np.testing.assert_array_equal(one, other)


W = ai.tensor(np.random.default_rng(2).standard_normal((3, 3)).astype("float32"))
W.requires_grad = True
B = ai.tensor(np.random.default_rng(3).standard_normal(3).astype("float32"))
B.requires_grad = True


def train(x: ai.Tensor, y: ai.Tensor) -> Any:
    loss = ai.mean(ai.square(ai.tanh(ai.linear(x, W, B)) - y))
    loss.backward()
    for p in (W, B):
        assert p.grad is not None
        p.assign(p - 0.1 * p.grad)
        p.grad = None
    return loss


def hessian_vector_product(x: ai.Tensor, y: ai.Tensor) -> Any:
    def inner(x: ai.Tensor) -> Any:
        gradient = ai.grad(lambda x: ai.sum(ai.tanh(x @ W) * ai.log_softmax(x, axis=0)))(x)
        return ai.sum(gradient * y)

    return ai.grad(inner)(x)


EXAMPLES: dict[str, Callable[..., Any]] = {
    "train": train,
    "hessian vector product": hessian_vector_product,
    "var": lambda x, y: ai.value_and_grad(lambda x: ai.sum(ai.var(x, axis=0) * y[0]))(x),
    "where": lambda x, y: ai.grad(lambda x: ai.sum(ai.where(x > y, x * 1, ai.exp(y) + x)))(x),
    "max": lambda x, y: ai.grad(lambda x: ai.sum(ai.max(x * y, axis=1)))(x),
    "indices": lambda x, y: ai.grad(lambda x: ai.sum(x[1:, 0] * y[:-1, 1] + x[np.array([0])]))(x),
    "pow": lambda x, y: ai.grad(lambda x: ai.sum(ai.abs(x) ** 2.5 + y**2))(x),
    "constants": lambda x, y: x * (ai.ones((3,)) * 2 + 1) + ai.zeros(()) * y,
    "repeated": lambda x, y: ai.tanh(x) * y + ai.tanh(x) + ai.tanh(x) * y,
    "dead": lambda x, y: (ai.exp(x), x * y)[1],
    "transposed": lambda x, y: ai.negative(-(x.T).T) + ai.matrix_transpose(ai.matrix_transpose(y)),
}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("run", PASSES)
def test_a_pass_changes_no_bits_and_not_its_argument(
    name: str, run: Callable[[Program], Program]
) -> None:
    program = captured(EXAMPLES[name], X, Y)
    before = copy.copy(program)
    parts = {k: list(v) for k, v in vars(program).items() if isinstance(v, list)}
    wanted = evaluate(program, X, Y)
    after = run(program)
    same(evaluate(after, X, Y), wanted)
    same(evaluate(after, Y, X), evaluate(program, Y, X))
    assert after is not program
    for key, part in parts.items():
        assert getattr(program, key) == part, f"{run.__name__} changed {key} of its argument"
        assert getattr(before, key) == part


@pytest.mark.parametrize("name", EXAMPLES)
def test_there_is_nothing_left_to_do_after_optimise(name: str) -> None:
    program = optimise(captured(EXAMPLES[name], X, Y))
    for run in PASSES:
        assert names(run(program)) == names(program), run.__name__


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_value_is_made_before_it_is_read(name: str) -> None:
    program = optimise(captured(EXAMPLES[name], X, Y))
    known = set(program.sources())
    for step in program.steps:
        assert known.issuperset(step.values)
        assert step.output not in known
        known.add(step.output)
    assert known.issuperset(program.wanted())


def test_a_training_step_has_no_waste() -> None:
    found = names(optimise(captured(train, X, Y)))
    # Forward: matmul add tanh subtract square sum divide.  Backward: two products, the bias'
    # sum, tanh' and the loss' slope.  Update: twice a product and a difference.
    for word in ("broadcast_to", "identity", "reshape", "astype", "linear", "mean"):
        assert word not in found, found
    assert found.count("matmul") == 2
    assert found.count("tanh") == 1
    assert len(found) <= 20, found


# --- decompose


def test_decompose_puts_the_parts_in_place() -> None:
    program = captured(lambda x: ai.linear(ai.softplus(x), W), X)
    assert names(program) == ["softplus", "linear"]
    parts = ["maximum", "abs", "negative", "exp", "log1p", "add"]
    assert names(decompose(program)) == [*parts, "matrix_transpose", "matmul"]
    assert not any(step.parts for step in decompose(program).steps)


def test_decompose_leaves_whole_what_the_executor_has_a_kernel_for() -> None:
    program = captured(lambda x: ai.linear(ai.softplus(x), W), X)
    found = decompose(program, lambda p: p is ai.softplus)
    assert names(found) == ["softplus", "matrix_transpose", "matmul"]
    same(evaluate(found, X), evaluate(program, X))


def test_decompose_goes_down_to_operations_that_do_not_decompose() -> None:
    with own_words():

        @ai.extend.elementwise(floating=True, decomposes=True)
        def test_half_softplus(F: Any, x: Any, /) -> Any:
            return F.softplus(x) / 2

        program = captured(test_half_softplus, X)
        assert names(program) == ["test_half_softplus"]
        same(evaluate(program, X), [test_half_softplus(X).numpy()])
    assert "softplus" not in names(decompose(program))
    assert names(decompose(program, lambda p: p is ai.softplus)) == ["softplus", "divide"]


def test_what_only_passes_an_operand_on_is_no_step() -> None:
    assert names(captured(ai.clip, X)) == []


def test_what_checks_its_values_is_never_whole() -> None:
    with own_words():

        @ai.extend.elementwise(floating=True, decomposes=True)
        def test_root(F: Any, x: Any, /) -> Any:
            ai.extend.capture.check_range(ai.tensor(x) if F.xp else x, 0, np.inf, "no root")
            return F.sqrt(x)

        found = captured(test_root, abs(X))
        with pytest.raises(ValueError, match="no root"):
            test_root(X)
    assert names(found) == ["min", "max", "sqrt"]


def test_a_view_that_decomposes_shows_its_operand() -> None:
    w = ai.tensor(X)

    def function(x: ai.Tensor) -> Any:
        first, _ = ai.split(w, 2)
        w.assign(x)
        return first + 1

    with pytest.raises(RuntimeError, match="a view is read whose tensor was assigned to since"):
        ai.compile(function)(ai.tensor(Y))


def test_a_plan_runs_an_operation_by_the_row_of_its_executor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def row(writer: Any, step: Step) -> None:
        writer.copy(step.output, writer.operand(step.inputs[0], step))

    monkeypatch.setitem(forms.LINES, ai.softplus, row)
    step = ai.compile(lambda x: ai.softplus(x) * 2)
    assert np.array_equal(step(X).numpy(), 2 * X)
    assert names(step.plan.program) == ["softplus", "multiply"]


# --- drop_dead


def test_drop_dead_drops_what_leads_nowhere() -> None:
    def function(x: ai.Tensor) -> Any:
        unused = ai.exp(ai.sin(x))
        _ = unused + 1
        return ai.tanh(x)

    assert names(drop_dead(captured(function, X))) == ["tanh"]


def test_drop_dead_keeps_effects_and_gradients() -> None:
    kept = ai.tensor(X)
    leaf = ai.tensor(X)
    leaf.requires_grad = True

    def function(x: ai.Tensor) -> None:
        kept.assign(ai.exp(x))
        ai.sum(leaf * ai.sin(x)).backward()

    found = drop_dead(captured(function, X))
    assert "exp" in names(found)
    assert "sin" in names(found)
    assert len(found.effects) == len(found.gradients) == 1
    assert leaf.grad is None


# --- share


def test_share_computes_equal_steps_once() -> None:
    program = captured(lambda x: ai.tanh(x) + ai.tanh(x) * ai.tanh(x), X)
    assert names(share(program)).count("tanh") == 1


def test_share_sees_through_what_it_has_shared() -> None:
    program = captured(lambda x: ai.exp(ai.tanh(x) * 2) + ai.exp(ai.tanh(x) * 2), X)
    assert names(share(program)) == ["tanh", "multiply", "exp", "add"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (ai.sum(x, axis=0), ai.sum(x, axis=1)),
        lambda x: (ai.sum(x, axis=0), ai.sum(x, axis=0, keepdims=True)),
        lambda x: (x + 1, x + 1.0),
        lambda x: (x + 1, x + True),
        lambda x: (x / 0.0, x / -0.0),
        lambda x: (ai.pad(x, 1, constant_values=0.0), ai.pad(x, 1, constant_values=-0.0)),
        lambda x: (x - 1, 1 - x),
        lambda x: (x[0], x[1]),
        lambda x: (x[0:1], x[0]),
        lambda x: (x[:, 0], x[0]),
        lambda x: (x[None], x[...]),
        lambda x: (x[:1], x[slice(0, 1)], x[0:1:1]),
        lambda x: (x[np.array([0, 1])], x[np.array([1, 0])]),
        lambda x: (x[np.array([0, 1])], x[np.array([False, True, True, False])]),
        lambda x: (x.astype("float64"), x.astype("float16"), x.astype("bfloat16")),
        lambda x: (ai.reshape(x, (2, 6)), ai.reshape(x, (6, 2))),
    ],
)
def test_share_keeps_apart_what_differs(function: Callable[..., Any]) -> None:
    program = captured(function, X)
    with np.errstate(all="ignore"):
        found, wanted = evaluate(share(program), X), evaluate(program, X)
    same(found, wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(np.signbit(one), np.signbit(other))


def test_share_does_not_share_random_draws() -> None:
    g = ai.Generator(0)
    program = optimise(captured(lambda x: g.normal((3,)) * x - g.normal((3,)) * x, X))
    assert len(program.draws) == 2
    assert names(program).count("multiply") == 2


# --- fold_constants


def test_fold_constants_computes_what_depends_on_nothing() -> None:
    program = captured(lambda x: x * (ai.tanh(ai.ones((3,))) + 1), X)
    assert names(optimise(program)) == ["multiply"]


def test_fold_constants_leaves_large_results() -> None:
    # They would be held in memory for the life of the plan.
    program = captured(
        lambda x: ai.sum(ai.expand_dims(ai.ones((2000,)), 1) * ai.ones((2000,))) + x, X
    )
    folded = optimise(program)
    assert max(array.nbytes for array, _ in folded.constants) < 20_000


def test_fold_constants_drops_constants_that_nothing_uses() -> None:
    program = captured(lambda x: (ai.ones((5,)), x)[1], X)
    assert optimise(program).constants == []


def test_captured_tensors_and_draws_are_no_constants() -> None:
    w, g = ai.tensor([1.0, 2.0, 3.0]), ai.Generator(0)
    program = optimise(captured(lambda x: x + (w * 2) + (g.normal((3,)) * 2), X))
    assert names(program).count("multiply") == 2


# --- simplify


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 1,
        lambda x: 1.0 * x,
        lambda x: x + 0,
        lambda x: 0.0 + x,
        lambda x: x - 0,
        lambda x: x / 1,
        lambda x: x**1,
        lambda x: x * ai.ones(()),
        lambda x: ai.negative(-x),
        lambda x: x.mT.mT,
        lambda x: x.reshape(4, 3),
        lambda x: x.astype("float32"),
        lambda x: ai.broadcast_to(x, (4, 3)),
        lambda x: identity(x) * 1,
        lambda x: ai.where(True, x, 7.0),
        lambda x: (x * 1 + 0) / 1,
    ],
)
def test_simplify_removes_what_does_nothing(function: Callable[..., Any]) -> None:
    program = optimise(captured(function, X))
    assert names(program) == []
    assert program.results == program.arguments


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 0 - x,
        lambda x: 1 / x,
        lambda x: 1**x,
        lambda x: x * 1.5,
        lambda x: x + 1,
        lambda x: x * np.ones((2, 4, 3), np.float32),
        lambda x: x + ai.zeros((1, 4, 3)),
        lambda x: x.astype("float64") * 1,
        lambda x: (x > 0) * 1,
        lambda x: (x > 0) + 0,
        lambda x: (x * 10).astype("int64") * 1.0,
        lambda x: (x * 10).astype("int64") / 1,
        lambda x: -(x.mT),
        lambda x: x.mT.reshape(4, 3),
        lambda x: ai.where(x > 0, x, x * 2),
        lambda x: x ** (x * 0 + 1),
        lambda x: ai.maximum(x, 0),
        lambda x: ai.where(True, 1.0, x),
        lambda x: ai.extend.multiply_no_nan(1, x),
        lambda x: ai.extend.multiply_no_nan(x, 1),
        lambda x: ai.extend.multiply_no_nan(x, 0.0),
        lambda x: x * float("nan"),
        lambda x: x - float("inf"),
    ],
)
def test_simplify_keeps_what_does_something(function: Callable[..., Any]) -> None:
    program = captured(function, X)
    same(evaluate(simplify(program), X), evaluate(program, X))
    same(evaluate(optimise(program), X), evaluate(program, X))


@given(
    dtype=st.sampled_from(["bfloat16", "float16", "float32", "float64", "int64", "int32", "bool"]),
    shape=st.sampled_from([(), (3,), (4, 3), (1, 3), (0, 3)]),
    word=st.sampled_from(
        ["multiply", "add", "subtract", "divide", "pow", "multiply_no_nan", "maximum"]
    ),
    other=st.sampled_from(
        [0, 1, 0.0, 1.0, -0.0, True, False, np.ones(()), np.zeros(()), np.ones((1,), "float32")]
    ),
    swapped=st.booleans(),
)
def test_numbers_that_may_do_nothing(
    dtype: str, shape: tuple[int, ...], word: str, other: Any, swapped: bool
) -> None:
    x = (np.arange(np.prod(shape, dtype=int)).reshape(shape) - 1.0).astype(dtype)
    primitive: Any = registry[word]

    def function(x: ai.Tensor) -> Any:
        return primitive(other, x) if swapped else primitive(x, other)

    try:
        program = captured(function, x)
        wanted = evaluate(program, x)
    except (TypeError, ValueError):  # such as integers to negative powers
        assume(False)
    same(evaluate(optimise(program), x), wanted)


def test_equal_numbers_of_other_types_make_other_dtypes() -> None:
    x = np.array([True, False])
    for number in (True, 1, 1.0, 1, True):
        program = captured(lambda x, number=number: x * number, x)
        assert program.results[0].dtype == (ai.tensor(x) * number).dtype


# --- fold_broadcasts


def test_elementwise_steps_broadcast_by_themselves() -> None:
    program = captured(lambda x: x + ai.broadcast_to(ai.sum(x, axis=0), (4, 3)), X)
    assert names(optimise(program)) == ["sum", "add"]


def test_work_is_done_before_broadcasting() -> None:
    def function(x: ai.Tensor) -> Any:
        wide = ai.broadcast_to(ai.sum(x, axis=0), (4, 3))
        return x + ai.exp(wide * 2) * 3

    program = optimise(captured(function, X))
    assert names(program) == ["sum", "multiply", "exp", "multiply", "add"]
    assert all(step.output.shape == (3,) for step in program.steps[1:4])


def test_a_broadcast_that_is_returned_is_still_there() -> None:
    def function(x: ai.Tensor) -> Any:
        wide = ai.broadcast_to(ai.sum(x), (4, 3))
        return wide, ai.exp(wide), ai.sum(wide, axis=0), wide @ x.T

    program = captured(function, X)
    same(evaluate(optimise(program), X), evaluate(program, X))


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 1), (1, 1), (1,), ()])
@pytest.mark.parametrize("other", [(3,), (1, 3), (4, 1), (1, 1), (1,), ()])
def test_broadcasts_of_both_operands(shape: tuple[int, ...], other: tuple[int, ...]) -> None:
    a = np.arange(np.prod(shape, dtype=int), dtype="float32").reshape(shape)
    b = 2 + np.arange(np.prod(other, dtype=int), dtype="float32").reshape(other)

    def function(a: ai.Tensor, b: ai.Tensor) -> Any:
        one, two = ai.broadcast_to(a, (2, 4, 3)), ai.broadcast_to(b, (2, 4, 3))
        return one * two, ai.where(one > two, one, 0.5), ai.maximum(one, 1) - two, one + one

    program = captured(function, a, b)
    same(evaluate(fold_broadcasts(program), a, b), evaluate(program, a, b))
    same(evaluate(optimise(program), a, b), evaluate(program, a, b))


# --- the schedule


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schedule_has_every_step_and_in_an_order_that_works(name: str) -> None:
    program = optimise(captured(EXAMPLES[name], X, Y))
    schedule = tiling.cut(program, row_axes.of_size(program, 4))
    steps = [s for phase in schedule.phases for s in (*phase.whole, *phase.tiled)]
    made = [s.output for s in steps]
    assert len(set(made)) == len(made)
    again = [s for s in steps if s.output not in {s.output for s in program.steps}]
    assert len(again) == len(steps) - len(program.steps)
    assert all(s.primitive.is_elementwise for s in again)
    known = set(program.sources())
    for phase in schedule.phases:
        for step in phase.whole:
            assert known.issuperset(step.values)
            known.add(step.output)
        # In a phase's tiles, what is combined over the tiles is there only after all of them.
        totals = set()
        for step in phase.tiled:
            assert (known - totals).issuperset(step.values)
            known.add(step.output)
            if step.output in schedule.combine:
                totals.add(step.output)


def test_a_value_is_computed_again_where_that_moves_fewer_bytes() -> None:
    def function(x: ai.Tensor, y: ai.Tensor) -> Any:
        cheap = x - ai.mean(x, axis=0)
        dear = ai.where(x > y, x, y)
        return ai.sum(cheap / ai.mean(cheap * cheap)) + ai.sum(dear / ai.mean(dear * dear))

    program = optimise(captured(function, X, Y))
    kept = {s.output for s in program.steps} & tiling.cut(
        program, row_axes.of_size(program, 4)
    ).full
    by = {s.output: s.primitive.name for s in program.steps}
    assert sorted(by[v] for v in kept) == ["where"]
    compare(function, (X, Y), equal=partial(close, terms=12))


@pytest.mark.parametrize("name", EXAMPLES)
def test_values_that_cross_phases_are_kept_in_full(name: str) -> None:
    program = optimise(captured(EXAMPLES[name], X, Y))
    schedule = tiling.cut(program, row_axes.of_size(program, 4))
    place = {}
    for i, phase in enumerate(schedule.phases):
        place.update((s.output, (i, False)) for s in phase.whole)
        place.update((s.output, (i, True)) for s in phase.tiled)
    for i, phase in enumerate(schedule.phases):
        for tiled, steps in ((False, phase.whole), (True, phase.tiled)):
            for step in steps:
                for v in step.values:
                    if v in schedule.axis and v in place and place[v] != (i, tiled):
                        assert v in schedule.full


# --- buffers: assign, and the checker that judges it


Problem = tuple[
    list[Step], dict[Value, Value], dict[Value, int], list[Value], dict[Value, tuple[Value, ...]]
]
FLOAT = np.dtype("float32")


def straight_line(seed: int) -> Problem:
    """Return steps in order, some of them views, some allowed to work in place."""
    rng = random.Random(seed)
    known = [Value(-1 - i, (1,), FLOAT) for i in range(2)]
    add: Any = registry["add"]
    steps: list[Step] = []
    roots: dict[Value, Value] = {}
    sizes: dict[Value, int] = {}
    in_place: dict[Value, tuple[Value, ...]] = {}
    for number in range(rng.randint(1, 12)):
        inputs = rng.choices(known, k=rng.randint(1, 3))
        out = Value(number, (1,), FLOAT)
        steps.append(Step(add, tuple(inputs), {}, out))
        if rng.random() < 0.2:
            roots[out] = roots.get(inputs[0], inputs[0])
        else:
            sizes[out] = rng.choice([4, 8, 64])
            if rng.random() < 0.5:
                in_place[out] = tuple(v for v in inputs if v not in roots)
        known.append(out)
    made = [s.output for s in steps]
    kept = rng.sample(made, k=min(len(made), rng.randint(0, 3)))
    return steps, roots, sizes, kept, in_place


seeds = st.integers(0, 2**32)


def runs_right(problem: Problem, layout: buffers.Layout) -> bool:
    """Say whether the steps compute the same in these buffers as each in memory of its own."""
    steps, roots, _, kept, in_place = problem
    ideal: dict[Value, Any] = {}
    memory: dict[int, Any] = {}

    def read(v: Value) -> tuple[Any, Any]:
        root = roots.get(v, v)
        right = ideal.get(root, root)
        return right, memory.get(layout.slot[root], "") if root in layout.slot else right

    for step in steps:
        out = step.output
        if out in roots:
            pairs = [read(v) for v in step.values]
            if any(a != b for a, b in pairs):
                return False
            continue
        slot = layout.slot[out]
        for v in step.values:
            root = roots.get(v, v)
            if layout.slot.get(root) == slot and v not in in_place.get(out, ()):
                return False
        pairs = [read(v) for v in step.values]
        if any(a != b for a, b in pairs):
            return False
        ideal[out] = memory[slot] = (out.number, tuple(a for a, _ in pairs))
    return all(a == b for a, b in map(read, kept))


@settings(max_examples=300)
@given(seed=seeds)
def test_assigned_buffers_never_overlap(seed: int) -> None:
    problem = straight_line(seed)
    steps, roots, sizes, kept, in_place = problem
    layout = buffers.assign(steps, roots, sizes, kept, in_place)
    buffers.check(steps, roots, layout, kept, in_place)
    assert runs_right(problem, layout)
    assert layout.slot.keys() == sizes.keys()
    for value, slot in layout.slot.items():
        assert sizes[value] <= layout.sizes[slot]


@settings(max_examples=300)
@given(seed=seeds)
def test_the_checker_knows_right_from_wrong(seed: int) -> None:
    problem, rng = straight_line(seed), random.Random(seed + 1)
    steps, roots, sizes, kept, in_place = problem
    count = len(sizes) + 1
    layout = buffers.Layout({v: rng.randrange(count) for v in sizes}, [64] * count)
    if runs_right(problem, layout):
        buffers.check(steps, roots, layout, kept, in_place)
    else:
        with pytest.raises(AssertionError):
            buffers.check(steps, roots, layout, kept, in_place)


def chain(n: int) -> Problem:
    """Return x -> v0 -> v1 ... each reading the one before and the first."""
    values = [Value(i, (1,), FLOAT) for i in range(n)]
    add: Any = registry["add"]
    steps = [Step(add, (Value(-1, (1,), FLOAT),), {}, values[0])]
    steps += [Step(add, (before, values[0]), {}, v) for before, v in pairwise(values)]
    return steps, {}, dict.fromkeys(values, 4), [values[-1]], {}


def test_a_chain_needs_three_buffers() -> None:
    assert len(buffers.assign(*chain(50)).sizes) == 3


def test_in_place_work_needs_no_other_buffer() -> None:
    steps, roots, sizes, _, _ = chain(1)
    add: Any = registry["add"]
    for i in range(1, 20):
        out = Value(i, (1,), FLOAT)
        steps.append(Step(add, (steps[-1].output, 1.0), {}, out))
        sizes[out] = 4
    in_place = {s.output: tuple(s.values) for s in steps[1:]}
    layout = buffers.assign(steps, roots, sizes, [steps[-1].output], in_place)
    assert len(layout.sizes) == 1


BROKEN = {
    "freed a step early": (
        "last.get(root) == i and root in layout.slot and root not in passed_on:",
        "last.get(root, i) <= i + 1 and root in layout.slot and root not in passed_on:",
    ),
    "views forgotten": ("last[roots.get(v, v)] = i", "last[v] = i"),
    "ends forgotten": ("last[roots.get(v, v)] = len(steps)", "pass"),
    "taken over while still alive": (
        "if last.get(root) == i and root in layout.slot and sizes[root]",
        "if root in layout.slot and sizes[root]",
    ),
    "a taken buffer left among the free": ("taken = free[best].pop()", "taken = free[best][-1]"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_checker_sees_a_broken_assignment(name: str) -> None:
    old, new = BROKEN[name]
    source = inspect.getsource(buffers)
    assert source.count(old) == 1, "the code has changed: break it in another way"
    space: dict[str, Any] = {"__name__": "autograd_iron.plan.schedule.buffers"}
    exec(compile(source.replace(old, new), "<broken>", "exec"), space)
    broken = space["assign"]

    caught = 0
    for seed in range(500):
        steps, roots, sizes, kept, in_place = straight_line(seed)
        try:
            layout = broken(steps, roots, sizes, kept, in_place)
            buffers.check(steps, roots, layout, kept, in_place)
        except AssertionError:
            caught += 1
    assert caught > 0


def test_a_broken_assignment_is_seen_on_a_real_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    assign = buffers.assign

    def one_buffer(*arguments: Any) -> buffers.Layout:
        layout = assign(*arguments)
        layout.slot = dict.fromkeys(layout.slot, 0)
        layout.sizes = [max(layout.sizes, default=0)] * len(layout.sizes)
        buffers.check(arguments[0], arguments[1], layout, list(arguments[3]), arguments[4])
        return layout

    monkeypatch.setattr(buffers, "assign", one_buffer)
    with pytest.raises(AssertionError, match=r"overwritten|own input"):
        ai.compile(lambda x, y: ai.tanh(x) @ ai.exp(y).T + ai.sum(x))(X, Y)


def test_an_error_of_a_part_names_the_operation() -> None:
    with pytest.raises(ValueError, match=r"^logsumexp\(float32\[0\], axis=None"):
        ai.compile(ai.logsumexp)(ai.zeros((0,)))


def test_gradients_of_parts_are_added_where_the_first_lies():
    def total(x):
        return ai.sum(x[0] * x[1] + x[2] * 3.0)

    step = ai.compile(ai.grad(total))
    x = ai.tensor(np.random.default_rng(0).standard_normal((3, 40), "float32"))
    for _ in range(2):
        assert np.array_equal(step(x).data, ai.grad(total)(x).data)
    text = str(step.plan)
    assert text.count("add_at(") == 3
    assert "= add(" not in text
