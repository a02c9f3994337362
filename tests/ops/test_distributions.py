"""Draws of all distributions: of the right one, with gradients where there are any, replayed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn
from autograd_iron.ops.distributions import Distributions
from autograd_iron.ops.drawing import default_generator

N = 40_000


def normal_cdf(x: Any) -> Any:
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def truncated(low: float, high: float) -> Callable[[Any], Any]:
    """Return the distribution of a part of the normal one, accurate in a tail."""

    def upper(x: Any) -> Any:
        return np.vectorize(math.erfc)(np.asarray(x) / math.sqrt(2)) / 2

    def cdf(x: Any) -> Any:
        if low > 0:
            return (upper(low) - upper(x)) / (upper(low) - upper(high))
        return (normal_cdf(x) - normal_cdf(low)) / (normal_cdf(high) - normal_cdf(low))

    return cdf


CONTINUOUS: dict[str, tuple[Callable[[ai.Generator], ai.Tensor], Callable[[Any], Any]]] = {
    "exponential": (lambda g: g.exponential(N, 2.0), lambda x: 1 - np.exp(-x / 2)),
    "gumbel": (lambda g: g.gumbel(N, 1.0, 2.0), lambda x: np.exp(-np.exp(-(x - 1) / 2))),
    "laplace": (
        lambda g: g.laplace(N, 1.0, 2.0),
        lambda x: np.where(x < 1, np.exp((x - 1) / 2) / 2, 1 - np.exp((1 - x) / 2) / 2),
    ),
    "truncated_normal": (lambda g: g.truncated_normal(N), truncated(-2, 2)),
    "truncated_normal, narrow": (lambda g: g.truncated_normal(N, 0.1, 0.4), truncated(0.1, 0.4)),
    "truncated_normal, tail": (lambda g: g.truncated_normal(N, 4.0, 9.0), truncated(4, 9)),
    "truncated_normal, other tail": (
        lambda g: -g.truncated_normal(N, -9.0, -4.0),
        truncated(4, 9),
    ),
    "truncated_normal, moved": (
        lambda g: (g.truncated_normal(N, -1.0, math.inf, 3.0, 2.0) - 3) / 2,
        truncated(-1, math.inf),
    ),
    "gamma": (lambda g: g.gamma(1.0, 3.0, N), lambda x: 1 - np.exp(-x / 3)),
    "beta": (lambda g: g.beta(2.0, 1.0, N), lambda x: x**2),
    "dirichlet": (lambda g: g.dirichlet([1.0, 1.0], N)[:, 0], lambda x: x),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distributions(name: str) -> None:
    draw, distribution = CONTINUOUS[name]
    drawn = draw(ai.Generator(3))
    assert drawn.dtype == "float32"
    values = np.sort(drawn.numpy().astype("float64"))
    expected, steps = distribution(values), np.arange(N + 1) / N
    distance = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    assert distance * math.sqrt(N) < 1.95  # Kolmogorov and Smirnov's: 1 in 1000; the seed is fixed


COUNTED: dict[str, tuple[Callable[[ai.Generator], ai.Tensor], list[float]]] = {
    "bernoulli": (lambda g: g.bernoulli(0.3, N), [0.7, 0.3]),
    "categorical": (
        lambda g: g.categorical(np.log([0.2, 0.5, 0.3]) + 7, shape=N),
        [0.2, 0.5, 0.3],
    ),
    "choice": (lambda g: g.choice(3, N), [1 / 3] * 3),
    "choice, p": (lambda g: g.choice(3, N, p=[0.2, 0.5, 0.3]), [0.2, 0.5, 0.3]),
    "choice of values": (lambda g: g.choice(np.array([2, 0, 1]), N), [1 / 3] * 3),
    "binomial": (lambda g: g.binomial(2, 0.5, N), [0.25, 0.5, 0.25]),
    "integers": (lambda g: g.integers(3, shape=N), [1 / 3] * 3),
    "first of a choice without another": (
        lambda g: ai.stack([g.choice(3, 2, False, [0.2, 0.5, 0.3])[0] for _ in range(2000)]),
        [0.2, 0.5, 0.3],
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts(name: str) -> None:
    draw, chances = COUNTED[name]
    drawn = draw(ai.Generator(2)).numpy().astype("int64")
    counts = np.bincount(drawn, minlength=len(chances))
    expected = np.array(chances) * len(drawn)
    assert len(counts) == len(chances)
    assert np.sum((counts - expected) ** 2 / expected) < 13.8  # chi-squared, 2 degrees: 1 in 1000


def test_poisson_has_its_mean_and_variance() -> None:
    drawn = ai.Generator(0).poisson(4.0, N).numpy()
    assert abs(drawn.mean() - 4) < 0.05
    assert abs(drawn.var() - 4) < 0.15
    assert drawn.dtype == "int64"


# --- parameters that are Tensors


PLACED = ("normal", "laplace", "gumbel")


@pytest.mark.parametrize("name", [*PLACED, "uniform", "exponential", "truncated_normal", "gamma"])
def test_gradients_flow_to_place_and_scale(name: str) -> None:
    scale = ai.tensor([1.0, 2.0, 3.0], dtype="float64")
    calls: dict[str, Callable[..., ai.Tensor]] = {
        "exponential": lambda m, s: ai.Generator(1).exponential(None, s) + m,
        "truncated_normal": lambda m, s: ai.Generator(1).truncated_normal(None, -1, 1, m, s),
        "gamma": lambda m, s: ai.Generator(1).gamma(2.5, s) + m,
    }
    draw = calls.get(name, lambda m, s: getattr(ai.Generator(1), name)(None, m, s))
    made = draw(ai.zeros((2, 1), "float64"), scale)
    assert made.shape == (2, 3)
    assert made.dtype == "float64"
    ai.check_grads(draw, [np.ones((2, 1)), scale])


def test_what_numpy_draws_has_no_slope() -> None:
    a = ai.tensor([1.0, 2.0], requires_grad=True)
    g = ai.Generator(0)
    for name, draw in {
        "concentration": lambda: g.gamma(a),
        "b": lambda: g.beta(1.0, a),
        "lam": lambda: g.poisson(a),
        "p": lambda: g.binomial(2, a / 2),
    }.items():
        with pytest.raises(TypeError, match=rf"no gradient flows to {name}.*{name}\.detach\(\)"):
            draw()
    assert g.state["draws"] == 0
    assert g.gamma(a.detach()).shape == (2,)


def test_choices_of_parts() -> None:
    g = ai.Generator(0)
    x = ai.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    assert g.choice(x).shape == (4,)
    assert g.choice(x, (2, 2), axis=1).shape == (3, 2, 2)
    some = g.choice(x, 3, replace=False, axis=1)
    assert len({tuple(column) for column in some.T.tolist()}) == 3
    some.sum().backward()
    assert x.grad is not None
    assert sorted(x.grad[0].tolist()) == [0, 1, 1, 1]
    assert sorted(g.choice(5, 5, replace=False).tolist()) == [0, 1, 2, 3, 4]
    assert set(g.choice(3, 9, p=[0.0, 1.0, 0.0]).tolist()) == {1}
    with pytest.raises(ValueError, match="6 parts of 5"):
        g.choice(5, 6, replace=False)
    for p, message in (([0.5, 0.5], "for each of 3 parts"), ([0.5, 0.6, 0.3], "sum is 1")):
        with pytest.raises(ValueError, match=message):
            g.choice(3, p=p)
    with pytest.raises(TypeError, match=r"x\[generator\.permutation\(len\(x\)\)\]"):
        g.shuffle(x)


def test_categories_of_batches() -> None:
    logits = ai.tensor([[0.0, -ai.inf, -ai.inf], [-ai.inf, -ai.inf, 5.0]])
    g = ai.Generator(0)
    assert g.categorical(logits).tolist() == [0, 2]
    assert g.categorical(logits.T, axis=0).tolist() == [0, 2]
    assert g.categorical(logits, shape=(4, 2)).tolist() == [[0, 2]] * 4


# --- the default generator


def test_the_default_generator_is_seeded_once_for_all() -> None:
    draws: list[Callable[[], ai.Tensor]] = [
        lambda: ai.rand(2, 3),
        lambda: ai.randn((2, 3), dtype="float64"),
        lambda: ai.randint(10, (4,)),
        lambda: ai.randint(-3, 10, size=4, dtype="int32"),
        lambda: ai.randperm(5),
        lambda: ai.normal(ai.zeros(3), 2.0),
        lambda: ai.normal(1.0, 2.0, (2, 2)),
        lambda: ai.rand_like(ai.ones((2, 2), "float64")),
        lambda: ai.randn_like(ai.ones(3)),
        lambda: ai.random.uniform((2,), -1.0, 1.0),
        lambda: ai.random.gamma(2.0, shape=(3,)),
        lambda: ai.random.choice(5, 2),
    ]
    assert ai.manual_seed(7) is ai.random.default_generator is default_generator
    first = [draw() for draw in draws]
    ai.manual_seed(7)
    again = [draw() for draw in draws]
    assert [t.tolist() for t in first] == [t.tolist() for t in again]
    shapes = [(2, 3), (2, 3), (4,), (4,), (5,), (3,), (2, 2), (2, 2), (3,), (2,), (3,), (2,)]
    assert [t.shape for t in first] == shapes
    assert [str(t.dtype) for t in first[:4]] == ["float32", "float64", "int64", "int32"]
    assert ai.rand(3, requires_grad=True).requires_grad
    g = ai.Generator(7)
    assert ai.rand(2, 3, generator=g).tolist() == first[0].tolist()
    assert ai.random.uniform((2, 3), generator=ai.Generator(7)).tolist() == first[0].tolist()


def test_layers_begin_where_the_seed_says() -> None:
    def weights(seed: int) -> Any:
        ai.manual_seed(seed)
        return nn.Linear(2, 3).weight.tolist()

    assert weights(1) == weights(1) != weights(2)
    assert nn.init.default_generator is default_generator


def test_each_method_is_a_function_of_the_module() -> None:
    for kind in (ai.Generator, Distributions):
        for name, method in vars(kind).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                assert name in ai.random.__all__
                assert getattr(ai.random, name).__doc__ == method.__doc__


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: g.exponential(3),
        lambda g: g.choice(5, 3),
        lambda g: g.gamma(2.0, shape=3),
        lambda g: g.truncated_normal(3),
        lambda g: g.categorical(np.zeros(4, "float32"), shape=3),
        lambda g: g.normal(None, ai.zeros(3), 1.0),
    ],
)
def test_a_compiled_step_draws_anew(draw: Callable[[ai.Generator], ai.Tensor]) -> None:
    g, h = ai.Generator(5), ai.Generator(5)
    step = ai.compile(lambda x: x + draw(g))
    for _ in range(3):
        expected = draw(h)
        np.testing.assert_allclose(step(ai.zeros(3)).data, expected.data, rtol=1e-6)
    assert g.state == h.state
