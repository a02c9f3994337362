"""Shapes, order, joining and taking apart, borders, diagonals, dtype and device."""

from autograd_iron.ops.shapes import (
    conversion,
    diagonals,
    joining,
    literals,
    order,
    padding,
    repeats,
    reshaping,
    splitting,
)

__all__ = [
    "conversion",
    "diagonals",
    "joining",
    "literals",
    "order",
    "padding",
    "repeats",
    "reshaping",
    "splitting",
]
