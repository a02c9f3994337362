"""A tanh network with one logit: binary cross entropy, SGD, full batch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import autograd_iron as ai
import nn
from tests.benchmarks import peers
from tests.benchmarks.peers import Layers, Step, Through

RATE = 0.1

# What each hidden value, each output value and each parameter goes through, for the floor.
HIDDEN = ("add", "tanh", "multiply", "subtract", "multiply")
OUTPUT = (
    *("add", "absolute", "negative", "exp", "log1p", "maximum", "multiply", "subtract", "add"),
    *("negative", "exp", "add", "divide", "subtract", "multiply"),
)
UPDATE = ("multiply", "subtract")


def weights(sizes: tuple[int, ...]) -> Layers:
    rng = np.random.default_rng(0)
    return [
        ((rng.standard_normal((n, m)) / np.sqrt(n)).astype("float32"), np.zeros(m, "float32"))
        for n, m in pairwise(sizes)
    ]


def data(points: int) -> tuple[np.ndarray, np.ndarray]:
    if points == 4:
        x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
        return x, np.array([[0], [1], [1], [0]], "float32")
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (points, 2)).astype("float32")
    return x, (x[:, :1] * x[:, 1:] > 0).astype("float32")


def ours(
    sizes: tuple[int, ...],
    points: int,
    through: Through = peers.as_it_is,
    device: str = "cpu",
    dtype: str = "float32",
) -> Step:
    layers = [(w.astype(dtype), b.astype(dtype)) for w, b in weights(sizes)]
    model = peers.network(layers, nn.Tanh, device)
    x, y = (ai.tensor(a, dtype=dtype, device=device) for a in data(points))
    loss_of = nn.BCEWithLogitsLoss()
    optimizer = nn.SGD(model.parameters(), RATE)

    def train_step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    step = through(train_step)
    return lambda: step(x, y)


def by_hand(sizes: tuple[int, ...], points: int, xp: Any = np) -> Step:
    layers = peers.to_library(xp, weights(sizes))
    x, y = map(xp.asarray, data(points))

    def step() -> np.floating:
        inputs, h = [], x
        for i, (w, b) in enumerate(layers):
            inputs.append(h)
            z = h @ w + b
            h = xp.tanh(z) if i < len(layers) - 1 else z
        e = xp.exp(-xp.abs(h))
        loss = xp.mean(xp.maximum(h, 0) - h * y + xp.log1p(e))
        g = (xp.where(h >= 0, 1, e) / (1 + e) - y) / np.float32(points)
        for i in range(len(layers) - 1, -1, -1):
            w, b = layers[i]
            h = inputs[i]
            dw, db = h.T @ g, g.sum(axis=0)
            if i:
                g = (g @ w.T) * (1 - h * h)
            w -= np.float32(RATE) * dw
            b -= np.float32(RATE) * db
        return loss

    return step


def in_torch(
    sizes: tuple[int, ...], points: int, through: Through = peers.as_it_is, device: str = "cpu"
) -> Step:
    import torch

    model = peers.torch_network(weights(sizes), torch.nn.Tanh, device)
    x, y = (torch.from_numpy(a).to(device) for a in data(points))
    loss_of = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), RATE)

    def train_step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    step = through(train_step)
    return lambda: step(x, y)


def in_jax(sizes: tuple[int, ...], points: int) -> Step:
    import jax
    import jax.numpy as jnp

    params = peers.jax_arrays(weights(sizes))
    x, y = peers.jax_arrays(data(points))

    def loss_of(params: list, x: jax.Array, y: jax.Array) -> jax.Array:
        h = x
        for w, b in params[:-1]:
            h = jnp.tanh(h @ w + b)
        w, b = params[-1]
        z = h @ w + b
        return jnp.mean(jax.nn.softplus(z) - z * y)

    def train_step(params: list, x: jax.Array, y: jax.Array) -> tuple[list, jax.Array]:
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradients), loss

    compiled = jax.jit(train_step, donate_argnums=0)

    def step() -> jax.Array:
        nonlocal params
        params, loss = compiled(params, x, y)
        return loss.block_until_ready()

    return step
