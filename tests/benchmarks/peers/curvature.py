"""A Hessian-vector product of the classifier's loss: no gradient is kept, no weight changes."""

from __future__ import annotations

import numpy as np

import autograd_iron as ai
import nn
from tests.benchmarks import peers
from tests.benchmarks.peers import Layers, Step, Through
from tests.benchmarks.peers.classifier import SIZES, data, jax_loss, weights


def direction() -> Layers:
    rng = np.random.default_rng(2)
    return [
        (rng.standard_normal(w.shape, "float32"), rng.standard_normal(b.shape, "float32"))
        for w, b in weights()
    ]


def flat(layers: Layers) -> list[np.ndarray]:
    return [array for layer in layers for array in layer]


def ours(rows: int, through: Through = peers.as_it_is) -> Step:
    params, v = (
        [ai.tensor(a.T.copy()) for a in flat(layers)] for layers in (weights(), direction())
    )
    x, labels = (ai.tensor(a) for a in data(rows))
    cross_entropy = nn.CrossEntropyLoss()

    def loss_of(params: list[ai.Tensor], x: ai.Tensor, labels: ai.Tensor) -> ai.Tensor:
        *hidden, w, b = params
        h = x
        for i in range(0, len(hidden), 2):
            h = ai.relu(ai.linear(h, hidden[i], hidden[i + 1]))
        return cross_entropy(ai.linear(h, w, b), labels)

    def slope(
        params: list[ai.Tensor], v: list[ai.Tensor], x: ai.Tensor, labels: ai.Tensor
    ) -> ai.Tensor:
        gradients = ai.grad(loss_of)(params, x, labels)
        return sum(ai.sum(g * u) for g, u in zip(gradients, v, strict=True))

    product = through(ai.grad(slope))
    return lambda: [made.T for made in product(params, v, x, labels)]


def by_hand(rows: int) -> Step:
    """Differentiate the gradient along v (Pearlmutter, Neural Computation 6, 1994)."""
    layers, v = weights(), direction()
    x, labels = data(rows)
    one_hot = np.eye(SIZES[-1], dtype="float32")[labels]

    def step() -> list[np.ndarray]:
        h, dh, inputs = x, None, []
        for (w, b), (vw, vb) in zip(layers, v, strict=True):
            inputs.append((h, dh))
            z, dz = h @ w + b, h @ vw + vb
            if dh is not None:
                dz += dh @ w
            h, dh = np.maximum(z, 0), dz * (z > 0)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        g = (p - one_hot) / rows
        dg = p * (dz - (p * dz).sum(axis=1, keepdims=True)) / rows
        products = []
        for i in range(len(layers) - 1, -1, -1):
            h, dh = inputs[i]
            hw = h.T @ dg
            if dh is not None:
                hw += dh.T @ g
            products += [dg.sum(axis=0), hw]
            if i:
                positive = h > 0
                dg = (dg @ layers[i][0].T + g @ v[i][0].T) * positive
                g = (g @ layers[i][0].T) * positive
        return products[::-1]

    return step


def in_torch(rows: int) -> Step:
    """Differentiate twice backward, which torch.compile cannot."""
    import torch

    params = [torch.from_numpy(a).requires_grad_() for a in flat(weights())]
    v = [torch.from_numpy(a) for a in flat(direction())]
    x, labels = (torch.from_numpy(a) for a in data(rows))
    cross_entropy = torch.nn.CrossEntropyLoss()

    def step() -> list[torch.Tensor]:
        *hidden, w, b = params
        h = x
        for i in range(0, len(hidden), 2):
            h = torch.relu(torch.addmm(hidden[i + 1], h, hidden[i]))
        loss = cross_entropy(torch.addmm(b, h, w), labels)
        gradients = torch.autograd.grad(loss, params, create_graph=True)
        return list(torch.autograd.grad(gradients, params, v))

    return step


def in_jax(rows: int) -> Step:
    import jax

    params, v = peers.jax_arrays(weights()), peers.jax_arrays(direction())
    x, labels = peers.jax_arrays(data(rows))

    @jax.jit
    def product(params: list, v: list, x: jax.Array, labels: jax.Array) -> list:
        return jax.jvp(lambda p: jax.grad(jax_loss)(p, x, labels), (params,), (v,))[1]

    def step() -> list[jax.Array]:
        return jax.block_until_ready(flat(product(params, v, x, labels)))

    return step
