"""NumPy's own functions called on a Tensor: `np.sin(t)`, `np.add(array, t)`, `np.sum(t, axis=0)`.

They are looked up by name among the operations (those of `numpy.linalg` and `numpy.fft` in
`ai.linalg` and `ai.fft`); NumPy's older names and parameters are translated, and parameters left at
NumPy's defaults (`out=None`) are dropped, so that no rule ever sees them.

What no operation answers NumPy does, where no gradient would end in it: on Tensors that require
none, and under `no_grad`.  Questions (`np.allclose`, `np.shape`) are always answered.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, NoReturn

from autograd_iron.arrays import dtypes, intake
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

# What is asked of a Tensor's shape and dtype alone.
_OF_THE_SHAPE: dict[str, Callable[..., Any]] = {
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
    "size": lambda a, axis=None: a.size if axis is None else a.shape[axis],
    "iscomplexobj": lambda x: dtypes.is_complex(x.dtype),
    "isrealobj": lambda x: not dtypes.is_complex(x.dtype),
}
# What is asked of its values and carries no gradient: NumPy's answer is a bool, a text or a file.
_QUESTIONS = frozenset(
    (
        *("allclose", "array_equal", "array_equiv", "array2string", "array_repr", "array_str"),
        *("may_share_memory", "save", "savetxt", "savez", "savez_compressed", "shares_memory"),
    )
)
# Other libraries ask so for arrays, and give them to code in C: SciPy's optimizers, say.
_COERCIONS = frozenset(("atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays"))
_HOMES = {"numpy.linalg": "linalg", "numpy.fft": "fft"}  # others are looked up in the registry


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
    why = ""
    if method != "__call__":
        made = _of_method(name, method, inputs, kwargs)
        if made is not None:
            return made
        return _by_numpy(
            f"{ufunc.__name__}.{method}",
            getattr(ufunc, method),
            inputs,
            kwargs,
            "only plain calls record",
        )
    if name not in registry:
        why = "it has no primitive"
    for key, value in kwargs.items():
        if key not in _NEUTRAL or value is not _NEUTRAL[key]:
            why = f"{key}= is not supported"
    if why:
        return _by_numpy(ufunc.__name__, ufunc, inputs, kwargs, why)
    return getattr(on_tensors, name)(*inputs)


# What a method of a ufunc is by name: `np.add.reduce(x)` is the sum along the first axis.
_OF_METHODS = {
    ("reduce", "add"): "sum",
    ("reduce", "multiply"): "prod",
    ("reduce", "maximum"): "max",
    ("reduce", "minimum"): "min",
    ("reduce", "logical_and"): "all",
    ("reduce", "logical_or"): "any",
    ("reduce", "logaddexp"): "logsumexp",
    ("accumulate", "add"): "cumsum",
    ("accumulate", "multiply"): "cumprod",
}


def _of_method(name: str, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a method of a ufunc gives, None if no operation does this."""
    if method == "outer" and name in registry and len(inputs) == 2 and not kwargs:
        one, other = (
            value if hasattr(value, "shape") else intake.as_array(value) for value in inputs
        )
        shape = (*one.shape, *(1,) * other.ndim)
        return getattr(on_tensors, name)(on_tensors.reshape(one, shape=shape), other)
    word = _OF_METHODS.get((method, name))
    named = {"axis": 0} | dict(zip(("axis",), inputs[1:], strict=False)) | kwargs
    allowed = {"axis", "keepdims"} if method == "reduce" else {"axis"}
    if word is None or len(inputs) > 2 or not named.keys() <= allowed:
        return None
    return getattr(on_tensors, word)(inputs[0], **named)


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
    if function.__name__ in _OF_THE_SHAPE:
        return _OF_THE_SHAPE[function.__name__](*args, **kwargs)
    if function.__name__ in _QUESTIONS:
        return _on_arrays(function.__name__, function, args, kwargs)
    if function.__name__ in _COERCIONS and not _must_record(args):
        return _on_arrays(function.__name__, function, args, kwargs)
    word = _word(function)
    if word is None:
        return _by_numpy(function.__name__, function, args, kwargs, "it has no primitive")
    ours = _translated(function, args, kwargs, word)
    if isinstance(ours, str):
        return _by_numpy(function.__name__, function, args, kwargs, f"{ours}= is not supported")
    return word(*ours[0], **ours[1])


def _word(function: Any) -> Any:
    """Return the operation that a function of NumPy's is, None if there is none."""
    name = _OUR_NAME.get(function.__name__, function.__name__)
    home = _HOMES.get(function.__module__)
    if home is not None:
        module = import_module(f"{__name__.partition('.')[0]}.{home}")
        if name in module.__all__:
            return getattr(module, name)
    return registry.get(name)


def _translated(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], word: Any
) -> tuple[list[Any], dict[str, Any]] | str:
    """Return the arguments of a call of NumPy's as the operation takes them.

    The answer is the name of a parameter if the operation lacks it.
    """
    ours = _parameters(word)
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
            return str(key)
    return positional, named


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
def _parameters(word: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(word).parameters.values())


@cache
def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:
        return None


def _by_numpy(
    name: str, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], why: str
) -> Any:
    """Return what NumPy answers, unless a gradient would end in it or a plan could not replay it.

    Raises
    ------
    TypeError
        One would, which cannot be recorded for the reason `why`; or a Tensor is on a GPU.
    """
    if _must_record((args, kwargs)):
        _refuse(name, why)
    return _on_arrays(name, call, args, kwargs)


def _must_record(given: Any) -> bool:
    """Return whether a gradient, or a plan, would end where NumPy answers."""
    if switches().executor.captures:
        return True
    return switches().recording and any(t.node is not None for t in _tensors(given))


def _on_arrays(
    name: str, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return what NumPy answers about the values of Tensors on the host."""
    for tensor in _tensors((args, kwargs)):
        if tensor.device != "cpu":
            raise TypeError(
                f"numpy.{name} would have to wait for the values of a tensor on {tensor.device}, "
                f'and copy them; write numpy.{name} on t.to("cpu") if that is meant'
            )
    values, settings = _as_arrays(args), _as_arrays(kwargs)
    try:
        return call(*values, **settings)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
    raise TypeError(f"numpy.{name} writes into a Tensor, which is a value: write t.assign(new)")


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "node"):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


def _as_arrays(value: Any) -> Any:
    """Return arguments with the values of each Tensor in the place of it."""
    if hasattr(value, "node"):
        return value.numpy()
    if isinstance(value, dict):
        return {key: _as_arrays(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_as_arrays, value))
    return value


def _refuse(name: str, why: str) -> NoReturn:
    switches().executor.forbid(
        f"numpy.{name} meets a Tensor",
        f"It cannot be recorded: {why}. Use the functions of autograd_iron.",
    )
    raise TypeError(
        f"numpy.{name} cannot be recorded on a Tensor: {why}. Use a function of autograd_iron, or "
        f"numpy.{name} on t.numpy() if no gradient should flow through it"
    )
