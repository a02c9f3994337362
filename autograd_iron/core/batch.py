"""What the rules of operations on a batch share: operands whose first axis is that of the batch."""

from __future__ import annotations

from typing import Any

from autograd_iron.core.registry import Vocabulary


def moved(F: Vocabulary, x: Any, source: int, target: int) -> Any:
    """Return `x` with one axis at another place, the others in their order."""
    if source == target:
        return x
    order = [a for a in range(x.ndim) if a != source]
    order.insert(target, source)
    return F.permute_dims(x, axes=tuple(order))


def with_axes(F: Vocabulary, x: Any, ndim: int) -> Any:
    """Return a batch each of whose values has `ndim` axes: new ones of size 1 come first."""
    new = (1,) * (ndim - (x.ndim - 1))
    return F.reshape(x, shape=(x.shape[0], *new, *x.shape[1:])) if new else x


def repeated(F: Vocabulary, x: Any, size: int) -> Any:
    """Return a batch that has the value `x` so many times."""
    return F.broadcast_to(x, shape=(size, *x.shape))


def all_batched(F: Vocabulary, batched: tuple[bool, ...], operands: tuple[Any, ...]) -> list[Any]:
    """Return the operands with those repeated that are no batch."""
    size = next(x.shape[0] for x, own in zip(operands, batched, strict=True) if own)
    pairs = zip(operands, batched, strict=True)
    return [x if own else repeated(F, x, size) for x, own in pairs]
