"""Losses: callables ``(prediction, target) -> 0-d Tensor``, the mean over all elements.

Prediction and target must have the same shape, and the target is cast to the prediction's dtype, so
that float64 or 0/1 integer targets never widen a float32 network. `CrossEntropyLoss` alone takes
class numbers: a target of integers with one axis less. Losses of float16 and bfloat16 are
computed in float32 and rounded once.

Values that a loss cannot mean are refused in every call, in a compiled step too. On a GPU they
would have to be waited for, and are not looked at in a step; `nn.fit` looks at all the targets
once before the first step, wherever they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import autograd_iron as ai
from autograd_iron.support.closed import Closed
from nn.functional.bernoulli import bce_of_logits, bce_of_probabilities


class MSELoss(Closed):
    """Mean squared error: ``mean((prediction - target)^2)``.

    Examples
    --------
    >>> float(nn.MSELoss()(ai.tensor([1.0, 2.0]), ai.tensor([1.0, 4.0])))
    2.0
    """

    def __call__(self, prediction: ai.Tensor, target: Any) -> ai.Tensor:
        """Return the loss.

        Parameters
        ----------
        prediction : Tensor
        target : Tensor or array of the same shape

        Returns
        -------
        Tensor
            0-d, of the prediction's dtype.

        Raises
        ------
        ValueError
            When the shapes differ or are empty.
        TypeError
            When the prediction is not of a floating dtype and the target is.
        """
        if _is_narrow(prediction):
            return _by_float32(self, prediction, target)
        target = _matched("MSELoss", prediction, target)
        return _mean(ai.square(prediction - target))


class BCEWithLogitsLoss(Closed):
    """Binary cross entropy of logits: the loss for yes or no, with no sigmoid at the model's end.

    ``mean(max(z, 0) - z y + log(1 + exp(-|z|)))`` for logits z and targets y: finite and with the
    gradient ``sigmoid(z) - y`` for every finite logit in float32, where `BCELoss` after a sigmoid
    has lost it.

    Examples
    --------
    >>> loss = nn.BCEWithLogitsLoss()
    >>> float(loss(ai.tensor([1000.0, -1000.0]), ai.tensor([1.0, 1.0])))
    500.0
    """

    def __call__(self, prediction: ai.Tensor, target: Any) -> ai.Tensor:
        """Return the loss.

        Parameters
        ----------
        prediction : Tensor
            Logits: any numbers.
        target : Tensor or array of the same shape
            In [0, 1]; looked at unless they are on a GPU.

        Returns
        -------
        Tensor
            0-d, of the prediction's dtype.

        Raises
        ------
        ValueError
            When the shapes differ or are empty, or a target lies outside [0, 1].
        """
        if _is_narrow(prediction):
            return _by_float32(self, prediction, target)
        target = _matched("BCEWithLogitsLoss", prediction, target, _PROBABILITIES)
        return _mean(bce_of_logits(prediction, target))

    def check_data(self, prediction: ai.Tensor, targets: Any) -> None:
        """Refuse the targets of a whole data set by the first row that is not in [0, 1].

        Parameters
        ----------
        prediction : Tensor
            Any.
        targets : array
            The rows count the samples; on a GPU they are waited for.

        Raises
        ------
        ValueError
            With the row and the value.
        """
        _PROBABILITIES.check_rows("BCEWithLogitsLoss", targets)


class BCELoss(Closed):
    """Binary cross entropy of probabilities; prefer `BCEWithLogitsLoss`.

    ``mean(-y log(p) - (1 - y) log(1 - p))`` for probabilities p and targets y, with both logarithms
    kept at -100 or more as in PyTorch: finite, with a finite gradient, where p is exactly 0 or 1.

    Examples
    --------
    >>> float(nn.BCELoss()(ai.tensor([0.0, 1.0]), ai.tensor([1.0, 1.0])))
    50.0
    """

    def __call__(self, prediction: ai.Tensor, target: Any) -> ai.Tensor:
        """Return the loss.

        Parameters
        ----------
        prediction : Tensor
            Probabilities: in [0, 1], looked at unless they are on a GPU.
        target : Tensor or array of the same shape
            In [0, 1], looked at likewise.

        Returns
        -------
        Tensor
            0-d, of the prediction's dtype.

        Raises
        ------
        ValueError
            When the shapes differ or are empty, or a prediction or a target lies outside [0, 1].
        """
        if _is_narrow(prediction):
            return _by_float32(self, prediction, target)
        target = _matched("BCELoss", prediction, target, _PROBABILITIES)
        # NaN passes: it is the training's to show, not this check's to blame.
        ai.extend.capture.check_range(
            prediction,
            0,
            1,
            "BCELoss: the prediction ranges from {low:g} to {high:g}, but probabilities lie "
            "between 0 and 1. If the model ends without a sigmoid, its outputs are logits: "
            "use BCEWithLogitsLoss.",
        )
        return _mean(bce_of_probabilities(prediction, target))

    def check_data(self, prediction: ai.Tensor, targets: Any) -> None:
        """Refuse the targets of a whole data set: see `BCEWithLogitsLoss.check_data`."""
        _PROBABILITIES.check_rows("BCELoss", targets)


class CrossEntropyLoss(Closed):
    """Cross entropy of logits and class numbers: the loss for one class out of several.

    ``mean(-log_softmax(z)[k])`` for the logits z of a sample, one for each class, and the number k
    of its class: the mean of ``log(sum(exp(z))) - z[k]``, finite for every finite logit. The
    model's last layer has as many outputs as there are classes, and no softmax behind it.

    Examples
    --------
    >>> loss = nn.CrossEntropyLoss()
    >>> float(loss(ai.tensor([[0.0, 1000.0], [0.0, 1000.0]]), ai.tensor([0, 1])))
    500.0
    """

    def __call__(self, prediction: ai.Tensor, target: Any) -> ai.Tensor:
        """Return the loss.

        Parameters
        ----------
        prediction : Tensor (..., classes)
            Logits: any numbers.
        target : Tensor or array (...) of integers
            Class numbers, from 0 to ``classes - 1``. On a GPU, whose values would have to be waited
            for, they are not looked at: there the loss is NaN if one lies outside the range.

        Returns
        -------
        Tensor
            0-d, of the prediction's dtype.

        Raises
        ------
        ValueError
            When the target's shape is not the prediction's without its last axis, the batch is
            empty, or a class number lies outside the range.
        TypeError
            When the target is not of an integer dtype, or the prediction not of a floating one.
        """
        if _is_narrow(prediction):
            return _by_float32(self, prediction, target)
        labels: ai.Tensor = ai.asarray(target)
        _check_labels(prediction, labels)
        _class_numbers(prediction).check("CrossEntropyLoss", labels)
        classes = ai.arange(prediction.shape[-1], device=labels.device)
        # Compared with all classes rather than used as an index, so that each row stands by itself.
        chosen = ai.equal(ai.expand_dims(labels, -1), classes)
        rows = ai.sum(ai.where(chosen, ai.log_softmax(prediction), 0.0), axis=-1)
        if labels.device != "cpu":
            rows = ai.where(ai.any(chosen, axis=-1), rows, math.nan)
        return -_mean(rows)

    def check_data(self, prediction: ai.Tensor, targets: Any) -> None:
        """Refuse the targets of a whole data set by the first row with a class that is none.

        Parameters
        ----------
        prediction : Tensor (..., classes)
            It says how many classes there are.
        targets : array of integers
            The rows count the samples; on a GPU they are waited for.

        Raises
        ------
        ValueError
            With the row and the value.
        """
        # Of another shape or dtype they are refused with the first batch.
        if targets.ndim == prediction.ndim - 1 and targets.dtype.kind in "iu":
            _class_numbers(prediction).check_rows("CrossEntropyLoss", targets)


class _Allowed(NamedTuple):
    """Which numbers a target may hold; NaN is none of them.

    Attributes
    ----------
    low, high : number
    what : str
        What the target holds.
    why : str
        The rest of the sentence, from "but" on.
    """

    low: int
    high: int
    what: str
    why: str

    def check(self, loss: str, target: ai.Tensor) -> None:
        """Refuse a batch."""
        message = f"{loss}: the target{self.what} from {{low:g}} to {{high:g}}, {self.why}"
        ai.extend.capture.check_range(target, self.low, self.high, message, nan=False)

    def check_rows(self, loss: str, targets: Any) -> None:
        """Refuse a raw array of targets, here or on a GPU, by its first bad row."""
        good = (targets >= self.low) & (targets <= self.high)
        if bool(good.all()):
            return
        row = int(good.reshape(len(good), -1).all(axis=1).argmin())
        value = targets[row].reshape(-1)[good[row].reshape(-1).argmin()].item()
        found = f"{value:g}" if float(f"{value:g}") == value else repr(value)
        raise ValueError(f"{loss}: row {row} of the data's targets holds {found}, {self.why}")


_PROBABILITIES = _Allowed(
    0,
    1,
    " ranges",
    "but it must lie between 0 and 1. Divide 8-bit pixels by 255; write labels -1 and 1 as "
    "(labels + 1) / 2; for other quantities use MSELoss.",
)


def _class_numbers(prediction: ai.Tensor) -> _Allowed:
    classes = prediction.shape[-1]
    return _Allowed(
        0,
        classes - 1,
        "'s class numbers range",
        f"but the prediction's last axis, of {classes}, has room for 0 to {classes - 1}. Count "
        f"classes from 0, and give the model's last layer one output for each of them.",
    )


def _check_labels(prediction: ai.Tensor, labels: ai.Tensor) -> None:
    if not prediction.is_floating_point():
        raise TypeError(
            f"CrossEntropyLoss: the prediction has dtype {prediction.dtype}, and logits are "
            f"floating numbers: what the model's last layer returns, before any argmax."
        )
    if not prediction.ndim or labels.shape != prediction.shape[:-1]:
        raise ValueError(
            f"CrossEntropyLoss: the prediction has shape {prediction.shape} and the target "
            f"{labels.shape}; a prediction (..., classes) goes with a target (...), one class "
            f"number for each row of logits. {_hint_on_labels(prediction, labels)}"
        )
    _refuse_empty("CrossEntropyLoss", prediction)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"CrossEntropyLoss: the target has dtype {labels.dtype}, and class numbers are "
            f'integers. Write ai.tensor(labels, dtype="int64"); for probabilities of yes or no '
            f"use BCEWithLogitsLoss."
        )


def _hint_on_labels(prediction: ai.Tensor, labels: ai.Tensor) -> str:
    if labels.shape == prediction.shape and labels.ndim:
        return "If the target is one-hot, write ai.argmax(target, axis=-1)."
    if labels.shape == (*prediction.shape[:-1], 1):
        return "Write target.reshape(prediction.shape[:-1])."
    return "For one logit a sample and yes or no, use BCEWithLogitsLoss."


def _is_narrow(prediction: ai.Tensor) -> bool:
    if not isinstance(prediction, ai.Tensor):
        raise TypeError(
            f"a loss: the prediction is of type {type(prediction).__name__}, and only a Tensor has "
            "a gradient: give what the model returned (and the target second)"
        )
    return prediction.dtype.itemsize == 2 and prediction.is_floating_point()


def _by_float32(loss: Callable[..., ai.Tensor], prediction: ai.Tensor, target: Any) -> ai.Tensor:
    """Return a loss of float16: a square leaves its range long before the mean of squares does."""
    return loss(prediction.astype("float32"), target).astype(prediction.dtype)


def _mean(elements: ai.Tensor) -> ai.Tensor:
    result: ai.Tensor = ai.mean(elements)
    return result


def _refuse_empty(loss: str, prediction: ai.Tensor) -> None:
    if prediction.size == 0:
        raise ValueError(
            f"{loss}: the batch is empty (shape {prediction.shape}), and the mean of no numbers is "
            f"not a number. Leave empty batches out."
        )


def _matched(
    loss: str, prediction: ai.Tensor, target: Any, allowed: _Allowed | None = None
) -> ai.Tensor:
    """Return the target as a Tensor of the prediction's dtype, or refuse the pair."""
    plain = not hasattr(target, "dtype") and prediction.is_floating_point()
    truth: ai.Tensor = ai.asarray(target, prediction.dtype if plain else None)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"{loss}: the prediction has shape {prediction.shape} and the target {truth.shape}; "
            f"they must be the same, or broadcasting would compare each prediction with other "
            f"samples' targets. Write target.reshape(prediction.shape) if they are in the same "
            f"order."
        )
    _refuse_empty(loss, prediction)
    if allowed is not None:
        allowed.check(loss, truth)
    if truth.dtype == prediction.dtype:
        return truth
    if not prediction.is_floating_point():
        raise TypeError(
            f"{loss}: the prediction has dtype {prediction.dtype}, and only floating numbers have "
            f'a loss to learn from. Write prediction.astype("float32").'
        )
    return truth.astype(prediction.dtype)
