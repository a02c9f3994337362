"""Functions of functions: grad and value_and_grad."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_iron as ai

X = np.array([0.5, 1.5, 2.5])


def test_grad_of_a_number() -> None:
    slope = ai.grad(lambda x: x**3)(2.0)
    assert isinstance(slope, ai.Tensor)
    assert float(slope) == 12.0
    assert not slope.requires_grad


def test_grad_nests() -> None:
    f: Any = ai.sin
    for expected in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)):
        f = ai.grad(f)
        assert float(f(np.array(0.5))) == pytest.approx(expected)


def test_value_and_grad() -> None:
    value, slope = ai.value_and_grad(lambda x: ai.sum(x * x))(X)
    assert float(value) == pytest.approx(float(np.sum(X * X)))
    assert not value.requires_grad
    np.testing.assert_allclose(slope.numpy(), 2 * X)


def test_argnums_chooses() -> None:
    def f(x: ai.Tensor, y: ai.Tensor, scale: float = 1.0) -> ai.Tensor:
        return ai.sum(x * y * y) * scale

    np.testing.assert_allclose(ai.grad(f, 1)(X, X + 1).numpy(), 2 * X * (X + 1))
    np.testing.assert_allclose(ai.grad(f, -1)(X, X + 1).numpy(), 2 * X * (X + 1))
    one, two = ai.grad(f, (1, 0))(X, X + 1, scale=2.0)
    np.testing.assert_allclose(one.numpy(), 4 * X * (X + 1))
    np.testing.assert_allclose(two.numpy(), 2 * (X + 1) ** 2)
    (only,) = ai.grad(f, (0,))(X, X)
    assert only.shape == (3,)


def product(layers: Any) -> ai.Tensor:
    return layers[0]["w"] * layers[1]["w"]


class Pair(NamedTuple):
    left: Any
    right: Any


@pytest.mark.parametrize(
    ("tree", "use"),
    [
        ({"w": X, "b": 2.0}, lambda p: ai.sum(p["w"]) * p["b"]),
        ([X, np.array(2.0)], lambda p: ai.sum(p[0]) * p[1]),
        ((2.0, ai.tensor(X)), lambda p: ai.sum(p[1]) * p[0]),
        (Pair(X, [ai.tensor(2.0), X]), lambda p: ai.sum(p.left) * p.right[0] + ai.sum(p.right[1])),
        ({"layers": [{"w": X}, {"w": X + 1}]}, lambda p: ai.sum(product(p["layers"]))),
    ],
    ids=["dict", "list", "tuple of a number and a tensor", "named tuple", "nested"],
)
def test_gradients_have_the_structure_of_the_argument(tree: Any, use: Any) -> None:
    def same(a: Any, b: Any) -> None:
        if isinstance(a, dict):
            assert a.keys() == b.keys()
            for key in a:
                same(a[key], b[key])
        elif isinstance(a, list | tuple):
            assert type(a) is type(b)
            for one, two in zip(a, b, strict=True):
                same(one, two)
        else:
            assert isinstance(b, ai.Tensor)
            assert b.shape == getattr(a, "shape", ())

    same(tree, ai.grad(use)(tree))


def test_a_list_of_numbers_is_one_argument() -> None:
    assert ai.grad(ai.sum)([1.0, 2.0]).tolist() == [1.0, 1.0]


def test_the_gradient_reaches_what_the_function_closes_over() -> None:
    w = ai.tensor(X, requires_grad=True)
    slope = ai.grad(lambda x: ai.sum(ai.sin(x * w)))(X)
    assert slope.requires_grad
    ai.sum(slope).backward()
    ai.check_grads(lambda w: ai.grad(lambda x: ai.sum(ai.sin(x * w)))(X), [X])
    assert w.grad is not None


def test_the_gradient_of_a_recorded_argument_is_recorded() -> None:
    w = ai.tensor(X, requires_grad=True)
    slope = ai.grad(lambda x: ai.sum(x**3))(w * 2)
    ai.sum(slope).backward()
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), 6 * (2 * X) * 2)


def test_the_gradient_stops_at_the_argument() -> None:
    # x is made from w, but the slope asked for is that of x alone, and w.grad is nobody's business.
    w = ai.tensor(X, requires_grad=True)
    x = w * 2
    slope = ai.grad(lambda x: ai.sum(x * x))(x)
    np.testing.assert_allclose(slope.numpy(), 2 * x.numpy())
    assert w.grad is None
    assert x.grad is None


def test_grad_works_under_no_grad() -> None:
    w = ai.tensor(X, requires_grad=True)
    with ai.no_grad():
        slope = ai.grad(lambda x: ai.sum(x * w))(w)
    np.testing.assert_allclose(slope.numpy(), X)
    assert not slope.requires_grad


def test_gradients_share_no_memory() -> None:
    x, y = ai.tensor(X), ai.tensor(X)
    slopes = ai.grad(lambda x, y: ai.sum(x + y.reshape(3)), (0, 1))(x, y)
    for slope in slopes:
        slope.assign(5.0)
        assert not any(np.shares_memory(slope.data, t.data) for t in (x, y))
    assert not np.shares_memory(slopes[0].data, slopes[1].data)
    np.testing.assert_array_equal(x.numpy(), X)


def test_arguments_are_left_alone() -> None:
    x = ai.tensor(X)
    ai.grad(lambda x: ai.sum(x * x))(x)
    assert not x.requires_grad
    assert x.grad is None


@pytest.mark.parametrize(
    ("f", "arguments", "argnums", "error", "message"),
    [
        (lambda x: x * x, (X,), 0, ValueError, r"must return one number, not shape \(3,\)"),
        (lambda x: 1.0, (X,), 0, TypeError, "must return a Tensor, not float"),
        (lambda x: (x, x), (X,), 0, TypeError, "must return a Tensor, not tuple"),
        (ai.sum, (X,), 1, TypeError, "argnums names argument 1, but 1 positional"),
        (ai.sum, (X,), -2, TypeError, "argnums names argument -2"),
        (ai.sum, (np.arange(3),), 0, TypeError, "a int64 tensor cannot require a gradient"),
        (lambda x, y: ai.sum(x), (X, X), 1, ValueError, r"no path leads .*of shape \(3,\)"),
        (lambda x: ai.sum(x.detach()), (X,), 0, ValueError, "detach.*cut the path"),
        (lambda x: ai.sum(x > 1), (X,), 0, ValueError, "comparisons.*cut the path"),
        (lambda x: ai.sum(x > 0), (X,), 0, ValueError, "comparisons.*cut the path"),
    ],
)
def test_what_cannot_be_differentiated_says_so(
    f: Any, arguments: Any, argnums: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ai.grad(f, argnums)(*arguments)


def test_the_function_is_named() -> None:
    def unused(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        return ai.sum(x)

    with pytest.raises(ValueError, match="result of unused back to"):
        ai.grad(unused, 1)(X, X)
    assert ai.grad(unused).__name__ == "unused"
