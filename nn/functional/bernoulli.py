"""The elementwise functions under the losses of yes or no, as primitives of their own.

Each computes in one pass what the composition would make inexact or infinite.
"""

from __future__ import annotations

from typing import Any

import autograd_iron as ai


@ai.extend.elementwise(floating=True)
def bce_of_logits(xp: Any, logit: Any, target: Any, /) -> Any:
    """Elementwise cross entropy of a Bernoulli target and a logit z.

    ``max(z, 0) - z y + log(1 + exp(-|z|))``, which is
    ``-y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z))`` without the overflow: exact to rounding at
    any finite logit. Its gradient is ``sigmoid(z) - y``.

    Parameters
    ----------
    logit : Tensor
    target : Tensor
        Probabilities in [0, 1], of the logit's dtype; shapes broadcast.

    Returns
    -------
    Tensor
    """
    logit, target = _alike(xp, logit, target)
    return xp.maximum(logit, 0) - logit * target + xp.log1p(xp.exp(xp.minimum(logit, -logit)))


@bce_of_logits.decompose
def _(F: Any, logit: Any, target: Any) -> Any:
    # -|z| as the smaller of z and -z: a plan has -z at hand, from the sigmoid of the gradient.
    return F.maximum(logit, 0) - logit * target + F.log1p(F.exp(F.minimum(logit, -logit)))


@bce_of_logits.vjp
def _(F: Any, g: Any, _loss: Any, logit: Any, target: Any) -> Any:
    return F.multiply_no_nan(F.sigmoid(logit) - target, g)


@bce_of_logits.vjp
def _(F: Any, g: Any, _loss: Any, logit: Any, _target: Any) -> Any:
    return F.multiply_no_nan(-logit, g)


@ai.extend.elementwise(floating=True)
def bce_of_probabilities(xp: Any, probability: Any, target: Any, /) -> Any:
    """Elementwise cross entropy of a Bernoulli target and a probability p.

    ``-y log(p) - (1 - y) log(1 - p)``, with both logarithms kept at -100 or more, as in PyTorch:
    a loss of at most 100 where p is exactly 0 or 1. For the same reason the denominator of the
    gradient, ``(p - y) / (p (1 - p))``, is kept at 1e-12 or more.

    Parameters
    ----------
    probability : Tensor
        In [0, 1].
    target : Tensor
        In [0, 1], of the same dtype; shapes broadcast.

    Returns
    -------
    Tensor
    """
    probability, target = _alike(xp, probability, target)
    yes, no = _bounded_logs(xp, probability)
    return (target - 1) * no - target * yes


@bce_of_probabilities.decompose
def _(F: Any, probability: Any, target: Any) -> Any:
    # A number is rounded to the dtype of the other operand first, as the kernel does.
    if not hasattr(probability, "dtype"):
        probability = 0 * target + probability
    if not hasattr(target, "dtype"):
        target = 0 * probability + target
    yes, no = _bounded_logs(F, probability)
    return (target - 1) * no - target * yes


@bce_of_probabilities.vjp
def _(F: Any, g: Any, _loss: Any, probability: Any, target: Any) -> Any:
    slope = (probability - target) / F.maximum(probability * (1 - probability), 1e-12)
    return F.multiply_no_nan(slope, g)


@bce_of_probabilities.vjp
def _(F: Any, g: Any, _loss: Any, probability: Any, _target: Any) -> Any:
    yes, no = _bounded_logs(F, probability)
    return F.multiply_no_nan(no - yes, g)


def _alike(xp: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Give a number the dtype of the other operand, which two numbers together would widen."""
    x = x if hasattr(x, "dtype") else xp.asarray(x, y.dtype)
    return x, y if hasattr(y, "dtype") else xp.asarray(y, x.dtype)


def _bounded_logs(words: Any, p: Any) -> tuple[Any, Any]:
    """Return ``log(p)`` and ``log(1 - p)``, at least -100."""
    # The inner `where` keeps the logarithm of 0, and its warning, from being computed at all.
    yes = words.log(words.where(p == 0, 1.0, p))
    no = words.log1p(words.where(p == 1, 0.0, -p))
    return (
        words.where(p == 0, -100.0, words.maximum(yes, -100.0)),
        words.where(p == 1, -100.0, words.maximum(no, -100.0)),
    )


for word in (bce_of_logits, bce_of_probabilities):
    word.ordered = True
