"""Along one axis of an array: running results of a ufunc, and sums at positions."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from autograd_iron.arrays import addressing, device
from autograd_iron.arrays.scipy import scipy

# Below so many values, what stands around the additions would cost more than it saves.
FEW = 1 << 10
# From so many on a sparse product is worth its setting up, and SciPy's import.
MANY = 1 << 15
# So many values are added at a time, so that their positions stay in the cache.
BLOCK = 1 << 15
# Added as int32 on a GPU, whose atomic addition has none of them.
NARROW = ("bool", "int8", "int16", "uint8", "uint16")


def accumulate(xp: Any, name: str, x: Any, axis: int) -> Any:
    """Return what an associative ufunc makes of all values up to each along an axis.

    CuPy has this for sums and products alone. There a logarithmic number of calls does it: after
    each, a result has twice as many values in it.
    """
    ufunc = getattr(xp, name)
    if xp is device.host:
        return ufunc.accumulate(x, axis=axis)
    size, lead, step = x.shape[axis], (slice(None),) * (axis % x.ndim), 1
    while step < size:
        later, earlier = x[(*lead, slice(step, None))], x[(*lead, slice(-step))]
        start = x[(*lead, slice(step))]
        x = xp.concatenate((start, ufunc(earlier, later)), axis=axis)
        step *= 2
    return x


def sums_along(values: Any, indices: Any, size: int, axis: int) -> Any:
    """Return what lands at each position of an axis, added up: of floats on the host.

    Counting with weights is many times faster there than `add.at`, and adds up in float64.

    Raises
    ------
    IndexError
        A position is out of range.
    """
    lead, count, tail = values.shape[:axis], values.shape[axis], values.shape[axis + 1 :]
    rows, row = math.prod(lead), math.prod(tail)
    places = indices.astype("int64").reshape(rows, count, row)
    if places.size and not -size <= places.min() <= places.max() < size:
        raise IndexError(f"a position is out of range: the axis has size {size}")
    places[places < 0] += size
    places += size * device.host.arange(rows)[:, None, None]
    flat = (places * row + device.host.arange(row)).reshape(-1)
    weights = device.host.asarray(values).reshape(
        -1
    )  # made float64, which costs less than `add.at`
    made = device.host.bincount(flat, weights, rows * size * row)
    return made.reshape(*lead, size, *tail).astype(values.dtype)


def add_at(xp: Any, array: Any, index: Any, value: Any) -> None:
    """Add to the elements at an index of arrays, as often as each is named."""
    if xp is device.host:
        add_on_host(array, index, value)
    elif array.dtype.kind == "c":  # CuPy adds no complex numbers there, and few integers
        xp.add.at(array.real, index, value.real)
        xp.add.at(array.imag, index, value.imag)
    elif array.dtype.name in NARROW:
        wide = array.astype("int32")
        xp.add.at(wide, index, value.astype("int32") if hasattr(value, "dtype") else value)
        array[...] = wide.astype(array.dtype)
    else:
        xp.add.at(array, index, value)


def add_on_host(array: Any, index: Any, value: Any) -> None:
    """Do what NumPy's `add.at` does, in its order, in a fraction of its time.

    NumPy is quick where one array of integers indexes an array of one axis, and takes several times
    as long where whole rows are added. Their values are added one by one therefore, or, if they are
    many, by a sparse product: of the matrix that has a one where a value belongs into a row.
    """
    parts = index if isinstance(index, tuple) else (index,)
    value = device.host.asarray(value)
    places = None
    rows = array.ndim > 1 and array.flags.c_contiguous and array.dtype == value.dtype
    if rows and value.size >= FEW:
        places = _rows(array.shape, parts)
    if places is None:
        # NumPy 2.4 reads past a 1-d value under an index of more axes.
        value = device.host.broadcast_to(value, addressing.indexed_shape(array.shape, parts))
        device.host.add.at(array, index, value)
        return
    rows, tail = places
    value = device.host.broadcast_to(value, (*rows.shape, *tail))
    if array.dtype.kind == "c":  # as two reals, for one times an infinite number would be NaN
        value = device.host.ascontiguousarray(value)
        array, value = (x[..., None].view(x.real.dtype) for x in (array, value))
        tail = (*tail, 2)
    target, rows, value = (
        x.reshape(-1, *shape)
        for x, shape in ((array, (math.prod(tail),)), (rows, ()), (value, (math.prod(tail),)))
    )
    sparse = _sparse() if value.size >= MANY and target.dtype.char in "fd" else None
    if sparse is not None and 4 * len(rows) >= len(target):  # else the product is mostly zeros
        ones = device.host.ones(len(rows), target.dtype)
        entries = ones, rows, device.host.arange(len(rows) + 1)
        target += sparse.csc_array(entries, (len(target), len(rows))) @ value
        return
    row = value.shape[1]
    step = max(1, BLOCK // row)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        at = rows[part, None] * row + device.host.arange(row)
        device.host.add.at(target.reshape(-1), at.reshape(-1), value[part].reshape(-1))


def _rows(shape: tuple[int, ...], index: tuple[Any, ...]) -> tuple[Any, tuple[int, ...]] | None:
    """Return which rows an index names, in the order of the values, and the shape of a row.

    None where the index is more than whole axes, then arrays of integers, each of them in range.
    """
    lead = 0
    while lead < len(index) and _is_whole(index[lead]):
        lead += 1
    end = len(index)
    while end > lead and (index[end - 1] is Ellipsis or _is_whole(index[end - 1])):
        end -= 1
    rows = device.host.zeros((), "int64")
    for part, size in zip(index[lead:end], shape[lead:end], strict=False):
        if not isinstance(part, device.Array) or part.dtype.kind not in "iu" or not part.size:
            return None
        if not -size <= part.min() <= part.max() < size:
            return None
        part = part.astype("int64")
        rows = rows * size + device.host.where(part < 0, part + size, part)
    if not lead < end <= len(shape) or not math.prod(shape):
        return None
    before = shape[:lead]
    starts = device.host.arange(math.prod(before)) * math.prod(shape[lead:end])
    return starts.reshape(*before, *(1,) * rows.ndim) + rows, shape[end:]


def _is_whole(part: Any) -> bool:
    return isinstance(part, slice) and part == slice(None)


@cache
def _sparse() -> Any:
    """Return SciPy's module of sparse matrices, or None."""
    try:
        return scipy(device.host, "sparse")
    except ImportError:
        return None


def stable_order(x: Any, axis: int) -> Any:
    """Return the positions that sort an array of the host, equal values in their order.

    NumPy's stable sort takes several times as long as the other, which does where no values tie.
    """
    order = device.host.argsort(x, axis=axis)
    rows = device.host.moveaxis(device.host.take_along_axis(x, order, axis), axis, -1)
    if (rows[..., :-1] < rows[..., 1:]).all():
        return order
    return device.host.argsort(x, axis=axis, kind="stable")
