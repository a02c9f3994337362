"""Random numbers: the draws of the default generator, or of the one given as `generator=`.

`ai.random.uniform((2, 3))` is `generator.uniform((2, 3))` of the generator that `ai.manual_seed`
seeds; see `Generator` for what a draw depends on.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from autograd_iron.core.explain import explained
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.drawing import (
    default_generator,
    manual_seed,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
)
from autograd_iron.ops.random import Generator

__all__ = [
    "Generator",
    "bernoulli",
    "beta",
    "binomial",
    "categorical",
    "choice",
    "default_generator",
    "dirichlet",
    "exponential",
    "gamma",
    "gumbel",
    "integers",
    "laplace",
    "manual_seed",
    "normal",
    "permutation",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def _of_default(method: Callable[..., Any]) -> Callable[..., Tensor]:
    """Return a method of a Generator as a function that draws from the default one."""

    def function(*args: Any, generator: Generator | None = None, **settings: Any) -> Tensor:
        made: Tensor = method(generator or default_generator, *args, **settings)
        return made

    first, *others = inspect.signature(method).parameters.values()
    whose = first.replace(name="generator", kind=first.KEYWORD_ONLY, default=None)
    function.__signature__ = inspect.Signature([*others, whose])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = method.__name__
    function.__doc__ = method.__doc__
    return explained(function)


bernoulli = _of_default(Generator.bernoulli)
beta = _of_default(Generator.beta)
binomial = _of_default(Generator.binomial)
categorical = _of_default(Generator.categorical)
choice = _of_default(Generator.choice)
dirichlet = _of_default(Generator.dirichlet)
exponential = _of_default(Generator.exponential)
gamma = _of_default(Generator.gamma)
gumbel = _of_default(Generator.gumbel)
integers = _of_default(Generator.integers)
laplace = _of_default(Generator.laplace)
normal = _of_default(Generator.normal)
permutation = _of_default(Generator.permutation)
poisson = _of_default(Generator.poisson)
shuffle = _of_default(Generator.shuffle)
truncated_normal = _of_default(Generator.truncated_normal)
uniform = _of_default(Generator.uniform)
