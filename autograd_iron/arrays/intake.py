"""Arrays of values that users give: which are taken, in which dtype, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy

from autograd_iron.arrays import cuda, device, dtypes


def as_array(value: Any, to: Any = None, *, copy: bool = False, beside: Iterable[Any] = ()) -> Any:
    """Return `value` as an array: of float32, int64 or bool, or of the dtype that an array has.

    Plain numbers and lists of them are float32, or int64 if all of them are integers, or bool; or
    complex64 if one of them is complex.

    Parameters
    ----------
    value : array, number or nested list of them
    to : dtype, optional
        The dtype to convert to.
    copy : bool
        Whether the result must own its memory.
    beside : iterable
        What numbers and lists meet: among them a float64 keeps all digits of floats, and what is
        on a GPU takes them there.  An array of the host stays, for somebody put it there.

    Raises
    ------
    TypeError
        The values are no numbers, or they are more than numbers: masked, say; or they are complex
        and the dtype is not; or a list holds Tensors that require a gradient.
    ValueError
        A nested list is ragged.
    OverflowError
        A number is too large for the dtype; an array's are wrapped, as NumPy and PyTorch do.
    """
    if to is None and not copy and type(value) is numpy.ndarray and value.dtype in dtypes.COMMON:
        return value
    if to is not None:
        to = dtypes.dtype(to)
    placed = hasattr(value, "__array__") or hasattr(value, "__dlpack__")
    if not isinstance(value, numpy.ndarray | numpy.generic):
        on_gpu = cuda.adopt(value)
        if on_gpu is not None:
            to = dtypes.dtype(on_gpu.dtype) if to is None else to
            _check_complex(on_gpu.dtype, to)
            with on_gpu.device:
                return on_gpu.astype(to, copy=copy)
        if isinstance(value, list | tuple):
            _check_parts(value)
        if isinstance(value, int) and to is not None and dtypes.is_inexact(to):
            value = float(value)  # NumPy makes an object of what takes more than 64 bits
        made = _plain_array(value)
        if to is None and not placed:
            to = _dtype_of_numbers(value, made, beside)
        value = made
        if to is not None:
            _check_complex(value.dtype, to)
        _check_range(value, to)
    check_plain(value)
    found = dtypes.dtype(value.dtype)  # in the byte order of this machine
    to = found if to is None else to
    _check_complex(found, to)
    made = numpy.array(value, dtype=to) if copy else numpy.asarray(value, dtype=to)
    number = None if cuda.cupy is None or (placed and made.ndim) else cuda.met(beside)
    return made if number is None else cuda.from_host(made, number)


def shares_memory(array: Any, source: Any) -> bool:
    """Return whether an array shows memory of what it was made from."""
    if array is source:
        return True
    if isinstance(source, numpy.ndarray):
        return bool(numpy.may_share_memory(array, source))
    if cuda.is_array(source) and cuda.is_array(array):
        return bool(device.storage(array).data.ptr == device.storage(source).data.ptr)
    if isinstance(array, numpy.ndarray):
        if isinstance(source, numpy.generic | int | float | complex | list):
            return False
        return not array.flags.owndata  # of a buffer, or of another library's array
    return False


def from_dlpack(value: Any) -> Any:
    """Return what another library offers by DLPack, as an array where it lives."""
    on_gpu = cuda.adopt(value)
    return numpy.from_dlpack(value) if on_gpu is None else on_gpu


def check_plain(array: Any) -> None:
    """Refuse an array that is more than its numbers, which would be all that a tensor keeps.

    Raises
    ------
    TypeError
        It is of a class of its own: masked, a matrix, a quantity with a unit.
    """
    kind = type(array)
    if kind is numpy.ndarray or not isinstance(array, numpy.ndarray) or kind is numpy.memmap:
        return
    if hasattr(array, "filled"):
        raise TypeError(
            "a masked array is more than its numbers, and a tensor would take the masked ones for "
            "data. Write array.filled(value) to put a number in their place, or keep the numbers "
            "(array.data) and the mask apart, and choose with ai.where"
        )
    raise TypeError(
        f"a {kind.__module__}.{kind.__qualname__} is more than its numbers (its class has its own "
        "idea of what they mean), and a tensor would keep the numbers alone. If that is meant, "
        "write numpy.asarray(array)"
    )


def _check_parts(values: Iterable[Any]) -> None:
    """Refuse a list of which something would be lost: gradients, masks."""
    for value in values:
        if type(value) in (float, int, bool, complex):
            continue
        if isinstance(value, list | tuple):
            _check_parts(value)
        elif isinstance(value, numpy.ndarray):
            check_plain(value)
        elif getattr(value, "requires_grad", False):
            raise TypeError(
                "a list with Tensors in it that require a gradient would be cut off from the "
                "graph. Join them with ai.array(list), ai.stack (along a new axis) or ai.concat; "
                "or take x.detach() of each if no gradient is meant to flow"
            )
        elif getattr(value, "device", "cpu") not in ("cpu", None) and hasattr(value, "detach"):
            raise TypeError(
                f"a list with a tensor on {value.device} in it would be gathered on the host; join "
                "tensors with ai.stack or ai.concat"
            )


def _dtype_of_numbers(value: Any, made: Any, beside: Iterable[Any]) -> Any:
    if made.dtype.kind == "b":
        return dtypes.bool_
    if made.dtype.kind in "iu":
        return dtypes.int64
    if made.dtype.kind == "c":
        met = (b.dtype for b in beside if hasattr(b, "dtype"))
        wide = any(found in (dtypes.float64, dtypes.complex128) for found in met)
        return dtypes.complex128 if wide else dtypes.default_complex
    # NumPy makes floats of integers that no one of its integers holds together.
    if made.size and numpy.abs(made).max() >= 2.0**63 and _are_integers(value):
        return dtypes.int64
    wide = any(hasattr(b, "dtype") and b.dtype == dtypes.float64 for b in beside)
    return dtypes.float64 if wide else dtypes.default_float


def _are_integers(value: Any) -> bool:
    return all(isinstance(number, int) for number in numpy.asarray(value, dtype=object).flat)


def _plain_array(value: Any) -> Any:
    try:
        made = numpy.asanyarray(value)
    except (TypeError, ValueError) as error:
        ragged = "inhomogeneous" in str(error)
        why = "its parts differ in length" if ragged else str(error).rstrip(".")
        raise type(error)(
            f"cannot make a tensor of {_describe(value)}: {why}. "
            "Give numbers, an array, or nested lists of equal length."
        ) from None
    if made.dtype.kind == "O" and made.size and _are_integers(value):
        raise OverflowError(
            f"cannot make a tensor of {_describe(value)}: out of range for every integer dtype. "
            "Write floats: 1e20"
        )
    if made.dtype.kind not in "bfiuc" and made.dtype.name != "bfloat16":
        kind = ValueError if made.dtype.kind in "US" else TypeError
        raise kind(
            f"cannot make a tensor of {_describe(value)}: its dtype would be {made.dtype}. "
            f"{dtypes.WHAT_IS_SUPPORTED}."
        )
    return made


def _check_complex(found: Any, to: Any) -> None:
    if found.kind == "c" and to.kind != "c":
        raise TypeError(
            f"complex numbers do not fit {to}; take their parts, ai.real(x) and ai.imag(x), or "
            "their absolute values, ai.abs(x)"
        )


def _check_range(made: Any, to: Any) -> None:
    if to is None or to.kind not in "iu" or not made.size:
        return
    for number in made.min(), made.max():
        if not math.isfinite(number) or not dtypes.fits(int(number), to):
            raise OverflowError(f"{number} is out of range for {to}: a tensor would hold another")


def _describe(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
