"""A relu classifier on one batch: cross entropy, SGD with momentum."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_iron as ai
import nn
from tests.benchmarks import peers
from tests.benchmarks.peers import Layers, Step, Through

if TYPE_CHECKING:
    import jax

SIZES = (784, 256, 128, 10)
RATE, MOMENTUM = 0.01, 0.9

# What each hidden value, each output value and each parameter goes through, for the floor.
HIDDEN = ("add", "maximum", "greater", "multiply")
OUTPUT = ("add", "subtract", "exp", "divide", "subtract", "multiply")
UPDATE = ("multiply", "add", "multiply", "subtract")


def weights() -> Layers:
    rng = np.random.default_rng(0)
    return [
        ((rng.standard_normal((n, m)) * np.sqrt(2 / n)).astype("float32"), np.zeros(m, "float32"))
        for n, m in pairwise(SIZES)
    ]


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, SIZES[0]), "float32"), rng.integers(0, SIZES[-1], rows)


def ours(rows: int, through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    model = peers.network(weights(), nn.ReLU, device)
    x, labels = (ai.tensor(a, device=device) for a in data(rows))
    loss_of = nn.CrossEntropyLoss()
    optimizer = nn.SGD(model.parameters(), RATE, momentum=MOMENTUM)

    def train_step(x: ai.Tensor, labels: ai.Tensor) -> ai.Tensor:
        loss = loss_of(model(x), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    step = through(train_step)
    return lambda: step(x, labels)


def by_hand(rows: int, xp: Any = np) -> Step:
    layers = peers.to_library(xp, weights())
    x, labels = map(xp.asarray, data(rows))
    each = xp.arange(rows)
    velocities = [[xp.zeros_like(p) for p in layer] for layer in layers]

    def step() -> np.floating:
        inputs = [x]
        for w, b in layers[:-1]:
            inputs.append(xp.maximum(inputs[-1] @ w + b, 0))
        w, b = layers[-1]
        z = inputs[-1] @ w + b
        z -= z.max(axis=1, keepdims=True)
        g = xp.exp(z)
        total = g.sum(axis=1, keepdims=True)
        loss = xp.mean(xp.log(total[:, 0]) - z[each, labels])
        g /= total
        g[each, labels] -= 1
        g /= rows
        for i in range(len(layers) - 1, -1, -1):
            gradients = inputs[i].T @ g, g.sum(axis=0)
            if i:
                g = (g @ layers[i][0].T) * (inputs[i] > 0)
            for p, v, dp in zip(layers[i], velocities[i], gradients, strict=True):
                v *= MOMENTUM
                v += dp
                p -= RATE * v
        return loss

    return step


def in_torch(rows: int, through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    import torch

    model = peers.torch_network(weights(), torch.nn.ReLU, device)
    x, labels = (torch.from_numpy(a).to(device) for a in data(rows))
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=MOMENTUM)

    def train_step(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        loss = loss_of(model(x), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    step = through(train_step)
    return lambda: step(x, labels)


def in_jax(rows: int) -> Step:
    import jax
    import jax.numpy as jnp

    params = peers.jax_arrays(weights())
    x, labels = peers.jax_arrays(data(rows))
    velocities = jax.tree.map(jnp.zeros_like, params)

    def train_step(
        params: list, velocities: list, x: jax.Array, labels: jax.Array
    ) -> tuple[list, list, jax.Array]:
        loss, gradients = jax.value_and_grad(jax_loss)(params, x, labels)
        velocities = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocities, gradients)
        return jax.tree.map(lambda p, v: p - RATE * v, params, velocities), velocities, loss

    compiled = jax.jit(train_step, donate_argnums=(0, 1))

    def step() -> jax.Array:
        nonlocal params, velocities
        params, velocities, loss = compiled(params, velocities, x, labels)
        return loss.block_until_ready()

    return step


def jax_loss(params: list, x: jax.Array, labels: jax.Array) -> jax.Array:
    import jax
    import jax.numpy as jnp

    h = x
    for w, b in params[:-1]:
        h = jax.nn.relu(h @ w + b)
    w, b = params[-1]
    chosen = jnp.take_along_axis(jax.nn.log_softmax(h @ w + b), labels[:, None], axis=1)
    return -jnp.mean(chosen)
