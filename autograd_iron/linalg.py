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
from autograd_iron.ops.linalg.determinants import det, slogdet
from autograd_iron.ops.linalg.eigen import eig, eigh, eigvals, eigvalsh
from autograd_iron.ops.linalg.factorisations import cho_factor, cholesky, qr, svd, svdvals
from autograd_iron.ops.linalg.products import matmul
from autograd_iron.ops.linalg.solving import (
    cho_solve,
    inv,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from autograd_iron.ops.shapes.order import matrix_transpose

cross = cross_of_axis  # NumPy's of this name takes one axis

__all__ = [
    "cho_factor",
    "cho_solve",
    "cholesky",
    "cross",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_transpose",
    "matvec",
    "multi_dot",
    "outer",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "vecdot",
    "vecmat",
]
