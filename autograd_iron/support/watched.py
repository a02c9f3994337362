"""Objects that say when they are assigned to, so that a plan need not look at them in each call."""

from __future__ import annotations

import itertools

_clock = itertools.count(1)


class _Changes:
    """When an attribute of any watched object was last assigned or deleted."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0


changes = _Changes()


class Watched:
    """Assigning or deleting an attribute of it moves `changes.last`, whatever the attribute."""

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        changes.last = next(_clock)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        changes.last = next(_clock)
