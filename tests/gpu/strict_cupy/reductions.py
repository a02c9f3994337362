"""Reductions and scans, as functions and as methods; `initial` and `where` do not exist."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .arrays import computed, device_array, ndarray
from .checks import is_bfloat16


def _run(name: str, array: Any, out: Any, costs: tuple[int, int] = (1, 0), **settings: Any) -> Any:
    """Reduce an array of the device; one of the host is reduced there, as CuPy does unasked."""
    settings = {key: value for key, value in settings.items() if value is not None}
    if not isinstance(array, ndarray):
        return getattr(array, name)(**settings)
    if out is not None:
        device_array(out, "out")
    if "axis" in settings:  # NumPy takes 0 and -1 where there are no axes
        np.lib.array_utils.normalize_axis_tuple(settings["axis"], array.ndim)
    launches, temporaries = costs

    def reduced(raw: np.ndarray) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mean of nothing is NaN, in silence
            if name == "sum" and "dtype" not in settings:
                if raw.dtype == np.float16:
                    return _added_up_by_cub(raw, **settings)
                if is_bfloat16(raw.dtype):
                    return np.sum(raw, dtype="f4", **settings).astype(raw.dtype)
            return getattr(np, name)(raw, **settings)

    return computed(
        reduced,
        [array],
        out,
        casting="unsafe",
        name=name,
        launches=launches,
        temporaries=temporaries,
    )


def _added_up_by_cub(raw: np.ndarray, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    """Add up float16 as CUB does, which a GPU has and the host has not: each sum is rounded."""
    over = range(raw.ndim) if axis is None else axis
    over = np.lib.array_utils.normalize_axis_tuple(over, raw.ndim)
    kept = [a for a in range(raw.ndim) if a not in over]
    rows = raw.transpose(*kept, *over).reshape(*(raw.shape[a] for a in kept), -1)
    sums = np.add.accumulate(np.pad(rows, [(0, 0)] * len(kept) + [(1, 0)]), axis=-1)[..., -1]
    shape = [1 if a in over else n for a, n in enumerate(raw.shape)]
    return sums.reshape(shape) if keepdims else sums


def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    return _run("sum", a, out, axis=axis, dtype=dtype, keepdims=keepdims)


def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    return _run("prod", a, out, axis=axis, dtype=dtype, keepdims=keepdims)


def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    exact = isinstance(a, ndarray) and a.dtype.char in "fd" and dtype in (None, a.dtype)
    costs = (1, 0) if exact else (2, 1)
    return _run("mean", a, out, costs, axis=axis, dtype=dtype, keepdims=keepdims)


def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: int = 0,
    keepdims: bool = False,
) -> Any:
    return _run("var", a, out, (3, 2), axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: int = 0,
    keepdims: bool = False,
) -> Any:
    return _run("std", a, out, (4, 3), axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)


def max(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _run("max", a, out, axis=axis, keepdims=keepdims)


def min(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _run("min", a, out, axis=axis, keepdims=keepdims)


def argmax(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    return _run("argmax", a, out, axis=axis, keepdims=keepdims)


def argmin(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False
) -> Any:
    return _run("argmin", a, out, axis=axis, keepdims=keepdims)


def any(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _run("any", a, out, axis=axis, keepdims=keepdims)


def all(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return _run("all", a, out, axis=axis, keepdims=keepdims)


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _run("cumsum", a, out, (2, 0), axis=axis, dtype=dtype)


def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _run("cumprod", a, out, (2, 0), axis=axis, dtype=dtype)


def count_nonzero(a: ndarray, axis: Any = None) -> ndarray:
    return computed(lambda raw: np.count_nonzero(raw, axis), [a], name="count_nonzero")


def _argmax_method(
    self: ndarray, axis: Any = None, out: Any = None, dtype: Any = None, keepdims: bool = False
) -> Any:
    return argmax(self, axis, dtype, out, keepdims)


def _argmin_method(
    self: ndarray, axis: Any = None, out: Any = None, dtype: Any = None, keepdims: bool = False
) -> Any:
    return argmin(self, axis, dtype, out, keepdims)


METHODS = ("sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "cumsum", "cumprod")
for _name in METHODS:
    setattr(ndarray, _name, globals()[_name])
ndarray.argmax, ndarray.argmin = _argmax_method, _argmin_method
