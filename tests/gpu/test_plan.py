"""A compiled step on a GPU: what it computes, and what it costs."""

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn

from .device_under_test import counts, forbid, reset
from .planning import interpreted


def network(sizes: tuple[int, ...], device: str) -> nn.Module:
    layers: list[Any] = []
    generator = ai.Generator(0)
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m, generator=generator), nn.Tanh()]
    return nn.Sequential(*layers[:-1]).to(device)


def training(device: str, rows: int = 64) -> tuple[Any, Any, list[Any]]:
    model = network((2, 50, 50, 100, 50, 25, 25, 25, 1), device)
    optimizer = nn.SGD(model.parameters(), nn.CosineDecay(0.1, 100))
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
    # The two arguments, the rate, and the copy of the loss that the caller gets.
    assert spent(step, data) == {"graph": 1, "launch": 4}


def spent(step: Any, data: list[Any]) -> dict[str, int]:
    reset()
    with forbid("h2d", "d2h", "sync", "alloc"):
        step(*data)
    return {kind: number for kind, number in counts().items() if number}


def test_a_replay_with_draws_and_more_results() -> None:
    with interpreted():
        _, model, data = training("cuda")
        optimizer, generator = nn.Adam(model.parameters(), 0.001), ai.Generator(0)

        def step(x: ai.Tensor, y: ai.Tensor) -> Any:
            keep = generator.uniform(x.shape, device=x.device) < 0.9
            logits = model(x * keep)
            loss = nn.BCEWithLogitsLoss()(logits, y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss, logits[:4]

        step = ai.compile(step)
        for _ in range(4):
            step(*data)
        numbers = len({id(n) for entry in optimizer._entries for n in entry.numbers})
        # Two arguments, one draw, Adam's numbers, two results.
        assert spent(step, data) == {"graph": 1, "launch": 2 + 1 + numbers + 2}


def test_a_step_launch_by_launch() -> None:
    step, _, data = training("cuda")
    step = ai.compile(step)
    step(*data)
    # 8 products forwards and 15 backwards.  Loop and reductions: 16, one in two kernels if
    # the batch is large.  And the two arguments, the rate and the result, as in a replay.
    assert spent(step, data) == {"gemm": 23, "launch": 16 + 4}


# --- printing


def test_a_printed_plan_is_readable() -> None:
    with interpreted():
        step, _, data = training("cuda")
        step = ai.compile(step)
        for _ in range(3):
            step(*data)
    lines = str(step.plan).splitlines()
    assert lines[0].startswith("39 launches for ")
    assert lines[0].endswith("buffers, one launch of a CUDA graph")
    assert max(map(len, lines[1:])) <= 100
    text = "\n".join(lines)
    assert re.search(r"v\d+ = matmul\(argument0, 0\.weight\) +# \[64, 50\] float32\n", text)
    assert re.search(r"v\d+ = add tanh\(v\d+, 0\.bias\) +# \[64, 50\] float32\n", text)
    assert "    12 in one launch:\n        v" in text
    assert "    14.bias <- v" in text
    assert lines[-1].startswith("return v")


def test_the_kernels_of_a_plan_can_be_read() -> None:
    step = ai.compile(lambda x: ai.sum(ai.exp(x) * x, axis=0))
    step(ai.ones((3000, 2), device="cuda"))
    assert re.findall(r"__global__ .* (\w+)\(", step.plan.source) == ["step_0", "step_0_second"]
    assert "expf(x0)" in step.plan.source


def test_a_step_on_a_gpu_can_be_drawn() -> None:
    pytest.importorskip("graphviz")
    with interpreted():
        step, _, data = training("cuda")
        step = ai.compile(step)
        step(*data)
    drawing = ai.draw_graph(step).source
    assert "0.weight" in drawing
    assert "argument 0" in drawing
    assert "new 0.weight" in drawing
