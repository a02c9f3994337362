"""Compiled on a GPU = eager on the host: the registry, random programs, training steps."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401
from hypothesis import HealthCheck, given, settings
from samples import ALL_ROWS, DIFFERENTIABLE, SAMPLES, some_rows
from step_programs import Step, random_step
from test_plan import WANTED, Instruction, both_ways, instructions

import autograd_iron as ai
import nn

from .device_under_test import TIER
from .planning import RUNS, interpreted, near, twins
from .test_eager import BY_CUSOLVER, HERE, cases, leaves, run

# A compiler on the host needs minutes for these; test_kernels has their kernels.
many_kernels = pytest.mark.slow if TIER != "real" else lambda test: test


def registry(device: str) -> list[tuple[str, list[ai.Tensor], Any]]:
    made = []
    for name in (n for n in HERE if n not in BY_CUSOLVER):  # which looks at what it computes
        for row in some_rows(SAMPLES[name], "one step"):
            arrays, attributes = cases(name, row, "float32")
            made.append((name, leaves(name, arrays, device), attributes))
    return made


@many_kernels
def test_every_primitive_in_one_step() -> None:
    def make(device: str) -> Any:
        calls = registry(device)
        return lambda: [run(*call) for call in calls], []

    step = twins(make, runs=4)
    assert step.plan.how == "one launch of a CUDA graph"


@many_kernels
def test_every_rule_in_one_step() -> None:
    def make(device: str) -> Any:
        calls = [call for call in registry(device) if call[0] in DIFFERENTIABLE]
        calls = [call for call in calls if any(t.requires_grad for t in call[1])]
        state = [t for call in calls for t in call[1]]

        def step() -> ai.Tensor:
            for t in state:
                t.grad = None
            loss = sum(ai.sum(ai.sin(run(*call))) for call in calls)
            loss.backward()
            return loss

        return step, state

    step = twins(make, runs=4, rtol=1e-4)
    assert step.plan.how == "one launch of a CUDA graph"


@pytest.mark.parametrize("wanted", WANTED)
@settings(
    settings.get_profile("bounded"),
    max_examples=(30 if ALL_ROWS else 10) if TIER == "stand-in" else 3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(program=instructions)
def test_random_programs(wanted: str, program: list[Instruction]) -> None:
    with interpreted():
        both_ways(program, wanted, rows=5, threads=1, device="cuda")


@pytest.mark.parametrize(
    "seeds",
    [range(25), pytest.param(range(25, 600), marks=pytest.mark.slow)],
    ids=["some", "many"],
)
def test_random_steps_that_assign(seeds: range) -> None:
    compared = 0
    for seed in seeds:
        step = random_step(seed)
        host, other = step.twin(), step.twin("cuda")
        made = ai.compile(other)
        with interpreted():
            for call in range(RUNS):
                arguments = Step.arguments(call)
                try:
                    with np.errstate(all="ignore"):
                        wanted = host(*map(ai.tensor, arguments))
                    found = made(*(ai.tensor(a, device="cuda") for a in arguments))
                except (RuntimeError, ValueError) as error:
                    # Written in place before a gradient; a view of what was assigned to.
                    assert re.search("written in place|a view is read", str(error)), step  # noqa: PT017
                    break
                for one, two in ((found, wanted), (other.state, host.state)):
                    near(one, two, 1e-2, 1e-2)
                compared += 1
    assert compared > 4 * len(seeds)


# --- training steps


def model_of(sizes: tuple[int, ...], between: type[nn.Module], device: str) -> nn.Sequential:
    g = ai.Generator(3)
    layers: list[nn.Module] = []
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m, generator=g), between()]
    return nn.Sequential(*layers[:-1]).to(device)


class Sine(nn.Module):
    def forward(self, x: ai.Tensor) -> ai.Tensor:
        return ai.sin(3 * x)


def training(
    model: nn.Module, optimizer: Any, loss_of: Any, keep: float | None = None
) -> tuple[Any, list[ai.Tensor]]:
    generator = ai.Generator(7)

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        if keep is not None:
            x = x * (generator.uniform(x.shape, device=x.device) < keep) / keep
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step, list(model.parameters())


def tanh_sgd(device: str, keep: float | None = None) -> Any:
    model = model_of((2, 8, 8, 1), nn.Tanh, device)
    optimizer = nn.SGD(model.parameters(), nn.CosineDecay(0.5, 100))
    return training(model, optimizer, nn.BCEWithLogitsLoss(), keep)


def dropout_sgd(device: str) -> Any:
    return tanh_sgd(device, keep=0.7)


def sine_adam(device: str) -> Any:
    model = model_of((2, 8, 8, 3), Sine, device)
    return training(model, nn.Adam(model.parameters(), 1e-3), nn.MSELoss())


def classifier_momentum(device: str) -> Any:
    model = model_of((2, 8, 4), nn.ReLU, device)
    return training(model, nn.SGD(model.parameters(), 0.05, momentum=0.9), nn.CrossEntropyLoss())


def batches(rows: int = 12, count: int = 3) -> dict[Any, list[tuple[Any, Any]]]:
    """Return data for each of the steps."""
    rng = np.random.default_rng(0)
    x = [rng.uniform(-1, 1, (rows, 2)).astype("f4") for _ in range(count)]
    binary = [(b[:, :1] * b[:, 1:] > 0).astype("f4") for b in x]
    colours = [rng.uniform(size=(rows, 3)).astype("f4") for _ in x]
    classes = [rng.integers(0, 4, rows) for _ in x]
    return {
        tanh_sgd: list(zip(x, binary, strict=True)),
        dropout_sgd: list(zip(x, binary, strict=True)),
        sine_adam: list(zip(x, colours, strict=True)),
        classifier_momentum: list(zip(x, classes, strict=True)),
    }


STEPS = [tanh_sgd, dropout_sgd, sine_adam, classifier_momentum]


@pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)
def test_a_hundred_training_steps(make: Any) -> None:
    with interpreted():
        step = twins(make, *batches()[make], runs=100, rtol=2e-3)
    assert step.plan.how == "one launch of a CUDA graph"
    assert step.explain().splitlines()[0] == "step: 1 captures"


@pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)
def test_a_training_step_by_its_kernels(make: Any) -> None:
    twins(make, *batches()[make], runs=5, rtol=1e-4)


def test_double_backward() -> None:
    def make(device: str) -> Any:
        model = model_of((2, 8, 1), nn.Tanh, device)

        def product(x: ai.Tensor, v: ai.Tensor) -> Any:
            def along(x: ai.Tensor) -> ai.Tensor:
                return ai.sum(ai.grad(lambda x: ai.mean(ai.square(model(x))))(x) * v)

            return ai.grad(along)(x)

        return product, []

    rng = np.random.default_rng(0)
    calls = [tuple(rng.standard_normal((2, 5, 2)).astype("f4")) for _ in range(2)]
    with interpreted():
        twins(make, *calls)


def test_masks_are_the_hosts_bit_for_bit() -> None:
    def make(device: str) -> Any:
        generator = ai.Generator(1)
        return lambda x: generator.uniform(x.shape, device=x.device) < 0.5, []

    x = np.zeros((50, 7), "f4")
    with interpreted():
        step = twins(make, (x,), runs=8)
    assert step.plan.how == "one launch of a CUDA graph"
