"""Shapes, order, joining, dtype and device."""

from autograd_iron.ops.shapes import conversion, joining, order, reshaping

__all__ = ["conversion", "joining", "order", "reshaping"]
