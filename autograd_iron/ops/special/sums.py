"""Sums of exponentials over axes, with SciPy's arguments: by default over all axes."""

from __future__ import annotations

from typing import Any

from autograd_iron.core.composite import floating
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.core.switches import no_grad
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.elementwise.words import together


def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """Return ``log(sum(b * exp(a)))`` over axes, without overflow.

    Parameters
    ----------
    a : Tensor
    axis : int or tuple of int, optional
        Default: all.
    b : Tensor, optional
        Factors, which broadcast with `a`.
    keepdims : bool
    return_sign : bool
        Also return the sign of the sum, whose logarithm is then that of its absolute value.
    """
    if b is None and not return_sign:
        return F.logsumexp(a, axis=axis, keepdims=keepdims)
    a, b = together(F, a, 1.0 if b is None else b)
    with no_grad():  # the result does not depend on what is subtracted
        largest = F.max(F.where(b == 0, -float("inf"), a), axis=axis, keepdims=True)
        largest = F.where(F.isfinite(largest), largest, 0)
    total = F.sum(b * F.exp(F.where(b == 0, largest, a) - largest), axis=axis, keepdims=keepdims)
    shift = F.reshape(largest, shape=total.shape)
    if not return_sign:
        return F.log(total) + shift
    return F.log(F.abs(total)) + shift, F.sign(total)


def softmax(x: Any, axis: Any = None) -> Tensor:
    """Return ``exp(x) / sum(exp(x))`` over axes, by default over all."""
    made: Tensor = F.exp(log_softmax(x, axis))
    return made


def log_softmax(x: Any, axis: Any = None) -> Tensor:
    """Return ``log(softmax(x))`` over axes, by default over all, finite for every finite `x`."""
    made: Tensor = F.log_softmax(floating(F, x), axis=axis)
    return made
