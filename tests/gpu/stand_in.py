"""The stand-in's device, as far as the fake cuBLAS works on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .host_memory import host_view
from .strict_cupy import events, streams


class Device:
    def note(self, kind: str, detail: Any) -> None:
        events.note(kind, detail)

    def enqueue(self, stream: int, work: Callable[[], Any]) -> None:
        self._stream(stream).submit(work, [], [])

    def is_capturing(self, stream: int) -> bool:
        return self._stream(stream).capture is not None

    def view(self, address: int, shape: Any, dtype: Any, strides: Any = None) -> Any:
        return host_view(address, shape, dtype, strides)

    def _stream(self, handle: int) -> Any:
        return next(stream for stream in streams._streams if stream.ptr == handle)
