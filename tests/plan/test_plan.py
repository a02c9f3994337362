"""Compiled = eager: over the whole registry, over random programs, over training steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from compiling import Array, close, compare, proven, same_bits, tensors_in  # noqa: F401
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from samples import (
    DIFFERENTIABLE,
    PRIMITIVES,
    RULES,
    SAMPLES,
    ZERO_OF_REALS,
    Call,
    cases,
    fixed_case,
    joined,
    over_rows,
    smooth,
)

import autograd_iron as ai
from autograd_iron.arrays import cpu
from autograd_iron.plan.refusals import CaptureError

# The buffers' checker is a fixture: hypothesis may keep it from one example to the next.
settings.register_profile(
    "plans",
    settings.get_profile("bounded"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
plans = settings.get_profile("plans")

some_rows_of_each = over_rows(SAMPLES)
some_smooth_rows = over_rows(DIFFERENTIABLE)


def cast(arrays: Sequence[Array], dtype: str) -> list[Array]:
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def moved(name: str, arrays: Sequence[Array]) -> list[Array]:
    """Return other values in the same domains: each array's values in reverse order."""
    return [a.ravel()[::-1].reshape(a.shape).copy() for a in arrays]


def parts(name: str, arrays: Sequence[Array]) -> tuple[list[int], list[int]]:
    """Return which arguments a gradient flows to, and which not."""
    flowing = [i for i in range(len(arrays)) if smooth(name, i) and arrays[i].dtype.kind == "f"]
    return flowing, [i for i in range(len(arrays)) if i not in flowing]


def pulled(name: str, row: Call, flowing: list[int]) -> Callable[..., Any]:
    """Return the gradients of <cotangent, result> as a function of cotangent and arrays."""

    def function(cotangent: ai.Tensor, *inputs: ai.Tensor) -> Any:
        def inner(*some: ai.Tensor) -> ai.Tensor:
            everything = list(inputs)
            for i, t in zip(flowing, some, strict=True):
                everything[i] = t
            return ai.sum(cotangent * joined(PRIMITIVES[name](*everything, **row.attributes)))

        chosen = tuple(range(len(flowing)))
        return ai.value_and_grad(inner, chosen)(*(inputs[i] for i in flowing))

    return function


# --- the registry


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@some_rows_of_each
def test_each_primitive(name: str, row: Call, dtype: str) -> None:
    arrays = cast(fixed_case(name, row).arrays, dtype)

    def function(*inputs: ai.Tensor) -> ai.Tensor:
        return PRIMITIVES[name](*inputs, **row.attributes)

    compare(function, tuple(arrays), tuple(moved(name, arrays)), tuple(arrays))


@some_smooth_rows
def test_each_rule(name: str, row: Call) -> None:
    arrays = cast(fixed_case(name, row).arrays, "float32")
    flowing, _ = parts(name, arrays)
    output = joined(PRIMITIVES[name](*arrays, **row.attributes))
    cotangents = [
        np.random.default_rng(seed).standard_normal(output.shape).astype(output.dtype)
        for seed in (0, 1)
    ]
    others = moved(name, arrays)
    function = pulled(name, row, flowing)
    compare(function, (cotangents[0], *arrays), (cotangents[1], *others), equal=close)


@pytest.mark.parametrize("name", sorted({name for name, _ in RULES} - ZERO_OF_REALS))
def test_each_rule_twice(name: str) -> None:
    # The gradient of the sum of squared gradients. A slope of zero everywhere leads nowhere.
    row = max(SAMPLES[name].calls, key=lambda c: min(2, len(c.shapes[0]) if c.shapes else 0))
    arrays = fixed_case(name, row).arrays
    flowing, _ = parts(name, arrays)
    first = pulled(name, row, flowing)
    output = joined(PRIMITIVES[name](*arrays, **row.attributes))
    cotangent = np.random.default_rng(0).standard_normal(output.shape)

    def energy(cotangent: ai.Tensor, *inputs: ai.Tensor) -> Any:
        _, gradients = first(cotangent, *inputs)
        return sum((ai.sum(g * g) for g in gradients), start=ai.zeros((), dtype="float64"))

    # With respect to the cotangent, which every gradient depends on, and to the arrays.
    def function(cotangent: ai.Tensor, *inputs: ai.Tensor) -> Any:
        return ai.grad(energy)(cotangent, *inputs)

    compare(function, (cotangent, *arrays), (2 * cotangent, *moved(name, arrays)), equal=close)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(plans, max_examples=3)
@given(data=st.data())
def test_arrays_of_any_layout_and_dtype(name: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["bfloat16", "float16", "float32", "float64"]))
    case = data.draw(cases(name))
    arrays = cast(case.arrays, dtype)

    def function(*inputs: ai.Tensor) -> ai.Tensor:
        return PRIMITIVES[name](*inputs, **case.attributes)

    compare(function, tuple(arrays), tuple(moved(name, arrays)), equal=close)


@pytest.mark.parametrize("number", [2, 2.5, -1, 0, 0.5, True, float("inf")])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "pow", "maximum", "minimum", "less", "equal"]
)
def test_numbers_beside_tensors(name: str, dtype: str, number: float) -> None:
    word = PRIMITIVES[name]
    x = np.array([[1, 2, 3], [0, 1, 2]]).astype(dtype)

    def function(x: ai.Tensor) -> Any:
        return word(x, number), word(number, x)

    try:
        with np.errstate(all="ignore"):
            function(ai.tensor(x))
    except (TypeError, ValueError, OverflowError) as error:
        with pytest.raises(type(error)):
            ai.compile(function)(x)
    else:
        with np.errstate(all="ignore"):
            compare(function, (x,), (x[:, ::-1].copy(),))


def test_zeros_of_both_signs() -> None:
    with np.errstate(all="ignore"):
        compare(lambda x: (x / 0.0, x / -0.0, ai.maximum(x, 0.0), 1 / (x * -0.0)), (np.ones(3),))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, 1e-300])
def test_unusual_numbers(value: float) -> None:
    x = np.array([-1.0, 0.0, 2.0], "float32")
    with np.errstate(all="ignore"):
        compare(lambda x: (x + value, x * value, ai.where(x > 0, value, x), value - x), (x,))


VIEWS: dict[str, Callable[[ai.Tensor], Any]] = {
    "itself": lambda w: w,
    "transpose": lambda w: w.T,
    "broadcast": lambda w: ai.broadcast_to(w, (2, *w.shape)),
    "reshape": lambda w: w.reshape(-1),
    "reshape of a transpose": lambda w: w.T.reshape(-1),
    "reshape of a broadcast": lambda w: ai.broadcast_to(w, (2, *w.shape)).reshape(-1),
    "slices": lambda w: w[::2, 1:],
    "reshape of slices": lambda w: w[::2, 1:].reshape(-1),
    "an element": lambda w: w[0, 1],
    "a row": lambda w: w[1],
    "a row reshaped": lambda w: w[:, 1].reshape(2, 2),
    "backwards": lambda w: w[::-1],
    "flip": ai.flip,
    "new axes": lambda w: ai.expand_dims(w, (0, 2)),
    "picked": lambda w: w[np.array([1, 0])],
    "cast": lambda w: w.astype("float64"),
}


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("view", VIEWS)
def test_views_of_captured_tensors_see_new_values(view: str, strided: bool) -> None:
    memory = np.arange(24.0, dtype="float32").reshape(4, 6)
    w = ai.Tensor(memory[:, ::2] if strided else memory)

    steps = [lambda: VIEWS[view](w), lambda: ai.sin(VIEWS[view](w)), lambda: 1 * VIEWS[view](w)]
    compiled = [ai.compile(step) for step in steps]
    for _ in range(3):
        for step, one in zip(steps, compiled, strict=True):
            same_bits(one(), step())
        w.assign(w * 0.5 + 1)


@pytest.mark.parametrize("view", VIEWS)
def test_views_of_arguments_and_of_draws(view: str) -> None:
    g = ai.Generator(0)

    def function(x: ai.Tensor) -> Any:
        drawn = g.normal((4, 6))
        return VIEWS[view](x), VIEWS[view](x) * 2, VIEWS[view](drawn), VIEWS[view](drawn) * 2

    step = ai.compile(function)
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((4, 6)).astype("float32")
        state = g.state
        found = step(x)
        g.state = state
        same_bits(found, function(ai.tensor(x)))


@pytest.mark.parametrize(
    "function",
    [
        lambda v, x: v + v.T,
        lambda v, x: v.T - v,
        lambda v, x: ai.where(x > 0, v.T, v),
        lambda v, x: ai.where(x > 0, v, v.T),
        lambda v, x: ai.where(v > 0, v.T, v),
        lambda v, x: ai.where(v.T > 0, v, x),
        lambda v, x: ai.extend.multiply_no_nan(v, ai.maximum(v, 0).T),
        lambda v, x: ai.extend.multiply_no_nan(v / 0, v.T * 0),
        lambda v, x: ai.extend.multiply_no_nan(1 / v, v.T),
        lambda v, x: ai.extend.multiply_no_nan(ai.exp(v * 1e9), v),
        lambda v, x: v @ v.T,
        lambda v, x: v @ v,
        lambda v, x: v * v[0],
        lambda v, x: v * v[:, :1] + v[::-1],
        lambda v, x: ai.concat([v[1:], v[:1]], axis=0),
        lambda v, x: v[::-1] * 2,
        lambda v, x: v.at[0].set(v[1]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_work_in_place_beside_views_of_the_same_memory(
    function: Callable[..., Any], dtype: str
) -> None:
    def own(x: ai.Tensor) -> Any:
        return function(ai.maximum(ai.tanh(x), 0), x) * 1.5

    xs = [np.random.default_rng(i).standard_normal((40, 40)).astype(dtype) for i in range(2)]
    with np.errstate(all="ignore"):
        compare(own, (xs[0],), (xs[1],))


@pytest.mark.parametrize("view", VIEWS)
def test_a_tensor_assigned_from_a_view_of_itself_or_another(view: str) -> None:
    def make() -> tuple[list[ai.Tensor], Callable[..., Any]]:
        w = ai.tensor(np.arange(24.0, dtype="float32").reshape(4, 6))
        like = VIEWS[view](w)
        t, u = ai.zeros(like.shape), ai.zeros(like.shape)

        def function() -> Any:
            t.assign(VIEWS[view](w))
            w.assign(w + 1)
            u.assign(VIEWS[view](w) - t)
            return VIEWS[view](w), t * 1

        return [w, t, u], function

    one, eager = make()
    two, function = make()
    step = ai.compile(function)
    for _ in range(3):
        same_bits(step(), eager())
        same_bits(two, one)


CHAINS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "maximum": ai.maximum,
    "scale": lambda x, y: 0.75 * x,
    "flip": lambda x, y: ai.flip(x),
}


@settings(plans, max_examples=400)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*sorted(CHAINS), "assign"]), st.integers(0, 9), st.integers(0, 9)
        ),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.integers(0, 9), max_size=2),
)
def test_what_is_computed_on_the_way_into_a_tensor(
    program: list[tuple[str, int, int]], results: list[int]
) -> None:
    def make() -> tuple[list[ai.Tensor], Callable[..., Any]]:
        state = [ai.tensor(np.array([1, -2, i], "float32")) for i in range(2)]

        def function(x: ai.Tensor) -> Any:
            values = [*state, x]
            for name, i, j in program:
                one, other = values[-1 - i % 3], values[-1 - j % len(values)]
                if name == "assign":
                    state[i % 2].assign(other)
                else:
                    values.append(CHAINS[name](one, other))
            return [values[-1 - i % len(values)] for i in results]

        return state, function

    one, eager = make()
    two, function = make()
    step = ai.compile(function)
    for _ in range(3):
        x = ai.tensor([0.5, 1, -1])
        wanted = eager(x)
        try:
            found = step(x)
        except CaptureError as error:
            assert "a view is read" in str(error)  # noqa: PT017
            reject()
        same_bits(found, wanted)
        same_bits(two, one)


# --- random programs: a list of instructions, run eagerly once to see which make sense


SMOOTH: dict[str, tuple[int, Callable[..., Any]]] = {
    "add": (2, lambda c, x, y: x + y),
    "subtract": (2, lambda c, x, y: x - y),
    "multiply": (2, lambda c, x, y: x * y),
    "divide": (2, lambda c, x, y: x / (1 + y * y)),
    "scale": (1, lambda c, x: c * x),
    "shift": (1, lambda c, x: x + c),
    "from": (1, lambda c, x: c - x),
    "negative": (1, lambda c, x: -x),
    "tanh": (1, lambda c, x: ai.tanh(x)),
    "sin": (1, lambda c, x: ai.sin(x)),
    "sigmoid": (1, lambda c, x: ai.sigmoid(x)),
    "softplus": (1, lambda c, x: ai.softplus(x)),
    "exp": (1, lambda c, x: ai.exp(-x * x)),
    "log": (1, lambda c, x: ai.log1p(x * x)),
    "sqrt": (1, lambda c, x: ai.sqrt(1 + x * x)),
    "square": (1, lambda c, x: ai.square(x)),
    "cube": (1, lambda c, x: x**3),
    "power": (1, lambda c, x: (1 + x * x) ** c),
    "matmul": (2, lambda c, x, y: x @ y),
    "linear": (3, lambda c, x, y, z: ai.linear(x, y, z)),
    "transpose": (1, lambda c, x: x.T),
    "flip": (1, lambda c, x: ai.flip(x, -1)),
    "pad": (1, lambda c, x: ai.pad(x, ((0, 0), (1, 0)), constant_values=c)),
    "first column": (1, lambda c, x: x[:, 0]),
    "last columns": (1, lambda c, x: x[:, 1:]),
    "some rows": (1, lambda c, x: x[1:4]),
    "picked rows": (1, lambda c, x: x[np.array([2, 0, 0])]),
    "shifted": (1, lambda c, x: x[1:] - x[:-1]),
    "updated": (2, lambda c, x, y: x.at[..., 0].set(c)),
    "added": (1, lambda c, x: x.at[1:3].add(c)),
    "expand": (1, lambda c, x: ai.expand_dims(x, 1)),
    "squeeze": (1, lambda c, x: ai.squeeze(x)),
    "reshape": (1, lambda c, x: x.reshape(-1)),
    "split rows": (1, lambda c, x: x.reshape(x.shape[0], -1)),
    "stack": (2, lambda c, x, y: ai.stack([x, y], axis=1)),
    "concat": (2, lambda c, x, y: ai.concat([x, y], axis=-1)),
    "below": (2, lambda c, x, y: ai.concat([x, y], axis=0)),
    "broadcast": (1, lambda c, x: ai.broadcast_to(x, (2, *x.shape))),
    "row sum": (1, lambda c, x: ai.sum(x, axis=-1)),
    "row mean": (1, lambda c, x: ai.mean(x, axis=-1, keepdims=True)),
    "row softmax": (1, lambda c, x: ai.log_softmax(x, axis=-1)),
    "norm": (1, lambda c, x: ai.norm(1 + x * x, axis=-1)),
    "sum": (1, lambda c, x: ai.sum(x, axis=0)),
    "total": (1, lambda c, x: ai.sum(x)),
    "mean": (1, lambda c, x: ai.mean(x, axis=0, keepdims=True)),
    "overall mean": (1, lambda c, x: ai.mean(x)),
    "var": (1, lambda c, x: ai.var(x, axis=0)),
    "softmax over rows": (1, lambda c, x: ai.log_softmax(x, axis=0)),
    "normalise": (1, lambda c, x: (x - ai.mean(x, axis=0)) / ai.sqrt(ai.var(x, axis=0) + 0.1)),
    "detach": (1, lambda c, x: x.detach() * c),
    "one": (1, lambda c, x: x * 1 + 0),
    "wider": (1, lambda c, x: x.astype("float32").astype("float64")),
}
# A last bit of difference may decide here: never behind a sum that the plan adds up otherwise.
SHARP: dict[str, tuple[int, Callable[..., Any]]] = {
    "relu": (1, lambda c, x: ai.relu(x)),
    "abs": (1, lambda c, x: ai.abs(x)),
    "maximum": (2, lambda c, x, y: ai.maximum(x, y)),
    "minimum": (1, lambda c, x: ai.minimum(x, c)),
    "clip": (1, lambda c, x: ai.clip(x, -abs(c), abs(c))),
    "where": (3, lambda c, x, y, z: ai.where(x > c, y, z)),
    "masked": (1, lambda c, x: (x > 0) * x + ai.logical_not(x > c) * c),
    "max": (1, lambda c, x: ai.max(x, axis=0)),
    "min": (1, lambda c, x: ai.min(x)),
    "row max": (1, lambda c, x: x - ai.max(x, axis=-1, keepdims=True)),
    "argmax": (1, lambda c, x: x + ai.argmax(x, axis=0)),
    "count": (1, lambda c, x: x * ai.sum(x > c)),
}
ADDING = {
    *("matmul", "linear", "row sum", "row mean", "row softmax", "norm", "sum", "total", "mean"),
    *("overall mean", "var", "softmax over rows", "normalise"),
}
WORDS = SMOOTH | SHARP

Instruction = tuple[str, tuple[int, int, int], float]
instructions = st.lists(
    st.tuples(
        st.sampled_from(sorted(WORDS)),
        st.tuples(*[st.integers(0, 30)] * 3),
        st.sampled_from([-1.0, 0.5, 1.0, 2.0, 0.3]),
    ),
    min_size=1,
    max_size=14,
)


def sensible(program: list[Instruction], start: list[ai.Tensor]) -> list[tuple[str, Any, float]]:
    """Return the instructions that can run on what is there, with their operands' places."""
    kept = []
    values = list(start)
    rough = [False] * len(values)
    for word, picks, number in program:
        arity, function = WORDS[word]
        places = [p % len(values) for p in picks[:arity]]
        dirty = any(rough[p] for p in places)
        if dirty and word in SHARP:
            continue
        try:
            with np.errstate(all="ignore"):
                made = function(number, *(values[p] for p in places))
        except (TypeError, ValueError, IndexError):
            continue
        small = made.size < 40_000 and np.isfinite(made.data).all()
        if small and np.abs(made.data).max(initial=0) < 1000:
            kept.append((word, places, number))
            values.append(made)
            rough.append(dirty or word in ADDING)
    return kept


def run(program: list[tuple[str, Any, float]], start: list[ai.Tensor]) -> list[ai.Tensor]:
    values = list(start)
    for word, places, number in program:
        values.append(WORDS[word][1](number, *(values[p] for p in places)))
    return values


def score(values: list[ai.Tensor]) -> ai.Tensor:
    zero = ai.zeros((), dtype="float64", device=values[0].device)
    return sum((ai.mean(ai.sin(v)) for v in values if v.size), zero)


class Problem:
    """Weights, a program over them and the data, and what one may want of it."""

    def __init__(self, program: list[Instruction], rows: int) -> None:
        rng = np.random.default_rng(0)
        self.w = ai.tensor(rng.standard_normal((3, 3)) * 0.5, requires_grad=True)
        self.b = ai.tensor(rng.standard_normal(3), requires_grad=True)
        self.k = ai.tensor(rng.standard_normal((rows, 1)))
        self.program = sensible(program, self.start(*self.data(0, rows)))

    def to(self, device: str) -> Problem:
        for name in ("w", "b", "k"):
            there = getattr(self, name).detach().to(device)
            setattr(self, name, ai.Tensor(there.data, requires_grad=name != "k"))
        return self

    @staticmethod
    def data(seed: int, rows: int) -> list[ai.Tensor]:
        rng = np.random.default_rng(seed)
        return [ai.tensor(rng.standard_normal(shape)) for shape in ((rows, 3), (rows, 1))]

    def start(self, x: ai.Tensor, y: ai.Tensor) -> list[ai.Tensor]:
        return [x, self.w, self.b, y, self.k]

    def forward(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        return run(self.program, self.start(x, y))[-3:]

    def loss(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        return score(run(self.program, self.start(x, y))) + ai.mean(x * x * x)

    def gradient(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        return ai.value_and_grad(self.loss)(x, y)

    def train(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        values = run(self.program, self.start(x, y))
        loss = score(values)
        last = values[-1] * 1  # of its own: eagerly, a view of a parameter changes with it
        self.w.grad = self.b.grad = None
        loss.backward()
        for p in (self.w, self.b):
            if p.grad is not None:
                p.assign(p - 0.1 * p.grad)
        return loss, last, self.w.grad, self.b.grad

    def hessian_vector_product(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        def along(x: ai.Tensor) -> Any:
            return ai.sum(ai.grad(self.loss)(x, y) * ai.cos(x.detach())) + ai.sum(x)

        return ai.grad(along)(x)

    def called(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        return self.forward(x, y)

    def backward(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        x, y = (ai.Tensor(t.data, requires_grad=True) for t in (x, y))
        self.w.grad = self.b.grad = None
        *_, value, last = self.called(x, y)
        for loss in (score([value]), score([value, last])):
            if loss.requires_grad:
                loss.backward(retain_graph=True)
        return loss, x.grad, y.grad, self.w.grad, self.b.grad

    def curvature(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        def energy(w: ai.Tensor, x: ai.Tensor) -> Any:
            self.w, before = w, self.w
            try:
                return ai.sum(ai.square(ai.grad(lambda x: self.of_x(x, y))(x))) + ai.sum(w)
            finally:
                self.w = before

        return ai.grad(energy, (0, 1))(self.w, x)

    def of_x(self, x: ai.Tensor, y: ai.Tensor) -> Any:
        return score(self.called(x, y)) + ai.sum(x**3)


# The last two differentiate a compiled function from outside.
INSIDE = ["forward", "gradient", "train", "hessian_vector_product"]  # of a compiled step
OUTSIDE = ["backward", "curvature"]  # of what differentiates one
WANTED = [*INSIDE, *OUTSIDE]


def nudge(t: ai.Tensor) -> ai.Tensor:
    """Move each value by many units of rounding, each by another: a sum of them cancels most."""
    noise = np.random.default_rng(0).standard_normal(t.shape)
    return t * ai.tensor(1 + 2e-14 * noise)


def on_host(tree: Any) -> list[ai.Tensor]:
    return [t.detach().to("cpu") for t in tensors_in(tree)]


def both_ways(
    program: list[Instruction], wanted: str, rows: int, threads: int, device: str = "cpu"
) -> Any:
    """Return the compiled function after comparing it with the eager one for some calls."""
    eager, other = Problem(program, rows), Problem(program, rows).to(device)
    nudged = Problem(program, rows)
    for parameter in (nudged.w, nudged.b, nudged.k):
        parameter.assign(nudge(parameter.detach()))
    if wanted in OUTSIDE:
        other.called = ai.compile(other.forward, threads=threads)  # type: ignore[method-assign]
        compiled = getattr(other, wanted)
    else:
        compiled = ai.compile(getattr(other, wanted), threads=threads)
    exact = wanted == "forward" and not ADDING.intersection(word for word, _, _ in eager.program)
    exact = exact and device == "cpu"
    # The third on a GPU is recorded, the fourth replays it.
    for seed in range(3 if device == "cpu" else 4):
        arguments = Problem.data(seed, rows)
        expected = getattr(eager, wanted)(*arguments)
        found = compiled(*(t.to(device) for t in arguments))
        if exact:
            same_bits(found, expected)
        else:
            ends = [expected, eager.w, eager.b]
            moved = getattr(nudged, wanted)(*(nudge(t) for t in arguments))
            try:
                close([moved, nudged.w, nudged.b], ends, terms=rows, ulps=1e4)
            except AssertionError:
                reject()  # Rounding alone moves this program's results: no order of sums is right.
            close(on_host([found, other.w, other.b]), ends, terms=rows, ulps=1e5)
        if wanted == "train":
            for p, q in ((other.w, eager.w), (other.b, eager.b)):
                assert (p.grad is None) == (q.grad is None)
    return compiled


@pytest.mark.parametrize("wanted", WANTED)
@settings(plans, max_examples=40)
@given(program=instructions)
def test_random_programs(wanted: str, program: list[Instruction]) -> None:
    both_ways(program, wanted, rows=5, threads=1)


@pytest.mark.parametrize("wanted", WANTED)
@settings(plans, max_examples=40)
@given(program=instructions)
def test_random_programs_in_tiles(wanted: str, program: list[Instruction]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "cache_size", lambda: 1)
        both_ways(program, wanted, rows=131, threads=2)


@pytest.mark.parametrize("word", sorted(WORDS))
@pytest.mark.parametrize("rows", [5, 131])
def test_each_word_of_the_random_programs_is_used(word: str, rows: int) -> None:
    # Otherwise the tests above would be about less than they seem to be.
    start = Problem([], rows).start(*Problem.data(0, rows))
    picks = [(a, b, c) for a in range(5) for b in range(5) for c in range(5)]
    assert any(sensible([(word, pick, 0.5)], start) for pick in picks)


def test_most_random_programs_are_cut() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu, "cache_size", lambda: 1)
        step = both_ways([("tanh", (0, 0, 0), 1.0), ("sin", (5, 0, 0), 1.0)], "train", 131, 2)
    assert 0 < step.plan.tile < 131


def test_a_printed_plan_says_where_its_values_lie() -> None:
    step = ai.compile(lambda x: ai.sum(ai.exp(x) * ai.sin(x), axis=-1))
    step(ai.ones((3, 2)))
    text = str(step.plan)
    assert re.search(r"= exp\(argument0\) +# \[3, 2\] float32 in b0", text)
    assert re.search(r"= sin\(argument0\) +# \[3, 2\] float32 in b1", text)
    assert re.search(r"= multiply\(v\d+, v\d+\) +# \[3, 2\] float32 in b[01]\n", text)


def test_a_keyword_of_any_name() -> None:
    step = ai.compile(lambda **named: named["self"] * 2)
    assert step(self=ai.tensor(3.0)).item() == 6
