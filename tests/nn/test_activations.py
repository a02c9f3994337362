"""Activations, dropout and distances: what they draw, their edges, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn
from nn import functional

X = np.linspace(-3, 3, 12).reshape(3, 4)


@pytest.mark.parametrize(
    ("call", "at", "gradient"),
    [
        (functional.relu6, [0.0, 6.0, 3.0], [0, 0, 1]),
        (functional.hardtanh, [-1.0, 1.0, 0.5], [0, 0, 1]),
        (functional.leaky_relu, [0.0, 1.0], [0.01, 1]),
        (functional.elu, [0.0, -800.0, 800.0], [1, 0, 1]),
        (functional.hardshrink, [0.5, -0.5, 1.0], [0, 0, 1]),
        (functional.softplus, [-800.0, 0.0, 800.0], [0, 0.5, 1]),
        (functional.logsigmoid, [-800.0, 0.0, 800.0], [1, 0.5, 0]),
        (functional.gelu, [-800.0, 0.0, 800.0], [0, 0.5, 1]),
        (functional.mish, [-800.0, 800.0], [0, 1]),
        (lambda x: functional.normalize(x, dim=0), [0.0, 0.0], [1e12, 1e12]),
    ],
)
def test_gradients_at_edges_are_pytorchs(call: Any, at: list[float], gradient: Any) -> None:
    x = ai.tensor(at, requires_grad=True)
    ai.sum(call(x)).backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.data, gradient, rtol=1e-6)


def test_no_threshold_takes_nan_for_small() -> None:
    for name in ("relu", "hardshrink", "softshrink", "hardtanh", "threshold", "leaky_relu"):
        call = getattr(functional, name)
        made = call([math.nan], 0.1, 0.0) if name == "threshold" else call([math.nan])
        assert math.isnan(made.item()), name


def test_dropout_keeps_the_mean_and_what_the_generator_says() -> None:
    x = ai.ones(20_000)
    y = functional.dropout(x, 0.3, generator=ai.Generator(1))
    assert set(np.round(y.numpy(), 4)) == {0.0, np.float32(1.4286)}
    assert abs(float(ai.mean(y)) - 1) < 0.02
    assert y.tolist() == functional.dropout(x, 0.3, generator=ai.Generator(1)).tolist()
    assert functional.dropout(x, 0.3, training=False) is x
    assert not functional.dropout(x, 1.0).numpy().any()
    with pytest.raises(ValueError, match="p is a share"):
        functional.dropout(x, 1.5)


def test_dropout_of_channels_and_its_gradient() -> None:
    x = ai.tensor(np.ones((4, 5, 3, 2)), requires_grad=True)
    y = functional.dropout2d(x, 0.5, generator=ai.Generator(0))
    sizes = y.numpy().reshape(20, 6)
    assert all(len(set(row)) == 1 for row in sizes.tolist())
    ai.sum(y).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.data, y.data)
    with pytest.raises(ValueError, match="3 axes after the channels"):
        functional.dropout3d(x[0, 0])


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = ai.Generator(0).normal((50_000,))
    y = functional.alpha_dropout(x, 0.2, training=True, generator=ai.Generator(2)).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02


def test_gumbel_softmax_draws_classes_in_their_shares() -> None:
    logits = ai.tensor(np.log(np.tile([0.5, 0.3, 0.2], (20_000, 1))), requires_grad=True)
    y = functional.gumbel_softmax(logits, hard=True, generator=ai.Generator(0))
    np.testing.assert_allclose(y.detach().numpy().mean(axis=0), [0.5, 0.3, 0.2], atol=0.02)
    ai.sum(y[:, 0]).backward()
    assert logits.grad is not None
    assert np.any(logits.grad.numpy())
    soft = functional.gumbel_softmax(logits.detach(), tau=0.5)
    np.testing.assert_allclose(soft.numpy().sum(axis=1), 1, rtol=1e-5)


def test_rrelu_draws_slopes_in_training() -> None:
    y = functional.rrelu(-ai.ones(1000), training=True, generator=ai.Generator(0)).numpy()
    assert -1 / 3 <= y.min() < y.max() <= -1 / 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: functional.glu(ai.ones((2, 3))), "its size is even"),
        (lambda: functional.gelu(X, "erf"), "approximate is"),
        (lambda: functional.hardtanh(X, 1.0, 1.0), "min_val is below max_val"),
        (lambda: functional.prelu(X, np.ones(3)), "one for each of the 4 channels"),
        (lambda: functional.softshrink(X, -1.0), "lambd is not negative"),
        (lambda: functional.celu(X, 0.0), "alpha divides"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_dropout_in_a_compiled_step_draws_anew() -> None:
    step = ai.compile(lambda x: nn.functional.dropout(x, 0.5))
    x = ai.ones(64)
    assert step(x).tolist() != step(x).tolist()
