"""Output that nothing depends on: whatever becomes of it, the program goes on."""

import sys
from contextlib import suppress
from typing import Any

__all__ = ["stderr", "stdout"]


class Console:
    """`sys.stdout` or `sys.stderr`, whichever object that is when something is written.

    A stream that is closed, full or not there takes nothing, and letters that it cannot show are
    written as their numbers. All else is as with the stream itself.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return Console, (self._name,)

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(sys, self._name), name)

    # tqdm clears its bar before a line is written beside it only if it finds both streams, by `==`,
    # to be those of the process.
    def __eq__(self, other: object) -> bool:
        return other is self or (other is not None and other is getattr(sys, self._name))

    __hash__ = object.__hash__

    @property
    def is_there(self) -> bool:
        """Whether there is a stream that can still be written to."""
        stream = getattr(sys, self._name)
        return stream is not None and not getattr(stream, "closed", False)

    def write(self, text: str) -> int:
        """Write as much as the stream takes."""
        stream = getattr(sys, self._name)
        if stream is not None:
            with suppress(OSError, ValueError):
                try:
                    stream.write(text)
                except UnicodeEncodeError:
                    encoding = stream.encoding or "ascii"
                    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Bring what was written to its reader, if there is one."""
        stream = getattr(sys, self._name)
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()


stdout, stderr = Console("stdout"), Console("stderr")
