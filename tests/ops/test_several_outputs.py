"""Primitives with several outputs: eager, recorded, compiled, drawn and written in place."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compiling import compare, proven  # noqa: F401
from samples import own_words

import autograd_iron as ai
from autograd_iron.core.specs import Spec
from autograd_iron.plan.refusals import CaptureError

X = np.random.default_rng(0).standard_normal((5, 3))


@pytest.fixture
def largest() -> Iterator[Any]:
    """A reduction that also tells where: its second output is integers."""
    with own_words():

        @ai.extend.primitive
        def largest(xp: Any, x: Any, /, axis: int) -> Any:
            """Return the largest value along an axis, and its position."""
            return xp.max(x, axis=axis), xp.argmax(x, axis=axis)

        @largest.shape
        def _(x: Any, axis: int) -> Any:
            shape = tuple(n for i, n in enumerate(x.shape) if i != axis % x.ndim)
            return Spec(shape, x.dtype), Spec(shape, np.dtype("int64"))

        @largest.vjp
        def _(F: Any, g: Any, y: Any, x: Any, axis: int) -> Any:
            value = F.expand_dims(y[0], axis)
            return F.multiply_no_nan(F.astype(x == value, dtype=x.dtype), F.expand_dims(g[0], axis))

        yield largest


def test_values_and_positions(largest: Any) -> None:
    x = ai.tensor(X, requires_grad=True)
    values, positions = largest(x, axis=0)
    np.testing.assert_array_equal(values.numpy(), X.max(axis=0))
    np.testing.assert_array_equal(positions.numpy(), X.argmax(axis=0))
    assert values.requires_grad
    assert not positions.requires_grad
    ai.check_grads(lambda x: largest(x, axis=1)[0], [X], order=2)


def test_compiled(largest: Any) -> None:
    def step(x: ai.Tensor) -> Any:
        values, positions = largest(x, axis=1)
        gradient = ai.grad(lambda x: ai.sum(ai.sin(largest(x, axis=1)[0])))(x)
        return values, positions, gradient, values * 2

    compare(step, (X,), (-X,))


def test_an_output_that_nothing_needs_costs_nothing_but_its_call(largest: Any) -> None:
    step = ai.compile(lambda x: largest(x, axis=0)[1])
    np.testing.assert_array_equal(step(X).numpy(), X.argmax(axis=0))
    assert [s.primitive.name for s in step.plan.program.steps] == ["largest"]
    dead = ai.compile(lambda x: (largest(x, axis=0), x + 1)[1])
    dead(X)
    assert [s.primitive.name for s in dead.plan.program.steps] == ["add"]


def test_equal_calls_are_shared(largest: Any) -> None:
    step = ai.compile(lambda x: largest(x, axis=0)[0] + largest(x, axis=0)[1])
    step(X)
    assert [s.primitive.name for s in step.plan.program.steps].count("largest") == 1


def test_a_rule_sees_which_outputs_nothing_flows_back_from() -> None:
    seen: list[list[bool]] = []
    with own_words():

        @ai.extend.primitive
        def halves(xp: Any, x: Any, /) -> Any:
            """Return both halves."""
            return x[: len(x) // 2], x[len(x) // 2 :]

        @halves.vjp
        def _(F: Any, g: Any, _y: Any, _x: Any) -> Any:
            seen.append([g.is_zero(i) for i in range(len(g))])
            return F.join(*g)

        x = ai.tensor(np.arange(4.0), requires_grad=True)
        left, right = halves(x)
        ai.sum(left * left).backward(retain_graph=True)
        np.testing.assert_array_equal(x.grad.numpy(), [0, 2, 0, 0])  # type: ignore[union-attr]
        x.grad = None
        ai.sum(right * 3 + left).backward()
        np.testing.assert_array_equal(x.grad.numpy(), [1, 1, 3, 3])  # type: ignore[union-attr]
        assert seen == [[False, True], [False, False]]


def test_parts_of_a_split_go_backward_one_by_one_and_those_of_a_qr_do_not() -> None:
    x = ai.tensor(X, requires_grad=True)
    for part in ai.split(x, [2]):
        ai.sum(part).backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.ones_like(X))  # type: ignore[union-attr]
    q, r = ai.linalg.qr(x)
    ai.sum(q).backward()
    with pytest.raises(RuntimeError, match="saved by qr_factors were released"):
        ai.sum(r).backward()


def test_one_output_used_many_times_adds_up() -> None:
    ai.check_grads(lambda x: sum(ai.linalg.qr(x)[1] * k for k in range(3)), [X], order=2)
    q, r = ai.linalg.qr(ai.tensor(X, requires_grad=True))
    assert (q.shape, r.shape) == ((5, 3), (3, 3))


def test_the_graph_is_freed_by_counting_alone() -> None:
    gc.disable()
    try:
        x = ai.tensor(X, requires_grad=True)
        q, r = ai.linalg.qr(x)
        whole = weakref.ref(q.data)
        del q, r
        assert whole() is None
    finally:
        gc.enable()


def test_an_output_overwritten_before_backward_is_noticed() -> None:
    x = ai.tensor(X, requires_grad=True)
    q, r = ai.linalg.qr(x)
    q.detach().assign(0.0)
    with pytest.raises(RuntimeError, match="gradient of qr_factors needs"):
        ai.sum(r).backward()


def test_drawn_once() -> None:
    x = ai.tensor(X, requires_grad=True)
    q, r = ai.linalg.qr(x)
    source = ai.draw_graph(ai.sum(q) + ai.sum(r)).source
    assert source.count("qr") == 1
    assert "5 × 3" in source
    assert "3 × 3" in source
    step = ai.compile(ai.linalg.qr)
    step(X)
    assert ai.draw_graph(step).source.count("qr") == 1
    assert "v2, v3 = qr_factors(argument0, mode='reduced')" in str(step.plan)


def test_a_primitive_that_does_not_say_its_shape_is_refused_by_a_compiled_step_alone() -> None:
    with own_words():

        @ai.extend.primitive
        def doubled(xp: Any, x: Any, /) -> Any:
            """Return twice x."""
            return 2 * x

        assert doubled(ai.tensor(1.0)).item() == 2
        with pytest.raises(CaptureError, match=r"@doubled\.shape"):
            ai.compile(doubled)(X)


def test_a_shape_rule_that_is_wrong_is_named() -> None:
    with own_words():

        @ai.extend.primitive
        def doubled(xp: Any, x: Any, /) -> Any:
            """Return twice x."""
            return 2 * x

        doubled.shape(lambda x: Spec((1,), x.dtype))
        with pytest.raises(TypeError, match=r"doubled: the shape rule says float64\[1\]"):
            ai.compile(doubled)(X)


def test_a_cholesky_of_ones_would_fail_and_nothing_computes_one() -> None:
    # What a capture must not do: run a kernel on numbers that stand in.
    with own_words():

        @ai.extend.primitive
        def lower_factor(xp: Any, x: Any, /) -> Any:
            """Return the lower factor."""
            return xp.linalg.cholesky(x)

        lower_factor.shape(lambda x: Spec(x.shape, x.dtype))
        step = ai.compile(lower_factor)
        a = X.T @ X
        np.testing.assert_array_equal(step(a).numpy(), np.linalg.cholesky(a))
