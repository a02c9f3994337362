"""Samples of the activations in `nn.functional`, beside NumPy and SciPy written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp
from sampling import POSITIVE, REAL, Array, Domain, Samples, call, elementwise

# Away from 0 and from the bounds at which a line is bent.
BENT = Domain(((-2.6, -1.2), (-0.9, -0.6), (-0.4, -0.1), (0.1, 0.4), (0.6, 0.9), (1.2, 2.6)))
WIDE = Domain(((-5.0, -3.2), (-2.8, -0.2), (0.2, 2.8), (3.2, 5.0)))

SAMPLES: dict[str, Samples] = {}


def along(x: Array, dim: int | None) -> int:
    return (0 if x.ndim in (0, 1, 3) else 1) if dim is None else dim


def elu(x: Array, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


def celu(x: Array, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0) / alpha) - 1))


def gelu(x: Array, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return x * sp.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    return x * sp.ndtr(x)


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return np.where(beta * x > threshold, x, np.logaddexp(0, beta * x) / beta)


def glu(x: Array, dim: int = -1) -> Any:
    a, b = np.split(x, 2, axis=dim)
    return a * sp.expit(b)


def prelu(x: Array, w: Array) -> Any:
    return np.where(x > 0, x, w.reshape((-1,) + (1,) * (x.ndim - 2)) * x)


def length(x: Array, p: float, dim: int, keepdims: bool = False) -> Any:
    return np.linalg.norm(x, p, axis=dim, keepdims=keepdims)


def normalize(x: Array, p: float = 2.0, dim: int = 1) -> Any:
    return x / length(x, p, dim, True)


def cosine(x: Array, y: Array, dim: int = 1) -> Any:
    return np.sum(x * y, dim) / np.sqrt(np.sum(x * x, dim) * np.sum(y * y, dim))


def plain(function: Any, domain: Domain = REAL, *settings: Any) -> Samples:
    rows = [call((2, 3)), call(()), *(call((2, 4), **s) for s in settings)]
    return elementwise(function, domain, calls=rows)


_LINES = {
    "relu": plain(lambda x: np.maximum(x, 0), BENT),
    "relu6": plain(lambda x: np.clip(x, 0, 6), BENT),
    "hardtanh": plain(
        lambda x, min_val=-1, max_val=1: np.clip(x, min_val, max_val),
        BENT,
        {"min_val": -0.5, "max_val": 1},
    ),
    "hardsigmoid": plain(lambda x: np.clip(x + 3, 0, 6) / 6, WIDE),
    "hardswish": plain(lambda x: x * np.clip(x + 3, 0, 6) / 6, WIDE),
    "leaky_relu": plain(
        lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        BENT,
        {"negative_slope": 0.2},
    ),
    "rrelu": plain(lambda x: np.where(x > 0, x, (1 / 8 + 1 / 3) / 2 * x), BENT),
    "threshold": elementwise(
        lambda x, threshold, value: np.where(x > threshold, x, value),
        BENT,
        calls=[call((2, 3), threshold=0.5, value=-1.0)],
    ),
    "softshrink": plain(
        lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0), BENT, {"lambd": 1}
    ),
    "hardshrink": plain(lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0), BENT, {"lambd": 1}),
    "prelu": elementwise(
        prelu, BENT, POSITIVE, calls=[call((2, 3, 2), (3,)), call((2, 3), (3,)), call((4,), (1,))]
    ),
}
_CURVES = {
    "sigmoid": plain(sp.expit),
    "tanh": plain(np.tanh),
    "elu": plain(elu, BENT, {"alpha": 0.3}),
    "celu": plain(celu, BENT, {"alpha": 0.3}),
    "selu": plain(lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), BENT),
    "softplus": plain(softplus, REAL, {"beta": 3.0}, {"beta": 2.0, "threshold": 0.1}),
    "logsigmoid": plain(sp.log_expit),
    "gelu": plain(gelu, REAL, {"approximate": "tanh"}),
    "silu": plain(lambda x: x * sp.expit(x)),
    "mish": plain(lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "softsign": plain(lambda x: x / (1 + np.abs(x)), BENT),
    "tanhshrink": plain(lambda x: x - np.tanh(x)),
}
_AXES = [call((2, 3)), call((3,)), call((2, 3, 2)), call((2, 3), dim=0), call((2, 3, 2), dim=-1)]
_OVER_AXES = {
    "glu": elementwise(glu, REAL, calls=[call((2, 4)), call((4, 3), dim=0)]),
    "softmax": elementwise(
        lambda x, dim=None: sp.softmax(x, axis=along(x, dim)), REAL, calls=_AXES
    ),
    "softmin": elementwise(
        lambda x, dim=None: sp.softmax(-x, axis=along(x, dim)), REAL, calls=_AXES
    ),
    "log_softmax": elementwise(
        lambda x, dim=None: sp.log_softmax(x, axis=along(x, dim)), REAL, calls=_AXES
    ),
    "normalize": elementwise(
        normalize,
        BENT,
        calls=[call((2, 3)), call((2, 3), p=1.0, dim=0), call((2, 3), p=3.0, dim=-1)],
    ),
    "pairwise_distance": elementwise(
        lambda x, y, p=2.0, keepdim=False: length(x - y + 1e-6, p, -1, keepdim),
        REAL,
        POSITIVE,
        calls=[
            call((2, 3), (2, 3)),
            call((3,), (2, 3), p=3.0),
            call((2, 3), (3,), p=1.0, keepdim=True),
            call((2, 3), (3,), p=float("inf")),
        ],
    ),
    "cosine_similarity": elementwise(
        cosine, BENT, POSITIVE, calls=[call((2, 3), (2, 3)), call((2, 3), (1, 3), dim=-1)]
    ),
}

COMPOSITES: dict[str, Samples] = {
    f"nn.functional.{name}": entry for name, entry in (_LINES | _CURVES | _OVER_AXES).items()
}
COMPOSITES["softmax"] = elementwise(
    lambda x, axis=-1: sp.softmax(x, axis=axis),
    REAL,
    calls=[call((2, 3)), call((2, 3), axis=0), call((2, 3, 2), axis=(0, 1))],
)
