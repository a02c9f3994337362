"""The weights of attention."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.primitive import primitive


@primitive(floating=True, decomposes=True)
def attention_weights(F, scores, /):
    """Return ``exp(scores) / sum(exp(scores))`` over the last axis; 0 where all are -infinity.

    So a query that may attend to nothing attends to nothing, as in PyTorch.
    """
    if dtypes.is_narrow(scores.dtype):
        wide = F.attention_weights(F.astype(scores, dtype="float32"))
        return F.astype(wide, dtype=scores.dtype)
    largest = F.max(scores, axis=-1, keepdims=True)
    shifted = F.exp(scores - F.where(largest == -math.inf, 0, largest))
    total = F.sum(shifted, axis=-1, keepdims=True)
    return shifted / F.where(total == 0, 1, total)


attention_weights.shape(specs.same)


@attention_weights.vjp
def _(F, g, y, _scores):
    if dtypes.is_narrow(y.dtype):
        wide, own = F.astype(y, dtype="float32"), F.astype(g, dtype="float32")
        along = F.sum(F.multiply_no_nan(wide, own), axis=-1, keepdims=True)
        return F.astype(F.multiply_no_nan(wide, own - along), dtype=y.dtype)
    along = F.sum(F.multiply_no_nan(y, g), axis=-1, keepdims=True)
    return F.multiply_no_nan(y, g - along)


attention_weights.axes("...N -> ...N")


attention_weights.ordered = True
