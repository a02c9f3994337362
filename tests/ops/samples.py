"""Samples of every primitive: what it can be called with, and the same answer from elsewhere.

An entry says which values an argument may take (away from kinks and poles, where no finite
difference can be trusted), lists the calls that must always be tried, and may draw more of them.
"""

from __future__ import annotations

import inspect
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.strategies import DrawFn
from sampling import (
    BETWEEN,
    BOOL,
    DISTINCT,
    EMPTY_REDUCTIONS,
    INDEX,
    INDICES,
    INSIDE,
    INTEGER,
    LAYOUTS,
    NONZERO,
    POSITIVE,
    REAL,
    REDUCTIONS,
    SHAPES,
    STEPS,
    Array,
    Call,
    Case,
    Domain,
    Samples,
    Shape,
    call,
    elementwise,
    flips,
    indices,
    joins,
    layers,
    names_a_position_twice,
    pads,
    permutations,
    products,
    reductions,
    reshapes,
    small,
    stretches,
    update_calls,
    updates,
)

import autograd_iron as ai
import nn.functional  # noqa: F401  (its primitives are sampled here too)
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import on_tensors, raw, registry

# --- the same answers from elsewhere


def sum_to(x: Array, shape: Shape) -> Array:
    """Add up one element at a time, each at the place it was broadcast from."""
    total = np.zeros(shape, x.dtype)
    for place in np.ndindex(x.shape):
        kept = place[x.ndim - len(shape) :]
        total[tuple(0 if n == 1 else i for i, n in zip(kept, shape, strict=True))] += x[place]
    return total


def scatter_sum(values: Array, indices: Array, size: int, axis: int) -> Array:
    """Add up the slices as a product with one row per slice, which is 1 at its index."""
    chosen = (np.arange(size) == indices.reshape(-1, 1) % size).astype(values.dtype)
    shape = values.shape[:axis], values.shape[axis + indices.ndim :]
    flat = np.moveaxis(
        values.reshape(*shape[0], -1, *shape[1]) if values.size else values, axis, -1
    )
    return np.moveaxis(flat @ chosen, -1, axis)


def add_at(x: Array, value: Array, index: Any) -> Array:
    positions = np.arange(x.size).reshape(x.shape)[index]
    made = x.flatten()
    for position, v in zip(
        positions.ravel(), np.broadcast_to(value, positions.shape).ravel(), strict=True
    ):
        made[position] += v
    return made.reshape(x.shape)


def set_at(x: Array, value: Array, index: Any) -> Array:
    made = x.copy()
    made[index] = value
    return made


def cross_entropy(p: Array, y: Array) -> Any:
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def questions(elsewhere: Callable[..., Any], count: int = 2) -> Samples:
    """Samples of a comparison: few values, so that ties occur."""
    return elementwise(elsewhere, *[Domain(((-1.0, -1.0), (0.0, 0.0), (1.5, 1.5)))] * count)


def end_to_end(elsewhere: Callable[..., Any]) -> Callable[..., Array]:
    """Return a function that answers with several arrays as one; see `joined`."""

    def one(*arrays: Array, **attributes: Any) -> Array:
        made = elsewhere(*arrays, **attributes)
        return np.concatenate([np.ravel(a) for a in made]).astype(made[0].dtype)

    return one


def large_diagonal(shape: Shape) -> Array:
    """Return what makes a matrix of the domain regular, and its eigenvalues far from equal."""
    n, m = shape[-2:]
    return np.eye(n, m) * 10 * np.arange(1, m + 1)


def lower_cholesky(x: Array) -> Array:
    """Return it row by row, as by hand, from the lower triangles alone."""
    made = np.zeros(x.shape)
    for i in range(x.shape[-1]):
        for j in range(i + 1):
            left = x[..., i, j] - np.sum(made[..., i, :j] * made[..., j, :j], axis=-1)
            made[..., i, j] = np.sqrt(left) if i == j else left / made[..., j, j]
    return made


TRIANGLES = [call((3, 3)), call((2, 4), k=1), call((4, 2), k=-1), call((2, 3, 3), k=-2)]
SQUARES = [call((1, 1)), call((3, 3)), call((2, 2, 2)), call((0, 0))]


SAMPLES: dict[str, Samples] = {
    # arithmetic
    "add": elementwise(np.add, REAL, REAL),
    "subtract": elementwise(np.subtract, REAL, REAL),
    "multiply": elementwise(np.multiply, REAL, REAL),
    "multiply_no_nan": elementwise(np.multiply, REAL, NONZERO),
    "divide": elementwise(np.divide, REAL, NONZERO),
    "negative": elementwise(np.negative, REAL),
    "pow": elementwise(np.power, POSITIVE, REAL),
    "square": elementwise(np.square, REAL),
    "abs": elementwise(np.abs, NONZERO),
    "sign": elementwise(np.sign, NONZERO),
    "identity": elementwise(np.copy, REAL),
    "frexp": elementwise(end_to_end(np.frexp), Domain(((-1.9, -1.1), (0.3, 0.49)))),
    # exponentials, roots, trigonometric functions, activations
    "exp": elementwise(np.exp, REAL),
    "expm1": elementwise(np.expm1, REAL),
    "log": elementwise(np.log, POSITIVE),
    "log1p": elementwise(np.log1p, POSITIVE),
    "sqrt": elementwise(np.sqrt, POSITIVE),
    "sin": elementwise(np.sin, REAL),
    "cos": elementwise(np.cos, REAL),
    "arctan": elementwise(np.arctan, REAL),
    "tanh": elementwise(np.tanh, REAL),
    "sigmoid": elementwise(lambda x: (1 + np.tanh(x / 2)) / 2, REAL),
    "relu": elementwise(lambda x: np.where(x > 0, x, 0), NONZERO),
    "softplus": elementwise(lambda x: np.logaddexp(0, x), REAL),
    "binary_cross_entropy": elementwise(cross_entropy, INSIDE, INSIDE, eps=1e-7),
    "binary_cross_entropy_with_logits": elementwise(
        lambda z, y: cross_entropy(1 / (1 + np.exp(-z)), y), REAL, INSIDE
    ),
    # choosing
    "maximum": elementwise(np.maximum, REAL, BETWEEN),
    "minimum": elementwise(np.minimum, REAL, BETWEEN),
    "clip": elementwise(
        # NumPy 2.0 has other names, and no call without any bound.
        lambda x, min=None, max=None: np.clip(
            x, -np.inf if min is None else min, np.inf if max is None else max
        ),
        Domain(((-2.0, -1.1), (-0.9, 0.4), (0.6, 2.0))),
        calls=[
            *(call(shape, min=-1, max=0.5) for shape in SHAPES),
            call((2, 3), min=-1),
            call((2, 3), max=0.5),
            call((2, 3), min=None, max=None),
        ],
    ),
    "where": elementwise(np.where, BOOL, REAL, REAL),
    # questions
    **{
        name: questions(getattr(np, name))
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    "logical_and": elementwise(np.logical_and, BOOL, BOOL),
    "logical_or": elementwise(np.logical_or, BOOL, BOOL),
    "logical_not": elementwise(np.logical_not, BOOL),
    "bitwise_and": elementwise(np.bitwise_and, INTEGER, INTEGER),
    "bitwise_or": elementwise(np.bitwise_or, INTEGER, INTEGER),
    "bitwise_xor": elementwise(np.bitwise_xor, INTEGER, INTEGER),
    "bitwise_invert": elementwise(np.invert, INTEGER),
    "isfinite": elementwise(np.isfinite, REAL),
    "isnan": elementwise(np.isnan, REAL),
    # reductions
    "sum": Samples((REAL,), REDUCTIONS + EMPTY_REDUCTIONS, np.sum, reductions(small)),
    "mean": Samples((REAL,), REDUCTIONS, np.mean, reductions()),
    "max": Samples((DISTINCT,), REDUCTIONS, np.max, reductions()),
    "min": Samples((DISTINCT,), REDUCTIONS, np.min, reductions()),
    "norm": Samples((NONZERO,), REDUCTIONS, np.linalg.vector_norm, reductions()),
    "logsumexp": Samples(
        (REAL,), REDUCTIONS, lambda x, **over: np.log(np.sum(np.exp(x), **over)), reductions()
    ),
    "all": Samples((BOOL,), REDUCTIONS + EMPTY_REDUCTIONS, np.all, reductions(small)),
    "any": Samples((BOOL,), REDUCTIONS + EMPTY_REDUCTIONS, np.any, reductions(small)),
    **{
        name: Samples(
            (REAL,),
            [call(()), call((3,)), call((2, 3)), call((2, 3), axis=1), call((2, 3, 2), axis=-2)],
            getattr(np, name),
        )
        for name in ("argmax", "argmin")
    },
    "sum_to": Samples(
        (REAL,),
        [
            call(wide, shape=narrow)
            for wide, narrow in [
                ((), ()),
                ((3,), ()),
                ((2, 3), (3,)),
                ((2, 3), (2, 1)),
                ((2, 3), (1, 1)),
                ((2, 3, 2), (3, 1)),
                ((2, 0, 3), (1, 3)),
                ((0,), (1,)),
                ((2, 3), (2, 3)),
            ]
        ],
        sum_to,
        stretches().map(lambda c: call(c.attributes["shape"], shape=c.shapes[0])),
    ),
    # shapes
    "reshape": Samples(
        (REAL,),
        [
            call((), shape=()),
            call((), shape=(1, 1)),
            call((1,), shape=()),
            call((2, 3), shape=(3, 2)),
            call((2, 3), shape=(-1,)),
            call((2, 3), shape=6),
            call((2, 3, 2), shape=[4, -1]),
            call((0, 3), shape=(3, 0, 2)),
        ],
        lambda x, *, shape: np.reshape(x, shape),  # NumPy 2.0 has another name
        reshapes(),
    ),
    "permute_dims": Samples(
        (REAL,),
        [
            call(()),
            call((3,)),
            call((2, 3), axes=(1, 0)),
            call((2, 3, 4)),
            call((2, 3, 4), axes=(1, 2, 0)),
            call((2, 3, 4), axes=(-1, 0, 1)),
            call((2, 0, 3), axes=[2, 0, 1]),
        ],
        np.transpose,
        permutations(),
    ),
    "matrix_transpose": Samples(
        (REAL,),
        [call((2, 3)), call((4, 2, 3)), call((0, 3)), call((2, 1, 2, 3))],
        lambda x: np.einsum("...ij->...ji", x),
        hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3).map(call),
    ),
    "broadcast_to": Samples(
        (REAL,),
        [
            call((), shape=()),
            call((), shape=(2, 3)),
            call((3,), shape=(2, 3)),
            call((2, 1), shape=(2, 3)),
            call((1, 3), shape=(2, 2, 3)),
            call((1,), shape=(0,)),
            call((), shape=3),
        ],
        np.broadcast_to,
        stretches(),
    ),
    "astype": Samples(
        (REAL,), [call(s, dtype="float64") for s in SHAPES], lambda x, dtype: x.astype(dtype)
    ),
    "to_device": Samples(
        (REAL,), [call(s, here="cpu", there="cpu") for s in SHAPES], lambda x, here, there: x
    ),
    "join": Samples(
        (REAL,),
        [
            call((3,)),
            call((3,), (2,)),
            call((2, 3), (1, 3), (0, 3)),
            call((2, 3), (2, 1), axis=1),
            call((2, 1, 3), (2, 2, 3), (2, 1, 3), axis=-2),
        ],
        lambda *arrays, axis=0: np.concatenate(arrays, axis),
        joins(),
    ),
    "pad": Samples(
        (REAL,),
        [
            call((), pad_width=1),
            call((3,), pad_width=2),
            call((3,), pad_width=(1, 0), constant_values=1.5),
            call((2, 3), pad_width=1),
            call((2, 3), pad_width=(0, 2), constant_values=-1),
            call((2, 3), pad_width=[[1, 0], [0, 2]]),
            call((2, 3), pad_width=((1, 2),)),
            call((0, 2), pad_width=((1, 1), (0, 0))),
        ],
        np.pad,
        pads(),
    ),
    "flip": Samples(
        (REAL,),
        [
            call(()),
            call((3,)),
            call((2, 3)),
            call((2, 3), axis=0),
            call((2, 3, 2), axis=-1),
            call((2, 3, 2), axis=(0, 2)),
            call((0, 2), axis=1),
        ],
        np.flip,
        flips(),
    ),
    "tril": Samples((REAL,), TRIANGLES, np.tril),
    "triu": Samples((REAL,), TRIANGLES, np.triu),
    "split": Samples(
        (REAL,),
        [
            call((4,), indices_or_sections=2),
            call((4,), indices_or_sections=1),
            call((2, 6), indices_or_sections=3, axis=-1),
            call((5, 2), indices_or_sections=[1, 3]),
            call((5, 2), indices_or_sections=(2, -1), axis=0),
            call((5,), indices_or_sections=[3, 1, 4, 7]),
            call((0, 2), indices_or_sections=2),
        ],
        end_to_end(np.split),
    ),
    # indexing
    "getitem": Samples(
        (REAL,),
        [call(shape, index=index) for shape, index in INDICES],
        lambda x, index: x[index],
        indices().map(lambda drawn: call(drawn[0], index=drawn[1])),
    ),
    "add_at": Samples((REAL, REAL), [*update_calls(INDICES)], add_at, updates(once=False)),
    "set_at": Samples(
        (REAL, REAL),
        [*update_calls([row for row in INDICES if not names_a_position_twice(*row)])],
        set_at,
        updates(once=True),
    ),
    "gather": Samples(
        (REAL, INDEX),
        [
            call((3,), (4,)),
            call((3, 2), (4,)),
            call((3, 2), (2, 5), axis=-1),
            call((3, 4, 2), (3, 1), axis=1),
            call((2, 3), (0,)),
        ],
        lambda x, indices, axis=0: np.take(x, indices, axis),
    ),
    "scatter_sum": Samples(
        (REAL, INDEX),
        [
            call((4,), (4,), size=3, axis=0),
            call((4, 2), (4,), size=2, axis=0),
            call((2, 2, 3, 2), (2, 3), size=4, axis=1),
            call((3, 0), (0,), size=2, axis=1),
        ],
        scatter_sum,
    ),
    # products
    "matmul": Samples(
        (REAL, REAL),
        [
            call((3,), (3,)),
            call((3,), (3, 2)),
            call((2, 3), (3,)),
            call((2, 3), (3, 4)),
            call((5, 2, 3), (3,)),
            call((3,), (5, 3, 2)),
            call((5, 2, 3), (3, 4)),
            call((2, 3), (5, 3, 4)),
            call((5, 2, 3), (5, 3, 2)),
            call((2, 1, 2, 3), (4, 3, 2)),
            call((1, 2, 3), (4, 3, 2)),
            call((0, 3), (3, 2)),
            call((2, 0), (0, 3)),
            call((2, 3, 0), (0, 2)),
            call((2, 2, 3), (3, 0)),
            call((0, 2, 3), (3, 2)),
            call((0,), (0,)),
        ],
        np.matmul,
        products(),
    ),
    "linear": Samples(
        (REAL, REAL, REAL),
        [
            call((3,), (2, 3), (2,)),
            call((3,), (2, 3)),
            call((4, 3), (2, 3), (2,)),
            call((4, 3), (2, 3)),
            call((2, 4, 3), (2, 3), (2,)),
            call((2, 4, 3), (2, 3)),
            call((0, 3), (2, 3), (2,)),
            call((4, 0), (2, 0), (2,)),
            call((2, 4, 0), (2, 0), (2,)),
            call((2, 4, 3), (0, 3), (0,)),
        ],
        lambda x, w, b=0.0: np.einsum("...n,mn->...m", x, w) + b,
        layers(),
    ),
    # matrices taken apart
    "solve": Samples(
        (REAL, REAL),
        [
            call((1, 1), (1, 2)),
            call((3, 3), (3, 2)),
            call((2, 2, 2), (2, 3)),
            call((2, 2), (4, 2, 1)),
            call((2, 2), (2, 0)),
        ],
        lambda a, b: np.linalg.inv(a) @ b,
        around=large_diagonal,
    ),
    "qr": Samples(
        (REAL,),
        [call((1, 1)), call((3, 3)), call((4, 2)), call((2, 4)), call((2, 3, 2)), call((2, 0))],
        end_to_end(np.linalg.qr),
        around=large_diagonal,
    ),
    "cholesky_of_lower": Samples((REAL,), SQUARES, lower_cholesky, around=large_diagonal),
    "eigh_of_lower": Samples((REAL,), SQUARES, end_to_end(np.linalg.eigh), around=large_diagonal),
}

PRIMITIVES: dict[str, Primitive] = {
    name: word for name, word in registry.items() if isinstance(word, Primitive)
}
DIFFERENTIABLE = [name for name in SAMPLES if name in PRIMITIVES and PRIMITIVES[name].rules]
ROWS = [(name, row) for name, entry in SAMPLES.items() for row in entry.calls]
RULES = [
    (name, number)
    for name in DIFFERENTIABLE
    for number, rule in enumerate(PRIMITIVES[name].rules)
    if rule is not None
]


# --- tests of every row


def over_rows(names: Iterable[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test of (name, row) one item for each primitive of these names, its rows subtests.

    A `monkeypatch` of such a test holds for one row.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)
        patched = "monkeypatch" in signature.parameters

        @wraps(test)
        def every(name: str, subtests: pytest.Subtests, **others: Any) -> None:
            for row in SAMPLES[name].calls:
                with subtests.test(row=str(row)), pytest.MonkeyPatch.context() as patch:
                    test(
                        name=name, row=row, **others, **({"monkeypatch": patch} if patched else {})
                    )

        kept = [p for p in signature.parameters.values() if p.name not in ("row", "monkeypatch")]
        subtests = inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)
        every.__signature__ = signature.replace(parameters=[*kept, subtests])  # type: ignore[attr-defined]
        return pytest.mark.parametrize("name", list(names))(every)

    return decorate


# --- arrays for the calls


def fixed_case(name: str, row: Call, seed: str = "") -> Case:
    """Return the call with arrays that are the same in every run."""
    source = np.random.default_rng(zlib.crc32(f"{name} {row}{seed}".encode()))
    arrays = []
    for argument, shape in enumerate(row.shapes):
        domain = SAMPLES[name].domain(argument)
        steps = source.choice(STEPS, shape, replace=not domain.distinct)
        arrays.append(domain.values(np.asarray(steps)))
    return Case(tuple(SAMPLES[name].settled(arrays)), row.attributes)


@st.composite
def cases(draw: DrawFn, name: str) -> Case:
    """Draw a call, its values, and how each array lies in memory."""
    entry = SAMPLES[name]
    listed = st.sampled_from(entry.calls)
    drawn = draw(listed if entry.more is None else entry.more | listed)
    arrays = []
    for argument, shape in enumerate(drawn.shapes):
        domain = entry.domain(argument)
        numbers = hnp.arrays(
            np.int64, shape, elements=st.integers(0, STEPS - 1), unique=domain.distinct
        )
        arrays.append(domain.values(draw(numbers)))
    layouts = st.sampled_from([*LAYOUTS])
    placed = [LAYOUTS[draw(layouts)](array) for array in entry.settled(arrays)]
    return Case(tuple(placed), drawn.attributes)


# --- running them


def result(name: str, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> ai.Tensor:
    """Run a primitive on Tensors, arrays (made Tensors on the same memory) and numbers.

    Several outputs come as one, so that each promise about an output is one about all of them.
    """
    tensors = [ai.Tensor(a) if isinstance(a, np.ndarray) else a for a in inputs]
    return joined(PRIMITIVES[name](*tensors, **attributes))


def joined(outputs: Any) -> Any:
    """Return several Tensors end to end, in the dtype of the first; one as it is."""
    if not isinstance(outputs, tuple):
        return outputs
    return ai.concat([ai.astype(t, outputs[0].dtype).reshape(-1) for t in outputs])


def smooth(name: str, argument: int) -> bool:
    """Return whether a gradient flows to the argument."""
    rules = PRIMITIVES[name].rules
    return bool(rules) and rules[min(argument, len(rules) - 1)] is not None


def leaves(name: str, arrays: Sequence[Array]) -> list[ai.Tensor]:
    """Return the arrays as tensors on the same memory, requiring gradients where one flows."""
    return [ai.Tensor(a, requires_grad=smooth(name, i)) for i, a in enumerate(arrays)]


def pulled_back(
    name: str, arrays: Sequence[Array], attributes: Mapping[str, Any], cotangent: Array
) -> list[Array | None]:
    """Return the gradient of <cotangent, result> with respect to each array (None: has none)."""
    inputs = leaves(name, arrays)
    result(name, inputs, attributes).backward(ai.tensor(cotangent))
    return [None if t.grad is None else t.grad.data for t in inputs]


def differences(f: Callable[[Array], float], at: Array, eps: float = 1e-5) -> Array:
    """Return the gradient of a number with respect to an array, element by element."""
    gradient = np.zeros(at.shape)
    for place in itertools.product(*map(range, at.shape)):
        step = np.zeros(at.shape)
        step[place] = eps
        gradient[place] = (f(at + step) - f(at - step)) / (2 * eps)
    return gradient


def leaf(*shape: int, dtype: str = "float64", seed: int = 0) -> ai.Tensor:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, shape)
    return ai.tensor(values, dtype=dtype, requires_grad=True)


# --- primitives made by a test


@contextmanager
def own_words() -> Iterator[None]:
    """Take back on leaving the operations that a test registers inside."""
    before = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - before:
            del registry[name]
            for vocabulary in (on_tensors, raw(np)):
                vocabulary.__dict__.pop(name, None)
