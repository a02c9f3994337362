"""Plans over many rows: cut into tiles, in phases, on threads, and the same answer as whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import Array, close, proven, same_bits, small_cache, tensors_in  # noqa: F401

import autograd_iron as ai
import nn
from autograd_iron.core import specs
from autograd_iron.core.primitive import Primitive

pytestmark = pytest.mark.usefixtures("small_cache")

ROWS = 203  # three tiles of 51 and one of 50
G = np.random.default_rng(7)
W = ai.tensor(G.standard_normal((3, 3)).astype("float32") * 0.5, requires_grad=True)
B = ai.tensor(G.standard_normal(3).astype("float32"), requires_grad=True)

SQUARE = ai.tensor(np.eye(3, dtype="float32") * 3 + 0.1)
SLIM = ai.tensor([[0.3, -0.2, 0.1]])


def x_of(seed: int, shape: tuple[int, ...] = (ROWS, 3), dtype: str = "float32") -> ai.Tensor:
    return ai.tensor(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def softmax(x: ai.Tensor, axis: int) -> Any:
    e = ai.exp(x - ai.max(x, axis=axis, keepdims=True))
    return e / ai.sum(e, axis=axis, keepdims=True)


def normalised(x: ai.Tensor) -> Any:
    centred = x - ai.mean(x, axis=0)
    return centred / ai.sqrt(ai.mean(ai.square(centred), axis=0) + 1e-3)


def batch_norm_twice(x: ai.Tensor) -> Any:
    return normalised(ai.tanh(normalised(x @ W)) @ W + B)


# Functions of rows: what they return is in rows, or reduced over them.
IN_ROWS: dict[str, Callable[[ai.Tensor], Any]] = {
    "elementwise": lambda x: ai.tanh(x * 2 + 1) - x,
    "several results": lambda x: (ai.sin(x), ai.cos(x) * x, x, x + 1),
    "linear": lambda x: ai.tanh(x @ W + B) @ W,
    "ai.linear": lambda x: ai.linear(x, W, B),
    "where": lambda x: ai.where(x > 0, x, ai.exp(x)),
    "where of numbers": lambda x: ai.where(x > 0, 1.0, x),
    "maximum": lambda x: ai.maximum(x, 0.3) + ai.minimum(x, ai.tanh(x)),
    "clip": lambda x: ai.clip(x, -0.5, 0.5),
    "comparisons": lambda x: (x > 0, ai.logical_and(x > 0, x < 1), ai.isnan(x)),
    "astype": lambda x: x.astype("float64") * 2,
    "to integers": lambda x: (x * 10).astype("int64") + 1,
    "row sums": lambda x: ai.sum(x, axis=1),
    "row sums kept": lambda x: x / ai.sum(ai.exp(x), axis=-1, keepdims=True),
    "row max": lambda x: x - ai.max(x, axis=1, keepdims=True),
    "row argmax": lambda x: ai.argmax(x, axis=1),
    "row softmax": lambda x: ai.exp(ai.log_softmax(x, axis=1)),
    "row norm": lambda x: ai.norm(x, axis=1),
    "row var": lambda x: ai.var(x, axis=1),
    "transposed": lambda x: x.T,
    "transposed work": lambda x: ai.tanh(x.T) * 2,
    "transposed there and back": lambda x: (ai.tanh(x).T * 2).T + x,
    "transposed product": lambda x: W @ x.T,
    "product of transposes": lambda x: (W.T @ ai.tanh(x).T).T,
    "columns": lambda x: (x[:, 0] * x[:, 1], x[:, 1:], x[:, ::2], x[:, -1:]),
    "new axis": lambda x: ai.expand_dims(x, 1) * ai.expand_dims(x, 2),
    "reshape": lambda x: ai.tanh(x).reshape(ROWS, 1, 3) * 2,
    "reshape flat": lambda x: ai.tanh(x).reshape(-1) * 2,
    "reshape other": lambda x: ai.tanh(x).reshape(3, ROWS) + 1,
    "reshape after transpose": lambda x: ai.tanh(x).T.reshape(ROWS, 3) + 1,
    "concat columns": lambda x: ai.concat([x, ai.tanh(x)], axis=1) * 2,
    "concat rows": lambda x: ai.concat([x, ai.tanh(x)], axis=0) * 2,
    "stack": lambda x: ai.stack([x, ai.tanh(x)], axis=1),
    "stack first": lambda x: ai.stack([x, ai.tanh(x)], axis=0) * 2,
    "split": lambda x: [p * 2 for p in ai.split(ai.tanh(x), 3, axis=1)],
    "pad columns": lambda x: ai.pad(ai.tanh(x), ((0, 0), (1, 2)), constant_values=3.0) * 2,
    "pad rows": lambda x: ai.pad(ai.tanh(x), ((1, 0), (0, 0))) * 2,
    "flip columns": lambda x: ai.flip(ai.tanh(x), 1) * 2,
    "flip rows": lambda x: ai.flip(ai.tanh(x), 0) * x,
    "some rows": lambda x: ai.tanh(x)[3:40] * 2,
    "rows shifted": lambda x: ai.tanh(x)[1:] - x[:-1],
    "rows picked": lambda x: ai.tanh(x)[np.arange(ROWS)[::-1]] * x,
    "rows picked some": lambda x: ai.tanh(x)[np.array([5, 3, 3, 200])] * 2,
    "columns picked": lambda x: ai.tanh(x)[:, np.array([2, 0, 0])] * 2,
    "one row": lambda x: x - ai.tanh(x)[7],
    "mask of rows": lambda x: ai.tanh(x)[np.arange(ROWS) % 3 == 0] * 2,
    "updated": lambda x: ai.tanh(x).at[:, 0].set(0.0) * 2,
    "updated rows": lambda x: ai.tanh(x).at[5:9].add(1.0) * 2,
    "broadcast": lambda x: ai.broadcast_to(ai.tanh(x), (2, ROWS, 3)) * 2,
    "broadcast column": lambda x: ai.broadcast_to(x[:, :1], (ROWS, 3)) + 1,
    "row of constants": lambda x: x * ai.broadcast_to(B, (ROWS, 3)),
    "ones": lambda x: ai.tanh(ai.ones((ROWS, 3))) + x,
    "constant rows": lambda x: x + np.arange(ROWS * 3, dtype="float32").reshape(ROWS, 3),
    "constant column": lambda x: x * np.arange(ROWS, dtype="float32")[:, None],
    "constant of that length, on the columns": lambda x: (
        x[:, :1] * np.arange(ROWS, dtype="float32")
    ),
    "gram": lambda x: ai.tanh(x @ x.T),
    "batched products": lambda x: ai.expand_dims(x, 1) @ ai.expand_dims(x, 2),
    "batched by a matrix": lambda x: ai.expand_dims(x, 1) @ W,
    "by a vector": lambda x: x @ B,
    "triangles": lambda x: ai.tril(ai.expand_dims(x, 1) * ai.expand_dims(x, 2)) * 2,
    "stacked factors": lambda x: ai.linalg.qr(ai.expand_dims(ai.sin(x), 2) + 2),
    "stacked equations": lambda x: ai.linalg.solve(
        ai.expand_dims(ai.sin(x), 2) * SLIM + SQUARE, ai.expand_dims(x, 2)
    ),
    "equations of columns": lambda x: ai.linalg.solve(SQUARE, x.T).T * 2,
    "updated by rows": lambda x: ai.tanh(x).at[..., 0].add(x[:, 1]) * 2,
    "axis kept in the middle": lambda x: ai.tanh(ai.stack([x, x + 1])).reshape(2, ROWS, 3, 1) * 2,
    "pow": lambda x: (x**2, x**3, ai.abs(x) ** 0.5, ai.exp(x) ** -1, 2.0**x),
}
REDUCED: dict[str, Callable[[ai.Tensor], Any]] = {
    "sum of all": lambda x: ai.sum(ai.tanh(x)),
    "sum": lambda x: ai.sum(ai.tanh(x), axis=0),
    "sum kept": lambda x: ai.sum(ai.tanh(x), axis=0, keepdims=True),
    "sum of the argument": lambda x: (ai.sum(x), ai.sum(x, axis=0)),
    "mean": lambda x: ai.mean(ai.sin(x), axis=0),
    "mean of all": lambda x: ai.mean(ai.square(x)),
    "max": lambda x: ai.max(ai.tanh(x), axis=0),
    "max of all": lambda x: ai.max(x + x),
    "min": lambda x: ai.min(x + 1, axis=0, keepdims=True),
    "max of negatives": lambda x: ai.max(-ai.exp(x) - 5, axis=0),
    "max of integers": lambda x: ai.max((x * 100).astype("int64"), axis=0),
    "min of bools": lambda x: ai.min((x > 5), axis=0),
    "max of bools": lambda x: ai.max((x > 5), axis=0),
    "sum of bools": lambda x: ai.sum(x > 0, axis=0),
    "sum of integers": lambda x: ai.sum((x * 100).astype("int64")),
    "any and all": lambda x: (ai.any(x > 2, axis=0), ai.all(x > -9), ai.any(x > 99)),
    "argmax": lambda x: ai.argmax(ai.tanh(x), axis=0),
    "argmin of all": lambda x: ai.argmin(x * 2),
    "var": lambda x: ai.var(x, axis=0),
    "var corrected": lambda x: ai.var(x, axis=0, correction=1),
    "norm": lambda x: ai.norm(x, axis=0),
    "norm of all": lambda x: ai.norm(ai.tanh(x)),
    "gram of columns": lambda x: ai.tanh(x).T @ x,
    "softmax over the batch": lambda x: softmax(x, 0),
    "log softmax over the batch": lambda x: ai.log_softmax(ai.tanh(x), axis=0),
    "centred": lambda x: x - ai.mean(x, axis=0),
    "normalised": normalised,
    "batch norm twice": batch_norm_twice,
    "three phases": lambda x: (
        x * ai.max(x, axis=0) + ai.sum(ai.tanh(x - ai.max(ai.abs(x))), axis=0)
    ),
    "phase to phase": lambda x: ai.sum(ai.tanh(x) * ai.sum(ai.tanh(x), axis=0), axis=1),
    "sum and rows": lambda x: (ai.tanh(x), ai.sum(ai.tanh(x), axis=0)),
    "sum then whole work": lambda x: ai.tanh(ai.sum(x, axis=0) @ W) + B,
    "sum over the batch of a transpose": lambda x: ai.sum(ai.tanh(x.T), axis=1),
    "gathered": lambda x: ai.sum(x[np.arange(ROWS), np.arange(ROWS) % 3]),
    "sum of three axes": lambda x: ai.sum(ai.expand_dims(x, 1) * ai.expand_dims(x, 2), axis=(0, 2)),
    "sum down to": lambda x: ai.sum(x[:, :1] * B, axis=0, keepdims=True),
    "a scalar in each": lambda x: x * (1 / ai.sum(ai.exp(x))),
    "sum of rows shifted": lambda x: ai.sum(ai.square(ai.tanh(x)[1:] - ai.tanh(x)[:-1])),
}
FUNCTIONS = IN_ROWS | REDUCED


def deep(function: Callable[[ai.Tensor], Any]) -> Callable[[ai.Tensor], Any]:
    """Give a function an argument that is computed, so that it is the tiles that hold it."""
    return lambda x: function(4 * ai.sin(x * 1.5))


def float_leaves(tree: Any) -> list[ai.Tensor]:
    return [t for t in tensors_in(tree) if t.dtype.kind == "f"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_of_arguments(name: str) -> None:
    step = ai.compile(FUNCTIONS[name], threads=2)
    for seed in range(3):
        close(step(x_of(seed)), FUNCTIONS[name](x_of(seed)), terms=ROWS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_of_tiles(name: str) -> None:
    function = deep(FUNCTIONS[name])
    step = ai.compile(function, threads=2)
    for seed in range(3):
        close(step(x_of(seed)), function(x_of(seed)), terms=ROWS)
    assert 0 < step.plan.tile < ROWS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str) -> None:
    function = deep(FUNCTIONS[name])

    def energy(x: ai.Tensor) -> Any:
        parts = [t for t in float_leaves(function(x)) if t.requires_grad]
        return sum((ai.mean(ai.sin(2 * t)) for t in parts), ai.sum(x * 0.001))

    both = ai.value_and_grad(energy)
    step = ai.compile(both, threads=2)
    for seed in range(2):
        x = x_of(seed, dtype="float64")
        close(step(x), both(x), terms=ROWS, ulps=1e4)  # 3e-11; the sine magnifies differences
    assert 0 < step.plan.tile < ROWS


@pytest.mark.parametrize("name", ["linear", "batch norm twice", "log softmax over the batch"])
def test_hessian_vector_products(name: str) -> None:
    function = FUNCTIONS[name]

    def product(x: ai.Tensor, v: ai.Tensor) -> Any:
        gradient = ai.grad(lambda x: ai.sum(ai.square(function(x))))
        return ai.grad(lambda x: ai.sum(gradient(x) * v))(x)

    step = ai.compile(product, threads=2)
    for seed in range(2):
        x, v = (x_of(seed + i, dtype="float64") for i in (0, 10))
        # W and B are float32, promoted: errors are those of float64.
        close(step(x, v), product(x, v), terms=ROWS, ulps=1000)
    assert step.plan.tile > 0


@pytest.mark.parametrize("rows", [65, 100, 127, 128, 129, 192, 193, 511, 1000, 1025])
def test_any_number_of_rows(rows: int) -> None:
    def function(x: ai.Tensor) -> Any:
        y = ai.tanh(x @ W + B)
        return y, ai.sum(y, axis=0), ai.max(y), ai.mean(y * x)

    step = ai.compile(function, threads=2)
    x = x_of(rows, (rows, 3))
    close(step(x), function(x), terms=rows)
    assert step.plan.tile <= rows


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "int64", "bool"])
def test_dtypes(dtype: str) -> None:
    def function(x: ai.Tensor) -> Any:
        return x + x, ai.sum(x, axis=0), ai.max(x, axis=0), ai.mean(x), x * 2.5

    x = ai.tensor((np.random.default_rng(0).standard_normal((ROWS, 3)) * 3).astype(dtype))
    step = ai.compile(function)
    for _ in range(2):
        close(step(x), function(x), terms=ROWS)


def test_rows_of_several_arguments_and_captured_data() -> None:
    data, target = x_of(1), x_of(2, (ROWS, 1))

    def function(x: ai.Tensor, weight: ai.Tensor) -> Any:
        return ai.sum(ai.square(x * data - target) * ai.expand_dims(weight, 1), axis=0), x + data

    step = ai.compile(function, threads=2)
    for seed in range(3):
        x, weight = x_of(seed), x_of(seed + 5, (ROWS,))
        close(step(x, weight), function(x, weight), terms=ROWS)
        data.assign(data * 0.5)
    assert step.plan.tile > 0


def test_a_square_input_has_rows_and_columns() -> None:
    # The batch is as long as it is wide: nothing may mistake one axis for the other.
    n = 150
    w = ai.tensor(np.random.default_rng(0).standard_normal((n, n)).astype("float32") / n)

    def function(x: ai.Tensor, b: ai.Tensor) -> Any:
        y = ai.tanh(x @ w + b)
        return y, y.T + b, y + ai.expand_dims(b, 1), ai.sum(y, axis=1), ai.sum(y, axis=0), y @ y.T

    step = ai.compile(function, threads=2)
    for seed in range(2):
        x, b = x_of(seed, (n, n)), x_of(seed + 1, (n,))
        close(step(x, b), function(x, b), terms=n)


def test_a_weight_as_long_as_the_batch() -> None:
    w = ai.tensor(np.random.default_rng(0).standard_normal((ROWS, 4)).astype("float32"))

    def function(x: ai.Tensor) -> Any:
        return ai.tanh(x).T @ w, ai.sum(w * w), w * 2, ai.tanh(w).T @ ai.tanh(x)

    step = ai.compile(function, threads=2)
    for seed in range(2):
        close(step(x_of(seed)), function(x_of(seed)), terms=ROWS)


def test_products_over_the_rows_with_a_trained_weight() -> None:
    # Only one of the factors is in rows: the product cannot be added up from tiles.
    rng = np.random.default_rng(0)
    tall, wide = (
        ai.tensor(rng.standard_normal(shape).astype("float32"), requires_grad=True)
        for shape in ((ROWS, 4), (4, ROWS))
    )

    def function(x: ai.Tensor) -> Any:
        y = ai.tanh(ai.sin(x) * 2)
        loss = ai.mean(ai.square(y.T @ tall)) + ai.mean(ai.square(wide @ y))
        tall.grad = wide.grad = None
        loss.backward()
        return loss, y.T @ tall, wide @ y, tall.grad, wide.grad

    step = ai.compile(function, threads=2)
    for seed in range(2):
        close(step(x_of(seed)), function(x_of(seed)), terms=ROWS)
    assert step.plan.tile > 0


def test_the_rows_are_found_beside_larger_constants() -> None:
    other = np.random.default_rng(0).standard_normal((2, ROWS, 3)).astype("float32")

    def function(x: ai.Tensor) -> Any:
        return ai.sum(ai.tanh(ai.sin(x) * 2) * other), ai.tanh(ai.sin(x) * 3)

    step = ai.compile(function)
    close(step(x_of(0)), function(x_of(0)), terms=ROWS)
    assert step.plan.tile > 0


def test_reductions_of_nan_and_infinities() -> None:
    def function(x: ai.Tensor) -> Any:
        return ai.sum(x, axis=0), ai.max(x, axis=0), ai.min(x, axis=0), ai.mean(ai.exp(x))

    step = ai.compile(function)
    values = np.random.default_rng(0).standard_normal((ROWS, 3)).astype("float32")
    for column, value in enumerate((np.nan, np.inf, -np.inf)):
        values[170, column] = value
        with np.errstate(all="ignore"):
            close(step(ai.tensor(values)), function(ai.tensor(values)), terms=ROWS)


def test_empty_rows_and_one_row() -> None:
    def function(x: ai.Tensor) -> Any:
        return ai.tanh(x), ai.sum(x, axis=0)

    step = ai.compile(function)
    for rows in (0, 1, ROWS):
        close(step(x_of(0, (rows, 3))), function(x_of(0, (rows, 3))), terms=ROWS)


@pytest.mark.parametrize(
    "loss",
    [nn.MSELoss(), nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss()],
    ids=lambda o: type(o).__name__,
)
@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_training(loss: Any, rule: str) -> None:
    many = isinstance(loss, nn.CrossEntropyLoss)

    def make() -> tuple[Any, Any, Callable[..., Any]]:
        g = ai.Generator(0)
        model = nn.Sequential(
            nn.Linear(3, 8, generator=g), nn.Tanh(), nn.Linear(8, 4 if many else 1, generator=g)
        )
        opt = (
            nn.Adam(model.parameters(), 1e-2)
            if rule == "adam"
            else nn.SGD(model.parameters(), 0.1, momentum=0.9)
        )

        def step(x: ai.Tensor, y: ai.Tensor) -> Any:
            opt.zero_grad()
            value = loss(model(x), y)
            value.backward()
            opt.step()
            return value

        return model, opt, step

    model, opt, eager = make()
    other, other_opt, function = make()
    step = ai.compile(function, threads=2)
    rng = np.random.default_rng(0)
    for i in range(4):
        x = x_of(i)
        labels = rng.integers(0, 4 if many else 2, (ROWS,) if many else (ROWS, 1))
        y = ai.tensor(labels if many else labels.astype("float32"))
        close(step(x, y), eager(x, y), terms=ROWS)
        # Adam divides by the root of a gradient's square: what is tiny there is all error.
        close(
            other.state_dict(), model.state_dict(), terms=ROWS, ulps=8 if rule != "adam" else 5000
        )
    assert 0 < step.plan.tile < ROWS
    assert opt.step_count == other_opt.step_count


def test_random_numbers_in_rows() -> None:
    def make() -> tuple[ai.Generator, Callable[..., Any]]:
        g = ai.Generator(1)

        def function(x: ai.Tensor) -> Any:
            kept = (g.uniform(x.shape) < 0.5).astype("float32")
            return ai.tanh(x * 2) * kept, ai.sum(ai.tanh(x) * kept, axis=0), g.normal((3,))

        return g, function

    g, eager = make()
    h, function = make()
    step = ai.compile(function, threads=2)
    for seed in range(3):
        close(step(x_of(seed)), eager(x_of(seed)), terms=ROWS)
        assert g.state == h.state
    assert step.plan.tile > 0


def test_results_in_rows_never_change_later() -> None:
    step = ai.compile(lambda x: (ai.tanh(x * 2), ai.sum(x, axis=0), normalised(x)), threads=2)
    held = [step(x_of(seed)) for seed in range(10)]
    copies = [[t.data.copy() for t in result] for result in held]
    for seed in range(10):
        step(x_of(seed + 50))
    for result, arrays in zip(held, copies, strict=True):
        for tensor, array in zip(result, arrays, strict=True):
            np.testing.assert_array_equal(tensor.data, array)


# --- threads


def threaded_step(threads: int) -> list[Array]:
    w = ai.tensor(W.data, requires_grad=True)

    def step(x: ai.Tensor) -> Any:
        w.grad = None
        y = ai.tanh(x @ w + B)
        loss = ai.mean(ai.square(normalised(y))) + ai.sum(ai.max(y, axis=0)) + ai.mean(y * x)
        loss.backward()
        w.assign(w - 0.1 * w.grad)
        return loss, y, ai.sum(y, axis=0)

    compiled = ai.compile(step, threads=threads)
    found = [np.array(t.data) for i in range(3) for t in compiled(x_of(i, (1237, 3)))]
    assert compiled.plan.tile > 0
    return [*found, np.array(w.data)]


def test_the_same_bits_for_any_number_of_threads() -> None:
    one = threaded_step(1)
    for threads in (2, 3, 8):
        for a, b in zip(threaded_step(threads), one, strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_same_bits_every_time() -> None:
    step = ai.compile(lambda x: ai.sum(ai.tanh(x @ W), axis=0), threads=4)
    x = x_of(0, (3001, 3))
    first = step(x)
    for _ in range(30):
        same_bits(step(x), first)


def test_several_python_threads_share_one_compiled_function() -> None:
    step = ai.compile(lambda x: (ai.tanh(x @ W + B), ai.sum(ai.tanh(x @ W + B), axis=0)), threads=2)
    x = [x_of(i, (700, 3)) for i in range(4)]
    wanted = [step(one) for one in x]
    wrong: list[Any] = []

    def work(i: int) -> None:
        try:
            for _ in range(20):
                same_bits(step(x[i]), wanted[i])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_several_python_threads_capture_at_once_while_others_run_eagerly() -> None:
    wrong: list[Any] = []

    def work(i: int) -> None:
        try:
            for k in range(10):
                x = x_of(i, (200 + k, 3))
                if i % 2:
                    same_bits(ai.tanh(x) * 2, ai.Tensor(np.tanh(x.data) * 2))
                else:
                    step = ai.compile(lambda x: ai.tanh(x) * 2, threads=2)
                    same_bits(step(x), ai.Tensor(np.tanh(x.data) * 2))
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


class Trouble:
    """An elementwise operation that fails at will."""

    error: BaseException | None = None


def _troubled(xp: Any, x: Any, /) -> Any:
    if Trouble.error is not None and (x > 100).any():
        raise Trouble.error
    return x * 2


@pytest.fixture
def troubled() -> Any:
    from samples import own_words

    with own_words():
        word = Primitive(_troubled)
        word.axes("...M -> ...M")
        word.shape(specs.same)
        yield word
    Trouble.error = None


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt()])
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_an_exception_in_a_tile(troubled: Any, error: BaseException, threads: int) -> None:
    w = ai.tensor([1.0, 2.0, 3.0])

    def function(x: ai.Tensor) -> Any:
        y = troubled(x)
        w.assign(w + ai.sum(y, axis=0))
        return y

    step = ai.compile(function, threads=threads)
    x = x_of(0, (1000, 3))
    step(x)
    before = w.data.copy()
    for row in (3, 500, 999):
        bad = x.data.copy()
        bad[row] = 1000
        Trouble.error = error
        with pytest.raises(type(error)):
            step(ai.tensor(bad))
        np.testing.assert_array_equal(w.data, before, err_msg="a step that failed was applied")
        Trouble.error = None
    same_bits(step(x), x * 2)
    assert np.all(w.data != before)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_ctrl_c_in_the_middle(threads: int) -> None:
    from samples import own_words

    inside = 0
    press = False
    lock = threading.Lock()

    def _slow(xp: Any, x: Any, /) -> Any:
        nonlocal inside, press
        with lock:
            inside += 1
            pressed, press = press, False
        try:
            if pressed:
                os.kill(os.getpid(), signal.SIGINT)
            if threading.current_thread() is not threading.main_thread():
                time.sleep(0.01)
            return x * 2
        finally:
            with lock:
                inside -= 1

    w = ai.tensor([1.0, 2.0, 3.0])

    def function(x: ai.Tensor) -> Any:
        y = slow(ai.sin(x))
        w.assign(ai.sum(y, axis=0))
        return y

    with own_words():
        slow = Primitive(_slow)
        slow.axes("...M -> ...M")
        slow.shape(specs.same)
        step = ai.compile(function, threads=threads)
        x = x_of(0, (1000, 3))
        step(x)
        before = w.data.copy()
        press = True
        with pytest.raises(KeyboardInterrupt):
            step(x_of(1, (1000, 3)))
        # A worker still at it would write into the buffers of the next call.
        assert inside == 0
        np.testing.assert_array_equal(w.data, before)
        close(step(x_of(2, (1000, 3))), 2 * ai.sin(x_of(2, (1000, 3))))


def blas_threads() -> list[int]:
    import threadpoolctl

    return [i["num_threads"] for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]


def test_blas_has_its_threads_back(troubled: Any) -> None:
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        step = ai.compile(lambda x: troubled(x) @ W, threads=2)
        step(x_of(0))
        assert blas_threads() == before
        Trouble.error = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            step(ai.full((ROWS, 3), 1000.0))
        assert blas_threads() == before


def test_optimizer_state_is_no_batch() -> None:
    model = nn.Linear(500, 3, generator=ai.Generator(0))
    optimizer, loss_of = nn.SGD(model.parameters(), 0.1, momentum=0.9), nn.MSELoss()

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    compiled = ai.compile(step)
    compiled(np.ones((5, 500), "float32"), np.ones((5, 3), "float32"))
    assert compiled.plan.tile == 0, "the 500 rows of the weight's velocity were cut"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_fork() -> None:
    code = """
        import os, sys, warnings
        warnings.simplefilter("ignore")
        import numpy as np
        import autograd_iron as ai
        from autograd_iron.arrays import cpu
        cpu.cache_size = lambda: 1
        step = ai.compile(lambda x: (ai.tanh(x + 1), ai.sum(x, axis=0)), threads=2)
        x = ai.tensor(np.random.default_rng(0).standard_normal((500, 3)).astype("float32"))
        wanted = [t.numpy() for t in step(x)]
        assert step.plan.tile > 0
        child = os.fork()
        if child == 0:
            found = [t.numpy() for t in step(x)]
            same = all(np.array_equal(a, b) for a, b in zip(found, wanted))
            os._exit(0 if same else 3)
        _, status = os.waitpid(child, 0)
        found = [t.numpy() for t in step(x)]
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted))
        sys.exit(os.waitstatus_to_exitcode(status))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# --- memory

STEP = """
    import re, sys, tracemalloc
    import numpy as np
    import autograd_iron as ai, nn

    def high():
        text = open("/proc/self/status").read()
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", text)[1]) * 1024

    def made(rows):
        g = ai.Generator(0)
        model = nn.Sequential(nn.Linear(2, 50, generator=g), nn.Tanh(),
            nn.Linear(50, 50, generator=g), nn.Tanh(), nn.Linear(50, 1, generator=g))
        opt = nn.SGD(model.parameters(), 0.1)
        x = ai.Tensor(np.random.default_rng(0).random((rows, 2), "float32"))
        y = ai.Tensor(x.data[:, :1].copy())
        def step(x, y):
            opt.zero_grad()
            loss = nn.MSELoss()(model(x), y)
            loss.backward()
            opt.step()
            return loss
        return ai.compile(step, threads=2), x, y
"""


def run_alone(code: str) -> list[int]:
    """Return the numbers that a script prints, run in a process of its own."""
    script = textwrap.dedent(STEP) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script], timeout=120, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [int(n) for n in done.stdout.split()]


def test_the_memory_of_a_replay_does_not_grow_with_the_batch() -> None:
    used = run_alone(
        """
        for rows in (30_000, 60_000):
            step, x, y = made(rows)
            step(x, y)
            assert 0 < step.plan.tile < rows / 4, step.plan.tile
            tracemalloc.start()
            step(x, y)
            step(x, y)
            print(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        """
    )
    # Everything was there before; eagerly, a column of 30,000 rows is 120,000 bytes.
    assert max(used) < 120_000, used


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's VmHWM")
def test_peak_memory_with_the_capture() -> None:
    (used,) = run_alone(
        """
        step, x, y = made(1000)
        step(x, y)
        step, x, y = made(200_000)
        before = high()
        step(x, y)
        step(x, y)
        print(high() - before)
        """
    )
    # Eagerly, one hidden layer of 50 columns is 40 MB, and there are four.
    assert used < 40e6, f"{used / 1e6:.0f} MB above the data"
