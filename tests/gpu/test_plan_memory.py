"""Who owns which memory of a compiled step on a GPU, and that none of it is mistaken or lost."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401

import autograd_iron as ai

from .planning import RUNS, interpreted, near, twins

X = np.random.default_rng(0).standard_normal((6, 4)).astype("f4")
CALLS = [(X,), (X[::-1].copy(),), (X * 2,)]


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with interpreted():
        yield


def tensor(device: str, shape: tuple[int, ...] = (6, 4), seed: int = 1) -> ai.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape).astype("f4")
    return ai.tensor(values, device=device)


# --- assignments, and results that are somebody else's memory


def swap(device: str) -> Any:
    a, b = tensor(device), tensor(device, seed=2)

    def step() -> Any:
        old = a * 1
        a.assign(b)
        b.assign(old)
        return a, b

    return step, [a, b]


def gradient_from_before(device: str) -> Any:
    a, b = tensor(device), tensor(device, seed=2)
    a.grad = b

    def step() -> Any:
        assert a.grad is not None
        a.assign(a + a.grad)
        a.grad = a.grad * 0.5 + a
        return a.grad

    return step, [a, b]


def rotate(device: str) -> Any:
    a, b, c = (tensor(device, seed=i) for i in range(3))

    def step() -> Any:
        before = [a + 0.5, b * 1, c * 1]
        for t, new in zip((b, c, a), before, strict=True):
            t.assign(new)
        return before

    return step, [a, b, c]


def transposed_onto_itself(device: str) -> Any:
    a = tensor(device, (5, 5))

    def step() -> Any:
        a.assign(a.T * 1.5)
        return a.T, a

    return step, [a]


def read_after_being_assigned(device: str) -> Any:
    a, total = tensor(device), tensor(device, ())

    def step(x: ai.Tensor) -> Any:
        old = ai.sum(a * x)
        a.assign(a * 0.5 + x)
        total.assign(total + ai.sum(a))
        return old, ai.sum(a * x), total

    return step, [a, total]


def one_value_to_two_tensors(device: str) -> Any:
    a, b = tensor(device), tensor(device, seed=2)

    def step(x: ai.Tensor) -> Any:
        new = ai.tanh(a + x)
        a.assign(new)
        b.assign(new)
        return new, new * 1

    return step, [a, b]


def a_reduction_of_what_it_is_written_to(device: str) -> Any:
    a = tensor(device, (6, 1))

    def step(x: ai.Tensor) -> Any:
        a.assign(ai.sum(x * a, axis=1, keepdims=True))
        return a

    return step, [a]


def a_product_written_to_its_factor(device: str) -> Any:
    # Each run multiplies an error of rounding by 4, which float32 has no room for.
    turned, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))
    a = ai.tensor(turned, device=device)

    def step() -> None:
        a.assign(a @ a.T @ a @ a)

    return step, [a]


def an_argument_to_a_tensor(device: str) -> Any:
    a = tensor(device)

    def step(x: ai.Tensor) -> Any:
        old = a * 1
        a.assign(x)
        return x, a, old, x.T, x[1:3]

    return step, [a]


def captured_and_views(device: str) -> Any:
    a = tensor(device)
    return lambda x: (a, a.T, a[::2, 1], a.reshape(-1), ai.broadcast_to(a, (2, 6, 4)), x), [a]


def no_elements(device: str) -> Any:
    a, b = tensor(device, (0, 4)), tensor(device, ())

    def step(x: ai.Tensor) -> Any:
        none = x[:0]
        b.assign(b + ai.sum(none))
        a.assign(none * 2)
        joined = ai.concat([none, x, a], axis=0)
        return none, a, ai.sum(none, axis=0), none @ x.T, x.T[:, :0] @ none, joined, b, none.T

    return step, [a, b]


def numbers(device: str) -> Any:
    a = tensor(device, ())

    def step(x: ai.Tensor) -> Any:
        a.assign(ai.sin(a + x[0, 0]))
        return a, a.reshape(1, 1), ai.broadcast_to(a, (3,)), -a, a * x

    return step, [a]


def integers_and_truths(device: str) -> Any:
    count = ai.tensor(np.zeros((), "i8"), device=device)

    def step(x: ai.Tensor) -> Any:
        count.assign(count + ai.sum(x > 0))
        return count, x > 0, ai.argmax(x, axis=1), ai.any(x > 1, axis=0), count == 3

    return step, [count]


def a_gradient_that_is_the_parameter(device: str) -> Any:
    w = ai.tensor(X, requires_grad=True, device=device)

    def step() -> ai.Tensor:
        w.grad = None
        loss = 0.5 * ai.sum(w * w)
        loss.backward()
        w.assign(w - 0.1 * w.grad)
        return loss

    return step, [w]


def what_no_kernel_makes(device: str) -> Any:
    generator = ai.Generator(2)
    a, b, c = (tensor(device, seed=i) for i in range(3))
    d, e = tensor(device, (2,)), ai.zeros(3, dtype="float64", device=device)

    def step(x: ai.Tensor) -> Any:
        old = a, b, c
        drawn = generator.uniform((6, 4), device=x.device)
        a.assign(drawn)
        b.assign(0.5)
        c.assign(x)
        d.assign([3.0, 4.0])
        e.assign(0.1)
        return old, [drawn, drawn.T, a, a], {"b": b, "none": None, "number": 3}

    return step, [a, b, c, d, e]


def products_of_views(device: str) -> Any:
    w, b = tensor(device, (8, 4)), tensor(device, (3, 4, 6), seed=2)

    def step(x: ai.Tensor) -> Any:
        w.assign(w * 0.9)
        return (
            *(x[2:] @ w[1:5], x @ w[3:].T, x[1] @ b[2], x @ b, b[1:] @ x, b.mT @ b.mT[..., :4].mT),
            *(b[:, 1:3] @ x[:, 1:], b[:, :, 2:].mT @ b[::-1, :, :5], x.T[1:] @ x[:, 2:]),
        )

    return step, [w, b]


def halves(device: str) -> Any:
    a = ai.tensor(X.astype("f2"), device=device)

    def step(x: ai.Tensor) -> Any:
        y = (a + x.astype("float16")) * 0.5
        a.assign(y)
        return y, ai.max(y, axis=0), a.astype("float32") @ x.T

    return step, [a]


STEPS = [
    *(products_of_views, a_gradient_that_is_the_parameter, what_no_kernel_makes, halves),
    *(
        swap,
        gradient_from_before,
        rotate,
        transposed_onto_itself,
        read_after_being_assigned,
        one_value_to_two_tensors,
    ),
    *(a_reduction_of_what_it_is_written_to, a_product_written_to_its_factor),
    *(an_argument_to_a_tensor, captured_and_views, no_elements, numbers, integers_and_truths),
]


@pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)
def test_a_step_that_moves_memory(make: Any) -> None:
    step, _ = make("cpu")
    twins(make, *(CALLS if signature(step).parameters else ()), runs=6)


def strided(device: str) -> dict[str, ai.Tensor]:
    base = {name: tensor(device, (6, 8), seed=i).data for i, name in enumerate("abc")}
    return {
        "every other": ai.Tensor(base["a"][:, ::2]),
        "backwards": ai.Tensor(base["b"][::-1, :4]),
        "by columns": ai.Tensor(base["c"][:4, :6].T),
    }


@pytest.mark.parametrize("which", ["every other", "backwards", "by columns"])
def test_effects_on_tensors_with_gaps(which: str) -> None:
    def make(device: str) -> Any:
        a, b = strided(device)[which], strided(device)[which]

        def step(x: ai.Tensor) -> Any:
            old = a[1:] * 1
            a.assign(ai.tanh(a) + x)
            b.assign(x * 2)
            return a, old, ai.sum(a, axis=0), a @ x.T

        return step, [a, b]

    twins(make, *CALLS)


def test_arguments_with_gaps() -> None:
    step = ai.compile(lambda x: (x * 2, x @ x.T, ai.sum(x, axis=0)))
    wide = tensor("cuda", (12, 8))
    for _ in range(RUNS):
        for array in (wide.data[::2, ::2], wide.data[::-2, 4:], wide.data[:4, :6].T):
            x = ai.Tensor(array)
            near(step(x), (x * 2, x @ x.T, ai.sum(x, axis=0)))


def test_results_that_are_held_stay_as_they_are() -> None:
    a = tensor("cuda", ())

    def step(x: ai.Tensor) -> Any:
        a.assign(a + 1)
        return a, x * a, ai.sum(x) + a, a, x[:0]

    compiled = ai.compile(step)
    start, held = a.item(), []
    data = tensor("cuda", (40, 5))
    for _ in range(300):
        held.append(compiled(data))
    assert len({t.data.data.ptr for made in held for t in made if t.size}) == 4 * len(held)
    for i, made in enumerate(held, 1):
        now = np.float32(start) + np.arange(1, i + 1).size
        expected = data.numpy() * np.float32(now)
        np.testing.assert_allclose(made[0].numpy(), now, rtol=1e-4)
        np.testing.assert_allclose(made[1].numpy(), expected, rtol=1e-4)
        np.testing.assert_allclose(made[2].numpy(), data.numpy().sum() + now, rtol=1e-4)
        assert made[3].item() == made[0].item()


def test_a_result_may_be_written_to() -> None:
    a = tensor("cuda")
    step = ai.compile(lambda: (a, ai.sum(a)))
    for _ in range(RUNS):
        copy, total = step()
        copy.assign(0)
        total.assign(-1)
    near(step(), (a, ai.sum(a)))


# --- gradients that are left


def test_gradients_add_up_over_steps() -> None:
    def make(device: str) -> Any:
        w = ai.tensor(X, requires_grad=True, device=device)

        def step(x: ai.Tensor) -> ai.Tensor:
            loss = ai.sum(ai.square(w * x))
            loss.backward()
            return loss

        return step, [w]

    step = twins(make, *CALLS, runs=8)
    assert "2 captures" in step.explain()  # without a .grad, and with one


def test_gradients_that_are_held_and_cleared() -> None:
    w = ai.tensor(X, requires_grad=True, device="cuda")

    def step(x: ai.Tensor) -> None:
        w.grad = None
        ai.sum(w * x).backward()

    compiled = ai.compile(step)
    held = []
    for i in range(RUNS):
        compiled(ai.full((6, 4), float(i), device="cuda"))
        held.append(w.grad)
    for i, gradient in enumerate(held):
        np.testing.assert_array_equal(gradient.numpy(), np.full((6, 4), i, "f4"))


def test_requires_grad_of_a_parameter_changes() -> None:
    def make(device: str) -> Any:
        v, w = tensor(device), tensor(device, seed=2)
        v, w = (ai.Tensor(t.data, requires_grad=True) for t in (v, w))

        def step(x: ai.Tensor) -> Any:
            v.grad = w.grad = None
            ai.sum(ai.sin(v * x) * w).backward()
            return v.grad, w.grad if w.requires_grad else x

        return step, [v, w]

    for change in (False, True):
        host, (_, host_w) = make("cpu")
        step, (_, w) = make("cuda")
        compiled = ai.compile(step)
        for i in range(2 * RUNS):
            if change and i == RUNS:
                host_w.requires_grad = w.requires_grad = False
                host_w.grad = w.grad = None
            near(compiled(ai.tensor(X, device="cuda")), host(ai.tensor(X)))
