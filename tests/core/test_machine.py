"""Random programs on the engine and on a graph too naive to be wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import autograd_iron as ai

Array = np.ndarray[Any, Any]

# --- the naive graph: every value remembers its parents and one function of the cotangent for each


@dataclass(eq=False)
class Memory:
    written: int = 0


@dataclass(eq=False)
class Naive:
    """A value, how to pull a cotangent back to each parent, and whose values that reads."""

    value: Array
    time: int
    memory: Memory
    pulls: list[tuple[Naive, Callable[[Naive], Naive]]] = field(default_factory=list)
    reads: list[Naive] = field(default_factory=list)
    tracked: bool = False
    grad: Array | None = None
    freed: bool = False

    @property
    def is_leaf(self) -> bool:
        return not self.pulls

    @property
    def stale(self) -> bool:
        return any(v.memory.written > self.time for v in self.reads)


class Clock:
    now = 0
    recording = True


def tick() -> int:
    Clock.now += 1
    return Clock.now


def constant(value: Any) -> Naive:
    return Naive(np.asarray(value, dtype=float), tick(), Memory())


def op(
    value: Any,
    *parents: tuple[Naive, Callable[[Naive], Naive], list[Naive]],
    reads_itself: bool = False,
) -> Naive:
    """Make a value; each parent comes with its pull and with what that pull reads."""
    owner = next((p for p, _, _ in parents if np.may_share_memory(value, p.value)), None)
    made = Naive(np.asarray(value), tick(), owner.memory if owner else Memory())
    if Clock.recording:
        made.pulls = [(p, pull) for p, pull, _ in parents if p.tracked]
        made.reads = [v for p, _, reads in parents if p.tracked for v in reads]
        made.tracked = bool(made.pulls)
        if made.tracked and reads_itself:
            made.reads.append(made)
    return made


def add(a: Naive, b: Naive) -> Naive:
    return op(a.value + b.value, (a, lambda g: sum_to(g, a), []), (b, lambda g: sum_to(g, b), []))


def multiply(a: Naive, b: Naive) -> Naive:
    return op(
        a.value * b.value,
        (a, lambda g: sum_to(multiply(g, b), a), [b]),
        (b, lambda g: sum_to(multiply(g, a), b), [a]),
    )


def matmul(a: Naive, b: Naive) -> Naive:
    return op(
        a.value @ b.value,
        (a, lambda g: matmul(g, transpose(b)), [b]),
        (b, lambda g: matmul(transpose(a), g), [a]),
    )


def tanh(a: Naive) -> Naive:
    def pull(g: Naive) -> Naive:
        return multiply(g, add(constant(1.0), multiply(constant(-1.0), multiply(made, made))))

    made = op(np.tanh(a.value), (a, pull, []), reads_itself=True)
    return made


def negative(a: Naive) -> Naive:
    return op(-a.value, (a, negative, []))


def sin(a: Naive) -> Naive:
    return op(np.sin(a.value), (a, lambda g: multiply(g, sin(add(a, constant(np.pi / 2)))), [a]))


def total(a: Naive, axis: Any = None, keepdims: bool = False) -> Naive:
    def pull(g: Naive) -> Naive:
        kept = np.sum(a.value, axis=axis, keepdims=True).shape
        return stretch(reshape(g, kept), a.value.shape)

    return op(np.sum(a.value, axis=axis, keepdims=keepdims), (a, pull, []))


def sum_to(g: Naive, a: Naive) -> Naive:
    shape = a.value.shape
    if g.value.shape == shape:
        return g
    g = total(g, tuple(range(g.value.ndim - len(shape))))
    for axis, n in enumerate(shape):
        if n == 1:
            g = total(g, axis, keepdims=True)
    return g


def stretch(a: Naive, shape: tuple[int, ...]) -> Naive:
    return op(np.broadcast_to(a.value, shape), (a, lambda g: sum_to(g, a), []))


def reshape(a: Naive, shape: tuple[int, ...]) -> Naive:
    return op(a.value.reshape(shape), (a, lambda g: reshape(g, a.value.shape), []))


def transpose(a: Naive) -> Naive:
    return op(a.value.T, (a, transpose, []))


def take(a: Naive, index: Any) -> Naive:
    return op(a.value[index], (a, lambda g: scatter(g, index, a.value.shape), []))


def scatter(g: Naive, index: Any, shape: tuple[int, ...]) -> Naive:
    value = np.zeros(shape)
    np.add.at(value, index, g.value)
    return op(value, (g, lambda h: take(h, index), []))


def join(a: Naive, b: Naive) -> Naive:
    n = len(a.value)
    return op(
        np.concatenate([a.value, b.value]),
        (a, lambda g: take(g, slice(None, n)), []),
        (b, lambda g: take(g, slice(n, None)), []),
    )


def larger(a: Naive, b: Naive) -> Naive:
    def share(mine: Naive, other: Naive) -> Naive:
        return constant(0.5 * (1 + np.sign(mine.value - other.value)))

    return op(
        np.maximum(a.value, b.value),
        (a, lambda g: sum_to(multiply(g, share(a, b)), a), [a, b]),
        (b, lambda g: sum_to(multiply(g, share(b, a)), b), [a, b]),
    )


def ancestors(root: Naive) -> list[Naive]:
    """Return everything tracked behind a value, itself included, newest first."""
    found: list[Naive] = []

    def visit(v: Naive) -> None:
        if not any(v is f for f in found):
            found.append(v)
            for parent, _ in v.pulls:
                visit(parent)

    visit(root)
    return sorted(found, key=lambda v: -v.time)


def pull_back(root: Naive, cotangent: Naive) -> dict[Naive, Naive]:
    """Return the gradient of every leaf: the sum over all its uses."""
    gradients: dict[Naive, Naive] = {root: cotangent}
    order = ancestors(root)
    for v in order:
        for parent, pull in v.pulls:
            part = pull(gradients[v])
            gradients[parent] = add(gradients[parent], part) if parent in gradients else part
    return {v: gradients[v] for v in order if v.is_leaf}


# --- the machine


@dataclass(eq=False)
class Pair:
    engine: ai.Tensor
    naive: Naive


LARGE = 100.0
shapes = st.sampled_from([(), (1,), (3,), (1, 3), (2, 1), (2, 3), (3, 2)])
numbers = st.integers(-8, 8).map(lambda n: n / 4)
steps_back = st.integers(0, 6)


class Programs(RuleBasedStateMachine):
    """Values are picked by how many steps back they were made: programs grow deep."""

    def __init__(self) -> None:
        super().__init__()
        Clock.now = 0
        Clock.recording = True
        self.leaves: list[Pair] = []
        self.values: list[Pair] = []

    def pick(self, back: int) -> Pair:
        return self.values[-1 - back % len(self.values)]

    def keep(self, engine: ai.Tensor, naive: Naive) -> None:
        assert engine.shape == naive.value.shape
        assert engine.requires_grad == naive.tracked
        assert engine.is_leaf == naive.is_leaf
        np.testing.assert_allclose(engine.data, naive.value, rtol=1e-12, atol=1e-12)
        if np.abs(naive.value).max() <= LARGE:
            self.values.append(Pair(engine, naive))

    @initialize()
    def begin(self) -> None:
        self.new((2, 3), -0.5, True)
        self.new((3, 2), 0.25, True)

    @rule(shape=shapes, start=numbers, requires_grad=st.booleans())
    def new(self, shape: tuple[int, ...], start: float, requires_grad: bool) -> None:
        array = start + np.arange(math.prod(shape)).reshape(shape) / 8
        naive = constant(array.copy())
        naive.tracked = requires_grad
        pair = Pair(ai.tensor(array, requires_grad=requires_grad), naive)
        self.leaves.append(pair)
        self.values.append(pair)

    @rule(a=steps_back, b=steps_back, which=st.sampled_from(["add", "multiply", "maximum"]))
    def binary(self, a: int, b: int, which: str) -> None:
        x, y = self.pick(a), self.pick(b)
        try:
            np.broadcast_shapes(x.engine.shape, y.engine.shape)
        except ValueError:
            y = Pair(ai.sum(y.engine), total(y.naive))
        naive = {"add": add, "multiply": multiply, "maximum": larger}[which]
        self.keep(getattr(ai, which)(x.engine, y.engine), naive(x.naive, y.naive))

    @rule(a=steps_back, b=steps_back)
    def unrecorded(self, a: int, b: int) -> None:
        Clock.recording = False
        try:
            with ai.no_grad():
                self.binary(a, b, "multiply")
        finally:
            Clock.recording = True

    @rule(a=steps_back, b=steps_back)
    def product(self, a: int, b: int) -> None:
        x, y = self.pick(a), self.pick(b)
        if x.engine.ndim == y.engine.ndim == 2:
            if x.engine.shape[1] != y.engine.shape[0]:
                y = Pair(x.engine.T, transpose(x.naive))
            self.keep(x.engine @ y.engine, matmul(x.naive, y.naive))

    @rule(a=steps_back, which=st.sampled_from(["tanh", "sin", "negative"]))
    def unary(self, a: int, which: str) -> None:
        x = self.pick(a)
        naive = {"tanh": tanh, "sin": sin, "negative": negative}[which]
        self.keep(getattr(ai, which)(x.engine), naive(x.naive))

    @rule(a=steps_back, axis=st.sampled_from([None, 0, -1]), keepdims=st.booleans())
    def reduce(self, a: int, axis: int | None, keepdims: bool) -> None:
        x = self.pick(a)
        axis = axis if x.engine.ndim else None
        self.keep(x.engine.sum(axis, keepdims), total(x.naive, axis, keepdims))

    @rule(a=steps_back, column=st.booleans())
    def reshaped(self, a: int, column: bool) -> None:
        x = self.pick(a)
        shape = (x.engine.size, 1) if column else (x.engine.size,)
        self.keep(x.engine.reshape(shape), reshape(x.naive, shape))

    @rule(a=steps_back)
    def transposed(self, a: int) -> None:
        x = self.pick(a)
        self.keep(x.engine.T, transpose(x.naive))

    @rule(a=steps_back, n=st.integers(1, 3))
    def stretched(self, a: int, n: int) -> None:
        x = self.pick(a)
        if x.engine.ndim < 2:
            shape = (n, *x.engine.shape)
            self.keep(ai.broadcast_to(x.engine, shape), stretch(x.naive, shape))

    @rule(a=steps_back, index=st.sampled_from([0, -1, slice(None, None, -1), slice(1), [0, 0, -1]]))
    def indexed(self, a: int, index: Any) -> None:
        x = self.pick(a)
        if x.engine.ndim:
            self.keep(x.engine[index], take(x.naive, index))

    @rule(a=steps_back, b=steps_back)
    def joined(self, a: int, b: int) -> None:
        x, y = self.pick(a), self.pick(b)
        if x.engine.ndim:
            y = y if y.engine.shape[1:] == x.engine.shape[1:] and y.engine.ndim else x
            if x.engine.size + y.engine.size < 20:
                self.keep(ai.concat([x.engine, y.engine]), join(x.naive, y.naive))

    @rule(a=steps_back)
    def detached(self, a: int) -> None:
        x = self.pick(a)
        self.keep(x.engine.detach(), Naive(x.naive.value, tick(), x.naive.memory))

    @rule(a=steps_back)
    def forget(self, a: int) -> None:
        """Drop a handle; the graph behind it lives on in its consumers."""
        if len(self.values) > 1:
            self.values.remove(self.pick(a))

    @rule(a=steps_back, value=numbers)
    def write(self, a: int, value: float) -> None:
        x = self.pick(a)
        if x.engine.data.flags.writeable:
            x.engine.assign(value)
            x.naive.value[...] = value
            x.naive.memory.written = tick()

    @rule()
    def zero_grad(self) -> None:
        for leaf in self.leaves:
            leaf.engine.grad = None
            leaf.naive.grad = None

    @rule(back=steps_back, retain=st.booleans())
    def backward(self, back: int, retain: bool) -> None:
        a = self.pick(back)
        if not a.naive.tracked:
            return
        passed = []
        for v in ancestors(a.naive):
            if not v.is_leaf:
                if v.freed or v.stale:
                    break
                passed.append(v)
        else:
            v = None
        if not retain:
            for done in passed:
                done.freed = True
        cotangent = np.linspace(0.5, 1.0, a.engine.size).reshape(a.engine.shape)
        if v is not None:
            message = "released by an earlier backward" if v.freed else "written in place"
            with pytest.raises(RuntimeError, match=message):
                a.engine.backward(cotangent, retain_graph=retain)
            return
        a.engine.backward(cotangent, retain_graph=retain)
        for leaf, gradient in pull_back(a.naive, constant(cotangent)).items():
            before = 0.0 if leaf.grad is None else leaf.grad
            leaf.grad = before + gradient.value

    @rule(back=steps_back)
    def second_order(self, back: int) -> None:
        a = self.pick(back)
        if not a.naive.tracked or any(v.freed or v.stale for v in ancestors(a.naive)):
            return
        self.zero_grad()
        a.engine.backward(np.ones(a.engine.shape), create_graph=True)
        first = pull_back(a.naive, constant(np.ones(a.engine.shape)))
        leaves = [leaf for leaf in self.leaves if leaf.naive in first]
        engine: Any = ai.tensor(0.0, dtype="float64")
        naive = constant(0.0)
        for leaf in leaves:
            g, weight = leaf.engine.grad, 1 + np.arange(leaf.engine.size) / 4
            assert g is not None
            weight = weight.reshape(leaf.engine.shape)
            gradient = first[leaf.naive]
            np.testing.assert_allclose(g.data, gradient.value, rtol=1e-9, atol=1e-9)
            engine = engine + ai.sum(g * g * weight)
            naive = add(naive, total(multiply(multiply(gradient, gradient), constant(weight))))
        self.zero_grad()
        assert engine.requires_grad or not naive.tracked
        if not engine.requires_grad:
            return
        engine.backward(retain_graph=True)
        if naive.tracked:
            for leaf_, gradient in pull_back(naive, constant(1.0)).items():
                leaf_.grad = gradient.value
        self.compare(zeros_are_none=True)
        self.zero_grad()

    def compare(self, zeros_are_none: bool = False) -> None:
        for leaf in self.leaves:
            ours, expected = leaf.engine.grad, leaf.naive.grad
            if zeros_are_none:  # a curvature of zero may have a path or none
                shape = leaf.engine.shape
                mine = np.zeros(shape) if ours is None else ours.data
                naive = np.zeros(shape) if expected is None else expected
                scale = 1 + np.abs(naive).max()
                np.testing.assert_allclose(mine, naive, rtol=1e-8, atol=1e-9 * scale)
                continue
            assert (ours is None) == (expected is None)
            if ours is not None and expected is not None:
                assert ours.shape == leaf.engine.shape
                assert not ours.requires_grad
                scale = 1 + np.abs(expected).max()
                np.testing.assert_allclose(ours.data, expected, rtol=1e-9, atol=1e-11 * scale)

    def teardown(self) -> None:
        """Differentiate whatever is left, so that no program goes by unchecked."""
        for back in range(len(self.values)):
            self.backward(back, retain=True)
            self.compare()
            self.second_order(back)

    @invariant()
    def gradients_agree(self) -> None:
        self.compare()

    @invariant()
    def values_agree(self) -> None:
        for leaf in self.leaves:
            np.testing.assert_array_equal(leaf.engine.data, leaf.naive.value)


def test_random_programs_agree_with_the_naive_graph() -> None:
    run_state_machine_as_test(Programs, settings=settings(max_examples=60, stateful_step_count=50))


@pytest.mark.slow
def test_many_random_programs_agree_with_the_naive_graph() -> None:
    run_state_machine_as_test(
        Programs, settings=settings(max_examples=1000, stateful_step_count=50)
    )
