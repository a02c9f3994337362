"""Training on a GPU: the host's numbers, and nothing but launches between two looks at the loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn

from .device_under_test import TIER, counts, forbid, kernel_names, limit_to, reset

Problem = tuple[nn.Module, nn.Optimizer, Callable[[Any, Any], ai.Tensor], Any, Any]


def values(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


class Classifier(nn.Module):
    """Two layers with relu, normalised over the batch, and dropout by a given mask."""

    def __init__(self, generator: ai.Generator) -> None:
        self.first = nn.Linear(4, 8, generator=generator)
        self.second = nn.Linear(8, 3, generator=generator)
        self.mask = ai.tensor(np.arange(8) % 4 > 0, dtype="float32")

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        x = self.first(x)
        x = (x - ai.mean(x, axis=0)) / ai.sqrt(ai.var(x, axis=0) + 1e-5)
        return self.second(ai.relu(x) * self.mask / 0.75)


def tanh_network() -> Problem:
    g = ai.Generator(1)
    layers = [nn.Linear(4, 8, generator=g), nn.Tanh(), nn.Linear(8, 1, generator=g)]
    model = nn.Sequential(*layers)
    target = (values(16, 1, seed=1) > 0).astype("float32")
    return model, nn.SGD(model.parameters(), 0.5), nn.BCEWithLogitsLoss(), values(16, 4), target


def siren() -> Problem:
    model = nn.SIREN(4, 8, 1, 2, generator=ai.Generator(1))
    return (
        model,
        nn.Adam(model.parameters(), 1e-3),
        nn.MSELoss(),
        values(16, 4),
        values(16, 2, seed=1),
    )


def classifier() -> Problem:
    model = Classifier(ai.Generator(1))
    optimizer = nn.SGD(
        model.parameters(), nn.CosineDecay(0.1, 100), momentum=0.9, weight_decay=1e-4
    )
    return model, optimizer, nn.CrossEntropyLoss(), values(16, 4), np.arange(16) % 3


def features() -> Problem:
    g = ai.Generator(1)
    model = nn.Sequential(
        nn.FourierFeatures(4, 8, 1.0, generator=g), nn.Linear(8, 2, generator=g), nn.Sigmoid()
    )
    target = (values(16, 2, seed=1) > 0).astype("float32")
    return model, nn.Adam(model.parameters(), 1e-2), nn.BCELoss(), values(16, 4), target


problems = pytest.mark.parametrize("make", [tanh_network, siren, classifier, features])


def train(problem: Problem, steps: int) -> list[ai.Tensor]:
    model, optimizer, loss, x, y = problem
    losses = []
    for _ in range(steps):
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(value.detach())
    return losses


def placed(problem: Problem, device: str) -> Problem:
    model, optimizer, loss, x, y = problem
    return (
        model.to(device),
        optimizer,
        loss,
        ai.tensor(x, device=device),
        ai.tensor(y, device=device),
    )


@problems
def test_a_training_step_is_nothing_but_launches(make: Callable[[], Problem]) -> None:
    there = placed(make(), "cuda")
    losses = train(there, 1)  # makes what is made once
    reset()
    with forbid("h2d", "d2h", "sync"):
        losses += train(there, 4)
    assert counts()["launch"] + counts()["gemm"] > 20
    if TIER != "stand-in":
        assert [kernel for kernel in kernel_names() if "float64" in str(kernel)] == []
    expected = train(placed(make(), "cpu"), 5)
    np.testing.assert_allclose([float(v) for v in losses], [float(v) for v in expected], rtol=2e-4)


@problems
def test_a_step_costs_the_same_every_time(make: Callable[[], Problem]) -> None:
    there = placed(make(), "cuda")
    train(there, 2)
    seen = []
    for _ in range(2):
        reset()
        train(there, 1)
        seen.append(dict(counts()))
    assert seen[0] == seen[1]


# --- fit, data, checkpoints


def batches(device: str | None, **settings: Any) -> nn.Batches:
    x, y = values(12, 4), values(12, 2, seed=1)
    return nn.Batches(x, y, device=device, generator=ai.Generator(3), **settings)


def fitted(device: str, tmp_path: Path | None = None, **settings: Any) -> nn.Run:
    model = nn.SIREN(4, 8, 1, 2, generator=ai.Generator(1)).to(device)
    settings = {"steps": 9, "metric_every": 3, "compile": False, "progress": False} | settings
    if tmp_path is not None:
        settings |= {"run_dir": tmp_path}
    data = batches(device, batch_size=5)
    return nn.fit(model, data, nn.MSELoss(), nn.Adam(model.parameters(), 1e-3), **settings)


def test_fit_reads_the_loss_and_nothing_else() -> None:
    fitted("cuda", steps=1)
    reset()
    run = fitted("cuda", steps=9, metric_every=3)
    assert counts()["d2h"] == 3
    expected = fitted("cpu")
    for key in ("loss", "lr"):
        np.testing.assert_allclose(run.history[key], expected.history[key], rtol=1e-4)


def test_between_looks_fit_neither_copies_nor_waits() -> None:
    def forbidding(run: nn.Run) -> None:
        watch = forbid("h2d", "d2h", "sync")
        if run.step == 2:
            watch.__enter__()
            open_watches.append(watch)
        if run.step == 8:
            open_watches.pop().__exit__(None, None, None)

    open_watches: list[Any] = []
    model = nn.SIREN(4, 8, 1, 2, generator=ai.Generator(1)).to("cuda")
    data = batches("cuda")
    nn.fit(
        model, data, nn.MSELoss(), nn.Adam(model.parameters(), 1e-3), steps=9, metric_every=9,
        compile=False, progress=False, callbacks=[forbidding],
    )  # fmt: skip
    assert open_watches == []


def test_batches_take_the_host_s_order_with_one_copy_an_epoch() -> None:
    here, there = batches(None, batch_size=5), batches("cuda", batch_size=5)
    for epoch in range(2):  # the first one's order was drawn when the batches were made
        reset()
        for _ in range(3):
            for a, b in zip(here.next_batch(), there.next_batch(), strict=True):
                assert b.device == "cuda:0"
                np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert counts()["h2d"] == epoch
    state = there.state_dict()
    assert state == here.state_dict()


def test_batches_say_what_is_not_finite_on_the_device() -> None:
    data = nn.Batches(np.array([1.0, np.nan, np.inf]), np.arange(3), device="cuda")
    assert data.not_finite() == "array 0 holds 2 values that are nan or infinite"


def test_a_checkpoint_loads_on_either_device(tmp_path: Path) -> None:
    whole = fitted("cuda", steps=9)
    fitted("cuda", tmp_path, steps=6)
    resumed = fitted("cuda", tmp_path, steps=9, resume=True)
    assert resumed.history == whole.history or TIER == "real"
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert b.device == "cuda:0"
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    elsewhere = fitted("cpu", tmp_path, steps=12, resume=True)
    assert elsewhere.step == 12
    assert {p.device for p in elsewhere.model.parameters()} == {"cpu"}


# --- moving a model


def test_a_model_moves_in_place_with_its_gradients_and_buffers() -> None:
    model = Classifier(ai.Generator(0))
    ai.sum(model(ai.tensor(values(5, 4)))).backward()
    before = dict(model.named_parameters())
    weights = {name: p.numpy().copy() for name, p in before.items()}
    assert model.to("cuda") is model
    assert dict(model.named_parameters()) == before
    for name, parameter in model.named_parameters():
        assert parameter is before[name]
        assert parameter.device == "cuda:0"
        assert parameter.grad is not None
        assert parameter.grad.device == "cuda:0"
        np.testing.assert_array_equal(parameter.numpy(), weights[name])
    assert [buffer.device for _, buffer in model.named_buffers()] == ["cuda:0"]
    assert {value.device for value in model.state_dict().values()} == {"cuda:0"}
    assert model.to("cpu").first.weight.device == "cpu"


def test_a_model_that_does_not_fit_stays_where_it_is() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2**18))
    try:
        limit_to(2**20)
        with pytest.raises(MemoryError, match="moving 4194304 bytes"):
            model.to("cuda")
    finally:
        ai.cuda.set_memory_limit(None)
    assert {p.device for p in model.parameters()} == {"cpu"}


@pytest.mark.parametrize("optimizer", [nn.Adam, nn.SGD])
def test_an_optimizer_made_before_the_move_goes_along(optimizer: Any) -> None:
    def run(*devices: str) -> list[float]:
        settings = {"momentum": 0.9} if optimizer is nn.SGD else {}
        model = nn.Linear(4, 2, generator=ai.Generator(0))
        made = optimizer(model.parameters(), 0.1, **settings)
        losses = []
        for device in devices:
            there = placed((model, made, nn.MSELoss(), values(8, 4), values(8, 2)), device)
            losses += [float(value) for value in train(there, 2)]
        state = made.state_dict()
        moved = {key: v.device for key, v in state.items() if key.partition(".")[2]}
        assert set(moved.values()) == {ai.zeros(1, device=devices[-1]).device}
        made.load_state_dict({key: value.numpy() for key, value in state.items()})
        return losses

    np.testing.assert_allclose(run("cpu", "cuda", "cpu"), run("cpu", "cpu", "cpu"), rtol=1e-4)


# --- data that no loss can look at


def test_a_class_number_out_of_range_is_never_silently_wrong() -> None:
    logits = ai.tensor(values(4, 3), device="cuda", requires_grad=True)
    loss = nn.CrossEntropyLoss()
    for labels in ([0, 1, 2, 3], [0, -1, 2, 1]):
        target = ai.tensor(labels, dtype="int64", device="cuda")
        with forbid("h2d", "d2h", "sync"):
            value = loss(logits, target)
        assert np.isnan(float(value))
    with pytest.raises(ValueError, match="class numbers range"):
        loss(logits.detach().to("cpu"), ai.tensor([0, 1, 2, 3], dtype="int64"))
    data = nn.Batches(values(4, 4), np.array([0, 1, 2, 3]), device="cuda")
    model = nn.Linear(4, 3, generator=ai.Generator(0)).to("cuda")
    training = {"steps": 3, "compile": False, "progress": False}
    with pytest.raises(ValueError, match="row 3 of the data's targets holds 3, but"):
        nn.fit(model, data, loss, nn.SGD(model.parameters(), 0.1), **training)
    with pytest.raises(FloatingPointError, match="Class numbers out of range make it NaN"):
        nn.fit(
            model, data, lambda p, t: 1.0 * loss(p, t), nn.SGD(model.parameters(), 0.1), **training
        )


def test_a_target_on_another_device_is_named() -> None:
    prediction = ai.tensor(values(4, 1), device="cuda")
    for loss in (nn.MSELoss(), nn.BCEWithLogitsLoss()):
        with pytest.raises(ValueError, match="operand 0 on cuda:0, operand 1 on cpu"):
            loss(prediction, np.ones((4, 1), "float32"))
