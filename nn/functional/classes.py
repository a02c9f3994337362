"""Losses of class numbers, in PyTorch's names, arguments, defaults and reductions."""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from nn.functional.bernoulli import bce_of_logits
from nn.functional.operands import beside
from nn.functional.reducing import alike, chosen, floats, reduced

__all__ = [
    "cross_entropy",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
]


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> ai.Tensor:
    """Return the cross entropy of logits and classes.

    Parameters
    ----------
    input : (samples, classes), (samples, classes, ...) or (classes,)
        Logits.
    target : Tensor
        Class numbers: integers, of the input's shape without the classes.  Or probabilities of the
        classes, of the input's shape.
    weight : (classes,), optional
        What a sample of each class counts for.
    ignore_index : int
        A class number that says that a sample does not count.
    reduction : "mean", "sum" or "none"
        The mean is over the weights of the samples.
    label_smoothing : float
        From 0 to 1: the share of the target that is given to all classes alike.
    """
    name = "cross_entropy"
    how = chosen(name, size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"{name}: label_smoothing is from 0 to 1, not {label_smoothing}")
    (x,) = floats(name, input=input)
    labels = beside(target, x)
    axis = _class_axis(name, x)
    logs = ai.log_softmax(x, axis=axis)
    if labels.is_floating_point():
        return _of_probabilities(x, logs, labels, weight, how, label_smoothing, axis)
    return _of_classes(name, logs, labels, weight, ignore_index, how, label_smoothing, axis)


def _class_axis(name: str, x: ai.Tensor) -> int:
    if not x.ndim:
        raise ValueError(f"{name}: the input is one number; it is (samples, classes, ...)")
    return min(1, x.ndim - 1)


def _of_probabilities(
    x: ai.Tensor,
    logs: ai.Tensor,
    target: ai.Tensor,
    weight: Any,
    how: str,
    smoothing: float,
    axis: int,
) -> ai.Tensor:
    alike("cross_entropy", x, target)
    classes = x.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    terms = logs * target
    if weight is not None:
        terms = terms * _along(weight, x, axis)
    losses = -ai.sum(terms, axis=axis)
    return reduced(losses, how)


def _along(weight: Any, x: ai.Tensor, axis: int) -> ai.Tensor:
    w = beside(weight, x)
    if w.shape != (x.shape[axis],):
        raise ValueError(f"the weight has shape {w.shape}, and there are {x.shape[axis]} classes")
    return ai.reshape(w, (-1, *(1,) * (x.ndim - 1 - axis)))


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return the negative of the input at the class of each sample: see `cross_entropy`.

    Parameters
    ----------
    input : (samples, classes), (samples, classes, ...) or (classes,)
        Logarithms of probabilities.
    """
    how = chosen("nll_loss", size_average, reduce, reduction)
    (x,) = floats("nll_loss", input=input)
    axis = _class_axis("nll_loss", x)
    return _of_classes("nll_loss", x, beside(target, x), weight, ignore_index, how, 0.0, axis)


def _of_classes(
    name: str,
    logs: ai.Tensor,
    labels: ai.Tensor,
    weight: Any,
    ignored: int,
    how: str,
    smoothing: float,
    axis: int,
) -> ai.Tensor:
    classes = logs.shape[axis]
    _check_labels(name, logs, labels, axis)
    left_out = labels == ignored
    labels = _checked(name, ai.where(left_out, 0, labels), classes)
    places = ai.reshape(
        ai.arange(classes, device=labels.device), (-1, *(1,) * (logs.ndim - 1 - axis))
    )
    # Compared with all classes rather than used as an index, so that each row stands by itself.
    hit = ai.expand_dims(labels, axis) == places
    losses = -ai.sum(ai.where(hit, logs, 0.0), axis=axis)
    if labels.device != "cpu":
        losses = ai.where(ai.any(hit, axis=axis), losses, math.nan)
    counted: Any = ai.astype(~left_out, logs.dtype)
    if weight is not None:
        w = ai.broadcast_to(_along(weight, logs, axis), logs.shape)
        counted = counted * ai.sum(ai.where(hit, w, 0.0), axis=axis)
    losses = ai.where(left_out, 0.0, losses * counted if weight is not None else losses)
    if smoothing:
        every = -ai.sum(logs if weight is None else logs * w, axis=axis) / classes
        losses = losses * (1 - smoothing) + ai.where(left_out, 0.0, every) * smoothing
    return reduced(losses, how, ai.sum(counted))


def _check_labels(name: str, x: ai.Tensor, labels: ai.Tensor, axis: int) -> None:
    wanted = (*x.shape[:axis], *x.shape[axis + 1 :])
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: the target has dtype {labels.dtype}, and class numbers are integers. Write "
            f'ai.tensor(labels, dtype="int64").'
        )
    if labels.shape != wanted:
        raise ValueError(
            f"{name}: the input has shape {x.shape}, (samples, classes, ...), and the target "
            f"{labels.shape}; it is {wanted}, one class number for each sample"
        )


def _checked(name: str, labels: ai.Tensor, classes: int) -> ai.Tensor:
    ai.extend.capture.check_range(
        labels,
        0,
        classes - 1,
        f"{name}: the target's class numbers range from {{low:g}} to {{high:g}}, but there are "
        f"{classes} classes, with room for 0 to {classes - 1}. Count classes from 0.",
    )
    return labels


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return how far other classes come closer to that of the sample than a margin.

    ``sum over other classes j of max(0, margin - x[y] + x[j])^p / classes``.

    Parameters
    ----------
    input : (samples, classes) or (classes,)
    target : (samples,) or ()
        Class numbers.
    p : 1 or 2
    weight : (classes,), optional
    """
    name = "multi_margin_loss"
    how = chosen(name, size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError(f"{name}: p is 1 or 2, not {p}")
    (x,) = floats(name, input=input)
    labels = beside(target, x)
    if x.ndim == 1 and labels.shape == (1,):
        x = ai.expand_dims(x, 0)
    _check_labels(name, x, labels, x.ndim - 1)
    classes = x.shape[-1]
    places = ai.arange(classes, device=x.device)
    hit = ai.expand_dims(_checked(name, labels, classes), -1) == places
    own = ai.sum(ai.where(hit, x, 0.0), axis=-1, keepdims=True)
    terms = ai.relu(margin - own + x)
    terms = terms if p == 1 else ai.square(terms)
    if weight is not None:
        w = ai.broadcast_to(_along(weight, x, x.ndim - 1), x.shape)
        terms = terms * ai.sum(ai.where(hit, w, 0.0), axis=-1, keepdims=True)
    return reduced(ai.sum(ai.where(hit, 0.0, terms), axis=-1) / classes, how)


def multilabel_margin_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return how far classes that are none of the sample come closer to its own than 1.

    Parameters
    ----------
    input : (samples, classes) or (classes,)
    target : of the same shape
        Class numbers of the sample; from the first -1 on they do not count.
    """
    name = "multilabel_margin_loss"
    how = chosen(name, size_average, reduce, reduction)
    (x,) = floats(name, input=input)
    labels = beside(target, x)
    alike(name, x, labels)
    classes = x.shape[-1]
    ended = ai.astype(labels == -1, x.dtype)
    before = ai.triu(ai.ones((classes, classes), dtype=x.dtype, device=x.device))
    counts = ai.matmul(ended, before) == 0
    labels = _checked(name, ai.where(counts, labels, 0), classes)
    places = ai.arange(classes, device=x.device)
    hit = (ai.expand_dims(labels, -1) == places) & ai.expand_dims(counts, -1)
    own = ai.sum(ai.where(hit, ai.expand_dims(x, -2), 0.0), axis=-1)
    other = ~ai.any(hit, axis=-2)
    terms = ai.relu(1 - ai.expand_dims(own, -1) + ai.expand_dims(x, -2))
    counted = ai.expand_dims(counts, -1) & ai.expand_dims(other, -2)
    return reduced(ai.sum(ai.where(counted, terms, 0.0), axis=(-2, -1)) / classes, how)


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> ai.Tensor:
    """Return the mean over classes of the cross entropy of yes or no.

    Parameters
    ----------
    input, target : (..., classes)
        Logits, and 0 or 1 for each class.
    weight : (classes,), optional
    """
    name = "multilabel_soft_margin_loss"
    how = chosen(name, size_average, reduce, reduction)
    x, y = floats(name, input=input, target=target)
    alike(name, x, y)
    losses = bce_of_logits(x, y)
    return reduced(ai.mean(losses if weight is None else losses * weight, axis=-1), how)
