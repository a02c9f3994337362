"""Draws from the default generator, which `manual_seed` seeds, in PyTorch's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_iron.core.explain import explained
from autograd_iron.core.plain import setting
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.random import Generator

__all__ = [
    "manual_seed",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
]

default_generator = Generator(0)


def manual_seed(seed: int) -> Generator:
    """Start the default generator anew, and return it: the same seed gives the same numbers.

    Parameters
    ----------
    seed : int
        From 0 to 2^128 - 1.
    """
    default_generator.state = Generator(seed).state
    return default_generator


def _drawn(
    kind: str, size: tuple[Any, ...], dtype: Any, device: Any, source: Generator | None
) -> Any:
    """Return draws of a shape that was given as several sizes or as one sequence."""
    shape = size[0] if len(size) == 1 else size
    return getattr(source or default_generator, kind)(shape, dtype=dtype, device=device)


@explained
def rand(
    *size: Any,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Return uniform numbers on [0, 1): `rand(2, 3)` or `rand((2, 3))`.

    Parameters
    ----------
    *size : int, or a sequence of int
    dtype : dtype or str, optional
        Default: float32.
    device : str, optional
    requires_grad : bool
    generator : Generator, optional
        Default: the one that `manual_seed` seeds.
    """
    made: Tensor = _drawn("uniform", size, dtype, device, generator)
    if requires_grad:
        made.requires_grad = True
    return made


@explained
def randn(
    *size: Any,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Return numbers of the standard normal distribution: see `rand`."""
    made: Tensor = _drawn("normal", size, dtype, device, generator)
    if requires_grad:
        made.requires_grad = True
    return made


@explained
def rand_like(
    x: Any, *, dtype: Any = None, device: str | None = None, generator: Generator | None = None
) -> Tensor:
    """Return uniform numbers on [0, 1) in the shape and dtype of a tensor, where it is."""
    return rand(x.shape, dtype=dtype or x.dtype, device=device or x.device, generator=generator)


@explained
def randn_like(
    x: Any, *, dtype: Any = None, device: str | None = None, generator: Generator | None = None
) -> Tensor:
    """Return standard normal numbers in the shape and dtype of a tensor, where it is."""
    return randn(x.shape, dtype=dtype or x.dtype, device=device or x.device, generator=generator)


@explained
def randint(
    low: Any,
    high: Any = None,
    size: int | Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: str | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Return integers from [low, high), or from [0, low): `randint(10, size=(2, 3))`.

    As in PyTorch `randint(10, (2, 3))` will do; int64 by default.
    """
    if isinstance(high, Sequence):
        high, size = None, high
    made = (generator or default_generator).integers(
        low, high, () if size is None else size, device
    )
    return made if dtype is None else made.astype(dtype)


@explained
def randperm(n: int, *, device: str | None = None, generator: Generator | None = None) -> Tensor:
    """Return the numbers 0 to n - 1 in a random order, int64."""
    return (generator or default_generator).permutation(n, device)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: int | Sequence[int] | None = None,
    *,
    dtype: Any = None,
    device: str | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Return normal numbers, in the shape of `mean` and `std` by default.

    Gradients flow to `mean` and `std` if they are Tensors.
    """
    shape = None if size is None else setting(size, "shape")
    return (generator or default_generator).normal(shape, mean, std, dtype, device)
