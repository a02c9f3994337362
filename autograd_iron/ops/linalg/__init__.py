"""Linear algebra."""

from autograd_iron.ops.linalg import contractions, einsum, factorisations, products, triangles

__all__ = ["contractions", "einsum", "factorisations", "products", "triangles"]
