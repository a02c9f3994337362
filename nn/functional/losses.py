"""Losses of numbers, in PyTorch's names, arguments, defaults and reductions."""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from nn.functional.bernoulli import bce_of_logits, bce_of_probabilities
from nn.functional.operands import beside
from nn.functional.reducing import alike, chosen, floats, reduced

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "gaussian_nll_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
]


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> ai.Tensor:
    """Return the squares of the differences.

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    reduction : "mean", "sum" or "none"
        Of the losses of all elements.
    weight : Tensor, optional
        Of the same shape: the mean is then over the sum of the weights.
    """
    how = chosen("mse_loss", size_average, reduce, reduction)
    x, y = floats("mse_loss", input=input, target=target)
    alike("mse_loss", x, y)
    return _weighted("mse_loss", ai.square(x - y), weight, how)


def _weighted(name: str, losses: ai.Tensor, weight: Any, how: str) -> ai.Tensor:
    if weight is None:
        return reduced(losses, how)
    w = beside(weight, losses)
    alike(name, losses, w, "weight")
    return reduced(losses * w, how, ai.sum(w))


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> ai.Tensor:
    """Return the sizes of the differences; see `mse_loss`."""
    how = chosen("l1_loss", size_average, reduce, reduction)
    x, y = floats("l1_loss", input=input, target=target)
    alike("l1_loss", x, y)
    return _weighted("l1_loss", ai.abs(x - y), weight, how)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> ai.Tensor:
    """Return ``d^2 / (2 beta)`` where the difference d is less than beta, else ``d - beta / 2``."""
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta is 0 or more, not {beta}")
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    how = chosen("smooth_l1_loss", size_average, reduce, reduction)
    x, y = floats("smooth_l1_loss", input=input, target=target)
    alike("smooth_l1_loss", x, y)
    return reduced(_smooth(x - y, beta) / beta, how)


def _smooth(difference: ai.Tensor, bound: float) -> ai.Tensor:
    size = ai.abs(difference)
    inner = ai.square(difference) * 0.5
    made: ai.Tensor = ai.where(size < bound, inner, (size - 0.5 * bound) * bound)
    return made


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> ai.Tensor:
    """Return ``d^2 / 2`` where the difference d is below delta, else ``delta (d - delta / 2)``."""
    if delta <= 0:
        raise ValueError(f"huber_loss: delta is more than 0, not {delta}")
    how = chosen("huber_loss", None, None, reduction)
    x, y = floats("huber_loss", input=input, target=target)
    alike("huber_loss", x, y)
    losses = _smooth(x - y, delta)
    if weight is not None:  # the mean stays that over all elements
        w = beside(weight, losses)
        alike("huber_loss", losses, w, "weight")
        losses = losses * w
    return reduced(losses, how)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return ``-y log(p) - (1 - y) log(1 - p)`` of probabilities p and targets y.

    Both logarithms are kept at -100 or more.  Prefer `binary_cross_entropy_with_logits`.

    Parameters
    ----------
    input : Tensor
        In [0, 1], looked at unless it is on a GPU.
    target : Tensor
        Of the same shape.
    weight : Tensor, optional
        Of each element; it broadcasts.
    """
    how = chosen("binary_cross_entropy", size_average, reduce, reduction)
    p, y = floats("binary_cross_entropy", input=input, target=target)
    alike("binary_cross_entropy", p, y)
    ai.extend.capture.check_range(
        p,
        0,
        1,
        "binary_cross_entropy: the input ranges from {low:g} to {high:g}, but probabilities lie "
        "between 0 and 1. Of logits use binary_cross_entropy_with_logits.",
    )
    losses = bce_of_probabilities(p, y)
    return reduced(losses if weight is None else losses * weight, how)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> ai.Tensor:
    """Return the cross entropy of logits z and targets y: ``max(z, 0) - z y + log(1 + e^-|z|)``.

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    weight : Tensor, optional
        Of each element; it broadcasts.
    pos_weight : Tensor, optional
        What a yes counts for; it broadcasts, one number for each class.
    """
    name = "binary_cross_entropy_with_logits"
    how = chosen(name, size_average, reduce, reduction)
    z, y = floats(name, input=input, target=target)
    alike(name, z, y)
    if pos_weight is None:
        losses = bce_of_logits(z, y)
    else:
        losses = (1 - y) * z + (1 + (pos_weight - 1) * y) * bce_of_logits(z, 1.0)
    return reduced(losses if weight is None else losses * weight, how)


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> ai.Tensor:
    """Return ``target (log(target) - input)``: the divergence of probabilities, the input in logs.

    Parameters
    ----------
    input : Tensor
        Logarithms of probabilities.
    target : Tensor
        Probabilities; their logarithms with `log_target`.
    reduction : "batchmean", "mean", "sum" or "none"
        "batchmean" divides the sum by the size of the first axis: it alone is the divergence.
    """
    batch = reduction == "batchmean" and size_average is None and reduce is None
    how = chosen("kl_div", size_average, reduce, "sum" if batch else reduction)
    x, t = floats("kl_div", input=input, target=target)
    if log_target:
        losses = ai.exp(t) * (t - x)
    else:
        none = t == 0
        losses = t * (ai.log(ai.where(none, 1.0, t)) - x)
    total = reduced(losses, how)
    return total / x.shape[0] if batch and x.ndim else total


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return the negative log likelihood of counts, but for a term of the target.

    Parameters
    ----------
    input : Tensor
        The rate, or its logarithm with `log_input`.
    target : Tensor
        Counts.
    full : bool
        Whether Stirling's approximation of that term is added, where the target is more than 1.
    eps : float
        Added to a rate before its logarithm is taken.
    """
    how = chosen("poisson_nll_loss", size_average, reduce, reduction)
    x, t = floats("poisson_nll_loss", input=input, target=target)
    losses = ai.exp(x) - t * x if log_input else x - t * ai.log(x + eps)
    if full:
        large = t > 1
        safe = ai.where(large, t, 1.0)
        term = safe * ai.log(safe) - safe + 0.5 * ai.log(2 * math.pi * safe)
        losses = losses + ai.where(large, term, 0.0)
    return reduced(losses, how)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return the negative log likelihood of numbers drawn around the input.

    Parameters
    ----------
    input, target : Tensor
        They broadcast.
    var : Tensor or float
        Variances, one for each element or for each row; kept at `eps` or more, which is no part of
        the gradient.
    full : bool
        Whether the constant is added.
    """
    how = chosen("gaussian_nll_loss", None, None, reduction)
    x, t = floats("gaussian_nll_loss", input=input, target=target)
    v = beside(var, x)
    v = v if hasattr(var, "dtype") else v.astype(x.dtype)
    if v.ndim and v.shape != x.shape:
        if v.shape == x.shape[:-1]:
            v = ai.expand_dims(v, -1)
        elif v.shape[:-1] != x.shape[:-1] or v.shape[-1] != 1:
            raise ValueError(
                f"gaussian_nll_loss: var has shape {v.shape}; it is that of the input, {x.shape}, "
                f"or without its last axis"
            )
    ai.extend.capture.check_range(
        v, 0, math.inf, "gaussian_nll_loss: var goes down to {low:g}; variances are 0 or more"
    )
    v = v + (ai.maximum(v, eps) - v).detach()
    losses = 0.5 * (ai.log(v) + ai.square(x - t) / v)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, how)


def soft_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return ``log(1 + exp(-y x))`` for targets y of -1 and 1."""
    how = chosen("soft_margin_loss", size_average, reduce, reduction)
    x, y = floats("soft_margin_loss", input=input, target=target)
    alike("soft_margin_loss", x, y)
    return reduced(ai.softplus(-y * x), how)
