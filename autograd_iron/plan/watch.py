"""What of Python's state a capture has read, so that a plan is not replayed when it changed.

The plan's function leads to all of it: to the cells and globals that its code names, to the
functions that those are, to the modules, lists and dicts among them.  Numbers and strings are
compared by value, everything else by identity.  What a step changed itself while it was captured is
remembered as the step left it: Python's own effects happen once.
"""

from __future__ import annotations

import dis
import sysconfig
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain, repeat
from operator import attrgetter, is_
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from autograd_iron.arrays import device
from autograd_iron.core.plain import PLAIN
from autograd_iron.core.primitive import Primitive
from autograd_iron.plan.refusals import is_ours
from autograd_iron.support.closed import Closed
from autograd_iron.support.stand_in import behind
from autograd_iron.support.text import visible
from autograd_iron.support.watched import Watched, changes

_ABSENT: Any = object()
_END = [object()]  # after the parts of one thing, so that another number of them is noticed
# A list or dict with more parts is a table, a vocabulary say, that is no state: to look at each of
# 50,000 words in each call would take a millisecond.
LARGEST = 1000
_HELD = (list, dict, tuple, set, frozenset, deque)


class _Parts:
    """Something whose parts are read in each call, and what each of them is called."""

    __slots__ = ("labels", "parts", "saved", "whole")

    def __init__(self, whole: str, labels: list[str], parts: Iterable[Any]) -> None:
        self.whole = whole
        self.labels = labels
        self.parts = parts
        self.saved = list(parts)

    def change(self) -> str | None:
        """Return what became different, if anything did."""
        now = list(self.parts)
        if len(now) != len(self.saved):
            return f"{visible(self.whole)} has more or fewer parts than before"
        for label, was, found in zip(self.labels, self.saved, now, strict=True):
            if not _same(was, found):
                return _told(label, was, found)
        self.saved = now
        return None


class _Read:
    """What a function gives for each of several things, asked anew by each loop over it."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Callable[..., Any], *arguments: Iterable[Any]) -> None:
        self.function = function
        self.arguments = arguments

    def __iter__(self) -> Iterator[Any]:
        return map(self.function, *self.arguments)


class _Attributes:
    """All attributes of an object that says when one was assigned."""

    __slots__ = ("owner", "saved")

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.saved = dict(vars(owner))

    def change(self) -> str | None:
        """Return what became different, if anything did."""
        kind, own = type(self.owner), dict(vars(self.owner))
        for name in {**self.saved, **own}:
            was, found = (
                part[name] if name in part else getattr(kind, name, _ABSENT)
                for part in (self.saved, own)
            )
            if not _same(was, found):
                return _told(f"{kind.__name__}.{name}", was, found)
        self.saved = own
        return None


class Watch:
    """What must still be as it was for a plan to be replayed.

    Parameters
    ----------
    roots : iterable
        What was called, and what it was called with besides tensors.
    guards : iterable of (object, str or None)
        Attributes that the step said it depends on; None stands for all of them.
    """

    def __init__(self, roots: Iterable[Any], guards: Iterable[tuple[Any, str | None]]) -> None:
        self._noted = changes.last
        self._always: list[_Parts] = []
        self._on_change: list[_Parts | _Attributes] = []  # of objects that are `Watched`
        self._seen: dict[Any, Any] = {}  # the object too, lest its id is given to another one
        self._cells: dict[int, tuple[Any, str]] = {}
        self._names: dict[int, tuple[Any, Mapping[str, Any], dict[str, str]]] = {}
        for owner, attribute in guards:
            if attribute is None:
                self._look_at(owner, type(owner).__name__)
                continue
            label = f"{type(owner).__name__}.{attribute}"
            parts = _Parts(label, [label], _Read(getattr, [owner], [attribute], [_ABSENT]))
            (self._on_change if isinstance(owner, Watched) else self._always).append(parts)
            self._look_at(parts.saved[0], label)
        for root in roots:
            self._look_at(root, getattr(root, "__name__", type(root).__name__))
        if self._cells:
            cells, labels = zip(*self._cells.values(), strict=True)
            read = _Read(attrgetter("cell_contents"), cells)
            self._always.append(_Parts("", list(labels), read))
        for _, names, called in self._names.values():
            read = _Read(names.get, list(called), repeat(_ABSENT))
            self._always.append(_Parts("", list(called.values()), read))
        self._seen.clear()
        self._everything = [part for one in self._always for part in (one.parts, _END)]
        self._saved = self._all_saved()

    def change(self) -> str | None:
        """Return what became different since the capture, or None."""
        try:
            if not all(map(is_, chain.from_iterable(self._everything), self._saved)):
                for parts in self._always:
                    told = parts.change()
                    if told is not None:
                        return told
                self._saved = self._all_saved()
        except ValueError:
            return "a variable that the function uses has no value any more"
        if changes.last != self._noted:
            noted = changes.last
            for one in self._on_change:
                told = one.change()
                if told is not None:
                    return told
            self._noted = noted
        return None

    def _all_saved(self) -> list[Any]:
        return [part for one in self._always for part in (*one.saved, *_END)]

    # --- finding what to watch

    def _look_at(self, value: Any, label: str) -> None:
        """Watch what lies behind a value that the step reads."""
        value = behind(value)
        # What runs in each call, as the kernel of a primitive does, is not frozen.
        if type(value) in PLAIN or isinstance(value, Primitive) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, _HELD):
            self._look_into(value, label)
        elif isinstance(value, FunctionType):
            self._read(value, value.__code__, _ABSENT)
        elif isinstance(value, MethodType):
            self._look_at(value.__self__, label)
            if isinstance(value.__func__, FunctionType):
                self._read(value.__func__, value.__func__.__code__, value.__self__)
        elif isinstance(value, partial):
            for part in (value.func, *value.args, *value.keywords.values()):
                self._look_at(part, getattr(part, "__name__", type(part).__name__))
        elif "__wrapped__" in getattr(value, "__dict__", ()):  # a compiled function, for example
            self._look_at(value.__wrapped__, label)
        elif callable(value) and not isinstance(value, type):
            if _is_whole(value):
                self._on_change.append(_Attributes(value))
                for name, part in list(vars(value).items()):
                    self._look_at(part, f"{type(value).__name__}.{name}")
            self._look_at_method(value, "__call__")
            self._look_at_method(value, "forward")

    def _look_into(self, value: Any, label: str) -> None:
        if len(value) > LARGEST:
            size = f"the length of {label}"
            self._always.append(_Parts(size, [size], _Read(len, [value])))
            return
        if isinstance(value, dict):
            labels = [f"{label}[{key!r}]" for key in value]
            keys = [f"a key of {label}" for _ in value]
            parts = list(value.values())
            self._always.append(_Parts(label, keys, value))
            self._always.append(_Parts(label, labels, value.values()))
        else:
            labels = [f"{label}[{i}]" for i in range(len(value))]
            parts = list(value)
            if not isinstance(value, tuple | frozenset):
                self._always.append(_Parts(label, labels, value))
        for name, part in zip(labels, parts, strict=True):
            self._look_at(part, name)

    def _look_at_method(self, owner: Any, name: str) -> None:
        function = getattr(type(owner), name, None)
        if isinstance(function, FunctionType):
            self._read(function, function.__code__, owner)

    def _read(self, function: FunctionType, code: CodeType, owner: Any) -> None:
        """Watch what code names; `owner` is its first argument, where that is known."""
        installed = _is_installed(code.co_filename)
        key = code, id(function.__globals__), id(owner), *map(id, function.__closure__ or ())
        if key in self._seen or (installed and isinstance(owner, Watched)):
            return
        self._seen[key] = function, owner
        if not installed:
            self._read_defaults(function)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for name, cell in cells.items():
            value = _contents(cell)
            if value is not _ABSENT:
                self._cells[id(cell)] = cell, name
                self._look_at(value, name)
        for kind, (first, *rest) in _chains(code):
            if kind == "global" and not installed:
                self._read_name(function.__globals__, first, first)
                self._follow(function.__globals__.get(first), rest, first)
            elif kind == "cell" and first in cells:
                self._follow(_contents(cells[first]), rest, first)
            elif kind == "argument" and owner is not _ABSENT:
                self._follow(owner, rest, type(owner).__name__)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._read(function, constant, _ABSENT)

    def _read_defaults(self, function: FunctionType) -> None:
        """Watch the default values of parameters, and the lists and dicts among these."""
        for name in ("__defaults__", "__kwdefaults__"):
            values = getattr(function, name)
            if values:
                label = f"{function.__name__}.{name}"
                read = _Read(getattr, [function], [name])
                self._always.append(_Parts(label, [label], read))
                self._look_at(values, label)

    def _read_name(self, owner: Any, name: str, label: str) -> None:
        """Watch what a name stands for in the namespace of an object, or in one of globals."""
        names = owner if isinstance(owner, dict) else vars(owner)
        value = names.get(name, _ABSENT)
        if not (isinstance(value, ModuleType) and _is_library(value)):
            self._names.setdefault(id(owner), (owner, names, {}))[2].setdefault(name, label)
            self._look_at(value, label)

    def _follow(self, value: Any, path: Sequence[str], label: str) -> None:
        """Watch what is read of a value through attributes that code names one after the other."""
        value = behind(value)
        if not path or _is_library(value):
            return
        (name, *rest), label = path, f"{label}.{path[0]}"
        kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
        own = {} if isinstance(value, type) else getattr(value, "__dict__", {})
        kind = next((kind for kind in kinds if name in vars(kind)), None)
        found = own[name] if name in own else None if kind is None else vars(kind)[name]
        getter = found.fget if isinstance(found, property) else found
        if name not in own and isinstance(getter, FunctionType):
            self._read(getter, getter.__code__, value)
            return
        if own and not _is_whole(value):
            self._read_name(value, name, label)
        if name not in own and kind is not None:
            self._read_name(kind, name, label)
        self._follow(found, rest, label)


def _same(was: Any, now: Any) -> bool:
    """Return whether two values are one, or plain and equal."""
    if was is now:
        return True
    kind = type(was)
    if kind is not type(now):
        return False
    if kind in PLAIN or kind in (complex, bytes) or isinstance(was, device.Scalar):
        return repr(was) == repr(now)  # which tells -0.0 from 0.0, and NaN from nothing but itself
    if kind is tuple:
        return len(was) == len(now) and all(map(_same, was, now))
    return False


def _told(label: str, was: Any, now: Any) -> str:
    before, after = _shown(was), _shown(now)
    if before == after:
        return f"{visible(label)} is another {before.partition(' ')[2]}"
    return f"{visible(label)} was {before} and is {after}"


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "not there"
    if type(value) in PLAIN or type(value) is tuple or isinstance(value, device.Scalar):
        return visible(repr(value))
    return f"a {type(value).__name__}"


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing is in it yet
        return _ABSENT


@lru_cache(maxsize=1024)
def _chains(code: CodeType) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the names that code reads, each with the attributes that are read of it at once.

    They are ("global" or "cell", names), and ("argument", names) for the first argument.
    """
    first = code.co_varnames[0] if code.co_argcount else None
    found: dict[tuple[str, tuple[str, ...]], None] = {}
    kind, path = "", tuple[str, ...]()
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name in ("LOAD_ATTR", "LOAD_METHOD"):
            path = (*path, instruction.argval) if path else ()
            continue
        if path:
            found[kind, path] = None
            path = ()
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            kind, path = "global", (instruction.argval,)
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF"):
            kind, path = "cell", (instruction.argval,)
        elif name.startswith("LOAD_FAST") and first is not None:
            last = instruction.argval
            last = last[-1] if isinstance(last, tuple) else last
            kind, path = "argument", (first,) if last == first else ()
    return tuple(found)


_INSTALLED = tuple(
    {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


@lru_cache(maxsize=1024)
def _is_installed(filename: str) -> bool:
    """Return whether a file is part of Python, of an installed package, or of the engine."""
    return filename.startswith((*_INSTALLED, "<frozen")) or is_ours(filename)


def is_told_of(value: Any) -> bool:
    """Return whether an object that equals itself alone has nothing that changes unnoticed."""
    fixed = isinstance(value, Watched | Closed | type | ModuleType | FunctionType | partial)
    return fixed or type(value) is object or _is_library(value) or _is_bare_function(value)


def _is_bare_function(value: Any) -> bool:
    return callable(value) and not hasattr(value, "__dict__")


def _is_library(value: Any) -> bool:
    """Return whether nobody assigns to the attributes of a value, or a plan reads them anew."""
    if isinstance(value, ModuleType):
        file = getattr(value, "__file__", None)
        return file is None or _is_installed(file)
    kind = value if isinstance(value, type) else type(value)
    return kind.__module__ == "builtins" or kind.__module__.startswith("autograd_iron.")


def _is_whole(value: Any) -> bool:
    """Return whether all attributes of an object are watched: a module's, not an optimizer's."""
    return isinstance(value, Watched) and callable(value)
