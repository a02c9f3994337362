"""The graph: its length, its diamonds, and how often it may be travelled."""

from __future__ import annotations

import sys
import tracemalloc
import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import PRIMITIVES, leaf, own_words

import autograd_iron as ai


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
    x, w, b = leaf(4, 3), leaf(2, 3), leaf(2)
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

        @ai.extend.primitive
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
