"""Reading and writing at an index, and by it; where values are."""

from autograd_iron.ops.indexing import (
    along,
    gathering,
    positions,
    searching,
    selecting,
    taking,
    updates,
)

__all__ = ["along", "gathering", "positions", "searching", "selecting", "taking", "updates"]
