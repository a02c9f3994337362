"""From a program to something that runs: schedule, buffers, source, and the loop over tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from autograd_iron.arrays import cpu, device
from autograd_iron.plan.numpy import emit
from autograd_iron.plan.numpy import source as source_text
from autograd_iron.plan.numpy.threads import share_out
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.plan.schedule import buffers, pack, tiling
from autograd_iron.support import forks

# A tile's buffers may take this many second-level caches, for they are not all in use at once.
# Milliseconds a step, medians of one run: tanh network, SIREN (see tests/benchmarks/compiled.py).
#   1/2: 40.7, 329    1: 30.8, 305    2: 29.0, 296    3: 27.9, -    4: -, 316
CACHES = 2


@dataclass
class Stage:
    """A region as it runs: what printing and ejecting the plan read.

    Attributes
    ----------
    steps : list of Step
    tiled : bool
        Whether it runs once for every tile.
    source : str
    names : dict of str to object
        What `make` is called with, by name.
    parameters : list of str
        Of `run`.
    totals : list of Value
        The reductions over the rows.
    slots : dict of Value to int
        The buffer of each value that has none to itself for good; one buffer holds many in turn.
    kernels : dict of str to Primitive
        The primitives that are run by their kernels, by the name that the source has for these.
    rest : dict of str to object, optional
        What `make` is called with for a last tile that is lower.
    """

    steps: list[Step]
    tiled: bool
    source: str
    names: dict[str, Any]
    parameters: list[str]
    totals: list[Value]
    slots: dict[Value, int]
    kernels: dict[str, Any]
    rest: dict[str, Any] | None = None


class Plan:
    """A program that is ready to run.

    Parameters
    ----------
    program : Program
    threads : int
    cache_bytes : int, optional
        What a tile's buffers may take.  Default: twice the second-level cache of a core.

    Attributes
    ----------
    source : str
        The Python that runs.
    tile : int
        Rows at a time; 0 if nothing is cut.
    stages : list of Stage
        In the order in which they run.
    bytes : int
        Memory of all buffers, those of every thread included.
    how : str
        How it runs, for `Compiled.explain`.
    views : list of str
        Lines that make the views of memory that never moves.
    view_functions : set of str
        The functions of the array library that these lines call.
    old : dict of Value to array
        Where a value that the step changes, and is to return as it was, is kept during a step.
    """

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a plan is bound to the memory of this process and cannot be copied or pickled: take "
            "the compiled function, which captures again"
        )

    def __str__(self) -> str:
        from autograd_iron.plan.show import show

        return show(self)

    def __init__(self, program: Program, threads: int, cache_bytes: int | None = None) -> None:
        self.program = program
        self.threads = threads
        self.schedule, self.tile = tiling.whole(program), 0
        for rows in tiling.candidates(program):
            schedule = tiling.cut(program, rows)
            height = _tile_height(schedule, cache_bytes or CACHES * cpu.cache_size())
            if height < rows:
                self.schedule, self.tile = schedule, height
                break
        self._arrays: dict[Value, Any] = {}
        self.old: dict[Value, Any] = {}
        self.views: list[str] = []
        self.view_functions: set[str] = set()
        self._bind_sources()
        self._moving = list(program.arguments)
        self._runs: list[Callable[[tuple[Any, ...]], None]] = []
        self.stages: list[Stage] = []
        self.bytes = 0
        self._build()
        ends = [*program.results, *(v for _, v in program.gradients)]
        self._outputs = [self._where_is(v) for v in ends]
        self._quietly = cpu.quietly()
        forks.renew(self)
        self.source = "\n\n".join(stage.source for stage in self.stages)
        self.how = "all rows at once"
        if self.tile:
            self.how = f"{self.tile} of {self.schedule.rows} rows at a time, {threads} threads"

    def after_fork(self) -> None:
        """Give a forked process a context of its own: a thread of the parent may be in this one."""
        self._quietly = cpu.quietly()

    def draw(self) -> None:
        """Draw the random numbers of the next run."""
        for fill, value in self.program.draws:
            fill(self._arrays[value])

    def run(self, *given: Any) -> list[Any]:
        """Run on the arrays of the arguments; return copies of the results.

        Raises
        ------
        IndexError
            An index that is computed or given is out of range.
        ValueError
            A check of the function's refuses the values; nothing has been changed.
        """
        try:
            results: list[Any] = self._quietly(self._run, given)
        except IndexError as error:
            raise IndexError(
                f"a compiled step looks up what is not there: {error}. Check the integers in the "
                "Tensors that it uses as an index"
            ) from None
        return results

    def _run(self, given: tuple[Any, ...]) -> list[Any]:
        for run in self._runs:
            run(given)
        return [(given[a] if type(a) is int else a).copy() for a in self._outputs]

    def arrays(self) -> list[tuple[Value, Any]]:
        """Return the values that live from run to run, with their memory."""
        return list(self._arrays.items())

    # --- memory

    def _bind_sources(self) -> None:
        for tensor, value in self.program.captured:
            self._arrays[value] = tensor.data
        for array, value in self.program.constants:
            self._arrays[value] = array
        for (_, value), array in zip(self.program.draws, self.program.drawn, strict=True):
            self._arrays[value] = array

    def _where_is(self, value: Value) -> Any:
        """Return the memory of a value at the end, or which of the arguments it is."""
        known = self.old.get(value, self._arrays.get(value))
        return self._moving.index(value) if known is None else known

    def _dense(self) -> set[Value]:
        return {v for v, array in self._arrays.items() if device.is_dense(array)}

    def _own(self, value: Value) -> Any:
        if value not in self._arrays:
            self._arrays[value] = cpu.empty(value.shape, value.dtype)
        return self._arrays[value]

    # --- stages

    def _build(self) -> None:
        schedule = self.schedule
        regions = []
        for phase in schedule.phases:
            regions.append((False, self._without_static_views(phase.whole)))
            regions.append((True, phase.tiled))
        regions = [(tiled, steps) for tiled, steps in regions if steps]
        wanted = self.program.wanted()
        if not regions or regions[-1][0]:
            regions.append((False, []))
        first, rest = self._refusals_first(regions[-1][1])
        looks = -1
        if first or self.program.checks:
            looks = len(regions) - 1
            regions[looks:] = [(False, first), (False, rest)]
        for i, (tiled, steps) in enumerate(regions):
            later = {v for _, others in regions[i + 1 :] for s in others for v in s.values}
            made = {v for s in steps for v in s.outputs}
            kept = {v for v in made if v in later or v in wanted}
            last = i == len(regions) - 1
            if tiled:
                self._tiled_stage(steps, kept)
            else:
                self._whole_stage(steps, kept, last, looks=i == looks)

    def _refusals_first(self, steps: list[Step]) -> tuple[list[Step], list[Step]]:
        """Return what may refuse its values, with what it needs, and the rest.

        Tensors are written with the rest: a run that is refused has changed nothing.
        """
        refusing = (v for step in steps if emit.may_refuse(step) for v in step.outputs)
        needed = {*self.program.checked(), *refusing}
        for step in reversed(steps):
            if not needed.isdisjoint(step.outputs):
                needed.update(step.values)
        first = [step for step in steps if not needed.isdisjoint(step.outputs)]
        return first, [step for step in steps if needed.isdisjoint(step.outputs)]

    def _without_static_views(self, steps: list[Step]) -> list[Step]:
        """Make views of memory that never moves once and for all."""
        left = []
        for step in steps:
            source = step.inputs[0] if step.inputs else None
            if step.primitive.name in emit.VIEWS and source in self._arrays:
                array = self._arrays[source]
                view = step.primitive.compute([array], step.attributes)
                if view.size and device.storage(view) is device.storage(array):
                    # A reshape that shows memory does so whether it is dense or not.
                    text = emit.emit(emit.Region([step], dense={source}))
                    if text.setup:
                        self._arrays[step.output] = view
                        self.views += text.setup
                        self.view_functions |= text.functions
                        continue
            left.append(step)
        return left

    def _whole_stage(self, steps: list[Step], kept: set[Value], last: bool, looks: bool) -> None:
        effects = self.program.effects if last else []
        saved = self._old_values(effects)
        direct = _direct_writes(steps, effects, self._arrays, kept)
        for value, target in direct.items():
            self._arrays[value] = target
        for value in kept:
            self._own(value)
        steps = self._packed(steps)
        region = emit.Region(
            steps,
            dense=self._dense(),
            moving=set(self._moving),
            kept=kept | set(direct),
        )
        text = emit.emit(region)
        end: list[tuple[str, Any, str]] = []
        for tensor, value in effects:
            if direct.get(value) is not tensor.data:
                text.functions.add("copyto")
                source = f"old_{value.number}" if value in saved else emit.name(value)
                end.append((f"target_{len(end)}", tensor.data, source))
        text.body += [f"copyto({label}, {source})" for label, _, source in end]
        for i, check in enumerate(self.program.checks if looks else ()):
            text.settings[f"refusal_{i}"] = check.message
            extremes = emit.name(check.lowest), emit.name(check.highest)
            text.body.append(check.text(*extremes, f"refusal_{i}"))
        extra = {label: array for label, array, _ in end}
        if saved:
            text.functions.add("copyto")
            first = [f"copyto(old_{v.number}, {emit.name(v)})" for v in saved]
            text.body = first + text.body
            extra |= {f"old_{v.number}": array for v, array in saved.items()}
            self.old |= saved
        used = {v for s in steps for v in s.values} | {v for _, v in effects}
        parameters = [v for v in self._moving if v in used]
        positions = [self._moving.index(v) for v in parameters]
        run, stage, _ = self._bind(region, text, 0, [emit.name(v) for v in parameters], kept, extra)
        self.stages.append(stage)
        if positions == list(range(len(self._moving))):
            self._runs.append(lambda given: run(*given))
        else:
            self._runs.append(lambda given: run(*[given[i] for i in positions]))

    def _packed(self, steps: list[Step]) -> list[Step]:
        """Join equal steps on small values, and lay these one after the other."""
        views = {v for s in steps if s.primitive.name in emit.VIEWS for v in s.outputs}
        steps, packs = pack.pack(self.program, steps, self._arrays.keys() | views)
        for block, values in packs.items():
            memory = self._own(block)
            self.bytes += block.bytes
            start = 0
            for v in values:
                stop = start + v.size
                self._arrays[v] = memory[start:stop].reshape(v.shape)
                cut = f"{emit.name(block)}[{start}:{stop}].reshape({v.shape})"
                self.views.append(f"{emit.name(v)} = {cut}")
                start = stop
        return steps

    def _old_values(self, effects: list[tuple[Any, Value]]) -> dict[Value, Any]:
        """Return memory for the wanted values that lie where the effects write."""
        targets = {id(device.storage(tensor.data)) for tensor, _ in effects}
        return {
            v: cpu.empty(v.shape, v.dtype)
            for v in self.program.wanted()
            if v in self._arrays and id(device.storage(self._arrays[v])) in targets
        }

    def _tiled_stage(self, steps: list[Step], kept: set[Value]) -> None:
        schedule = self.schedule
        rows, height = schedule.rows, self.tile
        totals = [v for s in steps for v in s.outputs if v in schedule.combine]
        sliced = {v for v in schedule.full if v in schedule.axis}
        region = emit.Region(
            steps,
            axis=schedule.axis,
            sliced=sliced,
            dense=self._dense(),
            moving=set(self._moving),
            combine=schedule.combine,
        )
        for value in kept:
            if value not in totals:
                self._own(value)
        text = emit.emit(region)
        in_rows = [v for v in self._moving if f"{emit.name(v)}_all" in "\n".join(text.body)]
        others = [v for v in self._moving if v not in in_rows and source_text.mentions(text, v)]
        parameters = ["start", "stop"]
        parameters += [f"{emit.name(v)}_all" for v in in_rows]
        parameters += [emit.name(v) for v in others]
        parameters += [f"{emit.name(v)}_total" for v in totals]
        positions = [self._moving.index(v) for v in (*in_rows, *others)]

        workers = []
        for number in range(self.threads):
            # The last tile may be lower; it uses the same memory.
            run, stage, memory = self._bind(region, text, height, parameters, kept)
            runs = {height: run}
            if rows % height:
                runs[rows % height], last, _ = self._bind(
                    region, text, rows % height, parameters, kept, memory=memory
                )
                stage.rest = last.names
            workers.append(runs)
            if number == 0:
                stage.totals = totals
                self.stages.append(stage)
        groups = tiling.groups(rows, height)
        sums = [[cpu.empty(v.shape, v.dtype) for v in totals] for _ in range(len(groups))]
        fills = [tiling.neutral(schedule.combine[v], v.dtype) for v in totals]
        for i, v in enumerate(totals):
            self._arrays[v] = sums[0][i]
            self.bytes += v.bytes * len(groups)

        def work(worker: int, given: tuple[Any, ...]) -> None:
            runs = workers[worker]
            moving = [given[i] for i in positions]
            for number in range(worker, len(groups), len(workers)):
                own = sums[number]
                for total, fill in zip(own, fills, strict=True):
                    total.fill(fill)
                for start in groups[number]:
                    stop = min(start + height, rows)
                    runs[stop - start](start, stop, *moving, *own)

        def run_tiles(given: tuple[Any, ...]) -> None:
            with cpu.single_threaded_blas():
                share_out(len(workers), work, given)
            for group in sums[1:]:
                for total, part, v in zip(sums[0], group, totals, strict=True):
                    cpu.combine(schedule.combine[v], total, part)

        self._runs.append(run_tiles)

    # --- binding

    def _bind(
        self,
        region: emit.Region,
        text: emit.Text,
        height: int,
        parameters: list[str],
        kept: set[Value],
        extra: dict[str, Any] | None = None,
        memory: tuple[buffers.Layout, list[Any]] | None = None,
    ) -> tuple[Callable[..., None], Stage, tuple[buffers.Layout, list[Any]]]:
        local = [v for v in text.buffered if v not in self._arrays or v in region.combine]
        shapes = {v: region.shape(v, height) for v in local}
        sizes = {v: max(1, math.prod(s) * v.dtype.itemsize) for v, s in shapes.items()}
        ends = [v for v in kept if v in sizes]
        if memory is None:
            layout = buffers.assign(region.steps, text.roots, sizes, ends, text.in_place)
            memory = layout, [cpu.memory(size) for size in layout.sizes]
            self.bytes += layout.bytes
        layout, blocks = memory
        names: dict[str, Any] = {
            emit.name(v): cpu.cast_memory(blocks[layout.slot[v]], shapes[v], v.dtype) for v in local
        }
        lines = "\n".join((*text.setup, *text.body))
        for value, array in self._arrays.items():
            if value in shapes:
                continue
            label = emit.name(value)
            names.setdefault(label, array)
            if f"{label}_all" in lines:
                names[f"{label}_all"] = array
        names |= text.constants | text.settings | (extra or {})
        names |= {f: cpu.function(f) for f in sorted(text.functions)}
        names |= {label: _kernel(primitive) for label, primitive in text.kernels.items()}
        names["height"] = height
        used = [n for n in names if n not in parameters and source_text.has_word(n, lines)]
        source = source_text.write(used, text, parameters)
        given = {n: names[n] for n in used}
        run = source_text.compiled(source)(*given.values())
        kernels = text.kernels
        stage = Stage(region.steps, height > 0, source, given, parameters, [], layout.slot, kernels)
        return run, stage, memory


def _kernel(primitive: Any) -> Callable[..., None]:
    """Return what runs a primitive's kernel into buffers, and holds it to its shape rule."""

    def call(out: tuple[Any, ...], *arrays: Any, **attributes: Any) -> None:
        made = primitive.compute(list(arrays), attributes)
        found = made if type(made) is tuple else (made,)
        for buffer, array in zip(out, found, strict=True):
            if array.shape != buffer.shape or array.dtype != buffer.dtype:
                raise TypeError(
                    f"{primitive.name}: the shape rule says {buffer.dtype}{list(buffer.shape)}, "
                    f"and the kernel made {array.dtype}{list(array.shape)}"
                )
            device.write(buffer, array)

    return call


def _tile_height(schedule: tiling.Schedule, cache_bytes: int) -> int:
    """Return how many rows fit into the cache with everything that is alive beside them."""
    per_row = 0
    for phase in schedule.phases:
        if not phase.tiled:
            continue
        region = emit.Region(
            phase.tiled, axis=schedule.axis, sliced=schedule.full, combine=schedule.combine
        )
        text = emit.emit(region)
        in_rows = [v for v in text.buffered if v in schedule.axis]
        sizes = {v: math.prod(region.shape(v, 1)) * v.dtype.itemsize for v in in_rows}
        layout = buffers.assign(phase.tiled, text.roots, sizes, [], text.in_place)
        per_row = max(per_row, layout.bytes)
    if not per_row:
        return schedule.rows
    smallest = tiling.SMALLEST_TILE
    height = max(smallest, cache_bytes // per_row // smallest * smallest)
    tiles = math.ceil(schedule.rows / height)
    return math.ceil(schedule.rows / tiles)


def _direct_writes(
    steps: list[Step],
    effects: list[tuple[Any, Value]],
    arrays: dict[Value, Any],
    kept: set[Value],
) -> dict[Value, Any]:
    """Return the values that may lie in the memory of the tensor that they end in.

    These are the effects that a ufunc makes, and what a chain of ufuncs makes on the way there,
    once nothing else reads the tensor: 0.9 * v and then 0.9 * v + g, both in v.
    """
    direct: dict[Value, Any] = {}
    made = {v: i for i, s in enumerate(steps) for v in s.outputs}
    read: dict[Value, list[int]] = {}
    for i, step in enumerate(steps):
        for v in set(step.values):
            read.setdefault(v, []).append(i)
    for tensor, end in effects:
        if end in direct or sum(t is tensor for t, _ in effects) > 1:
            continue
        memory = device.storage(tensor.data)
        shows = {v for v, a in arrays.items() if device.storage(a) is memory}
        last = max((i for v in shows for i in read.get(v, ())), default=0)
        value: Value | None = end
        while value in made:
            i = made[value]
            step = steps[i]
            fits = value.shape == tensor.shape and value.dtype == tensor.dtype
            if not fits or i < last or step.primitive.ufunc is None:
                break
            if not all(arrays[v] is tensor.data for v in step.values if v in shows):
                break
            direct[value] = tensor.data
            alone = (v for v in step.values if v in made and read[v] == [i] and v not in kept)
            value = next(alone, None)
    return direct
