"""Products over axes."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.facts import Reduction
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.ops.elementwise.arithmetic import multiply
from autograd_iron.ops.reduce.axes import known, labels, spread
from autograd_iron.ops.reduce.options import accept_dtype_where_initial

__all__ = ["prod"]


@primitive
def prod(xp, x, /, axis=None, keepdims=False):
    """Return the product over the axes; the gradient is right where values are zero, too."""
    axis = known(axis, x)
    if x.dtype == dtypes.float16:  # rounded once
        return xp.prod(x.astype("float32"), axis=axis, keepdims=keepdims).astype(x.dtype)
    return xp.prod(x, axis=axis, keepdims=keepdims)


@prod.shape
def _(x, axis, keepdims):
    return Spec(specs.reduced(x, axis, keepdims), specs.total(x.dtype))


prod.reduction = Reduction(multiply, 1, wide=True)


@prod.vjp
def _(F, g, _y, x, axis, keepdims):
    # The product of all others is made of products alone, never by dividing: at zeros it is exact,
    # and so is its own gradient.
    over = axes_of(axis, x.ndim) if x.ndim else ()
    kept = tuple(i for i in range(x.ndim) if i not in over)
    order = (*kept, *sorted(over))
    shape = tuple(x.shape[i] for i in order)
    rows = F.reshape(
        F.permute_dims(x, axes=order), shape=(*shape[: len(kept)], math.prod(shape[len(kept) :]))
    )
    found = F.reshape(F.conj(_products_of_others(F, rows)), shape=shape)
    back = tuple(sorted(range(x.ndim), key=order.__getitem__))
    return F.multiply_no_nan(F.permute_dims(found, axes=back), spread(F, g, x, axis, keepdims))


def _products_of_others(F, x):
    """Return for each element the product of all others along the last axis, in linear time.

    The elements are paired, and each has its partner beside what the pair has: the others' product.
    """
    n = x.shape[-1]
    if n < 2:
        return F.ones(x.shape, dtype=x.dtype, device=device.of(x))
    half = n // 2
    first, second = _part(F, x, 0, half), _part(F, x, half, 2 * half)
    pairs = first * second
    if n % 2:
        last = _part(F, x, n - 1, n)
        rest = _products_of_others(F, F.join(pairs, last, axis=-1))
        others, of_last = _part(F, rest, 0, half), _part(F, rest, half, half + 1)
        return F.join(others * second, others * first, of_last, axis=-1)
    others = _products_of_others(F, pairs)
    return F.join(others * second, others * first, axis=-1)


def _part(F, x, start, end):
    return F.getitem(x, index=(..., slice(start, end)))


prod.axes(labels())


accept_dtype_where_initial(prod)
