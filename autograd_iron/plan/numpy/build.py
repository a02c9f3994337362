"""From a program to something that runs: schedule, buffers, source, and the loop over tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_iron.arrays import cpu, device
from autograd_iron.arrays.threads import share_out
from autograd_iron.plan.base import BasePlan
from autograd_iron.plan.numpy import emit, forms
from autograd_iron.plan.numpy.emit import Text, all_rows
from autograd_iron.plan.numpy.lines import Call, Item, Let, Line, Method, Name, Refuse, variable
from autograd_iron.plan.numpy.source import Source
from autograd_iron.plan.numpy.stage import Memory, Parameters, Stage, bind
from autograd_iron.plan.numpy.writes import direct_writes
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.plan.schedule import buffers, merge, row_axes, tiling
from autograd_iron.support import forks

# A tile's buffers may take this many second-level caches, for they are not all in use at once.
# Milliseconds a step, medians of one run: tanh network, SIREN (see tests/benchmarks/compiled.py).
#   1/2: 40.7, 329    1: 30.8, 305    2: 29.0, 296    3: 27.9, -    4: -, 316
CACHES = 2


class Plan(BasePlan):
    """A program that is ready to run.

    Parameters
    ----------
    program : Program
    threads : int
    cache_bytes : int, optional
        What a tile's buffers may take.  Default: twice the second-level cache of a core.

    Attributes
    ----------
    tile : int
        Rows at a time; 0 if nothing is cut.
    stages : list of Stage
        In the order in which they run.
    bytes : int
        Memory of all buffers, those of every thread included.
    how : str
        How it runs, for `Compiled.explain`.
    views : list of Let
        Lines that make the views of memory that never moves.
    view_functions : set of str
        The functions of the array library that these lines call.
    old : dict of Value to array
        Where a value that the step changes, and is to return as it was, is kept during a step.
    """

    def __str__(self) -> str:
        from autograd_iron.plan.show import show

        return show(self)

    def __init__(self, program: Program, threads: int, cache_bytes: int | None = None) -> None:
        self.program = program
        self.threads = threads
        self.schedule, self.tile = tiling.whole(program), 0
        for axes in row_axes.candidates(program):
            schedule = tiling.cut(program, axes)
            height = _tile_height(schedule, cache_bytes or CACHES * cpu.cache_size())
            if height < axes.count:
                self.schedule, self.tile = schedule, height
                break
        self._arrays: dict[Value, Any] = {}
        self.old: dict[Value, Any] = {}
        self.views: list[Let] = []
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
        self.how = "all rows at once"
        if self.tile:
            given = [v for v in program.sources() if v in self.schedule.axis]
            axis = self.schedule.axis[max(given, key=lambda v: v.bytes)] if given else 0
            rows = f"{self.tile} of {self.schedule.rows} rows (axis {axis}) at a time"
            self.how = f"{rows}, {threads} threads"

    @property
    def source(self) -> str:
        """The Python that runs."""
        return "\n\n".join(stage.source() for stage in self.stages)

    def after_fork(self) -> None:
        """Give a forked process a context of its own: a thread of the parent may be in this one."""
        self._quietly = cpu.quietly()

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
        refusing = (v for step in steps if forms.may_refuse(step) for v in step.outputs)
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
            if step.primitive in forms.VIEWS and source in self._arrays:
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
        direct = direct_writes(steps, effects, self._arrays, kept)
        for value, target in direct.items():
            self._arrays[value] = target
        for value in kept:
            self._own(value)
        steps = self._merged(steps)
        region = emit.Region(
            steps,
            dense=self._dense(),
            moving=set(self._moving),
            kept=kept | set(direct),
        )
        text = emit.emit(region)
        extra: dict[str, Any] = {}
        end: list[Line] = []
        for tensor, value in effects:
            if direct.get(value) is not tensor.data:
                target = Name(f"target_{len(end)}")
                extra[target.label] = tensor.data
                end.append(_copy(target, _old(value) if value in saved else value))
        text.body += end
        for i, check in enumerate(self.program.checks if looks else ()):
            refusal = Name(f"refusal_{i}")
            text.settings[refusal.label] = check.message
            text.body.append(Refuse(check, refusal))
        if end or saved:
            text.functions.add("copyto")
        text.body[:0] = [_copy(_old(v), v) for v in saved]
        extra |= {_old(v).label: array for v, array in saved.items()}
        self.old |= saved
        used = {v for s in steps for v in s.values} | {v for _, v in effects}
        source = Source.of(text.setup, text.body)
        parameters = Parameters([], [v for v in self._moving if v in used], [])
        positions = [self._moving.index(v) for v in parameters.given]
        run, stage, _ = self._bind(region, text, source, 0, parameters, kept, extra)
        self.stages.append(stage)
        if positions == list(range(len(self._moving))):
            self._runs.append(lambda given: run(*given))
        else:
            self._runs.append(lambda given: run(*[given[i] for i in positions]))

    def _merged(self, steps: list[Step]) -> list[Step]:
        """Join equal steps on small values, and lay these one after the other."""
        views = {v for s in steps if s.primitive in forms.VIEWS for v in s.outputs}
        steps, merged = merge.merge(self.program, steps, self._arrays.keys() | views)
        for block, values in merged.items():
            memory = self._own(block)
            self.bytes += block.bytes
            start = 0
            for v in values:
                stop = start + v.size
                self._arrays[v] = memory[start:stop].reshape(v.shape)
                part = Item(block, (slice(start, stop),))
                self.views.append(Let(v, Method(part, "reshape", (v.shape,))))
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
        source = Source.of(text.setup, text.body)
        used = source.names
        in_rows = [v for v in self._moving if all_rows(v).label in used]
        others = [v for v in self._moving if v not in in_rows and variable(v) in used]
        parameters = Parameters(in_rows, others, totals, tiled=True)
        positions = [self._moving.index(v) for v in parameters.moving]

        workers = []
        for number in range(self.threads):
            # The last tile may be lower; it uses the same memory.
            run, stage, memory = self._bind(region, text, source, height, parameters, kept)
            runs = {height: run}
            if rows % height:
                runs[rows % height], last, _ = self._bind(
                    region, text, source, rows % height, parameters, kept, memory=memory
                )
                stage.rest = last.names
            workers.append(runs)
            if number == 0:
                self.stages.append(stage)
        groups = tiling.groups(rows, height)
        sums = [[cpu.empty(v.shape, v.dtype) for v in totals] for _ in range(len(groups))]
        how = [tiling.folding(schedule.combine[v]) for v in totals]
        fills = [each.start(v.dtype) for each, v in zip(how, totals, strict=True)]
        combine = [cpu.function(str(each.combine.ufunc)) for each in how]
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
                for add_up, total, part in zip(combine, sums[0], group, strict=True):
                    add_up(total, part, out=total)

        self._runs.append(run_tiles)

    # --- binding

    def _bind(
        self,
        region: emit.Region,
        text: Text,
        source: Source,
        height: int,
        parameters: Parameters,
        kept: set[Value],
        extra: dict[str, Any] | None = None,
        memory: Memory | None = None,
    ) -> tuple[Callable[..., None], Stage, Memory]:
        local = [v for v in text.buffered if v not in self._arrays or v in region.combine]
        shapes = {v: region.shape(v, height) for v in local}
        if memory is None:
            memory = Memory.of(region.steps, text, shapes, kept)
            self.bytes += memory.layout.bytes
        run, stage = bind(
            region.steps, text, source, height, parameters, shapes, memory, self._arrays, extra
        )
        return run, stage, memory


def _old(value: Value) -> Name:
    """Return what stands for a value as it was before the step changed it."""
    return Name(f"old_{value.number}")


def _copy(target: Name, part: Any) -> Line:
    return Call("copyto", (target, part))


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
    smallest = row_axes.SMALLEST_TILE
    height = max(smallest, cache_bytes // per_row // smallest * smallest)
    tiles = math.ceil(schedule.rows / height)
    return math.ceil(schedule.rows / tiles)
