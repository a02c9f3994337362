"""The lines of a stage as data: calls of NumPy's functions on values, constants and settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autograd_iron.plan.program import Check, Value


@dataclass(frozen=True, slots=True)
class Name:
    """A variable that stands for no value of the program: a constant, a total, a setting."""

    label: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, `add` or `add.reduce`; the keyword `**` spreads settings."""

    function: str
    operands: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A call of a method of an array."""

    array: Any
    name: str
    operands: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of an array."""

    array: Any


@dataclass(frozen=True, slots=True)
class Item:
    """An array at an index."""

    array: Any
    index: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class IsZero:
    """Where an array is zero."""

    array: Any


@dataclass(frozen=True, slots=True)
class Let:
    """A line that gives a part a name: `v3 = v1.reshape((2, 3))`."""

    name: Value | Name
    part: Any


@dataclass(frozen=True, slots=True)
class Put:
    """A line that writes into an array at an index."""

    item: Item
    part: Any


@dataclass(frozen=True, slots=True)
class UnlessFinite:
    """A line that runs where some element of a value is infinite or NaN, or its square is."""

    value: Value
    line: Call


@dataclass(frozen=True, slots=True)
class Refuse:
    """A line that raises where a check fails, with a message of this name."""

    check: Check
    message: Name


# A part of a line is a Value, one of the classes above that is no line, or a literal of Python:
# a number, a text, None, `...`, a slice, or a tuple of parts.
Line = Call | Let | Put | UnlessFinite | Refuse


def variable(name: Value | Name) -> str:
    """Return the variable that stands for a value, or that a name is."""
    return f"v{name.number}" if type(name) is Value else name.label  # type: ignore[union-attr]


def text(part: Any) -> str:
    """Return a part of a line as Python."""
    kind = type(part)
    if kind is Value:
        return f"v{part.number}"
    if kind is Name:
        found: str = part.label
        return found
    if kind is Call:
        operands = [*map(text, part.operands), *(_keyword(*pair) for pair in part.keywords)]
        return f"{part.function}({', '.join(operands)})"
    if kind is Method:
        return f"{text(part.array)}.{part.name}({', '.join(map(text, part.operands))})"
    if kind is Item:
        return f"{text(part.array)}[{', '.join(map(_place, part.index)) or '...'}]"
    if kind is Shape:
        return f"{text(part.array)}.shape"
    if kind is IsZero:
        return f"{text(part.array)} == 0"
    if isinstance(part, tuple):
        return f"({', '.join(map(text, part))}{',' if len(part) == 1 else ''})"
    return "..." if part is ... else repr(part)


def _keyword(name: str, part: Any) -> str:
    return f"**{text(part)}" if name == "**" else f"{name}={text(part)}"


def _place(part: Any) -> str:
    if not isinstance(part, slice):
        return text(part)
    bounds = ("" if b is None else text(b) for b in (part.start, part.stop))
    return ":".join(bounds) + ("" if part.step is None else f":{text(part.step)}")


def python(line: Line) -> list[str]:
    """Return a line as one of Python, or as two."""
    kind = type(line)
    if kind is Let:
        return [f"{text(line.name)} = {text(line.part)}"]  # type: ignore[union-attr]
    if isinstance(line, Put):
        return [f"{text(line.item)} = {text(line.part)}"]
    if isinstance(line, UnlessFinite):
        value = text(line.value)
        return [f"if not vdot({value}, {value}) < 1e999:", f"    {text(line.line)}"]
    if isinstance(line, Refuse):
        check = line.check
        return [check.text(text(check.lowest), text(check.highest), line.message.label)]
    return [text(line)]


def names(lines: Iterable[Line]) -> set[str]:
    """Return what the lines call by a name: values, functions, constants."""
    found: set[str] = set()
    for line in lines:
        _collect(line, found)
    return found


def _collect(part: Any, found: set[str]) -> None:
    kind = type(part)
    if kind is Value:
        found.add(f"v{part.number}")
    elif kind is Name:
        found.add(part.label)
    elif kind is Call:
        found.add(part.function.partition(".")[0])
        for each in part.operands:
            _collect(each, found)
        for _, each in part.keywords:
            _collect(each, found)
    elif kind is tuple:
        for each in part:
            _collect(each, found)
    elif kind is Method:
        _collect(part.array, found)
        _collect(part.operands, found)
    elif kind is Item:
        _collect(part.array, found)
        _collect(tuple(part.index), found)
    elif kind is slice:
        _collect((part.start, part.stop), found)
    elif kind is Shape or kind is IsZero:
        _collect(part.array, found)
    elif kind is Let:
        _collect(part.name, found)
        _collect(part.part, found)
    elif kind is Put:
        _collect(part.item, found)
        _collect(part.part, found)
    elif kind is UnlessFinite:
        found.add("vdot")
        _collect(part.value, found)
        _collect(part.line, found)
    elif kind is Refuse:
        _collect((part.check.lowest, part.check.highest, part.message), found)
