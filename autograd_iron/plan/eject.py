"""Writing a plan as a Python file of its own, which needs NumPy (bfloat16: ml_dtypes) alone."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import Any

from autograd_iron import cpu, device
from autograd_iron.plan import emit, tiling
from autograd_iron.plan.build import Plan, Stage

_HEADER = '''"""{title}: one step, written out as NumPy.

{text}
"""

import os
from pathlib import Path

# One thread for each product: the bits of a product depend on how many share it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

{imports}import numpy as np
from numpy import (
{functions}
)

data = dict(np.load(Path(__file__).with_suffix(".npz")))
'''
_BFLOAT16 = "import ml_dtypes  # lets NumPy know bfloat16\n"


def eject(plan: Plan, title: str, path: str | os.PathLike[str]) -> None:
    """Write the plan; see `Compiled.eject`."""
    kernels = sorted({n for s in plan.stages for n in s.names if n.endswith("_kernel")})
    if kernels:
        raise ValueError(
            f"eject: {', '.join(k.removesuffix('_kernel') for k in kernels)} can only be run by "
            "its kernel. Give the primitive a `lower`, which says it in the words of the vocabulary"
        )
    file = Path(path)
    text, arrays = _Writer(plan).module(title, file.with_suffix(".npz").name)
    cpu.save_arrays(file.with_suffix(".npz"), arrays)
    file.write_text(text, encoding="utf-8")


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.program = plan.program
        self.saved: dict[str, Any] = {}
        self.globals = {emit.name(v) for v, _ in plan.arrays()}
        self.names = {emit.name(v): path for v, path in self.program.names.items()}

    def module(self, title: str, data: str) -> tuple[str, dict[str, Any]]:
        """Return the text and the arrays that it reads."""
        memory = self._memory()
        stages = [self._stage(i, stage) for i, stage in enumerate(self.plan.stages)]
        functions = sorted(
            {n for s in self.plan.stages for n, o in s.names.items() if cpu.is_function(o)}
        )
        arguments = [emit.name(v) for v in self.program.arguments]
        results = ", ".join(f"{list(v.shape)} {v.dtype}" for v in self.program.results)
        kept = ", ".join(self.names.values())
        text = (
            f"`step({', '.join(arguments)})` runs it and returns "
            f"{'copies of: ' + results if results else 'nothing'}. What lives from step to step is "
            f"read from {data} beside this file{': ' + kept if kept else ''}. Numbers that change "
            "from step to step, such as the learning rate, are among these arrays, with the values "
            "of the last step that ran before this was written."
        )
        header = _HEADER.format(
            title=title,
            imports=_BFLOAT16 if "bfloat16" in memory + "".join(stages) else "",
            text=textwrap.fill(text, 98),
            functions=textwrap.indent("\n".join(f"{f}," for f in functions), "    "),
        )
        body = [header, memory, *stages, self._step(arguments)]
        return "\n".join(body), self.saved

    def _memory(self) -> str:
        lines = []
        sources = {emit.name(v) for v in self.program.sources()}
        views = {line.split(" = ")[0]: line for line in self.plan.views}
        seen: dict[int, str] = {}
        for value, array in self.plan.arrays():
            label = emit.name(value)
            if label in views:
                lines.append(views[label])
            elif id(array) in seen:
                lines.append(f"{label} = {seen[id(array)]}")
            elif label in sources:
                note = f"  # {self.names[label]}" if label in self.names else ""
                lines.append(f"{label} = {self._read(label, array)}{note}")
            else:
                lines.append(f"{label} = {_empty(array)}")
            seen.setdefault(id(array), label)
        self.labels = seen
        return "\n".join(lines) + "\n\n"

    def _read(self, label: str, array: Any) -> str:
        """Save an array, and return how the file reads it."""
        if array.dtype == "bfloat16":  # the format knows its bits alone
            self.saved[label] = array.view("uint16")
            return f'data["{label}"].view("bfloat16")'
        self.saved[label] = array
        return f'data["{label}"]'

    def _stage(self, number: int, stage: Stage) -> str:
        source = stage.source.replace("def make(", f"def make_{number}(", 1)
        lines = [source, "", "", f"run_{number} = {self._made(number, stage.names)}"]
        if stage.tiled:
            lines += self._tiles(number, stage)
        return "\n".join(lines) + "\n\n"

    def _made(self, number: int, names: dict[str, Any]) -> str:
        parts = [self._object(name, value) for name, value in names.items()]
        return f"make_{number}({', '.join(parts)})"

    def _object(self, name: str, value: Any) -> str:
        plain = name.removesuffix("_all")
        if plain in self.globals and id(value) in self.labels:
            return self.labels[id(value)]
        if cpu.is_function(value):
            return name
        if isinstance(value, device.Array):
            if re.fullmatch(r"v\d+", name):
                return _empty(value)
            if id(value) in self.labels:
                return self.labels[id(value)]
            if value.ndim == 0:
                return f"np.array({_number(value)}, '{value.dtype}')"
        return self._literal(name, value)

    def _literal(self, name: str, value: Any) -> str:
        if isinstance(value, device.Array):
            return self._read(name, value)
        if isinstance(value, tuple):
            parts = [self._literal(f"{name}_{i}", part) for i, part in enumerate(value)]
            return f"({', '.join(parts)},)"
        return "..." if value is ... else repr(value)

    def _tiles(self, number: int, stage: Stage) -> list[str]:
        plan = self.plan
        rows, height = plan.schedule.rows, plan.tile
        how = [plan.schedule.combine[v] for v in stage.totals]
        totals = ", ".join(emit.name(v) for v in stage.totals)
        moving = [p.removesuffix("_all") for p in stage.parameters if p not in ("start", "stop")]
        moving = [p for p in moving if not p.endswith("_total")]
        groups = tiling.groups(rows, height)
        rest = f"run_{number}"
        lines = []
        if stage.rest is not None:
            rest = f"rest_{number}"
            lines.append(f"{rest} = {self._made(number, stage.rest)}")
        comma = "," if len(stage.totals) == 1 else ""
        fills = [repr(tiling.neutral(h, v.dtype)) for h, v in zip(how, stage.totals, strict=True)]
        fills = [f"float('{f}')" if "inf" in f else f for f in fills]
        lines += [
            f"totals_{number} = [({totals}{comma})]",
            f"totals_{number} += [tuple(np.empty_like(t) for t in totals_{number}[0])"
            f" for _ in range({len(groups) - 1})]",
            "",
            "",
            f"def tiles_{number}({', '.join(moving)}):",
            "    # In groups that add up on their own, so that the bits are those of any order.",
            f"    for starts, totals in zip({groups}, totals_{number}):",
            f"        for total, fill in zip(totals, [{', '.join(fills)}]):",
            "            total.fill(fill)",
            "        for start in starts:",
            f"            stop = min(start + {height}, {rows})",
            f"            run = run_{number} if stop - start == {height} else {rest}",
            f"            run({', '.join(['start', 'stop', *moving])}, *totals)",
            f"    for totals in totals_{number}[1:]:",
        ]
        combine = {"sum": "add", "max": "maximum", "min": "minimum"}
        lines += [
            f"        np.{combine[h]}({emit.name(v)}, totals[{i}], out={emit.name(v)})"
            for i, (h, v) in enumerate(zip(how, stage.totals, strict=True))
        ] or ["        pass"]
        return lines

    def _step(self, arguments: list[str]) -> str:
        lines = [f"def step({', '.join(arguments)}):", '    with np.errstate(all="ignore"):']
        for number, stage in enumerate(self.plan.stages):
            names = [p.removesuffix("_all") for p in stage.parameters]
            names = [p for p in names if p not in ("start", "stop") and not p.endswith("_total")]
            call = "tiles" if stage.tiled else "run"
            lines.append(f"        {call}_{number}({', '.join(names)})")
        results = [f"{emit.name(v)}.copy()" for v in self.program.results]
        lines.append(f"    return {', '.join(results) if results else None}")
        if not arguments:
            lines += ["", "", 'if __name__ == "__main__":', "    print(step())"]
        return "\n".join(lines) + "\n"


def _empty(array: Any) -> str:
    return f"np.empty({array.shape}, '{array.dtype}')"


def _number(array: Any) -> str:
    text = repr(array.item())
    return f"float('{text}')" if "inf" in text or "nan" in text else text
