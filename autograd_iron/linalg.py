"""Linear algebra, in NumPy's names: `ai.linalg.qr(x)`."""

from autograd_iron.ops.linalg.factorisations import cholesky, eigh, qr, solve

__all__ = ["cholesky", "eigh", "qr", "solve"]
