"""The parameters of a kernel, read from its code: `inspect.signature` takes fifty times longer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, NamedTuple


class Parameters(NamedTuple):
    """What follows `xp`: whether each array is optional, and the attributes with their defaults."""

    optional: list[bool]
    variadic: bool
    defaults: dict[str, Any]
    required: set[str]


def parameters(kernel: Callable[..., Any]) -> Parameters:
    """Return the parameters of a kernel `(xp, *arrays, /, attributes)`, without `xp`."""
    if type(kernel) is not FunctionType or hasattr(kernel, "__wrapped__"):
        return _inspected(kernel)
    code = kernel.__code__
    names = code.co_varnames[: code.co_argcount]
    values = kernel.__defaults__ or ()
    given = dict(zip(names[len(names) - len(values) :], values, strict=True))
    given |= kernel.__kwdefaults__ or {}
    arrays = max(1, code.co_posonlyargcount)
    attributes = (*names[arrays:], *keyword_only(code))
    return Parameters(
        [name in given for name in names[1:arrays]],
        bool(code.co_flags & inspect.CO_VARARGS),
        {name: given.get(name) for name in attributes},
        {name for name in attributes if name not in given},
    )


def keyword_only(code: CodeType) -> tuple[str, ...]:
    """Return the names of the keyword-only parameters."""
    return code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]


def _inspected(kernel: Callable[..., Any]) -> Parameters:
    found = list(inspect.signature(kernel).parameters.values())[1:]
    arrays = [p for p in found if p.kind is p.POSITIONAL_ONLY]
    attributes = [p for p in found if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return Parameters(
        [p.default is not p.empty for p in arrays],
        any(p.kind is p.VAR_POSITIONAL for p in found),
        {p.name: None if p.default is p.empty else p.default for p in attributes},
        {p.name for p in attributes if p.default is p.empty},
    )
