"""The operations, a folder a kind and a file a family: importing this registers all of them.

What users call as `ai.name` is in the `__all__` of its family.
"""

from types import ModuleType
from typing import Any

from autograd_iron.ops import (
    attention,
    creation,
    datatypes,
    drawing,
    elementwise,
    fourier,
    grids,
    indexing,
    likes,
    linalg,
    matrices,
    polynomials,
    random,
    reduce,
    shapes,
    signals,
    standardizing,
    tapers,
    windows,
)

__all__ = [
    "attention",
    "creation",
    "datatypes",
    "drawing",
    "elementwise",
    "fourier",
    "grids",
    "indexing",
    "likes",
    "linalg",
    "matrices",
    "polynomials",
    "random",
    "reduce",
    "shapes",
    "signals",
    "standardizing",
    "tapers",
    "windows",
]


def public() -> dict[str, Any]:
    """Return what users call as `ai.name`, by name."""
    families: list[ModuleType] = [creation, datatypes, drawing, grids, likes, matrices, random]
    families += [polynomials, signals, tapers]
    for kind in (elementwise, indexing, linalg, reduce, shapes):
        families += [getattr(kind, family) for family in kind.__all__]
    return {
        name: getattr(family, name)
        for family in families
        for name in getattr(family, "__all__", ())
    }
