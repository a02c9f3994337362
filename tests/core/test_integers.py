"""Integers that NumPy computed are integers wherever one is asked for, and floats never are."""

from __future__ import annotations

import enum
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn


class Size(enum.IntEnum):
    TWO = 2


TWOS: list[Any] = [np.int64(2), np.uint8(2), np.array(2), Size.TWO, ai.tensor(2, dtype="int64")]


def model_of(n: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(n, n), nn.Tanh(), nn.Linear(n, 1))


def trained(n: Any, folder: Path | None = None) -> nn.Run:
    model, x = model_of(n), ai.ones((6, 2))
    data = nn.Batches(x, ai.ones((6, 1)), batch_size=n, generator=ai.Generator(n))
    rate = nn.CosineDecay(
        np.float64(0.5), steps=10 * int(n), warmup=n, restarts=n, floor=np.float32(0.25)
    )
    every = None if folder is None else n
    return nn.fit(
        model,
        data,
        nn.MSELoss(),
        nn.SGD(model.parameters(), rate, momentum=np.float64(0.5), nesterov=np.True_),
        steps=n,
        metric=lambda model: np.float32(1),
        metric_every=n,
        run_dir=folder,
        checkpoint_every=every,
        keep=n,
        progress=False,
    )


PLACES: dict[str, Callable[[Any], Any]] = {
    "seed": lambda n: ai.Generator(n).normal(3),
    "shapes": lambda n: ai.Generator(0).normal((n, n)),
    "a length": lambda n: ai.Generator(0).uniform(n),
    "draws": lambda n: ai.Generator(0).integers(0, n, n),
    "permutation": lambda n: ai.Generator(0).permutation(n),
    "linspace": lambda n: ai.linspace(0, 1, n),
    "arange": ai.arange,
    "Linear": lambda n: nn.Linear(n, n, generator=ai.Generator(0)).weight,
    "SIREN": lambda n: nn.SIREN(n, n, n, n, generator=ai.Generator(0))(ai.ones((1, 2))),
    "FourierFeatures": lambda n: nn.FourierFeatures(n, n, 1.0, ai.Generator(0)).frequencies,
    "Batches": lambda n: nn.Batches(ai.arange(6), batch_size=n).next_batch()[0],
    "argnums": lambda n: ai.grad(lambda x, y, z: z * z, argnums=n)(1.0, 1.0, 3.0),
    "threads": lambda n: ai.compile(lambda x: x + 1, threads=n)(ai.ones(3)),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("two", TWOS, ids=lambda v: type(v).__name__)
def test_an_integer_is_taken_whoever_computed_it(place: str, two: Any) -> None:
    found, wanted = PLACES[place](two), PLACES[place](2)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found.numpy(), wanted.numpy())


def test_check_grads_takes_one_as_its_order() -> None:
    ai.check_grads(ai.sin, [1.0], order=np.int64(1), seed=np.uint8(3))  # type: ignore[arg-type]


FLOATS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "seed": (ai.Generator, "a seed is an integer"),
    "permutation": (lambda n: ai.Generator(0).permutation(n), "n is a count"),
    "draws": (lambda n: ai.Generator(0).integers(0, n, 3), "integers are drawn"),
    "Linear": (lambda n: nn.Linear(n, 1), "in_features must be an integer"),
    "SIREN": (lambda n: nn.SIREN(1, 1, n, 1), "hidden_layers must be an integer"),
    "Batches": (lambda n: nn.Batches(ai.arange(6), batch_size=n), "batch_size counts samples"),
    "limit": (
        lambda n: setattr(nn.Batches(ai.arange(6), batch_size=2), "limit", n),
        "limit counts samples",
    ),
    "CosineDecay": (lambda n: nn.CosineDecay(0.5, steps=n), "steps must be an integer"),
    "warmup": (lambda n: nn.CosineDecay(0.5, steps=9, warmup=n), "warmup must be an integer"),
    "keep": (lambda n: nn.Checkpoints("nowhere", keep=n), "keep must be a whole number"),
    "threads": (lambda n: ai.compile(lambda x: x, threads=n), "threads must be a whole number"),
    "order": (lambda n: ai.check_grads(ai.sin, [1.0], order=n), "order is"),
}


@pytest.mark.parametrize("place", FLOATS)
@pytest.mark.parametrize("number", [2.0, np.float64(2), "2", True])
def test_a_float_is_refused_where_it_is_given(place: str, number: Any) -> None:
    make, text = FLOATS[place]
    with pytest.raises((TypeError, ValueError), match=text):
        make(number)


@pytest.mark.parametrize("two", TWOS, ids=lambda v: type(v).__name__)
def test_a_run_of_such_numbers_is_a_run_of_plain_ones(two: Any, tmp_path: Path) -> None:
    run = trained(two, tmp_path / "run")
    plain = trained(2)
    assert type(run.step) is int
    assert run.history["lr"] == plain.history["lr"]
    assert json.loads(json.dumps(run.data.state_dict())) == run.data.state_dict()
    for entries in run.history.values():
        assert all(type(step) is int and type(value) is float for step, value in entries)
    assert "np." not in repr(run.model)
    assert "Size" not in repr(run.model)
    saved = nn.Checkpoints(tmp_path / "run", two).load()
    assert saved is not None
    assert type(saved.step) is int
    assert type(saved.metric) is float


def test_schedules_hold_plain_numbers() -> None:
    schedule = nn.CosineDecay(
        np.float32(0.5), np.int64(10), np.int8(2), np.float64(0.25), np.array(1)
    )
    assert repr(schedule) == repr(nn.CosineDecay(0.5, 10, 2, 0.25, 1))
    assert type(schedule(0)) is float
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_a_checkpoint_holds_numbers_of_numpy_inside_json(tmp_path: Path) -> None:
    checkpoints = nn.Checkpoints(tmp_path)
    state = {"list": [np.int64(3), np.float32(0.5), [np.True_]], "table": {"a": np.float64(2)}}
    checkpoints.save(state, step=np.int64(4), metric=np.float32(0.5))  # type: ignore[arg-type]
    saved = checkpoints.load()
    assert saved is not None
    assert saved.state == {"list": [3, 0.5, [True]], "table": {"a": 2.0}}
    assert (saved.step, saved.metric) == (4, 0.5)
    with pytest.raises(TypeError, match="masked"):
        checkpoints.save({"x": np.ma.masked_array([1.0], [True])}, step=5)
