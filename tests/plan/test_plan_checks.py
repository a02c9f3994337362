"""What eager refuses, compiled refuses: in every call, in the same words, changing nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_iron as ai
import nn

CLASSES = 3


def classes(*numbers: int) -> ai.Tensor:
    return ai.tensor(np.array(numbers * 2))


def floats(*numbers: float) -> ai.Tensor:
    return ai.tensor(np.float32(numbers * 2).reshape(-1, 1))


def tall(target: ai.Tensor) -> ai.Tensor:
    """Enough rows for a plan that works on a few of them at a time; those given are the last."""
    first = np.repeat(target.numpy()[:1], 1_996, axis=0)
    return ai.tensor(np.concatenate([first, target.numpy()]))


GOOD_AND_BAD: dict[str, tuple[Callable[[], Any], ai.Tensor, list[ai.Tensor]]] = {
    "classes": (nn.CrossEntropyLoss, classes(0, 2), [classes(1, 3), classes(-1, 0)]),
    "logits": (
        nn.BCEWithLogitsLoss,
        floats(0, 1),
        [floats(0, 255), floats(-1, 1), floats(1, np.nan)],
    ),
    "probabilities": (nn.BCELoss, floats(0, 1), [floats(0, 255), floats(-1, 1)]),
}


class Training:
    """A step of a small network, and all that it may change."""

    def __init__(self, loss: Any, compiled: bool, fed: bool = True) -> None:
        generator = ai.Generator(0)
        out = CLASSES if isinstance(loss, nn.CrossEntropyLoss) else 1
        last = [nn.Sigmoid()] if isinstance(loss, nn.BCELoss) else []
        self.model = nn.Sequential(nn.Linear(2, out, generator=generator), *last)
        self.optimizer = nn.Adam(self.model.parameters(), 0.1)
        self.count = ai.zeros((), dtype="int64")

        def step(x: ai.Tensor, target: ai.Tensor) -> ai.Tensor:
            self.count.assign(self.count + 1)
            value = loss(self.model(x), target if fed else target * 1)
            value.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            return value

        self.step = ai.compile(step) if compiled else step

    def __call__(self, target: ai.Tensor) -> float | str:
        x = ai.Generator(1).normal((len(target), 2))
        try:
            return float(self.step(x, target))
        except ValueError as error:
            return str(error)

    def state(self) -> list[Any]:
        parts = {**self.model.state_dict(), **self.optimizer.state_dict()}
        return [part.numpy().tobytes() for part in parts.values()]


@pytest.mark.parametrize("name", GOOD_AND_BAD)
@pytest.mark.parametrize("fed", [True, False], ids=["given", "computed in the step"])
@pytest.mark.parametrize("large", [False, True], ids=["whole", "tiles"])
def test_a_compiled_step_refuses_the_targets_that_eager_refuses(
    name: str, fed: bool, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first call and at later ones; then it trains on as if they had not come."""
    monkeypatch.setattr("autograd_iron.arrays.cpu.cache_size", lambda: 1 << 12)
    make, good, bads = GOOD_AND_BAD[name]
    eager, late, first = (Training(make(), compiled, fed) for compiled in (False, True, True))
    for bad in bads:
        for i, target in enumerate([good, bad, good]):
            said = eager(tall(target) if large else target)
            heard = late(tall(target) if large else target)
            assert isinstance(said, str) == (i == 1)
            assert heard == (said if i == 1 else pytest.approx(said, rel=1e-5))
        message = first(tall(bad) if large else bad)
        assert isinstance(message, str)
        assert message == eager(tall(bad) if large else bad)
    untouched = Training(make(), compiled=False)
    assert first.state() == untouched.state(), "a refused call has changed something"
    assert int(first.count.item()) == 0
    assert late.optimizer.step_count == eager.optimizer.step_count
    if large:
        assert late.step.plan.tile > 0
    else:
        assert late.state() == eager.state()


def test_predictions_that_are_no_probabilities_are_refused() -> None:
    loss, target = nn.BCELoss(), ai.tensor([0.0, 1.0])
    step = ai.compile(lambda p: loss(p * 2, target))
    assert float(step(ai.tensor([0.1, 0.4]))) > 0
    with pytest.raises(ValueError, match=r"prediction ranges from 0\.2 to 3, but probabilities"):
        step(ai.tensor([0.1, 1.5]))
    assert np.isnan(float(step(ai.tensor([0.1, np.nan])))), "NaN is the training's to show"


@pytest.mark.parametrize(
    ("x", "value"), [([1.0, 2.0, 3.0], 9.0), (np.arange(3), 9)], ids=["floats", "integers"]
)
def test_setting_a_position_twice_is_refused(x: Any, value: float) -> None:
    def put(x: ai.Tensor, index: ai.Tensor) -> ai.Tensor:
        return x.at[index].set(value)

    step = ai.compile(put)
    good, bad = np.array([0, 2]), np.array([1, -2])
    for _ in range(2):
        expected = put(ai.tensor(x), ai.tensor(good)).tolist()
        assert step(ai.tensor(x), ai.tensor(good)).tolist() == expected
        for function in (put, step):
            with pytest.raises(ValueError, match=r"set_at.*names a position twice has no defined"):
                function(ai.tensor(x), ai.tensor(bad))


def test_a_step_that_looks_up_what_is_not_there_counts_no_step() -> None:
    """The optimizer's count, and with it the schedule, stay in step with the weights."""
    table = nn.Parameter(np.ones((4, 2), np.float32))
    optimizer = nn.SGD([("table", table)], nn.CosineDecay(0.1, 10))

    @ai.compile
    def step(tokens: ai.Tensor) -> ai.Tensor:
        value = ai.sum(table[tokens] ** 2)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        return value

    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        step(ai.tensor(np.array([4])))
    step(ai.tensor(np.array([1])))
    before = table.numpy().copy()
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        step(ai.tensor(np.array([4])))
    assert optimizer.step_count == 1
    np.testing.assert_array_equal(table.numpy(), before)


def test_a_refused_call_draws_no_random_numbers() -> None:
    """What comes after it is drawn as if it had not come, at the first call and at later ones."""

    def noisy(generator: ai.Generator) -> Any:
        def step(x: ai.Tensor) -> Any:
            noise = generator.normal(x.shape), generator.integers(0, 99, x.shape)
            ai.extend.capture.check_range(x, 0, 1, "bad")
            return *noise, generator.permutation(4)

        return step

    generator, other = ai.Generator(0), ai.Generator(0)
    eager, compiled = noisy(generator), ai.compile(noisy(other))
    for bad in (True, False, True, True, False):
        if bad:
            with pytest.raises(ValueError, match="bad"):
                compiled(ai.tensor([2.0, 1.0]))
        else:
            same_bits(compiled(ai.tensor([0.5, 1.0])), eager(ai.tensor([0.5, 1.0])))
        assert other.state == generator.state


@pytest.mark.parametrize(
    ("look", "bad"),
    [
        (lambda table, at: table[at], 4),
        (lambda table, at: table.at[at].add(1.0), 4),
        (lambda table, at: ai.sum(at**at) * table, -1),
    ],
    ids=["read", "write", "power"],
)
def test_a_refused_call_has_changed_nothing_whatever_came_first(look: Any, bad: int) -> None:
    """Where the eager step has assigned already when it comes to what it refuses."""
    weights, velocity = ai.ones((4, 2)), ai.ones((4, 2))

    @ai.compile
    def step(at: ai.Tensor) -> ai.Tensor:
        velocity.assign(0.5 * velocity + 1.0)
        weights.assign(weights * 2.0)
        return ai.sum(look(weights, at))

    for _ in range(2):
        before = weights.tolist(), velocity.tolist()
        with pytest.raises((ValueError, IndexError)):
            step(ai.tensor(np.array([bad])))
        assert (weights.tolist(), velocity.tolist()) == before
        step(ai.tensor(np.array([1])))
        assert weights.tolist() != before[0]


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(["bool", "uint8", "int8", "int64", "float16", "float32", "float64"]),
    rows=st.sampled_from([1, 7, 3_000]),
    low=st.integers(-3, 3),
    width=st.integers(0, 4),
    nan=st.booleans(),
    data=st.data(),
)
def test_check_range_is_the_same_in_a_plan(
    dtype: str, rows: int, low: int, width: int, nan: bool, data: st.DataObject
) -> None:
    numbers = [0, 1] if dtype == "bool" else [0, 1, 3] if dtype == "uint8" else [-4, -1, 0, 1, 3]
    numbers = [*numbers, np.nan, np.inf] if dtype.startswith("float") else numbers
    odd = np.array(data.draw(st.sampled_from(numbers)))
    x = np.ones((rows, 2), dtype)
    x[data.draw(st.integers(0, rows - 1)), 1] = odd.astype(dtype)

    def look(x: ai.Tensor) -> ai.Tensor:
        ai.extend.capture.check_range(
            x, low, low + width, "from {low:g} to {high:g}: 100% bad", nan=nan
        )
        return ai.sum(x.astype("float32"))

    step = ai.compile(look)
    said = []
    for function in (look, step, step):
        try:
            function(ai.asarray(x))
            said.append("")
        except ValueError as error:
            said.append(str(error))
    assert said[0] == said[1] == said[2]
    inside = (x >= low) & (x <= low + width)
    refused = not (inside | np.isnan(x)).all() or (not nan and bool(np.isnan(x).any()))
    if not np.isnan(x).any():
        assert bool(said[0]) == refused


def test_a_primitive_that_is_taken_apart_checks_in_its_decomposition() -> None:
    message = "half_root: {low:g} has no root"

    @ai.extend.elementwise(floating=True)
    def half_root(xp: Any, x: Any, /) -> Any:
        """Half of the root."""
        ai.extend.capture.check_range(ai.Tensor(x), 0, np.inf, message)
        return xp.sqrt(x) / 2

    @half_root.decompose
    def _(F: Any, x: Any) -> Any:
        ai.extend.capture.check_range(x, 0, np.inf, message)
        return F.sqrt(x) / 2

    step = ai.compile(lambda x: half_root(x - 1.0))
    for function in (lambda x: half_root(x - 1.0), step):
        assert function(ai.tensor([5.0])).tolist() == [1.0]
        with pytest.raises(ValueError, match="half_root: -2 has no root"):
            function(ai.tensor([5.0, -1.0]))


def test_labels_that_are_not_given_are_looked_at_too() -> None:
    """Those that the function finds itself, as a Tensor that may change and as a frozen array."""
    loss, z = nn.CrossEntropyLoss(), ai.zeros((2, 3))
    kept = classes(0)
    for bad in (np.array([0, 3]), ai.tensor(np.array([0, 3]))):
        with pytest.raises(ValueError, match="class numbers range from 0 to 3"):
            ai.compile(lambda z, bad=bad: loss(z, bad))(z)
    step = ai.compile(lambda z: loss(z, kept))
    step(z)
    kept.assign(np.array([0, -1]))
    with pytest.raises(ValueError, match="class numbers range from -1 to 0"):
        step(z)


def test_fit_says_what_is_wrong_with_the_shape_rather_than_with_the_classes() -> None:
    model = nn.Sequential(nn.Linear(2, 1, generator=ai.Generator(0)), lambda x: x[:, 0])
    data = nn.Batches(ai.zeros((12, 2)), np.arange(12), batch_size=4)
    with pytest.raises(ValueError, match=r"the prediction has shape \(4,\) and the target \(4,\)"):
        nn.fit(
            model,
            data,
            nn.CrossEntropyLoss(),
            nn.SGD(model.parameters(), 0.1),
            steps=2,
            progress=False,
        )


def test_what_was_checked_is_checked_in_an_ejected_file(tmp_path: Path) -> None:
    loss = nn.CrossEntropyLoss()
    step = ai.compile(loss)
    step(ai.zeros((2, 3)), classes(0)[:2])
    step.eject(tmp_path / "out.py")
    code = """
import numpy as np, out
z = np.zeros((2, 3), np.float32)
print(out.step(z, np.array([0, 2])))
try:
    out.step(z, np.array([0, 3]))
except ValueError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert float(said[0]) == pytest.approx(np.log(3))
    assert said[1].startswith("CrossEntropyLoss: the target's class numbers range from 0 to 3, but")


# --- fit looks at all the targets before the first step


def fit(loss: Any, target: Any, compile: bool, batch_size: int | None) -> nn.Run:
    training = Training(getattr(loss, "inner", loss), compiled=False)
    x = ai.Generator(1).normal((len(target), 2))
    data = nn.Batches(x, target, batch_size=batch_size, shuffle=False)
    before = training.state()
    try:
        return nn.fit(
            *(training.model, data, loss, training.optimizer),
            steps=2,
            progress=False,
            compile=compile,
        )
    finally:
        if sys.exc_info()[0] is not None or target.max() > 1:
            assert training.state() == before, "the first step was made"


@pytest.mark.parametrize("compile", [True, False])
@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize(
    ("loss", "bad", "found"),
    [
        (nn.CrossEntropyLoss, np.int64(3), "holds 3, but the prediction's last axis, of 3, has"),
        (nn.CrossEntropyLoss, np.int64(-1), "holds -1, but the prediction's last axis, of 3, has"),
        (nn.BCEWithLogitsLoss, np.float32(255), "holds 255, but it must lie between 0 and 1"),
        (nn.BCEWithLogitsLoss, np.float32(-1), "holds -1, but it must lie between 0 and 1"),
        (nn.BCELoss, np.float32(np.nan), "holds nan, but it must lie between 0 and 1"),
    ],
)
def test_fit_names_the_first_bad_row_before_it_trains(
    loss: Any, bad: Any, found: str, batch_size: int | None, compile: bool
) -> None:
    """Also where the first batch is good."""
    target = np.zeros((12, 1) if bad.dtype.kind == "f" else 12, bad.dtype)
    target[[9, 11]] = bad
    with pytest.raises(ValueError, match=rf"{loss.__name__}: row 9 of the data's targets {found}"):
        fit(loss(), target, compile, batch_size)


def test_a_loss_of_ones_own_that_uses_one_of_ours_refuses_too() -> None:
    target = np.zeros(12, np.int64)
    target[9] = 3
    loss = nn.CrossEntropyLoss()
    model = nn.Linear(2, 3, generator=ai.Generator(0))
    data = nn.Batches(ai.zeros((12, 2)), target, batch_size=4, shuffle=False)
    with pytest.raises(ValueError, match="class numbers range from 0 to 3"):
        nn.fit(
            *(model, data, lambda p, t: loss(p, t) * 2.0, nn.SGD(model.parameters(), 0.1)),
            steps=9,
            progress=False,
        )


def test_a_loss_that_reads_its_targets_otherwise_is_not_spoken_for() -> None:
    class Signs(nn.CrossEntropyLoss):
        def __call__(self, prediction: ai.Tensor, target: Any) -> ai.Tensor:
            return super().__call__(prediction, target + 1)

    class LookedAt(Signs):
        def check_data(self, prediction: ai.Tensor, targets: Any) -> None:
            raise ValueError("looked")

    signs = np.arange(12) % 3 - 1
    assert fit(Signs(), signs, compile=True, batch_size=4).step == 2
    with pytest.raises(ValueError, match="looked"):
        fit(LookedAt(), signs, compile=True, batch_size=4)


def test_a_target_just_outside_is_shown_with_all_its_digits() -> None:
    with pytest.raises(ValueError, match=r"targets holds 1\.0000000000000002, but"):
        fit(nn.BCELoss(), np.full((12, 1), np.nextafter(1, 2)), compile=True, batch_size=4)
