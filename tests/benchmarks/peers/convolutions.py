"""A network of 3 x 3 convolutions on images of 3 x 32 x 32: cross entropy, plain SGD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_iron as ai
import nn
from tests.benchmarks import peers
from tests.benchmarks.peers import Step, Through

RATE = 0.01
SHAPES = (
    *((32, 3, 3, 3), (32,), (32, 32, 3, 3), (32,)),
    *((64, 32, 3, 3), (64,), (64, 64, 3, 3), (64,)),
    *((10, 64 * 8 * 8), (10,)),
)


def weights() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    scales = [np.sqrt(2 / np.prod(s[1:])) if len(s) > 1 else 0.0 for s in SHAPES]
    return [
        (rng.standard_normal(s) * scale).astype("float32")
        for s, scale in zip(SHAPES, scales, strict=True)
    ]


def data(images: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((images, 3, 32, 32), "float32"), rng.integers(0, 10, images)


def logits(x: Any, p: Any, conv: Any, relu: Any, pool: Any, reshape: Any) -> Any:
    """Return what the network says, in the words of any library."""
    for i in (0, 4):
        x = relu(conv(x, p[i], p[i + 1]))
        x = pool(relu(conv(x, p[i + 2], p[i + 3])))
    return reshape(x, (x.shape[0], -1)) @ p[8].T + p[9]


def ours(images: int, through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    params = [ai.tensor(a, requires_grad=True, device=device) for a in weights()]
    x, labels = (ai.tensor(a, device=device) for a in data(images))
    F = nn.functional
    words: tuple[Callable[..., Any], ...] = (
        lambda x, w, b: F.conv2d(x, w, b, padding=1),
        ai.relu,
        lambda x: F.max_pool2d(x, 2),
        ai.reshape,
    )

    def train_step(x: ai.Tensor, labels: ai.Tensor) -> ai.Tensor:
        loss = F.cross_entropy(logits(x, params, *words), labels)
        loss.backward()
        with ai.no_grad():
            for p in params:
                p.assign(p - RATE * p.grad)
                p.grad = None
        return loss

    step = through(train_step)
    return lambda: step(x, labels)


def in_torch(images: int, through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    import torch
    from torch.nn import functional

    params = [torch.from_numpy(a).to(device).requires_grad_() for a in weights()]
    x, labels = (torch.from_numpy(a).to(device) for a in data(images))

    def train_step(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        z = logits(
            x,
            params,
            lambda x, w, b: functional.conv2d(x, w, b, padding=1),
            torch.relu,
            lambda x: functional.max_pool2d(x, 2),
            torch.reshape,
        )
        loss = functional.cross_entropy(z, labels)
        gradients = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, gradients, strict=True):
                p -= RATE * g
        return loss.detach()

    step = through(train_step)
    return lambda: step(x, labels)


def in_jax(images: int) -> Step:
    import jax
    import jax.numpy as jnp

    params = peers.jax_arrays(weights())
    x, labels = peers.jax_arrays(data(images))

    def conv(x: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
        return jax.lax.conv(x, w, (1, 1), "SAME") + b[:, None, None]

    def pool(x: jax.Array) -> jax.Array:
        size = (1, 1, 2, 2)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, size, size, "VALID")

    def loss_of(params: list, x: jax.Array, labels: jax.Array) -> jax.Array:
        z = jax.nn.log_softmax(logits(x, params, conv, jax.nn.relu, pool, jnp.reshape))
        return -jnp.mean(jnp.take_along_axis(z, labels[:, None], axis=1))

    def train_step(params: list, x: jax.Array, labels: jax.Array) -> tuple[list, jax.Array]:
        loss, gradients = jax.value_and_grad(loss_of)(params, x, labels)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradients), loss

    compiled = jax.jit(train_step, donate_argnums=(0,))

    def step() -> jax.Array:
        nonlocal params
        params, loss = compiled(params, x, labels)
        return loss.block_until_ready()

    return step
