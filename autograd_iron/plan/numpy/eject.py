"""Writing a plan as a Python file of its own, which needs NumPy (bfloat16: ml_dtypes) alone.

The user's names are shown in comments and in the docstring, and are a part of nothing that runs.
"""

from __future__ import annotations

import hashlib
import os
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

from autograd_iron.arrays import cpu, device, dtypes
from autograd_iron.plan.numpy.build import Plan
from autograd_iron.plan.numpy.lines import python, variable
from autograd_iron.plan.numpy.stage import Stage
from autograd_iron.plan.program import Value
from autograd_iron.plan.schedule import tiling
from autograd_iron.support.files import write_together
from autograd_iron.support.text import docstring, number_text, visible

# How a file that eject wrote starts, and the array that says which text the others belong to.
_MARK = "# Written by autograd_iron's eject, which may write over this file."
_SEAL = "eject"

_HEADER = '''{mark}
"""{text}
"""

import os
from pathlib import Path

# One thread for each product: the bits of a product depend on how many share it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

{imports}import numpy as np
{functions}
with np.load(Path(__file__).with_suffix(".npz")) as file:
    data = dict(file)
if str(data.get("{key}")) != "{seal}":
    raise ImportError("the .npz file beside this one was written for another: eject both again")


def checked(number, given, shape, dtype):
    array = np.asarray(given)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"step: argument {{number}} is {{array.dtype}} {{list(array.shape)}}; "
            f"this step was written for {{dtype}} {{list(shape)}}"
        )
    return array

'''
_BFLOAT16 = "import ml_dtypes  # lets NumPy know bfloat16\n"
_NEEDED = ("numpy", "ml_dtypes")


def eject(plan: Plan, title: str, gradients: list[Any], path: str | os.PathLike[str]) -> None:
    """Write the plan; see `Compiled.eject`.

    Parameters
    ----------
    plan : Plan
    title : str
    gradients : list of Tensor or int
        Whose gradients the plan's are: a tensor that it uses, or the number of an argument.
    path : path
    """
    kernels = sorted(set().union(*map(_without_text, plan.stages)))
    if kernels:
        raise ValueError(
            f"eject: {', '.join(map(visible, kernels))} can only be run by its kernel, which is "
            "not a part of the file. Give a primitive of your own a `decompose`, which says it in "
            "the words of the vocabulary; of the engine's, compute float16 in float32 and the "
            "others in other words"
        )
    code, data = _places(Path(path))
    text, arrays = _Writer(plan, gradients).module(title, data.name)
    write_together(
        {
            data: lambda file: cpu.save_arrays(file, arrays),
            code: lambda file: file.write(text.encode()),
        }
    )


def _without_text(stage: Stage) -> set[str]:
    """Return the names of the primitives that nothing but their kernels can run."""
    called = set(stage.text.kernels.values())
    return {
        step.primitive.name
        for step in stage.steps
        if step.primitive in called
        and (
            step.primitive.numpy is None
            or any(dtypes.is_narrow(v.dtype) for v in (*step.values, *step.outputs))
        )
    }


def _places(code: Path) -> tuple[Path, Path]:
    """Return where the text and the arrays go, once it is sure that nothing is lost there."""
    if code.suffix != ".py":
        raise ValueError(
            f"eject: what is written is Python, and {visible(code.name)} does not end in .py. Its "
            "arrays are written beside it, into a file that ends in .npz"
        )
    if code.stem in sys.stdlib_module_names or code.stem in _NEEDED:
        raise ValueError(
            f"eject: a file called {code.name} would hide the module {code.stem} from Python "
            "itself, which runs it. Choose another name"
        )
    data = code.with_suffix(".npz")
    for path, ours in ((code, _is_our_text), (data, _are_our_arrays)):
        if os.path.lexists(path) and not (path.is_file() and ours(path)):
            raise FileExistsError(
                f"eject: {visible(path)} is there and was not written by eject. Choose another "
                "name, or move it away first"
            )
    return code, data


def _is_our_text(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK.encode()


def _are_our_arrays(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return f"{_SEAL}.npy" in file.namelist()
    except zipfile.BadZipFile:
        return False


class _Writer:
    def __init__(self, plan: Plan, gradients: list[Any]) -> None:
        self.plan = plan
        self.program = plan.program
        self.saved: dict[str, Any] = {}
        self.kernels: dict[str, Any] = {}
        self.buffers: set[str] = set()
        self.names = {v: visible(path) for v, path in self.program.names.items()}
        self.drawn = [v for _, v in self.program.draws]
        used = {id(tensor.data): variable(v) for tensor, v in self.program.captured}
        self.gradients: list[tuple[str, Value]] = []
        for i, (of, (_, value)) in enumerate(zip(gradients, self.program.gradients, strict=True)):
            if isinstance(of, int):
                name = variable(self.program.arguments[of])
            else:
                name = used.get(id(of.data), f"gradient_{i}")
            self.gradients.append((name, value))

    def module(self, title: str, data: str) -> tuple[str, dict[str, Any]]:
        """Return the text and the arrays that it reads."""
        memory = self._memory()
        stages = [self._stage(i, stage) for i, stage in enumerate(self.plan.stages)]
        body = "\n".join([memory, *stages, self._step()])
        functions = {n for s in self.plan.stages for n, o in s.names.items() if cpu.is_function(o)}
        functions |= self.plan.view_functions
        own = {n for s in self.plan.stages for n in s.names if n in cpu.OWN}
        own |= functions & cpu.OWN.keys()
        taken = "".join(f"    {f},\n" for f in sorted(functions - own))
        seal = hashlib.sha256(body.encode())
        for array in self.saved.values():
            seal.update(array.tobytes())
        self.saved[_SEAL] = seal.hexdigest()
        header = _HEADER.format(
            mark=_MARK,
            text=docstring(self._says(title, data)),
            imports=_BFLOAT16 if self._is_narrow() else "",
            functions=(f"from numpy import (\n{taken})\n" if taken else "")
            + "".join(f"\n{name} = {cpu.OWN[name][1]}" for name in sorted(own)),
            key=_SEAL,
            seal=self.saved[_SEAL],
        )
        return header + body, self.saved

    def _is_narrow(self) -> bool:
        """Return whether the file meets bfloat16, of which NumPy alone knows nothing."""
        met = [*self.program.sources(), *self.program.wanted()]
        met += [v for stage in self.plan.stages for step in stage.steps for v in step.outputs]
        return any(v.dtype == dtypes.bfloat16 for v in met)

    def _says(self, title: str, data: str) -> str:
        """Return what the docstring says."""
        program = self.program
        arguments = ", ".join(variable(v) for v in program.arguments)
        results = ", ".join(map(_kind, program.results))
        takes = ", ".join(f"{variable(v)} {_kind(v)}" for v in program.arguments)
        kept = ", ".join(self.names.values())
        parts = [
            f"{visible(title)}: one step, written out as NumPy.",
            f"`step({arguments})` runs it"
            + (f" on arrays: {takes}. It" if takes else " and")
            + f" returns {'copies of: ' + results if results else 'nothing'}. What lives from step "
            f"to step is read from {visible(data)} beside this file{': ' + kept if kept else ''}. "
            "Numbers that change from step to step, such as the learning rate, are among these "
            "arrays, with the values of the last step that ran before this was written.",
        ]
        if self.drawn:
            parts.append(
                "What the compiled step draws or reads anew each time (random numbers, gradients "
                "from before) is here what it was in that step too, until something else is "
                f"written into it: {', '.join(map(variable, self.drawn))}."
            )
        if self.gradients:
            parts.append(
                "`gradients` has what the step leaves in `.grad`, by the variable of the tensor; "
                "that of a tensor which has none is called `gradient_` and its number."
            )
        return "\n\n".join(textwrap.fill(part, 98, break_on_hyphens=False) for part in parts)

    def _memory(self) -> str:
        lines = []
        sources = set(self.program.sources())
        views = {variable(line.name): line for line in self.plan.views}
        seen: dict[int, str] = {}
        for value, array in self.plan.arrays():
            name = variable(value)
            if name in views:
                lines += python(views[name], set())
            elif id(array) in seen:
                lines.append(f"{name} = {seen[id(array)]}")
            elif value in sources:
                note = self.names.get(value, "drawn anew each time" if value in self.drawn else "")
                lines.append(f"{name} = {self._read(name, array)}" + (f"  # {note}" * bool(note)))
            else:
                lines.append(f"{name} = {_empty(array)}")
            seen.setdefault(id(array), name)
        for value, array in self.plan.old.items():
            seen[id(array)] = _old(value)
            lines.append(f"{_old(value)} = {_empty(array)}")
        self.labels = seen
        return "\n".join(lines) + "\n\n"

    def _read(self, label: str, array: Any) -> str:
        """Save an array, and return how the file reads it: in the layout that it has here."""
        text = f'data["{label}"]'
        if array.dtype == "bfloat16":  # the format knows its bits alone
            array, text = array.view("uint16"), f'{text}.view("bfloat16")'
        if not device.is_dense(array):  # in which order a sum adds up depends on it
            strides = array.strides
            axes = sorted(range(array.ndim), key=lambda axis: -abs(strides[axis]))
            text += f".transpose({tuple(map(axes.index, range(array.ndim)))})"
            text += f"[{', '.join('::-1' if stride < 0 else ':' for stride in strides)}]"
            array = array[tuple(slice(None, None, -1 if s < 0 else 1) for s in strides)]
            array = array.transpose(axes)
        self.saved[label] = array
        return text

    def _stage(self, number: int, stage: Stage) -> str:
        self.kernels, self.buffers = stage.text.kernels, stage.buffers
        lines = [line for name in self.kernels for line in self._kernel(name)]
        lines += [
            stage.source(f"make_{number}"),
            "",
            "",
            f"run_{number} = {self._made(number, stage.names)}",
        ]
        if stage.tiled:
            lines += self._tiles(number, stage)
        return "\n".join(lines) + "\n\n"

    def _kernel(self, label: str) -> list[str]:
        """Return the function of NumPy's that stands for a kernel, writing into buffers."""
        return [
            f"def {label}(out, *arrays, **settings):",
            f"    made = np.{self.kernels[label].numpy}(*arrays, **settings)",
            "    for buffer, array in zip(out, made if isinstance(made, tuple) else (made,)):",
            "        np.copyto(buffer, array)",
            "",
            "",
        ]

    def _made(self, number: int, names: dict[str, Any]) -> str:
        parts = [self._object(name, value) for name, value in names.items()]
        return f"make_{number}({', '.join(parts)})"

    def _object(self, name: str, value: Any) -> str:
        if cpu.is_function(value) or name in cpu.OWN or name in self.kernels:
            return name
        if isinstance(value, device.Array):
            if id(value) in self.labels:
                return self.labels[id(value)]
            if name in self.buffers:
                return _empty(value)
            if value.ndim == 0:
                return f"np.array({number_text(value)}, '{value.dtype}')"
        return self._literal(name, value)

    def _literal(self, name: str, value: Any) -> str:
        """Return an index, a part of one, or a message."""
        if isinstance(value, str):
            return ascii(value)
        if isinstance(value, device.Array):
            return self._read(name, value)
        if isinstance(value, tuple | list):
            parts = [self._literal(f"{name}_{i}", part) for i, part in enumerate(value)]
            if isinstance(value, list):
                return f"[{', '.join(parts)}]"
            return f"({''.join(f'{part}, ' for part in parts)})"
        if isinstance(value, dict):
            items = (f"{k!a}: {self._literal(f'{name}_{k}', v)}" for k, v in value.items())
            return f"{{{', '.join(items)}}}"
        if isinstance(value, slice):
            bounds = (value.start, value.stop, value.step)
            return f"slice({', '.join(self._literal(name, bound) for bound in bounds)})"
        return "None" if value is None else "..." if value is ... else number_text(value)

    def _tiles(self, number: int, stage: Stage) -> list[str]:
        plan = self.plan
        rows, height = plan.schedule.rows, plan.tile
        ends = stage.parameters.totals
        how = [tiling.folding(plan.schedule.combine[v]) for v in ends]
        totals = ", ".join(map(variable, ends))
        moving = [variable(v) for v in stage.parameters.moving]
        groups = tiling.groups(rows, height)
        rest = f"run_{number}"
        lines = []
        if stage.rest is not None:
            rest = f"rest_{number}"
            lines.append(f"{rest} = {self._made(number, stage.rest)}")
        comma = "," if len(ends) == 1 else ""
        fills = [number_text(h.start(v.dtype)) for h, v in zip(how, ends, strict=True)]
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
        lines += [
            f"        np.{h.combine.ufunc}({variable(v)}, totals[{i}], out={variable(v)})"
            for i, (h, v) in enumerate(zip(how, ends, strict=True))
        ] or ["        pass"]
        return lines

    def _step(self) -> str:
        arguments = [variable(v) for v in self.program.arguments]
        lines = ["gradients = {}", "", ""] if self.gradients else []
        lines.append(f"def step({', '.join(arguments)}):")
        lines += [
            f"    {variable(v)} = checked({i}, {variable(v)}, {v.shape}, '{v.dtype}')"
            for i, v in enumerate(self.program.arguments)
        ]
        lines.append('    with np.errstate(all="ignore"):')
        for number, stage in enumerate(self.plan.stages):
            names = map(variable, stage.parameters.moving)
            call = "tiles" if stage.tiled else "run"
            lines.append(f"        {call}_{number}({', '.join(names)})")
        lines += [
            f'    gradients["{label}"] = {self._end(value)}' for label, value in self.gradients
        ]
        results = [self._end(v) for v in self.program.results]
        lines.append(f"    return {', '.join(results) if results else None}")
        if not arguments:
            lines += ["", "", 'if __name__ == "__main__":', "    print(step())"]
        return "\n".join(lines) + "\n"

    def _end(self, value: Value) -> str:
        """Return a copy of what a value is after a step."""
        return f"{_old(value) if value in self.plan.old else variable(value)}.copy()"


def _old(value: Value) -> str:
    return f"old_{value.number}"


def _kind(value: Value) -> str:
    return f"{list(value.shape)} {value.dtype}"


def _empty(array: Any) -> str:
    return f"np.empty({array.shape}, '{array.dtype}')"
