"""The handle: operators, methods, conversions and printing, against NumPy's own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

V = np.array([[0.5, 1.5, 2.5], [3.5, 0.25, 1.25]])


def x(requires_grad: bool = False) -> ai.Tensor:
    return ai.tensor(V, requires_grad=requires_grad)


def same(ours: Any, theirs: Any) -> None:
    assert isinstance(ours, ai.Tensor)
    assert ours.shape == np.shape(theirs)
    assert ours.dtype == np.asarray(theirs).dtype
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-14)


@pytest.mark.parametrize("other", [2, 1.5, V[::-1], V[0], V[:, :1]], ids=str)
@pytest.mark.parametrize(
    "apply",
    [
        *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow),
        *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
    ],
)
def test_binary_operators_on_both_sides(apply: Callable[..., Any], other: Any) -> None:
    operand = other if isinstance(other, int | float) else ai.tensor(other)
    same(apply(x(), operand), apply(V, other))
    same(apply(operand, x()), apply(other, V))


def test_other_operators() -> None:
    same(-x(), -V)
    same(+x(), V)
    same(abs(-x()), V)
    same(x() @ x().T, V @ V.T)
    same(~(x() > 1), ~(V > 1))
    same((x() > 1) & (x() < 3), (V > 1) & (V < 3))
    same((x() > 1) | False, V > 1)
    same((x() > 1) ^ True, V <= 1)


METHODS: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
    (lambda t: t.T, lambda v: v.T),
    (lambda t: t.reshape(2, 1, 3).mT, lambda v: v.reshape(2, 1, 3).mT),
    (lambda t: t.reshape(3, 2), lambda v: v.reshape(3, 2)),
    (lambda t: t.reshape((3, 2)), lambda v: v.reshape((3, 2))),
    (lambda t: t.reshape(-1), lambda v: v.reshape(-1)),
    (lambda t: t.transpose(), lambda v: v.transpose()),
    (lambda t: t.transpose(1, 0), lambda v: v.transpose(1, 0)),
    (lambda t: t.transpose((0, 1)), lambda v: v.transpose((0, 1))),
    (lambda t: t[0].transpose(0), lambda v: v[0].transpose(0)),
    (lambda t: t.astype("float32"), lambda v: v.astype("float32")),
    (lambda t: t.sum(), lambda v: v.sum()),
    (lambda t: t.sum(0, keepdims=True), lambda v: v.sum(0, keepdims=True)),
    (lambda t: t.mean(axis=1), lambda v: v.mean(axis=1)),
    (lambda t: t.max(-1), lambda v: v.max(-1)),
    (lambda t: t.min((0, 1)), lambda v: v.min((0, 1))),
    (lambda t: t.var(1, True), lambda v: v.var(1, keepdims=True)),
    (lambda t: t[1], lambda v: v[1]),
    (lambda t: t[:, ::-1], lambda v: v[:, ::-1]),
    (lambda t: t[..., None, 0], lambda v: v[..., None, 0]),
    (lambda t: t[[1, 0, 1], [0, 0, 2]], lambda v: v[[1, 0, 1], [0, 0, 2]]),
    (lambda t: t[t > 1], lambda v: v[v > 1]),
    (lambda t: t[ai.tensor([1, 1], dtype="int64")], lambda v: v[[1, 1]]),
    (lambda t: t[:, ai.tensor([2], dtype="int32")], lambda v: v[:, [2]]),
]


@pytest.mark.parametrize(("ours", "theirs"), METHODS)
def test_methods_are_numpys_and_record(
    ours: Callable[[Any], Any], theirs: Callable[[Any], Any]
) -> None:
    same(ours(x()), theirs(V))
    assert ours(x(requires_grad=True)).requires_grad


def test_functional_updates_leave_the_tensor_as_it_was() -> None:
    t = x(requires_grad=True)
    one, two = t.at[0, ::2].set(9.0), t.at[[0, 0]].add(1.0)
    expected = V.copy()
    expected[0, ::2] = 9.0
    same(one, expected)
    same(two, V + np.array([[2.0], [0.0]]))
    same(t, V)
    ai.sum(one * one).backward()
    assert t.grad is not None
    np.testing.assert_allclose(t.grad.numpy(), 2 * V * (expected == V))


def test_what_it_is() -> None:
    t = x()
    assert (t.shape, t.ndim, t.size, len(t)) == ((2, 3), 2, 6, 2)
    assert [row.tolist() for row in t] == V.tolist()
    assert t.tolist() == V.tolist()
    assert t.is_leaf
    assert ai.tensor(3.0).ndim == 0


def test_numbers_come_out() -> None:
    one = ai.tensor(2.5)
    assert (one.item(), float(one), int(one), bool(one)) == (2.5, 2.5, 2, True)
    assert float(ai.tensor([[2.5]])) == 2.5
    assert not ai.tensor(0.0)
    assert [10, 20, 30][ai.tensor(1, dtype="int64")] == 20
    assert type(ai.tensor([True]).astype("bool").item()) is bool
    assert f"{one:.3f}" == "2.500"


def test_tensors_are_hashed_by_identity() -> None:
    a, b = x(), x()
    assert {a: 1, b: 2}[a] == 1
    assert len({a, b, a}) == 2


def test_printing_shows_values_dtype_and_place_in_the_graph() -> None:
    assert repr(ai.tensor([1.0, 2.5])) == "Tensor([1. , 2.5], dtype=float32)"
    t = ai.tensor([1.0, 2.5], requires_grad=True)
    assert repr(t) == "Tensor([1. , 2.5], dtype=float32, requires_grad=True)"
    assert repr(t * 2) == "Tensor([2., 5.], dtype=float32, made by multiply)"
    assert str(ai.tensor([1, 0], dtype="int64")) == "Tensor([1, 0], dtype=int64)"
    assert f"{t}" == repr(t)
    assert len(repr(ai.zeros((1000, 1000)))) < 1000


def test_a_subclass_is_a_tensor_whose_results_are_plain() -> None:
    class Mine(ai.Tensor):
        pass

    mine = Mine(V, requires_grad=True)
    assert type(mine * 2) is ai.Tensor
    assert repr(mine).startswith("Mine(")
    ai.sum(mine * 2).backward()
    assert mine.grad is not None


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, two = ai.Generator(7), ai.Generator(7)
    for draw in (
        lambda g: g.normal((2, 3), mean=1.0, std=2.0),
        lambda g: g.uniform(5, low=-1.0, high=1.0),
        lambda g: g.integers(0, 10, (4,)),
        lambda g: g.permutation(6),
    ):
        np.testing.assert_array_equal(draw(one).data, draw(two).data)
    state = one.state
    first = one.normal(100)
    one.state = state
    np.testing.assert_array_equal(one.normal(100).data, first.data)
    assert not np.array_equal(ai.Generator(8).normal(100).data, ai.Generator(7).normal(100).data)


def test_drawn_numbers_follow_their_distribution() -> None:
    generator = ai.Generator(0)
    normal = generator.normal(20_000, mean=3.0, std=2.0).numpy()
    assert abs(normal.mean() - 3.0) < 0.1
    assert abs(normal.std() - 2.0) < 0.1
    uniform = generator.uniform(20_000, low=-1.0, high=3.0).numpy()
    assert -1.0 <= uniform.min() < -0.99
    assert 2.99 < uniform.max() < 3.0
    assert sorted(generator.permutation(50).tolist()) == list(range(50))
    assert set(generator.integers(2, 5, 1000).tolist()) == {2, 3, 4}


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (lambda: ai.ones((3,)), ValueError, r"has the shape of its tensor, \(2,\), not \(3,\)"),
        (lambda: ai.ones((1, 2)), ValueError, "has the shape of its tensor"),
        (lambda: ai.ones(()), ValueError, "has the shape of its tensor"),
        (lambda: ai.ones((2,), dtype="float64"), TypeError, "has the dtype of its tensor"),
        (lambda: ai.ones((2,), dtype="int64"), TypeError, "has the dtype of its tensor"),
        (lambda: np.ones(2, "float32"), TypeError, "not a ndarray; write t.grad = ai.tensor"),
        (lambda: [1.0, 2.0], TypeError, "not a list"),
        (lambda: 0.0, TypeError, "not a float"),
    ],
)
def test_a_gradient_of_another_kind_is_refused(value: Any, error: Any, match: str) -> None:
    x = ai.tensor([1.0, 2.0], requires_grad=True)
    x.grad = good = ai.tensor([3.0, 4.0])

    def put() -> None:
        x.grad = value()

    for write in (put, ai.compile(put)):
        with pytest.raises(error, match=match):
            write()
        assert x.grad is good
    x.grad = None
    assert x.grad is None
