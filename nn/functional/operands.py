"""What functions were given as Tensors."""

from __future__ import annotations

from typing import Any

import autograd_iron as ai
from autograd_iron.core.composite import operand
from autograd_iron.core.registry import on_tensors


def beside(value: Any, *others: Any) -> ai.Tensor:
    """Return a value as a Tensor; a list goes to the device of what stands beside it."""
    made: ai.Tensor = operand(on_tensors, value, others)
    return made


def tensors(*given: Any) -> list[ai.Tensor]:
    """Return values as Tensors, each beside the others."""
    return [beside(value, *given) for value in given]
