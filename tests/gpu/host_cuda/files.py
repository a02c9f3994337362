"""Where compiled things are kept: in the environment whose CuPy they were made for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

CACHE = Path(sys.prefix) / "host_cuda"
INCLUDE = Path(__file__).parent / "include"


def write_once(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file unless it is there; workers that share it never see half of it."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    write(unfinished)
    unfinished.replace(path)
