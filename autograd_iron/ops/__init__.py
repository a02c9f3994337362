"""The operations, a folder a kind and a file a family: importing this registers all of them."""

from autograd_iron.ops import (
    creation,
    elementwise,
    indexing,
    linalg,
    random,
    reduce,
    shapes,
)

__all__ = ["creation", "elementwise", "indexing", "linalg", "random", "reduce", "shapes"]
