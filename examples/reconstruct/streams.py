"""Streams that may be missing, full or closed: stdin, stdout and stderr of the process."""

import contextlib
import os
import sys


def open_missing() -> None:
    """Open what is not there of stdin, stdout and stderr, so that no file gets their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def flush() -> None:
    """Say the rest, or let it go where nobody takes it: the run has its own exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
