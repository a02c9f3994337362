"""float32 stays float32: through numbers, arrays without axes, integers, means and every rule."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from half_precision import ADDING_UP, HALF_A_ROUNDING, NARROW, gradient, half, plain, wide

import autograd_iron as ai

FLOATS = ["bfloat16", "float16", "float32", "float64"]
INTEGERS = ["bool", "int8", "uint8", "int32", "int64", "uint64"]
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
NUMBERS = [
    *(2, 2.5, True),
    *(np.float16(2.5), np.float32(2.5), np.float64(2.5), np.int64(2), np.uint8(2), np.bool_(True)),
    *(np.array(2.5), np.array(2), np.array(True)),
]


def float_tensor(dtype: str, *shape: int) -> ai.Tensor:
    values = np.random.default_rng(0).uniform(0.5, 1.5, shape or (2, 3))
    return ai.tensor(values, dtype=dtype, requires_grad=True)


def check(output: ai.Tensor, dtype: str, *leaves: ai.Tensor) -> None:
    """Check the dtype of a result and, in both readings of the rules, of its gradients."""
    assert output.dtype == dtype
    for create_graph in (False, True):
        for leaf in leaves:
            leaf.grad = None
        output.backward(np.ones(output.shape), retain_graph=True, create_graph=create_graph)
        for leaf in leaves:
            assert leaf.grad is not None
            assert leaf.grad.dtype == leaf.dtype


# --- what meets a float


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}-{n!r}")
@pytest.mark.parametrize("apply", OPERATORS)
def test_numbers_never_widen(apply: Callable[..., Any], number: Any, dtype: str) -> None:
    x = float_tensor(dtype)
    check(apply(x, number), dtype, x)
    check(apply(number, x), dtype, x)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("other", INTEGERS)
@pytest.mark.parametrize("apply", [*OPERATORS, ai.maximum, ai.minimum])
def test_integers_take_the_dtype_of_the_float(
    apply: Callable[..., Any], other: str, dtype: str
) -> None:
    x, n = float_tensor(dtype), np.ones((2, 3), other)
    for integers in (n, ai.tensor(n)):
        check(apply(x, integers), dtype, x)
        check(apply(integers, x), dtype, x)


@pytest.mark.parametrize("other", INTEGERS)
def test_integers_take_the_dtype_of_the_float_in_products(other: str) -> None:
    x, n = float_tensor("float32", 2, 2), ai.tensor(np.ones((2, 2), other))
    check(x @ n, "float32", x)
    check(n @ x, "float32", x)
    check(ai.linear(n, x, np.ones(2, other)), "float32", x)


@pytest.mark.parametrize(("one", "two", "widest"), [
    ("float16", "float32", "float32"),
    ("float32", "float64", "float64"),
    ("float16", "float64", "float64"),
])  # fmt: skip
@pytest.mark.parametrize("apply", [*OPERATORS, operator.matmul, ai.maximum])
def test_of_two_floats_the_wider_wins_and_each_keeps_its_gradient(
    apply: Callable[..., Any], one: str, two: str, widest: str
) -> None:
    x, y = float_tensor(one, 2, 2), float_tensor(two, 2, 2)
    check(apply(x, y), widest, x, y)
    check(apply(y, x), widest, x, y)


@pytest.mark.parametrize("dtype", FLOATS)
def test_where_with_numbers_keeps_the_float(dtype: str) -> None:
    x = float_tensor(dtype)
    mask = np.ones((2, 3), bool)
    for number in NUMBERS:
        check(ai.where(mask, x, number), dtype, x)
        check(ai.where(x > 1.0, number, x), dtype, x)
    assert ai.where(mask, 1.0, 0.0).dtype == np.float32
    assert ai.where(mask, 1, 0).dtype == np.int64


@pytest.mark.parametrize("dtype", FLOATS)
def test_attributes_that_are_numbers_never_widen(dtype: str) -> None:
    x = float_tensor(dtype)
    for number in (0.75, np.float64(0.75), np.float16(0.75)):
        check(ai.clip(x, number, np.float64(1.25)), dtype, x)
        check(ai.pad(x, 1, constant_values=number), dtype, x)
        check(ai.var(x, correction=number), dtype, x)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_functions_of_functions_keep_the_dtype(dtype: str) -> None:
    x = float_tensor(dtype)
    for f in (
        ai.var,
        lambda x: ai.var(x, axis=0, correction=1),
        lambda x: ai.concat([x, np.ones((1, 3), dtype)]),
        lambda x: ai.concat([x, x], axis=None),
        lambda x: ai.stack([x, x * 2]),
        lambda x: ai.split(x, 3, axis=1)[1],
        lambda x: ai.squeeze(x[:1]),
        lambda x: ai.expand_dims(x, 0),
        ai.transpose,
        ai.log_softmax,
        lambda x: ai.mean((x - ai.mean(x)) / ai.sqrt(ai.var(x) + 1e-3)),
    ):
        check(f(x), dtype, x)


def test_a_cast_back_and_forth_casts_the_gradient() -> None:
    x = float_tensor("float32")
    y = x.astype("float64")
    check(y * np.ones((2, 3)), "float64", x)
    check((y * 2).astype("float16"), "float16", x)
    assert not x.astype("int64").requires_grad


@pytest.mark.parametrize("gradient", [np.ones((2, 3)), np.ones((2, 3), int), [[1.0] * 3] * 2])
def test_any_cotangent_gives_a_gradient_of_the_tensors_dtype(gradient: Any) -> None:
    x = float_tensor("float32")
    (x * 2).backward(gradient)
    assert x.grad is not None
    assert x.grad.dtype == np.float32


# --- integers by themselves


REAL_VALUED = [
    *(ai.exp, ai.expm1, ai.log, ai.log1p, ai.sqrt, ai.sin, ai.cos, ai.tanh, ai.sigmoid),
    *(ai.softplus, ai.mean, ai.var, ai.norm),
    *(lambda n: n / n, lambda n: n / 2, lambda n: 1 / n),
    *(lambda n: n * 0.5, lambda n: 0.5 + n, lambda n: n - 0.5, lambda n: n**0.5),
    *(lambda n: ai.maximum(n, 0.5), lambda n: ai.clip(n, 0.5, 2.5)),
    *(lambda n: ai.where(n > 0, n, 0.5), lambda n: n * np.float64(0.5)),
    lambda n: ai.concat([n, np.ones(1, "float32")]),
]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("f", REAL_VALUED)
def test_real_functions_of_integers_are_float32(f: Callable[[Any], Any], dtype: str) -> None:
    n = np.ones(2, dtype)
    assert f(ai.tensor(n)).dtype == np.float32
    np.testing.assert_allclose(f(ai.tensor(n)).data, f(ai.tensor(n, dtype="float32")).data)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_integers_stay_integers_where_nothing_is_real(dtype: str) -> None:
    n = np.arange(4, dtype=dtype)
    t = ai.tensor(n)
    for ours, theirs in [
        (t + 1, n + 1),
        (t * t, n * n),
        (t**2, n**2),
        (abs(t), n),
        (ai.sum(t), np.sum(n)),
        (ai.max(t), np.max(n)),
        (t[1:], n[1:]),
        (ai.clip(t, 1, 2), np.clip(n, 1, 2)),
        (t & 1, n & 1),
        (~t, ~n),
    ]:
        assert isinstance(ours, ai.Tensor)
        assert ours.dtype == np.asarray(theirs).dtype
        np.testing.assert_array_equal(ours.data, theirs)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
@pytest.mark.parametrize("number", [300, -1, 2**70, -(2**70)])
@pytest.mark.parametrize("ask", [operator.eq, operator.ne, operator.lt, operator.ge])
def test_integers_that_do_not_fit_are_compared_as_they_are(
    ask: Callable[..., Any], number: int, dtype: str
) -> None:
    n = np.arange(42, 46, dtype=dtype)
    expected = [ask(int(one), number) for one in n]
    compiled = ai.compile(lambda t: ask(t, number))
    for run in (lambda t: ask(t, number), compiled, compiled):
        assert run(ai.tensor(n)).tolist() == expected


def test_questions_are_bool_and_positions_int64() -> None:
    x = float_tensor("float32")
    for answer in (x > 1, x == x, ai.isnan(x), ai.all(x > 0), ai.logical_and(x > 0, x < 1)):
        assert answer.dtype == bool
        assert not answer.requires_grad
    assert ai.argmax(x, axis=0).dtype == np.int64


# --- half precision


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_mean_of_many_is_as_good_as_numpys(dtype: str) -> None:
    # 70,000 is more than a float16 can count to.
    x = ai.tensor(np.full(70_000, 3.0), dtype=dtype, requires_grad=True)
    y = ai.mean(x)
    assert float(y) == 3.0
    y.backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), 1 / 70_000, rtol=2e-3)


@pytest.mark.parametrize("name", ADDING_UP)
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("compiled", [False, True])
def test_16_bits_are_added_up_in_float32_and_rounded_once(
    name: str, dtype: str, compiled: bool
) -> None:
    f, x = ADDING_UP[name]
    x = x.astype(dtype)
    expected = plain(f(wide(x)))
    run = ai.compile(f) if compiled else f
    for _ in range(2):
        found = run(x)
        assert found.dtype == dtype
        np.testing.assert_allclose(plain(found), expected, rtol=1.1 * HALF_A_ROUNDING[dtype])


@pytest.mark.parametrize("name", ADDING_UP)
@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_16_bits_have_16_bits_and_are_right(
    name: str, dtype: str, compiled: bool
) -> None:
    f, x = ADDING_UP[name]
    x = x.astype(dtype)
    exact = plain(gradient(f, wide(x)))
    run = ai.compile(gradient) if compiled else gradient
    for _ in range(2):
        found = run(f, x)
        assert found.dtype == dtype
        np.testing.assert_allclose(plain(found), exact, rtol=8 * HALF_A_ROUNDING[dtype], atol=1e-6)


def test_a_broadcast_bias_in_float16_gets_the_whole_sum() -> None:
    b = ai.tensor([0.0, 0.0], dtype="float16", requires_grad=True)
    (half(9000, 2) + b).backward(np.ones((9000, 2), "float16"))
    assert b.grad is not None
    assert b.grad.tolist() == [9000.0, 9000.0]


# --- made from nothing


@pytest.mark.parametrize(
    ("dtype", "values"),
    {
        "float32": (1.5, [], (1.0, 2), [[np.float64(1.5)], [1]], [True, 0.5]),
        "int64": (1, -(2**63), [1, 2], [[-3], [2**62]], [True, 2], [np.uint8(3)], range(3)),
        "bool": (True, [[True], [False]], [np.bool_(True)]),
    }.items(),
)
def test_python_numbers_and_lists_keep_their_kind(dtype: str, values: tuple[Any, ...]) -> None:
    for value in values:
        for make in (ai.tensor, ai.asarray, ai.Tensor):
            made = make(value)
            assert made.dtype == dtype
            np.testing.assert_array_equal(made.data, np.array(value, dtype))
        assert ai.tensor(value, dtype="float64").dtype == "float64"


@pytest.mark.parametrize("value", [2**63, [2**63], [2**63, -1], [2**64, 1], -(2**70)])
def test_integers_that_int64_does_not_hold_are_refused(value: Any) -> None:
    for make in (ai.tensor, ai.asarray, ai.Tensor):
        with pytest.raises(OverflowError, match=r"out of range for (int64|every integer dtype)"):
            make(value)
    assert ai.tensor([1e30, 2]).dtype == "float32"


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("apply", [*OPERATORS, ai.maximum])
def test_lists_of_integers_and_truths_take_the_dtype_of_the_float(
    apply: Callable[..., Any], dtype: str
) -> None:
    x = float_tensor(dtype, 2)
    for values in ([1, 2], (True, True), [[1], [2]]):
        check(apply(x, values), dtype, x)


def test_lists_of_integers_stay_integers_beside_integers() -> None:
    def step(v: Any) -> Any:
        return ai.add(v, [3, 4]), v * 2, v == [1, 1], v * [True, False], ai.add(v, [0.5, 1])

    for run in (step, ai.compile(step)):
        found = run(ai.tensor([1, 2]))
        assert [f.dtype for f in found] == ["int64", "int64", "bool", "int64", "float32"]
        assert [f.tolist() for f in found] == [[4, 6], [2, 4], [True, False], [1, 0], [1.5, 3]]
    assert ai.where([True, False], [1, 2], [3, 4]).tolist() == [1, 4]
    assert ai.add(1, 2).dtype == ai.concat([[1], [2]]).dtype == "int64"
    assert ai.exp([1, 2]).dtype == ai.mean([1, 2]).dtype == ai.exp(2).dtype == "float32"
    assert ai.tensor([[1, 2]])[:, [0]].dtype == "int64"


def test_a_point_to_differentiate_at_may_be_given_as_integers() -> None:
    slope = ai.grad(lambda v: ai.sum(v * v))
    for value, wanted in ((2, 4.0), ([1, 2], [2.0, 4.0])):
        found = slope(value)
        assert found.dtype == "float32"
        assert found.tolist() == wanted
    assert slope(np.float64(2)).dtype == slope(np.array([2.0])).dtype == "float64"
    ai.check_grads(lambda v, w: ai.sum(v * w), [2, [1, 2]])
    x = ai.tensor([1.0, 2.0], requires_grad=True)
    (x * x).backward([1, 2])
    assert x.grad is not None
    assert x.grad.tolist() == [2.0, 8.0]


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_arrays_keep_their_dtype(dtype: str) -> None:
    array = np.ones((2, 3), dtype)
    for value in (array, array[0, 0], ai.tensor(array)):
        for make in (ai.tensor, ai.asarray):
            assert make(value).dtype == dtype
            assert make(value, dtype="float16").dtype == np.float16


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "int32", "int64"])
def test_a_dtype_may_be_named_in_any_way(name: str) -> None:
    for spelled in (name, np.dtype(name), getattr(np, name), getattr(ai, name)):
        assert ai.tensor([1, 2], dtype=spelled).dtype == name
        assert ai.zeros((2, 3), dtype=spelled).dtype == name
        assert float_tensor("float32").astype(spelled).dtype == name
    assert ai.tensor([1, 0], dtype=ai.bool_).dtype == bool


def test_creation_is_float32_by_default() -> None:
    for made, values in [
        (ai.zeros((2, 3)), np.zeros((2, 3))),
        (ai.ones(3), np.ones(3)),
        (ai.full((2,), 7.0), np.full(2, 7)),
        (ai.linspace(0, 1, 5), np.linspace(0, 1, 5)),
        (ai.linspace(0, 1, 5, endpoint=False), np.linspace(0, 1, 5, endpoint=False)),
        (ai.arange(3.0), np.arange(3.0)),
        (ai.arange(0, 1, 0.25), np.arange(0, 1, 0.25)),
        (ai.meshgrid([0.0, 1], [2.0, 3, 4])[1], np.meshgrid([0, 1], [2, 3, 4])[1]),
        (
            ai.meshgrid([0.0, 1], [2.0, 3], indexing="ij")[0],
            np.meshgrid([0, 1], [2, 3], indexing="ij")[0],
        ),
        (ai.Generator(0).normal((2, 3)), None),
        (ai.Generator(0).normal(3, mean=np.float64(1), std=np.float64(2)), None),
        (ai.Generator(0).uniform((), low=-1.0, high=2.0), None),
    ]:
        assert made.dtype == np.float32
        assert not made.requires_grad
        if values is not None:
            np.testing.assert_array_equal(made.data, values.astype("float32"))
    assert ai.arange(5).dtype == np.int64
    assert ai.arange(5, dtype="float64").dtype == np.float64
    assert ai.Generator(0).normal(3, dtype="float64").dtype == np.float64
    assert ai.Generator(0).integers(0, 5, 3).dtype == np.int64
    assert ai.Generator(0).permutation(5).dtype == np.int64


def test_transforms_keep_the_dtype() -> None:
    assert ai.grad(lambda x: x * x)(3.0).dtype == np.float32
    assert ai.grad(lambda x: x * x)(np.array([3.0])).dtype == np.float64
    value, gradient = ai.value_and_grad(lambda x: ai.sum(x * np.float64(2)))([1.0, 2.0])
    assert value.dtype == np.float32
    assert gradient.dtype == np.float32


def test_assign_casts_to_the_tensors_dtype() -> None:
    x = ai.tensor([1.0, 2.0])
    x.assign(np.array([0.1, 0.2]))
    assert x.dtype == np.float32
    x.assign(3)
    assert x.numpy().tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="int64"):
        ai.arange(2).assign(np.array([0.5, 1.5]))
