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
from autograd_iron.arrays.intake import check_plain
from autograd_iron.core.plain import setting
from autograd_iron.support.closed import Closed
from autograd_iron.support.files import make_folder, read_regular, remove_unfinished, write_whole
from autograd_iron.support.integers import integer

FORMAT = "autograd_iron checkpoint, version 2"
_FORMAT_1 = "autograd_iron checkpoint, version 1"

# What a file calls the dtypes of its arrays.
_DTYPES = {
    "BOOL": np.dtype("bool"),
    **{f"{kind}{8 * n}": np.dtype(f"<{kind.lower()}{n}") for kind in "UI" for n in (1, 2, 4, 8)},
    **{f"F{8 * n}": np.dtype(f"<f{n}") for n in (2, 4, 8)},
}
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


class Checkpoints(Closed):
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
        whole = integer(keep)
        if whole is None:
            raise TypeError(f"keep must be a whole number of checkpoints, got {keep!r}")
        if whole < 1:
            raise ValueError(f"keep must be at least 1 checkpoint, got {keep}")
        self.folder = Path(folder)
        self.keep = whole
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
            An entry of `state` is neither an array of ordinary numbers nor a JSON value, or `step`
            is not a whole number.
        ValueError
            `step` is negative.
        """
        metric = None if metric is None or not math.isfinite(metric) else float(metric)
        whole = integer(step)
        step = step if whole is None else whole
        _check_step(step)
        content = _pack(state, step, metric)
        path = self._path(step)
        if self._metrics is None:
            self._metrics = self._read_metrics()
            # Room for this one, that a process killed in a save left taken.
            remove_unfinished(self.folder)
        try:
            make_folder(self.folder)
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
                saved = _read_named(path)
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
        return self.folder / _name(step)

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
                saved = _read_named(path)
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
        The file is damaged, cut short, no checkpoint whatever its checksum says, or cannot be
        read.
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
    try:
        return Saved(path, *_unpacked(content))
    except MemoryError:
        raise
    # Whatever it is that nonsense with a right checksum meets.
    except Exception as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise CheckpointError(f"{path.name} is no checkpoint that can be used: {why}") from error


def _read_named(path: Path) -> Saved:
    """Read a file of a folder, whose name says the step."""
    saved = read(path)
    if path.name != _name(saved.step):
        raise CheckpointError(
            f"{path.name} holds the checkpoint of step {saved.step}: it belongs to the name "
            f"{_name(saved.step)}"
        )
    return saved


def _name(step: int) -> str:
    return f"step-{step:08d}.safetensors"


def _unpacked(content: bytes) -> tuple[int, float | None, dict[str, Any]]:
    """Return step, metric and state; what makes no sense raises, whatever it is."""
    header = _parsed(content[8 : _header_end(content)])["__metadata__"]
    if header["format"] == _FORMAT_1:
        raise ValueError(
            "it was saved by an older autograd_iron, which had other names and layouts for "
            "weights (layers.0.weight for what is 0.weight now, and that transposed); train "
            "again, or go on with the version that saved it"
        )
    if header["format"] != FORMAT:
        raise ValueError(f"it is a {header['format']!r}; this reads {FORMAT!r}")
    rest = _parsed(header["state"])
    step, metric, names, values = (rest[key] for key in ("step", "metric", "names", "values"))
    _check_step(step)
    if metric is not None and (type(metric) not in (int, float) or not math.isfinite(metric)):
        raise ValueError(f"its metric is {metric!r}, not a finite number")
    arrays = _arrays(content)
    if not isinstance(values, dict) or not isinstance(names, list):
        raise TypeError("its entries are no table of names and values")
    stored = [name if name in values else _stored(name) for name in names]
    if len({*names}) < len(names) or sorted(stored) != sorted([*arrays, *values]):
        raise ValueError("the names of its entries are not those of its arrays and values")
    # The arrays come in an order of the format's own, and a resumed run must not differ by that.
    found = {**arrays, **values}
    return step, metric, {name: found[key] for name, key in zip(names, stored, strict=True)}


def _check_step(step: Any) -> None:
    if isinstance(step, bool) or not isinstance(step, int):
        raise TypeError(f"a step is a whole number, not {step!r}")
    if step < 0:
        raise ValueError(f"a step is 0 or more, not {step}")


def _parsed(text: str | bytes) -> Any:
    """Return what a JSON text holds; a name that stands twice in it is refused."""

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            raise ValueError("a table in it has the same name twice")
        return made

    return json.loads(text, object_pairs_hook=table)


def _pack(state: Mapping[str, Any], step: int, metric: float | None) -> bytearray:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    values: dict[str, Any] = {}
    for name, value in state.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise TypeError(f"a state entry cannot be called {name!r}: give it another name")
        if isinstance(value, ai.Tensor):
            value = value.numpy()
        if isinstance(value, np.ndarray | np.generic):
            key = _stored(name)
            if key in arrays:
                raise TypeError(f"state entries cannot be called {name!r} and {key!r} at once")
            arrays[key] = _plain(name, value)
            continue
        try:
            values[name] = _parsed(json.dumps(value, default=_json_number))
        except (TypeError, ValueError, RecursionError) as error:
            raise TypeError(
                f"state entry {name!r} is a {type(value).__name__}: a checkpoint holds arrays and "
                f"JSON values (numbers, text, lists, dicts) only ({error})"
            ) from error
    rest = json.dumps({"step": step, "metric": metric, "names": list(state), "values": values})
    header = {"format": FORMAT, "state": rest, "sha256": _BLANK}
    content = bytearray(safetensors_save(arrays, header))
    digits = _digits(content)
    assert digits is not None
    content[digits] = _checksum(content, digits).encode()
    return content


def _stored(name: str) -> str:
    """Return what an array is called in the file, which is UTF-8: no name holds half a letter."""
    return name.encode("utf-8", "backslashreplace").decode()


def _json_number(value: Any) -> Any:
    """Return a number inside a list or a table that NumPy computed as JSON's own."""
    if not isinstance(value, np.generic):
        raise TypeError(f"a {type(value).__name__} in it is no JSON value")
    return setting(value)


def _plain(name: str, value: Any) -> np.ndarray[Any, Any]:
    check_plain(value)
    array = np.asarray(value, order="C")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype not in _DTYPES.values() and array.dtype.name != "bfloat16":
        raise TypeError(
            f"state entry {name!r} is an array of {array.dtype}: a checkpoint holds numbers of "
            f"{', '.join(map(str, _DTYPES.values()))} and bfloat16. Convert it first"
        )
    return array


def _arrays(content: bytes) -> dict[str, Any]:
    """The arrays of a file; the `load` of safetensors knows no bfloat16."""
    return {
        name: np.frombuffer(entry["data"], _dtype(entry["dtype"])).reshape(entry["shape"])
        for name, entry in deserialize(content)
    }


def _dtype(name: str) -> Any:
    return ai.bfloat16 if name == "BF16" else _DTYPES[name]


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
