"""Shapes, order, joining and taking apart, borders, dtype and device."""

from autograd_iron.ops.shapes import (
    conversion,
    joining,
    order,
    padding,
    repeats,
    reshaping,
    splitting,
)

__all__ = [
    "conversion",
    "joining",
    "order",
    "padding",
    "repeats",
    "reshaping",
    "splitting",
]
