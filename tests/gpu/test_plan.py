"""A compiled step on a GPU: what it computes, and what it costs."""

from itertools import pairwise
from typing import Any

import numpy as np

import autograd_iron as ai
import nn

from .device_under_test import counts, forbid, reset


def network(sizes: tuple[int, ...], device: str) -> nn.Module:
    layers: list[Any] = []
    generator = ai.Generator(0)
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m, generator=generator), nn.Tanh()]
    return nn.Sequential(*layers[:-1]).to(device)


def training(device: str, rows: int = 64) -> tuple[Any, Any, list[Any]]:
    model = network((2, 50, 50, 100, 50, 25, 25, 25, 1), device)
    optimizer = nn.SGD(model, nn.CosineDecay(0.1, 100))
    loss_of = nn.BCEWithLogitsLoss()
    rng = np.random.default_rng(0)
    x = ai.tensor(rng.uniform(-1, 1, (rows, 2)).astype("f4"), device=device)
    y = ai.tensor((rng.uniform(size=(rows, 1)) > 0.5).astype("f4"), device=device)

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step, model, [x, y]


def test_a_training_step_equals_the_cpus() -> None:
    host, host_model, host_data = training("cpu")
    eager = [host(*host_data).item() for _ in range(8)]
    step, model, data = training("cuda")
    step = ai.compile(step)
    found = [step(*data) for _ in range(8)]
    np.testing.assert_allclose([t.item() for t in found], eager, rtol=1e-4)
    for p, q in zip(model.parameters(), host_model.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-3, atol=1e-5)


def test_a_replay_is_one_graph() -> None:
    step, _, data = training("cuda")
    step = ai.compile(step)
    for _ in range(4):
        step(*data)
    reset()
    with forbid("h2d", "d2h", "sync", "alloc"):
        step(*data)
    # The two arguments, the rate, and the copy of the loss that the caller gets.
    assert {k: n for k, n in counts().items() if n} == {"graph": 1, "launch": 4}
