"""The loss of sequences that nobody has aligned."""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from nn.functional.reducing import chosen, floats, reduced

__all__ = ["ctc_loss"]


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> ai.Tensor:
    """Return the negative log probability of sequences of classes, over all their alignments.

    Connectionist temporal classification: at each time one class or the blank is said, and what is
    said several times in a row is one class (Graves et al., 2006).

    Parameters
    ----------
    log_probs : (times, samples, classes) or (times, classes)
        Logarithms of probabilities.
    targets : (samples, longest), or one after the other
        Class numbers, none of them the blank; beyond a length they do not count.
    input_lengths, target_lengths : (samples,)
        How many times, and how many classes, a sample has.
    blank : int
        The number of the blank.
    reduction : "mean", "sum" or "none"
        The mean is over samples, each over its target's length.
    zero_infinity : bool
        Whether a target longer than its input can say costs 0 instead of infinity.
    """
    how = chosen("ctc_loss", None, None, reduction)
    (logs,) = floats("ctc_loss", log_probs=log_probs)
    alone = logs.ndim == 2
    logs = ai.expand_dims(logs, 1) if alone else logs
    if logs.ndim != 3 or not 0 <= blank < logs.shape[-1]:
        raise ValueError(
            f"ctc_loss: log_probs has shape {logs.shape}, (times, samples, classes), and the blank "
            f"{blank} is one of its classes"
        )
    times, samples, classes = logs.shape
    lengths = _lengths("input_lengths", input_lengths, samples, times, logs.device)
    labels, target = _padded(targets, target_lengths, samples, classes, logs.device)
    longest = labels.shape[1]
    # A blank before each class and behind the last one.
    blanks = ai.full((samples, longest + 1, 1), blank, dtype="int64", device=logs.device)
    between = ai.concat([ai.expand_dims(labels, -1), blanks[:, 1:]], axis=2)
    said = ai.concat([blanks[:, 0], ai.reshape(between, (samples, 2 * longest))], axis=1)
    states = said.shape[1]
    # A class may follow the one before it without a blank, unless it is the same.
    differs = (said[:, 2:] != said[:, :-2]) & (said[:, 2:] != blank)
    may_skip = ai.concat(
        [ai.zeros((samples, min(2, states)), "bool", logs.device), differs], axis=1
    )
    every = ai.broadcast_to(ai.expand_dims(said, 0), (times, samples, states))
    emitted = ai.take_along_axis(logs, every, axis=2)
    start = ai.arange(states, device=logs.device) < 2
    alpha = ai.where(start, emitted[0], -math.inf)
    never = ai.full((samples, 2), -math.inf, dtype=logs.dtype, device=logs.device)
    for t in range(1, times):
        shifted = ai.concat([never, alpha], axis=1)
        skipped = ai.where(may_skip, shifted[:, :states], -math.inf)
        ways = ai.stack([alpha, shifted[:, 1 : states + 1], skipped])
        new = _log_of_sum(ways, 0) + emitted[t]
        alpha = ai.where(ai.expand_dims(t < lengths, -1), new, alpha)
    # It ends with the last class or the blank behind it.
    places = ai.arange(states, device=logs.device)
    end = ai.expand_dims(2 * target, -1)
    last = (places == end) | (places == end - 1)
    losses = -_log_of_sum(ai.where(last, alpha, -math.inf), 1)
    if zero_infinity:
        losses = ai.where(losses == math.inf, 0.0, losses)
    if how == "mean":
        losses = losses / ai.astype(ai.maximum(target, 1), losses.dtype)
    elif how == "none" and alone:
        return ai.reshape(losses, ())
    return reduced(losses, how)


def _log_of_sum(logs: ai.Tensor, axis: int) -> ai.Tensor:
    """Return `logsumexp`, for parts of which all may be impossible: nothing flows back to them."""
    largest = ai.max(logs.detach(), axis=axis, keepdims=True)
    shift = ai.where(largest == -math.inf, 0.0, largest)
    total = ai.sum(ai.exp(logs - shift), axis=axis)
    none = total == 0
    possible = ai.log(ai.where(none, 1.0, total)) + ai.squeeze(shift, axis=axis)
    made: ai.Tensor = ai.where(none, -math.inf, possible)
    return made


def _lengths(name: str, given: Any, samples: int, most: int, device: str) -> ai.Tensor:
    made: ai.Tensor = ai.reshape(ai.asarray(given, device=device), (-1,))
    if made.shape != (samples,) or made.dtype.kind not in "iu":
        raise ValueError(
            f"ctc_loss: {name} has shape {made.shape} and dtype {made.dtype}; there are {samples} "
            f"samples, with an integer each"
        )
    ai.extend.capture.check_range(
        made,
        0,
        most,
        f"ctc_loss: {name} range from {{low:g}} to {{high:g}}, not within 0 to {most}",
    )
    return made


def _padded(
    targets: Any, target_lengths: Any, samples: int, classes: int, device: str
) -> tuple[ai.Tensor, ai.Tensor]:
    """Return the targets as (samples, longest), and their lengths."""
    labels: ai.Tensor = ai.asarray(targets, device=device)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"ctc_loss: targets are class numbers, integers, not {labels.dtype}")
    if labels.ndim == 1 and samples == 1:
        labels = ai.expand_dims(labels, 0)
    if labels.ndim == 1:
        known = [int(n) for n in target_lengths]
        longest, start = max(known, default=0), 0
        rows = []
        for n in known:
            row = labels[start : start + n]
            rows.append(ai.pad(row, ((0, longest - n),)))
            start += n
        if start != labels.shape[0]:
            raise ValueError(
                f"ctc_loss: targets has {labels.shape[0]} class numbers, and target_lengths sum up "
                f"to {start}"
            )
        labels = ai.stack(rows)
    lengths = _lengths("target_lengths", target_lengths, samples, labels.shape[1], device)
    counted = ai.arange(labels.shape[1], device=device) < ai.expand_dims(lengths, -1)
    labels = ai.astype(ai.where(counted, labels, 0), "int64")
    ai.extend.capture.check_range(
        labels,
        0,
        classes - 1,
        f"ctc_loss: targets range from {{low:g}} to {{high:g}}, and there are {classes} classes",
    )
    return labels, lengths
