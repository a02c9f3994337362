"""Training steps and derivatives: a compiled step leaves the bits that the eager one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import (  # noqa: F401
    OPTIMIZERS,
    X,
    arrays_in,
    model_of,
    proven,
    same_bits,
    states,
    training,
    x_of,
)

import autograd_iron as ai
import nn

# --- training


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
