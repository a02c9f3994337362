"""Linear algebra, in NumPy's names: `ai.linalg.qr(x)`."""

from autograd_iron.ops.linalg.factorisations import eigh, qr, solve

__all__ = ["eigh", "qr", "solve"]
