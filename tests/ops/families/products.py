"""Samples of products that sum over axes; einsum has tests of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from sampling import REAL, Array, Samples, call

SAMPLES: dict[str, Samples] = {}


def cross_by_components(a: Array, b: Array, axis: int | None = None, **axes: int) -> Array:
    """Return the cross product as a sum over the symbol of Levi-Civita."""
    if axis is not None:
        axes = dict.fromkeys(("axisa", "axisb", "axisc"), axis)
    symbol = np.zeros((3, 3, 3))
    symbol[[0, 1, 2], [1, 2, 0], [2, 0, 1]] = 1
    symbol[[0, 1, 2], [2, 0, 1], [1, 2, 0]] = -1
    a, b = np.moveaxis(a, axes.get("axisa", -1), -1), np.moveaxis(b, axes.get("axisb", -1), -1)
    made = np.einsum("ijk,...j,...k->...i", symbol, a, b)
    return np.moveaxis(made, -1, axes.get("axisc", -1))


def dot_by_hand(a: Array, b: Array) -> Any:
    if not a.ndim or not b.ndim:
        return a * b
    return np.tensordot(a, b, ([-1], [max(b.ndim - 2, 0)]))


COMPOSITES: dict[str, Samples] = {
    "tensordot": Samples(
        (REAL, REAL),
        [
            call((2, 3, 4), (3, 4, 2)),
            call((2, 3), (3, 2), axes=1),
            call((2, 3), (4,), axes=0),
            call((2, 3, 4), (4, 5, 2), axes=((0, -1), (2, 0))),
            call((2, 3), (2, 4), axes=(0, 0)),
            call((0, 3), (3, 2), axes=1),
        ],
        np.tensordot,
        complex=True,
    ),
    "dot": Samples(
        (REAL, REAL),
        [
            call((3,), (3,)),
            call((2, 3), (3, 4)),
            call((), (2, 3)),
            call((5, 2, 3), (3,)),
            call((5, 2, 3), (4, 3, 2)),
            call((3,), (4, 3, 2)),
        ],
        dot_by_hand,
        complex=True,
    ),
    "inner": Samples(
        (REAL, REAL),
        [call((3,), (3,)), call((2, 3), (4, 3)), call((2, 3), ()), call((2, 2, 3), (3,))],
        lambda a, b: a * b if not a.ndim or not b.ndim else np.tensordot(a, b, ([-1], [-1])),
        complex=True,
    ),
    "outer": Samples(
        (REAL, REAL),
        [call((3,), (2,)), call((2, 3), (2,)), call((), (2,))],
        lambda a, b: np.multiply.outer(a.ravel(), b.ravel()),
        complex=True,
    ),
    "vdot": Samples(
        (REAL, REAL),
        [call((3,), (3,)), call((2, 3), (2, 3)), call((2, 3), (3, 2))],
        lambda a, b: np.sum(a.ravel().conj() * b.ravel()),
        complex=True,
    ),
    "vecdot": Samples(
        (REAL, REAL),
        [call((3,), (3,)), call((2, 3), (3,)), call((3, 2), (3, 4, 1, 2), axis=0)],
        lambda a, b, axis=-1: np.sum(
            np.moveaxis(a, axis, -1).conj() * np.moveaxis(b, axis, -1), axis=-1
        ),
        complex=True,
    ),
    "matvec": Samples(
        (REAL, REAL),
        [call((2, 3), (3,)), call((4, 2, 3), (3,)), call((2, 3), (4, 3))],
        lambda a, b: np.einsum("...ij,...j->...i", a, b),
        complex=True,
    ),
    "vecmat": Samples(
        (REAL, REAL),
        [call((2,), (2, 3)), call((2,), (4, 2, 3)), call((4, 2), (2, 3))],
        lambda a, b: np.einsum("...i,...ij->...j", a.conj(), b),
        complex=True,
    ),
    "kron": Samples(
        (REAL, REAL),
        [call((2,), (3,)), call((2, 3), (3, 2)), call((2, 3), (2,)), call((), (2, 3))],
        np.kron,
        complex=True,
    ),
    "cross": Samples(
        (REAL, REAL),
        [
            call((3,), (3,)),
            call((2, 3), (3,)),
            call((3, 2), (2, 3), axisa=0, axisc=0),
            call((3, 2), (3, 2), axis=0),
        ],
        cross_by_components,
        complex=True,
    ),
    "linalg.cross": Samples(
        (REAL, REAL),
        [call((2, 3), (2, 3)), call((3, 2), (3, 2), axis=0)],
        cross_by_components,
        complex=True,
    ),
}
