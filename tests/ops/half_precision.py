"""What adds up in 16 bits, on any device, and what it would be in float64.

Added up in float16 or bfloat16, or leaving the range of float16 on the way, each is wrong by far
more than a rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_iron as ai
import nn

# Half the distance from 1 to the next number.
HALF_A_ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8}
NARROW = list(HALF_A_ROUNDING)
# Of at most 8 bits: numbers that both dtypes hold.
WEIGHTS = np.random.default_rng(1).integers(0, 256, (4096, 3)) / 256
CLASSES = np.arange(5000) % 20


def half(*shape: int, low: float = 0.0, high: float = 1.0) -> ai.Tensor:
    return ai.tensor(np.random.default_rng(0).uniform(low, high, shape), dtype="float16")


def wide(x: ai.Tensor) -> ai.Tensor:
    return x.astype("float64")


def plain(x: ai.Tensor) -> Any:
    """The values as NumPy compares them."""
    return wide(x).numpy()


def beside(x: ai.Tensor, values: Any) -> ai.Tensor:
    """The values in the dtype of x and where x is."""
    return ai.tensor(values, dtype=x.dtype, device=x.device)


def gradient(f: Callable[[ai.Tensor], ai.Tensor], x: ai.Tensor) -> ai.Tensor:
    """The gradient of a sum of what f gives with weights that all differ."""

    def weighted(x: ai.Tensor) -> ai.Tensor:
        y = f(x)
        weights = beside(y, np.random.default_rng(2).integers(16, 144, y.shape) / 16)
        return ai.sum(y.astype("float64") * weights.astype("float64"))

    return ai.grad(weighted)(x)  # type: ignore[no-any-return]


ADDING_UP: dict[str, tuple[Callable[[ai.Tensor], ai.Tensor], ai.Tensor]] = {
    "sum": (ai.sum, half(20_000)),
    "sum of rows": (lambda x: ai.sum(x, axis=0), half(9000, 3)),
    "sum of columns": (lambda x: ai.sum(x, axis=1), half(3, 9000)),
    "sum that cancels": (ai.sum, ai.tensor([65504.0, 65504, 1, -65504, -65504], dtype="float16")),
    "mean": (lambda x: ai.mean(x, axis=0), half(66_000, 1, low=1, high=3)),
    "var": (lambda x: ai.var(x, axis=0), half(5000, 2, low=-440, high=440)),
    "norm": (lambda x: ai.norm(x, axis=0), half(5000, 2, low=-400, high=400)),
    "norm of small numbers": (ai.norm, half(5000, high=1e-4)),
    "log_softmax": (ai.log_softmax, half(1, 66_000)),
    "matmul": (lambda x: x @ beside(x, WEIGHTS), half(2, 4096)),
    "stacked matmul": (lambda x: x @ beside(x, WEIGHTS), half(2, 2, 4096)),
    "dot": (lambda x: x @ beside(x, WEIGHTS[:, 0]), half(4096)),
    "row times column": (lambda x: x @ beside(x, WEIGHTS[:, :1]), half(1, 4096)),
    "linear": (lambda x: ai.linear(x, beside(x, WEIGHTS.T)), half(2, 4096)),
    "MSELoss": (
        lambda x: nn.MSELoss()(x, beside(x, np.zeros(5000))),
        half(5000, low=-400, high=300),
    ),
    "BCELoss": (lambda x: nn.BCELoss()(x, beside(x, np.ones(9000))), half(9000, low=0.1)),
    "BCEWithLogitsLoss": (
        lambda x: nn.BCEWithLogitsLoss()(x, beside(x, np.ones(9000))),
        half(9000),
    ),
    "CrossEntropyLoss": (
        lambda x: nn.CrossEntropyLoss()(x, ai.tensor(CLASSES, dtype="int64", device=x.device)),
        half(5000, 20),
    ),
}
