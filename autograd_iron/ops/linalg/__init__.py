"""Linear algebra."""

from autograd_iron.ops.linalg import (
    contractions,
    determinants,
    eigen,
    einsum,
    factorisations,
    functions,
    lu,
    norms,
    products,
    pseudoinverse,
    solving,
    structured,
    triangles,
)

__all__ = [
    "contractions",
    "determinants",
    "eigen",
    "einsum",
    "factorisations",
    "functions",
    "lu",
    "norms",
    "products",
    "pseudoinverse",
    "solving",
    "structured",
    "triangles",
]
