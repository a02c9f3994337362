"""What a captured function may not read: each time an error that names the line, and what to do."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import X, proven, same_bits, x_of  # noqa: F401

import autograd_iron as ai
from autograd_iron.core.switches import switches
from autograd_iron.plan.refusals import CaptureError

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
    with pytest.raises(CaptureError, match=rf"test_plan_reads\.py:{number} ") as caught:
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
