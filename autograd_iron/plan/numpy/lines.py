"""The lines of a stage as data: calls of NumPy's functions on values, constants and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autograd_iron.plan.program import Check, Value


@dataclass(eq=False, slots=True)
class Name:
    """A variable that stands for no value of the program: a constant, a total, a setting."""

    label: str


@dataclass(eq=False, slots=True)
class Call:
    """A call of a function, `add` or `add.reduce`; the keyword `**` spreads settings."""

    function: str
    operands: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...] = ()


@dataclass(eq=False, slots=True)
class Method:
    """A call of a method of an array."""

    array: Any
    name: str
    operands: tuple[Any, ...] = ()


@dataclass(eq=False, slots=True)
class Shape:
    """The shape of an array."""

    array: Any


@dataclass(eq=False, slots=True)
class Item:
    """An array at an index."""

    array: Any
    index: tuple[Any, ...]


@dataclass(eq=False, slots=True)
class IsZero:
    """Where an array is zero."""

    array: Any


@dataclass(eq=False, slots=True)
class Let:
    """A line that gives a part a name: `v3 = v1.reshape((2, 3))`."""

    name: Value | Name
    part: Any


@dataclass(eq=False, slots=True)
class Put:
    """A line that writes into an array at an index."""

    item: Item
    part: Any


@dataclass(eq=False, slots=True)
class UnlessFinite:
    """A line that runs where some element of a value is infinite or NaN, or its square is."""

    value: Value
    line: Call


@dataclass(eq=False, slots=True)
class Refuse:
    """A line that raises where a check fails, with a message of this name."""

    check: Check
    message: Name


# A part of a line is a Value, one of the classes above that is no line, or a literal of Python:
# a number, a text, None, `...`, a slice, or a tuple of parts.
Line = Call | Let | Put | UnlessFinite | Refuse


def variable(name: Value | Name) -> str:
    """Return the variable that stands for a value, or that a name is."""
    return name.label if isinstance(name, Name) else f"v{name.number}"


def python(line: Line, met: set[str]) -> list[str]:
    """Return a line as one of Python, or as two; add the names that it calls things by."""
    if isinstance(line, Call):
        return [text(line, met)]
    if isinstance(line, Let):
        return [f"{text(line.name, met)} = {text(line.part, met)}"]
    if isinstance(line, Put):
        return [f"{text(line.item, met)} = {text(line.part, met)}"]
    if isinstance(line, UnlessFinite):
        met.add("vdot")
        value = text(line.value, met)
        real = ".real" if line.value.dtype.kind == "c" else ""
        return [f"if not vdot({value}, {value}){real} < 1e999:", f"    {text(line.line, met)}"]
    check = line.check
    lowest, highest, message = (
        text(part, met) for part in (check.lowest, check.highest, line.message)
    )
    return [check.text(lowest, highest, message)]


def text(part: Any, met: set[str]) -> str:
    """Return a part of a line as Python; add the names in it."""
    kind = type(part)
    if kind is Value or kind is Name:
        label: str = f"v{part.number}" if kind is Value else part.label
        met.add(label)
        return label
    if kind is Call:
        met.add(part.function.partition(".")[0])
        operands = [text(operand, met) for operand in part.operands]
        for name, setting in part.keywords:
            operands.append(f"{'**' if name == '**' else f'{name}='}{text(setting, met)}")
        return f"{part.function}({', '.join(operands)})"
    if kind is Method:
        operands = [text(operand, met) for operand in part.operands]
        return f"{text(part.array, met)}.{part.name}({', '.join(operands)})"
    if kind is Item:
        places = [_place(place, met) for place in part.index]
        return f"{text(part.array, met)}[{', '.join(places) or '...'}]"
    if kind is Shape:
        return f"{text(part.array, met)}.shape"
    if kind is IsZero:
        return f"{text(part.array, met)} == 0"
    if isinstance(part, tuple):
        inner = ", ".join([text(each, met) for each in part])
        return f"({inner}{',' if len(part) == 1 else ''})"
    return "..." if part is ... else repr(part)


def _place(part: Any, met: set[str]) -> str:
    if not isinstance(part, slice):
        return text(part, met)
    bounds = ("" if b is None else text(b, met) for b in (part.start, part.stop))
    return ":".join(bounds) + ("" if part.step is None else f":{text(part.step, met)}")
