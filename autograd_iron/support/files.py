"""Files that are whole or not there at all, made and read so that nothing planted can do harm."""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.tmp")
# How a file system says that it cannot sync a folder.
_NO_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}


def write_whole(path: Path, content: bytes | bytearray, *, replace: bool = True) -> None:
    """Give a file its content in one step: a crash leaves the old file or the new one.

    The bytes go to a new file beside it, which then takes its name. So a link that stands at `path`
    is replaced, and what it points to is untouched; the same holds for other hard links.

    Parameters
    ----------
    path : Path
    content : bytes
        On the disk when this returns.
    replace : bool
        Whether a file of that name may be there.

    Raises
    ------
    FileExistsError
        `replace` is False and there is something of that name, be it a link to nowhere.
    OSError
        The system refused; the old file is as it was.
    """
    if replace:
        write_together({path: lambda file: file.write(content)})
        return
    path.open("xb").close()
    try:
        write_together({path: lambda file: file.write(content)})
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def write_together(files: Mapping[Path, Callable[[IO[bytes]], object]]) -> None:
    """Write files that belong together, each as `write_whole` does, once all are complete.

    What stops this while they are written leaves all as it was; what ends the process between two
    renames leaves the first one new.

    Parameters
    ----------
    files : mapping of Path to callable
        Each is given the open file, and writes into it.

    Raises
    ------
    OSError
        The system refused.
    """
    made: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for path, write in files.items():
            # A name that nobody can know before. It has no part of `path`, whose name may be the
            # longest that the file system takes.
            made[path] = temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
            with temporary.open("xb") as file:  # "x" is O_EXCL: never through a link
                write(file)
                file.flush()
                os.fsync(file.fileno())
        for path, temporary in made.items():
            is_new = not os.path.lexists(path)
            os.replace(temporary, path)
            if is_new:
                placed.append(path)
    except BaseException:
        for path in (*made.values(), *placed):
            with suppress(OSError):
                path.unlink()
        raise
    # The renames themselves are on the disk only once the folder is.
    for folder in {path.parent for path in made}:
        _sync_folder(folder)


def is_unfinished(path: Path) -> bool:
    """Whether this is what a process that died within a write left."""
    return _UNFINISHED.fullmatch(path.name) is not None


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that died within a write left; only the folder's writer may."""
    with suppress(OSError):  # no folder yet, or one that the writer is told of when it writes
        for path in folder.iterdir():
            if is_unfinished(path):
                path.unlink(missing_ok=True)


def read_regular(path: Path, limit: int | None = None) -> bytes:
    """Read a file, and nothing that never ends or never answers: a pipe, a device.

    Parameters
    ----------
    path : Path
    limit : int, optional
        The most bytes that are read.

    Raises
    ------
    OSError
        The system refused, there is no ordinary file, or it is larger than `limit`.
    """
    # Opening a pipe waits for its other end unless told not to.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    with open(path, "rb", opener=lambda name, mode: os.open(name, flags | mode)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not an ordinary file", str(path))
        content = file.read(-1 if limit is None else limit + 1)
    if limit is not None and len(content) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit:,} bytes", str(path))
    return content


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; return those that were not there, from the top down."""
    if folder.is_dir():
        return []
    made = make_folder(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():  # a file, or a link to nowhere
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder) from None
        return made  # somebody else made it just now
    _sync_folder(folder.parent)
    return [*made, folder]


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder, and keeps its own order of renames.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)
