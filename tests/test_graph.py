"""The graph: what it keeps, when it lets go, and how a gradient travels through it."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import DIFFERENTIABLE, PRIMITIVES, SAMPLES, fixed_case, own_words, result, smooth

import autograd_iron as ai
import nn


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Run with the garbage collector off: what is freed, is freed by reference counting."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def leaf(*shape: int, dtype: str = "float64", seed: int = 0) -> ai.Tensor:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, shape)
    return ai.tensor(values, dtype=dtype, requires_grad=True)


def chain(length: int, size: int = 1) -> tuple[ai.Tensor, ai.Tensor]:
    x = leaf(size)
    y = x
    for _ in range(length):
        y = ai.sin(y)
    return x, ai.sum(y)


# --- length


def test_a_chain_of_100_000_operations_differentiates(no_collector: None) -> None:
    x = ai.tensor(1.0, dtype="float64", requires_grad=True)
    y = x
    for _ in range(50_000):
        y = y * 1.00001 + 0.0
    first = weakref.ref(y.data)
    y.backward()
    assert x.grad is not None
    assert float(x.grad) == pytest.approx(1.00001**50_000, rel=1e-9)
    del y
    assert first() is None


def test_a_long_chain_is_freed_without_recursion(no_collector: None) -> None:
    x, y = chain(100_000)
    middle = weakref.ref(y.data)
    del x, y  # never differentiated: the saved arrays and the nodes hang in one long line
    assert middle() is None


def test_a_long_chain_is_freed_after_create_graph(no_collector: None) -> None:
    x, y = chain(10_000)
    y.backward(create_graph=True)
    assert x.grad is not None
    value = weakref.ref(x.grad.data)
    del x, y
    assert value() is None


def calls_made(work: Callable[[], Any]) -> int:
    """Return how many functions, Python's and C's, were called: time without a clock."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("create_graph", [False, True])
def test_time_is_linear_in_the_number_of_operations(create_graph: bool) -> None:
    def backward_of(length: int) -> int:
        y = chain(length)[1]
        return calls_made(lambda: y.backward(create_graph=create_graph))

    short, middle, long = (backward_of(n) for n in (1000, 2000, 3000))
    assert middle - short == pytest.approx(long - middle, rel=0.01)


@pytest.mark.parametrize("create_graph", [False, True])
def test_memory_is_linear_in_the_number_of_operations(create_graph: bool) -> None:
    def peak_of(length: int) -> int:
        tracemalloc.start()
        y = chain(length, size=100)[1]
        y.backward(create_graph=create_graph)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_of(100)
    short, middle, long = (peak_of(n) for n in (1000, 2000, 3000))
    assert middle - short == pytest.approx(long - middle, rel=0.1)


def counted(monkeypatch: pytest.MonkeyPatch, *names: str) -> dict[str, int]:
    """Count how often the rules of some primitives run."""
    visits = dict.fromkeys(names, 0)
    for name in names:

        def count(rule: Any, name: str = name) -> Any:
            @wraps(rule)
            def counting(*args: Any, **attributes: Any) -> Any:
                visits[name] += 1
                return rule(*args, **attributes)

            return counting

        monkeypatch.setattr(PRIMITIVES[name], "rules", [count(r) for r in PRIMITIVES[name].rules])
    return visits


def test_a_ladder_of_diamonds_is_climbed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2**60 paths, 60 nodes.
    visits = counted(monkeypatch, "add")
    x = ai.tensor(1.0, dtype="float64", requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad is not None
    assert float(x.grad) == 2.0**60
    assert visits["add"] == 2 * 60


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=30))
def test_every_node_is_visited_once_in_any_graph(edges: list[tuple[int, int]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        visits = counted(monkeypatch, "multiply")
        x = ai.tensor(1.0, dtype="float64", requires_grad=True)
        values, paths, used = [x], [1.0], []
        for left, right in edges:
            i, j = left % len(values), right % len(values)
            values.append(values[i] * values[j])
            paths.append(paths[i] + paths[j])  # every value is 1: the slope counts the paths
            used.append((i, j))
        values[-1].backward()
        assert x.grad is not None
        assert float(x.grad) == paths[-1]
        needed = {len(values) - 1}
        for k in range(len(edges), 0, -1):
            if k in needed:
                needed.update(used[k - 1])
        assert visits["multiply"] == 2 * (len(needed) - (0 in needed))


def test_nothing_is_computed_for_an_input_without_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visits = counted(monkeypatch, "linear")
    x, w, b = leaf(4, 3), leaf(3, 2), leaf(2)
    ai.sum(ai.linear(x, w, b)).backward()
    assert visits["linear"] == 3
    ai.sum(ai.linear(x.detach(), w, b)).backward()
    assert visits["linear"] == 5
    ai.sum(ai.linear(x.detach(), w.detach(), b)).backward()
    assert visits["linear"] == 6


def test_nothing_is_computed_that_does_not_lead_to_a_wanted_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visits = counted(monkeypatch, "sin", "multiply")
    w = leaf(3)
    ai.grad(lambda x: ai.sum(ai.sin(x) * ai.sin(w * 2)))(np.ones(3))
    assert visits == {"sin": 1, "multiply": 1}


# --- accumulation


def test_a_diamond_adds_up_its_sides() -> None:
    x = leaf(3)
    a = ai.sin(x)
    b, c = a * x, ai.exp(a)
    ai.sum(b * c).backward()
    v = x.numpy()
    s, e = np.sin(v), np.exp(np.sin(v))
    expected = np.cos(v) * v * e + s * e + s * v * e * np.cos(v)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-13)


def test_many_uses_add_up_without_touching_one_another() -> None:
    # The engine may add into a sum of its own making, never into a cotangent somebody else holds.
    x, y = leaf(3), leaf(3, seed=1)
    shared = x + y
    parts = [shared * k for k in range(1, 6)]
    ai.sum(ai.stack([*parts, x, y])).backward()
    assert x.grad is not None
    assert y.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, 16.0))
    np.testing.assert_array_equal(y.grad.numpy(), np.full(3, 16.0))


def test_gradients_accumulate_over_backwards() -> None:
    x = leaf(3)
    ai.sum(x * 2).backward()
    first = x.grad
    ai.sum(x * 3).backward()
    assert first is not None
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, 5.0))
    np.testing.assert_array_equal(first.numpy(), np.full(3, 2.0))
    x.grad = None
    ai.sum(x * 3).backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.full(3, 3.0))


def test_only_leaves_get_a_grad() -> None:
    x = leaf(3)
    y = x * 2
    ai.sum(y).backward()
    assert y.grad is None
    assert not y.is_leaf
    assert x.is_leaf
    assert x.grad is not None
    assert not x.grad.requires_grad


def test_backward_from_a_leaf() -> None:
    x = ai.tensor(2.0, requires_grad=True)
    x.backward()
    x.backward()
    assert x.grad is not None
    assert float(x.grad) == 2.0


@pytest.mark.parametrize(
    "gradient",
    [
        np.array([1.0, 2.0, 3.0]),
        np.array([1, 2, 3]),
        np.array([1, 2, 3], "float32"),
        [1.0, 2.0, 3.0],
        ai.tensor([1.0, 2.0, 3.0]),
    ],
)
def test_backward_from_any_cotangent(gradient: Any) -> None:
    x = leaf(3)
    (x * 2).backward(gradient)
    assert x.grad is not None
    assert x.grad.dtype == np.float64
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0, 6.0])


def test_backward_from_one_element_of_any_shape() -> None:
    x = leaf(1, 1)
    (x * 2).backward()
    assert x.grad is not None
    assert x.grad.numpy().tolist() == [[2.0]]


def test_a_leaf_off_the_path_stays_without_gradient() -> None:
    x, y = leaf(3), leaf(3)
    ai.sum(x + y.detach()).backward()
    assert y.grad is None


def test_an_argument_without_a_rule_passes_no_gradient_on() -> None:
    condition, x = leaf(3), leaf(3)
    ai.sum(ai.where(condition, x, 0.0)).backward()
    assert x.grad is not None
    assert condition.grad is None
    assert not ai.where(condition, 1.0, 0.0).requires_grad
    with own_words():

        @ai.primitive
        def scaled(xp: Any, x: Any, scale: Any, /) -> Any:
            return x * scale

        scaled.vjp(lambda F, g, _y, _x, scale: g * scale)
        y, scale = leaf(3), leaf(3)
        ai.sum(scaled(y, scale)).backward()
        assert y.grad is not None
        assert scale.grad is None
        assert not scaled(y.detach(), scale).requires_grad


def test_a_dropped_leaf_is_no_obstacle() -> None:
    x, y = leaf(3), leaf(3)
    total = ai.sum(x * y)
    del x
    total.backward()
    assert y.grad is not None


# --- twice


def test_a_second_backward_needs_retain_graph() -> None:
    x = leaf(3)
    y = ai.sum(ai.exp(x))
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(x.numpy()))
    with pytest.raises(RuntimeError, match="released by an earlier backward"):
        y.backward()


def test_a_shared_part_is_released_with_the_first_backward() -> None:
    x = leaf(3)
    shared = ai.exp(x)
    one, two = ai.sum(shared * 2), ai.sum(shared * 3)
    one.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        two.backward()


def test_even_rules_that_keep_nothing_refuse_a_second_backward() -> None:
    # Whether a rule happens to need a saved array must not decide what is allowed.
    x = leaf(3)
    y = ai.sum(x + x)
    y.backward()
    with pytest.raises(RuntimeError, match="released"):
        y.backward()


def test_create_graph_implies_retain_graph() -> None:
    x = leaf(3)
    y = ai.sum(x**3)
    y.backward(create_graph=True)
    y.backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), 6 * x.numpy() ** 2)


def test_gradients_of_gradients() -> None:
    x = ai.tensor(2.0, dtype="float64", requires_grad=True)
    (x**4).backward(create_graph=True)
    for expected in (4 * 2.0**3, 12 * 2.0**2, 24 * 2.0):
        g = x.grad
        assert g is not None
        assert g.requires_grad
        assert float(g) == pytest.approx(expected)
        x.grad = None
        g.backward(create_graph=True)
    assert x.grad is not None
    assert float(x.grad) == pytest.approx(24.0)


def test_a_gradient_penalty_reaches_the_weights() -> None:
    x, w = leaf(5, 3), leaf(3, 1, seed=1)

    def penalty(w: ai.Tensor) -> ai.Tensor:
        slope = ai.grad(lambda x: ai.sum(ai.tanh(x @ w)))(x)
        return ai.sum(slope * slope)

    ai.check_grads(penalty, [w], order=2)


def test_create_graph_works_under_no_grad() -> None:
    x = leaf(3)
    y = ai.sum(x**3)
    with ai.no_grad():
        y.backward(create_graph=True)
    assert x.grad is not None
    assert x.grad.requires_grad


# --- what is kept


def made(values: ai.Tensor) -> ai.Tensor:
    """Return an intermediate result whose array only a consumer can keep alive."""
    return values * 1.0


KEPT: list[tuple[str, Callable[..., ai.Tensor], str, set[str]]] = [
    # operation, which inputs require a gradient, what must stay alive for its rules
    ("add", lambda x, y: x + y, "xy", set()),
    ("subtract", lambda x, y: x - y, "xy", set()),
    ("multiply", lambda x, y: x * y, "xy", {"x", "y"}),
    ("multiply, left", lambda x, y: x * y, "x", {"y"}),
    ("multiply, right", lambda x, y: x * y, "y", {"x"}),
    ("divide, left", lambda x, y: x / y, "x", {"y"}),
    ("divide", lambda x, y: x / y, "xy", {"y", "out"}),
    ("negative", lambda x, y: -x, "x", set()),
    ("tanh", lambda x, y: ai.tanh(x), "x", {"out"}),
    ("exp", lambda x, y: ai.exp(x), "x", {"out"}),
    ("sqrt", lambda x, y: ai.sqrt(x), "x", {"out"}),
    ("sigmoid", lambda x, y: ai.sigmoid(x), "x", {"out"}),
    ("relu", lambda x, y: ai.relu(x), "x", {"out"}),
    ("sin", lambda x, y: ai.sin(x), "x", {"x"}),
    ("log", lambda x, y: ai.log(x), "x", {"x"}),
    ("matmul", lambda x, y: x @ y, "xy", {"x", "y"}),
    ("matmul, right", lambda x, y: x @ y, "y", {"x"}),
    ("linear, weights", ai.linear, "y", {"x"}),
    ("linear, inputs", ai.linear, "x", {"y"}),
    ("sum", lambda x, y: ai.sum(x), "x", set()),
    ("mean", lambda x, y: ai.mean(x, axis=0), "x", set()),
    ("sum over broadcast", lambda x, y: x + y[0], "y", set()),
    ("concat", lambda x, y: ai.concat([x, y]), "xy", set()),
    ("where", lambda x, y: ai.where(np.eye(3) > 0, x, y), "xy", set()),
    ("pad", lambda x, y: ai.pad(x, 1), "x", set()),
    ("gather", lambda x, y: x[[0, 2]], "x", set()),
    ("astype", lambda x, y: x.astype("float32"), "x", set()),
    ("no gradient", lambda x, y: ai.tanh(x) * y, "", set()),
]


@pytest.mark.parametrize(
    ("operation", "tracked", "kept"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT]
)
def test_a_node_keeps_only_what_its_rules_read(
    operation: Callable[..., ai.Tensor], tracked: str, kept: set[str], no_collector: None
) -> None:
    x, y = (
        made(leaf(3, 3)) if name in tracked else made(leaf(3, 3)).detach() for name in ("x", "y")
    )
    out = operation(x, y)
    arrays = {"x": weakref.ref(x.data), "y": weakref.ref(y.data), "out": weakref.ref(out.data)}
    end = ai.sum(out)  # keeps the node, not the array
    del x, y, out
    alive = {name for name, array in arrays.items() if array() is not None}
    assert alive == kept
    if tracked:
        end.backward()
    assert {name for name, array in arrays.items() if array() is not None} == set()


def test_saved_arrays_are_let_go_as_backward_passes(no_collector: None) -> None:
    seen: list[list[bool]] = []
    arrays: list[weakref.ref[Any]] = []
    with own_words():

        @ai.primitive
        def spy(xp: Any, x: Any, /) -> Any:
            return x + 0.0

        @spy.vjp
        def _(F: Any, g: Any, _y: Any, _x: Any) -> Any:
            seen.append([array() is not None for array in arrays])
            return g

        x = leaf(4)
        y = x * 1.0
        for _ in range(4):
            y = ai.tanh(spy(y))
            arrays.append(weakref.ref(y.data))
        ai.sum(y).backward()
        del y
    # Before each visit the arrays of all newer nodes have gone; that of the next one has too.
    assert seen == [
        [True, True, True, True],  # `y` itself is still in our hands
        [True, True, False, True],
        [True, False, False, True],
        [False, False, False, True],
    ]


def test_with_retain_graph_nothing_is_let_go(no_collector: None) -> None:
    x = leaf(4)
    y = ai.tanh(x * 1.0)
    saved = weakref.ref(y.data)
    end = ai.sum(y)
    del y
    end.backward(retain_graph=True)
    assert saved() is not None
    end.backward()
    assert saved() is None


# --- freedom


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("mode", ["forward", "backward", "retained", "create_graph"])
def test_the_graph_is_freed_by_reference_counting_alone(
    name: str, mode: str, no_collector: None
) -> None:
    case = fixed_case(name, SAMPLES[name].calls[-1])
    tensors = [
        ai.tensor(a, requires_grad=True) * 1.0 if smooth(name, i) else ai.tensor(a)
        for i, a in enumerate(case.arrays)
    ]
    output = result(name, tensors, case.attributes)
    watched = [weakref.ref(t.data) for t in (*tensors, output)]
    if mode != "forward":
        gradient = np.ones(output.shape)
        output.backward(gradient, mode == "retained", mode == "create_graph")
    del tensors, output
    assert [array() is None for array in watched] == [True] * len(watched)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_leaf_is_freed_with_its_grad(create_graph: bool, no_collector: None) -> None:
    x = leaf(3)
    y = ai.sum(x**3)
    y.backward(create_graph=create_graph)
    assert x.grad is not None
    watched = [weakref.ref(x), weakref.ref(x.data), weakref.ref(x.grad.data)]
    del x, y
    assert [item() is None for item in watched] == [True] * 3


def test_a_model_and_its_steps_are_freed(no_collector: None) -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    x = ai.tensor(np.ones((5, 2)), dtype="float32")
    hidden = model(x)
    watched = weakref.ref(hidden.data)
    ai.mean(hidden * hidden).backward()
    del hidden
    assert watched() is None
    weights = [weakref.ref(p.data) for p in model.parameters()]
    del model
    assert [w() is None for w in weights] == [True] * 4


def test_a_failed_backward_leaks_nothing(no_collector: None) -> None:
    x = leaf(3)
    y = ai.exp(x * 1.0)
    total = ai.sum(y)
    watched = weakref.ref(y.data)
    y.assign(0.0)
    del y
    with pytest.raises(RuntimeError, match="written in place"):
        total.backward()
    del total
    assert watched() is None
    assert x.grad is None


def test_transforms_leak_nothing(no_collector: None) -> None:
    made_arrays: list[weakref.ref[Any]] = []

    def f(x: ai.Tensor) -> ai.Tensor:
        y = ai.exp(x)
        made_arrays.append(weakref.ref(y.data))
        return ai.sum(y * y)

    x = leaf(3)
    inner = ai.grad(lambda x: ai.sum(ai.grad(f)(x) ** 2))(x)
    ai.check_grads(f, [x])
    del inner
    assert made_arrays
    assert [array() is None for array in made_arrays] == [True] * len(made_arrays)


# --- recording on and off


def recording() -> bool:
    return bool((ai.tensor(1.0, requires_grad=True) * 2).requires_grad)


def test_no_grad_and_enable_grad_nest() -> None:
    assert recording()
    with ai.no_grad():
        assert not recording()
        with ai.enable_grad():
            assert recording()
            with ai.no_grad():
                assert not recording()
            assert recording()
        assert not recording()
    assert recording()


@pytest.mark.parametrize("switch", [ai.no_grad, ai.enable_grad])
def test_an_exception_restores_recording(switch: Callable[[], Any]) -> None:
    for outer in (ai.no_grad, ai.enable_grad):
        with outer():
            before = recording()
            with pytest.raises(ZeroDivisionError), switch():
                raise ZeroDivisionError
            assert recording() == before


def test_no_grad_decorates() -> None:
    @ai.no_grad()
    def quiet(fail: bool = False) -> bool:
        if fail:
            raise ZeroDivisionError
        return recording()

    @ai.no_grad()
    @ai.enable_grad()
    def loud() -> bool:
        return recording()

    assert [quiet(), quiet(), loud(), recording()] == [False, False, True, True]
    with pytest.raises(ZeroDivisionError):
        quiet(fail=True)
    assert recording()


def test_a_switch_may_be_kept_and_used_again() -> None:
    quiet = ai.no_grad()
    for _ in range(2):
        with quiet:
            assert not recording()
            with quiet:
                assert not recording()
            assert not recording()
        assert recording()


def test_no_grad_is_a_matter_of_the_thread() -> None:
    answers: list[bool] = []
    inside = threading.Event()
    done = threading.Event()

    def other() -> None:
        inside.wait()
        answers.append(recording())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with ai.no_grad():
        inside.set()
        done.wait()
        answers.append(recording())
    thread.join()
    assert answers == [True, False]


def test_graphs_of_several_threads_do_not_mix() -> None:
    gradients: dict[int, Any] = {}

    def work(seed: int) -> None:
        x = leaf(4, seed=seed)
        for _ in range(50):
            y = x
            for _ in range(20):
                y = ai.tanh(y) * 1.1 + x
            x.grad = None
            ai.sum(y).backward()
        gradients[seed] = x.grad

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        expected = gradients.pop(seed)
        work(seed)
        np.testing.assert_array_equal(gradients[seed].numpy(), expected.numpy())


def test_a_graph_made_in_one_thread_is_differentiated_in_another() -> None:
    x = leaf(3)
    y = ai.sum(x * x)
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad is not None


def test_detach_cuts_and_shares() -> None:
    x = leaf(3)
    y = x * 2
    cut = y.detach()
    assert not cut.requires_grad
    assert cut.is_leaf
    assert np.shares_memory(cut.data, y.data)
    ai.sum(cut * x).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


# --- the version counter


def test_a_write_after_use_is_caught_and_names_the_operation() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    y = ai.sum(x * w)
    w.assign(0.0)
    with pytest.raises(RuntimeError, match="gradient of multiply needs an array of shape") as info:
        y.backward()
    assert "written in place" in str(info.value)
    assert "compute the result again" in str(info.value)
    assert x.grad is None


def test_a_write_that_no_rule_minds_is_allowed() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    y = ai.sum(x + w)
    w.assign(0.0)
    y.backward()
    z = ai.sum(x.detach() * w)  # needs x's values, not w's
    w.assign(1.0)
    z.backward()
    assert w.grad is not None


def test_a_write_before_use_is_allowed() -> None:
    x, w, other = leaf(3), leaf(3, seed=1), leaf(3)
    for value in (2.0, 3.0):
        w.assign(value)
        x.grad = None
        y = ai.sum(x * w)
        other.assign(value)  # a later write elsewhere is nobody's concern
        y.backward()
        assert x.grad is not None
        np.testing.assert_array_equal(x.grad.numpy(), np.full(3, value))


def test_a_write_after_backward_is_allowed() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    for _ in range(3):
        ai.sum(x * w).backward()
        for p in (x, w):
            assert p.grad is not None
            p.assign(p.detach() - 0.1 * p.grad)


def test_a_write_between_two_uses_spoils_only_the_first() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    early = ai.sum(x * w)
    w.assign(2.0)
    late = ai.sum(x * w)
    late.backward()
    with pytest.raises(RuntimeError, match="multiply"):
        early.backward()


def test_a_write_through_retain_graph_is_caught() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    y = ai.sum(x * w)
    y.backward(retain_graph=True)
    w.assign(0.0)
    with pytest.raises(RuntimeError, match="written in place"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"written in place|released"):
        y.backward(create_graph=True)


def test_a_write_into_a_saved_output_is_caught() -> None:
    x = leaf(3)
    y = ai.exp(x)
    total = ai.sum(y)
    y.assign(0.0)
    with pytest.raises(RuntimeError, match="gradient of exp"):
        total.backward()


VIEWS: dict[str, Callable[[ai.Tensor], ai.Tensor]] = {
    "detach": lambda t: t.detach(),
    "identity": ai.identity,
    "slice": lambda t: t[1:],
    "row": lambda t: t[0],
    "reshape": lambda t: t.reshape(-1),
    "transpose": lambda t: t.T,
    "flip": ai.flip,
    "broadcast": lambda t: ai.broadcast_to(t, (2, *t.shape)),
    "expand_dims": lambda t: ai.expand_dims(t, 0),
    "of a view": lambda t: ai.flip(t.T[1:]),
    "split": lambda t: ai.split(t, 3)[1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_to_the_base_of_a_saved_view_is_caught(
    view: Callable[[ai.Tensor], ai.Tensor],
) -> None:
    x = ai.tensor(2.0, dtype="float64", requires_grad=True)
    base = ai.tensor(np.ones((3, 3)))
    y = ai.sum(x * view(base))
    base.assign(5.0)
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


@pytest.mark.parametrize("view", ["detach", "slice", "reshape", "transpose", "flip"])
def test_a_write_through_a_view_is_caught_at_the_base(view: str) -> None:
    x = ai.tensor(2.0, dtype="float64", requires_grad=True)
    base = ai.tensor(np.ones((3, 3)))
    y = ai.sum(x * base)
    VIEWS[view](base).assign(5.0)
    assert float(base[2, 2]) == 5.0
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


def test_a_write_to_shared_memory_is_caught() -> None:
    array = np.ones(3)
    x, one, two = leaf(3), ai.asarray(array), ai.asarray(array)
    y = ai.sum(x * one)
    two.assign(5.0)
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


def test_a_write_to_an_index_does_not_move_the_gradient() -> None:
    x, i = leaf(4), ai.tensor([0, 1], dtype="int64")
    array = np.array([0, 1])
    numbers = [0, 1]
    mask = ai.tensor(np.array([True, True, False, False]))
    y = ai.sum(x[i] + x[array] + x[numbers] + x[mask] + x.at[i].set(0.0)[i] + x.at[i].add(1.0)[i])
    i.assign(np.array([2, 3]))
    mask.assign(np.array([False, False, True, True]))
    array[:] = 3
    numbers[:] = [3, 3]
    y.backward()
    assert x.grad is not None
    assert x.grad.numpy()[2:].tolist() == [0.0, 0.0]


def test_a_write_to_the_condition_of_where_is_caught() -> None:
    x, mask = leaf(3), ai.tensor(np.array([True, False, True]))
    y = ai.sum(ai.where(mask, x, 0.0))
    mask.assign(False)
    with pytest.raises(RuntimeError, match="where"):
        y.backward()


def test_new_memory_at_an_old_address_is_not_taken_for_written() -> None:
    # Freed memory is handed out again, so a note by id() alone would accuse the wrong array.
    x, other = leaf(3), leaf(3)
    old = [ai.tensor(np.ones(3)) for _ in range(50)]
    for t in old:
        t.assign(2.0)
    addresses = {id(t.data) for t in old}
    del old, t
    fresh = [ai.tensor(np.ones(3)) for _ in range(50)]
    [new, *_] = [t for t in fresh if id(t.data) in addresses]
    y = ai.sum(x * new)
    other.assign(1.0)
    y.backward()


def test_written_arrays_are_forgotten_when_they_die() -> None:
    def write_many() -> None:
        for t in [ai.tensor(np.ones(3)) for _ in range(2000)]:
            t.assign(2.0)

    write_many()
    tracemalloc.start()
    write_many()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 2000 * 100  # what a dictionary keeps in reserve, not an entry for each


def test_the_gradient_may_be_written() -> None:
    x = leaf(3)
    ai.sum(x * x).backward(create_graph=True)
    g = x.grad
    assert g is not None
    y = ai.sum(g * g)
    g.assign(0.0)
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


# --- leaves


def test_requires_grad_can_be_turned_on_and_off() -> None:
    x = ai.tensor([1.0, 2.0])
    assert not x.requires_grad
    x.requires_grad = True
    ai.sum(x).backward()
    assert x.grad is not None
    x.requires_grad = False
    assert not (x * 2).requires_grad
    x.requires_grad = True
    x.requires_grad = True
    assert (x * 2).requires_grad


def test_setting_requires_grad_again_keeps_the_place_in_the_graph() -> None:
    x = leaf(3)
    y = ai.sum(x * x)
    x.requires_grad = True
    y.backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("kind", [ai.Tensor, nn.Parameter])
def test_leaves_can_be_copied_and_pickled(again: Callable[[Any], Any], kind: Any) -> None:
    x = kind(np.ones(3, "float32"))
    x.requires_grad = True
    ai.sum(x * 2).backward()
    twin = again(x)
    assert type(twin) is kind
    assert twin.requires_grad
    assert twin.dtype == np.float32
    np.testing.assert_array_equal(twin.numpy(), x.numpy())
    assert not np.shares_memory(twin.data, x.data)
    twin.assign(5.0)
    assert float(x[0]) == 1.0
    twin.grad = None
    ai.sum(twin * 3).backward()
    assert x.grad is not None
    assert x.grad.numpy().tolist() == [2.0] * 3
    assert twin.grad.numpy().tolist() == [3.0] * 3


def test_a_shared_leaf_stays_shared_in_a_copy() -> None:
    x = leaf(3)
    one, two = copy.deepcopy([x, x])
    assert one is two


@pytest.mark.parametrize(
    "again", [copy.deepcopy, copy.copy, pickle.dumps], ids=["deepcopy", "copy", "pickle"]
)
def test_a_result_is_not_copied_with_its_graph(again: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"a result \(of multiply\).*detach\(\) it first"):
        again(leaf(3) * 2)


def test_joining_few_after_many_keeps_the_right_inputs() -> None:
    """What the rules of a variadic primitive read depends on how many arrays it was given."""
    parts = [ai.tensor([float(i)], requires_grad=True) for i in range(3)]
    for count in (3, 1, 2):
        ai.concat(parts[:count]).sum().backward()
    assert [part.grad.tolist() for part in parts] == [[3.0], [2.0], [1.0]]
