"""Losses that compare samples with each other, in PyTorch's names, arguments and reductions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd_iron as ai
from nn.functional.reducing import alike, chosen, floats, reduced

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return a distance where the target is 1, and ``max(0, margin - distance)`` where it is -1."""
    how = chosen("hinge_embedding_loss", size_average, reduce, reduction)
    x, y = floats("hinge_embedding_loss", input=input, target=target)
    apart = ai.where(y != 1, ai.relu(margin - x), 0.0)
    return reduced(apart + ai.where(y != -1, x, 0.0), how)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return ``max(0, -y (x1 - x2) + margin)``: y is 1 where x1 should be the larger, else -1."""
    how = chosen("margin_ranking_loss", size_average, reduce, reduction)
    x1, x2, y = floats("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if not x1.ndim == x2.ndim == y.ndim:
        raise ValueError(
            f"margin_ranking_loss: input1 {x1.shape}, input2 {x2.shape} and target {y.shape} have "
            "as many axes"
        )
    return reduced(ai.relu(-y * (x1 - x2) + margin), how)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return ``1 - cos`` where the target is 1, and ``max(0, cos - margin)`` where it is -1.

    Parameters
    ----------
    input1, input2 : (samples, width) or (width,)
    target : (samples,) or ()
    """
    how = chosen("cosine_embedding_loss", size_average, reduce, reduction)
    x1, x2, y = floats("cosine_embedding_loss", input1=input1, input2=input2, target=target)
    if x1.shape != x2.shape or y.shape != x1.shape[:-1] or x1.ndim not in (1, 2):
        raise ValueError(
            f"cosine_embedding_loss: input1 has shape {x1.shape}, input2 {x2.shape} and the target "
            f"{y.shape}; they are (samples, width) twice, and (samples,)"
        )
    squares = [ai.sum(ai.square(x), axis=-1) + 1e-12 for x in (x1, x2)]
    cosine = ai.sum(x1 * x2, axis=-1) / ai.sqrt(squares[0] * squares[1])
    together = ai.where(y == 1, 1 - cosine, 0.0)
    return reduced(together + ai.where(y == -1, ai.relu(cosine - margin), 0.0), how)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return how much less than a margin the negative is farther away than the positive.

    ``max(0, |a - p + eps| - |a - n + eps| + margin)`` with p-norms over the last axis.

    Parameters
    ----------
    anchor, positive, negative : (samples, width) or (width,)
    swap : bool
        Whether the negative's distance from the positive counts where it is less.
    """
    name = "triplet_margin_loss"
    how = chosen(name, size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"{name}: margin is more than 0, not {margin}")
    x, yes, no = floats(name, anchor=anchor, positive=positive, negative=negative)

    def distance(one: ai.Tensor, other: ai.Tensor) -> ai.Tensor:
        return _norm(one - other + eps, p)

    return _triplets(x, yes, no, distance, margin, swap, how)


def _norm(x: ai.Tensor, p: float) -> ai.Tensor:
    """Return the p-norm over the last axis; at the zero vector its derivative is 0."""
    made: ai.Tensor
    if p == 2:
        made = ai.norm(x, axis=-1)
    elif p == math.inf:
        made = ai.max(ai.abs(x), axis=-1)
    else:
        total = ai.sum(ai.abs(x) ** p, axis=-1)
        none = total == 0
        made = ai.where(none, 0.0, ai.where(none, 1.0, total) ** (1 / p))
    return made


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[ai.Tensor, ai.Tensor], ai.Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return `triplet_margin_loss` with another distance; by default the Euclidean one."""
    name = "triplet_margin_with_distance_loss"
    if margin <= 0:
        raise ValueError(f"{name}: margin is more than 0, not {margin}")
    x, yes, no = floats(name, anchor=anchor, positive=positive, negative=negative)
    alike(name, x, yes, "positive")
    alike(name, x, no, "negative")

    def euclidean(one: ai.Tensor, other: ai.Tensor) -> ai.Tensor:
        return _norm(one - other + 1e-6, 2)

    how = chosen(name, None, None, reduction)
    return _triplets(x, yes, no, distance_function or euclidean, margin, swap, how)


def _triplets(
    x: ai.Tensor,
    yes: ai.Tensor,
    no: ai.Tensor,
    distance: Callable[[ai.Tensor, ai.Tensor], ai.Tensor],
    margin: float,
    swap: bool,
    how: str,
) -> ai.Tensor:
    near, far = distance(x, yes), distance(x, no)
    if swap:
        far = ai.minimum(far, distance(yes, no))
    return reduced(ai.relu(near - far + margin), how)
