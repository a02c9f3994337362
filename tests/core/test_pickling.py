"""Pickled or copied together, what trains goes on to the same bits; what cannot says why."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn
import nn.training.console
from autograd_iron.core.registry import registry
from nn.training.lock import FolderLock


def double(x: ai.Tensor) -> ai.Tensor:
    return x * 2.0


@ai.compile
def compiled_double(x: ai.Tensor) -> ai.Tensor:
    return x * 2.0


class Gain(nn.Module):
    """A module with everything that a module may have."""

    @staticmethod
    @ai.compile
    def scaled(x: ai.Tensor, gain: ai.Tensor) -> ai.Tensor:
        return x * gain

    def __init__(self) -> None:
        self.gain = nn.Parameter([1.5])
        self.frozen = nn.Parameter([2.0], requires_grad=False)
        self.calls = ai.zeros((), dtype="int64")
        self.generator = ai.Generator(3)
        self.parts = {"one": [self.gain], "self": self}

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        self.calls.assign(self.calls + 1)
        return x * self.gain * self.frozen + 0.01 * self.generator.normal(x.shape)


def layer() -> nn.Linear:
    return nn.Linear(2, 2, generator=ai.Generator(0))


def tied() -> nn.Sequential:
    first, last = layer(), layer()
    last.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), last)


MODELS: dict[str, Callable[[], nn.Module]] = {
    "Linear": layer,
    "Sequential": lambda: nn.Sequential(layer(), ai.tanh, double, layer()),
    "tied": tied,
    "Tanh": lambda: nn.Sequential(layer(), nn.Tanh()),
    "ReLU": lambda: nn.Sequential(layer(), nn.ReLU()),
    "Sigmoid": lambda: nn.Sequential(layer(), nn.Sigmoid()),
    "Sine": lambda: nn.Sequential(layer(), nn.Sine(3.0)),
    "SIREN": lambda: nn.SIREN(2, 4, 1, 2, generator=ai.Generator(0)),
    "FourierFeatures": lambda: nn.Sequential(
        nn.FourierFeatures(2, 2, 1.0, generator=ai.Generator(0)), layer()
    ),
    "GridFeatures": lambda: nn.Sequential(
        nn.GridFeatures([(2, 3), (4, 5)], features=1, generator=ai.Generator(0)), layer()
    ),
    "Module": lambda: nn.Sequential(layer(), Gain()),
}
OPTIMIZERS: dict[str, Callable[[nn.Module], nn.Optimizer]] = {
    "SGD": lambda m: nn.SGD(m.parameters(), 0.1),
    "momentum": lambda m: nn.SGD(
        m.parameters(), nn.CosineDecay(0.1, 50), momentum=0.9, nesterov=True
    ),
    "Adam": lambda m: nn.Adam(m.parameters(), 0.01),
}
LOSSES: dict[str, Callable[[], Any]] = {
    "MSELoss": nn.MSELoss,
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss,
    "BCELoss": nn.BCELoss,
    "CrossEntropyLoss": nn.CrossEntropyLoss,
}


class Training:
    """All that trains, as one object."""

    def __init__(self, model: nn.Module, optimizer: nn.Optimizer, loss: Any) -> None:
        x = ai.Generator(5).uniform((20, 2))
        y = ai.Generator(6).integers(0, 2, (20,))
        if not isinstance(loss, nn.CrossEntropyLoss):
            y = ai.stack([y, 1 - y], axis=1).astype("float32")
        self.probabilities = isinstance(loss, nn.BCELoss)
        self.data = nn.Batches(x, y, batch_size=6, generator=ai.Generator(7))
        self.run = nn.Run(model, self.data, optimizer)
        self.loss = loss

    def go_on(self, steps: int) -> None:
        """Make steps; each leaves a gradient behind, to which the next one adds."""
        for _ in range(steps):
            x, y = self.data.next_batch()
            z = self.run.model(x)
            value = self.loss(ai.sigmoid(z) if self.probabilities else z, y)
            value.backward()
            self.run.optimizer.step()
            self.run.step += 1
            self.run.loss = value.detach()
            self.run.history.setdefault("loss", []).append((self.run.step, float(value)))

    def digest(self) -> str:
        found = hashlib.sha256()
        for name, value in self.run.state_dict().items():
            value = value.numpy().tobytes() if isinstance(value, ai.Tensor) else value
            found.update(f"{name}: {value!r}".encode())
        for parameter in self.run.model.parameters():
            found.update(b"" if parameter.grad is None else parameter.grad.numpy().tobytes())
        return found.hexdigest()


def trainings() -> dict[str, Training]:
    made = {}
    for name, model in MODELS.items():
        network = model()
        made[name] = Training(network, nn.Adam(network.parameters(), 0.01), nn.MSELoss())
    for name, optimizer in OPTIMIZERS.items():
        network = tied()
        made[name] = Training(network, optimizer(network), nn.MSELoss())
    for name, loss in LOSSES.items():
        network = layer()
        made[name] = Training(network, nn.SGD(network.parameters(), 0.1), loss())
    return made


# What is pickled below, or is nothing that holds state.
OTHERS = {
    *("Batches", "Optimizer", "Run", "CosineDecay", "Parameter", "Checkpoints"),
    *("CheckpointError", "fit", "functional", "init", "summary"),
}


def test_everything_public_is_tried() -> None:
    assert set(nn.__all__) <= MODELS.keys() | OPTIMIZERS.keys() | LOSSES.keys() | OTHERS


def test_pickled_together_everything_goes_on_to_the_same_bits_in_a_fresh_process(
    tmp_path: Path,
) -> None:
    """In the middle of an epoch, with gradients left and tied weights."""
    made = trainings()
    for training in made.values():
        training.go_on(5)
    (tmp_path / "all.pickle").write_bytes(pickle.dumps(made))
    code = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
made = pickle.load(open(sys.argv[2], "rb"))
for name, training in made.items():
    training.go_on(5)
    print(name, training.digest())
"""
    arguments = [str(Path(__file__).parent), str(tmp_path / "all.pickle")]
    said = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    ).stdout
    for training in made.values():
        training.go_on(5)
    assert said.splitlines() == [f"{name} {made[name].digest()}" for name in made]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_and_deepcopy_go_on_to_the_same_bits(protocol: int) -> None:
    for name, training in trainings().items():
        training.go_on(3)
        twin = pickle.loads(pickle.dumps(training, protocol))
        other = copy.deepcopy(training)
        for each in (training, twin, other):
            each.go_on(3)
        assert training.digest() == twin.digest() == other.digest(), name


def test_optimizer_and_model_keep_sharing_and_tied_weights_stay_tied() -> None:
    model = tied()
    optimizer = nn.SGD(model.parameters(), 0.1)
    for again in (copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))):
        twin, stepper = again((model, optimizer))
        assert twin[0].weight is twin[2].weight
        assert stepper.parameters["0"] is twin[0].weight
        assert twin[0].weight is not model[0].weight
        assert list(stepper.parameters) == list(optimizer.parameters)


def test_a_finished_run_and_its_folder_are_pickled(tmp_path: Path) -> None:
    model = layer()
    data = nn.Batches(ai.zeros((4, 2)), ai.ones((4, 2)))
    run = nn.fit(
        *(model, data, nn.MSELoss(), nn.SGD(model.parameters(), 0.1)),
        steps=3,
        run_dir=tmp_path / "run",
        progress=False,
    )
    twin, folder = pickle.loads(pickle.dumps((run, nn.Checkpoints(tmp_path / "run"))))
    assert (twin.step, twin.history, twin.stop_reason) == (3, run.history, "steps")
    assert float(twin.loss) == float(run.loss)
    assert folder.load().step == 3


def test_a_stream_of_the_console_is_copied_as_the_one_it_is() -> None:
    for stream in (nn.training.console.stdout, nn.training.console.stderr):
        for again in (copy.copy(stream), copy.deepcopy(stream), pickle.loads(pickle.dumps(stream))):
            assert again == getattr(sys, stream._name)
            assert again.write("") == 0


def test_a_tensor_keeps_its_gradient_and_attributes_of_a_class_of_ones_own() -> None:
    for again in (copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))):
        x = Named([1.0, 2.0])
        x.label = "weight"
        (x * x).sum().backward()
        twin = again(x)
        assert type(twin) is Named
        assert (twin.label, twin.grad.tolist()) == ("weight", [2.0, 4.0])


class Named(nn.Parameter):
    label: str


def test_operations_are_pickled_by_name_and_never_copied() -> None:
    for name, word in registry.items():
        if word.__module__.split(".")[0] in ("autograd_iron", "nn"):  # type: ignore[attr-defined]
            assert pickle.loads(pickle.dumps(word)) is word, name
            assert copy.deepcopy(word) is copy.copy(word) is word, name


# --- compiled functions


def test_a_compiled_function_is_pickled_by_its_name() -> None:
    for function in (compiled_double, Gain.scaled):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.deepcopy(function) is function


def test_a_compiled_object_takes_what_it_holds_along() -> None:
    model = tied()
    step = ai.compile(partial(train, model, nn.SGD(model.parameters(), 0.1)), threads=1)
    x = ai.ones((3, 2))
    step(x)
    for again in (copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))):
        before = {name: value.numpy() for name, value in model.state_dict().items()}
        twin, other = again((step, model))
        expected = float(twin(x))
        for name, value in model.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), before[name])
        assert float(step(x)) == expected
        for name, value in other.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), model.state_dict()[name].numpy())


def train(model: nn.Module, optimizer: nn.Optimizer, x: ai.Tensor) -> ai.Tensor:
    value = ai.sum(model(x) ** 2)
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    return value


def test_a_copy_of_a_compiled_function_within_another_captures_for_itself() -> None:
    calls = []
    step = ai.compile(lambda x: calls.append(1) or x + 1)
    step(ai.zeros(2))
    for twin in (copy.copy(step), copy.deepcopy(step)):
        assert twin(ai.zeros(2)).tolist() == [1.0, 1.0]
        assert twin is not step
    assert len(calls) == 3
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(step)


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, pickle.dumps])
def test_what_belongs_to_a_process_is_refused_with_a_sentence(
    again: Callable[[Any], Any], tmp_path: Path
) -> None:
    step = ai.compile(double)
    step(ai.zeros(2))
    with pytest.raises(TypeError, match=r"a plan is bound to the memory.*take the compiled func"):
        again(step.plan)
    with (
        FolderLock(tmp_path / "run") as lock,
        pytest.raises(TypeError, match=r"the lock on .*run is this process's own.*give the other"),
    ):
        again(lock)
    model = layer()
    model.lock = threading.Lock()
    if again is not copy.copy:
        with pytest.raises(TypeError, match=r"cannot pickle '_thread\.lock' object"):
            again(model)
