"""Sorting, searching, and reading at positions along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import computed, device_array, ndarray


def sort(a: ndarray, axis: int | None = -1, kind: Any = None) -> ndarray:
    return computed(lambda raw: np.sort(raw, axis), [a], name="sort", launches=2, temporaries=1)


def argsort(a: ndarray, axis: int | None = -1, kind: Any = None) -> ndarray:
    return computed(
        lambda raw: np.argsort(raw, axis, kind="stable"),
        [a],
        name="argsort",
        launches=2,
        temporaries=2,
    )


def take_along_axis(a: ndarray, indices: ndarray, axis: int | None) -> ndarray:
    def taken(raw: Any, places: Any) -> Any:
        size = raw.size if axis is None else raw.shape[axis]
        return np.take_along_axis(raw, places % size if size else places, axis)

    return computed(taken, [a, indices], name="take", launches=3 * a.ndim - 1, temporaries=a.ndim)


def searchsorted(a: ndarray, v: ndarray, side: str = "left", sorter: Any = None) -> ndarray:
    arrays = [device_array(a), device_array(v)]
    if sorter is None:
        return computed(
            lambda raw, v: np.searchsorted(raw, v, side), arrays, name="searchsorted", launches=2
        )
    return computed(
        lambda raw, v, order: np.searchsorted(raw, v, side, order),
        [*arrays, device_array(sorter)],
        name="searchsorted",
        launches=2,
    )


def isin(
    element: ndarray, test_elements: ndarray, assume_unique: bool = False, invert: bool = False
) -> ndarray:
    return computed(
        lambda raw, others: np.isin(raw, others, assume_unique, invert),
        [device_array(element), device_array(test_elements)],
        name="isin",
        launches=2,
    )
