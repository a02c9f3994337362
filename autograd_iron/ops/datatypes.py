"""Questions about dtypes, in the array API standard's words."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from autograd_iron.arrays import cuda, dtypes, intake
from autograd_iron.arrays import device as devices
from autograd_iron.core.registry import on_tensors
from autograd_iron.core.specs import axes_of
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import asarray

__all__ = [
    "astype",
    "can_cast",
    "finfo",
    "iinfo",
    "iscomplexobj",
    "isdtype",
    "isrealobj",
    "isscalar",
    "ndim",
    "promote_types",
    "result_type",
    "shape",
    "size",
]

NAMES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NAMES += ["float32", "float64", "complex64", "complex128"]  # of the standard, which has no others
KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "fV",  # of the kind "V" there is bfloat16 alone
    "complex floating": "c",
    "numeric": "iufVc",
}
INEXACT = KINDS["real floating"] + KINDS["complex floating"]
PLAIN = (bool, int, float, complex)


class FloatInfo(NamedTuple):
    """The limits of a floating dtype, as Python's numbers.

    Attributes
    ----------
    bits : int
    eps : float
        The difference between 1 and the next number.
    max, min : float
        The largest number and the one below all others.
    smallest_normal, tiny : float
        The smallest positive number of full precision.
    resolution : float
        The power of ten that the decimal digits end at.
    dtype : numpy.dtype
        Of real numbers: for a complex dtype, of its parts.
    """

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    tiny: float
    resolution: float
    dtype: Any


class IntegerInfo(NamedTuple):
    """The limits of an integer dtype: `bits`, `max` and `min`."""

    bits: int
    max: int
    min: int
    dtype: Any


def _dtype_of(one: Any) -> Any:
    # numpy.float32 is a class, whose `dtype` is what its instances read theirs with.
    return dtypes.dtype(one if isinstance(one, type) else getattr(one, "dtype", one))


def finfo(type: Any, /) -> FloatInfo:
    """Return the limits of a floating dtype, or of that of a tensor.

    Raises
    ------
    TypeError
        It is none.
    """
    found = _dtype_of(type)
    if found.kind not in INEXACT:
        raise TypeError(f"finfo is asked of floating dtypes, and of integers iinfo; not of {found}")
    limits = dtypes.limits(found)
    return FloatInfo(
        bits=int(limits.bits),
        **{
            name: float(getattr(limits, name))
            for name in ("eps", "max", "min", "smallest_normal", "tiny", "resolution")
        },
        dtype=limits.dtype,
    )


def iinfo(type: Any, /) -> IntegerInfo:
    """Return the limits of an integer dtype, or of that of a tensor.

    Raises
    ------
    TypeError
        It is none.
    """
    found = _dtype_of(type)
    if found.kind not in "iu":
        raise TypeError(f"iinfo is asked of integer dtypes, and of floats finfo; not of {found}")
    lowest, highest = dtypes.extreme(found, lowest=True), dtypes.extreme(found, lowest=False)
    return IntegerInfo(bits=8 * found.itemsize, max=highest, min=lowest, dtype=found)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Return whether a dtype is of a kind.

    Parameters
    ----------
    dtype : dtype
    kind : str, dtype or tuple of them
        "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex
        floating" or "numeric"; or a dtype; or a tuple, of which one must fit.

    Raises
    ------
    ValueError
        There is no such kind.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    found = _dtype_of(dtype)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise ValueError(f"isdtype: there is no kind {kind!r}; the kinds are {list(KINDS)}")
        return found.kind in KINDS[kind]
    return bool(found == dtypes.dtype(kind))


def can_cast(from_: Any, to: Any, /, casting: str = "safe") -> bool:
    """Return whether a dtype, or that of a tensor, can be cast to another by NumPy's rules."""
    return dtypes.can_cast(_dtype_of(from_), dtypes.dtype(to), casting)


def result_type(*arrays_and_dtypes: Any) -> Any:
    """Return the dtype in which arrays, dtypes and Python numbers meet.

    As in an operation, a Python number never widens a dtype, and integers take that of the floats
    that they meet: int64 and float32 are float32.

    Raises
    ------
    ValueError
        There is nothing to ask about.
    """
    if not arrays_and_dtypes:
        raise ValueError("result_type: give an array, a dtype or a number at least")
    numbers, met = [], []
    for one in arrays_and_dtypes:
        if type(one) in PLAIN:
            numbers.append(one)
        else:
            met.append(_dtype_of(one))
    inexact = [found for found in met if found.kind in INEXACT]
    if not inexact and (not met or any(type(n) in (float, complex) for n in numbers)):
        # No float says how wide the result is: what such numbers are by themselves.
        inexact = [intake.as_array(numbers).dtype]
    return dtypes.meeting(inexact or met, numbers)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: str | None = None) -> Tensor:
    """Return the values in another dtype; a cast to integers carries no gradient.

    Parameters
    ----------
    x : Tensor, array or number
    dtype : dtype or str
    copy : bool
        Whether the result has memory of its own although the dtype is that of `x` already.
    device : str, optional
        Where the result is to be.
    """
    made: Tensor
    if not copy and isinstance(x, Tensor) and x.dtype == dtypes.dtype(dtype):
        made = x
    else:
        made = on_tensors.astype(x, dtype)
    return made if device is None else made.to(devices.full_name(device))


class __array_namespace_info__:
    """What the array API standard asks a library about itself."""

    def capabilities(self) -> dict[str, Any]:
        """Return what the standard leaves to libraries and is found here."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """Return where tensors are made if nothing else is said."""
        return "cpu"

    def devices(self) -> list[str]:
        """Return the devices: the host, and the GPUs that CuPy finds."""
        return ["cpu", *(f"cuda:{number}" for number in range(cuda.device_count()))]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """Return the dtypes that numbers of each kind get."""
        floats = {"real floating": dtypes.default_float, "complex floating": dtypes.default_complex}
        return floats | {"integral": dtypes.int64, "indexing": dtypes.int64}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """Return the standard's dtypes by name, of a kind as `isdtype` knows it."""
        known = {name: dtypes.dtype(name) for name in NAMES}
        return {n: d for n, d in known.items() if kind is None or isdtype(d, kind)}


def _described(x: Any) -> Any:
    return x if hasattr(x, "dtype") else asarray(x)


def ndim(x: Any, /) -> int:
    """Return the number of axes of an array, a number or a nested list."""
    return len(shape(x))


def shape(x: Any, /) -> tuple[int, ...]:
    """Return the sizes of the axes of an array, a number or a nested list."""
    return tuple(_described(x).shape)


def size(x: Any, /, axis: int | tuple[int, ...] | None = None) -> int:
    """Return the number of elements, or of those along an axis, of an array or a nested list."""
    sizes = shape(x)
    return math.prod(sizes if axis is None else (sizes[i] for i in axes_of(axis, len(sizes))))


def iscomplexobj(x: Any, /) -> bool:
    """Say whether an array, a number or a nested list is of a complex dtype."""
    return bool(_described(x).dtype.kind == "c")


def isrealobj(x: Any, /) -> bool:
    """Say whether an array, a number or a nested list is of no complex dtype."""
    return not iscomplexobj(x)


def isscalar(x: Any, /) -> bool:
    """Say whether this is a number or a text, and no array."""
    return isinstance(x, int | float | complex | str | bytes | devices.Scalar)


def promote_types(type1: Any, type2: Any, /) -> Any:
    """Return the dtype in which arrays of two dtypes meet."""
    return result_type(dtypes.dtype(type1), dtypes.dtype(type2))
