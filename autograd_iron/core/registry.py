"""The vocabulary: every operation by name, bound to raw arrays or to Tensors.

Gradient rules, composite functions and operators are written in its words, so that each is written
once and read in every way.  `F.exp` is numpy's `exp` in `raw(numpy)`, and in `on_tensors` it is the
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

    A word that was defined at the same place before is replaced: the cell of a notebook that
    defines it is run again, or the import of its module, which was interrupted.

    Raises
    ------
    ValueError
        The name is taken by a word of another place.
    """
    known = registry.get(word.name)
    if known is not None and _place(known) != _place(word):
        module, qualname = _place(known)
        raise ValueError(
            f"an operation called {word.name!r} exists already, {qualname} of {module}; choose "
            "another name"
        )
    registry[word.name] = word
    for vocabulary in _vocabularies:
        vars(vocabulary).pop(word.name, None)


def _place(word: Word) -> tuple[str, str]:
    return getattr(word, "__module__", ""), getattr(word, "__qualname__", word.name)


_vocabularies: list[Vocabulary] = []  # all there are; none is ever dropped


class Vocabulary:
    """The registered operations as attributes.

    Parameters
    ----------
    xp : module or None
        The array module whose raw arrays the operations take; None: they take Tensors.
    """

    def __init__(self, xp: Any = None) -> None:
        self.xp = xp
        _vocabularies.append(self)

    def __getattr__(self, name: str) -> Any:
        try:
            word = registry[name]
        except KeyError:
            raise AttributeError(f"no operation is called {name!r}") from None
        bound = word.bind(self)
        setattr(self, name, bound)
        return bound


on_tensors = Vocabulary()


@cache
def raw(xp: Any) -> Vocabulary:
    """Return the vocabulary on the raw arrays of the module `xp`."""
    return Vocabulary(xp)
