"""The dtypes that tensors have, and what NumPy and CuPy do not do with them by themselves.

bfloat16 is that of ml_dtypes, which is imported when it is first asked for.  Nothing computes with
it: an operation gets float32, and its result is rounded; see `by_float32`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy

float16 = numpy.dtype("float16")
float32 = numpy.dtype("float32")
float64 = numpy.dtype("float64")
complex64 = numpy.dtype("complex64")
complex128 = numpy.dtype("complex128")
int8 = numpy.dtype("int8")
int16 = numpy.dtype("int16")
int32 = numpy.dtype("int32")
int64 = numpy.dtype("int64")
uint8 = numpy.dtype("uint8")
uint16 = numpy.dtype("uint16")
uint32 = numpy.dtype("uint32")
uint64 = numpy.dtype("uint64")
bool_ = numpy.dtype("bool")
bfloat16: Any = None  # the dtype of ml_dtypes, once something asked for it

default_float = float32
default_complex = complex64
_BY_NAME: dict[str, Any] = {
    found.name: found
    for found in (float16, float32, float64, complex64, complex128, int32, int64, bool_)
}
COMMON = frozenset(_BY_NAME.values())  # in the byte order of this machine

WHAT_IS_SUPPORTED = (
    "Tensors hold numbers: bool, (u)int8 to (u)int64, float16 to float64, bfloat16, complex64, "
    "complex128"
)
UNORDERED = (
    "complex numbers have no order, and this is an operation of real numbers: give it ai.abs(x), "
    "or ai.real(x) and ai.imag(x)"
)


def dtype(name: Any) -> Any:
    """Return the dtype that `name` stands for (a string, a NumPy dtype or scalar type).

    None is the default one, float32, and any byte order is that of this machine.

    Raises
    ------
    TypeError
        The name is unknown, or the dtype is not one of numbers or truths.
    ImportError
        It is bfloat16, and ml_dtypes is not installed.
    """
    if name is None:
        return default_float
    if type(name) is str and name in _BY_NAME:
        return _BY_NAME[name]
    if isinstance(name, str) and name == "bfloat16":
        return _load_bfloat16()
    try:
        found = numpy.dtype(name)
    except TypeError:
        raise _not_a_dtype(f"{name!r} is not known") from None
    if found.kind == "V" and found.name == "bfloat16":
        return _load_bfloat16()
    wide = found.itemsize > (16 if found.kind == "c" else 8)
    if found.kind not in "bfiuc" or wide or found.char not in numpy.typecodes["All"]:
        raise _not_a_dtype(f"{found} is not supported")
    return found if found.isnative else found.newbyteorder("=")


def _not_a_dtype(what: str) -> TypeError:
    return TypeError(f"dtype {what}. {WHAT_IS_SUPPORTED}.")


def _load_bfloat16() -> Any:
    global bfloat16  # noqa: PLW0603  (everybody asks the module itself whether there is one)
    if bfloat16 is None:
        try:
            import ml_dtypes
        except ImportError:
            raise ImportError(
                "dtype bfloat16 comes from the package ml_dtypes, which is not installed: "
                "pip install 'autograd-iron[bfloat16]'"
            ) from None
        bfloat16 = numpy.dtype(ml_dtypes.bfloat16)
    return bfloat16


def is_float(dtype: Any) -> bool:
    """Return whether this is a floating dtype, whose numbers are real."""
    return bool(dtype.kind in "fV")  # of the kind "V", bfloat16 alone gets in


def is_complex(dtype: Any) -> bool:
    """Return whether this is a dtype of complex numbers."""
    return bool(dtype.kind == "c")


def is_inexact(dtype: Any) -> bool:
    """Return whether this is a dtype that gradients have: a floating or a complex one."""
    return bool(dtype.kind in "fcV")


def real_of(dtype: Any) -> Any:
    """Return the dtype of the real parts of numbers: that of real numbers is their own."""
    return _REAL_OF.get(dtype, dtype)


_REAL_OF = {complex64: float32, complex128: float64}


def is_narrow(dtype: Any) -> bool:
    """Return whether this is a float of 16 bits: sums of such are made in float32."""
    return bool(dtype.char in "eE")


def joint_dtype(met: list[Any], number: Any) -> Any:
    """Return the dtype in which a Python number meets arrays of these dtypes."""
    if bfloat16 is None or bfloat16 not in met:
        return numpy.result_type(*met, number)
    others = [found for found in met if is_inexact(found) and found != bfloat16]
    if isinstance(number, complex):
        others.append(complex64)
    return numpy.result_type(float32, *others) if others else bfloat16


def meeting(met: list[Any], numbers: Iterable[Any]) -> Any:
    """Return the dtype in which arrays of these dtypes and Python numbers meet."""
    found = joint_dtype(met, False)
    for number in numbers:
        found = joint_dtype([found], number)
    return found


def can_cast(found: Any, to: Any, casting: Any) -> bool:
    """Return whether NumPy casts a dtype to another by this rule."""
    return bool(numpy.can_cast(found, to, casting))


def limits(dtype: Any) -> Any:
    """Return what NumPy, or ml_dtypes, says about the numbers of a floating dtype."""
    if dtype.kind != "V":
        return numpy.finfo(dtype)
    import ml_dtypes

    return ml_dtypes.finfo(dtype)


def extreme(dtype: Any, lowest: bool) -> Any:
    """Return the value below (or above) all others of a dtype."""
    if is_complex(dtype):
        raise TypeError(UNORDERED)
    if is_float(dtype):
        return -numpy.inf if lowest else numpy.inf
    if dtype.kind == "b":
        return not lowest
    limits = numpy.iinfo(dtype)
    return limits.min if lowest else limits.max


def largest(dtype: Any) -> float:
    """Return the largest finite number of a floating dtype."""
    if bfloat16 is not None and dtype == bfloat16:
        return float.fromhex("0x1.fep127")
    return float(numpy.finfo(dtype).max)


def fits(value: Any, dtype: Any) -> bool:
    """Return whether an array or a number may be cast to a dtype: to no lesser kind, in range."""
    found = getattr(value, "dtype", None)
    if is_float(dtype):
        return not (isinstance(value, complex) if found is None else is_complex(found))
    if is_complex(dtype):
        return True
    if found is not None:
        return not is_inexact(found) and bool(numpy.can_cast(found, dtype, "same_kind"))
    if isinstance(value, bool) or dtype.kind == "b":
        return isinstance(value, bool)
    return isinstance(value, int) and extreme(dtype, True) <= value <= extreme(dtype, False)


def by_float32(kernel: Callable[..., Any], xp: Any, /, *operands: Any, **attributes: Any) -> Any:
    """Run a kernel with float32 for each bfloat16, and round what it makes of that once.

    Neither NumPy nor CuPy computes with bfloat16 as with a dtype of its own: a Python number beside
    it would make float32 or float64.  Here it is rounded to bfloat16, as NumPy does for float16.
    """
    wide, alone = in_float32(operands)
    made = kernel(xp, *wide, **attributes)
    if not alone:
        return made
    return tuple(map(_narrowed, made)) if isinstance(made, tuple) else _narrowed(made)


def _narrowed(made: Any) -> Any:
    return made.astype(bfloat16) if made.dtype == float32 else made


def in_float32(operands: Iterable[Any]) -> tuple[list[Any], bool]:
    """Return operands with float32 for each bfloat16, and whether that is their one float.

    If it is, their numbers are rounded.
    """
    operands = list(operands)
    met = {operand.dtype for operand in operands if hasattr(operand, "dtype")}
    if bfloat16 is None or bfloat16 not in met:
        return operands, False
    alone = is_bfloat16_alone(met)
    if alone:
        operands = list(map(round_to_bfloat16, operands))
    return list(map(to_float32, operands)), alone


def is_bfloat16_alone(met: set[Any]) -> bool:
    """Return whether bfloat16 is the one float among dtypes."""
    return {found for found in met if is_float(found)} == {bfloat16}


def to_float32(operand: Any) -> Any:
    """Return an array of bfloat16, or several, as float32, and anything else as it is."""
    if isinstance(operand, tuple | list):
        return type(operand)(map(to_float32, operand))
    narrow = bfloat16 is not None and getattr(operand, "dtype", float32) == bfloat16
    return operand.astype(float32) if narrow and hasattr(operand, "astype") else operand


def round_to_bfloat16(number: Any) -> Any:
    """Return a Python number as bfloat16 holds it; what is none is returned as it is."""
    if type(number) not in (int, float):
        return number
    with numpy.errstate(all="ignore"):
        held = float(bfloat16.type(float(number)))  # of integers, it takes those of 64 bits alone
    return int(held) if type(number) is int and math.isfinite(held) else held
