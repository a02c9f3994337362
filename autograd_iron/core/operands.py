"""The operands and attributes of a call, in the form in which a kernel takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from autograd_iron.arrays import device, dtypes, intake
from autograd_iron.core.explain import call_text, misfit
from autograd_iron.core.plain import PLAIN, are_integers, setting

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive

NUMBERS = frozenset((float, int, bool))  # that widen nothing: a complex number does


def raw_operand(value: Any, beside: tuple[Any, ...]) -> Any:
    """Make an operand of what is neither a Tensor nor a Python number, beside the others.

    NumPy's scalars and 0-d arrays become Python numbers, which never widen a float32.  Those on a
    GPU would have to be waited for: see `device.demote_0d`.
    """
    if isinstance(value, device.Scalar) or (type(value) is device.Array and value.ndim == 0):
        number = value.item()
        if type(number) in NUMBERS or type(number) is complex:
            return number
    if isinstance(value, int | float | complex):
        return setting(value)
    return intake.as_array(value, beside=beside)


def bind(
    primitive: Primitive, args: tuple[Any, ...], attributes: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the operands of a call, None for each that is missing, and all attributes.

    Attributes are in their normal form; those that were not given have their defaults.

    Raises
    ------
    TypeError
        The call does not fit the signature.
    """
    if not primitive.variadic:
        if len(args) > primitive.arity:
            names = list(primitive.defaults)
            extra = args[primitive.arity :]
            given = dict(zip(names, extra, strict=False))
            if len(extra) > len(names) or given.keys() & attributes.keys():
                _refuse(primitive, args, attributes)
            attributes = given | attributes
            args = args[: primitive.arity]
        elif len(args) < primitive.arity:
            if len(args) < primitive.arity - primitive.optional:
                _refuse(primitive, args, attributes)
            args += (None,) * (primitive.arity - len(args))
    if (
        not attributes.keys() <= primitive.defaults.keys()
        or not primitive.required <= attributes.keys()
    ):
        _refuse(primitive, args, attributes)
    for name, value in attributes.items():
        if name in primitive.forms:
            attributes[name] = primitive.forms[name](value)
        elif type(value) not in PLAIN:
            attributes[name] = setting(value, name)
        if name in _CHECKED:
            _check_setting(primitive, args, name, attributes[name])
    return args, primitive.defaults | attributes


def _refuse(primitive: Primitive, args: tuple[Any, ...], attributes: dict[str, Any]) -> NoReturn:
    raise TypeError(misfit(primitive.name, primitive.__signature__, args, attributes))


def _check_setting(primitive: Primitive, args: tuple[Any, ...], name: str, value: Any) -> None:
    """Refuse for an axis what is no integer, before a kernel reads it."""
    if name == "keepdims":
        if not isinstance(value, int):
            text = call_text(primitive.name, args, {name: value})
            raise TypeError(f"{text}: keepdims is True or False")
    elif not (value is None or are_integers(value)):
        text = call_text(primitive.name, args, {name: value})
        joined = ". Arrays to be joined are one list: [x, y]" if primitive.variadic else ""
        raise TypeError(f"{text}: {name} is an integer or a tuple of integers{joined}")


_CHECKED = frozenset(("axis", "axes", "keepdims", "shape"))


def check_present(primitive: Primitive, args: tuple[Any, ...]) -> None:
    """Refuse None for an operand that is not optional."""
    for a in args[: primitive.needed]:
        if a is None:
            raise TypeError(
                f"{call_text(primitive.name, args, {})}: None is no operand; operations take "
                "Tensors, arrays and numbers. Does a function that made it lack its `return`?"
            )


def promote(primitive: Primitive, arrays: list[Any]) -> list[Any]:
    """Give integers the widest float's dtype (NumPy makes float64 of int64 and float32).

    Raises
    ------
    TypeError
        The operation asks for an order, which complex numbers have not.
    """
    if primitive.ordered:
        _check_order(primitive, arrays)
    met = [a.dtype for a in arrays if hasattr(a, "dtype")]
    if met and dtypes.is_inexact(met[0]) and met.count(met[0]) == len(met):
        return arrays
    floats = [found for found in met if dtypes.is_inexact(found)]
    if floats:
        if len(floats) == len(met):
            return arrays
        target = max(floats, key=lambda found: found.itemsize)
    elif primitive.floating or any(isinstance(a, float | complex) for a in arrays):
        target = dtypes.default_float
    else:
        return arrays
    conditions = [i for i, rule in enumerate(primitive.rules) if rule is None]
    return [
        a.astype(target)
        if hasattr(a, "dtype") and not dtypes.is_inexact(a.dtype) and i not in conditions
        else a
        for i, a in enumerate(arrays)
    ]


def _check_order(primitive: Primitive, arrays: list[Any]) -> None:
    for a in arrays:
        if isinstance(a, complex) or dtypes.is_complex(getattr(a, "dtype", dtypes.bool_)):
            text = call_text(primitive.name, arrays, {})
            raise TypeError(f"{text}: {dtypes.UNORDERED}")
