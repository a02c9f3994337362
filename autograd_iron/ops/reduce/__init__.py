"""Reductions over axes."""

from autograd_iron.ops.reduce import extremes, sums, truths

__all__ = ["extremes", "sums", "truths"]
