"""The run directory's ``control.toml``: steer a training run by editing a file while it trains."""

import os
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from autograd_iron.support.files import read_regular, write_whole
from nn.training.checkpoint import CheckpointError

TEMPLATE = """\
# Edit and save this file while the training runs: it is read again after each step.
# An edit with a mistake in it is reported and changes nothing.

# lr = 0.01       # The learning rate, from now on; a schedule goes on from there. It is set when
                  # the number here changes, so the schedule moves on while the line stays.
stop = false      # true: save a checkpoint and stop.
preview = false   # true: make a preview now.

# stop and preview are put back to false here once they are done.
"""

# A file written again this soon after a look may keep the same time stamp, which on some file
# systems counts in steps of some milliseconds: until then a look at the stamp alone is no proof.
_SETTLED = 50_000_000

_LONGEST = 5_000  # bytes: what is longer is some other file
_RATES = 1e-30, 1e30  # further out a rate is 0 or infinite to the numbers of a network

# The start of text that Windows saved.
_MARK = b"\xef\xbb\xbf"


class Request(NamedTuple):
    """What an edit asks for.

    Attributes
    ----------
    lr : float or None
        The new learning rate, None when it is to stay.
    stop, preview : bool
        Asked for.
    """

    lr: float | None = None
    stop: bool = False
    preview: bool = False


class Control:
    """Reads ``control.toml`` again whenever it changes.

    Parameters
    ----------
    path : path
        The file.
    report : callable
        Gets one line about an edit that is ignored.

    Attributes
    ----------
    lr : float or None
        The ``lr`` last taken from the file: it is not asked for again until the number changes.
        A checkpoint keeps it, so that after a resume the same line is no new wish.
    """

    def __init__(self, path: str | os.PathLike[str], report: Callable[[str], None]) -> None:
        self.path = Path(path)
        self.report = report
        self.lr: float | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._text: bytes | None = None

    def write_template(self) -> None:
        """Write the file as it stands before any edit: comments, and nothing asked for.

        Raises
        ------
        CheckpointError
            The run directory cannot be written.
        """
        try:
            write_whole(self.path, TEMPLATE.encode())
        except OSError as error:
            raise CheckpointError(
                f"the run directory {self.path.parent} cannot be written: "
                f"{error.strerror or error}. Free some space or give another run_dir."
            ) from error

    def poll(self) -> Request | None:
        """Look at the file, which costs one `os.stat` while nobody has written it.

        Returns
        -------
        Request or None
            None when nothing new is asked for. An edit that cannot be taken (not TOML, an unknown
            key, a wrong type, an lr that is not above 0) is reported once and asks for nothing. A
            file that is not there asks for nothing.
        """
        try:
            status = os.stat(self.path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp:
                return None
            settled = time.time_ns() - status.st_mtime_ns > _SETTLED
            self._stamp = stamp if settled else None
            text = read_regular(self.path, _LONGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = error.strerror or str(error)
            self._ignore(reason.encode(), reason)
            return None
        if text == self._text:
            return None
        try:
            asked = _parse(text)
        except ValueError as error:
            self._ignore(text, str(error))
            return None
        self._text = text
        # An editor that empties the file before it writes must not make the old lr look new, so
        # an lr that is missing is not forgotten.
        lr = asked.lr if asked.lr != self.lr else None
        self.lr = asked.lr if asked.lr is not None else self.lr
        request = Request(lr, asked.stop, asked.preview)
        return request if any(request) else None

    def done(self, key: str) -> None:
        """Put ``stop`` or ``preview`` back to false in the file, leaving the rest as it is.

        Parameters
        ----------
        key : str
            ``"stop"`` or ``"preview"``.
        """
        try:
            text = read_regular(self.path, _LONGEST)
            if (answered := _answered(text, key)) is not None:
                write_whole(self.path, answered)
        except OSError as error:
            self.report(
                f"{self.path} still says {key} = true, which a resumed run will obey again: it "
                f"cannot be written ({error.strerror or error})"
            )

    def _ignore(self, text: bytes, reason: str) -> None:
        if text != self._text:
            self._text = text
            self.report(f"{self.path} ignored: {reason}")


def _values(text: bytes) -> dict[str, Any]:
    try:
        decoded = text.removeprefix(_MARK).decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    try:
        return tomllib.loads(decoded)
    except RecursionError:
        raise ValueError("its brackets are nested too deep") from None


def _parse(text: bytes) -> Request:
    values = _values(text)
    unknown = values.keys() - set(Request._fields)
    if "rate" in unknown:
        raise ValueError("unknown key rate: the learning rate is called lr here; write lr = 0.01")
    if unknown:
        raise ValueError(f"unknown key {_shown(min(unknown))}; the keys are lr, stop and preview")
    for key in ("stop", "preview"):
        _check(key, values.get(key, False), bool, "true or false")
    lr = values.get("lr")
    if lr is not None:
        lowest, highest = _RATES
        _check("lr", lr, int | float, "a number above 0")
        with suppress(OverflowError):
            lr = float(lr)
        if not lr > 0:
            raise ValueError(f"lr must be a number above 0, got {_shown(lr)}")
        if not lowest <= lr <= highest:
            raise ValueError(f"lr must be from {lowest} to {highest}, got {_shown(lr)}")
    return Request(lr, values.get("stop", False), values.get("preview", False))


def _check(key: str, value: Any, kind: Any, wanted: str) -> None:
    # A bool is an int in Python, not in TOML.
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ValueError(f"{key} must be {wanted}, got {_shown(value)}")


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested very deep, a number of very many digits
        return "what is too long to be shown here"
    return text if len(text) <= 60 else f"{text[:50]}..."


def _answered(text: bytes, key: str) -> bytes | None:
    """The text with the key false in place of true, None if it is not true in it.

    TOML has many ways to write a key, so each ``true`` is tried until it is the one.
    """
    try:
        wanted = _values(text)
    except ValueError:
        return None
    if wanted.get(key) is not True:
        return None
    wanted[key] = False
    start = text.find(b"true")
    while start >= 0:
        changed = text[:start] + b"false" + text[start + 4 :]
        # In a comment it changes nothing, in another value or a key something else.
        with suppress(ValueError):
            if _values(changed) == wanted:
                return changed
        start = text.find(b"true", start + 1)
    return None
