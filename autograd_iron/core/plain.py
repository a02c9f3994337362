"""Numbers and settings in one normal form, before anybody reads them.

Whatever computes an axis, a size or a seed may leave it as a scalar of NumPy's, a 0-d array, a
member of an enumeration or a Tensor. Behind the door there are only Python's own types: text can be
written of them, they can be compared and hashed, and JSON takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType, NoneType
from typing import Any

from autograd_iron.arrays import device, intake
from autograd_iron.support.integers import integer

PLAIN = frozenset((int, float, bool, complex, str, NoneType, EllipsisType))
# Settings that are integers or tuples of them, of which an array has no other meaning.
_OF_INTEGERS = frozenset(
    ("axis", "axes", "shape", "pad_width", "size", "indices_or_sections", "argnums")
)


def setting(value: Any, name: str = "") -> Any:
    """Return a setting of an operation made of Python's own numbers, strings and tuples.

    What has no such form (a dtype, a table of numbers that an operation of the user's takes) is
    returned as it is.

    Raises
    ------
    TypeError
        It is a Tensor that requires a gradient, which would end here.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is tuple:
        for part in value:
            if type(part) not in PLAIN:
                return tuple([setting(part, name) for part in value])
        return value
    if getattr(value, "requires_grad", False):
        raise TypeError(
            f"{name or 'a setting'} is no operand: no gradient flows to it, and it was given a "
            "Tensor that requires one. Use an operation whose operand it is (ai.maximum for a "
            "bound, say), or x.detach() if none is meant to"
        )
    if hasattr(value, "requires_grad"):
        if value.ndim and name not in _OF_INTEGERS:
            return value
        value = value.item() if not value.ndim else value.numpy()
    if isinstance(value, device.Scalar):
        return value.item()
    if isinstance(value, device.Array):
        intake.check_plain(value)
        if not value.ndim:
            return value.item()
        return setting(value.tolist(), name) if name in _OF_INTEGERS else value
    if kind in (list, range) or (name in _OF_INTEGERS and _is_sequence(value)):
        return tuple([setting(part, name) for part in value])
    for plain in (int, float, str):
        if isinstance(value, plain):
            return _AS[plain](value)
    whole = integer(value)
    return value if whole is None else whole


def are_integers(value: Any) -> bool:
    """Return whether a setting in its normal form is an integer, or a tuple of nothing else."""
    return all(map(are_integers, value)) if type(value) is tuple else isinstance(value, int)


def number(value: Any) -> Any:
    """Return a number, or what holds several as tuples of them.

    Raises
    ------
    TypeError, ValueError
        There is something else in it, which NumPy might make a number of.
    """
    value = setting(value)
    if type(value) is tuple:
        return tuple([number(part) for part in value])
    known = type(value) in (int, float, bool, complex)
    return value if known else setting(intake.as_array(value).tolist())


def real(value: Any) -> Any:
    """Return a real number, or what holds several as tuples of them; see `number`."""
    value = number(value)
    if type(value) is complex:
        raise TypeError(f"{value} is a complex number where a real one is meant")
    return tuple([real(part) for part in value]) if type(value) is tuple else value


def _is_sequence(value: Any) -> bool:
    """Return whether NumPy would read parts in order: of a tuple, `array.array`, a deque, ..."""
    if isinstance(value, str | Mapping):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__")


# Not int(value) and so on: an enumeration may have its own idea of how it is shown.
_AS: dict[type, Any] = {int: int.__int__, float: float.__float__, str: str.__str__}
