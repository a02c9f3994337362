"""Setting an attribute that is none raises, and says which one is meant."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import autograd_iron as ai
import nn


def adam() -> nn.Adam:
    return nn.Adam(nn.Linear(1, 1).parameters(), 0.1)


def run() -> nn.Run:
    model = nn.Linear(1, 1)
    return nn.Run(
        model, nn.Batches(ai.ones((2, 1)), ai.ones((2, 1))), nn.SGD(model.parameters(), 0.1)
    )


WRONG: dict[str, tuple[Callable[[], Any], str, str]] = {
    "rate": (adam, "rate", r"Adam has no attribute 'rate'.*Write \.lr"),
    "learning_rate": (adam, "learning_rate", r"Write \.lr"),
    "a typing error": (adam, "weigth_decay", r"Write \.weight_decay"),
    "another's": (
        lambda: nn.SGD(nn.Linear(1, 1).parameters(), 0.1),
        "betas",
        r"SGD has no .*momentum",
    ),
    "batch": (lambda: nn.Batches(ai.ones(3)), "batchsize", r"Write \.batch_size"),
    "seed": (ai.Generator, "seed", r"Write \.state"),
    "a loss": (nn.CrossEntropyLoss, "label_smoothing", "has no attribute 'label_smoothing'"),
    "a loss's": (nn.MSELoss, "reduction", "has no attribute 'reduction'"),
    "logits": (nn.BCEWithLogitsLoss, "pos_weight", "has no attribute 'pos_weight'"),
    "BCE": (nn.BCELoss, "weight", "has no attribute 'weight'"),
    "a run": (run, "stop_resaon", r"Write \.stop_reason"),
    "a run's": (run, "stopped", "Run has no attribute 'stopped'"),
    "checkpoints": (lambda: nn.Checkpoints("nowhere"), "keeps", r"Write \.keep"),
    "a schedule": (lambda: nn.CosineDecay(0.1, 5), "rate", "rate"),
    "a tensor": (lambda: ai.ones(2), "requires_gard", "requires_gard"),
    "a compiled function": (
        lambda: ai.compile(run),
        "threads",
        "Compiled has no attribute 'threads'",
    ),
    "a parameter": (lambda: nn.Parameter([1.0]), "frozen", "frozen"),
}


@pytest.mark.parametrize("case", WRONG)
def test_setting_what_is_no_attribute_raises(case: str) -> None:
    make, name, text = WRONG[case]
    made = make()
    with pytest.raises(AttributeError, match=text):
        setattr(made, name, 0.01)
    assert not hasattr(made, name)


@pytest.mark.parametrize("case", [c for c in WRONG if WRONG[c][0] is not run])
def test_a_copy_is_as_closed_as_its_original(case: str) -> None:
    make, name, _ = WRONG[case]
    made = make()
    for other in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        with pytest.raises(AttributeError):
            setattr(other, name, 0.01)


def test_what_is_closed_can_be_compiled() -> None:
    x = ai.tensor([1.0, 2.0])
    for function in (nn.MSELoss(), ai.compile(nn.MSELoss())):
        assert ai.compile(function)(x, x + 1).item() == 1


def test_attributes_are_set_as_before() -> None:
    optimizer, training = adam(), run()
    optimizer.lr = 0.2
    assert optimizer.lr == 0.2
    optimizer.weight_decay = 0.5
    training.stop_reason = "enough"
    training.data.limit = 1
    model = nn.Linear(1, 1)
    model.anything = 3  # type: ignore[attr-defined]  # a module takes what it is given
    assert model.anything == 3  # type: ignore[attr-defined]


def test_a_subclass_has_the_attributes_of_its_own_making() -> None:
    class Mine(nn.SGD):
        counted: int = 0

        def __init__(self, model: nn.Module) -> None:
            super().__init__(model.parameters(), 0.1, momentum=0.5)
            self.after = 1

        def step(self) -> None:
            self.counted += 1
            super().step()

    class Loss(nn.MSELoss):
        def __init__(self, weight: float) -> None:
            self.weight = weight

    mine, loss = Mine(nn.Linear(1, 1)), Loss(2.0)
    mine.step()
    mine.after, loss.weight = 2, 3.0
    assert (mine.counted, mine.after, loss.weight) == (1, 2, 3.0)
    for made in (mine, loss):
        with pytest.raises(AttributeError, match="__init__ of a subclass"):
            made.rate = 0.1  # type: ignore[union-attr]


def test_an_argument_that_has_another_name_elsewhere_is_named() -> None:
    parameters = list(nn.Linear(1, 1).parameters())
    for kind in (nn.SGD, nn.Adam):
        with pytest.raises(TypeError, match=rf"{kind.__name__} has no argument 'rate'. Write lr="):
            kind(parameters, rate=0.1)  # type: ignore[operator]
    with pytest.raises(TypeError, match="unexpected keyword argument 'dampening'"):
        nn.SGD(parameters, 0.1, dampening=0.1)  # type: ignore[call-arg]

    class Mine(nn.SGD):
        def __init__(self, rate: float) -> None:
            super().__init__(parameters, rate)

    assert Mine(rate=0.1).lr == 0.1


def test_a_momentum_that_comes_too_late_is_refused() -> None:
    model = nn.Linear(1, 1)
    optimizer = nn.SGD(model.parameters(), 0.1)
    optimizer.momentum = 0.9
    ai.sum(model(ai.ones((1, 1)))).backward()
    with pytest.raises(ValueError, match=r"keeps no velocity.*momentum=0\.9"):
        optimizer.step()
