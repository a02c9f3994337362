"""Numbers and arrays that enter a computation: kept as they are or refused, compiled too."""

from __future__ import annotations

import array
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from compiling import compare, proven  # noqa: F401

import autograd_iron as ai
import nn

x = ai.tensor([1.0, 2.0])


def objects() -> Any:
    """Return an array of objects: Tensors that require a gradient."""
    made = np.empty(2, object)
    made[0] = made[1] = ai.tensor(1.0, requires_grad=True)
    return made


NO_NUMBERS: dict[str, Any] = {
    "None in a list": [None, 1.0],
    "complex longdouble": np.clongdouble(1j),
    "longdouble": np.longdouble(1.5),
    "Fraction": Fraction(1, 2),
    "Decimals": [Decimal(1), Decimal(2)],
    "text": ["1", "2"],
    "bytes": b"ab",
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"),
    "times": np.array([1, 2], dtype="m8[s]"),
    "objects": np.array([1.0, 2.0], dtype=object),
    "objects with gradients": objects(),
    "records": np.zeros(2, [("a", "f4")]),
    "a set": {1.0, 2.0},
    "masked": np.ma.masked_array([1.0, 99.0], [False, True]),
}
DOORS: dict[str, Callable[[Any], Any]] = {
    "full": lambda v: ai.full(2, v),
    "a border": lambda v: ai.pad(x, 1, constant_values=v),
    "linspace": lambda v: ai.linspace(0, v, 3),
    "arange": lambda v: ai.arange(0, 3, v),
    "an operand": lambda v: x * v,
    "stack": lambda v: ai.stack([x, v]),
    "at": x.at[0:2].set,
    "assign": lambda v: ai.ones(2).assign(v),
    "asarray": ai.asarray,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", NO_NUMBERS)
@pytest.mark.filterwarnings("error")
def test_what_is_no_real_number_is_refused_at_every_door(kind: str, door: str) -> None:
    value = NO_NUMBERS[kind]
    for call in (lambda: DOORS[door](value), ai.compile(lambda: DOORS[door](value))):
        with pytest.raises((TypeError, ValueError)):
            call()


WITHOUT_A_VALUE: dict[str, Callable[[Any], Any]] = {
    "an operand": lambda v: x + v,
    "a choice": lambda v: ai.where(x > 1, v, x),
    "a condition": lambda v: ai.where(v, x, 0),
    "at": x.at[0].set,
    "a function": ai.sin,
    "a sum": ai.sum,
    "joined": lambda v: ai.concat([x, v]),
    "a layer": lambda v: ai.linear(x, v, None),
}


@pytest.mark.parametrize("door", WITHOUT_A_VALUE)
def test_none_is_no_operand(door: str) -> None:
    for call in (WITHOUT_A_VALUE[door], ai.compile(WITHOUT_A_VALUE[door])):
        with pytest.raises(TypeError, match=r"None is no operand.*lack its `return`"):
            call(None)


def test_none_equals_no_number() -> None:
    for t in (x, ai.tensor([1, 2], dtype="int64")):
        compare(lambda t: (t == None, t != None), (t,))  # noqa: E711  (what is tested)
        assert (t == None).tolist() == [False, False]  # noqa: E711
        assert (t != None).tolist() == [True, True]  # noqa: E711


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        *(
            (300, "uint8"),
            (-1, "uint8"),
            ([1, 300], "uint8"),
            (2**31, "int32"),
            (-(2**63), "int32"),
        ),
        *((2**64, "uint64"), (math.nan, "int32"), (math.inf, "int64"), ([1e300], "int64")),
    ],
)
def test_a_number_out_of_range_is_refused(value: Any, dtype: str) -> None:
    for make in (ai.tensor, ai.asarray):
        with pytest.raises(OverflowError, match="out of range"):
            make(value, dtype=dtype)
    if isinstance(value, float):
        with pytest.raises(OverflowError, match="out of range"):
            ai.full(2, value, dtype=dtype)


def test_a_border_that_does_not_fit_is_refused() -> None:
    small = ai.tensor([1, 2], dtype="uint8")
    for value in (300, 1.5, (0, -1)):
        for call in (ai.pad, ai.compile(ai.pad)):
            with pytest.raises(TypeError, match="does not fit uint8"):
                call(small, 1, constant_values=value)
    assert ai.pad(small, 1, constant_values=255).tolist() == [255, 1, 2, 255]
    assert ai.pad(small > 1, 1).tolist() == [False, False, True, False]


def test_numbers_in_range_are_kept() -> None:
    assert ai.tensor(2**64 - 1, dtype="uint64").item() == 2**64 - 1
    assert ai.tensor([-128, 127], dtype="int8").tolist() == [-128, 127]
    assert ai.tensor([1.7, -1.7], dtype="int32").tolist() == [1, -1]
    assert ai.tensor(2**70, dtype="float64").item() == float(2**70)
    assert ai.tensor(np.array([300]), dtype="uint8").item() == 44, "arrays wrap, as in NumPy"


@pytest.mark.parametrize("number", [2**64, -(2**70), np.uint64(2**64 - 1), True, np.int8(3)])
def test_numbers_of_any_size_mean_the_same_in_a_plan(number: Any) -> None:
    compare(
        lambda x: (x * number, number - x, x < number, ai.maximum(x, number), x.at[0].set(number)),
        (x,),
        (x + 1,),
    )


@pytest.mark.parametrize("number", [np.float64(0.1), np.array(0.1), np.float16(1.5), np.array(3)])
def test_numbers_alone_keep_their_dtype_in_a_plan(number: Any) -> None:
    def step(x: Any) -> Any:
        return x * 1, ai.sin(number), ai.add(number, number), ai.broadcast_to(number, (2,))

    compare(step, (x,))
    assert ai.compile(step)(x)[3].dtype == number.dtype


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [((True, False), "bool"), ((1, 0), "int64"), ((True, 2), "int64"), ((1, 0.5), "float32")],
)
def test_a_choice_of_two_numbers_is_what_a_list_of_them_is(numbers: Any, dtype: str) -> None:
    chosen = np.array([True, False])
    for call in (ai.where, ai.compile(ai.where)):
        made = call(chosen, *numbers)
        assert made.dtype == ai.asarray(list(numbers)).dtype == dtype
        assert made.tolist() == list(numbers)


def test_item_takes_the_place_of_an_element() -> None:
    x = ai.tensor([[1, 2], [3, 4]])
    assert (x.item(2), x.item(-1), x.item(0, 1), x.item((1, 0))) == (3, 4, 2, 3)
    assert type(x.item(1)) is int


def test_a_wider_bias_widens_a_layer_as_it_widens_a_sum() -> None:
    w, b = ai.ones((2, 2)), ai.tensor([0.1, 0.2], dtype="float64", requires_grad=True)
    compare(ai.linear, (x, w, b))
    made = ai.linear(x, w, b)
    assert made.dtype == "float64"
    assert made.tolist() == (x @ w + b).tolist()


def test_stack_takes_numbers_and_lists_as_they_are_beside_an_array() -> None:
    wide = ai.tensor(1.0, dtype="float64", requires_grad=True)
    assert ai.stack([wide, 0.1]).tolist() == [1.0, 0.1], "not rounded to float32 on the way"
    assert ai.stack([ai.tensor(1, dtype="int64"), 2]).dtype == "int64"
    assert ai.stack([x, [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert ai.stack([1.0, 2]).dtype == "float32"
    assert ai.stack([[1, 2], [3, 4]]).dtype == ai.stack([1, True]).dtype == "int64"
    compare(lambda t: ai.stack([t, 0.1, 2]), (wide.detach(),))


def test_full_takes_an_array_in_a_plan_too() -> None:
    for value in ([1, 2], np.array([1.5, 2.5]), array.array("f", [1, 2])):
        compare(lambda x, value=value: x + ai.full((3, 2), value), (x,))
        made = ai.full((3, 2), value)
        assert made.tolist() == np.full((3, 2), value).tolist()
        made.assign(made + 1)


class Own:
    """An array of somebody else's, whose values change."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.values


@pytest.mark.parametrize("make", [Own, lambda v: array.array("f", v), memoryview])
def test_an_argument_that_numpy_takes_for_an_array_is_read_in_each_call(make: Any) -> None:
    step = ai.compile(lambda x, v: x + v)
    for values in ([1.0, 2.0], [3.0, 4.0]):
        assert step(x, make(np.array(values, "float32"))).tolist() == (x + values).tolist()
    own = Own([0.0, 0.0])
    assert step(x, own).tolist() == [1, 2]
    own.values = np.array([5.0, 5.0])
    assert step(x, own).tolist() == [6, 7]
    assert step(x, bytearray(b"\1\2")).tolist() == [2, 4]


def test_an_argument_that_cannot_choose_a_plan_is_refused_in_a_sentence() -> None:
    for given in ({1.0}, [{1.0}], {"a": {1.0}}):
        with pytest.raises(TypeError, match="argument of type set cannot choose a plan"):
            ai.compile(lambda x, v: x)(x, given)


def test_assign_compares_the_shape_of_whatever_numpy_takes_for_an_array() -> None:
    square = ai.ones((2, 2))
    for value in (range(2), array.array("f", [1, 2]), Own([1.0, 2.0]), memoryview(b"\1\2"), [1, 2]):
        with pytest.raises(ValueError, match=r"shape \(2,\) does not fit"):
            square.assign(value)
    for value in (Own([[1.0, 2.0]] * 2), np.array([[1.0, 2.0]] * 2), [range(1, 3)] * 2):
        square.assign(value)
        assert square.tolist() == [[1, 2], [1, 2]]


def test_a_loss_names_what_is_no_prediction() -> None:
    for loss in (nn.MSELoss(), nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss()):
        with pytest.raises(TypeError, match="prediction is of type ndarray, and only a Tensor"):
            loss(np.ones(2), ai.ones(2))


BESIDE_A_FLOAT64: dict[str, Callable[[ai.Tensor], Any]] = {
    "an operand": lambda t: t * [0.1, 0.2],
    "on the left": lambda t: (0.1, 0.2) - t,
    "a choice": lambda t: ai.where(t > 0, [0.1, 0.2], t),
    "joined": lambda t: ai.concat([t, [0.1]]),
    "stacked": lambda t: ai.stack([t, [0.1, 0.2]]),
    "put": lambda t: t.at[0:2].set([0.1, 0.2]),
    "a product": lambda t: [[0.1, 0.2]] @ t,
    "a loss": lambda t: nn.MSELoss()(t, [0.1, 0.2]),
}


@pytest.mark.parametrize("door", BESIDE_A_FLOAT64)
def test_a_list_keeps_its_digits_beside_a_float64(door: str) -> None:
    step = BESIDE_A_FLOAT64[door]
    t = ai.tensor([1.0, 3.0], dtype="float64")
    exact = {
        "an operand": t.data * [0.1, 0.2],
        "on the left": [0.1, 0.2] - t.data,
        "a choice": [0.1, 0.2],
        "joined": [1.0, 3.0, 0.1],
        "stacked": [[1.0, 3.0], [0.1, 0.2]],
        "put": [0.1, 0.2],
        "a product": [0.1 + 0.2 * 3],
        "a loss": np.mean((t.data - [0.1, 0.2]) ** 2),
    }
    compare(step, (t,))
    np.testing.assert_allclose(step(t).data, exact[door], rtol=1e-15)
    assert step(t.astype("float32")).dtype == "float32"


def test_a_list_keeps_its_digits_where_it_is_written() -> None:
    t = ai.tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    (t * 1).backward([0.1, 0.2])
    assert t.grad is not None
    assert t.grad.tolist() == [0.1, 0.2]
    t.assign([0.1, 0.2])
    assert t.tolist() == [0.1, 0.2]
