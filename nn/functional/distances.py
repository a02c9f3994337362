"""Lengths, distances and angles of vectors, and dropout, in PyTorch's names and defaults."""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from nn.functional.activations import _drawn
from nn.functional.operands import tensors

__all__ = [
    "alpha_dropout",
    "cosine_similarity",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "normalize",
    "pairwise_distance",
]


def _length(x: ai.Tensor, p: float, axis: Any, keepdims: bool) -> ai.Tensor:
    """Return the p-norm of vectors along an axis; at zero the derivative is 0."""
    if p == 2:
        return ai.norm(x, axis=axis, keepdims=keepdims)
    size = ai.abs(x)
    if p == math.inf:
        return ai.max(size, axis=axis, keepdims=keepdims)
    if p == 0:
        return ai.sum(ai.astype(x != 0, x.dtype), axis=axis, keepdims=keepdims)
    if p == 1:
        return ai.sum(size, axis=axis, keepdims=keepdims)
    total = ai.sum(size**p, axis=axis, keepdims=keepdims)
    nothing = total == 0
    return ai.where(nothing, 0.0, ai.where(nothing, 1.0, total) ** (1 / p))


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> ai.Tensor:
    """Return ``x / max(norm(x), eps)``, with the p-norm along an axis."""
    x = ai.asarray(input)
    return x / ai.maximum(_length(x, p, dim, True), eps)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> ai.Tensor:
    """Return the p-norm of ``x1 - x2 + eps`` along the last axis."""
    a, b = tensors(x1, x2)
    return _length(a - b + eps, p, -1, keepdim)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> ai.Tensor:
    """Return the cosine of the angle between vectors along an axis; shapes broadcast."""
    alike: Any = ai.broadcast_arrays
    a, b = alike(*tensors(x1, x2))
    return ai.sum(normalize(a, 2.0, dim, eps) * normalize(b, 2.0, dim, eps), axis=dim)


def _kept(x: ai.Tensor, p: float, shape: Any, generator: ai.Generator | None) -> ai.Tensor:
    return _drawn(x, generator, shape) >= p


def _check_share(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a share from 0 to 1, not {p}")


def dropout(
    input: Any,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: ai.Generator | None = None,
) -> ai.Tensor:
    """Return x with a share `p` of its elements set to 0, and the others divided by ``1 - p``.

    Parameters
    ----------
    input : Tensor
    p : float
    training : bool
        If false, x is returned as it is.
    inplace : bool
        For the sake of PyTorch's signature: Tensors are values.
    generator : Generator, optional
        By default `nn.init.default_generator`.
    """
    x = ai.asarray(input)
    return _dropped(x, p, training, x.shape, generator)


def _dropped(
    x: ai.Tensor, p: float, training: bool, shape: Any, generator: ai.Generator | None
) -> ai.Tensor:
    _check_share(p)
    if not training or p == 0:
        return x
    if p == 1:
        return ai.where(ai.zeros(x.shape, dtype="bool", device=x.device), x, 0.0)
    return ai.where(_kept(x, p, shape, generator), x / (1 - p), 0.0)


def _channels(name: str, axes: int) -> Any:
    def function(
        input: Any,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
        *,
        generator: ai.Generator | None = None,
    ) -> ai.Tensor:
        x = ai.asarray(input)
        if x.ndim not in (axes + 1, axes + 2):
            raise ValueError(
                f"{name}: the input is (channels, ...) or (n, channels, ...) with {axes} axes "
                f"after the channels, not {x.shape}"
            )
        shape = (*x.shape[: x.ndim - axes], *(1,) * axes)
        return _dropped(x, p, training, shape, generator)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Like `dropout`, of whole channels, with {axes} axes after theirs."
    return function


dropout1d = _channels("dropout1d", 1)
dropout2d = _channels("dropout2d", 2)
dropout3d = _channels("dropout3d", 3)


def alpha_dropout(
    input: Any,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: ai.Generator | None = None,
) -> ai.Tensor:
    """Return x with a share `p` of its elements set to the lowest value of `selu`.

    What comes out is scaled and shifted, so that mean and variance stay those of the input.
    """
    _check_share(p)
    x = ai.asarray(input)
    if not training or p == 0:
        return x
    if p == 1:
        return _dropped(x, 1.0, True, x.shape, None)
    lowest = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717
    scale = ((1 - p) * (1 + p * lowest**2)) ** -0.5
    mixed = ai.where(_kept(x, p, x.shape, generator), x, lowest)
    made: ai.Tensor = mixed * scale - scale * p * lowest
    return made
