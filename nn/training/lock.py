"""One run at a time in a folder: a lock that ends with its process, whatever ends that."""

import errno
import os
import re
import socket
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import NoReturn, Self

from autograd_iron.support.files import make_folder
from nn.training.checkpoint import CheckpointError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

NAME = ".autograd_iron.lock"

_HOLDER = re.compile(r"process (\d+) on (\S+)\n")
_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
)


class FolderLock:
    """Keeps every other run out of a folder, from ``with FolderLock(folder) as lock:`` to its end.

    `nn.fit` takes one for its `run_dir`. Who has to look into the folder before, or to write there
    afterwards, takes it first and gives the lock to `fit` in place of the path.

    Parameters
    ----------
    folder : path
        Made if it is not there, and removed at the end if nothing came into it.

    Raises
    ------
    CheckpointError
        On entering: another run is in the folder, or it cannot be written to.

    Notes
    -----
    The operating system's own lock on the file ``.autograd_iron.lock`` in the folder. It goes when
    the process does, also by ``kill -9``, and along with the folder when that is renamed; a process
    forked or started by this one does not have it. Where the file system has no locks, a warning
    says so.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        # A relative path means what it does now, whatever folder the process goes to.
        self._path = Path(os.path.abspath(self.folder)) / NAME
        self._descriptor: int | None = None
        self._made: list[Path] = []
        self._lent = False

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"the lock on {self.folder} is this process's own and cannot be copied or pickled: "
            f"give the other process the path"
        )

    def __fspath__(self) -> str:
        return os.fspath(self.folder)

    def __enter__(self) -> Self:
        self._take()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._descriptor is not None:
            self._release(self._path)
            self._remove_empty()

    @contextmanager
    def lent(self) -> Iterator[Self]:
        """Within it the lock is held and in use, and nobody else can borrow it."""
        if self._lent:
            raise CheckpointError(_refusal(self.folder, f" (process {os.getpid()})"))
        self._lent = True
        try:
            with nullcontext(self) if self._descriptor is not None else self:
                yield self
        finally:
            self._lent = False

    def renew(self) -> bool:
        """Take the lock again if the folder is not the locked one any more.

        It was moved away or removed by hand, or this is a forked child: what is written from now on
        goes to a folder that this process has not locked.

        Returns
        -------
        bool
            Whether there was need.

        Raises
        ------
        CheckpointError
            Another run is there.
        """
        if self._descriptor is not None and _same(self._descriptor, self._path):
            return False
        self._unlock()
        self._take()
        return True

    def move_folder(self, to: Path) -> None:
        """Rename the folder, and have a new, empty one locked in its place."""
        if os.name == "nt":  # Windows renames no folder that has an open file in it.
            self._release(self._path)
        os.rename(self.folder, to)
        self._release(to / NAME)
        self._take()

    def _take(self) -> None:
        try:
            self._made += make_folder(self._path.parent)
            # Each round but the last met a file that went, or that is none of ours.
            for _ in range(100):
                if self._try():
                    return
            raise OSError(errno.EBUSY, f"its {NAME} cannot be locked")
        except (OSError, ValueError) as error:  # ValueError: no folder can be called that
            self._remove_empty()
            reason = getattr(error, "strerror", None) or error
            raise CheckpointError(
                f"the run directory {self.folder} cannot be written: {reason}. "
                f"Free some space or give another folder."
            ) from error
        except CheckpointError:
            self._remove_empty()
            raise

    def _try(self) -> bool:
        descriptor = self._open()
        if descriptor is None:
            return False
        try:
            _lock(descriptor, self.folder)
            status = os.fstat(descriptor)
            if not _same(descriptor, self._path):
                os.close(descriptor)
                return False
            if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                # Nobody runs by it, and writing to it would be writing to another's file.
                self._path.unlink()
                os.close(descriptor)
                return False
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise CheckpointError(_refusal(self.folder, holder)) from None
        except BaseException:
            os.close(descriptor)
            raise
        with suppress(OSError):  # a full disk: nobody will know whom to ask
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {_host()}\n".encode())
        self._descriptor = descriptor
        _held.add(self)
        return True

    def _open(self) -> int | None:
        try:
            return os.open(self._path, _FLAGS, 0o666)
        except FileNotFoundError:  # removed with its folder by a run that ended just now
            self._made += make_folder(self._path.parent)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EMLINK):
                raise
            self._path.unlink()  # a link
        return None

    def _release(self, path: Path) -> None:
        if self._descriptor is None:
            return
        # While it is locked: a moment later the file may be another run's.
        if os.name != "nt" and _same(self._descriptor, path):
            with suppress(OSError):
                path.unlink()
        self._unlock()
        if os.name == "nt":  # which removes no file that is open, here or in another run
            with suppress(OSError):
                path.unlink()

    def _unlock(self) -> None:
        if self._descriptor is not None:
            # Closing alone does not unlock while a child has a copy.
            if sys.platform != "win32":
                with suppress(OSError):
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self._close()

    def _close(self) -> None:
        _held.discard(self)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _remove_empty(self) -> None:
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()
        self._made = []


# The locks of this process.
_held: set[FolderLock] = set()


def _forget() -> None:
    # The child's copies would keep the folders locked after the parent's death.
    for lock in list(_held):
        lock._close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _lock(descriptor: int, folder: Path) -> None:
    """Lock the open file.

    Raises
    ------
    BlockingIOError
        It is locked.
    """
    try:
        if sys.platform == "win32":
            # A byte far behind the text, since nobody else can read what is locked.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            except PermissionError:
                raise BlockingIOError from None
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            # Not lockf: its lock goes as soon as anybody in the process closes the file.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        held = [lock._descriptor for lock in list(_held) if lock._descriptor is not None]
        if any(os.path.sameopenfile(descriptor, other) for other in held):
            raise BlockingIOError from None
        warnings.warn(
            f"{folder} is on a file system without locks ({error.strerror or error}): see to it "
            f"that no other run uses it.",
            RuntimeWarning,
            stacklevel=2,
        )


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except OSError:
        return False


def _holder(descriptor: int) -> str:
    with suppress(OSError):
        found = _HOLDER.fullmatch(os.read(descriptor, 1000).decode("ascii", "replace"))
        if found:
            return f" (process {found[1]}" + (")" if found[2] == _host() else f" on {found[2]})")
    return ""


def _host() -> str:
    return re.sub(r"[^\w.-]", "?", socket.gethostname(), flags=re.ASCII) or "?"


def _refusal(folder: Path, holder: str) -> str:
    return (
        f"{folder} is in use by another run{holder}: wait until that has ended, or give another "
        f"folder."
    )
