"""Making tensors: from values, filled, evenly spaced.

On the host unless `device` ("cuda" is the first GPU) says otherwise.  Without a `dtype` values keep
their kind (floats are float32, integers int64, truths bool); zeros and ones are float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.composite import composite
from autograd_iron.core.operands import NUMBERS
from autograd_iron.core.plain import real, setting
from autograd_iron.core.registry import Vocabulary, on_tensors
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor

__all__ = [
    "arange",
    "asarray",
    "copy",
    "from_dlpack",
    "full",
    "linspace",
    "ones",
    "tensor",
    "zeros",
]

Shape = int | Sequence[int]


def tensor(
    value: Any, dtype: Any = None, requires_grad: bool = False, device: str | None = None
) -> Tensor:
    """Make a tensor of a copy of the values.

    Parameters
    ----------
    value : array, Tensor, number or nested list of numbers
        Complex numbers become complex64, floats float32, integers int64 and truths bool; a list of
        several kinds is of the first of these that it has.  Arrays and Tensors keep their dtype.
    dtype : dtype or str, optional
    requires_grad : bool
    device : str, optional
        "cpu", "cuda" (which is "cuda:0"), "cuda:1" and so on.  Default: where the values are.

    Returns
    -------
    Tensor
        A leaf with memory of its own.

    Raises
    ------
    TypeError
        The values are no numbers, or `requires_grad` with integers.
    ValueError
        A nested list is ragged, or there is no such device.
    OverflowError
        A number is too large for the dtype.
    """
    source = value.data if isinstance(value, Tensor) else value
    if device is None:
        return Tensor(intake.as_array(source, dtype, copy=True), requires_grad)
    here = intake.as_array(source, dtype)
    made = devices.move(here, devices.full_name(device))
    if made is source or made is here:
        made = intake.as_array(made, copy=True)
    return Tensor(made, requires_grad)


def asarray(
    value: Any, dtype: Any = None, device: str | None = None, *, copy: bool | None = None
) -> Tensor:
    """Make a tensor that shares the memory of an array where it can.

    Writing into the array afterwards changes the tensor, unseen by the engine: a gradient that
    needs the old values will be wrong.  Use `tensor`, which copies, unless the array is yours.

    Parameters
    ----------
    value : array, Tensor, number or nested list of numbers
        As `tensor` takes them.  A Tensor of the right dtype is returned as it is.
    dtype : dtype or str, optional
    device : str, optional
        Where the values go if they are not there: see `tensor`.
    copy : bool, optional
        True: with memory of its own.  False: never, not even to convert or to move.

    Raises
    ------
    ValueError
        `copy=False`, and the values are not there in this form.
    """
    if isinstance(value, Tensor):
        made = value if dtype is None or dtypes.dtype(dtype) == value.dtype else value.astype(dtype)
        made = made if device is None else made.to(devices.full_name(device))
    else:
        array = intake.as_array(value, dtype)
        made = Tensor(array if device is None else devices.move(array, devices.full_name(device)))
    if copy is None:
        return made
    is_tensor = isinstance(value, Tensor)
    shared = made is value if is_tensor else intake.shares_memory(made.data, value)
    if shared != copy:
        return made
    if not copy:
        raise ValueError(
            f"asarray: a {type(value).__name__} does not become a tensor of {made.dtype} on "
            f"{made.device} without a copy, which copy=False forbids. Leave copy away"
        )
    copied: Tensor = on_tensors.copy(made)
    return copied


@composite
def copy(F: Vocabulary, x: Any, /) -> Any:
    """Return the values in memory of their own; gradients flow through it."""
    x = x if hasattr(x, "dtype") else asarray(x)
    return F.astype(x, dtype=x.dtype)


def from_dlpack(x: Any, /, *, device: str | None = None, copy: bool | None = None) -> Tensor:
    """Make a tensor of another library's, by DLPack: on the same memory where that is possible.

    Parameters
    ----------
    x : object with `__dlpack__` and `__dlpack_device__`
    device : str, optional
        Where the values go if they are not there: see `tensor`.
    copy : bool, optional
        As in `asarray`.

    Raises
    ------
    TypeError
        The object does not speak DLPack.
    ValueError
        `copy=False`, and the values are not there in this form.
    """
    if not (hasattr(x, "__dlpack__") and hasattr(x, "__dlpack_device__")):
        raise TypeError(
            f"from_dlpack: a {type(x).__name__} has no __dlpack__ and __dlpack_device__; make a "
            "tensor of its values with ai.asarray or ai.tensor"
        )
    return asarray(intake.from_dlpack(x), device=device, copy=copy)


def point(value: Any) -> Tensor:
    """Return where a function is differentiated: plain numbers are float32 there, integers too."""
    # NumPy's float64 is a float of Python's, and keeps its dtype.
    plain = isinstance(value, int | float | complex | list | tuple) and not hasattr(value, "dtype")
    made = asarray(value)
    return (asarray(value, dtypes.default_float) if plain and _is_real(made) else made).detach()


def _is_real(made: Tensor) -> bool:
    return not made.is_complex()


def _fill(F: Vocabulary, shape: Shape, value: complex, dtype: Any, device: Any) -> Any:
    shape, value = setting(shape, "shape"), setting(value, "fill_value")
    shape, dtype = (shape,) if isinstance(shape, int) else shape, dtypes.dtype(dtype)
    if (
        type(value) not in NUMBERS and type(value) is not complex
    ):  # an array, say, which broadcasts as in NumPy
        return switches().executor.unshared(
            F.broadcast_to(asarray(value, dtype, device), shape=shape)
        )
    if type(value) is complex or (type(value) is float and not dtypes.is_inexact(dtype)):
        intake.as_array(value, dtype)  # which refuses nan and what is out of range
    if F.xp is not None:  # a rule at work: its vocabulary is that of the device in use
        return F.xp.full(shape, value, dtype)
    return switches().executor.full(shape, value, dtype, device)


@composite
def zeros(F: Vocabulary, shape: Shape, dtype: Any = "float32", device: str | None = None) -> Any:
    """Return a tensor of zeros."""
    return _fill(F, shape, 0, dtype, device)


@composite
def ones(F: Vocabulary, shape: Shape, dtype: Any = "float32", device: str | None = None) -> Any:
    """Return a tensor of ones."""
    return _fill(F, shape, 1, dtype, device)


@composite
def full(
    F: Vocabulary,
    shape: Shape,
    fill_value: Any,
    dtype: Any = None,
    device: str | None = None,
) -> Any:
    """Return a tensor filled with a number: float32, complex64, int64 or bool, as it is."""
    if dtype is None:
        dtype = intake.as_array(setting(fill_value, "fill_value")).dtype
    return _fill(F, shape, fill_value, dtype, device)


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """Return evenly spaced values in [start, stop); int64 if all of them are integers.

    Raises
    ------
    ValueError
        `step` is 0.
    """
    if stop is None:
        start, stop = 0, start
    start, stop, step = real(start), real(stop), real(step)
    if step == 0:
        raise ValueError("arange: step is 0; give the distance between two values")
    if dtype is None:
        whole = all(isinstance(n, int) for n in (start, stop, step))
        dtype = dtypes.int64 if whole else dtypes.default_float
    found = dtypes.dtype(dtype)
    # NumPy repeats the difference of the first two: rounded to 16 bits it may be far from `step`.
    exact = dtypes.float64 if dtypes.is_narrow(found) else found
    made = devices.make(device, "arange", start, stop, step, dtype=exact)
    return Tensor(intake.as_array(made, found))


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """Return `num` evenly spaced values from `start` to `stop`, which `endpoint` includes."""
    if not isinstance(endpoint, bool | int):
        raise TypeError(f"linspace: endpoint is True or False, not {endpoint!r}; write dtype=...")
    found = dtypes.dtype(dtype)
    start, stop, num = real(start), real(stop), setting(num, "num")
    return Tensor(
        devices.make(device, "linspace", start, stop, num, endpoint=endpoint, dtype=found)
    )
