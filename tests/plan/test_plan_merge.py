"""Equal steps on small values are one call, and change no bit."""

from typing import Any

import numpy as np
import pytest
from compiling import same_bits
from hypothesis import given
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from autograd_iron.plan.schedule.merge import LARGEST


def network(hidden: int) -> nn.Module:
    generator = ai.Generator(0)
    return nn.Sequential(
        nn.Linear(2, hidden, generator=generator),
        nn.Tanh(),
        nn.Linear(hidden, 1, generator=generator),
    )


def step_of(model: nn.Module, optimizer: nn.Optimizer) -> Any:
    def train(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        loss = nn.MSELoss()(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return train


def words(step: Any) -> list[str]:
    return [s.primitive.name for stage in step.plan.stages for s in stage.steps]


def run(rule: type[nn.Optimizer], hidden: int, compiled: bool) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 2)).astype("f4"), rng.standard_normal((6, 1)).astype("f4")
    model = network(hidden)
    step = step_of(model, rule(model.parameters(), 0.1))
    if compiled:
        step = ai.compile(step)
    losses = [step(ai.tensor(x), ai.tensor(y)) for _ in range(5)]
    return [*losses, *model.parameters()], step


@pytest.mark.parametrize("rule", [nn.SGD, nn.Adam])
def test_small_updates_are_joined_and_keep_their_bits(rule: type[nn.Optimizer]) -> None:
    expected, _ = run(rule, 4, compiled=False)
    found, step = run(rule, 4, compiled=True)
    same_bits(found, expected)
    if rule is nn.SGD:
        # The square, the loss' slope, tanh', and once the rate for all four parameters.
        assert words(step).count("multiply") == 4
        assert words(step).count("subtract") == 6


def test_large_values_stay_where_they_are() -> None:
    _, small = run(nn.SGD, 4, compiled=True)
    _, large = run(nn.SGD, LARGEST, compiled=True)
    assert words(large).count("multiply") > words(small).count("multiply")


def test_what_is_handed_out_or_assigned_is_not_moved() -> None:
    scale = ai.tensor(2.0)
    kept = ai.tensor(np.zeros(3))

    @ai.compile
    def step(a: ai.Tensor, b: ai.Tensor) -> tuple[ai.Tensor, ...]:
        x, y = ai.exp(a), ai.exp(b)
        kept.assign(scale * x)
        return scale * x, scale * y, x

    a, b = ai.tensor(np.arange(3.0)), ai.tensor(np.arange(4.0))
    first = step(a, b)
    held = [t.numpy().copy() for t in first]
    step(b[:3] + 1, b)
    for t, before in zip(first, held, strict=True):
        np.testing.assert_array_equal(t.numpy(), before)
    np.testing.assert_array_equal(kept.numpy(), 2 * np.exp(np.arange(1.0, 4.0)))


@given(
    st.lists(
        st.tuples(st.sampled_from(["exp", "negative", "double", "chain"]), st.integers(1, 3)),
        min_size=2,
        max_size=6,
    )
)
def test_any_mixture_keeps_its_bits(parts: list[tuple[str, int]]) -> None:
    """Steps that could be joined, of other kinds between them, each feeding on earlier ones."""
    rate = ai.tensor(0.3)
    do = {
        "exp": ai.exp,
        "negative": lambda t: -t,
        "double": lambda t: rate * t,
        "chain": lambda t: rate * -(rate * t),
    }

    def function(*given: ai.Tensor) -> list[ai.Tensor]:
        made = [t * 1.5 for t in given]
        results = [do[word](made[i]) for i, (word, _) in enumerate(parts)]
        total = ai.sum(ai.concat([ai.sum(r, axis=-1) for r in results]))
        return [r * total for r in results]

    rng = np.random.default_rng(0)
    given = [ai.tensor(rng.standard_normal((2, n))) for _, n in parts]
    same_bits(ai.compile(function)(*given), function(*given))
