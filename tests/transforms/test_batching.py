"""Operations on a batch: what a loop over its parts makes, and the gradients of that."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from compiling import proven, same_bits  # noqa: F401
from samples import PRIMITIVES, SAMPLES, Call, fixed_case, over_rows, own_words, smooth, some_names
from sampling import Array

import autograd_iron as ai
from autograd_iron.transforms.batching import batched

SIZE = 3
NAMES = [name for name in SAMPLES if name in PRIMITIVES]


def bound(name: str, attributes: Any) -> dict[str, Any]:
    """Return the attributes of a call in full, in their normal form."""
    word = PRIMITIVES[name]
    given = dict(attributes)
    for key, form in word.forms.items():
        given[key] = form(given[key]) if key in given else word.defaults[key]
    return word.defaults | given


def outputs(made: Any) -> tuple[ai.Tensor, ...]:
    return made if isinstance(made, tuple) else (made,)


def batches(name: str, row: Call) -> list[list[Array]]:
    """Return the arrays of several calls."""
    return [list(fixed_case(name, row, f" {i}" if i else "").arrays) for i in range(SIZE)]


def padded(name: str, tensors: list[Any]) -> list[Any]:
    word = PRIMITIVES[name]
    return tensors if word.variadic else tensors + [None] * (word.arity - len(tensors))


def gradients(made: tuple[ai.Tensor, ...], along: list[Array], leaves: list[Any]) -> list[Array]:
    for t in leaves:
        t.grad = None
    pairs = [(y, g) for y, g in zip(made, along, strict=True) if y.requires_grad]
    if pairs:
        total: Any = sum(ai.sum(y * ai.tensor(g)) for y, g in pairs)
        total.backward()
    return [np.zeros(t.shape) if t.grad is None else t.grad.numpy() for t in leaves]


@over_rows(some_names(NAMES, "a batch"))
def test_a_batch_is_a_loop_over_its_parts(name: str, row: Call) -> None:
    word, calls = PRIMITIVES[name], batches(name, row)
    attributes = bound(name, fixed_case(name, row).attributes)
    count = len(calls[0])
    for own in itertools.product((False, True), repeat=count):
        if not any(own):
            continue
        for last in (False, True):
            axes: list[int | None] = [None if not batch else -1 if last else 0 for batch in own]
            leaves = [
                ai.Tensor(
                    np.stack([c[i] for c in calls], -1 if last else 0) if batch else calls[0][i],
                    requires_grad=smooth(name, i),
                )
                for i, batch in enumerate(own)
            ]
            extra: list[int | None] = [None] * (len(padded(name, leaves)) - count)
            found = outputs(batched(word, padded(name, leaves), axes + extra, attributes))
            parts = [
                [
                    ai.Tensor(calls[k][i] if batch else calls[0][i], requires_grad=smooth(name, i))
                    for i, batch in enumerate(own)
                ]
                for k in range(SIZE)
            ]
            wanted = [outputs(word(*part, **attributes)) for part in parts]
            source = np.random.default_rng(0)
            along = [source.uniform(-1, 1, y.shape) for y in found]
            for i, y in enumerate(found):
                expected = np.stack([one[i].numpy() for one in wanted])
                assert y.dtype == expected.dtype
                np.testing.assert_allclose(y.numpy(), expected, rtol=1e-10, atol=1e-12)
            looped = [
                gradients(one, [g[k] for g in along], part)
                for k, (one, part) in enumerate(zip(wanted, parts, strict=True))
            ]
            for i, gradient in enumerate(gradients(found, along, leaves)):
                each = [one[i] for one in looped]
                expected = np.sum(each, axis=0)
                if own[i]:
                    expected = np.stack(each, axis=-1 if last else 0)
                np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-10)


INDEX_CALLS = [
    ((2, 3), (np.True_,), ()),
    ((2, 3), (0, np.True_, slice(None)), (3,)),
    ((2, 3, 4), (1, slice(None), [0, 2]), (3,)),
    ((2, 3, 4), (..., [0, 2], None), (3, 1, 1)),
    ((2, 3, 4), ([0, 1], ..., np.array([[0, 2], [1, 3]])), (2, 2, 3)),
    ((2, 3, 4), (slice(1, None), [[0], [2]], [1, 3]), (2,)),
    ((2, 3, 4), (np.array([True, False]), slice(None), 1), (3,)),
]


@pytest.mark.parametrize(("shape", "index", "value"), INDEX_CALLS, ids=str)
def test_indices_of_every_kind(shape: Any, index: Any, value: Any) -> None:
    source = np.random.default_rng(0)
    x, v = source.uniform(-1, 1, (SIZE, *shape)), source.uniform(-1, 1, (SIZE, *value))
    for word, wide in itertools.product(("add_at", "set_at"), (True, False)):
        attributes = bound(word, {"index": index})
        operands = [ai.Tensor(x), ai.Tensor(v if wide else v[0])]
        made = batched(PRIMITIVES[word], operands, [0, 0 if wide else None], attributes)
        parts = [PRIMITIVES[word](x[k], v[k if wide else 0], index=index) for k in range(SIZE)]
        np.testing.assert_array_equal(made.numpy(), np.stack([p.numpy() for p in parts]))
    read = batched(PRIMITIVES["getitem"], [ai.Tensor(x)], [0], bound("getitem", {"index": index}))
    np.testing.assert_array_equal(read.numpy(), np.stack([one[index] for one in x]))


def test_indices_stay_in_their_own_part_of_a_batch() -> None:
    x, inside = ai.Tensor(np.arange(6.0).reshape(2, 3)), ai.Tensor(np.array([[0, -1], [2, -3]]))
    made = batched(PRIMITIVES["gather"], [x, inside], [0, 0], {"axis": 0})
    np.testing.assert_array_equal(made.numpy(), [[0, 2], [5, 3]])
    for wrong in (3, -4):
        outside = ai.Tensor(np.array([[0, wrong], [0, 0]]))
        with pytest.raises(IndexError, match="out of bounds"):
            batched(PRIMITIVES["gather"], [x, outside], [0, 0], {"axis": 0})
        with pytest.raises(IndexError, match="out of bounds"):
            batched(PRIMITIVES["scatter_sum"], [x[:, :2], outside], [0, 0], {"size": 3, "axis": 0})


@pytest.mark.parametrize(
    "name", ["matmul", "sum", "getitem", "gather", "qr_factors", "where", "join"]
)
def test_compiled(name: str) -> None:
    row = list(SAMPLES[name].calls)[-2]
    calls = batches(name, row)
    attributes = bound(name, row.attributes)
    arrays = [np.stack([c[i] for c in calls]) for i in range(len(calls[0]))]

    def step(*tensors: ai.Tensor) -> Any:
        every = padded(name, list(tensors))
        return batched(
            PRIMITIVES[name], every, [None if t is None else 0 for t in every], attributes
        )

    same_bits(ai.compile(step)(*arrays), step(*map(ai.Tensor, arrays)))


def test_second_derivatives() -> None:
    def energy(x: ai.Tensor) -> Any:
        return ai.sum(batched(PRIMITIVES["norm"], [x], [1], {"axis": 0, "keepdims": False}) ** 3)

    ai.check_grads(energy, [np.random.default_rng(0).uniform(0.5, 1, (3, 2))], order=2)


def test_what_cannot_be_batched_says_what_to_write() -> None:
    with own_words():

        @ai.extend.primitive
        def halves(xp: Any, x: Any, /, at: int = 0) -> Any:
            """Return half of x from a place on."""
            return x[at:] / 2

        x = ai.ones((2, 4))
        with pytest.raises(TypeError, match=r"halves: its labels do not say .* @halves\.vmap"):
            batched(halves, [x], [0], {"at": 0})
        halves.axes("I -> I")
        with pytest.raises(TypeError, match=r"halves: its labels do not say .* @halves\.vmap"):
            batched(halves, [x], [0], {"at": 0})

        @halves.vmap
        def _(F: Any, _batched: Any, x: Any, at: int) -> Any:
            return F.getitem(x, index=(slice(None), slice(at, None))) / 2

        assert batched(halves, [x], [1], {"at": 1}).shape == (4, 1)
    add = PRIMITIVES["add"]
    with pytest.raises(ValueError, match=r"add: the operands of a batch have one size, not .*2, 3"):
        batched(add, [ai.ones(2), ai.ones(3)], [0, 0], {})
    with pytest.raises(ValueError, match="have one size, not no batch"):
        batched(add, [ai.ones(2), 1.0], [None, None], {})


def test_an_attribute_that_the_rule_does_not_know_is_not_shifted_in_silence() -> None:
    with own_words():

        @ai.extend.primitive
        def turned(xp: Any, x: Any, /, dim: int) -> Any:
            """Return x in the reversed order along an axis."""
            return xp.flip(x, dim)

        @turned.axes
        def _(x: Any, dim: int) -> Any:
            own = tuple(None if a == dim else a for a in range(x.ndim))
            return ai.extend.Labels((own,), (own,))

        for dim in (0, 1):
            with pytest.raises(TypeError, match=r"turned: its labels do not say"):
                batched(turned, [ai.ones((2, 2, 2))], [0], {"dim": dim})
