"""What a device was asked for, in the words of all three devices under test."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

# launch: a kernel, fill or copy on the device; alloc: from the pool; sync: the host waits
KINDS = ("launch", "alloc", "h2d", "d2h", "sync", "gemm", "graph")


class Forbidden(RuntimeError):
    """A test forbids what was asked for."""


class Log:
    def __init__(self) -> None:
        self.entries: list[tuple[str, Any]] = []
        self._forbidden: frozenset[str] = frozenset()

    def note(self, kind: str, detail: Any = "") -> None:
        """Log that something was asked for; raise if that is forbidden."""
        if kind in self._forbidden:
            raise Forbidden(f"{kind} is forbidden here: {detail}")
        self.entries.append((kind, detail))

    def reset(self) -> None:
        self.entries.clear()

    def counts(self) -> Counter[str]:
        return Counter(kind for kind, _ in self.entries)

    def details(self, kind: str) -> list[Any]:
        return [detail for logged, detail in self.entries if logged == kind]

    @contextlib.contextmanager
    def forbid(self, *kinds: str) -> Iterator[None]:
        """Let whatever would be logged as one of these kinds raise."""
        before = self._forbidden
        self._forbidden = before | set(kinds)
        try:
            yield
        finally:
            self._forbidden = before
