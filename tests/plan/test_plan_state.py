"""Python's state that a step reads: a change of it captures anew, and `explain` says why."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from compiling import same_bits

import autograd_iron as ai
import nn
from autograd_iron.plan.watch import LARGEST

X = np.arange(6, dtype=np.float32).reshape(2, 3) / 6
FACTOR = 2.0
BIAS = 1.0
SETTINGS = SimpleNamespace(factor=2.0, inner=SimpleNamespace(shift=1.0))


class Defaults:
    factor = 2.0


class Scaled(nn.Module):
    """A module with state of every kind that a user may change between two calls."""

    slope = 1.0

    def __init__(self) -> None:
        self.alpha = 2.0
        self.w = nn.Parameter([1.0, 2.0, 3.0])
        self.buffer = ai.tensor([1.0, 1.0, 1.0])
        self.layers: list[Any] = [nn.Linear(3, 3, generator=ai.Generator(0)), ai.tanh]
        self.weights = {"first": 1.0, "more": [2.0, 3.0]}
        self.config = SimpleNamespace(beta=0.5)

    @property
    def doubled(self) -> float:
        return 2 * self.config.beta

    def helped(self, x: Any) -> Any:
        return x * self.config.beta

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        x = self.helped(x) + self.slope + self.doubled
        for factor in (self.weights["first"], *self.weights["more"]):
            x = x * factor
        return x * self.alpha * self.w + self.buffer


def layer(seed: int) -> nn.Linear:
    return nn.Linear(3, 3, generator=ai.Generator(seed))


def set_item(held: Any, key: Any, value: Any) -> None:
    held[key] = value


def delete(owner: Any, name: str) -> None:
    delattr(owner, name)


CHANGES: dict[str, tuple[Callable[[Scaled], object], str]] = {
    "a number": (lambda m: setattr(m, "alpha", 3.0), "Scaled.alpha was 2.0 and is 3.0"),
    "a parameter": (lambda m: setattr(m, "w", nn.Parameter([4.0, 5.0, 6.0])), "another Parameter"),
    "a buffer": (lambda m: setattr(m, "buffer", ai.ones((3,))), "Scaled.buffer is another Tensor"),
    "a layer": (lambda m: set_item(m.layers, 0, layer(5)), "Scaled.layers[0] is another Linear"),
    "a layer more": (lambda m: m.layers.append(ai.sin), "Scaled.layers has more or fewer parts"),
    "a layer less": (lambda m: m.layers.pop(), "Scaled.layers has more or fewer parts"),
    "two layers": (lambda m: m.layers.reverse(), "Scaled.layers[0] was a Linear and is a"),
    "another list": (lambda m: setattr(m, "layers", [ai.sin]), "Scaled.layers is another list"),
    "in a dict": (
        lambda m: set_item(m.weights, "first", 9.0),
        "Scaled.weights['first'] was 1.0 and is 9.0",
    ),
    "in a list in a dict": (
        lambda m: set_item(m.weights["more"], 1, 9.0),
        "Scaled.weights['more'][1] was 3.0 and is 9.0",
    ),
    "of a plain object": (lambda m: setattr(m.config, "beta", 2.0), "beta was 0.5 and is 2.0"),
    "a plain object": (
        lambda m: setattr(m, "config", SimpleNamespace(beta=4.0)),
        "Scaled.config is another SimpleNamespace",
    ),
    "over the class": (lambda m: setattr(m, "slope", 5.0), "Scaled.slope was 1.0 and is 5.0"),
    "a method": (
        lambda m: setattr(m, "helped", lambda x: x * 7),
        "Scaled.helped is another function",
    ),
    "of a layer": (
        lambda m: setattr(m.layers[0], "weight", nn.Parameter(np.eye(3, dtype="f4"))),
        "Linear.weight is another Parameter",
    ),
    "training": (lambda m: m.eval(), "training was True and is False"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_module_that_changed_between_two_calls(name: str) -> None:
    change, reason = CHANGES[name]
    model = Scaled()
    step = ai.compile(model)
    for _ in range(2):
        same_bits(step(X), model(ai.tensor(X)))
    assert "1 captures" in step.explain()
    change(model)
    for _ in range(2):
        same_bits(step(X), model(ai.tensor(X)))
    assert "2 captures" in step.explain()
    assert reason in step.explain()


def test_going_back_finds_the_older_plan() -> None:
    model = Scaled()
    step = ai.compile(model)
    for alpha in (1.0, 2.0, 1.0, 2.0, 1.0):
        model.alpha = alpha
        same_bits(step(X), model(ai.tensor(X)))
    assert "2 captures" in step.explain()


def test_an_attribute_of_the_class() -> None:
    model = Scaled()
    step = ai.compile(model)
    try:
        for Scaled.slope in (1.0, 2.0):
            same_bits(step(X), model(ai.tensor(X)))
    finally:
        Scaled.slope = 1.0
    assert "Scaled.slope was 1.0 and is 2.0" in step.explain()


def test_an_equal_number_is_no_change() -> None:
    model = Scaled()
    step = ai.compile(model)
    for _ in range(3):
        model.alpha = float("2.0")
        model.eval().train()
        step(X)
    assert "1 captures" in step.explain()


def test_minus_zero_and_an_integer_are_changes() -> None:
    model = Scaled()
    step = ai.compile(lambda x: x / model.alpha)
    for alpha in (0.0, -0.0, 1.0, 1, True):
        model.alpha = alpha
        with np.errstate(divide="ignore", invalid="ignore"):
            same_bits(step(X), ai.tensor(X) / model.alpha)
    assert "5 captures" in step.explain()


def test_a_module_that_is_read_and_never_called() -> None:
    model = Scaled()
    step = ai.compile(lambda x: x * model.layers[0].weight[0] * model.config.beta)
    for change in (
        lambda: None,
        lambda: set_item(model.layers, 0, layer(7)),
        lambda: setattr(model.layers[0], "weight", nn.Parameter(np.eye(3, dtype="f4"))),
        lambda: setattr(model.config, "beta", 3.0),
    ):
        change()
        expected = ai.tensor(X) * model.layers[0].weight[0] * model.config.beta
        same_bits(step(X), expected)


def test_a_module_as_an_argument() -> None:
    one, two = Scaled(), Scaled()
    step = ai.compile(lambda model, x: model(x) * model.alpha)
    for alpha in (1.0, 2.0):
        one.alpha = alpha
        for model in (one, two):
            same_bits(step(model, X), model(ai.tensor(X)) * model.alpha)


def test_cells_and_globals_and_what_they_lead_to() -> None:
    global FACTOR  # noqa: PLW0603
    scale = 1.0
    table = [1.0, 2.0]

    def helper(x: Any) -> Any:
        return x * FACTOR + SETTINGS.inner.shift

    def function(x: Any) -> Any:
        inside = [v * scale for v in (x, x + table[1])]
        return sum(inside, start=helper(x)) * SETTINGS.factor * Defaults.factor

    step = ai.compile(function)
    reasons = []
    before = FACTOR, SETTINGS.factor, SETTINGS.inner
    try:
        for i in range(7):
            if i == 1:
                scale = 3.0
            elif i == 2:
                FACTOR = 5.0
            elif i == 3:
                SETTINGS.factor = 0.5
            elif i == 4:
                SETTINGS.inner = SimpleNamespace(shift=4.0)
            elif i == 5:
                table[1] = 7.0
            elif i == 6:
                Defaults.factor = 3.0
            same_bits(step(X), function(ai.tensor(X)))
            same_bits(step(X), function(ai.tensor(X)))
            reasons.append(step.explain().splitlines()[i + 1])
    finally:
        FACTOR, SETTINGS.factor, SETTINGS.inner = before
        Defaults.factor = 2.0
    wanted = [
        "the first call",
        "scale was 1.0 and is 3.0",
        "FACTOR was 2.0 and is 5.0",
        "SETTINGS.factor was 2.0 and is 0.5",
        "SETTINGS.inner is another SimpleNamespace",
        "table[1] was 2.0 and is 7.0",
        "Defaults.factor was 2.0 and is 3.0",
    ]
    for line, reason in zip(reasons, wanted, strict=True):
        assert reason in line


def test_the_default_values_of_parameters() -> None:
    def scaled(x: ai.Tensor, factors: tuple[float, ...] = (2.0,), *, more: Any = [1.0]) -> Any:  # noqa: B006
        return x * factors[0] * more[0]

    step = ai.compile(scaled)
    x = ai.tensor(3.0)
    assert step(x).item() == 6
    scaled.__defaults__ = ((5.0,),)
    assert step(x).item() == 15
    scaled.__kwdefaults__["more"][0] = 2.0
    assert step(x).item() == 30
    assert "scaled.__kwdefaults__['more'][0] was 1.0 and is 2.0" in step.explain()


def test_a_global_that_only_a_function_inside_names() -> None:
    global BIAS  # noqa: PLW0603

    def function(x: Any) -> Any:
        def shifted(v: Any) -> Any:
            return v + BIAS

        return shifted(x)

    step = ai.compile(function)
    try:
        for BIAS in (1.0, 2.0):
            same_bits(step(X), ai.tensor(X) + BIAS)
    finally:
        BIAS = 1.0


def test_of_a_long_list_the_length_is_watched() -> None:
    table = [1.0] * (LARGEST + 1)
    step = ai.compile(lambda x: x * table[0] * len(table))
    same_bits(step(X), ai.tensor(X) * 1.0 * len(table))
    table.append(1.0)
    same_bits(step(X), ai.tensor(X) * 1.0 * len(table))
    assert "the length of table was 1001 and is 1002" in step.explain()


def test_a_part_that_goes_from_one_list_to_the_next() -> None:
    first, second = [1.0], [2.0]
    step = ai.compile(lambda x: x * sum(first) - sum(second))
    same_bits(step(X), ai.tensor(X) * 1.0 - 2.0)
    first.append(second.pop())
    same_bits(step(X), ai.tensor(X) * 3.0 - 0.0)
    assert "first has more or fewer parts" in step.explain()


def test_a_global_of_the_name_of_an_attribute_is_none_of_the_step_s() -> None:
    module = SimpleNamespace(FACTOR=1.0)
    global FACTOR  # noqa: PLW0603
    step = ai.compile(lambda x: x * module.FACTOR)
    before = FACTOR
    try:
        for FACTOR in (1.0, 2.0, 3.0):  # noqa: B007
            step(X)
    finally:
        FACTOR = before
    assert "1 captures" in step.explain()


def test_functions_behind_functions() -> None:
    factor = 2.0
    slope = ai.grad(lambda x: ai.sum(x**3) * factor)
    with_partial = partial(lambda k, x: slope(x) * k, 2.0)
    step = ai.compile(with_partial)
    for factor in (1.0, 2.0, 3.0):  # noqa: B007
        same_bits(step(X), with_partial(ai.tensor(X)))
    assert "factor was 2.0 and is 3.0" in step.explain()
    inner = ai.compile(lambda x: x * factor)
    outer = ai.compile(lambda x: inner(x) + 1)
    for factor in (1.0, 2.0):
        same_bits(outer(X), ai.tensor(X) * factor + 1)


def test_a_method_reads_its_own_object() -> None:
    class Trainer:
        def __init__(self, scale: float) -> None:
            self.scale = scale
            self.calls = 0

        def scaled(self, x: Any) -> Any:
            return x * self.scale

        @ai.compile
        def step(self, x: Any) -> Any:
            return self.scaled(x) + 1

    one, two = Trainer(1.0), Trainer(2.0)
    for scale in (1.0, 5.0):
        one.scale = scale
        for trainer in (one, two):
            trainer.calls += 1  # which the step does not read
            same_bits(trainer.step(X), trainer.scaled(ai.tensor(X)) + 1)
    assert "3 captures" in Trainer.step.explain()
    assert "Trainer.scale was 1.0 and is 5.0" in Trainer.step.explain()


def test_a_setting_of_an_optimizer() -> None:
    def trained(through: Callable[..., Any]) -> tuple[list[Any], Any]:
        model = Scaled()
        optimizer = nn.Adam(model.parameters(), 0.1)

        def function(x: Any) -> Any:
            loss = ai.mean(ai.square(model(x)))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss

        step = through(function)
        losses = []
        for i in range(8):
            if i == 3:
                optimizer.weight_decay = 0.5
            elif i == 5:
                optimizer.betas = (0.5, 0.9)
            losses.append(step(ai.tensor(X)))
        return losses, step

    found, step = trained(ai.compile)
    same_bits(found, [loss.detach() for loss in trained(lambda f: f)[0]])
    assert "3 captures" in step.explain()
    assert "Adam.weight_decay was 0.0 and is 0.5" in step.explain()


def test_what_the_step_itself_did_captures_nothing() -> None:
    class Leaving(nn.Module):
        def forward(self, x: Any) -> Any:
            self.last = x * 2
            self.calls = getattr(self, "calls", 0) + 1
            return self.last

    step = ai.compile(Leaving())
    for _ in range(3):
        step(X)
    assert "1 captures" in step.explain()


@dataclass
class Mutable:
    factor: float


@dataclass(eq=False)
class ByIdentity:
    factor: float


@dataclass(frozen=True)
class Frozen:
    factor: float
    more: Any = ()


@pytest.mark.parametrize("argument", [Mutable(1.0), ByIdentity(1.0), Frozen(1.0, []), {1}])
def test_an_argument_that_may_change_inside_is_refused(argument: Any) -> None:
    with pytest.raises(TypeError, match=r"a change inside it.*frozen dataclass.*Pass the numbers"):
        ai.compile(lambda x, s: x)(X, argument)


def test_an_argument_that_is_hashed_by_its_value() -> None:
    step = ai.compile(lambda x, s: x * s.factor)
    for factor in (1.0, 2.0, 1.0):
        same_bits(step(X, Frozen(factor)), ai.tensor(X) * factor)
    assert "2 captures" in step.explain()


def test_functions_as_arguments() -> None:
    factor = 1.0
    step = ai.compile(lambda f, x: f(x))
    other = lambda x: x * factor  # noqa: E731
    for factor in (1.0, 2.0):  # noqa: B007
        for f in (ai.tanh, other, nn.Tanh(), partial(ai.sum, axis=0)):
            same_bits(step(f, X), f(ai.tensor(X)))


def test_what_a_replaced_cell_held_is_let_go() -> None:
    w = ai.tensor([1.0, 2.0, 3.0])
    step = ai.compile(lambda x: x * w)
    ghost = weakref.ref(w)
    for _ in range(10):  # more than the plans that are kept
        step(X)
        w = ai.tensor([1.0, 2.0, 3.0])
    gc.collect()
    assert ghost() is None


# --- random programs that change their state between the calls


def random_change(choose: random.Random, model: Scaled, held: SimpleNamespace) -> None:
    number = choose.choice([0.5, 1.0, 2.0, -0.0])
    layers = model.layers
    changes: list[Callable[[], object]] = [
        lambda: setattr(model, "alpha", number),
        lambda: setattr(model, "w", nn.Parameter([number, 1.0, 2.0])),
        lambda: model.w.assign([number, 2.0, 1.0]),
        lambda: setattr(model, "buffer", ai.full((3,), number)),
        lambda: set_item(layers, choose.randrange(len(layers)), layer(choose.randrange(3))),
        lambda: layers.insert(choose.randrange(len(layers)), ai.sin),
        lambda: layers.pop() if len(layers) > 1 else None,
        layers.reverse,
        lambda: setattr(model, "layers", [*layers]),
        lambda: set_item(model.weights, "first", number),
        lambda: model.weights["more"].append(number),
        lambda: set_item(model.weights, "more", [number]),
        lambda: setattr(model.config, "beta", number),
        lambda: setattr(model, "config", SimpleNamespace(beta=number)),
        lambda: setattr(model, "slope", number),
        lambda: vars(model).get("slope") is None or delete(model, "slope"),
        lambda: setattr(held, "factor", number),
        lambda: setattr(held, "table", [number, number]),
        lambda: set_item(held.table, 0, number),
        lambda: model.train(number > 0),
        lambda: None,
    ]
    choose.choice(changes)()


@pytest.mark.parametrize("seed", range(20))
def test_random_changes_between_calls(seed: int) -> None:
    choose = random.Random(seed)
    model, held = Scaled(), SimpleNamespace(factor=1.0, table=[1.0, 2.0])
    scale = 1.0

    def function(x: Any) -> Any:
        y = model(x) * scale * held.factor + held.table[0]
        return y * 2 if model.training else y

    step = ai.compile(function)
    for _ in range(40):
        if choose.random() < 0.1:
            scale = choose.choice([1.0, 2.0])
        elif choose.random() < 0.7:
            random_change(choose, model, held)
        same_bits(step(X), function(ai.tensor(X)))
