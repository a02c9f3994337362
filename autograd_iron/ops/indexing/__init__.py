"""Reading and writing at an index, and by it; where values are."""

from autograd_iron.ops.indexing import (
    along,
    gathering,
    interpolation,
    positions,
    searching,
    selecting,
    taking,
    updates,
)

__all__ = [
    "along",
    "gathering",
    "interpolation",
    "positions",
    "searching",
    "selecting",
    "taking",
    "updates",
]
