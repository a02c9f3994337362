"""Errors that name the operation and the operands that met."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from autograd_iron.arrays import device
from autograd_iron.core.words import advise

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive

Function = TypeVar("Function", bound=Callable[..., Any])

# What array libraries raise about operands; all else that is raised means something else.
EXPLAINED = (ValueError, TypeError, IndexError, AttributeError, OverflowError)


def plain_kind(error: Exception) -> type[Exception]:
    """Return the plain type of an array library's error (its own types take other arguments)."""
    for kind in (ValueError, IndexError, OverflowError):
        if isinstance(error, kind):
            return kind
    return TypeError


_INSIDE = ("autograd_iron", "nn", "numpy", "scipy", "cupy")  # what users have not written
LONGEST = 80  # of what is shown of one operand or setting


def call_text(name: str, operands: Iterable[Any], attributes: Mapping[str, Any]) -> str:
    """Return a call as text: ``sum(float32[2, 3], axis=0)``."""
    given = [_shown(a) for a in operands]
    given += [f"{key}={_shorter(device.shown(value))}" for key, value in attributes.items()]
    return f"{name}({', '.join(given)})"


def _shown(value: Any) -> str:
    if hasattr(value, "dtype") and hasattr(value, "shape") and not isinstance(value, type):
        return f"{value.dtype}{list(value.shape)}"
    if type(value) in (list, tuple) and any(hasattr(part, "dtype") for part in value):
        opened, closed = "[]" if type(value) is list else "()"
        return _shorter(opened + ", ".join(map(_shown, value)) + closed)
    return _shorter(repr(value))


def _shorter(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 20]} ... {text[-15:]}"


def misfit(
    name: str, signature: inspect.Signature, args: Iterable[Any], given: Mapping[str, Any]
) -> str:
    """Return what a call that does not fit the signature is answered."""
    met = [type(a).__name__ for a in args] + [f"{key}=..." for key in given]
    advice = advise(given, signature.parameters)
    return f"expected {name}{_without_types(signature)}; got ({', '.join(met)}){advice}"


def _without_types(signature: inspect.Signature) -> inspect.Signature:
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return inspect.Signature(parameters)


def fits(signature: inspect.Signature, args: tuple[Any, ...], given: Mapping[str, Any]) -> bool:
    """Return whether a call fits the signature."""
    try:
        signature.bind(*args, **given)
    except TypeError:
        return False
    return True


def explained(function: Function) -> Function:
    """Return a function whose bare errors say with what it was called."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except EXPLAINED as error:
            if not is_bare(error):
                raise
            said = bare_text(function.__name__, inspect.signature(function), args, kwargs, error)
            raise plain_kind(error)(said) from None

    return cast(Function, called)


def bare_text(
    name: str,
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    error: Exception,
) -> str:
    """Return what a call is answered in which an error came up that nobody wrote."""
    if not fits(signature, args, kwargs):
        return misfit(name, signature, args, kwargs)
    return f"{call_text(name, args, kwargs)}: {error}; expected {name}{_without_types(signature)}"


def is_bare(error: Exception) -> bool:
    """Return whether no `raise` wrote the error: Python did, or a library's code in C.

    Such a text ("'>=' not supported between ...") means nothing to who has not written the line.
    An error in a function of the user's, which an operation was given, is none of those.
    """
    place = error.__traceback__
    if place is None:
        return False
    while True:
        if place.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _INSIDE:
            return False
        if place.tb_next is None:
            break
        place = place.tb_next
    code = place.tb_frame.f_code.co_code
    written = place.tb_lasti < len(code) and dis.opname[code[place.tb_lasti]] == "RAISE_VARARGS"
    return not written


def explain(
    primitive: Primitive, arrays: list[Any], attributes: dict[str, Any], error: Exception
) -> NoReturn:
    """Say which operation met which operands, and pass on what the array library found."""
    hint = None if device.are_mixed(arrays) else _hint(primitive, arrays, error)
    text = call_text(primitive.name, arrays, attributes)
    raise plain_kind(error)(f"{text}: {hint or error}") from None


def _hint(primitive: Primitive, arrays: list[Any], error: Exception) -> str | None:
    shapes: list[tuple[int, ...]] = [getattr(a, "shape", ()) for a in arrays if a is not None]
    if primitive.name == "linear":
        left, right = shapes[:2]
        if left and len(right) == 2 and left[-1] != right[1]:
            return (
                f"the inner sizes differ: the last axis of {left} is {left[-1]} but the weight "
                f"{right} is of (out, in) features, {right[1]} in; a weight of (in, out) is "
                "transposed with .mT"
            )
    elif primitive.name == "matmul":
        left, right = shapes[:2]
        if not left or not right:
            return "a number cannot be multiplied as a matrix; use * instead"
        inner = right[-2] if len(right) > 1 else right[0]
        if left[-1] != inner:
            return (
                f"the inner sizes differ: the last axis of {left} is {left[-1]} but "
                f"the {'first' if len(right) == 1 else 'second-to-last'} axis of {right} is "
                f"{inner}; transpose one with .mT, or reshape it"
            )
        if device.broadcast_shape(left[:-2], right[:-2]) is None:
            return (
                f"the leading axes {left[:-2]} and {right[:-2]} do not broadcast: aligned at the "
                "right, two must be equal or one of them 1"
            )
    elif primitive.is_elementwise and device.broadcast_shape(*shapes) is None:
        joined = " and ".join(map(str, shapes))
        return (
            f"the shapes {joined} do not broadcast: aligned at the right, two axes must be equal "
            "or one of them 1; use expand_dims or reshape to line them up"
        )
    if isinstance(error, TypeError) and any(words in str(error) for words in _NO_LOOP):
        return _of_kinds(primitive, arrays)
    if isinstance(error, AttributeError):
        for a in arrays:
            if isinstance(a, int | float | complex):
                return (
                    f"{a!r} stands where an array is meant; for one of no axes: ai.asarray({a!r})"
                )
    return None


# What NumPy says where a function knows nothing of a kind of numbers.
_NO_LOOP = ("not supported for the input types", "did not contain a loop")


def _of_kinds(primitive: Primitive, arrays: list[Any]) -> str | None:
    """Return what to try where a function is not defined for the kinds of numbers that met."""
    kinds = {a.dtype.kind for a in arrays if hasattr(a, "dtype")}
    if "c" in kinds or any(isinstance(a, complex) for a in arrays):
        return (
            "it is not defined for complex numbers; take their parts, ai.real(x) and ai.imag(x), "
            "or their absolute values, ai.abs(x)"
        )
    if kinds & {"f", "V"} or any(isinstance(a, float) for a in arrays):
        return 'it is not defined for floats; cast them: x.astype("int64"), or ask: x != 0'
    if "b" in kinds:
        return 'it is not defined for truths; cast them: x.astype("int64"), or "float32"'
    return None
