"""Linear and bilinear maps, tables of vectors and borders, in PyTorch's names and arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_iron as ai
from autograd_iron.ops.indexing.gathering import gather
from nn.functional.operands import tensors

# An argument of a function below has the name of this one.
_pad = ai.pad

__all__ = ["bilinear", "embedding", "linear", "one_hot", "pad"]


def linear(input: Any, weight: Any, bias: Any = None) -> ai.Tensor:
    """Return ``input @ weight.T + bias``, for a weight of (features made, features)."""
    made: ai.Tensor = ai.linear(input, weight, bias)
    return made


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> ai.Tensor:
    """Return ``x1 @ weight[k] @ x2 + bias[k]`` for each feature k that is made.

    Parameters
    ----------
    input1 : (..., n)
    input2 : (..., m)
    weight : (features made, n, m)
    bias : (features made,), optional
    """
    made: ai.Tensor = ai.einsum("...n,knm,...m->...k", input1, weight, input2)
    return made if bias is None else made + bias


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> ai.Tensor:
    """Return the rows of a table at integers.

    Parameters
    ----------
    input : Tensor of integers
        From 0 to the number of rows less 1; looked at unless they are on a GPU.
    weight : (rows, width)
    padding_idx : int, optional
        A row to which no gradient flows.
    max_norm, scale_grad_by_freq, sparse
        PyTorch's; they must be left as they are.

    Returns
    -------
    (*input.shape, width)
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise ValueError(
            "embedding: max_norm, scale_grad_by_freq and sparse are not implemented; scale the "
            "table's rows, or its gradient, before or after the step"
        )
    at, table = tensors(input, weight)
    if at.dtype.kind not in "iu" or table.ndim != 2:
        raise TypeError(
            f"embedding: the input has dtype {at.dtype}, and the weight shape {table.shape}; they "
            f"are integers, and (rows, width)"
        )
    last = table.shape[0] - 1
    ai.extend.capture.check_range(
        at,
        0,
        last,
        f"embedding: the input ranges from {{low:g}} to {{high:g}}, but the table has rows 0 to "
        f"{last}",
    )
    rows: ai.Tensor = gather(table, at, axis=0)
    if padding_idx is None:
        return rows
    if not -table.shape[0] <= padding_idx <= last:
        raise ValueError(f"embedding: padding_idx {padding_idx} is no row of 0 to {last}")
    padding = ai.expand_dims(at == padding_idx % table.shape[0], -1)
    made: ai.Tensor = ai.where(padding, rows.detach(), rows)
    return made


def one_hot(tensor: Any, num_classes: int = -1) -> ai.Tensor:
    """Return for each class number a row of int64, 1 at its place and 0 elsewhere.

    Parameters
    ----------
    num_classes : int
        -1: one more than the largest that there is, which is waited for.
    """
    labels: ai.Tensor = ai.asarray(tensor)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"one_hot: class numbers are integers, not {labels.dtype}")
    count = num_classes
    if count == -1:
        if not labels.size:
            raise ValueError("one_hot: of no class numbers, num_classes must be given")
        count = int(ai.max(labels)) + 1
    ai.extend.capture.check_range(
        labels,
        0,
        count - 1,
        f"one_hot: the class numbers range from {{low:g}} to {{high:g}}, but with num_classes="
        f"{count} they are 0 to {count - 1}",
    )
    places = ai.arange(count, device=labels.device)
    made: ai.Tensor = ai.astype(ai.expand_dims(labels, -1) == places, "int64")
    return made


_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(
    input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> ai.Tensor:
    """Return an array with borders around its last axes.

    Parameters
    ----------
    pad : sequence of int
        (before, behind) the last axis, then the one before it, and so on. A negative size takes
        elements away.
    mode : str
        "constant", "reflect" (the edge is not repeated), "replicate" (the edge again and again) or
        "circular" (what stands at the other end).
    value : float, optional
        Of a constant border; by default 0.
    """
    x: ai.Tensor = ai.asarray(input)
    sizes = tuple(pad)
    if mode not in _MODES:
        raise ValueError(f"pad: mode {mode!r} is none of {', '.join(map(repr, _MODES))}")
    if len(sizes) % 2 or len(sizes) > 2 * x.ndim:
        raise ValueError(
            f"pad: {sizes} is no pair of sizes for each of the last axes of shape {x.shape}"
        )
    if value is not None and mode != "constant":
        raise ValueError(f"pad: a value is for mode='constant', not {mode!r}")
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)][::-1]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs
    for n, pair in zip(x.shape, pairs, strict=True):
        most = {"reflect": n - 1, "circular": n}.get(mode, max(pair))
        if n + sum(min(size, 0) for size in pair) < 0 or max(pair) > max(most, 0):
            raise ValueError(f"pad: {pair} does not fit an axis of {n} with mode={mode!r}")
    if any(size < 0 for pair in pairs for size in pair):
        x = x[
            tuple(
                slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True)
            )
        ]
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
    if mode != "constant":
        made: ai.Tensor = _pad(x, pairs, mode=_MODES[mode])
    else:
        made = _pad(x, pairs, constant_values=0 if value is None else value)
    return made
