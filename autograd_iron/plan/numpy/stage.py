"""A stage of a plan: lines bound to the memory in which they run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from autograd_iron.arrays import cpu, device
from autograd_iron.plan.numpy.emit import Text, all_rows, total_of
from autograd_iron.plan.numpy.held import first_run, is_foreign
from autograd_iron.plan.numpy.lines import variable
from autograd_iron.plan.numpy.source import Source
from autograd_iron.plan.program import Step, Value
from autograd_iron.plan.schedule import buffers


@dataclass
class Stage:
    """A region as it runs: what printing and ejecting the plan read.

    Attributes
    ----------
    steps : list of Step
    tiled : bool
        Whether it runs once for every tile.
    text : Text
        Its lines.
    names : dict of str to object
        What `make` is called with, by name.
    parameters : Parameters
        Of `run`.
    buffers : set of str
        Of the names, those of memory that holds values in turn, or in part.
    slots : dict of Value to int
        The buffer of each value that has none to itself for good; one buffer holds many in turn.
    rest : dict of str to object, optional
        What `make` is called with for a last tile that is lower.
    """

    steps: list[Step]
    tiled: bool
    text: Text
    names: dict[str, Any]
    parameters: Parameters
    buffers: set[str]
    slots: dict[Value, int]
    rest: dict[str, Any] | None = None

    def source(self, title: str = "make") -> str:
        """Return the Python that runs, as a function of this name that makes `run`."""
        source = Source.of(self.text.setup, self.text.body)
        return source.text(self.names, self.parameters.labels, title)


@dataclass(frozen=True)
class Parameters:
    """What `run` of a stage is called with.

    Attributes
    ----------
    in_rows : list of Value
        Arguments of the step of which a tile sees some rows.
    given : list of Value
        Other arguments of the step.
    totals : list of Value
        The reductions over the rows.
    tiled : bool
        Whether it is called with the first and the last row.
    """

    in_rows: list[Value]
    given: list[Value]
    totals: list[Value]
    tiled: bool = False

    @property
    def moving(self) -> list[Value]:
        """The arguments of the step among them."""
        return [*self.in_rows, *self.given]

    @property
    def labels(self) -> list[str]:
        """The names of the parameters."""
        return [
            *(("start", "stop") if self.tiled else ()),
            *(all_rows(v).label for v in self.in_rows),
            *map(variable, self.given),
            *(total_of(v).label for v in self.totals),
        ]


@dataclass(frozen=True)
class Memory:
    """The buffers of a stage, and which value lies in which."""

    layout: buffers.Layout
    blocks: list[Any]

    @classmethod
    def of(
        cls,
        steps: list[Step],
        text: Text,
        shapes: dict[Value, tuple[int, ...]],
        kept: Iterable[Value],
    ) -> Memory:
        """Return memory for values of these shapes; those that are kept live to the end."""
        sizes = {v: max(1, math.prod(s) * v.dtype.itemsize) for v, s in shapes.items()}
        ends = [v for v in kept if v in sizes]
        layout = buffers.assign(steps, text.roots, sizes, ends, text.in_place)
        return cls(layout, [cpu.memory(size) for size in layout.sizes])

    def arrays(self, shapes: dict[Value, tuple[int, ...]]) -> dict[str, Any]:
        """Return where each value lies, by its variable; values that lie alike share an array."""
        looks: dict[Any, Any] = {}
        found: dict[str, Any] = {}
        for v, shape in shapes.items():
            slot = self.layout.slot[v]
            key = (slot, shape, v.dtype)
            if key not in looks:
                looks[key] = cpu.cast_memory(self.blocks[slot], shape, v.dtype)
            found[variable(v)] = looks[key]
        return found


def bind(
    steps: list[Step],
    text: Text,
    source: Source,
    height: int,
    parameters: Parameters,
    shapes: dict[Value, tuple[int, ...]],
    memory: Memory,
    arrays: dict[Value, Any],
    extra: dict[str, Any] | None,
) -> tuple[Callable[..., None], Stage]:
    """Return what runs lines, and the stage that they are.

    Parameters
    ----------
    height : int
        Of a tile; 0 for a whole stage.
    shapes : dict of Value to tuple of int
        Of the values that lie in `memory`.
    arrays : dict of Value to array
        Where other values lie.
    extra : dict of str to object, optional
        What else the lines name.
    """
    used = source.names.difference(parameters.labels)
    given = memory.arrays(shapes)
    own = set(given)
    for value, array in arrays.items():
        if value not in shapes:
            given.setdefault(variable(value), array)
            if height:
                given[all_rows(value).label] = array
    given |= text.constants | text.settings | (extra or {})
    given |= {f: cpu.function(f) for f in sorted(text.functions)}
    given |= {name: _kernel(primitive, height > 0) for name, primitive in text.kernels.items()}
    given["height"] = height
    given = {name: thing for name, thing in given.items() if name in used}
    stage = Stage(steps, height > 0, text, given, parameters, own, memory.layout.slot)
    return source.bound(given, parameters.labels), stage


def _kernel(primitive: Any, tiled: bool) -> Callable[..., None]:
    """Return what runs a primitive's kernel into buffers, and holds it to its record."""
    unproven = {primitive} if is_foreign(primitive) else set()

    def call(out: tuple[Any, ...], *arrays: Any, **attributes: Any) -> None:
        if unproven:
            made = first_run(primitive, list(arrays), attributes, tiled)
            unproven.clear()
        elif len(out) == 1 and primitive.write(out[0], list(arrays), attributes):
            return
        else:
            made = primitive.compute(list(arrays), attributes)
        found = made if type(made) is tuple else (made,)
        if len(found) != len(out):
            raise TypeError(
                f"{primitive.name}: the shape rule says {len(out)} outputs, and the kernel made "
                f"{len(found)}"
            )
        for buffer, array in zip(out, found, strict=True):
            if array.shape != buffer.shape or array.dtype != buffer.dtype:
                raise TypeError(
                    f"{primitive.name}: the shape rule says {buffer.dtype}{list(buffer.shape)}, "
                    f"and the kernel made {array.dtype}{list(array.shape)}"
                )
            device.write(buffer, array)

    return call
