"""The settings of windows, completed: one number stands for all axes, as in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd_iron as ai
from autograd_iron.support.integers import integer

Sizes = int | Sequence[int]
Pairs = tuple[tuple[int, int], ...]


def per_axis(function: str, name: str, value: Any, axes: int, lowest: int = 1) -> tuple[int, ...]:
    """Return one integer for each axis.

    Raises
    ------
    ValueError
        There are fewer or more, or one is no integer from `lowest` up.
    """
    whole = integer(value)
    given = [value] * axes if whole is not None else list(value)
    given = given * axes if len(given) == 1 else given
    found = [integer(part) for part in given]
    if len(found) != axes or any(part is None or part < lowest for part in found):
        raise ValueError(
            f"{function}: {name} is an integer from {lowest} up, or {axes} of them, not {value!r}"
        )
    return tuple(part for part in found if part is not None)


def with_batch(function: str, input: Any, axes: int) -> tuple[ai.Tensor, bool]:
    """Return an input with an axis of images, and whether that is a new one.

    Raises
    ------
    ValueError
        The input is neither one image nor several.
    """
    x: ai.Tensor = ai.asarray(input)
    if x.ndim not in (axes + 1, axes + 2):
        sizes = ", ".join(("depth", "height", "width")[3 - axes :] if axes < 4 else ())
        raise ValueError(
            f"{function}: the input has shape {x.shape}; it is (images, channels, {sizes}), or "
            f"without the images for one of them"
        )
    alone = x.ndim == axes + 1
    return (ai.expand_dims(x, 0) if alone else x), alone


def without_batch(y: ai.Tensor, alone: bool) -> ai.Tensor:
    """Take back what `with_batch` did."""
    made: ai.Tensor = ai.squeeze(y, axis=0) if alone else y
    return made
