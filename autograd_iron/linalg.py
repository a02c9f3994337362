"""Linear algebra, in NumPy's names: `ai.linalg.qr(x)`."""

from autograd_iron.ops.linalg.contractions import (
    cross_of_axis,
    matvec,
    multi_dot,
    outer,
    tensordot,
    vecdot,
    vecmat,
)
from autograd_iron.ops.linalg.factorisations import cholesky, eigh, qr, solve
from autograd_iron.ops.linalg.products import matmul
from autograd_iron.ops.shapes.order import matrix_transpose

cross = cross_of_axis  # NumPy's of this name takes one axis

__all__ = [
    "cholesky",
    "cross",
    "eigh",
    "matmul",
    "matrix_transpose",
    "matvec",
    "multi_dot",
    "outer",
    "qr",
    "solve",
    "tensordot",
    "vecdot",
    "vecmat",
]
