"""What chooses the plan: arguments, closures and what else a function stands on."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from compiling import X, close, proven, same_bits, x_of  # noqa: F401

import autograd_iron as ai
from autograd_iron.plan.refusals import CaptureError

# --- arguments: Python values, lists, dicts, shapes, dtypes


def test_python_numbers_choose_the_plan() -> None:
    step = ai.compile(lambda x, k: x * k)
    for k in (2, 3, 2.0, True, 1, 2):
        same_bits(step(ai.tensor(X), k), ai.tensor(X) * k)


def test_one_and_true_and_one_point_zero_are_different() -> None:
    step = ai.compile(lambda x, k: (x + k, type(k).__name__))
    x = np.arange(3)
    for k in (1, 1.0, True, 1):
        found, kind = step(x, k)
        assert kind == type(k).__name__
        same_bits(found, ai.asarray(x) + k)


def test_minus_zero_is_not_zero() -> None:
    step = ai.compile(lambda x, k: x / k)
    one = ai.tensor([1.0])
    with np.errstate(all="ignore"):
        assert step(one, 0.0).item() == np.inf
        assert step(one, -0.0).item() == -np.inf


def test_nan_as_an_argument_does_not_capture_for_ever() -> None:
    step = ai.compile(lambda x, k: x + k)
    for _ in range(3):
        step(ai.tensor(X), float("nan"))
    assert "1 captures" in step.explain()


def test_strings_none_and_flags() -> None:
    def function(x: ai.Tensor, mode: str | None = None, *, double: bool = False) -> Any:
        x = ai.tanh(x) if mode == "tanh" else x
        return 2 * x if double else x

    step = ai.compile(function)
    for options in ({}, {"mode": "tanh"}, {"double": True}, {"mode": "tanh", "double": True}, {}):
        same_bits(step(ai.tensor(X), **options), function(ai.tensor(X), **options))


def test_lists_tuples_and_dicts_of_tensors() -> None:
    def function(tree: Any) -> Any:
        return {"sum": tree["a"][0] + tree["b"], "rest": [tree["a"][1] * 2, (tree["b"],)]}

    step = ai.compile(function)
    for seed in range(3):
        tree = {"a": [x_of(seed), x_of(seed + 1)], "b": x_of(seed + 2)}
        same_bits(step(tree), function(tree))
    # Other keys, other lengths: another plan, not another meaning.
    longer = {"a": [x_of(0), x_of(1), x_of(2)], "b": x_of(3)}
    same_bits(step(longer), function(longer))


def test_the_order_of_a_dict_does_not_mix_up_its_tensors() -> None:
    step = ai.compile(lambda tree: tree["a"] - tree["b"])
    a, b = x_of(0), x_of(1)
    same_bits(step({"a": a, "b": b}), a - b)
    same_bits(step({"b": b, "a": a}), a - b)


def test_keywords_in_another_order() -> None:
    step = ai.compile(lambda *, a, b: a - b)
    a, b = x_of(0), x_of(1)
    same_bits(step(a=a, b=b), a - b)
    same_bits(step(b=b, a=a), a - b)


def test_positional_and_keyword() -> None:
    step = ai.compile(lambda a, b: a - b)
    a, b = x_of(0), x_of(1)
    for found in (step(a, b), step(a, b=b), step(b=b, a=a)):
        same_bits(found, a - b)


Pair = namedtuple("Pair", "left right")


def test_named_tuples() -> None:
    step = ai.compile(lambda pair: Pair(pair.right, pair.left + 1))
    found = step(Pair(x_of(0), x_of(1)))
    assert isinstance(found, Pair)
    same_bits(found.right, x_of(0) + 1)
    same_bits(step(Pair(x_of(2), x_of(3))).left, x_of(3))


def test_a_change_of_shape_or_dtype_captures_anew() -> None:
    step = ai.compile(lambda x: ai.sum(ai.tanh(x), axis=0))
    for shape in ((4, 3), (5, 3), (4, 3), (1, 3), (0, 3)):
        for dtype in ("float32", "float64"):
            x = x_of(1, shape).astype(dtype)
            same_bits(step(x), ai.sum(ai.tanh(x), axis=0))
    assert "argument" in step.explain()


def test_explain_names_the_argument_that_changed() -> None:
    step = ai.compile(lambda x, k=1: x * k)
    step(ai.tensor(X))
    step(ai.tensor(X[:2]))
    assert "float32[4, 3]" in step.explain()
    assert "float32[2, 3]" in step.explain()
    step(ai.tensor(X[:2]), 7)
    assert "7" in step.explain()


def test_the_number_of_plans_is_bounded() -> None:
    step = ai.compile(lambda x: x + 1)
    for n in range(1, 30):
        same_bits(step(ai.ones((n,))), ai.full((n,), 2.0))
    same_bits(step(ai.ones((1,))), ai.full((1,), 2.0))
    assert len(step._entries) <= 8


def test_an_unhashable_argument_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match="set"):
        ai.compile(lambda x, s: x)(ai.tensor(X), {1, 2})


def test_numpy_scalars_and_0d_arrays() -> None:
    def function(x: ai.Tensor, k: Any) -> Any:
        return x * k

    step = ai.compile(function)
    for k in (np.float32(2), np.float32(3), np.int64(2), np.float64(0.5)):
        same_bits(step(ai.tensor(X), k), function(ai.tensor(X), k))


def test_an_array_argument_is_not_kept() -> None:
    step = ai.compile(lambda x: x * 2)
    array = X.copy()
    first = step(array)
    array[...] = 7
    same_bits(first, ai.tensor(X) * 2)
    same_bits(step(array), ai.full((4, 3), 14.0))


def test_strided_broadcast_and_read_only_arguments() -> None:
    step = ai.compile(lambda x: ai.tanh(x) @ x.T + ai.sum(x, axis=1))
    read_only = X.copy()
    read_only.flags.writeable = False
    wide = np.zeros((8, 6), np.float32)
    wide[::2, ::2] = X
    for x in (X, read_only, wide[::2, ::2], np.asfortranarray(X), X[::-1], X[:, ::-1]):
        close(step(x), step(np.ascontiguousarray(x)), terms=3)
    stretched = np.broadcast_to(np.float32(1), (4, 3))
    close(step(stretched), step(np.ones((4, 3), np.float32)), terms=3)


def test_the_same_tensor_twice() -> None:
    step = ai.compile(lambda x, y: x * 2 - y)
    x, y = x_of(0), x_of(1)
    same_bits(step(x, x), x * 2 - x)
    same_bits(step(x, y), x * 2 - y)


def test_an_argument_that_is_also_captured() -> None:
    w = x_of(0)
    step = ai.compile(lambda x: x - w * 2)
    same_bits(step(w), w - w * 2)
    other = x_of(1)
    same_bits(step(other), other - w * 2)


def test_an_argument_that_is_assigned() -> None:
    def bump(w: ai.Tensor) -> Any:
        w.assign(w + 1)
        return w * 1

    w = ai.tensor(X)
    step = ai.compile(bump)
    with pytest.raises(CaptureError, match=r"assigned.*Assign to tensors that outlive the step"):
        step(w)
    same_bits(w, ai.tensor(X))


# --- closures


def test_a_number_in_a_closure_is_frozen_and_explain_says_so() -> None:
    scale = 2.0

    def function(x: ai.Tensor) -> Any:
        return x * scale

    step = ai.compile(function)
    step(ai.tensor(X))
    assert "frozen at capture" in step.explain()
    assert "Python numbers" in step.explain()


def test_a_rebound_closure_does_not_read_the_old_tensor_s_new_values() -> None:
    # The plan holds the tensor that it met; writing into that tensor is seen.
    w = ai.tensor([1.0, 2.0, 3.0])
    step = ai.compile(lambda x: x * w)
    step(ai.tensor(X))
    w.assign([4.0, 5.0, 6.0])
    same_bits(step(ai.tensor(X)), ai.tensor(X) * ai.tensor([4.0, 5.0, 6.0]))


def test_a_captured_tensor_given_other_memory_captures_anew() -> None:
    w = ai.tensor([1.0, 2.0, 3.0])
    step = ai.compile(lambda x: x * w)
    step(ai.tensor(X))
    w.data = np.array([7, 8, 9], np.float32)
    same_bits(step(ai.tensor(X)), ai.tensor(X) * w)
    assert "other memory" in step.explain()


def test_a_captured_array_is_frozen_at_its_value() -> None:
    mask = np.array([1.0, 0.0, 1.0], np.float32)
    step = ai.compile(lambda x: x * mask)
    first = step(ai.tensor(X))
    mask[...] = 5
    same_bits(step(ai.tensor(X)), first)


def test_side_effects_of_python_run_once() -> None:
    log: list[Any] = []

    def function(x: ai.Tensor) -> Any:
        log.append(x)
        return x + 1

    step = ai.compile(function)
    for _ in range(3):
        step(ai.tensor(X))
    assert len(log) == 1


def test_a_leaked_result_is_an_error_outside() -> None:
    log: list[ai.Tensor] = []

    def function(x: ai.Tensor) -> Any:
        log.append(x * 2)
        return x + 1

    step = ai.compile(function)
    step(ai.tensor(X))
    with pytest.raises(CaptureError):
        float(ai.sum(log[0]))
