"""What goes wrong with captured functions elsewhere: here an error naming the line, or right."""

from __future__ import annotations

import gc
import inspect
import random
import weakref
from collections import namedtuple
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import arrays_in, close, proven, same_bits  # noqa: F401
from samples import own_words

import autograd_iron as ai
import nn
from autograd_iron.core.switches import switches
from autograd_iron.plan.refusals import CaptureError

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def x_of(seed: int, shape: tuple[int, ...] = (4, 3)) -> ai.Tensor:
    return ai.tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def model_of(seed: int = 0) -> nn.Sequential:
    g = ai.Generator(seed)
    return nn.Sequential(nn.Linear(3, 5, generator=g), nn.Tanh(), nn.Linear(5, 1, generator=g))


# --- reading values on the host: each an error that names the line and says what to do


def reads_float(x: ai.Tensor) -> Any:
    return x * float(ai.sum(x))  # here


def reads_int(x: ai.Tensor) -> Any:
    return x * int(ai.sum(x))  # here


def reads_item(x: ai.Tensor) -> Any:
    return x * ai.sum(x).item()  # here


def branches(x: ai.Tensor) -> Any:
    return x if ai.sum(x) > 1 else -x  # here


def loops(x: ai.Tensor) -> Any:
    while ai.sum(x) > 1:  # here
        x = x / 2
    return x


def asserts(x: ai.Tensor) -> Any:
    assert ai.all(ai.isfinite(x))  # here
    return x


def uses_as_index(x: ai.Tensor) -> Any:
    return [1, 2, 3][ai.argmax(ai.sum(x, axis=0))]  # here


def uses_as_range(x: ai.Tensor) -> Any:
    return list(range(ai.argmax(ai.sum(x, axis=0))))  # here


def asks_asarray(x: ai.Tensor) -> Any:
    return np.asarray(x)  # here


def asks_numpy_method(x: ai.Tensor) -> Any:
    return x.numpy()  # here


def asks_tolist(x: ai.Tensor) -> Any:
    return x.tolist()  # here


def asks_data(x: ai.Tensor) -> Any:
    return x.data * 2  # here


def writes_foreign(x: ai.Tensor) -> Any:
    np.zeros((4, 3), "float32")[...] = x  # here


def writes_out(x: ai.Tensor) -> Any:
    np.copyto(np.zeros((4, 3), "float32"), x)  # here


def formats(x: ai.Tensor) -> Any:
    return f"{ai.sum(x):.3f}"  # here


def adds_up(x: ai.Tensor) -> Any:
    return round(float(ai.mean(x)), 2)  # here


def maximum_of(x: ai.Tensor) -> Any:
    return max(ai.sum(x), ai.sum(-x))  # here


def contains(x: ai.Tensor) -> Any:
    return ai.sum(x) in [1.0]  # here


def goes_dlpack(x: ai.Tensor) -> Any:
    return np.from_dlpack(x)  # here


def indexes_by_mask(x: ai.Tensor) -> Any:
    return x[x > 0]  # here


def shape_of_value(x: ai.Tensor) -> Any:
    return ai.zeros((int(ai.sum(x > 0)), 2))  # here


READS = [
    reads_float,
    reads_int,
    reads_item,
    branches,
    loops,
    asserts,
    uses_as_index,
    uses_as_range,
    asks_asarray,
    asks_numpy_method,
    asks_tolist,
    asks_data,
    writes_foreign,
    writes_out,
    formats,
    adds_up,
    maximum_of,
    contains,
    indexes_by_mask,
    shape_of_value,
]


@pytest.mark.parametrize("function", READS, ids=lambda f: f.__name__)
def test_reading_a_value_names_the_line(function: Callable[..., Any]) -> None:
    lines, start = inspect.getsourcelines(function)
    (number,) = (start + i for i, line in enumerate(lines) if "# here" in line)
    with pytest.raises(CaptureError, match=rf"test_plan_footguns\.py:{number} ") as caught:
        ai.compile(function)(ai.tensor(X))
    message = str(caught.value)
    assert lines[number - start].strip() in message
    assert "replayed without running this line again" in message
    assert any(word in message for word in ("ai.where", "Return the Tensor", "autograd_iron")), (
        "no way out is named"
    )
    assert not switches().executor.captures


def test_dlpack_is_refused() -> None:
    with pytest.raises((CaptureError, TypeError, AttributeError)):
        ai.compile(goes_dlpack)(ai.tensor(X))


def test_reading_a_captured_tensor_is_refused_too() -> None:
    # A parameter is a value that changes from call to call as much as an argument.
    w = ai.tensor([2.0], requires_grad=True)

    def function(x: ai.Tensor) -> Any:
        return x * float(w)

    compiled = ai.compile(function)
    try:
        compiled(ai.tensor(X))
    except CaptureError:
        return
    w.assign([3.0])
    same_bits(compiled(ai.tensor(X)), function(ai.tensor(X)))


@pytest.mark.parametrize(
    "read",
    [lambda w: w.numpy(), lambda w: np.asarray(w.detach()), lambda w: w.item()],
    ids=["numpy", "asarray", "item"],
)
def test_the_values_of_a_captured_tensor_are_not_frozen(read: Callable[..., Any]) -> None:
    w = ai.tensor([2.0])

    def function(x: ai.Tensor) -> Any:
        return x * read(w)

    compiled = ai.compile(function)
    try:
        compiled(ai.tensor(X))
    except CaptureError:
        return
    w.assign([3.0])
    same_bits(compiled(ai.tensor(X)), function(ai.tensor(X)))


def test_printing_works_and_shows_no_stale_values(capsys: pytest.CaptureFixture[str]) -> None:
    def function(x: ai.Tensor) -> Any:
        print(x)
        return x + 1

    compiled = ai.compile(function)
    compiled(ai.tensor(X))
    text = capsys.readouterr().out
    assert "Traced" in text
    assert "(4, 3)" in text


def test_shapes_and_dtypes_can_be_read() -> None:
    def function(x: ai.Tensor) -> Any:
        assert x.shape == (4, 3)
        assert (x.ndim, x.size, len(x)) == (2, 12, 4)
        assert x.dtype == ai.float32
        return x / x.shape[0] if x.dtype == ai.float32 else x

    same_bits(ai.compile(function)(ai.tensor(X)), ai.tensor(X) / 4)


# --- randomness


def test_numpy_global_randomness_is_refused() -> None:
    def function(x: ai.Tensor) -> Any:
        return x + np.random.standard_normal(3).astype("float32")  # noqa: NPY002

    with pytest.raises(CaptureError, match=r"global random state.*ai\.Generator"):
        ai.compile(function)(ai.tensor(X))


def test_python_global_randomness_is_refused() -> None:
    with pytest.raises(CaptureError, match=r"global random state.*ai\.Generator"):
        ai.compile(lambda x: x * random.random())(ai.tensor(X))


def test_an_own_numpy_generator_draws_once_and_explain_counts_it() -> None:
    # Nothing tells such an array from any other constant: it is frozen, and said to be.
    source = np.random.default_rng(0)

    def function(x: ai.Tensor) -> Any:
        return x + source.standard_normal(3).astype("float32")

    step = ai.compile(function)
    same_bits(step(ai.tensor(X)), step(ai.tensor(X)))
    assert "1 constants" in step.explain()


@pytest.mark.parametrize("kind", ["normal", "uniform", "integers", "permutation"])
def test_draws_of_a_generator_go_on(kind: str) -> None:
    def function(x: ai.Tensor, g: ai.Generator) -> Any:
        if kind == "normal":
            return x + g.normal((4, 3)), g.normal((3,), mean=1.0, std=2.0)
        if kind == "uniform":
            return x * g.uniform((4, 3), low=-1.0)
        if kind == "integers":
            return x + g.integers(0, 10, (4, 3))
        return ai.concat([x[i : i + 1] for i in range(4)]) + g.permutation(3)

    eager, compiled = ai.Generator(3), ai.Generator(3)
    step = ai.compile(lambda x: function(x, compiled))
    for seed in range(4):
        same_bits(step(x_of(seed)), function(x_of(seed), eager))
        assert eager.state == compiled.state


def test_a_generator_can_be_rewound() -> None:
    g = ai.Generator(0)
    step = ai.compile(lambda x: x + g.normal((4, 3)))
    step(ai.tensor(X))
    state = g.state
    second = step(ai.tensor(X))
    g.state = state
    same_bits(step(ai.tensor(X)), second)


def test_drawn_numbers_that_are_returned_stay() -> None:
    g = ai.Generator(0)
    step = ai.compile(lambda: g.normal((5,)))
    held = [step() for _ in range(5)]
    reference = ai.Generator(0)
    for value in held:
        same_bits(value, reference.normal((5,)))


def test_each_generator_among_arguments_is_its_own() -> None:
    step = ai.compile(lambda x, g: x + g.normal((3,)))
    a, b = ai.Generator(1), ai.Generator(2)
    for _ in range(2):
        step(ai.tensor(X), a)
        step(ai.tensor(X), b)
    fresh_a, fresh_b = ai.Generator(1), ai.Generator(2)
    for _ in range(2):
        fresh_a.normal((3,))
        fresh_b.normal((3,))
    assert (a.state, b.state) == (fresh_a.state, fresh_b.state)


def test_draws_on_the_host_between_calls_count() -> None:
    g, reference = ai.Generator(0), ai.Generator(0)
    step = ai.compile(lambda x: x + g.normal((3,)))
    for _ in range(3):
        same_bits(step(ai.tensor(X)), ai.tensor(X) + reference.normal((3,)))
        same_bits(g.normal((2,)), reference.normal((2,)))


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


# --- training


def training(
    optimizer: Callable[..., Any] = lambda m: nn.SGD(m.parameters(), 0.1), seed: int = 0
) -> tuple[Any, Any, Callable[..., Any]]:
    model = model_of(seed)
    opt = optimizer(model)

    def step(x: ai.Tensor, y: ai.Tensor) -> Any:
        loss = nn.MSELoss()(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    return model, opt, step


def states(model: Any, opt: Any) -> list[Any]:
    return [model.state_dict(), opt.state_dict()]


def together(
    steps: int,
    optimizer: Callable[..., Any],
    between: Callable[[int, Any, Any], None] = lambda i, model, opt: None,
) -> Any:
    """Train two equal models, eagerly and compiled, and compare everything after each step."""
    model, opt, eager = training(optimizer)
    other, other_opt, function = training(optimizer)
    compiled = ai.compile(function)
    for i in range(steps):
        x, y = x_of(i), x_of(100 + i, (4, 1))
        between(i, model, opt)
        between(i, other, other_opt)
        same_bits(compiled(x, y), eager(x, y))
        same_bits(states(other, other_opt), states(model, opt))
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None)
            if p.grad is not None:
                same_bits(q.grad, p.grad)
    return compiled


OPTIMIZERS = {
    "sgd": lambda m: nn.SGD(m.parameters(), 0.1),
    "momentum": lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9),
    "nesterov": lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9, nesterov=True),
    "decay": lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda m: nn.Adam(m.parameters(), 0.01),
    "adam decay": lambda m: nn.Adam(m.parameters(), 0.01, weight_decay=0.1),
    "schedule": lambda m: nn.SGD(m.parameters(), lambda step: 0.1 / (1 + step)),
    "cosine": lambda m: nn.Adam(m.parameters(), nn.CosineDecay(0.1, steps=6, warmup=2)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_gives_the_same_bits(name: str) -> None:
    compiled = together(6, OPTIMIZERS[name])
    assert "1 captures" in compiled.explain()


def test_the_rate_changed_by_hand() -> None:
    def change(i: int, model: Any, opt: Any) -> None:
        if i in (2, 4):
            opt.lr = 0.5 / i

    compiled = together(6, OPTIMIZERS["momentum"], change)
    assert "1 captures" in compiled.explain()


def test_a_schedule_and_the_rate_changed_by_hand() -> None:
    def change(i: int, model: Any, opt: Any) -> None:
        if i == 3:
            opt.lr = 0.7

    together(6, OPTIMIZERS["cosine"], change)


def test_weights_loaded_between_calls() -> None:
    start = model_of(5).state_dict()

    def load(i: int, model: Any, opt: Any) -> None:
        if i == 3:
            model.load_state_dict(start)

    compiled = together(5, OPTIMIZERS["adam"], load)
    assert "1 captures" in compiled.explain()


def test_the_optimizer_loaded_between_calls() -> None:
    kept: dict[int, Any] = {}

    def load(i: int, model: Any, opt: Any) -> None:
        if i == 1:
            kept[id(opt)] = opt.state_dict()
        if i == 4:
            opt.load_state_dict(kept[id(opt)])

    together(6, OPTIMIZERS["adam"], load)


def test_parameters_assigned_between_calls() -> None:
    def write(i: int, model: Any, opt: Any) -> None:
        for p in model.parameters():
            p.assign(p * 0.5)

    compiled = together(5, OPTIMIZERS["momentum"], write)
    assert "1 captures" in compiled.explain()


def test_a_frozen_parameter() -> None:
    def freeze(i: int, model: Any, opt: Any) -> None:
        weight = next(iter(model.parameters()))
        weight.requires_grad = i not in (2, 3)

    together(6, OPTIMIZERS["momentum"], freeze)


def test_gradients_left_over_before_the_first_call() -> None:
    def leave(i: int, model: Any, opt: Any) -> None:
        for p in model.parameters():
            p.grad = ai.ones(p.shape)

    together(3, OPTIMIZERS["sgd"], leave)


def test_eager_steps_between_compiled_ones() -> None:
    model, opt, function = training(OPTIMIZERS["adam"])
    other, other_opt, mixed = training(OPTIMIZERS["adam"])
    compiled = ai.compile(mixed)
    for i in range(8):
        x, y = x_of(i), x_of(100 + i, (4, 1))
        same_bits((mixed if i % 3 == 1 else compiled)(x, y), function(x, y))
        same_bits(states(other, other_opt), states(model, opt))


def accumulating(zero: bool) -> tuple[Any, Callable[..., Any]]:
    model = model_of()

    def step(x: ai.Tensor) -> Any:
        if zero:
            for p in model.parameters():
                p.grad = None
        loss = ai.mean(ai.square(model(x)))
        loss.backward()
        return loss

    return model, step


@pytest.mark.parametrize("zero", [True, False])
def test_gradients_stay_in_grad_and_add_up(zero: bool) -> None:
    model, eager = accumulating(zero)
    other, function = accumulating(zero)
    compiled = ai.compile(function)
    for i in range(4):
        same_bits(compiled(x_of(i)), eager(x_of(i)))
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            same_bits(q.grad, p.grad)
            assert type(q.grad) is ai.Tensor


def test_gradients_add_up_and_are_cleared_outside_now_and_then() -> None:
    model, eager = accumulating(False)
    other, function = accumulating(False)
    compiled = ai.compile(function)
    for i in range(7):
        if i in (2, 3, 5):
            for p in (*model.parameters(), *other.parameters()):
                p.grad = None
        same_bits(compiled(x_of(i)), eager(x_of(i)))
        for p, q in zip(model.parameters(), other.parameters(), strict=True):
            same_bits(q.grad, p.grad)


def test_gradients_that_were_kept_never_change() -> None:
    model, step = accumulating(True)
    compiled = ai.compile(step)
    held, copies = [], []
    for i in range(4):
        compiled(x_of(i))
        held.append([p.grad for p in model.parameters()])
        copies.append(arrays_in(held[-1]))
    for grads, arrays in zip(held, copies, strict=True):
        for grad, array in zip(grads, arrays, strict=True):
            np.testing.assert_array_equal(grad.data, array)


def test_zero_grad_inside_leaves_none_at_the_end() -> None:
    model = model_of()
    opt = nn.SGD(model.parameters(), 0.1)

    def step(x: ai.Tensor) -> Any:
        loss = ai.mean(ai.square(model(x)))
        loss.backward()
        opt.step()
        opt.zero_grad()
        return loss

    compiled = ai.compile(step)
    for i in range(3):
        for p in model.parameters():
            assert p.grad is None
        compiled(x_of(i))


def test_gradients_of_arguments() -> None:
    def function(x: ai.Tensor) -> Any:
        loss = ai.sum(x**3)
        loss.backward()
        return loss

    compiled = ai.compile(function)
    for seed in range(3):
        a, b = x_of(seed), x_of(seed)
        a.requires_grad = b.requires_grad = True
        same_bits(compiled(a), function(b))
        assert a.grad is not None
        same_bits(a.grad, b.grad)


def test_train_and_eval_mode() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            self.inner = model_of()

        def forward(self, x: ai.Tensor) -> Any:
            return self.inner(x) * (2.0 if self.training else 1.0)

    model = Noisy()
    step = ai.compile(model)
    for mode in (True, False, False, True, True, False):
        model.train(mode)
        same_bits(step(x_of(0)), model(x_of(0)).detach())
    assert "training was" in step.explain()


def test_going_to_and_fro_between_modes_does_not_capture_each_time() -> None:
    model = model_of()
    step = ai.compile(model)
    for _ in range(5):
        step(x_of(0))
        model.eval()
        step(x_of(0))
        model.train()
    assert "2 captures" in step.explain(), "a plan that fits is still there"


def test_requires_grad_of_an_argument_toggled() -> None:
    def function(x: ai.Tensor) -> Any:
        return x * 3 if x.requires_grad else x * 2

    step = ai.compile(function)
    for value in (False, True, False, True):
        x = x_of(0)
        x.requires_grad = value
        same_bits(step(x), function(x).detach())


def test_requires_grad_of_a_captured_tensor_toggled() -> None:
    w = x_of(1)

    def function(x: ai.Tensor) -> Any:
        loss = ai.sum(x * w) + ai.sum(w * w) * 0.5 + ai.sum(v * x)
        loss.backward()
        return loss

    v = x_of(2)
    v.requires_grad = True
    step = ai.compile(function)
    for value in (False, True, False):
        w.requires_grad = value
        w.grad = v.grad = None
        step(x_of(0))
        found = w.grad, v.grad
        w.grad = v.grad = None
        function(x_of(0))
        assert (found[0] is None) == (w.grad is None)
        if w.grad is not None:
            same_bits(found[0], w.grad)
        same_bits(found[1], v.grad)


def test_calling_under_no_grad_and_not() -> None:
    w = ai.tensor(X, requires_grad=True)

    def function(x: ai.Tensor) -> Any:
        y = ai.sum(x * w)
        return y * 2 if y.requires_grad else y

    step = ai.compile(function)
    same_bits(step(x_of(0)), function(x_of(0)).detach())
    with ai.no_grad():
        same_bits(step(x_of(0)), function(x_of(0)))
    same_bits(step(x_of(0)), function(x_of(0)).detach())


def test_no_grad_and_detach_inside() -> None:
    w = ai.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def function(x: ai.Tensor) -> Any:
        with ai.no_grad():
            scale = ai.max(x * w)
        loss = ai.sum(x * w / scale) + ai.sum((x * w).detach() * w)
        (g,) = (ai.grad(lambda v: ai.sum(v * loss.detach()))(x),)
        w.grad = None
        loss.backward()
        return loss, g

    step = ai.compile(function)
    for seed in range(3):
        found = step(x_of(seed)), w.grad
        wanted = function(x_of(seed)), w.grad
        same_bits(found, [wanted[0][0].detach(), wanted[0][1], wanted[1]])


# --- derivatives of derivatives


def test_double_backward_and_hessian_vector_products() -> None:
    model = model_of()
    parameters = list(model.parameters())

    def hvp(x: ai.Tensor, *v: ai.Tensor) -> Any:
        loss = ai.mean(ai.square(model(x)))
        loss.backward(create_graph=True)
        grads = [p.grad for p in parameters]
        for p in parameters:
            p.grad = None
        product = sum((ai.sum(g * d) for g, d in zip(grads, v, strict=True)), ai.zeros(()))
        product.backward()
        found = [p.grad for p in parameters]
        for p in parameters:
            p.grad = None
        return found

    step = ai.compile(hvp)
    for seed in range(3):
        v = [x_of(seed, p.shape) for p in parameters]
        same_bits(step(x_of(seed), *v), hvp(x_of(seed), *v))


def test_grad_of_grad_of_a_compiled_function() -> None:
    cube = ai.compile(lambda x: x**3 + ai.sin(x))
    eager = lambda x: x**3 + ai.sin(x)  # noqa: E731
    second = ai.compile(ai.grad(ai.grad(cube)))
    for value in (2.0, 3.0):
        x = ai.tensor(value)
        same_bits(second(x), ai.grad(ai.grad(eager))(x))


def test_check_grads_of_a_compiled_gradient() -> None:
    step = ai.compile(ai.value_and_grad(lambda x: ai.sum(ai.tanh(x) * x)))
    x = ai.tensor(X, dtype="float64")
    value, gradient = step(x)
    eager_value, eager_gradient = ai.value_and_grad(lambda x: ai.sum(ai.tanh(x) * x))(x)
    same_bits([value, gradient], [eager_value, eager_gradient])


# --- what is returned


def test_returned_tensors_never_change() -> None:
    model, _, function = training(OPTIMIZERS["adam"])
    weight = next(iter(model.parameters()))

    def wider(x: ai.Tensor, y: ai.Tensor) -> Any:
        loss = function(x, y)
        return loss, model(x), x, x.T, x + 0, weight, weight.grad, model(x)[1:]

    step = ai.compile(wider)
    held: list[Any] = []
    copies: list[Any] = []
    for i in range(20):
        held.append(step(x_of(i), x_of(100 + i, (4, 1))))
        copies.append(arrays_in(held[-1]))
    for result, arrays in zip(held, copies, strict=True):
        for tensor, array in zip(result, arrays, strict=True):
            if tensor is not weight:
                np.testing.assert_array_equal(tensor.data, array)


def test_writing_into_a_result_changes_nothing_else() -> None:
    def function(x: ai.Tensor) -> Any:
        y = ai.tanh(x)
        return y, y, y.T, y + 1, y

    step = ai.compile(function)
    first = step(x_of(0))
    for tensor in first:
        tensor.assign(99.0)
    fresh = step(x_of(0))
    same_bits(fresh, function(x_of(0)))
    fresh[0].assign(5.0)
    same_bits(fresh[1:], function(x_of(0))[1:])


def test_results_do_not_share_memory_with_arguments_or_captured_tensors() -> None:
    w = x_of(1)
    x = x_of(0)
    step = ai.compile(lambda x: (x, w, x.T, w[1:], x.reshape(-1), ai.broadcast_to(w, (2, 4, 3))))
    for _ in range(2):
        results = step(x)
        for one in results:
            assert one.data.flags.writeable
            assert not np.may_share_memory(one.data, x.data)
            assert not np.may_share_memory(one.data, w.data)
    same_bits(results, (x, w, x.T, w[1:], x.reshape(-1), ai.broadcast_to(w, (2, 4, 3))))


def test_a_constant_and_a_captured_tensor_and_an_argument_are_returned() -> None:
    w = ai.tensor([1.0, 2.0])
    step = ai.compile(lambda x: (ai.ones((2,)), w, x, ai.tensor([5.0])))
    for value in (1.0, 2.0):
        w.assign([value, value])
        x = ai.full((3,), value)
        same_bits(step(x), (ai.ones((2,)), w, x, ai.tensor([5.0])))


def test_an_assigned_tensor_is_returned_at_its_new_value() -> None:
    def make() -> tuple[ai.Tensor, Callable[..., Any]]:
        w = ai.tensor([1.0, 2.0, 3.0])

        def function(x: ai.Tensor) -> Any:
            before = w * 1
            w.assign(w + x)
            after = w * 1
            w.assign(w * 2)
            return before, after, w, w * 1

        return w, function

    w, eager = make()
    v, function = make()
    step = ai.compile(function)
    for i in range(3):
        x = x_of(i, (3,))
        before, after, last, doubled = step(x)
        wanted = eager(x)
        same_bits([before, after, last, doubled], [*wanted[:2], w, wanted[3]])
        same_bits(v, w)


def test_two_tensors_swap_their_values() -> None:
    a, b = ai.tensor([1.0, 2.0]), ai.tensor([3.0, 4.0])

    def swap() -> None:
        old = a * 1
        a.assign(b)
        b.assign(old)

    step = ai.compile(swap)
    for i in range(4):
        step()
        expected = ([3.0, 4.0], [1.0, 2.0]) if i % 2 == 0 else ([1.0, 2.0], [3.0, 4.0])
        assert (a.tolist(), b.tolist()) == expected


def test_assignments_read_the_values_before_them() -> None:
    def make() -> tuple[list[ai.Tensor], Callable[..., Any]]:
        a, b = ai.tensor([1.0, 2.0]), ai.tensor([3.0, 4.0])

        def rotate(x: ai.Tensor) -> Any:
            old_a, old_b = a + 0.0, b + 0.0
            a.assign(old_b + x)
            b.assign(old_a - x)
            return a * b, old_a * old_b

        return [a, b], rotate

    one, eager = make()
    two, function = make()
    step = ai.compile(function)
    for i in range(3):
        x = x_of(i, (2,))
        same_bits(step(x), eager(x))
        same_bits(two, one)


def test_assigning_numbers_broadcasts_casts_and_arrays() -> None:
    def make() -> tuple[list[ai.Tensor], Callable[..., Any]]:
        ts = [ai.zeros((2, 3)), ai.zeros((2, 3)), ai.zeros((3,), dtype="float64"), ai.zeros((3,))]

        def write(x: ai.Tensor) -> None:
            ts[0].assign(1.5)
            ts[1].assign(x[0])
            ts[2].assign(x)
            ts[3].assign(np.arange(3.0))

        return ts, write

    one, eager = make()
    two, function = make()
    step = ai.compile(function)
    for i in range(3):
        x = x_of(i, (3,))
        eager(x)
        step(x)
        same_bits(two, one)


def test_an_assigned_number_is_as_precise_as_the_tensor() -> None:
    t = ai.zeros(2, dtype="float64")
    ai.compile(lambda: t.assign(0.1))()
    assert t.tolist() == [0.1, 0.1]


def test_an_assignment_of_the_wrong_shape_is_the_eager_error() -> None:
    w = ai.zeros((2, 3))

    def function(x: ai.Tensor) -> None:
        w.assign(x)

    with pytest.raises(ValueError, match="assign: a value of shape"):
        ai.compile(function)(ai.ones((3,)))


WRITTEN = [
    *(True, 1, -1, 300, 2**40, 1.5, np.bool_(True), np.int64(1), np.float64(1.5)),
    *(np.ones(2, kind) for kind in ("bool", "uint8", "int64", "float64")),
]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32"])
@pytest.mark.parametrize("value", WRITTEN, ids=lambda v: f"{type(v).__name__} {v}")
def test_what_fits_into_which_dtype(dtype: str, value: Any) -> None:
    if dtype == "float32":
        fits = True
    elif type(value) is int:
        fits = dtype != "bool" and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    else:
        fits = np.can_cast(np.asarray(value).dtype, dtype, "same_kind")
    for through in (lambda f: f, ai.compile):
        w = ai.zeros((2,), dtype=dtype)
        write = through(partial(w.assign, value if np.isscalar(value) else ai.tensor(value)))
        if fits:
            write()
            assert w.tolist() == np.broadcast_to(np.asarray(value).astype(dtype), 2).tolist()
        else:
            with pytest.raises(TypeError, match=rf"assign: .* does not fit a {dtype} tensor; cast"):
                write()
            assert not np.any(w.numpy())


def test_an_operation_on_the_wrong_dtype_names_its_shapes() -> None:
    with pytest.raises(TypeError, match=r"negative\(bool\[4, 2\]\)"):
        ai.compile(ai.negative)(ai.ones((4, 2), dtype="bool"))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ai.linear(x, ai.ones((2,))),
        lambda x: ai.linear(x, ai.ones((3, 2)), ai.ones((4, 3))),
        lambda x: ai.clip(x, "0", None),
        lambda x: ai.clip(x, 0.0, 1j),
    ],
)
def test_what_a_decomposed_primitive_refuses(call: Callable[..., Any]) -> None:
    for f in (call, ai.compile(call)):
        with pytest.raises((ValueError, TypeError), match=r"weight must be|bounds must be"):
            f(ai.ones((4, 2)))


def test_assigning_through_tensors_that_share_memory_is_refused() -> None:
    w = ai.tensor([1.0, 2.0, 3.0])
    tail = ai.Tensor(w.data[1:])

    def function(x: ai.Tensor) -> Any:
        tail.assign(tail + x)
        return w * 2

    with pytest.raises(CaptureError, match="shares its memory"):
        ai.compile(function)(x_of(0, (2,)))
    assert w.tolist() == [1.0, 2.0, 3.0]


def test_assigning_to_a_tensor_that_is_given_too_is_refused() -> None:
    w, other = ai.tensor([1.0, 2.0]), ai.tensor([5.0, 6.0])
    count = ai.zeros(())

    def function(x: ai.Tensor) -> Any:
        count.assign(count + 1)
        w.assign(w + x)
        return w * x

    for given in (w, w.detach(), ai.flip(w), w[:1]):
        step = ai.compile(function)
        with pytest.raises(
            CaptureError, match=r"of shape \(2,\).*or is given.*make the other a copy"
        ):
            step(given)
        assert w.tolist() == [1, 2]
        before = count.item()
        step(other)
        w.assign([1.0, 2.0])
        if given.shape == other.shape:
            with pytest.raises(CaptureError, match="or is given"):
                step(given)
        assert w.tolist() == [1, 2]
        assert count.item() == before + 1


STALE: dict[str, Callable[[ai.Tensor], ai.Tensor]] = {
    "transpose": lambda w: w.T,
    "reshape": lambda w: w.reshape((-1,)),
    "squeeze": lambda w: ai.squeeze(w[:1], 0),
    "slice": lambda w: w[1:],
    "flip": ai.flip,
    "broadcast": lambda w: ai.broadcast_to(w, (2, 2, 2)),
    "of a view": lambda w: w.T[0],
    "detached": lambda w: w[0].detach(),
}


@pytest.mark.parametrize("view", STALE)
def test_a_view_from_before_an_assignment_is_refused(view: str) -> None:
    def written(w: ai.Tensor, times: int) -> ai.Tensor:
        for _ in range(times):
            w.assign(w * 2)
        old = STALE[view](w)
        w.assign(w + 1)
        return old

    for times in (0, 1):
        for function in (
            lambda w, n=times: written(w, n),
            lambda w, n=times: ai.sum(written(w, n)),
            lambda w, n=times: w.assign(w + ai.sum(written(w, n))),
        ):
            w = ai.ones((2, 2))
            with pytest.raises(CaptureError, match=r"a view is read.*after the assignment"):
                ai.compile(partial(function, w))()
            assert w.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("view", STALE)
def test_a_view_from_after_an_assignment_or_a_copy_from_before_it(view: str) -> None:
    def function(w: ai.Tensor) -> Any:
        old = STALE[view](w) * 1
        w.assign(w + 1)
        return old, STALE[view](w)

    one, other = ai.ones((2, 2)), ai.ones((2, 2))
    step = ai.compile(partial(function, one))
    for _ in range(3):
        found, wanted = step(), function(other)
        same_bits(found, wanted)
        same_bits(one, other)


def test_what_is_not_a_tensor_comes_back_as_it_was() -> None:
    step = ai.compile(lambda x: {"loss": x, "name": "a", "n": 3, "none": None, "all": [1.5, (x,)]})
    for _ in range(2):
        found = step(ai.tensor([1.0]))
        assert found["name"] == "a"
        assert found["n"] == 3
        assert found["none"] is None
        assert found["all"][0] == 1.5
        assert isinstance(found["all"][1], tuple)
        same_bits(found["all"][1][0], ai.tensor([1.0]))


def test_nothing_is_returned() -> None:
    step = ai.compile(lambda x: None)
    assert step(ai.tensor(X)) is None
    assert step(ai.tensor(X)) is None


def test_no_arguments() -> None:
    w = ai.tensor([1.0])
    step = ai.compile(lambda: w + 1)
    assert step().tolist() == [2.0]
    w.assign([5.0])
    assert step().tolist() == [6.0]


def test_a_returned_container_is_new_each_time() -> None:
    step = ai.compile(lambda x: {"a": [x]})
    first = step(ai.tensor([1.0]))
    first["a"].append("mine")
    first["b"] = 1
    assert list(step(ai.tensor([1.0]))) == ["a"]
    assert len(step(ai.tensor([1.0]))["a"]) == 1


def test_results_requiring_gradients_and_integers_and_bools() -> None:
    def function(x: ai.Tensor) -> Any:
        return x > 0, ai.argmax(x), x.astype("int64"), ai.isnan(x)

    step = ai.compile(function)
    for seed in range(2):
        same_bits(step(x_of(seed)), function(x_of(seed)))


# --- errors and nesting


def test_an_exception_in_the_function_changes_nothing() -> None:
    model, opt, function = training(OPTIMIZERS["adam"])
    before = [dict(part) for part in states(model, opt)]

    def failing(x: ai.Tensor, y: ai.Tensor) -> Any:
        function(x, y)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        ai.compile(failing)(x_of(0), x_of(1, (4, 1)))
    same_bits(states(model, opt), before)
    assert opt.step_count == 0
    assert all(p.grad is None for p in model.parameters())
    assert not switches().executor.captures
    assert switches().recording


def test_an_exception_in_a_capture_leaves_gradients_as_they_were() -> None:
    w = ai.tensor([2.0], requires_grad=True)
    w.grad = ai.tensor([7.0])

    def failing() -> Any:
        ai.sum(w * w).backward()
        raise KeyError("mine")

    with pytest.raises(KeyError):
        ai.compile(failing)()
    assert w.grad is not None
    assert w.grad.tolist() == [7.0]


def test_a_refused_capture_leaves_draws_where_they_were() -> None:
    g = ai.Generator(0)
    state = g.state

    def failing(x: ai.Tensor) -> Any:
        return float(ai.sum(x + g.normal((3,))))

    with pytest.raises(CaptureError):
        ai.compile(failing)(ai.tensor(X))
    assert g.state == state


def test_eager_errors_are_the_same_errors() -> None:
    def function(x: ai.Tensor) -> Any:
        return x @ ai.ones((7, 2))

    with pytest.raises(ValueError, match="inner sizes differ"):
        ai.compile(function)(ai.tensor(X))


def test_the_function_works_again_after_an_error() -> None:
    def function(x: ai.Tensor, fail: bool) -> Any:
        if fail:
            raise KeyError("mine")
        return x + 1

    step = ai.compile(function)
    with pytest.raises(KeyError):
        step(ai.tensor(X), True)
    same_bits(step(ai.tensor(X), False), ai.tensor(X) + 1)
    with pytest.raises(KeyError):
        step(ai.tensor(X), True)


def test_a_failing_replay_gives_its_error_and_the_next_works() -> None:
    calls = 0

    def prepare() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyError("mine")

    def function(x: ai.Tensor) -> Any:
        ai.extend.capture.each_time(prepare)
        return x + 1

    step = ai.compile(function)
    step(ai.tensor(X))
    with pytest.raises(KeyError, match="mine"):
        step(ai.tensor(X))
    same_bits(step(ai.tensor(X)), ai.tensor(X) + 1)
    assert calls == 3


def test_nested_compiled_functions() -> None:
    inner = ai.compile(lambda x: ai.tanh(x) * 2)

    def function(x: ai.Tensor) -> Any:
        return inner(x) + inner(x + 1)

    step = ai.compile(function)
    for seed in range(2):
        same_bits(step(x_of(seed)), function(x_of(seed)))


def test_a_compiled_training_step_inside_another() -> None:
    model, opt, function = training(OPTIMIZERS["momentum"])
    other, other_opt, inner = training(OPTIMIZERS["momentum"])
    compiled = ai.compile(inner)

    def two(step: Callable[..., Any], x: ai.Tensor, y: ai.Tensor) -> Any:
        return step(x, y), step(x, y)

    outer = ai.compile(lambda x, y: two(compiled, x, y))
    for i in range(3):
        x, y = x_of(i), x_of(50 + i, (4, 1))
        same_bits(outer(x, y), two(function, x, y))
        same_bits(states(other, other_opt), states(model, opt))


def test_a_compiled_function_as_decorator_keeps_name_and_doc() -> None:
    @ai.compile
    def named(x: ai.Tensor) -> Any:
        """Say what it does."""
        return x

    assert named.__name__ == "named"
    assert named.__doc__ == "Say what it does."


def test_a_compiled_method() -> None:
    class Thing:
        def __init__(self, w: float) -> None:
            self.w = ai.tensor([w])

        @ai.compile
        def scaled(self, x: ai.Tensor) -> Any:
            return x * self.w

    one, two = Thing(2.0), Thing(3.0)
    x = ai.tensor(X)
    for _ in range(2):
        same_bits(one.scaled(x), x * 2)
        same_bits(two.scaled(x), x * 3)


def test_there_is_no_plan_before_the_first_call() -> None:
    with pytest.raises(RuntimeError, match="no plan before the first call"):
        _ = ai.compile(lambda x: x).plan


def test_a_plan_does_not_keep_the_arguments_alive() -> None:
    step = ai.compile(lambda x: ai.tanh(x) + 1)
    x = x_of(0)
    ghost = weakref.ref(x)
    step(x)
    step(x)
    del x
    gc.collect()
    assert ghost() is None


def test_dropping_the_compiled_function_frees_its_plans() -> None:
    model = model_of()
    ghost = weakref.ref(model)
    step = ai.compile(model)
    step(x_of(0))
    del model, step
    gc.collect()
    assert ghost() is None


def test_overflow_and_nan_warn_no_more_and_no_less_than_eagerly() -> None:
    step = ai.compile(lambda x: ai.log(x) + ai.exp(x * 1000))
    with np.errstate(all="ignore"):
        wanted = ai.log(ai.tensor([-1.0, 0.0])) + ai.exp(ai.tensor([-1.0, 0.0]) * 1000)
    with np.errstate(all="ignore"):
        same_bits(step(ai.tensor([-1.0, 0.0])), wanted)
        same_bits(step(ai.tensor([-1.0, 0.0])), wanted)


def test_dropout_by_hand_draws_new_masks_in_training() -> None:
    def make() -> tuple[Any, Callable[..., Any]]:
        g = ai.Generator(4)
        w = ai.tensor(X[0], requires_grad=True)

        def step(x: ai.Tensor) -> Any:
            kept = (g.uniform(x.shape) < 0.5).astype("float32")
            w.grad = None
            loss = ai.sum(x * w * kept)
            loss.backward()
            w.assign(w - 0.1 * w.grad)
            return loss

        return w, step

    w, eager = make()
    v, function = make()
    step = ai.compile(function)
    losses = []
    for _ in range(5):
        losses.append(float(step(ai.tensor(X))))
        assert losses[-1] == float(eager(ai.tensor(X)))
        same_bits(v, w)
    assert len(set(losses)) == 5


@pytest.mark.parametrize("name", ["view", "copyto", "step", "reduce", "position", "kernel"])
def test_a_primitive_of_ones_own_may_have_any_name(name: str) -> None:
    def kernel(xp: Any, x: Any, /) -> Any:
        """Return two thirds."""
        return x * 2 / 3

    kernel.__name__ = name
    with own_words():
        word = ai.extend.elementwise(kernel)
        same_bits(ai.compile(word)(ai.tensor(X)), word(ai.tensor(X)))


@pytest.mark.parametrize("condition", [
    X > 0, X, X.astype("int32"), X[:1], X[:1, 0], np.array([True, False, True]), True, 1, 0, 2.5,
])  # fmt: skip
@pytest.mark.parametrize("rows", [4, 4000])
def test_whatever_has_a_truth_value_is_a_condition(condition: Any, rows: int) -> None:
    x = ai.tensor(np.resize(X, (rows, 3)))
    if getattr(condition, "shape", ())[:1] == (4,):
        condition = ai.tensor(np.resize(condition, (rows, 3)))

    def gradient(x: ai.Tensor) -> ai.Tensor:
        return ai.grad(lambda x: ai.sum(ai.where(condition, ai.exp(x), x * 2)))(x)

    for function in (lambda x: ai.where(condition, ai.exp(x), x * 2), gradient):
        step = ai.compile(function)
        for _ in range(2):
            same_bits(step(x), function(x))


@pytest.mark.parametrize("folder", ["nn", "autograd_iron", "autograd_iron/nn"])
def test_an_error_names_the_line_of_the_user_wherever_the_script_lies(
    folder: str, tmp_path: Path
) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    script = place / "train.py"
    script.write_text(
        "import autograd_iron as ai\n"
        "def step(x):\n"
        "    return float(x) + x\n"
        "ai.compile(step)(ai.ones(()))\n"
    )
    names: dict[str, Any] = {}
    with pytest.raises(CaptureError, match=r"train\.py:3 \(return float\(x\) \+ x\)"):
        exec(compile(script.read_text(), str(script), "exec"), names)


def test_the_history_of_captures_is_bounded() -> None:
    step = ai.compile(lambda x, n: x * n)
    for n in range(250):
        step(ai.ones(1), n)
    lines = step.explain().splitlines()
    assert lines[0].endswith(": 250 captures")
    assert lines[1] == "  ... the last 100 of them:"
    assert lines[2].startswith("  151. argument")
    assert lines[101].startswith("  250. argument [1] was 248 and is 249")


def test_what_runs_later_cannot_be_returned() -> None:
    def generate(x: ai.Tensor) -> Any:
        yield x * 2

    async def wait(x: ai.Tensor) -> Any:
        return x * 2

    async def generate_async(x: ai.Tensor) -> Any:
        yield x * 2

    for function in (generate, lambda x: [map(ai.sin, [x])], lambda x: {"a": iter([x])}):
        with pytest.raises(CaptureError, match="which runs later and is used up"):
            ai.compile(function)(ai.ones(1))
    for function in (wait, generate_async):
        with pytest.raises(CaptureError, match="which runs later"):
            ai.compile(function)(ai.ones(1))
