"""A transformer block of 128 features and 4 heads: mean square of its output, plain SGD."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_iron as ai
import nn
from tests.benchmarks import peers
from tests.benchmarks.peers import Step, Through

RATE = 0.01
WIDTH, HEADS = 128, 4
MATRICES = ((3 * WIDTH, WIDTH), (WIDTH, WIDTH), (4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH))

Params = list[Any]


def weights() -> Params:
    """Return four matrices, their biases, and the scale and shift of two normalisations."""
    rng = np.random.default_rng(0)
    made = [(rng.standard_normal(s) / np.sqrt(s[1])).astype("float32") for s in MATRICES]
    made += [np.zeros(s[0], "float32") for s in MATRICES]
    return made + [np.full(WIDTH, v, "float32") for v in (1, 0, 1, 0)]


def data(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((*shape, WIDTH), "float32")


def block(x: Any, p: Params, norm: Any, attend: Any, relu: Any, reshape: Any, permute: Any) -> Any:
    """Return what the block makes of (samples, places, width), in the words of any library."""
    samples, places, width = x.shape
    h = norm(x, p[8], p[9]) @ p[0].T + p[4]
    parts = permute(reshape(h, (samples, places, 3, HEADS, width // HEADS)), (2, 0, 3, 1, 4))
    a = attend(parts[0], parts[1], parts[2])
    x = x + reshape(permute(a, (0, 2, 1, 3)), (samples, places, width)) @ p[1].T + p[5]
    h = norm(x, p[10], p[11])
    return x + relu(h @ p[2].T + p[6]) @ p[3].T + p[7]


def ours(shape: tuple[int, int], through: Through = peers.as_it_is, device: str = "cpu") -> Step:
    params = [ai.tensor(a, requires_grad=True, device=device) for a in weights()]
    x = ai.tensor(data(shape), device=device)
    F = nn.functional
    words: tuple[Callable[..., Any], ...] = (
        lambda x, w, b: F.layer_norm(x, WIDTH, w, b),
        F.scaled_dot_product_attention,
        ai.relu,
        ai.reshape,
        ai.permute_dims,
    )

    def train_step(x: ai.Tensor) -> ai.Tensor:
        loss = ai.mean(ai.square(block(x, params, *words)))
        loss.backward()
        with ai.no_grad():
            for p in params:
                p.assign(p - RATE * p.grad)
                p.grad = None
        return loss

    step = through(train_step)
    return lambda: step(x)


def in_torch(
    shape: tuple[int, int], through: Through = peers.as_it_is, device: str = "cpu"
) -> Step:
    import torch
    from torch.nn import functional

    params = [torch.from_numpy(a).to(device).requires_grad_() for a in weights()]
    x = torch.from_numpy(data(shape)).to(device)

    def train_step(x: torch.Tensor) -> torch.Tensor:
        y = block(
            x,
            params,
            lambda x, w, b: functional.layer_norm(x, (WIDTH,), w, b),
            functional.scaled_dot_product_attention,
            torch.relu,
            torch.reshape,
            torch.permute,
        )
        loss = (y * y).mean()
        gradients = torch.autograd.grad(loss, params)
        with torch.no_grad():
            for p, g in zip(params, gradients, strict=True):
                p -= RATE * g
        return loss.detach()

    step = through(train_step)
    return lambda: step(x)


def in_jax(shape: tuple[int, int]) -> Step:
    import jax
    import jax.numpy as jnp

    params = peers.jax_arrays(weights())
    x = peers.jax_arrays(data(shape))

    def norm(x: jax.Array, w: jax.Array, b: jax.Array) -> jax.Array:
        return jax.nn.standardize(x, epsilon=1e-5) * w + b

    def attend(q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        scores = q @ jnp.matrix_transpose(k) / math.sqrt(q.shape[-1])
        return jax.nn.softmax(scores) @ v

    def loss_of(params: Params, x: jax.Array) -> jax.Array:
        y = block(x, params, norm, attend, jax.nn.relu, jnp.reshape, jnp.transpose)
        return jnp.mean(y * y)

    def train_step(params: Params, x: jax.Array) -> tuple[Params, jax.Array]:
        loss, gradients = jax.value_and_grad(loss_of)(params, x)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradients), loss

    compiled = jax.jit(train_step, donate_argnums=(0,))

    def step() -> jax.Array:
        nonlocal params
        params, loss = compiled(params, x)
        return loss.block_until_ready()

    return step
