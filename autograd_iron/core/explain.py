"""Errors that name the operation and the operands that met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from autograd_iron.arrays import device

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive

# What array libraries raise about operands; all else that is raised means something else.
EXPLAINED = (ValueError, TypeError, IndexError, AttributeError, OverflowError)


def plain_kind(error: Exception) -> type[Exception]:
    """Return the plain type of an array library's error (its own types take other arguments)."""
    for kind in (ValueError, IndexError, OverflowError):
        if isinstance(error, kind):
            return kind
    return TypeError


def call_text(name: str, operands: Iterable[Any], attributes: Mapping[str, Any]) -> str:
    """Return a call as text: ``sum(float32[2, 3], axis=0)``."""
    given = [f"{a.dtype}{list(a.shape)}" if hasattr(a, "dtype") else repr(a) for a in operands]
    given += [f"{key}={device.shown(value)}" for key, value in attributes.items()]
    return f"{name}({', '.join(given)})"


def explain(
    primitive: Primitive, arrays: list[Any], attributes: dict[str, Any], error: Exception
) -> NoReturn:
    """Say which operation met which operands, and pass on what the array library found."""
    hint = None if device.are_mixed(arrays) else _hint(primitive, arrays)
    text = call_text(primitive.name, arrays, attributes)
    raise plain_kind(error)(f"{text}: {hint or error}") from None


def _hint(primitive: Primitive, arrays: list[Any]) -> str | None:
    shapes: list[tuple[int, ...]] = [getattr(a, "shape", ()) for a in arrays if a is not None]
    if primitive.name == "linear":
        left, right = shapes[:2]
        if left and len(right) == 2 and left[-1] != right[1]:
            return (
                f"the inner sizes differ: the last axis of {left} is {left[-1]} but the weight "
                f"{right} is of (out, in) features, {right[1]} in; a weight of (in, out) is "
                "transposed with .mT"
            )
    elif primitive.name == "matmul":
        left, right = shapes[:2]
        if not left or not right:
            return "a number cannot be multiplied as a matrix; use * instead"
        inner = right[-2] if len(right) > 1 else right[0]
        if left[-1] != inner:
            return (
                f"the inner sizes differ: the last axis of {left} is {left[-1]} but "
                f"the {'first' if len(right) == 1 else 'second-to-last'} axis of {right} is "
                f"{inner}; transpose one with .mT, or reshape it"
            )
        if device.broadcast_shape(left[:-2], right[:-2]) is None:
            return (
                f"the leading axes {left[:-2]} and {right[:-2]} do not broadcast: aligned at the "
                "right, two must be equal or one of them 1"
            )
    elif primitive.is_elementwise and device.broadcast_shape(*shapes) is None:
        joined = " and ".join(map(str, shapes))
        return (
            f"the shapes {joined} do not broadcast: aligned at the right, two axes must be equal "
            "or one of them 1; use expand_dims or reshape to line them up"
        )
    return None
