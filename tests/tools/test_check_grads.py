"""check_grads finds wrong gradients of every kind and order, and says what it saw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from samples import own_words

import autograd_iron as ai


@pytest.fixture(autouse=True)
def _own_words() -> Iterator[None]:
    with own_words():
        yield


def cube_with_rule(rule: Any) -> Any:
    @ai.extend.primitive
    def test_cube(xp: Any, x: Any, /) -> Any:
        return x * x * x

    test_cube.vjp(rule)
    return test_cube


X = np.array([[0.5, -1.0], [1.5, 2.0]])


def right(F: Any, g: Any, _y: Any, x: Any) -> Any:
    return g * 3 * x * x


def test_a_right_rule_passes() -> None:
    assert ai.check_grads(cube_with_rule(right), [X], order=3) is None


WRONG = {
    "factor": lambda F, g, _y, x: g * 3.003 * x * x,
    "sign": lambda F, g, _y, x: -g * 3 * x * x,
    "power": lambda F, g, _y, x: g * 3 * x,
    "forgot g": lambda F, g, _y, x: 3 * x * x,
    "zero": lambda F, g, _y, x: g * 0.0,
    "nan": lambda F, g, _y, x: g * np.nan,
    "infinite": lambda F, g, _y, x: g * np.inf,
    "transposed": lambda F, g, _y, x: F.matrix_transpose(g * 3 * x * x),
    "one element": lambda F, g, _y, x: g * 3 * x * x + g * (x == 2.0) * 0.05,
    "leaks between elements": lambda F, g, _y, x: g * 3 * x * x + 0.01 * F.sum(g),
}


@pytest.mark.parametrize("rule", WRONG.values(), ids=WRONG)
def test_a_wrong_rule_is_caught_in_first_order(rule: Any) -> None:
    with pytest.raises(AssertionError, match="order 1"):
        ai.check_grads(cube_with_rule(rule), [X], order=1)


@pytest.mark.parametrize("wrong_at", [2, 3])
def test_a_wrong_derivative_is_caught_in_its_order(wrong_at: int) -> None:
    # x^3, whose first two derivatives are primitives themselves.
    @ai.extend.primitive
    def test_six_x(xp: Any, x: Any, /) -> Any:
        return 6 * x

    @test_six_x.vjp
    def _(F: Any, g: Any, _y: Any, _x: Any) -> Any:
        return g * (6.06 if wrong_at == 3 else 6)

    @ai.extend.primitive
    def test_three_x_squared(xp: Any, x: Any, /) -> Any:
        return 3 * x * x

    @test_three_x_squared.vjp
    def _(F: Any, g: Any, _y: Any, x: Any) -> Any:
        return g * F.test_six_x(x) * (1.01 if wrong_at == 2 else 1)

    cube = cube_with_rule(lambda F, g, _y, x: g * F.test_three_x_squared(x))
    ai.check_grads(cube, [X], order=wrong_at - 1)
    with pytest.raises(AssertionError, match=f"order {wrong_at}"):
        ai.check_grads(cube, [X], order=wrong_at)


def test_a_rule_that_reads_a_value_outside_the_graph_is_caught_in_second_order() -> None:
    def rule(F: Any, g: Any, _y: Any, x: Any) -> Any:
        return g * 3 * (x * x if F.xp is not None else (x * x).detach())

    cube = cube_with_rule(rule)
    ai.check_grads(cube, [X], order=1)
    with pytest.raises(AssertionError, match="order 2"):
        ai.check_grads(cube, [X], order=2)


def test_the_message_shows_what_was_compared() -> None:
    with pytest.raises(AssertionError) as info:
        ai.check_grads(cube_with_rule(WRONG["factor"]), [X], order=1, eps=1e-5)
    message = str(info.value)
    for part in (
        *("check_grads of test_cube", "the gradient says", "finite differences say"),
        *("they differ by", "allowed", "eps: 1e-05", "arguments: [[[0.5, -1.0], [1.5, 2.0]]]"),
        *("direction: [[[", "cotangent: [[["),
    ):
        assert part in message


def test_the_numbers_of_the_message_are_the_two_sides() -> None:
    # f = 2 x with a rule that says 3: the two numbers must stand as 3 to 2.
    @ai.extend.primitive
    def test_double(xp: Any, x: Any, /) -> Any:
        return 2 * x

    test_double.vjp(lambda F, g, _y, _x: g * 3)
    with pytest.raises(AssertionError) as info:
        ai.check_grads(test_double, [1.0], order=1)
    words = str(info.value).replace(";", " ").replace(",", " ").split()
    said = [float(words[words.index("says") + 1]), float(words[words.index("say") + 1])]
    assert said[0] / said[1] == pytest.approx(1.5, rel=1e-6)


# --- what it takes


def test_every_kind_of_argument() -> None:
    def f(x: ai.Tensor, n: ai.Tensor, y: ai.Tensor, z: ai.Tensor) -> ai.Tensor:
        assert n.dtype == np.int64
        assert x.dtype == y.dtype == z.dtype == np.float64
        return ai.sum(x[n] * y) * z

    ai.check_grads(f, [ai.tensor([1.0, 2.0, 3.0]), np.array([0, 2, 2]), [0.5, 1.5, 2.5], 2.0])


def test_an_error_in_any_argument_is_caught() -> None:
    @ai.extend.primitive
    def test_product(xp: Any, x: Any, y: Any, /) -> Any:
        return x * y

    test_product.vjp(lambda F, g, _z, _x, y: g * y)
    test_product.vjp(lambda F, g, _z, x, _y: g * x * 1.01)
    with pytest.raises(AssertionError, match="order 1"):
        ai.check_grads(test_product, [X, X + 1])


def test_every_output_is_checked() -> None:
    cube = cube_with_rule(WRONG["factor"])
    ai.check_grads(lambda x: (x * x, ai.sin(x)), [X])
    for f in (lambda x: (x * x, cube(x)), lambda x: [cube(x), x * x]):
        with pytest.raises(AssertionError, match="order 1"):
            ai.check_grads(f, [X])


def test_a_cut_path_is_caught() -> None:
    with pytest.raises(AssertionError, match="order 1"):
        ai.check_grads(lambda x: ai.sin(x.detach()), [X])


def test_a_constant_has_no_gradient_and_passes() -> None:
    ai.check_grads(lambda x: ai.ones(3, dtype="float64") + ai.sum(x) * 0.0, [X])
    ai.check_grads(lambda x: ai.ones(3, dtype="float64"), [X])


def test_shapes_without_elements_pass() -> None:
    ai.check_grads(ai.exp, [np.ones((0, 3))])


def test_arguments_are_left_alone() -> None:
    x = ai.tensor(X, requires_grad=True)
    before = x.numpy().copy()
    ai.check_grads(lambda t: ai.sum(ai.sin(t) * x), [x])
    assert x.grad is None
    assert x.requires_grad
    np.testing.assert_array_equal(x.numpy(), before)
    plain = ai.tensor(X)
    ai.check_grads(ai.sin, [plain])
    assert not plain.requires_grad


def test_it_works_where_nothing_is_recorded() -> None:
    with ai.no_grad():
        ai.check_grads(ai.sin, [X], order=2)
        with pytest.raises(AssertionError):
            ai.check_grads(cube_with_rule(WRONG["factor"]), [X])


def test_the_directions_follow_the_seed() -> None:
    cube = cube_with_rule(WRONG["factor"])
    messages = []
    for seed in (0, 0, 1):
        with pytest.raises(AssertionError) as info:
            ai.check_grads(cube, [X], seed=seed)
        messages.append(str(info.value))
    assert messages[0] == messages[1] != messages[2]


def test_tolerances_are_obeyed() -> None:
    cube = cube_with_rule(WRONG["factor"])
    ai.check_grads(cube, [X], order=1, rtol=0.1)
    ai.check_grads(cube, [X], order=1, atol=10.0)


@pytest.mark.parametrize("order", [0, -1, 1.5, "two"])
def test_an_order_that_is_none_is_refused(order: Any) -> None:
    with pytest.raises(ValueError, match=r"order is .*; it must be 1 or more"):
        ai.check_grads(ai.sin, [X], order=order)


def test_arguments_without_a_float_are_refused() -> None:
    with pytest.raises(TypeError, match="no argument is floating"):
        ai.check_grads(lambda n: n, [np.array([1, 2])])


def test_one_tensor_is_one_argument() -> None:
    x = ai.tensor([[1.0, 2.0], [3.0, 4.0]])
    for given in (x, x.numpy(), [x], (x,)):
        ai.check_grads(lambda t: ai.sum(t @ t), given)
    ai.check_grads(ai.sin, 2.0)
    ai.check_grads(ai.multiply, [1.0, 2.0])  # a list is that of the arguments


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda x: float(ai.sum(x).detach()), r"returned a float\..* cut the path"),
        (lambda x: x.detach().numpy(), r"returned a ndarray\..* cut the path"),
        (lambda x: None, r"returned None\. Does it lack a return\?"),
        (lambda x: {"a": x}, r"returned a dict\. Return list\(result.values\(\)\)"),
        (lambda x: [x, {"a": x}], "returned a dict"),
        (lambda x: "text", "returned a str"),
        (lambda x: 3, "returned a int"),
        (lambda x: x.astype("int64"), "returned a int64 tensor, which has no gradient"),
        (lambda x: x > 0, "returned a bool tensor, which has no gradient"),
        (lambda x: (), "returns nothing in its tuple"),
    ],
)
def test_what_is_no_floating_result_is_refused(f: Any, match: str) -> None:
    with pytest.raises(TypeError, match=f"check_grads: <lambda> .*{match}"):
        ai.check_grads(f, [ai.tensor([1.0, 2.0])])
