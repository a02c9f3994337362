"""A SIREN that learns a function of the plane: mean squared error, Adam, full batch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import autograd_iron as ai
import nn
from tests.benchmarks import peers
from tests.benchmarks.peers import Layers, Step, Through

SIZES = (2, 256, 256, 256, 1)
OMEGA = 30.0
RATE, BETAS, EPS = 1e-4, (0.9, 0.999), 1e-8

# What each hidden value, each output value and each parameter goes through, for the floor.
HIDDEN = ("add", "multiply", "sin", "cos", "multiply", "multiply")
OUTPUT = ("add", "subtract", "multiply", "multiply")
UPDATE = (
    *("multiply", "multiply", "add", "multiply", "multiply", "multiply", "add"),
    *("sqrt", "multiply", "add", "divide", "multiply", "subtract"),
)


def weights() -> Layers:
    rng = np.random.default_rng(0)
    layers = []
    for i, (n, m) in enumerate(pairwise(SIZES)):
        bound = np.sqrt(6 / n) / OMEGA if i else 1 / n
        shift = 1 / np.sqrt(n) / (OMEGA if i else 1)
        w, b = rng.uniform(-bound, bound, (n, m)), rng.uniform(-shift, shift, m)
        layers.append((w.astype("float32"), b.astype("float32")))
    return layers


def data(points: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (points, 2)).astype("float32")
    return x, np.sin(9 * x[:, :1]) * np.cos(7 * x[:, 1:])


def ours(points: int, through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    model = peers.network(weights(), lambda: nn.Sine(OMEGA), device)
    x, y = (ai.tensor(a, device=device) for a in data(points))
    loss_of = nn.MSELoss()
    optimizer = nn.Adam(model.parameters(), RATE, BETAS, EPS)

    def train_step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    step = through(train_step)
    return lambda: step(x, y)


def by_hand(points: int, xp: Any = np) -> Step:
    layers = peers.to_library(xp, weights())
    x, y = map(xp.asarray, data(points))
    moments = [[(xp.zeros_like(p), xp.zeros_like(p)) for p in layer] for layer in layers]
    steps = 0

    def step() -> np.floating:
        nonlocal steps
        steps += 1
        h, inputs, phases = x, [], []
        for w, b in layers[:-1]:
            inputs.append(h)
            phases.append(OMEGA * (h @ w + b))
            h = xp.sin(phases[-1])
        inputs.append(h)
        w, b = layers[-1]
        difference = h @ w + b - y
        loss = xp.mean(difference * difference)
        g = difference * (2 / points)
        for i in range(len(layers) - 1, -1, -1):
            gradients = inputs[i].T @ g, g.sum(axis=0)
            if i:
                g = (g @ layers[i][0].T) * (OMEGA * xp.cos(phases[i - 1]))
            for p, (m, v), dp in zip(layers[i], moments[i], gradients, strict=True):
                m += (1 - BETAS[0]) * (dp - m)
                v += (1 - BETAS[1]) * (dp * dp - v)
                first, second = 1 - BETAS[0] ** steps, 1 - BETAS[1] ** steps
                p -= RATE / first * m / (xp.sqrt(v) / second**0.5 + EPS)
        return loss

    return step


def in_torch(points: int, through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    import torch

    class Sine(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sin(OMEGA * x)

    model = peers.torch_network(weights(), Sine, device)
    x, y = (torch.from_numpy(a).to(device) for a in data(points))
    loss_of = torch.nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), RATE, BETAS, EPS)

    def train_step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    step = through(train_step)
    return lambda: step(x, y)


def in_jax(points: int) -> Step:
    import jax
    import jax.numpy as jnp

    params = peers.jax_arrays(weights())
    x, y = peers.jax_arrays(data(points))
    m, v = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    state = (params, m, v, jnp.zeros((), "int32"))

    def loss_of(params: list, x: jax.Array, y: jax.Array) -> jax.Array:
        h = x
        for w, b in params[:-1]:
            h = jnp.sin(OMEGA * (h @ w + b))
        w, b = params[-1]
        return jnp.mean(jnp.square(h @ w + b - y))

    def train_step(state: tuple, x: jax.Array, y: jax.Array) -> tuple[tuple, jax.Array]:
        params, m, v, steps = state
        loss, g = jax.value_and_grad(loss_of)(params, x, y)
        steps += 1
        m = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, m, g)
        v = jax.tree.map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, v, g)
        first, second = 1 - BETAS[0] ** steps, 1 - BETAS[1] ** steps

        def update(p: Any, m: Any, v: Any) -> Any:
            return p - RATE / first * m / (jnp.sqrt(v) / jnp.sqrt(second) + EPS)

        return (jax.tree.map(update, params, m, v), m, v, steps), loss

    compiled = jax.jit(train_step, donate_argnums=0)

    def step() -> jax.Array:
        nonlocal state
        state, loss = compiled(state, x, y)
        return loss.block_until_ready()

    return step
