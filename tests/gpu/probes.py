"""What CuPy does, call by call: `real_cupy.txt` holds what the real one did.

A row of the table is an expression, what it gave (or its error), and what it cost: pool allocations
(`alloc`), kernels, fills and copies on the device (`launch`, `gemm`), graph launches, transfers
(`h2d`, `d2h`) and waits of the host (`sync`).  The expressions live in the table alone.  For a new
release of CuPy, or new rows, the real one writes the table anew (in the folder of the tests, with
ml_dtypes installed for the rows about bfloat16):

    AI_GPU=sim python -m gpu.probes
"""

from __future__ import annotations

import contextlib
import copy
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

TABLE = Path(__file__).with_name("real_cupy.txt")
ARROW, BAR = "  ->  ", "  |  "
BFLOAT16 = re.compile(r"\b[ax]?bf\b")  # expressions that need ml_dtypes, which may be missing
KINDS = ("alloc", "launch", "gemm", "graph", "h2d", "d2h", "sync")


@dataclass(frozen=True)
class Row:
    """One expression, its outcome and its cost, as text."""

    expression: str
    outcome: str
    cost: str

    def __str__(self) -> str:
        return f"{self.expression}{ARROW}{self.outcome}{BAR}{self.cost}"


def read() -> tuple[list[str], dict[str, Row]]:
    """Return the head of the table (its comments) and its rows by expression."""
    head, rows = [], {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            head.append(line)
        elif line:
            expression, _, rest = line.partition(ARROW)
            outcome, _, cost = rest.partition(BAR.rstrip())
            rows[expression] = Row(expression, outcome, cost.strip())
    return head, rows


class Prober:
    """Evaluates expressions on one CuPy, the real one or the stand-in.

    Parameters
    ----------
    cupy, cupyx : module
    reset, counts : callable
        Forget the events so far; return how many of each kind there were since.
    """

    def __init__(
        self,
        cupy: ModuleType,
        cupyx: ModuleType,
        reset: Callable[[], None],
        counts: Callable[[], dict[str, int]],
    ) -> None:
        self.cupy, self.cupyx, self.reset, self.counts = cupy, cupyx, reset, counts

    def row(self, expression: str) -> Row:
        """Evaluate twice, and report the second time: the first compiles kernels."""
        for _ in range(2):
            names = self.names()
            if BFLOAT16.search(expression):
                names |= self.bfloat16_names(names)
            self.reset()
            try:
                outcome = describe(eval(expression, names))
            except Exception as error:
                message = re.sub(r"\S*/\S*", "...", " ".join(str(error).split()))
                outcome = f"{type(error).__name__}: {message[:100].strip()}"
            counts = self.counts()
        return Row(expression, outcome, " ".join(f"{k} {counts[k]}" for k in KINDS if counts[k]))

    def names(self) -> dict[str, Any]:
        """Return what an expression may use."""
        cp = self.cupy
        x = cp.asarray(np.arange(6, dtype="f4").reshape(2, 3))
        a = cp.asarray(np.linspace(-2, 2, 2048, dtype="f4").reshape(32, 64))
        pinned = self.cupyx.empty_pinned((32, 64), "f4")
        pinned[...] = 1
        names = {
            "cp": cp,
            "cupyx": self.cupyx,
            "np": np,
            "math": math,
            "copy": copy,
            "pickle": pickle,
            "captured": self.captured,
            # small
            "x": x,
            "n": np.ones((2, 3), "f4"),
            "n0": np.array(2.0),
            "s": cp.array(3.0),
            "i": cp.array([1, 0]),
            "k": cp.asarray(np.arange(6, dtype="i4").reshape(2, 3)),
            "z": cp.zeros(2, "f4"),
            # of the size of a layer
            "a": a,
            "w": cp.ones((64, 16), "f4"),
            "y": cp.zeros((32, 16), "f4"),
            "b": cp.zeros(16, "f4"),
            "o": cp.empty_like(a),
            "s0": cp.zeros((), "f4"),
            "s1": cp.zeros(64, "f4"),
            "sk": cp.zeros((32, 1), "f4"),
            "idx": cp.arange(32) % 5,
            "mask": a > 0,
            "rate": cp.full((), 0.1, "f4"),
            "dw": cp.zeros((64, 16), "f4"),
            "e": cp.zeros((5, 64), "f4"),
            "host": np.ones((32, 64), "f4"),
            "pinned": pinned,
            "a3": cp.ones((4, 8, 6), "f4"),
            "b3": cp.ones((4, 6, 5), "f4"),
            "c3": cp.ones((4, 8, 5), "f4"),
        }
        cp.cuda.Device().synchronize()
        return names

    def bfloat16_names(self, names: dict[str, Any]) -> dict[str, Any]:
        """Return what an expression about bfloat16 may use beside the others."""
        bf = np.dtype(import_module("ml_dtypes").bfloat16)
        rounded = {name + "bf": names[name].astype(bf) for name in "ax"}
        self.cupy.cuda.Device().synchronize()
        return {"bf": bf, **rounded}

    def captured(self, work: Callable[[], Any], replays: int = 0) -> Any:
        """Capture the work in a graph and replay it; return what the work returned."""
        stream = self.cupy.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            try:
                made = work()
            except BaseException:
                with contextlib.suppress(self.cupy.cuda.runtime.CUDARuntimeError):
                    stream.end_capture()  # which the work broke
                raise
            graph = stream.end_capture()
            for _ in range(replays):
                graph.launch()
        return made


def describe(result: Any) -> str:
    """Say what a result is: for an array its library, dtype and shape, else its value."""
    if isinstance(result, tuple | list):
        return f"({', '.join(describe(part) for part in result)})"
    if type(result).__name__ == "ndarray":
        return f"{type(result).__module__.partition('.')[0]} {result.dtype} {result.shape}"
    if type(result).__name__ in ("Device", "Event"):
        return type(result).__name__
    return f"{type(result).__name__} {result!r}"


def prober() -> Prober:
    """Return a prober of the device under test."""
    from . import device_under_test as device

    cupyx = getattr(device.cupy, "cupyx", None) or import_module("cupyx")
    return Prober(device.cupy, cupyx, device.reset, device.counts)


def main() -> None:
    """Write the table anew."""
    head, rows = read()
    found = prober()
    lines = [*head, "", *(str(found.row(expression)).rstrip() for expression in rows)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
