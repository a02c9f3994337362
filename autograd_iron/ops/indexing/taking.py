"""Slices taken, left out, put in between, and summed by a number that each has."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device, dtypes, intake
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.specs import axes_of
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.indexing.updates import TWICE, check_fits

__all__ = [
    "compress",
    "delete",
    "extract",
    "insert",
    "one_hot",
    "put_along_axis",
    "segment_sum",
    "sliding_window_view",
    "take",
]


def _along(F, x, axis):
    """Return `x` and an axis of it; None: `x` flattened."""
    x = operand(F, x)
    if axis is None:
        return F.reshape(x, shape=(-1,)), 0
    return x, axes_of(axis, x.ndim)[0]


def _at(x, axis, index):
    return x[(*(slice(None),) * axis, index)]


def _integers(F, indices, beside=()):
    """Return indices as something with a shape; an empty list has none of floats."""
    indices = operand(F, indices, beside)
    if not indices.size and dtypes.is_float(indices.dtype):
        return F.astype(indices, dtype="int64")
    if indices.dtype.kind not in "iu":
        raise IndexError(f"the indices are {indices.dtype}, not integers")
    return indices


def _in_dtype_of(F, x, values):
    """Return what is put into `x`, in its dtype and where it is; refuse what does not fit."""
    if hasattr(values, "dtype"):
        check_fits(x, values)
        values = operand(F, values)
        return values if values.dtype == x.dtype else F.astype(values, dtype=x.dtype)
    made = intake.as_array(values)
    if dtypes.is_inexact(made.dtype) and not dtypes.is_inexact(x.dtype):
        check_fits(x, made)
    made = intake.as_array(values, x.dtype)  # which refuses numbers that are out of range
    return operand(F, device.move(made, device.full_name(device.of(x))))


@composite
def take(F, x, indices, /, axis=None, mode="raise"):
    """Return the slices of `x` along an axis at these indices, which may have any shape.

    Parameters
    ----------
    axis : int or None
        None: `x` is flattened first.
    mode : {"raise", "wrap", "clip"}
        What an index outside the axis means: an error, a position around the end, the nearest one.
    """
    is_tensor = F.xp is not None or isinstance(indices, Tensor)
    x, axis = _along(F, x, axis)
    indices = _integers(F, indices, (x,))
    size = x.shape[axis]
    if mode == "wrap":
        indices = F.remainder(indices, size)
    elif mode == "clip":
        indices = F.clip(indices, 0, size - 1)
    elif mode != "raise":
        raise ValueError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    # Where indices are a Tensor a captured step takes them anew in each run.
    return F.gather(x, indices, axis=axis) if is_tensor else _at(x, axis, indices)


@composite
def put_along_axis(F, x, indices, values, /, axis):
    """Return `x` with values at positions along an axis, where `take_along_axis` reads.

    NumPy's writes into `x`, which tensors do not allow.

    Raises
    ------
    ValueError
        A position is named twice: which value stays would be undefined.
    """
    x = operand(F, x)
    shape = x.shape
    x, axis = _along(F, x, axis)
    indices = _integers(F, indices, (x,))
    around = (*x.shape[:axis], *x.shape[axis + 1 :])
    lead, tail = around[:axis], around[axis:]
    if indices.ndim != x.ndim:
        raise ValueError(f"indices of {indices.ndim} axes do not lie along x, which has {x.ndim}")
    places = (*lead, indices.shape[axis], *tail)
    indices = F.broadcast_to(indices, shape=places)
    values = F.broadcast_to(_in_dtype_of(F, x, values), shape=places)
    size = x.shape[axis]
    new = F.scatter_sum_along(values, indices, size=size, axis=axis)
    ones = F.broadcast_to(F.ones((), device=device.of(x)), shape=places)
    hits = F.scatter_sum_along(ones, indices, size=size, axis=axis)
    if F.xp is None and device.of(x) == "cpu" and hits.size:
        switches().executor.check_range(hits, 0, 1, TWICE, nan=True)
    return F.reshape(F.where(hits > 0, new, x), shape=shape)


@composite
def compress(F, condition, x, /, axis=None):
    """Return the slices of `x` along an axis at which a 1-d condition holds.

    Parameters
    ----------
    axis : int or None
        None: `x` is flattened first.
    """
    x, axis = _along(F, x, axis)
    if F.xp is None and not isinstance(condition, Tensor):
        # What is no Tensor is the same in each run of a captured step.
        condition = intake.as_array(condition)
    if condition.ndim != 1:
        raise ValueError(f"the condition has {condition.ndim} axes; give it one")
    if isinstance(condition, Tensor):
        return F.take(x, F.flatnonzero(condition), axis)
    return _at(x, axis, condition.nonzero()[0])


@composite
def extract(F, condition, x, /):
    """Return the elements of `x` at which a condition holds, in one row."""
    if F.xp is None and not isinstance(condition, Tensor):
        condition = intake.as_array(condition)
    return F.compress(condition.reshape(-1), F.reshape(operand(F, x), shape=(-1,)))


def _index(given):
    """Return what `delete` and `insert` were told where, as NumPy takes it."""
    if isinstance(given, slice):
        return given
    given = given.numpy() if isinstance(given, Tensor) else given
    return setting(given, "axis") if not hasattr(given, "dtype") or given.ndim == 0 else given


@composite
def delete(F, x, /, obj, axis=None):
    """Return `x` without the slices along an axis that an index names.

    Parameters
    ----------
    obj : int, slice, or sequence of int or bool
    axis : int or None
        None: `x` is flattened first.
    """
    x, axis = _along(F, x, axis)
    obj = _index(obj)
    obj = list(obj) if isinstance(obj, tuple) else obj
    kept = device.host.delete(device.host.arange(x.shape[axis]), obj)
    return _at(x, axis, kept)


@composite
def insert(F, x, /, obj, values, axis=None):
    """Return `x` with values put in before the slices along an axis that an index names.

    Parameters
    ----------
    obj : int, slice, or sequence of int
    values : array, number or nested list
        Broadcast to what is put in; cast to the dtype of `x`.
    axis : int or None
        None: `x` is flattened first.
    """
    x, axis = _along(F, x, axis)
    obj = _index(obj)
    values = _in_dtype_of(F, x, values)
    size = x.shape[axis]
    where: Any
    if isinstance(obj, slice):
        where = device.host.arange(*obj.indices(size))
    else:
        where = device.host.asarray(obj)
        if where.dtype == dtypes.bool_:
            where = where.reshape(-1).nonzero()[0]
        where = where if where.size else where.astype("int64")
    count = where.size
    if count == 1:  # at one place all values come one after the other
        values = F.reshape(values, shape=(1,) * (x.ndim - values.ndim) + tuple(values.shape))
        if not where.ndim:  # as NumPy has it: their first axis is that of the slices
            values = F.moveaxis(values, 0, axis)
        count, where = values.shape[axis], where.reshape(())
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    values = F.broadcast_to(values, shape=shape)
    marks = device.host.arange(size, size + count)
    places = device.host.insert(device.host.arange(size), where, marks)
    return _at(F.join(x, values, axis=axis), axis, places)


@composite
def one_hot(F, x, /, num_classes=-1, dtype="int64"):
    """Return rows that are 1 at the class that each integer of `x` is, and 0 elsewhere.

    Parameters
    ----------
    num_classes : int
        -1: one more than the largest class, which is then looked for.  A class outside the range
        is a row of zeros.
    """
    x = _integers(F, x)
    count = setting(num_classes, "size")
    if count == -1:
        count = int(F.max(x)) + 1 if x.size else 0
    if count < 0:
        raise ValueError(f"num_classes is {count}; give 0 or more, or -1 for as many as there are")
    classes = device.make(device.of(x), "arange", count, dtype="int64")
    same = F.reshape(x, shape=(*x.shape, 1)) == operand(F, classes)
    return F.astype(same, dtype=dtype)


@composite
def segment_sum(F, data, segment_ids, /, num_segments=None):
    """Return the sums of the slices of `data` that have the same number, in order of the numbers.

    Parameters
    ----------
    segment_ids : array of int
        The number of each slice along the first axis; slices with one outside the range are left
        out.
    num_segments : int, optional
        How many sums there are.  Default: one more than the largest number, which is looked for.
    """
    data, ids = operand(F, data, (segment_ids,)), _integers(F, segment_ids, (data,))
    if ids.ndim != 1 or ids.shape != data.shape[:1]:
        raise ValueError(
            f"segment_ids of shape {ids.shape} are not one number for each slice of {data.shape}"
        )
    count = setting(num_segments, "size")
    if count is None:
        count = int(F.max(ids)) + 1 if ids.size else 0
    inside = F.logical_and(ids >= 0, ids < count)
    summed = F.scatter_sum(data, F.where(inside, ids, count), size=count + 1, axis=0)
    return summed[:count]


@composite
def sliding_window_view(F, x, /, window_shape, axis=None):
    """Return all windows of a shape in `x`, whose axes come last; here they are copies.

    Parameters
    ----------
    window_shape : int or tuple of int
        The size along each axis that windows slide over.
    axis : int, tuple of int, or None
        Those axes; None: all.
    """
    x = operand(F, x)
    sizes = setting(window_shape, "shape")
    sizes = sizes if isinstance(sizes, tuple) else (sizes,)
    axes = setting(axis, "axis")
    axes = tuple(range(x.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
    if len(sizes) != len(axes):
        raise ValueError(f"a window of shape {sizes} does not slide over the axes {axes}")
    for size, a in zip(sizes, axes, strict=True):
        x = F.windows_along(x, a, size)
    return x


@composite
def windows_along(F, x, /, axis, size, step=1):
    """Return the windows of a size along one axis, every so many of them, as the last axis.

    It is PyTorch's `x.unfold(axis, size, step)`.
    """
    x = operand(F, x)
    (axis,), size, step = axes_of(axis, x.ndim), setting(size, "size"), setting(step, "size")
    if not 0 <= size <= x.shape[axis]:
        raise ValueError(f"no window of size {size} is in axis {axis} of size {x.shape[axis]}")
    if step < 1:
        raise ValueError(f"the step from window to window is 1 or more, not {step}")
    starts = range(0, x.shape[axis] - size + 1, step)
    places = device.host.asarray([[start + i for i in range(size)] for start in starts])
    made = _at(x, axis, places.reshape(len(starts), size).astype("int64"))
    return F.moveaxis(made, axis + 1, -1)
