"""Ctrl-C while a run trains."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Self

from nn.training.console import stderr


class CtrlC:
    """Within it, Ctrl-C asks for an end at the next step boundary; a second one does not wait.

    Raising in the middle of a step would leave weights and optimizer state of two different steps.
    """

    pressed = False
    at_once = False
    _held = False
    _previous: Any = None

    def __enter__(self) -> Self:
        # Only the main thread may set handlers, and a process started to ignore Ctrl-C goes on so.
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if previous not in (signal.SIG_IGN, None):
                self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it not even a second Ctrl-C interrupts."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.pressed and not self._held:
            self.at_once = True
            raise KeyboardInterrupt
        self.pressed = True
        # Not print: the signal may come in the middle of a write to the same stream.
        # With no stderr, the descriptor 2 may be that of any file.
        with suppress(OSError, ValueError, AttributeError):
            os.write(
                stderr.fileno(),
                b"\nStopping after this step; Ctrl-C again to leave without saving.\n",
            )
