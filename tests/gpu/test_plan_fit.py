"""`nn.fit` with compiled steps on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401

import autograd_iron as ai
import nn

from .device_under_test import TIER, counts, forbid, reset
from .planning import interpreted, near, twins


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with interpreted():
        yield


def values(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("f4")


def fitted(device: str, folder: Path | None = None, size: int | None = 5, **settings: Any) -> Any:
    model = nn.SIREN(4, 8, 1, 2, generator=ai.Generator(1)).to(device)
    data = nn.Batches(
        values(12, 4),
        values(12, 2, seed=1),
        batch_size=size,
        device=device,
        generator=ai.Generator(3),
    )
    settings = {"steps": 20, "metric_every": 4, "progress": False, "run_dir": folder} | settings
    return nn.fit(model, data, nn.MSELoss(), nn.Adam(model.parameters(), 1e-3), **settings)


def same_runs(one: nn.Run, other: nn.Run, rtol: float) -> None:
    for key in ("loss", "lr"):
        np.testing.assert_allclose(one.history[key], other.history[key], rtol=rtol)
    parameters = [list(run.model.parameters()) for run in (one, other)]
    near(*parameters, rtol=rtol, atol=rtol)


def test_fit_equals_the_hosts() -> None:
    same_runs(fitted("cuda"), fitted("cpu"), 1e-3)


def test_fit_equals_itself_without_plans() -> None:
    same_runs(fitted("cuda"), fitted("cuda", compile=False), 1e-3)


def test_a_run_that_stops_and_goes_on(tmp_path: Path) -> None:
    whole = fitted("cuda")
    fitted("cuda", tmp_path, steps=8)
    resumed = fitted("cuda", tmp_path, resume=True)
    same_runs(resumed, whole, 1e-6 if TIER == "real" else 0)


def test_a_metric_between_steps() -> None:
    def metric(model: nn.Module) -> float:
        return -float(ai.mean(ai.square(model(ai.tensor(values(7, 4), device=place)))))

    for place in ("cuda", "cpu"):
        run = fitted(place, metric=metric, until=1.0)
        if place == "cuda":
            found = run.history["metric"]
    np.testing.assert_allclose(found, run.history["metric"], rtol=1e-3)


def test_between_looks_fit_only_launches() -> None:
    watch = ExitStack()

    def watching(run: nn.Run) -> None:
        if run.step == 5:
            reset()
            watch.enter_context(forbid("h2d", "d2h", "sync", "gemm"))
        if run.step == 9:
            watch.close()
            seen.update(counts())

    seen: dict[str, int] = {}
    fitted("cuda", size=None, metric_every=20, callbacks=[watching])
    assert seen["graph"] == 4
    assert seen["launch"] <= 4 * 8


def trained(
    optimizer_of: Callable[[nn.Module], nn.Optimizer], loss_of: Any, last: Any
) -> Callable[[str], Any]:
    def make(device: str) -> Any:
        g = ai.Generator(4)
        layers = [
            nn.FourierFeatures(4, 6, 1.0, generator=g),
            nn.Linear(6, 5, generator=g),
            nn.ReLU(),
        ]
        model = nn.Sequential(*layers, nn.Linear(5, 1, generator=g), *last).to(device)
        optimizer = optimizer_of(model)

        def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        return step, list(model.parameters())

    return make


@pytest.mark.parametrize(
    "make",
    [
        trained(
            lambda m: nn.SGD(m.parameters(), 0.05, momentum=0.9, nesterov=True), nn.MSELoss(), []
        ),
        trained(
            lambda m: nn.SGD(m.parameters(), 0.05, weight_decay=0.1), nn.BCELoss(), [nn.Sigmoid()]
        ),
        trained(
            lambda m: nn.Adam(m.parameters(), 0.01, weight_decay=0.1), nn.BCEWithLogitsLoss(), []
        ),
    ],
    ids=["nesterov", "decay", "adam with decay"],
)
def test_optimizers_and_losses(make: Any) -> None:
    truth = (values(9, 1, seed=2) > 0).astype("f4")
    calls = [(values(9, 4, seed=i), truth) for i in range(2)]
    step = twins(make, *calls, runs=12, rtol=2e-3)
    assert step.plan.how == "one launch of a CUDA graph"
