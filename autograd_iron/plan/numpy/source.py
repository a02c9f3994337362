"""The source of a stage: the text of its lines, and what Python compiles of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from autograd_iron.plan.numpy.lines import Line, python


@lru_cache(maxsize=64)
def compiled(source: str) -> Callable[..., Callable[..., None]]:
    """Return the `make` of a stage's source; equal sources are compiled once."""
    space: dict[str, Any] = {}
    exec(compile(source, "<plan>", "exec"), space)
    make: Callable[..., Callable[..., None]] = space["make"]
    return make


def write(
    names: list[str],
    setup: list[Line],
    body: list[Line],
    parameters: list[str],
    title: str = "make",
) -> str:
    """Return a function of these names that returns `run`, of these parameters."""
    indent = "    "
    inner = [text for line in body for text in python(line)] or ["pass"]
    return "\n".join(
        [
            f"def {title}({', '.join(names)}):",
            *(indent + text for line in setup for text in python(line)),
            f"{indent}def run({', '.join(parameters)}):",
            *(2 * indent + text for text in inner),
            f"{indent}return run",
        ]
    )
