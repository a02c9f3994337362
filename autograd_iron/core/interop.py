"""NumPy's own functions called on a Tensor: `np.sin(t)`, `np.add(array, t)`, `np.sum(t, axis=0)`.

They are looked up by name in the registry; NumPy's older names and parameters are translated, and
parameters left at NumPy's defaults (`out=None`) are dropped, so that no rule ever sees them.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, NoReturn

from autograd_iron.core.registry import on_tensors, registry
from autograd_iron.core.switches import switches

_OUR_NAME = {
    "absolute": "abs",
    "true_divide": "divide",
    "power": "pow",
    "conjugate": "conj",
    "concatenate": "concat",
    "transpose": "permute_dims",
    "amax": "max",
    "amin": "min",
    "invert": "bitwise_invert",
    "bitwise_not": "bitwise_invert",
    "around": "round",
    "fix": "trunc",
    "degrees": "rad2deg",
    "radians": "deg2rad",
}
_OUR_PARAMETER = {"a_min": "min", "a_max": "max", "newshape": "shape"}
_NEUTRAL = {
    "out": None,
    "dtype": None,
    "where": True,
    "casting": "same_kind",
    "order": "K",
    "subok": True,
}


def ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer `numpy.<ufunc>(...)`.

    Raises
    ------
    TypeError
        There is no such primitive, or a parameter or method (`where=`, `.reduce`) that it lacks; or
        a gradient would end in the array that `out=` names.
    """
    if kwargs.get("out") is not None:
        return _into_array(ufunc, method, inputs, kwargs)
    name = _OUR_NAME.get(ufunc.__name__, ufunc.__name__)
    if method != "__call__":
        _refuse(f"{ufunc.__name__}.{method}", "only plain calls record")
    if name not in registry:
        _refuse(ufunc.__name__, "it has no primitive")
    for key, value in kwargs.items():
        if key not in _NEUTRAL or value is not _NEUTRAL[key]:
            _refuse(ufunc.__name__, f"{key}= is not supported")
    return getattr(on_tensors, name)(*inputs)


def _into_array(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer `array -= t`, which is `numpy.subtract(array, t, out=array)`: NumPy writes."""
    targets = kwargs["out"]
    if switches().executor.captures:
        _refuse(ufunc.__name__, "it writes into an array")
    if any(hasattr(target, "node") for target in targets):
        raise TypeError(
            f"numpy.{ufunc.__name__} cannot write into a Tensor, which is a value: leave out= "
            "away, or write t.assign(new)"
        )
    if any(getattr(value, "node", None) is not None for value in inputs):
        raise TypeError(
            f"numpy.{ufunc.__name__} writes into an array here (as `array -= t` and out= do), "
            "where the gradient of a tensor that requires one would end. Write array = array - t "
            "to make a new Tensor, or use t.detach() if no gradient should flow through it"
        )
    places = [value.device for value in inputs if hasattr(value, "node")]
    if any(place != "cpu" for place in places):
        raise TypeError(
            f"numpy.{ufunc.__name__} writes into an array of the host, and the tensor is on "
            f'{places[0]}; move it first: t.to("cpu")'
        )
    values = [value.numpy() if hasattr(value, "node") else value for value in inputs]
    return getattr(ufunc, method)(*values, **kwargs)


def function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer `numpy.<function>(...)`.

    Raises
    ------
    TypeError
        There is no such operation, or a parameter that it lacks.
    """
    name = _OUR_NAME.get(function.__name__, function.__name__)
    word: Any = registry.get(name)
    if word is None:
        _refuse(function.__name__, "it has no primitive")
    ours = list(word.__signature__.parameters.values())
    known = {p.name for p in ours if p.kind is not p.POSITIONAL_ONLY}
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for i, (key, value, default) in enumerate(_arguments(function, args, kwargs)):
        ours_key = _OUR_PARAMETER.get(key or "", key)
        if ours_key in known:
            if value is not default:
                named[ours_key] = value
        elif (
            i < len(ours) and i == len(positional) and ours[i].kind is ours[i].POSITIONAL_ONLY
        ) or (key is None and not named):
            positional.append(value)
        elif value is not default and not (isinstance(value, str) and value == default):
            _refuse(function.__name__, f"{key}= is not supported")
    return getattr(on_tensors, name)(*positional, **named)


def _arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Yield (parameter name or None, value, NumPy's default) for what the caller gave."""
    signature = _signature(function)
    if signature is None:
        yield from ((None, value, inspect.Parameter.empty) for value in args)
        empty = inspect.Parameter.empty
        yield from ((key, value, _NEUTRAL.get(key, empty)) for key, value in kwargs.items())
        return
    for key, value in signature.bind(*args, **kwargs).arguments.items():
        parameter = signature.parameters[key]
        if parameter.kind is parameter.VAR_POSITIONAL:
            yield from ((None, item, parameter.empty) for item in value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            yield from ((name, item, parameter.empty) for name, item in value.items())
        else:
            yield key, value, parameter.default


@cache
def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def _refuse(name: str, why: str) -> NoReturn:
    switches().executor.forbid(
        f"numpy.{name} meets a Tensor",
        f"It cannot be recorded: {why}. Use the functions of autograd_iron.",
    )
    raise TypeError(
        f"numpy.{name} cannot be recorded on a Tensor: {why}. Use a function of autograd_iron, or "
        f"numpy.{name} on t.numpy() if no gradient should flow through it"
    )
