"""The source of a stage: written from its lines, and compiled."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from autograd_iron.plan.numpy import emit
from autograd_iron.plan.program import Value


@lru_cache(maxsize=64)
def compiled(source: str) -> Callable[..., Callable[..., None]]:
    """Return the `make` of a stage's source; equal sources are compiled once."""
    space: dict[str, Any] = {}
    exec(compile(source, "<plan>", "exec"), space)
    make: Callable[..., Callable[..., None]] = space["make"]
    return make


def mentions(text: emit.Text, value: Value) -> bool:
    """Return whether the lines name a value."""
    return has_word(emit.name(value), "\n".join((*text.setup, *text.body)))


def has_word(word: str, text: str) -> bool:
    """Return whether a name stands in a text, and not as a part of another one."""
    return word in _words(text)


@lru_cache(maxsize=64)
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


def write(names: list[str], text: emit.Text, parameters: list[str]) -> str:
    """Return a function `make` of these names that returns `run`, of these parameters."""
    indent = "    "
    body = text.body or ["pass"]
    return "\n".join(
        [
            f"def make({', '.join(names)}):",
            *(indent + line for line in text.setup),
            f"{indent}def run({', '.join(parameters)}):",
            *(2 * indent + line for line in body),
            f"{indent}return run",
        ]
    )
