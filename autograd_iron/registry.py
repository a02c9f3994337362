"""The vocabulary: every operation by name, bound to raw arrays or to recording Tensors.

Gradient rules, composite functions and operators are written in its words, so that each is written
once and read in every way.  `F.exp` is numpy's `exp` in `raw(numpy)`, and in `recorded` it is the
public function that takes Tensors and adds to the graph.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol


class Word(Protocol):
    """What the registry holds: something with a name that can be bound to a vocabulary."""

    name: str

    def bind(self, F: Vocabulary) -> Any:
        """Return the operation on what `F` works on."""


registry: dict[str, Word] = {}


def register(word: Word) -> None:
    """Add a word to the vocabulary.

    Raises
    ------
    ValueError
        The name is taken.
    """
    if word.name in registry:
        raise ValueError(f"an operation called {word.name!r} exists already; choose another name")
    registry[word.name] = word


class Vocabulary:
    """The registered operations as attributes.

    Parameters
    ----------
    xp : module or None
        The array module whose raw arrays the operations take, or None: Tensors, recorded.
    """

    def __init__(self, xp: Any = None) -> None:
        self.xp = xp

    def __getattr__(self, name: str) -> Any:
        try:
            word = registry[name]
        except KeyError:
            raise AttributeError(f"no operation is called {name!r}") from None
        bound = word.bind(self)
        setattr(self, name, bound)
        return bound


recorded = Vocabulary()


@cache
def raw(xp: Any) -> Vocabulary:
    """Return the vocabulary on the raw arrays of the module `xp`."""
    return Vocabulary(xp)
