"""Linear algebra."""

from autograd_iron.ops.linalg import factorisations, products, triangles

__all__ = ["factorisations", "products", "triangles"]
