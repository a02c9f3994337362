"""What a forked process has to make anew: locks that its parent's threads held, for one.

Of the threads of a process `os.fork` copies only the one that calls it.  What another one was in
the middle of stays as it was, and nobody goes on with it.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What has something to make anew."""

    def after_fork(self) -> None:
        """Make it anew, in the child."""


_all: weakref.WeakSet[Forked] = weakref.WeakSet()


def renew(owner: Forked) -> None:
    """Have `owner.after_fork` called in each child that this process forks."""
    _all.add(owner)


def _in_child() -> None:
    for owner in list(_all):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
