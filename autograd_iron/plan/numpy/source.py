"""The source of a stage: the text of its lines, and what Python compiles of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from autograd_iron.plan.numpy.lines import Let, Line, names, python, variable

# Lines that are compiled together: Python takes longer for each name the more there are.
LONGEST = 1000

Run = Callable[..., None]
_L = TypeVar("_L", Let, Line)


def bound(setup: list[Let], body: list[Line], things: dict[str, Any], parameters: list[str]) -> Run:
    """Return what runs the lines on things that are bound to their names, given the parameters."""
    if len(setup) + len(body) <= LONGEST:
        source = write(list(things), setup, body, parameters)
        run: Run = _compiled(source)(*things.values())
        return run
    return _in_pieces(setup, body, things, parameters)


def write(
    given: list[str],
    setup: Sequence[Let],
    body: Sequence[Line],
    parameters: list[str],
    title: str = "make",
) -> str:
    """Return a function of these names that returns `run`, of these parameters."""
    indent = "    "
    inner = [text for line in body for text in python(line)] or ["pass"]
    return "\n".join(
        [
            f"def {title}({', '.join(given)}):",
            *(indent + text for line in setup for text in python(line)),
            f"{indent}def run({', '.join(parameters)}):",
            *(2 * indent + text for text in inner),
            f"{indent}return run",
        ]
    )


def _in_pieces(
    setup: list[Let], body: list[Line], things: dict[str, Any], parameters: list[str]
) -> Run:
    """Return what runs lines that are too many for one function of Python's."""
    things = dict(things)
    for piece in _pieces(setup):
        made = [variable(line.name) for line in piece]
        given = _used(piece, things)
        texts = [text for line in piece for text in python(line)]
        texts = [f"def make({', '.join(given)}):", *texts, f"return ({', '.join(made)},)"]
        things.update(zip(made, _make("\n    ".join(texts))(*given.values()), strict=True))
    runs = []
    shown: list[Let] = []  # views that each piece makes anew which needs them
    for part in _pieces(body):
        lines: list[Line] = [*_needed(part, shown), *part]
        shown += [line for line in part if isinstance(line, Let)]
        given = _used(lines, things)
        runs.append(_make(write(list(given), [], lines, parameters))(*given.values()))

    def run(*given: Any) -> None:
        for each in runs:
            each(*given)

    return run


def _pieces(lines: list[_L]) -> Iterator[list[_L]]:
    for start in range(0, len(lines), LONGEST):
        yield lines[start : start + LONGEST]


def _used(lines: list[Any], things: dict[str, Any]) -> dict[str, Any]:
    return {name: things[name] for name in sorted(names(lines)) if name in things}


def _needed(lines: Sequence[Line], shown: Sequence[Let]) -> list[Let]:
    """Return, of views that were made before, those that these lines look at."""
    wanted = names(lines)
    found: list[Let] = []
    for line in reversed(shown):
        if variable(line.name) in wanted:
            wanted |= names([line])
            found.append(line)
    return found[::-1]


def _make(source: str) -> Callable[..., Any]:
    space: dict[str, Any] = {}
    exec(compile(source, "<plan>", "exec"), space)
    make: Callable[..., Any] = space["make"]
    return make


# Equal sources, those of the tiles of several threads, are compiled once.
_compiled = lru_cache(maxsize=64)(_make)
