"""Reading and writing at an index."""

from autograd_iron.ops.indexing import gathering, updates

__all__ = ["gathering", "updates"]
