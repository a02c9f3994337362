"""The folder of a run: `run.json`, and whether a new run may use it."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import PIL

import autograd_iron as ai
import nn
from reconstruct.pictures import UserError, write_whole

FINISHED = ("steps", "until")


def read_record(out: Path) -> dict[str, Any] | None:
    """Return what `run.json` says of the run in the folder, None for a new or empty folder.

    Raises
    ------
    UserError
        `run.json` cannot be read, or the folder holds files and no `run.json`.
    """
    path = out / "run.json"
    try:
        record = json.loads(path.read_bytes())
        if isinstance(record["settings"], dict) and "result" in record:
            return dict(record)
    except FileNotFoundError:
        if out.is_dir() and any(out.iterdir()):
            raise UserError(
                f"{out} holds files and no run.json, so it is not the folder of a run: give "
                f"another --out"
            ) from None
        return None
    except NotADirectoryError:
        raise UserError(f"{out} is not a folder: give another --out") from None
    except (ValueError, KeyError, TypeError):
        pass
    raise UserError(f"{path} is damaged: put it right, or give another --out")


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
    differing = [name for name in now if before.get(name) != now[name]]
    causes = [name for name in differing if name in options] or differing
    if causes:
        described = ", ".join(
            f"{name.replace('_', '-')} was {before.get(name)} and is now {now[name]}"
            for name in causes
        )
        raise UserError(
            f"the run in {out} had other settings: {described}; go on with those that it had, or "
            f"give another --out"
        )


def make_ready(out: Path, record: dict[str, Any] | None) -> None:
    """Make the folder for a new run; an older run in it is moved aside if it is finished.

    Raises
    ------
    UserError
        The run in it is not finished (it may be running), or the folder cannot be made.
    """
    try:
        if record is not None:
            _move_aside(out, record)
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {out} cannot be made: {error.strerror}") from None


def _move_aside(out: Path, record: dict[str, Any]) -> None:
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
    while (aside := out.with_name(f"{out.name}-{number}")).exists():
        number += 1
    out.rename(aside)
    print(f"The run that was in {out} is now in {aside}.")
