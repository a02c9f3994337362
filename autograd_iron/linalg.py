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
from autograd_iron.ops.linalg.determinants import (
    det,
    slogdet,
)
from autograd_iron.ops.linalg.eigen import (
    eig,
    eigh,
    eigvals,
    eigvalsh,
)
from autograd_iron.ops.linalg.factorisations import (
    cho_factor,
    cholesky,
    qr,
    svd,
    svdvals,
)
from autograd_iron.ops.linalg.functions import (
    expm,
    logm,
    matrix_power,
    sqrtm,
)
from autograd_iron.ops.linalg.lu import (
    lu,
    lu_factor,
    lu_solve,
)
from autograd_iron.ops.linalg.norms import (
    cond,
    diagonal_of_matrices,
    matrix_norm,
    norm_of_order,
    trace_of_matrices,
    vector_norm,
)
from autograd_iron.ops.linalg.products import (
    matmul,
)
from autograd_iron.ops.linalg.pseudoinverse import (
    householder_product,
    lstsq,
    matrix_rank,
    pinv,
)
from autograd_iron.ops.linalg.solving import (
    cho_solve,
    inv,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from autograd_iron.ops.linalg.structured import solve_banded, solve_sylvester
from autograd_iron.ops.matrices import vander
from autograd_iron.ops.shapes.order import matrix_transpose

# NumPy's functions of these names look at the last axes alone.
cross = cross_of_axis
diagonal = diagonal_of_matrices
norm = norm_of_order
trace = trace_of_matrices
cross.called, diagonal.called, norm.called, trace.called = "cross", "diagonal", "norm", "trace"

__all__ = [
    "cho_factor",
    "cho_solve",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "householder_product",
    "inv",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "matvec",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_banded",
    "solve_sylvester",
    "solve_triangular",
    "sqrtm",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vander",
    "vecdot",
    "vecmat",
    "vector_norm",
]
