"""The different values of an array: how many there are, only the values say."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_iron.core.composite import composite, operand
from autograd_iron.ops.indexing.searching import looked_at

__all__ = ["unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


class UniqueAllResult(NamedTuple):
    """What `unique_all` returns."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCountsResult(NamedTuple):
    """What `unique_counts` returns."""

    values: Any
    counts: Any


class UniqueInverseResult(NamedTuple):
    """What `unique_inverse` returns."""

    values: Any
    inverse_indices: Any


def _found(F, word, x, axis=None, equal_nan=False):
    """Return the different values, where each is first, where each element is, and how often."""
    x = operand(F, x)

    def function(xp, x):
        return xp.unique(
            x,
            return_index=True,
            return_inverse=True,
            return_counts=True,
            axis=axis,
            equal_nan=equal_nan,
        )[1:]

    first, inverse, counts = looked_at(F, word, function, x)
    # Read where they are first, so that the gradient goes there.
    if axis is None:
        values = F.gather(F.reshape(x, shape=(-1,)), first, axis=0)
        return values, first, F.reshape(inverse, shape=x.shape), counts
    return F.gather(x, first, axis=axis), first, F.reshape(inverse, shape=(-1,)), counts


def _values(F, word, x, axis=None, equal_nan=False):
    """Return the different values; where each is first is looked for if a gradient goes there."""
    x = operand(F, x)
    if getattr(x, "requires_grad", False):
        return _found(F, word, x, axis, equal_nan)[0]
    return looked_at(F, word, lambda xp, x: xp.unique(x, axis=axis, equal_nan=equal_nan), x)


@composite
def unique(
    F,
    x,
    /,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    *,
    equal_nan=True,
    sorted=True,
):
    """Return the different values in order; the gradient goes to where each is first.

    No step can be compiled around it, for how many there are depends on the values.

    Parameters
    ----------
    return_index, return_inverse, return_counts : bool
        Return too where each value is first, which of them each element is, how often each is.
    axis : int, optional
        Compare the slices along an axis; None: the elements.
    equal_nan : bool
        Whether all NaN are one value.
    sorted : bool
        They always come sorted.
    """
    asked = (return_index, return_inverse, return_counts)
    if not any(asked):
        return _values(F, "unique", x, axis, equal_nan)
    values, *others = _found(F, "unique", x, axis, equal_nan)
    more = tuple(found for found, ask in zip(others, asked, strict=True) if ask)
    return (values, *more)


@composite
def unique_all(F, x, /):
    """Return the different values, where each is first, which each element is, how often each is.

    As in all of the array API's functions, each NaN is a value of its own.
    """
    return UniqueAllResult(*_found(F, "unique_all", x))


@composite
def unique_counts(F, x, /):
    """Return the different values, and how often each is."""
    values, _, _, counts = _found(F, "unique_counts", x)
    return UniqueCountsResult(values, counts)


@composite
def unique_inverse(F, x, /):
    """Return the different values, and which of them each element is."""
    values, _, inverse, _ = _found(F, "unique_inverse", x)
    return UniqueInverseResult(values, inverse)


@composite
def unique_values(F, x, /):
    """Return the different values."""
    return _values(F, "unique_values", x)
