"""What becomes of the losses of all elements: their mean, their sum, or themselves."""

from __future__ import annotations

from typing import Any

import autograd_iron as ai
from autograd_iron.arrays import dtypes
from nn.functional.operands import tensors


def chosen(name: str, size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction, of which PyTorch's older arguments are another spelling.

    Raises
    ------
    ValueError
        It is none of "mean", "sum" and "none".
    """
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction is 'mean', 'sum' or 'none', not {reduction!r}")
    return reduction


def reduced(losses: ai.Tensor, how: str, over: Any = None) -> ai.Tensor:
    """Return losses reduced; `over` is what their sum is divided by for the mean."""
    if how == "none":
        return losses
    narrow = dtypes.is_narrow(losses.dtype)
    wide = ai.astype(losses, "float32") if narrow else losses
    mean = how == "mean" and over is None
    total = ai.mean(wide) if mean else ai.sum(wide)
    total = total / over if how == "mean" and over is not None else total
    made: ai.Tensor = ai.astype(total, losses.dtype) if narrow else total
    return made


def floats(name: str, **given: Any) -> list[ai.Tensor]:
    """Return arrays as Tensors in the dtype of the first, which must be a floating one.

    Raises
    ------
    TypeError
        It is not.
    """
    values = tensors(*given.values())
    first = values[0]
    if not (first.is_floating_point() or first.is_complex()):
        raise TypeError(
            f"{name}: the {next(iter(given))} has dtype {first.dtype}, and only floating numbers "
            f'have a loss to learn from. Write .astype("float32").'
        )
    return [
        t if t.dtype == first.dtype or t.is_floating_point() else t.astype(first.dtype)
        for t in values
    ]


def alike(name: str, x: ai.Tensor, y: ai.Tensor, what: str = "target") -> None:
    """Refuse two shapes that broadcasting would silently mix.

    Raises
    ------
    ValueError
        They differ.
    """
    if x.shape != y.shape:
        raise ValueError(
            f"{name}: the input has shape {x.shape} and the {what} {y.shape}; they must be the "
            f"same, or broadcasting would compare each element with others' {what}s. Write "
            f"{what}.reshape(input.shape) if they are in the same order."
        )
