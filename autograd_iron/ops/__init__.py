"""The primitives, one family a file; importing this package registers them all."""

from autograd_iron.ops import (
    creation,
    elementwise,
    indexing,
    linalg,
    random,
    reductions,
    shapes,
)

__all__ = ["creation", "elementwise", "indexing", "linalg", "random", "reductions", "shapes"]
