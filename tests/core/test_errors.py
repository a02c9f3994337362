"""Errors teach: what was asked, what met, what to try. Every message of the engine, by its text."""

from __future__ import annotations

import operator
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from samples import own_words

import autograd_iron as ai
import nn.functional as F
from autograd_iron.core.registry import registry


def t(*shape: int, dtype: str = "float32", requires_grad: bool = False) -> ai.Tensor:
    return ai.tensor(np.ones(shape), dtype=dtype, requires_grad=requires_grad)


def used_up() -> ai.Tensor:
    y = ai.sum(ai.exp(t(3, requires_grad=True)))
    y.backward()
    return y


def spoilt() -> ai.Tensor:
    x, w = t(3, requires_grad=True), t(3)
    y = ai.sum(x * w)
    w.assign(2.0)
    return y


def item(f: Callable[[], Any], error: type[Exception], *parts: str) -> Any:
    return pytest.param(f, error, parts)


SHAPES = [
    item(
        lambda: t(2, 3) + t(4),
        ValueError,
        *("add(float32[2, 3], float32[4])", "(2, 3) and (4,) do not broadcast"),
        *("two axes must be equal or one of them 1", "use expand_dims or reshape"),
    ),
    item(lambda: t(2, 3) * np.ones((3, 2)), ValueError, "multiply(float32[2, 3], float64[3, 2])"),
    item(lambda: ai.maximum(t(2), t(3)), ValueError, "maximum(", "(2,) and (3,) do not broadcast"),
    item(
        lambda: ai.where(t(2) > 0, t(3), 0.0),
        ValueError,
        *("where(bool[2], float32[3], 0.0)", "(2,) and (3,)", "do not broadcast"),
    ),
    item(
        lambda: t(2, 3) @ t(2, 3),
        ValueError,
        *("matmul(float32[2, 3], float32[2, 3])", "the inner sizes differ"),
        *("the last axis of (2, 3) is 3", "the second-to-last axis of (2, 3) is 2", ".mT"),
    ),
    item(lambda: t(2, 3) @ t(4), ValueError, "the first axis of (4,) is 4"),
    item(lambda: t(3) @ t(4, 3), ValueError, "second-to-last axis of (4, 3) is 4"),
    item(
        lambda: t(2, 3, 4) @ t(3, 4, 5),
        ValueError,
        *("matmul(", "leading axes (2,) and (3,) do not broadcast"),
    ),
    item(lambda: t() @ t(3), ValueError, "matmul(float32[], float32[3])", "use * instead"),
    item(lambda: t(3) @ 2.0, ValueError, "matmul(float32[3], 2.0)", "use * instead"),
    item(
        lambda: ai.linear(t(2, 3), t(3, 4)),
        ValueError,
        *("linear(", "the inner sizes differ", "is of (out, in) features, 4 in", "with .mT"),
    ),
    item(
        lambda: ai.linear(t(2, 3), t(4, 3), t(5)),
        ValueError,
        "linear(",
        "weight must be (m, n) and bias (m,)",
        "weight has shape (4, 3), bias has shape (5,)",
    ),
    item(lambda: ai.linear(t(2, 3), t(3)), ValueError, "linear(", "weight has shape (3,)"),
    item(lambda: ai.linear(t(3), t(2, 3), t(1, 2)), ValueError, "bias has shape (1, 2)"),
    item(lambda: ai.linear(t(3), 2.0), (TypeError, ValueError), "linear(float32[3], 2.0"),
    item(lambda: t(2, 3).reshape(4), ValueError, "reshape(float32[2, 3], shape=4)", "size 6"),
    item(lambda: t(2, 3).reshape(-1, -1), ValueError, "reshape(float32[2, 3]"),
    item(lambda: ai.broadcast_to(t(2), (3,)), ValueError, "broadcast_to(float32[2], shape=(3,))"),
    item(lambda: t(2, 3).transpose(0, 0), ValueError, "permute_dims(float32[2, 3], axes=(0, 0))"),
    item(lambda: ai.matrix_transpose(t(3)), ValueError, "matrix_transpose", "(3,)", "no two axes"),
    item(lambda: t(3).mT, ValueError, "matrix_transpose", "(3,)", "no two axes"),
    item(lambda: ai.squeeze(t(2, 1), 0), ValueError, "squeeze", "axis 0 of shape (2, 1)", "size 1"),
    item(lambda: ai.concat([t(2, 3), t(3, 2)]), ValueError, "concat", "float32[2, 3]", "[3, 2]"),
    item(lambda: ai.concat([]), ValueError, "concat", "at least one array"),
    item(lambda: ai.stack([t(2), t(3)]), ValueError, "stack"),
    item(lambda: ai.stack([]), ValueError, "stack", "at least one array"),
    item(
        lambda: ai.split(t(5), 2),
        ValueError,
        "split(float32[5]",
        "axis 0 of size 5",
        "into 2 equal parts",
    ),
    item(lambda: ai.split(t(5), 0), ValueError, "split", "0 parts"),
    item(lambda: ai.pad(t(2), -1), ValueError, "pad_constant(float32[2], pad_width=-1"),
    item(lambda: ai.max(t(0)), ValueError, "max(float32[0]", "no identity"),
    item(lambda: ai.argmin(t(0)), ValueError, "argmin(float32[0]", "empty"),
]
AXES = (
    [
        item(lambda f=f: f(t(2, 3), axis=5), ValueError, f.name, "axis 5", "out of")
        for f in (ai.sum, ai.mean, ai.max, ai.min, ai.var, ai.norm, ai.argmax, ai.all, ai.flip)
    ]
    + [
        item(
            lambda f=f: f(t(), axis=0),
            ValueError,
            f"{f.name}(float32[], axis=0",
            "there are 0 axes",
        )
        for f in (ai.sum, ai.mean, ai.max, ai.min, ai.norm, ai.argmax, ai.argmin, ai.all, ai.any)
    ]
    + [
        item(lambda: ai.sum(t(2, 3), axis=(0, 0)), ValueError, "sum(", "axis"),
        item(lambda: ai.squeeze(t(2, 3), axis=-3), ValueError, "squeeze", "axis -3", "2 axes"),
        item(lambda: ai.expand_dims(t(2), axis=5), ValueError, "expand_dims", "axis 5", "2 axes"),
        item(lambda: ai.split(t(2), 1, axis=1), ValueError, "split", "axis 1", "1 axes"),
        item(lambda: ai.stack([t(2)], axis=3), ValueError, "stack", "axis 3", "2 axes"),
        item(lambda: ai.concat([t(2)], axis=1), ValueError, "concat", "axis 1", "out of"),
    ]
)
CALLS = [
    item(lambda: ai.add(t(2)), TypeError, "expected add(x, y, /); got (Tensor)"),
    item(lambda: ai.exp(t(2), t(2)), TypeError, "expected exp(x, /); got (Tensor, Tensor)"),
    item(ai.exp, TypeError, "expected exp(x, /); got ()"),
    item(
        lambda: ai.sum(t(2), axes=0),
        TypeError,
        "expected sum(x, /, axis=None, keepdims=False, *, dtype=None, where=None, initial=None); ",
        "got (Tensor, axes=...)",
    ),
    item(lambda: ai.sum(t(2), 0, axis=0), TypeError, "got (Tensor, int, axis=...)"),
    item(lambda: ai.sum(t(2), 0, True, 1), TypeError, "got (Tensor, int, bool, int)"),
    item(lambda: ai.add(x=t(2), y=t(2)), TypeError, "expected add(x, y, /)", "x=..., y=..."),
    item(lambda: ai.reshape(t(2)), TypeError, "expected reshape(x, /, shape); got (Tensor)"),
    item(
        lambda: ai.linear(t(2)), TypeError, "expected linear(x, weight, bias=None, /); got (Tensor)"
    ),
    item(lambda: t(2) + None, TypeError, "add(float32[2], None)"),
    item(lambda: t(2) + "one", (TypeError, ValueError), "cannot make a tensor of str 'one'"),
    item(lambda: t(2) * np.clongdouble(1j), TypeError, "is not supported"),
    item(lambda: ai.clip(t(2), "1"), TypeError, "clip: ", "the bounds must be numbers or arrays"),
    item(lambda: -t(2, dtype="bool"), TypeError, "negative(bool[2])"),
    item(lambda: t(2) & t(2), TypeError, "bitwise_and(float32[2], float32[2])"),
    item(lambda: ~t(2), TypeError, "bitwise_invert(float32[2])"),
    item(lambda: ai.arange(3) ** -1, ValueError, "pow(int64[3], -1)", "negative integer powers"),
    item(
        lambda: t(2, 3, dtype="int64") ** ai.tensor([-1, 1, 1], dtype="int64"),
        ValueError,
        *("pow(int64[2, 3], int64[3])", "negative integer powers"),
    ),
    item(lambda: t(1, dtype="uint8") + 300, OverflowError, "add(uint8[1], 300)"),
    item(lambda: t(1) * 10**400, OverflowError, "multiply(float32[1], "),
    item(
        lambda: ai.extend.vocabulary(t(1)).no_word,
        AttributeError,
        "no operation is called 'no_word'",
    ),
]
BACKWARD = [
    item(
        lambda: t(2, 3, requires_grad=True).backward(),
        RuntimeError,
        *("backward: a tensor of shape (2, 3) needs a gradient of that shape",),
        *("sum or mean", "gradient="),
    ),
    item(
        lambda: used_up().backward(),
        RuntimeError,
        *("released by an earlier backward", "retain_graph=True", "compute the result again"),
    ),
    item(
        lambda: spoilt().backward(),
        RuntimeError,
        *("the gradient of multiply needs an array of shape (3,)", "written in place"),
        *("Call backward before the write", "compute the result again"),
    ),
    item(
        lambda: ai.sum(t(3)).backward(),
        RuntimeError,
        *("depends on nothing that requires a gradient", "requires_grad=True", "no_grad"),
    ),
    item(
        lambda: (t(3, requires_grad=True) > 1).backward(np.ones(3)),
        RuntimeError,
        "comparisons",
    ),
    item(
        lambda: (t(3, requires_grad=True) * 2).backward(np.ones(4)),
        ValueError,
        *("the gradient has shape (4,) but the tensor has (3,)",),
    ),
    item(
        lambda: (t(3, requires_grad=True) * 2).backward(1.0),
        ValueError,
        *("the gradient has shape () but the tensor has (3,)",),
    ),
    item(
        lambda: t(3, dtype="int64", requires_grad=True),
        TypeError,
        *("a int64 tensor cannot require a gradient", "only floating", 'x.astype("float32")'),
    ),
    item(
        lambda: ai.tensor([1, 2], requires_grad=True),
        TypeError,
        *(
            "a int64 tensor cannot require a gradient",
            'as floats ([1.0, 2.0]), give dtype="float32"',
        ),
    ),
    item(
        lambda: setattr(t(3, dtype="bool"), "requires_grad", True),
        TypeError,
        "a bool tensor cannot require a gradient",
    ),
    item(
        lambda: setattr(t(3, requires_grad=True) * 2, "requires_grad", False),
        RuntimeError,
        *("requires_grad of a result (of multiply) cannot be set", "detach() it first"),
    ),
    item(
        lambda: ai.grad(lambda x, y: ai.sum(x), 1)(t(2), t(3)),
        ValueError,
        *("no path leads from the result of <lambda>", "input of shape (3,)", "detach()"),
    ),
]
WRITES = [
    item(
        lambda: t(3).__setitem__(0, 1.0),
        TypeError,
        *("cannot be written by index", "x.at[index].set(value)", "x.at[index].add(value)"),
    ),
    *(
        item(
            lambda apply=apply: apply(t(3, 3, requires_grad=True), t(3, 3)),
            RuntimeError,
            *("in-place operator on a leaf", "p.assign(p - rate * p.grad)"),
        )
        for apply in (
            *(operator.iadd, operator.isub, operator.imul, operator.itruediv),
            *(operator.ipow, operator.imatmul),
        )
    ),
    item(
        lambda: t(3).assign(t(4)),
        ValueError,
        *("assign: a value of shape (4,) does not fit a tensor of shape (3,)", "a number fills"),
    ),
    item(lambda: t(3).assign(t(3, 1)), ValueError, "(3, 1)", "(3,)"),
    item(lambda: t(3).assign([1.0, 2.0]), ValueError, "assign", "(2,)", "(3,)"),
    item(lambda: ai.arange(3).assign(np.ones(3)), TypeError, "int64"),
    item(
        lambda: ai.broadcast_to(t(1), (3,)).assign(2.0),
        ValueError,
        *("assign", "broadcast"),
    ),
    item(
        lambda: t(4).at[[0, 0]].set(np.ones(2)),
        ValueError,
        *("set_at(", "names a position twice", ".add"),
    ),
]
MAKING = [
    item(
        lambda: ai.tensor([[1.0, 2.0], [3.0]]),
        ValueError,
        *("cannot make a tensor of list [[1.0, 2.0], [3.0]]", "nested lists of equal length"),
    ),
    item(lambda: ai.tensor("abc"), ValueError, "cannot make a tensor of str 'abc'"),
    item(lambda: ai.tensor([1, "b"]), ValueError, "cannot make a tensor of list [1, 'b']"),
    item(lambda: ai.tensor(None), (TypeError, ValueError), "cannot make a tensor of NoneType None"),
    item(lambda: ai.tensor([1.0, None]), (TypeError, ValueError), "cannot make a tensor of list"),
    item(lambda: ai.tensor({"a": 1}), TypeError, "cannot make a tensor of dict"),
    item(
        lambda: ai.tensor([1j], dtype="float32"),
        TypeError,
        *("complex numbers do not fit float32", "ai.real(x)"),
    ),
    item(lambda: ai.tensor(1j).astype("float32"), TypeError, "complex numbers are no float32"),
    item(lambda: float(ai.tensor(1j)), TypeError, "a complex64 tensor is no float; use complex(t)"),
    item(lambda: int(ai.tensor(1j)), TypeError, "a complex64 tensor is no int"),
    item(lambda: ai.tensor(np.array(["a"])), TypeError, "is not supported", "hold numbers"),
    item(lambda: ai.tensor(np.array([None])), TypeError, "dtype object is not supported"),
    item(lambda: ai.tensor(np.ones(2, "longdouble")), TypeError, "is not supported", "float64"),
    item(lambda: ai.zeros(3, dtype="floaty"), TypeError, "dtype 'floaty' is not known", "float64"),
    item(lambda: t(3).astype("datetime64"), TypeError, "is not supported"),
    item(lambda: ai.arange(0, 1, 0), ValueError, "arange: step is 0"),
    item(lambda: ai.Generator(-1), ValueError, "a seed is an integer that is not negative"),
    item(lambda: ai.Generator(1.5), ValueError, "not 1.5"),
    item(lambda: ai.Generator(1 << 128), ValueError, "a seed is less than 2^128"),
    item(
        lambda: ai.Generator(0).normal(3, dtype="float16"),
        TypeError,
        "float16",
        "float32",
        "float64",
    ),
    item(
        lambda: setattr(ai.Generator(0), "state", {"a": 1}),
        ValueError,
        *("this is not a state of a Generator", "seed and draws"),
    ),
]
READING = [
    item(
        lambda: t(2, 3).item(),
        ValueError,
        *("a tensor of shape (2, 3) has 6 elements, not one", ".numpy()"),
    ),
    item(lambda: float(t(2)), ValueError, "has 2 elements, not one"),
    item(lambda: int(t(0)), ValueError, "has 0 elements, not one"),
    item(lambda: bool(t(2) > 0), ValueError, "has 2 elements, not one"),
    item(lambda: [1, 2][t()], TypeError, "a float32 tensor cannot be an index", "int(t)"),
    item(lambda: len(t()), TypeError, "a 0-d tensor has no length"),
    item(lambda: list(t()), TypeError, "a 0-d tensor has no length"),
    item(lambda: t(3)[7], IndexError, "getitem(float32[3], index=7)", "out of bounds"),
    item(lambda: t(3)[0, 0], IndexError, "getitem(float32[3], index=(0, 0))", "too many indices"),
    item(lambda: t(3)[t(3)], IndexError, "float32", "integers", "bool mask"),
    item(lambda: t(3)[0.5], IndexError, "0.5: an index of dtype float64", "slices"),
    item(lambda: t(3).at[9].set(0.0), IndexError, "set_at(float32[3], 0.0, index=9)"),
    item(lambda: t(3).no_word, AttributeError, "no attribute 'no_word'"),
    item(
        lambda: np.asarray(t(3, requires_grad=True)),
        TypeError,
        *("cut it off from the graph", ".detach() or .numpy()"),
    ),
]
EVERYTHING = SHAPES + AXES + CALLS + BACKWARD + WRITES + MAKING + READING


@pytest.mark.parametrize(
    ("f", "error", "parts"), EVERYTHING, ids=[row.values[2][0] for row in EVERYTHING]
)
def test_the_message_teaches(
    f: Callable[[], Any], error: type[Exception], parts: tuple[str, ...]
) -> None:
    with pytest.raises(error) as info:
        f()
    message = str(info.value)
    missing = [part for part in parts if part not in message]
    assert not missing, f"{missing} not in: {message}"


@pytest.mark.parametrize(("f", "error", "parts"), SHAPES + AXES)
def test_an_error_hides_no_other(
    f: Callable[[], Any], error: type[Exception], parts: tuple[str, ...]
) -> None:
    # One error, not a chain of the array library's with ours below it.
    with pytest.raises(error) as info:
        f()
    assert info.value.__cause__ is None
    assert info.value.__suppress_context__ or info.value.__context__ is None


def test_a_failed_operation_leaves_no_trace() -> None:
    x = t(3, requires_grad=True)
    with pytest.raises(ValueError, match="do not broadcast"):
        x * t(4)
    ai.sum(x * x).backward()
    assert x.grad is not None


def test_a_failed_backward_leaves_gradients_as_they_were() -> None:
    x, w = t(3, requires_grad=True), t(3)
    late = x * w
    y = ai.sum(ai.exp(late) * x)
    w.assign(2.0)
    x.grad = None
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_error_in_a_gradient_rule_names_the_operation(create_graph: bool) -> None:
    _, r = ai.linalg.qr(ai.zeros((3, 3)) * t(3, 3, requires_grad=True))
    message = r"the gradient of qr_factors\(float32\[3, 3\], .*\): .*Singular"
    with pytest.raises(ValueError, match=message) as info:
        ai.sum(r).backward(create_graph=create_graph)
    assert info.value.__cause__ is not None  # whose traceback ends in the rule


def test_an_error_in_a_gradient_rule_names_settings_too(words: None) -> None:
    @ai.extend.primitive
    def cut(xp: Any, x: Any, _y: Any, /, axis: int = 0) -> Any:
        return xp.sum(x, axis=axis)

    @cut.vjp
    def _(F: Any, g: Any, _y: Any, x: Any, _other: Any, axis: int) -> Any:
        return g[7]

    with pytest.raises(
        IndexError, match=r"the gradient of cut\(float32\[2, 3\], 2\.0, axis=1\): index 7"
    ):
        ai.sum(cut(t(2, 3, requires_grad=True), 2.0, axis=1)).backward()


def test_in_place_operators_rebind_what_is_not_a_leaf() -> None:
    x = t(3, requires_grad=True)
    y = x * 2
    first = y
    y += 1
    y *= x
    ai.sum(y).backward()
    assert first.numpy().tolist() == [2.0] * 3
    assert x.grad is not None
    assert x.grad.tolist() == [5.0] * 3
    total = ai.zeros(3)
    total -= x
    assert total.requires_grad


# --- making primitives


@pytest.fixture
def words() -> Iterator[None]:
    with own_words():
        yield


def test_a_name_is_taken_once(words: None) -> None:
    def tanh(xp: Any, x: Any, /) -> Any:
        return x

    before = registry["tanh"]
    with pytest.raises(ValueError, match="an operation called 'tanh' exists already"):
        ai.extend.primitive(tanh)
    assert registry["tanh"] is before


def test_a_rule_too_many_is_refused(words: None) -> None:
    @ai.extend.primitive
    def test_twice(xp: Any, x: Any, /) -> Any:
        return 2 * x

    test_twice.vjp(lambda F, g, _y, _x: 2 * g)
    with pytest.raises(TypeError, match="test_twice has a rule for each of its arrays already"):
        test_twice.vjp(lambda F, g, _y, _x: 2 * g)


def test_an_error_in_a_users_kernel_names_the_primitive(words: None) -> None:
    @ai.extend.primitive
    def test_picky(xp: Any, x: Any, /, *, size: int = 0) -> Any:
        raise ValueError("I do not like it")

    with pytest.raises(ValueError, match=r"test_picky\(float32\[3\], size=2\): I do not like it"):
        test_picky(t(3), size=2)


WRONG_CALLS = [
    item(
        lambda: ai.sum(t(2, 3), axis="x"),
        TypeError,
        "sum(float32[2, 3], axis='x'): axis is an integer or a tuple of integers",
    ),
    item(
        lambda: ai.max(t(2, 3), axis=(None,)),
        TypeError,
        "max(float32[2, 3], axis=(None,)): axis is",
    ),
    item(
        lambda: ai.sum(t(2, 3), keepdims="no"),
        TypeError,
        "keepdims='no'): keepdims is True or False",
    ),
    item(
        lambda: ai.reshape(t(2, 3), "ab"), TypeError, "shape='ab'): shape is an integer or a tuple"
    ),
    item(
        lambda: ai.concat(t(2, 3), t(2, 3)), TypeError, "Arrays to be joined are one list: [x, y]"
    ),
    item(
        lambda: ai.sum(t(2, 9), axis=np.ones((2, 9))),
        TypeError,
        *("axis=((1.0, 1.0, ", " ... 1.0, 1.0, 1.0))): axis is"),
    ),
    # What Python says where a composite goes wrong, with what it was called with.
    item(
        lambda: ai.round(t(2, 3), [t(2), 1]),
        TypeError,
        *("round(float32[2, 3], [float32[2], 1]): ", "expected round(x, /, decimals=0)"),
    ),
    item(lambda: ai.allclose(t(3)), TypeError, "expected allclose(x, y, /, ", "; got (Tensor)"),
    item(
        lambda: ai.argwhere(t(3), 1, 2),
        TypeError,
        "expected argwhere(x, /); got (Tensor, int, int)",
    ),
    item(lambda: t(3).argwhere(1), TypeError, "expected argwhere(x, /); got (Tensor, int)"),
    item(lambda: t(3).roll(None), TypeError, "roll(float32[3], None): ", "; expected roll(x, "),
    item(lambda: ai.argsort(t(3), dim=0), TypeError, "(Tensor, dim=...); write axis= for dim="),
    item(
        lambda: ai.linalg.cross(t(3)), TypeError, "expected cross(x1, x2, /, axis=-1); got (Tensor)"
    ),
    item(lambda: ai.linalg.norm(t(3), ord="x"), ValueError, "norm: "),
    item(
        lambda: F.dropout(t(2, 3), {1}),
        TypeError,
        *("dropout(float32[2, 3], {1}): '<=' not supported", "; expected dropout(input, p=0.5, "),
    ),
    item(lambda: F.mse_loss(t(3)), TypeError, "expected mse_loss(input, target, ", "got (Tensor)"),
    item(
        lambda: ai.random.uniform((-2,)),
        ValueError,
        *("uniform((-2,)): negative dimensions are not", "expected uniform(shape=None, low=0.0, "),
    ),
    item(lambda: ai.rand("a"), TypeError, "rand('a'): ", "expected rand("),
    item(lambda: ai.randn_like(None), TypeError, "randn_like(None): ", "expected randn_like(x"),
    item(lambda: ai.random.uniform(dim=1), TypeError, "*, generator=None); got (dim=...)"),
    item(
        lambda: ai.random.bernoulli(3.0), ValueError, "bernoulli: p is a probability, from 0 to 1"
    ),
    item(lambda: ai.grad(t(3)), TypeError, "the first argument is a function, not Tensor"),  # type: ignore[arg-type]
    item(
        lambda: ai.grad(ai.sum, argnums="x"),  # type: ignore[arg-type]
        TypeError,
        "grad: argnums is an integer or a tuple of integers, not 'x'",
    ),
    item(lambda: ai.compile(3), TypeError, "compile: the first argument is a function, not int"),  # type: ignore[call-overload]
    item(lambda: ai.broadcast_shapes("a"), TypeError, "a shape is integers, not 'a'"),  # type: ignore[arg-type]
    item(lambda: ai.conj(np.ma.array([1.0])), TypeError, "a masked array is more than its numbers"),
    # Kinds of numbers that a function is not defined for, and numbers where arrays are meant.
    item(
        lambda: ai.arctan2(t(2), t(2) * 1j),
        TypeError,
        *("arctan2(float32[2], complex64[2]): it is not defined for complex numbers", "ai.abs(x)"),
    ),
    item(lambda: t(2) & t(2), TypeError, "it is not defined for floats", 'x.astype("int64")'),
    item(
        lambda: ai.linear(t(2, 3), 1.5),
        TypeError,
        "1.5 stands where an array is meant; for one of no axes: ai.asarray(1.5)",
    ),
    item(
        lambda: ai.tensor([[1.0, 2.0], [3.0]]),
        ValueError,
        *("list [[1.0, 2.0], [3.0]]: its parts differ in length", "nested lists of equal length"),
    ),
]


@pytest.mark.parametrize(("f", "error", "parts"), WRONG_CALLS)
def test_a_wrong_call_is_told_in_the_users_words(
    f: Callable[[], Any], error: type[Exception], parts: tuple[str, ...]
) -> None:
    with pytest.raises(error) as caught:
        f()
    for part in parts:
        assert part in str(caught.value)


def test_an_error_that_somebody_wrote_keeps_its_words() -> None:
    with pytest.raises(TypeError) as caught:
        ai.cummax(t(2, 3), axis="x")
    assert "expected" not in str(caught.value)
    assert str(caught.value).startswith("cummax: ")


def test_an_error_in_a_function_of_the_users_stays_what_it_is() -> None:
    def distance(_a: ai.Tensor, _b: ai.Tensor) -> ai.Tensor:
        return None + 1  # type: ignore[operator, no-any-return]

    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for \+"):
        F.triplet_margin_with_distance_loss(t(2, 3), t(2, 3), t(2, 3), distance_function=distance)


def test_functions_of_nn_and_of_random_are_pickled_by_name() -> None:
    for function in (F.dropout, F.gelu, ai.random.beta):
        assert pickle.loads(pickle.dumps(function)) is function
