"""Tensors of integers as indices in a compiled step: others in each call, as eagerly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import close, proven, same_bits  # noqa: F401

import autograd_iron as ai
import nn

BY_TENSORS: dict[str, Callable[..., Any]] = {
    "rows": lambda x, i, j: x[i],
    "one row": lambda x, i, j: x[i[0]],
    "one of the last axis": lambda x, i, j: x[..., ai.argmax(x[0, 0])],
    "added to the last axis": lambda x, i, j: x.at[..., ai.argmax(x[0, 0])].add(1.0),
    "set on the last axis": lambda x, i, j: x.at[..., ai.argmax(x[0, 0])].set(x[..., 0]),
    "added to what is turned round": lambda x, i, j: x.at[::-1, ai.argmax(x[0, 0])].add(1.0),
    "set in what is turned round": lambda x, i, j: x.at[i, ::-1].set(x * x),
    "apart": lambda x, i, j: x[i, j, ..., ai.argmax(x[0, 0])],
    "columns": lambda x, i, j: x[:, j],
    "last axis": lambda x, i, j: x[..., (j > 0).astype("int64") - 1],
    "beside slices": lambda x, i, j: x[1:, j, ::2],
    "new axes": lambda x, i, j: x[None, i, None],
    "two": lambda x, i, j: x[i, j],
    "broadcast": lambda x, i, j: x[i[:, None], j],
    "beside an array": lambda x, i, j: x[np.arange(3), j],
    "beside a list": lambda x, i, j: x[[0, 1, 2], j],
    "of a list": lambda x, i, j: x[[i[0], 2, j[1]]],
    "of nested lists": lambda x, i, j: x[:, [[i[0]], (j[1],)], [np.int64(0)]],
    "beside an integer": lambda x, i, j: x[i, 1],
    "all three": lambda x, i, j: x[-1, i, (j > 0).astype("int64") - 1],
    "of a view": lambda x, i, j: x.mT[i, 0],
    "computed": lambda x, i, j: x[ai.argmax(x[:, 0, 0], axis=0), j],
    "added": lambda x, i, j: x.at[i].add(2.0),
    "added with repetitions": lambda x, i, j: x.at[ai.where(i > 0, 0, i)].add(x),
    "added to columns": lambda x, i, j: x.at[:, j].add(x),
    "added beside slices": lambda x, i, j: x.at[1:, j].add(1.0),
    "added at two": lambda x, i, j: x.at[i, j].add(x[0, 0]),
    "set": lambda x, i, j: x.at[i].set(x * x),
    "set at two": lambda x, i, j: x.at[i, j].set(0.0),
    "set beside slices": lambda x, i, j: x.at[:2, j, 1:].set(-1.0),
}


@pytest.mark.parametrize("read", BY_TENSORS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int64"])
def test_an_index_may_be_another_in_each_call(read: str, dtype: str) -> None:
    def function(x: ai.Tensor, i: ai.Tensor, j: ai.Tensor) -> Any:
        made = BY_TENSORS[read](x, i, j)
        if dtype == "int64":
            return made
        return made, ai.grad(lambda x: ai.sum(ai.square(BY_TENSORS[read](x, i, j))))(x)

    step = ai.compile(function)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = ai.tensor(rng.integers(-9, 9, (3, 3, 2)), dtype=dtype)
        # Each position once: what stays of two values at one is not defined.
        i, j = (ai.tensor(rng.permutation(3) - 3 * rng.integers(0, 2, 3)) for _ in range(2))
        same_bits(step(x, i, j), function(x, i, j))
    assert "1 captures" in step.explain()


def test_an_index_out_of_range_or_of_another_kind() -> None:
    x = ai.ones((3, 4))
    step, pair = ai.compile(lambda i: x[i]), ai.compile(lambda i, j: x[i, j])
    good = ai.tensor([0, 2], dtype="int64")
    same_bits(step(good), x[good])
    same_bits(pair(good, good), x[good, good])
    for bad in (3, -4):
        index = ai.tensor([0, bad], dtype="int64")
        for call in (step, lambda i: pair(i, good), lambda i: pair(good, 2 * i)):
            with pytest.raises(IndexError, match=r"not there: .* out of bounds.* as an index"):
                call(index)
    cube = ai.ones((2, 4, 4))
    assert cube[:, good, ..., good[:, None]].shape == (2, 2, 2)
    for index in (
        lambda i: cube[:, i, ..., i[:, None]],
        lambda i: cube.at[:, 0, ..., i].add(1),
        lambda i: x[None, i, :, i],
        lambda i: x[i, i, i],
    ):
        with pytest.raises(IndexError, match=r"integers that stand side by side"):
            ai.compile(index)(good)
    with pytest.raises(IndexError, match="float32 is neither integers nor"):
        ai.compile(lambda i: x[i])(good.astype("float32"))


def test_an_index_into_a_single_row() -> None:
    x, i = ai.ones((1, 2)), ai.tensor([0, 0, -1], dtype="int64")
    for f in (lambda i: x[i], lambda i: x[i, i], lambda i: x.at[i].add(1)):
        same_bits(ai.compile(f)(i), f(i))


def test_an_update_of_nothing() -> None:
    x, i = ai.ones((3, 2)), ai.tensor([0, 2], dtype="int64")
    for f in (lambda i: x.at[i, 2:].set(1.0), lambda i: ai.ones((3, 0)).at[i].set(1.0)):
        same_bits(ai.compile(f)(i), f(i))
    none = ai.tensor([], dtype="int64")
    same_bits(ai.compile(lambda i: x.at[i].set(1.0))(none), x)


def test_an_embedding_learns_compiled_as_it_does_eagerly() -> None:
    def make() -> tuple[nn.Parameter, Callable[[ai.Tensor], ai.Tensor]]:
        table = nn.Parameter(np.random.default_rng(0).standard_normal((10, 4)).astype("float32"))

        def train(tokens: ai.Tensor) -> ai.Tensor:
            loss = ai.mean(ai.square(ai.tanh(table[tokens]) - 0.5))
            loss.backward()
            assert table.grad is not None
            table.assign(table - table.grad)
            table.grad = None
            return loss

        return table, train

    (one, eager), (other, train) = make(), make()
    step = ai.compile(train)
    for seed in range(5):
        tokens = ai.tensor(np.random.default_rng(seed).integers(0, 10, (6, 3)))
        close(step(tokens), eager(tokens))
        close(other, one)
