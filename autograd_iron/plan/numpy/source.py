"""The source of a stage: the text of its lines, and what Python compiles of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from autograd_iron.plan.numpy.lines import Let, Line, python, variable

# Lines that are compiled together: Python takes longer for each name the more there are.
LONGEST = 1000

Run = Callable[..., None]


@dataclass
class Piece:
    """Neighbouring lines, few enough for one function of Python's.

    Attributes
    ----------
    lines : list of Line
    texts : list of str
        The same as Python.
    names : set of str
        What the lines call things by.
    """

    lines: Sequence[Line]
    texts: list[str]
    names: set[str]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Piece:
        """Return lines with their text and their names."""
        met: set[str] = set()
        return cls(lines, [text for line in lines for text in python(line, met)], met)


@dataclass
class Source:
    """Lines as text, in pieces: of those that run once, and of those that run every time."""

    setup: list[Piece]
    body: list[Piece]

    @classmethod
    def of(cls, setup: Sequence[Let], body: Sequence[Line]) -> Source:
        """Return the source of lines."""
        return cls(*([Piece.of(part) for part in _cut(lines)] for lines in (setup, body)))

    @property
    def names(self) -> set[str]:
        """What the lines call things by."""
        return set().union(*(piece.names for piece in (*self.setup, *self.body)))

    def text(self, given: Iterable[str], parameters: list[str], title: str = "make") -> str:
        """Return a function of names that returns `run`, of parameters."""
        setup, body = ([t for p in pieces for t in p.texts] for pieces in (self.setup, self.body))
        indent = "\n    "
        return (
            f"def {title}({', '.join(given)}):{indent}"
            f"{''.join(f'{text}{indent}' for text in setup)}"
            f"def run({', '.join(parameters)}):{indent}    "
            f"{f'{indent}    '.join(body or ['pass'])}{indent}"
            "return run"
        )

    def bound(self, things: dict[str, Any], parameters: list[str]) -> Run:
        """Return what runs on things that are bound to their names, given the parameters."""
        if max(len(self.setup), len(self.body)) > 1:
            return self._in_pieces(things, parameters)
        run: Run = compiled(self.text(things, parameters))(*things.values())
        return run

    def _in_pieces(self, things: dict[str, Any], parameters: list[str]) -> Run:
        things = dict(things)
        for piece in self.setup:
            made = [variable(line.name) for line in piece.lines if isinstance(line, Let)]
            given = _used(piece.names, things)
            texts = [f"def make({', '.join(given)}):", *piece.texts, f"return ({', '.join(made)},)"]
            things.update(zip(made, _make("\n    ".join(texts))(*given.values()), strict=True))
        runs = []
        shown: list[Let] = []  # views, which are made anew in each piece that looks at them
        for piece in self.body:
            views = Piece.of(_looked_at(piece.names, shown))
            shown += [line for line in piece.lines if isinstance(line, Let)]
            part = Source([], [views, piece])
            given = _used(part.names, things)
            runs.append(_make(part.text(given, parameters))(*given.values()))

        def run(*given: Any) -> None:
            for each in runs:
                each(*given)

        return run


def _cut(lines: Sequence[Line]) -> list[Sequence[Line]]:
    return [lines[start : start + LONGEST] for start in range(0, len(lines), LONGEST)]


def _used(names: set[str], things: dict[str, Any]) -> dict[str, Any]:
    return {name: things[name] for name in sorted(names) if name in things}


def _looked_at(names: set[str], shown: Sequence[Let]) -> list[Let]:
    """Return the views among these that lines with such names need."""
    wanted = set(names)
    found = []
    for line in reversed(shown):
        if variable(line.name) in wanted:
            wanted |= Piece.of([line]).names
            found.append(line)
    return found[::-1]


def _make(source: str) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(compile(source, "<plan>", "exec"), space)
    make: Callable[..., Any] = space["make"]
    return make


# Equal sources, those of the tiles of several threads, are compiled once.
compiled = lru_cache(maxsize=64)(_make)
