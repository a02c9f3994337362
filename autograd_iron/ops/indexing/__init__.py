"""Reading and writing at an index."""

from autograd_iron.ops.indexing import along, gathering, updates

__all__ = ["along", "gathering", "updates"]
