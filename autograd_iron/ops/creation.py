"""Making tensors: from values, filled, evenly spaced.  float32 unless `dtype` says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_iron import device
from autograd_iron.graph import switches
from autograd_iron.primitive import composite
from autograd_iron.registry import Vocabulary
from autograd_iron.tensor import Tensor

Shape = int | Sequence[int]


def tensor(value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Make a tensor of a copy of the values.

    Parameters
    ----------
    value : array, Tensor, number or nested list of numbers
        Numbers and lists become float32; arrays and Tensors keep their dtype.
    dtype : dtype or str, optional
    requires_grad : bool

    Returns
    -------
    Tensor
        A leaf with memory of its own.

    Raises
    ------
    TypeError
        The values are not real numbers, or `requires_grad` with integers.
    ValueError
        A nested list is ragged.
    """
    source = value.data if isinstance(value, Tensor) else _without_tensors(value)
    return Tensor(device.as_array(source, dtype, copy=True), requires_grad)


def _without_tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_without_tensors(v) for v in value]
    return value.data if isinstance(value, Tensor) else value


def asarray(value: Any, dtype: Any = None) -> Tensor:
    """Make a tensor that shares the memory of an array where it can.

    Writing into the array afterwards changes the tensor, unseen by the engine: a gradient that
    needs the old values will be wrong.  Use `tensor`, which copies, unless the array is yours.

    Parameters
    ----------
    value : array, Tensor, number or nested list of numbers
        A Tensor of the right dtype is returned as it is.
    dtype : dtype or str, optional
    """
    if isinstance(value, Tensor):
        return value if dtype is None else value.astype(dtype)
    return Tensor(device.as_array(_without_tensors(value), dtype))


def _fill(F: Vocabulary, shape: Shape, value: float, dtype: Any) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if F.xp is None and switches.tape is not None:
        number = device.full((), value, device.dtype(dtype))
        return F.broadcast_to(switches.tape.constant(number), shape=shape)
    made = device.full(shape, value, device.dtype(dtype), F.xp)
    return made if F.xp is not None else Tensor.wrap(made, None)


@composite
def zeros(F: Vocabulary, shape: Shape, dtype: Any = "float32") -> Any:
    """Return a tensor of zeros."""
    return _fill(F, shape, 0, dtype)


@composite
def ones(F: Vocabulary, shape: Shape, dtype: Any = "float32") -> Any:
    """Return a tensor of ones."""
    return _fill(F, shape, 1, dtype)


@composite
def full(F: Vocabulary, shape: Shape, fill_value: float, dtype: Any = "float32") -> Any:
    """Return a tensor filled with a number."""
    return _fill(F, shape, fill_value, dtype)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """Return evenly spaced values in [start, stop); int64 if all of them are integers.

    Raises
    ------
    ValueError
        `step` is 0.
    """
    if step == 0:
        raise ValueError("arange: step is 0; give the distance between two values")
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        whole = all(isinstance(n, int) for n in (start, stop, step))
        dtype = device.int64 if whole else device.default_float
    return Tensor(device.arange(start, stop, step, device.dtype(dtype)))


def linspace(
    start: float, stop: float, num: int, dtype: Any = "float32", endpoint: bool = True
) -> Tensor:
    """Return `num` evenly spaced values from `start` to `stop`, which `endpoint` includes."""
    return Tensor(device.linspace(start, stop, num, endpoint, device.dtype(dtype)))


def meshgrid(*axes: Any, indexing: str = "xy") -> list[Tensor]:
    """Return coordinate tensors of a grid over 1-d axes, in NumPy's order of axes.

    Parameters
    ----------
    indexing : {"xy", "ij"}
        Cartesian (the first axis varies along columns) or matrix order.
    """
    grids = device.meshgrid([asarray(axis).data for axis in axes], indexing)
    return [Tensor(grid) for grid in grids]
