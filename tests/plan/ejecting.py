"""What the tests of ejected files share: running many of them in one clean interpreter."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Runs `step` of each file on its arguments, some times; answers results, gradients and state.
_DRIVER = """
import importlib.util, pickle, sys

answers = []
for path, calls, kept in pickle.load(sys.stdin.buffer):
    spec = importlib.util.spec_from_file_location("ejected", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answers.append([])
    for call in calls:
        made = module.step(*call)
        made = () if made is None else made if type(made) is tuple else (made,)
        made += tuple(getattr(module, "gradients", {}).values())
        made += tuple(getattr(module, name) for name in kept)
        answers[-1].append([(str(a.dtype), a.shape, a.tobytes()) for a in made])
for module in sys.modules:
    assert module.split(".")[0] not in ("autograd_iron", "nn"), module
sys.stdout.buffer.write(pickle.dumps(answers))
"""


@dataclass
class Ejected:
    """A file, what to call it with, which variables to look at, and what its plan did then."""

    path: Path
    calls: Sequence[Sequence[Any]]
    kept: list[str]
    expected: list[list[Any]]


def ejected(step: Any, path: Path, calls: Sequence[Sequence[Any]] = ((), (), ())) -> Ejected:
    """Eject a compiled step that ran, and run its plan from there on.

    Nothing is drawn anew: the file does not do so either.
    """
    step.eject(path)
    plan = step.plan
    kept = [(f"v{v.number}", tensor) for tensor, v in plan.program.captured]
    expected = [
        [np.array(a) for a in (*plan.run(*call), *(tensor.data for _, tensor in kept))]
        for call in calls
    ]
    return Ejected(path, calls, [name for name, _ in kept], expected)


def check_in_clean_interpreter(files: Sequence[Ejected]) -> None:
    """Compare what ejected files do, where there is no engine, with what their plans did."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", _DRIVER],
        input=pickle.dumps([(str(file.path), file.calls, file.kept) for file in files]),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    for file, answer in zip(files, pickle.loads(done.stdout), strict=True):
        for call, (found, wanted) in enumerate(zip(answer, file.expected, strict=True)):
            told = [(str(a.dtype), a.shape, a.tobytes()) for a in wanted]
            assert found == told, f"{file.path}, call {call}: the plan made {wanted}"
