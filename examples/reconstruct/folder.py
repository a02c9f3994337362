"""The folder of a run: who may use it, and `run.json`."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import PIL

import autograd_iron as ai
import nn
from autograd_iron.support import files
from nn.training import lock
from nn.training.console import stdout
from reconstruct.pictures import UserError, write_whole

FINISHED = ("steps", "until")

# What the result in `run.json` holds, besides the score under its own name.
RESULT = {
    "stop_reason": (str,),
    "steps": (int,),
    "seconds": (float, int),
    "parameters": (int,),
    "loss": (float, int, type(None)),
    "weights_sha256": (str,),
}
LONGEST_RECORD = 1_000_000  # bytes
LONGEST_OPTION = 4096  # bytes, as of a path on most systems

_PREVIEW = re.compile(r"step-(\d{8,18})\.png")


@contextmanager
def locked(out: Path) -> Iterator[lock.FolderLock]:
    """Keep every other run out of the folder, which is made if need be.

    Raises
    ------
    UserError, nn.CheckpointError
        Another run is in it, or it cannot be made.
    """
    with ExitStack() as stack:
        try:
            held = stack.enter_context(lock.FolderLock(out))
        except nn.CheckpointError as error:
            if isinstance(error.__cause__, NotADirectoryError):
                raise UserError(f"{out} is not a folder: give another --out") from None
            if isinstance(error.__cause__, OSError | ValueError):
                reason = getattr(error.__cause__, "strerror", None) or error.__cause__
                raise UserError(f"the folder {out} cannot be made or written: {reason}") from None
            raise
        yield held


def read_record(out: Path) -> dict[str, Any] | None:
    """Return what `run.json` says of the run in the folder, None for an empty folder.

    Raises
    ------
    UserError
        `run.json` is not what `write_record` writes, or the folder holds files and no `run.json`.
    """
    path = out / "run.json"
    try:
        record = json.loads(files.read_regular(path, LONGEST_RECORD))
    except FileNotFoundError:
        if any(
            entry.name != lock.NAME and not files.is_unfinished(entry) for entry in out.iterdir()
        ):
            raise UserError(
                f"{out} holds files and no run.json, so it is not the folder of a run: give "
                f"another --out"
            ) from None
        return None
    except (ValueError, RecursionError):
        raise _damaged(out, "it is not JSON") from None
    if problem := _problem_with(record):
        raise _damaged(out, problem)
    return dict(record)


def _problem_with(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "it is not an object"
    for name, kinds in (("settings", dict), ("versions", dict), ("result", dict | None)):
        if not isinstance(record.get(name, ...), kinds):
            return f"{name} is {_shown(record, name)}"
    result = record["result"]
    if result is None:
        return None
    for name, kinds in RESULT.items():
        value = result.get(name, ...)
        if type(value) not in kinds or (isinstance(value, float) and not math.isfinite(value)):
            return f"{name} in the result is {_shown(result, name)}"
    # A whole number may be larger than any float.
    if not 0 <= result["seconds"] < 1e12:
        return f"seconds in the result is {_shown(result, 'seconds')}"
    return None


def check_options(
    out: Path, settings: dict[str, Any], options: dict[str, Any], parser: argparse.ArgumentParser
) -> None:
    """Refuse options in `run.json` that could not have been given on the command line.

    Parameters
    ----------
    out : Path
        The folder, for the text.
    settings : dict
        Those of `run.json`.
    options : dict
        Those of them that are the user's, with what they are unless the user says otherwise.
    parser : ArgumentParser
        Of the command line.

    Raises
    ------
    UserError
        The text names the first.
    """
    for name, default in options.items():
        value = settings.get(name, ...)
        if value is default and (value is None or value is False):
            continue  # and no command line gives it
        # argparse tells its actions to nobody, and a list of our own would be a second one.
        actions = [action for action in parser._actions if action.dest == name]
        if not any(_could_be_given(action, value) for action in actions):
            raise _damaged(out, f"the setting {name} is {_shown(settings, name)}")


def _could_be_given(action: argparse.Action, value: Any) -> bool:
    if action.nargs == 0:
        return type(value) is type(action.const) and bool(value == action.const)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        text = os.fsencode(f"{value}")
        parsed = action.type(f"{value}") if callable(action.type) else f"{value}"
    except (ValueError, argparse.ArgumentTypeError):
        return False
    if b"\0" in text or len(text) > LONGEST_OPTION:
        return False
    return bool(parsed == value) and (action.choices is None or parsed in action.choices)


def _damaged(out: Path, problem: str) -> UserError:
    return UserError(
        f"{out / 'run.json'} is damaged, {problem}: put it right, or give another --out"
    )


def _shown(values: dict[str, Any], name: str) -> str:
    if name not in values:
        return "missing"
    value = values[name]
    try:
        text = value if isinstance(value, str) and value.isprintable() and value else ascii(value)
    except (RecursionError, ValueError):  # nested very deep, a number of very many digits
        text = "very long"
    return text if len(text) <= 80 else f"{text[:70]}..."


def write_record(out: Path, settings: dict[str, Any], result: dict[str, Any] | None) -> None:
    """Write `run.json`: every setting, the versions, and the result once there is one."""
    versions = {
        "python": platform.python_version(),
        "autograd_iron": ai.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "matplotlib": matplotlib.__version__,
    }
    record = {"settings": settings, "versions": versions, "result": result}
    write_whole(out / "run.json", json.dumps(record, indent=2).encode() + b"\n")


def check_same(
    out: Path, before: dict[str, Any], now: dict[str, Any], options: Collection[str]
) -> None:
    """Refuse to go on with a run under other settings.

    Parameters
    ----------
    out : Path
        The folder, for the text.
    before, now : dict
        The settings of the run and those of this command.
    options : names
        Which of them are the user's; the others follow from these and from the picture's pixels.

    Raises
    ------
    UserError
        The text names what differs.
    """
    for name in [*now, *before]:
        if name not in before:
            raise _damaged(out, f"the setting {name} is missing")
        if name not in now:
            raise _damaged(out, f"there is no setting {name}")
    differing = [name for name in now if before[name] != now[name]]
    causes = [name for name in differing if name in options] or differing
    if causes:
        described = ", ".join(
            f"{name.replace('_', '-')} was {_shown(before, name)} and is now {_shown(now, name)}"
            for name in causes
        )
        raise UserError(
            f"the run in {out} had other settings: {described}; go on with those that it had, or "
            f"give another --out"
        )


def move_aside(held: lock.FolderLock, record: dict[str, Any]) -> None:
    """Rename the folder of a finished run, and have an empty one in its place.

    Raises
    ------
    UserError
        The run in it is not finished, or it cannot be renamed.
    """
    out = held.folder
    checkpoints = nn.Checkpoints(out).paths()
    result = record["result"]
    if checkpoints and (result is None or result["stop_reason"] not in FINISHED):
        raise UserError(
            f"{out} holds a run that is not finished (its newest checkpoint is "
            f"{checkpoints[-1].name}): add --resume to go on with it, or give another --out"
        )
    if Path.cwd().is_relative_to(out.resolve()):
        raise UserError(f"{out} holds a run, and you are in it: give another --out")
    number = 1
    while os.path.lexists(aside := out.with_name(f"{out.name}-{number}")):
        number += 1
    try:
        held.move_folder(aside)
    except OSError as error:
        raise UserError(f"{out} cannot be renamed to {aside}: {error.strerror}") from None
    print(f"The run that was in {out} is now in {aside}.", file=stdout)


def previews(out: Path) -> Path:
    """Return the folder of the previews, made if it is not there.

    Raises
    ------
    UserError
        There is something else of its name, or it cannot be made.
    """
    folder = out / "previews"
    try:
        files.make_folder(folder)
        if folder.is_symlink():
            raise NotADirectoryError
    except NotADirectoryError:
        raise UserError(f"{folder} is not a folder of this run alone: move it away") from None
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror or error}") from None
    return folder


def preview_steps(out: Path) -> dict[Path, int]:
    """Return the previews with their steps, in order; what else is there is none of ours."""
    found = {path: _PREVIEW.fullmatch(path.name) for path in sorted(previews(out).iterdir())}
    return {path: int(match[1]) for path, match in found.items() if match}
