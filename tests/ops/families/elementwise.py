"""Samples of the operations on each element by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sampling import (
    BETWEEN,
    BOOL,
    INSIDE,
    INTEGER,
    NONZERO,
    POSITIVE,
    REAL,
    SHAPES,
    UNARY,
    Array,
    Domain,
    Samples,
    call,
    elementwise,
    end_to_end,
)

import nn.functional  # noqa: F401  (its primitives are sampled here too)


def cross_entropy(p: Array, y: Array) -> Any:
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def questions(elsewhere: Callable[..., Any], count: int = 2) -> Samples:
    """Samples of a comparison: few values, so that ties occur."""
    return elementwise(elsewhere, *[Domain(((-1.0, -1.0), (0.0, 0.0), (1.5, 1.5)))] * count)


SAMPLES: dict[str, Samples] = {
    # arithmetic
    "add": elementwise(np.add, REAL, REAL, complex=True),
    "subtract": elementwise(np.subtract, REAL, REAL, complex=True),
    "multiply": elementwise(np.multiply, REAL, REAL, complex=True),
    "multiply_no_nan": elementwise(np.multiply, REAL, NONZERO, complex=True),
    "divide": elementwise(np.divide, REAL, NONZERO, complex=True),
    "negative": elementwise(np.negative, REAL, complex=True),
    "pow": elementwise(np.power, POSITIVE, REAL, complex=True),
    "square": elementwise(np.square, REAL, complex=True),
    "abs": elementwise(np.abs, NONZERO, complex=True),
    "sign": elementwise(np.sign, NONZERO, complex=True),
    "identity": elementwise(np.copy, REAL, complex=True),
    "frexp": elementwise(end_to_end(np.frexp), Domain(((-1.9, -1.1), (0.3, 0.49)))),
    # complex numbers and their parts
    "complex_conjugate": elementwise(np.conjugate, REAL, complex=True),
    "real_part": elementwise(np.real, REAL, complex=True),
    "imaginary_part": elementwise(np.imag, REAL, complex=True),
    "angle": elementwise(np.angle, NONZERO, calls=[*UNARY, call((2, 3), deg=True)], complex=True),
    # exponentials, roots, trigonometric functions, activations
    "exp": elementwise(np.exp, REAL, complex=True),
    "expm1": elementwise(np.expm1, REAL, complex=True),
    "log": elementwise(np.log, POSITIVE, complex=True),
    "log1p": elementwise(np.log1p, POSITIVE, complex=True),
    "sqrt": elementwise(np.sqrt, POSITIVE, complex=True),
    "sin": elementwise(np.sin, REAL, complex=True),
    "cos": elementwise(np.cos, REAL, complex=True),
    "arctan": elementwise(np.arctan, REAL, complex=True),
    "tanh": elementwise(np.tanh, REAL, complex=True),
    "sigmoid": elementwise(lambda x: (1 + np.tanh(x / 2)) / 2, REAL, complex=True),
    "relu": elementwise(lambda x: np.where(x > 0, x, 0), NONZERO),
    "softplus": elementwise(lambda x: np.logaddexp(0, x), REAL),
    "bce_of_probabilities": elementwise(cross_entropy, Domain(((0.1, 0.45),)), INSIDE, eps=1e-7),
    "bce_of_logits": elementwise(lambda z, y: cross_entropy(1 / (1 + np.exp(-z)), y), REAL, INSIDE),
    # choosing
    "maximum": elementwise(np.maximum, REAL, BETWEEN),
    "minimum": elementwise(np.minimum, REAL, BETWEEN),
    "clip_between": elementwise(
        # NumPy 2.0 has other names, and no call without any bound.
        lambda x, min=None, max=None: np.clip(
            x, -np.inf if min is None else min, np.inf if max is None else max
        ),
        Domain(((-2.0, -1.1), (-0.9, 0.4), (0.6, 2.0))),
        calls=[
            *(call(shape, min=-1, max=0.5) for shape in SHAPES),
            call((2, 3), min=-1),
            call((2, 3), max=0.5),
            call((2, 3), min=None, max=None),
        ],
    ),
    "where": elementwise(np.where, BOOL, REAL, REAL, complex=True),
    # questions
    **{
        name: questions(getattr(np, name))
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    },
    "logical_and": elementwise(np.logical_and, BOOL, BOOL),
    "logical_or": elementwise(np.logical_or, BOOL, BOOL),
    "logical_not": elementwise(np.logical_not, BOOL, complex=True),
    "bitwise_and": elementwise(np.bitwise_and, INTEGER, INTEGER),
    "bitwise_or": elementwise(np.bitwise_or, INTEGER, INTEGER),
    "bitwise_xor": elementwise(np.bitwise_xor, INTEGER, INTEGER),
    "bitwise_invert": elementwise(np.invert, INTEGER),
    "isfinite": elementwise(np.isfinite, REAL, complex=True),
    "isnan": elementwise(np.isnan, REAL, complex=True),
}
