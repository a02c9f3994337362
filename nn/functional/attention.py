"""Attention, in PyTorch's names, arguments and numerics."""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from autograd_iron.ops.attention import attention_weights
from nn import init
from nn.functional.operands import beside, tensors

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> ai.Tensor:
    """Return ``softmax(query key^T scale + mask) value``.

    Parameters
    ----------
    query : (..., heads, queries, width)
    key : (..., heads, keys, width)
    value : (..., heads, keys, width made)
    attn_mask : (..., queries, keys), optional
        Of truths, where a query may attend to a key; or of floats, which are added to the scores.
    dropout_p : float
        The share of weights that are left out, drawn from `nn.init.default_generator`; pass 0 in
        evaluation.
    is_causal : bool
        Whether a query attends only to the keys up to its own place.
    scale : float, optional
        By default ``1 / sqrt(width)``.
    enable_gqa : bool
        Whether key and value may have fewer heads, each of which serves several of the query.

    Returns
    -------
    (..., heads, queries, width made)
        0 for a query that may attend to nothing.
    """
    q, k, v = tensors(query, key, value)
    if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"scaled_dot_product_attention: query {q.shape}, key {k.shape} and value {v.shape} are "
            f"(..., queries, width), (..., keys, width) and (..., keys, width made)"
        )
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention: give either attn_mask or is_causal")
    if enable_gqa:
        k, v = (_repeated(x, q.shape[-3]) for x in (k, v))
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = ai.matmul(q * factor, ai.matrix_transpose(k))
    if is_causal:
        ones = ai.ones(scores.shape[-2:], dtype="bool", device=scores.device)
        scores = ai.where(ai.tril(ones), scores, -math.inf)
    elif attn_mask is not None:
        mask = beside(attn_mask, scores)
        truths = mask.dtype.kind == "b"
        scores = ai.where(mask, scores, -math.inf) if truths else scores + mask
    weights = attention_weights(scores)
    if dropout_p:
        weights = _dropped(weights, dropout_p)
    made: ai.Tensor = ai.matmul(weights, v)
    return made


def _repeated(x: ai.Tensor, heads: int) -> ai.Tensor:
    """Return as many heads as the query has, each repeated for those that it serves."""
    own = x.shape[-3]
    if heads % own:
        raise ValueError(
            f"scaled_dot_product_attention: {heads} heads of the query are no multiple of the "
            f"{own} of key and value"
        )
    made: ai.Tensor = ai.repeat(x, heads // own, axis=-3) if heads > own else x
    return made


def _dropped(weights: ai.Tensor, p: float) -> ai.Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"scaled_dot_product_attention: dropout_p is from 0 to 1, not {p}")
    drawn = init.default_generator.uniform(weights.shape, device=weights.device)
    kept: ai.Tensor = ai.where(drawn >= p, weights * (1 / (1 - p) if p < 1 else 0.0), 0.0)
    return kept
