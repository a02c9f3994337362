"""Tensors inside lists, tuples and dicts, as arguments and results of a compiled function."""

from __future__ import annotations

import array
from collections.abc import Iterator
from types import MethodType
from typing import Any

from autograd_iron.arrays import device
from autograd_iron.core.plain import PLAIN
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import asarray
from autograd_iron.plan.capture import Tape
from autograd_iron.plan.refusals import CaptureError
from autograd_iron.plan.watch import is_told_of


def key_of(tree: Any, tensors: list[Tensor]) -> Any:
    """Return what of the arguments chooses the plan, and collect their tensors."""
    if isinstance(tree, Tensor):
        tracked = tree.node is not None
        same = [i for i, t in enumerate(tensors) if t is tree] if tracked else []
        tensors.append(tree)
        return ("tensor", tree.data.shape, tree.data.dtype, tracked, tree.device, *same[:1])
    kind = type(tree)
    if kind in PLAIN:  # repr tells -0.0 from 0.0, and nan from nothing but itself
        return (kind, repr(tree) if kind is float else tree)
    if _is_array(tree):
        made = asarray(tree)
        tensors.append(made)
        return ("tensor", made.shape, made.dtype, False, made.device)
    if isinstance(tree, list | tuple):
        return (kind, *[key_of(v, tensors) for v in tree])
    if isinstance(tree, dict):
        return (dict, tuple(tree), *[key_of(v, tensors) for v in tree.values()])
    if isinstance(tree, float):
        return (kind, repr(tree))
    if kind is Bound:
        return (Bound, tree)
    try:
        hash(tree)
        told = getattr(kind, "__hash__", None) is not object.__hash__ or is_told_of(tree)
    except TypeError:
        told = False
    if not told:
        raise TypeError(
            f"compile: an argument of type {kind.__name__} cannot choose a plan, because a change "
            "inside it would not be noticed. Arguments are Tensors, arrays, numbers, strings, "
            "modules, what is hashed by its value (a frozen dataclass), and lists, tuples and "
            "dicts of them. Pass the numbers of it, or let the function take it from around it"
        )
    return (kind, tree)


class Bound:
    """The object whose method was compiled: it is itself alone, and what the method reads of it."""

    __slots__ = ("instance",)

    def __init__(self, instance: Any) -> None:
        self.instance = instance

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bound) and self.instance is other.instance

    def __hash__(self) -> int:
        return id(self.instance)

    def __repr__(self) -> str:
        return object.__repr__(self.instance)


def bare(argument: Any) -> Any:
    """Return an argument as the function gets it."""
    return argument.instance if type(argument) is Bound else argument


def roots(function: Any, args: Any, kwargs: Any) -> list[Any]:
    """Return what was called, and the objects among its arguments."""
    if args and type(args[0]) is Bound:
        bound, args = args[0].instance, args[1:]
        function = MethodType(function, bound)
    return [function, *_objects((args, kwargs))]


def _objects(tree: Any) -> Iterator[Any]:
    if isinstance(tree, list | tuple | dict):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _objects(part)
    elif not isinstance(tree, Tensor) and not _is_array(tree):
        yield tree


def are_tensors(key: Any) -> bool:
    """Return whether a key is that of Tensors one after the other."""
    return key[0] is tuple and all(part[0] == "tensor" for part in key[1:])


def _is_array(value: Any) -> bool:
    if isinstance(value, device.Array | memoryview | bytearray | array.array):
        return True
    if isinstance(value, device.Scalar | type):
        return False
    # The first one on a GPU that the engine meets may be another library's.
    return hasattr(value, "__array__") or hasattr(value, "__cuda_array_interface__")


def named_parts(key: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the parts of a key, each with where it is among the arguments, as text."""
    if key[0] == "tensor":
        place = "" if key[4] == "cpu" else f" on {key[4]}"
        gradient = " requiring a gradient" if key[3] else ""
        yield path, f"{key[2]}{list(key[1])}{place}{gradient}"
    elif key[0] is dict:
        for name, part in zip(key[1], key[2:], strict=True):
            yield from named_parts(part, f"{path}[{name!r}]")
    elif key[0] in (list, tuple):
        for i, part in enumerate(key[1:]):
            yield from named_parts(part, f"{path}[{i}]")
    else:
        yield path, repr(key[1])


def traced(tree: Any, tape: Tape) -> Any:
    """Return arguments with a handle of the tape's in place of each Tensor and array."""
    if isinstance(tree, Tensor) or _is_array(tree):
        return tape.input(asarray(tree))
    if isinstance(tree, list | tuple):
        return _like(tree, [traced(v, tape) for v in tree])
    if isinstance(tree, dict):
        return {k: traced(v, tape) for k, v in tree.items()}
    return bare(tree)


_SLOT = object()


def structure_of(tree: Any, tensors: list[Tensor]) -> Any:
    """Return what a result is but for its Tensors, which are collected."""
    if isinstance(tree, Tensor):
        tensors.append(tree)
        return _SLOT
    if isinstance(tree, list | tuple):
        return _like(tree, [structure_of(v, tensors) for v in tree])
    if isinstance(tree, dict):
        return {k: structure_of(v, tensors) for k, v in tree.items()}
    if hasattr(tree, "__next__") or hasattr(tree, "__anext__") or hasattr(tree, "__await__"):
        if hasattr(tree, "close"):
            tree.close()  # of a coroutine, lest Python warns that nobody waited for it
        raise CaptureError(
            f"compile: the function returned a {type(tree).__name__}, which runs later and is used "
            "up by the first who asks. Return Tensors, in a list for example; compile what a "
            "generator or coroutine computes from one stop to the next"
        )
    return tree


def rebuilt(structure: Any, tensors: Iterator[Tensor]) -> Any:
    """Return a result of that structure with these Tensors."""
    if structure is _SLOT:
        return next(tensors)
    if isinstance(structure, list | tuple):
        return _like(structure, [rebuilt(v, tensors) for v in structure])
    if isinstance(structure, dict):
        return {k: rebuilt(v, tensors) for k, v in structure.items()}
    return structure


def _like(tree: Any, parts: list[Any]) -> Any:
    """Return the parts as a list, tuple or named tuple like `tree`."""
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
