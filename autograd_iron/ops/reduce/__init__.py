"""Reductions over axes, and what goes along an axis: scans, sorts, searches."""

from autograd_iron.ops.reduce import (
    extremes,
    nan,
    products,
    quantiles,
    scans,
    sorting,
    statistics,
    sums,
    truths,
)

__all__ = [
    "extremes",
    "nan",
    "products",
    "quantiles",
    "scans",
    "sorting",
    "statistics",
    "sums",
    "truths",
]
