"""The progress bar, and the lines that are said beside it."""

from threading import RLock
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from autograd_iron.support import forks
from nn.training.console import stderr

if TYPE_CHECKING:
    _Bar = tqdm[Any]
else:
    _Bar = tqdm


class Bar(_Bar):
    """A bar of tqdm's with a lock of this process alone.

    tqdm's own lock is shared with all processes that are forked from this one. It stays locked when
    one of them is killed in the middle of a line, and then every other one waits for ever.
    """


def say(line: str) -> None:
    """Write a line to stderr, above the bar if there is one."""
    Bar.write(line, file=stderr)


class _Lock:
    def __init__(self) -> None:
        self.after_fork()
        forks.renew(self)

    def after_fork(self) -> None:
        # A thread of the parent, which the child lacks, may have the one that was.
        Bar.set_lock(RLock())


_lock = _Lock()
