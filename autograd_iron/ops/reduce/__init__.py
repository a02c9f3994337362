"""Reductions over axes, and what goes along an axis: scans, sorts, searches."""

from autograd_iron.ops.reduce import (
    covariance,
    differences,
    extremes,
    nan,
    products,
    quantiles,
    scans,
    searches,
    sorting,
    statistics,
    sums,
    truths,
    uniques,
)

__all__ = [
    "covariance",
    "differences",
    "extremes",
    "nan",
    "products",
    "quantiles",
    "scans",
    "searches",
    "sorting",
    "statistics",
    "sums",
    "truths",
    "uniques",
]
