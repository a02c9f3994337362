"""Checkpoints: one file a step, whole or not there at all.

A checkpoint is an ordinary ``.safetensors`` file (arrays, and a JSON header; nothing in it is ever
executed). A file only gets its name once all its bytes are on the disk, so a process or a machine
that dies at any moment leaves the older checkpoints as they were. Every file carries a checksum and
its own metric, so that which files are good, and which is best, can be read off the files alone:
there is no index, link or marker that could disagree with them after a crash.
"""

import hashlib
import json
import math
import os
import re
import shutil
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import deserialize
from safetensors.numpy import save as safetensors_save

import autograd_iron as ai
from nn.files import read_regular, remove_unfinished, write_whole

FORMAT = "autograd_iron checkpoint, version 1"

_NAME = re.compile(r"step-(\d{8}|[1-9]\d{8,})\.safetensors")
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_BLANK = "0" * 64


class CheckpointError(RuntimeError):
    """The folder of a run cannot be used: to write to it, or to read what is there.

    The text says what to do.
    """


class Saved(NamedTuple):
    """What one checkpoint file holds.

    Attributes
    ----------
    path : Path
        The file.
    step : int
        The step it was saved at.
    metric : float or None
        The metric it was saved with.
    state : dict of str to ndarray or JSON value
        What was saved, in the same order; arrays come back as NumPy arrays of the same shape and
        dtype.
    """

    path: Path
    step: int
    metric: float | None
    state: dict[str, Any]


class Checkpoints:
    """The checkpoints of one run: ``step-00000120.safetensors`` and its like in one folder.

    Parameters
    ----------
    folder : path
        Made at the first save if it is not there. One run at a time may write to it.
    keep : int
        How many of the newest to keep. The best one (highest metric; among equals the newest) is
        kept besides.

    Notes
    -----
    The checksum is the SHA-256 of the whole file, header included, with the 64 hexadecimal digits
    of the checksum itself read as zeros. A single wrong, missing or added byte is thus noticed
    wherever it is.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> checkpoints = Checkpoints(tempfile.mkdtemp(), keep=2)
    >>> path = checkpoints.save({"weight": np.zeros(3), "note": "hello"}, step=10, metric=0.5)
    >>> path.name
    'step-00000010.safetensors'
    >>> checkpoints.load().state["note"]
    'hello'
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 3) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1 checkpoint, got {keep}")
        self.folder = Path(folder)
        self.keep = keep
        self._metrics: dict[int, float] | None = None

    def save(self, state: Mapping[str, Any], step: int, metric: float | None = None) -> Path:
        """Write one checkpoint, then remove those no longer kept.

        Parameters
        ----------
        state : mapping of str to Tensor, ndarray or JSON value
            Everything to save, flat. JSON values come back as JSON keeps them: tuples as lists.
        step : int
            Names the file. A file of the same step is replaced.
        metric : float, optional
            Higher is better. A checkpoint without one, or with one that is not finite, is never
            the best.

        Returns
        -------
        Path
            The file, whose bytes are on the disk when this returns.

        Raises
        ------
        CheckpointError
            The system refused (a full disk, a read-only folder). What was saved before is as it was
            and no partial file is left.
        TypeError
            An entry of `state` is neither an array nor a JSON value.
        """
        if metric is not None and not math.isfinite(metric):
            metric = None
        path = self._path(step)
        content = _pack(state, step, metric)
        if self._metrics is None:
            self._metrics = self._read_metrics()
            # Room for this one, that a process killed in a save left taken.
            remove_unfinished(self.folder)
        try:
            write_whole(path, content)
        except OSError as error:
            raise CheckpointError(self._refused(path, len(content), error)) from error
        self._metrics.pop(step, None)
        if metric is not None:
            self._metrics[step] = metric
        self._prune(step, _best(self._metrics))
        return path

    def load(self, report: Callable[[str], None] | None = None) -> Saved | None:
        """Read the newest good checkpoint, passing over damaged ones.

        Parameters
        ----------
        report : callable, optional
            Gets one line if newer files had to be passed over; by default it is a warning.

        Returns
        -------
        Saved or None
            None when the folder holds no checkpoint.

        Raises
        ------
        CheckpointError
            There are checkpoints and every one is damaged; the text lists each with the reason.
        """
        damaged = []
        paths = self.paths()
        for path in reversed(paths):
            try:
                saved = read(path)
            except CheckpointError as error:
                damaged.append(str(error))
                continue
            if damaged:
                line = f"{'; '.join(damaged)}. Going back to {path.name}, the newest good one."
                (report or _warn)(line)
            return saved
        if damaged:
            raise CheckpointError(
                f"none of the {len(damaged)} checkpoints in {self.folder} can be used:\n  "
                + "\n  ".join(damaged)
                + "\nRestore one from a backup, or move them away and start again."
            )
        return None

    def paths(self) -> list[Path]:
        """The checkpoint files in the folder, damaged or not, from the oldest step to the newest.

        Returns
        -------
        list of Path
        """
        return [self._path(step) for step in self._steps()]

    @property
    def best(self) -> Path | None:
        """The good checkpoint with the highest metric, None if no good one has a metric."""
        step = _best(self._read_metrics())
        return None if step is None else self._path(step)

    def _path(self, step: int) -> Path:
        return self.folder / f"step-{step:08d}.safetensors"

    def _steps(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(name[1]) for name in names if name)

    def _read_metrics(self) -> dict[int, float]:
        """The metric of every good file that has one."""
        metrics = {}
        for path in self.paths():
            with suppress(CheckpointError):
                saved = read(path)
                if saved.metric is not None:
                    metrics[saved.step] = saved.metric
        return metrics

    def _prune(self, newest: int, best: int | None) -> None:
        # Files of later steps are none of this run's past: they were passed over as damaged, and
        # counting them among the newest would push out good ones. They are left alone.
        past = [step for step in self._steps() if step <= newest]
        for step in past[: -self.keep]:
            if step != best:
                # An old file that cannot be removed is no reason to stop: the next save tries it
                # again.
                with suppress(OSError):
                    self._path(step).unlink(missing_ok=True)

    def _refused(self, path: Path, size: int, error: OSError) -> str:
        free = ""
        with suppress(OSError):
            free = f" ({shutil.disk_usage(self.folder).free:,} are free there)"
        before = [old.name for old in self.paths()]
        untouched = f"Saved before and untouched: {', '.join(before)}. " if before else ""
        return (
            f"{path} was not saved: {error.strerror or error}. It needs {size:,} bytes{free}. "
            f"{untouched}Free some space or give a folder that can be written to, then resume."
        )


def read(path: str | os.PathLike[str]) -> Saved:
    """Read and verify one checkpoint file.

    Parameters
    ----------
    path : path
        A file that `Checkpoints.save` wrote.

    Returns
    -------
    Saved

    Raises
    ------
    CheckpointError
        The file is damaged, cut short, not a checkpoint, or cannot be read.
    """
    path = Path(path)
    try:
        content = read_regular(path)
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror or error}") from error
    digits = _digits(content)
    if digits is None:
        raise CheckpointError(
            f"{path.name} is damaged: {len(content):,} bytes without a checksum in their header"
        )
    if content[digits].decode() != _checksum(content, digits):
        raise CheckpointError(f"{path.name} is damaged: its bytes do not match its checksum")
    header = json.loads(content[8 : _header_end(content)])["__metadata__"]
    if header["format"] != FORMAT:
        raise CheckpointError(f"{path.name} is a {header['format']!r}; this reads {FORMAT!r}")
    rest = json.loads(header["state"])
    found = {**_arrays(content), **rest["values"]}
    # The arrays come in an order of the format's own, and a resumed run must not differ by that.
    state = {name: found[name] for name in rest["names"]}
    return Saved(path, rest["step"], rest["metric"], state)


def _pack(state: Mapping[str, Any], step: int, metric: float | None) -> bytearray:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    values: dict[str, Any] = {}
    for name, value in state.items():
        if isinstance(value, ai.Tensor):
            value = value.numpy()
        if isinstance(value, np.ndarray | np.generic):
            arrays[name] = np.asarray(value, order="C")
            continue
        try:
            values[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"state entry {name!r} is a {type(value).__name__}: a checkpoint holds arrays and "
                f"JSON values (numbers, text, lists, dicts) only"
            ) from error
    rest = json.dumps({"step": step, "metric": metric, "names": list(state), "values": values})
    header = {"format": FORMAT, "state": rest, "sha256": _BLANK}
    content = bytearray(safetensors_save(arrays, header))
    digits = _digits(content)
    assert digits is not None
    content[digits] = _checksum(content, digits).encode()
    return content


def _arrays(content: bytes) -> dict[str, Any]:
    """The arrays of a file; the `load` of safetensors knows no bfloat16."""
    return {
        name: np.frombuffer(entry["data"], _dtype(entry["dtype"])).reshape(entry["shape"])
        for name, entry in deserialize(content)
    }


def _dtype(name: str) -> Any:
    if name in ("BOOL", "BF16"):
        return ai.bool_ if name == "BOOL" else ai.bfloat16
    return np.dtype(f"{'<' + name[0].lower()}{int(name[1:]) // 8}")


def _header_end(content: bytes | bytearray) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def _digits(content: bytes | bytearray) -> slice | None:
    """Where the checksum's own digits are.

    The pattern meets nothing else: inside the header's other texts every quotation mark has a
    backslash before it, and the name of a tensor is never followed by a text.
    """
    found = list(_DIGEST.finditer(content, 8, min(_header_end(content), len(content))))
    return slice(*found[0].span(1)) if len(found) == 1 else None


def _checksum(content: bytes | bytearray, digits: slice) -> str:
    view = memoryview(content)
    checksum = hashlib.sha256(view[: digits.start])
    checksum.update(_BLANK.encode())
    checksum.update(view[digits.stop :])
    return checksum.hexdigest()


def _best(metrics: Mapping[int, float]) -> int | None:
    """The step with the highest metric, the newest among equals."""
    return max(metrics, key=lambda step: (metrics[step], step), default=None)


def _warn(line: str) -> None:
    warnings.warn(line, RuntimeWarning, stacklevel=3)
