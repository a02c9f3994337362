"""Writing files whole or not at all, and over nothing that somebody else made."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

Write = Callable[[IO[bytes]], object]


def write_whole(files: dict[Path, Write]) -> None:
    """Write files that belong together.

    Each is written under another name in its folder, which a link never leads out of, and is put in
    its place once all of them are complete.  What stops this on the way leaves the places as they
    were; what ends the process between two of them leaves the first one new.
    """
    made: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for path, write in files.items():
            made[path] = aside = path.parent / f".{secrets.token_hex(8)}.part"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(aside, flags, 0o666), "wb") as file:
                write(file)
        for path, aside in made.items():
            new = not os.path.lexists(path)
            aside.replace(path)
            if new:
                placed.append(path)
    except BaseException:
        for path in (*made.values(), *placed):
            with suppress(OSError):
                path.unlink()
        raise
