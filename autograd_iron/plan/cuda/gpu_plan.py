"""A program on a GPU: buffers of its own, one launch for each kernel, and all of them as one graph.

The first two runs launch kernel by kernel, so that everything is loaded and cuBLAS has chosen how
it multiplies.  The third is recorded as a CUDA graph, and from then on a step is one launch: its
arguments and numbers are copied to where the graph reads them first.  What cannot be recorded
goes on kernel by kernel; `explain` says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograd_iron.arrays import cuda, device, gpu
from autograd_iron.arrays.cublas import Matrices
from autograd_iron.plan.base import BasePlan
from autograd_iron.plan.cuda import kernels
from autograd_iron.plan.cuda.kernels import Kernel
from autograd_iron.plan.cuda.launches import launches
from autograd_iron.plan.loops.loops import Call, Product, Task
from autograd_iron.plan.loops.views import View
from autograd_iron.plan.program import Program, Value
from autograd_iron.plan.schedule import buffers

WARM_UP = 2
# Results of at most so many bytes are handed out from slabs that hold many of them.
SMALL = 512
SLAB = 1 << 16
ALIGNMENT = 16


class GpuPlan(BasePlan):
    """A program that is ready to run on a GPU.

    Parameters
    ----------
    program : Program
        Its place is a GPU.

    Attributes
    ----------
    launches : list of Task
        In the order in which they run.
    source : str
        The kernels, as CUDA C++.
    bytes : int
        Memory of all buffers.
    how : str
        Whether a step is one launch of a graph, and if not, why.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.number = cuda.number_of(program.place)
        self.how = "kernel by kernel until everything is loaded"
        self._runs = 0
        self._ends = [*program.results, *(v for _, v in program.gradients)]
        self._slabs = _Slabs()
        self._graph: gpu.Recorded | None = None
        with cuda.cupy_on(self.number):
            self._arrays = self._sources()
            self.launches = launches(program, self._strides())
            self.kernels = self._texts()
            try:
                self._works = cuda.attempt(self._bound, self.number, "compile")
            except MemoryError as error:
                raise self._explained(error) from None
        self.source = "\n".join(k.source for kernel in self.kernels.values() for k in kernel.all)

    def __str__(self) -> str:
        from autograd_iron.plan.show import show_launches

        return show_launches(self)

    def run(self, *given: Any) -> list[Any]:
        """Run on the arrays of the arguments; return copies of the results.

        Raises
        ------
        MemoryError
            The GPU has no memory for the results (then no tensor has been changed), or for what
            one of the primitives takes on its way.
        """
        with cuda.cupy_on(self.number):
            for value, array in zip(self.program.arguments, given, strict=True):
                device.write(self._arrays[value], array)
            try:
                results: list[Any] = cuda.attempt(
                    self._room, self.number, "the results of a compiled step"
                )
                if self._runs == WARM_UP:
                    self._record()
                self._runs += 1
                if self._graph is None:
                    self._launch_all()
                else:
                    self._graph()
            except MemoryError as error:
                raise self._explained(error) from None
            for made, value in zip(results, self._ends, strict=True):
                device.write(made, self._at_end(value))
            return results

    # --- running

    def _room(self) -> list[Any]:
        """Return memory for the results that nobody else has."""
        return [self._slabs.array(v) for v in self._ends]

    def _launch_all(self) -> None:
        for work in self._works:
            work()

    def _record(self) -> None:
        if any(step.primitive.collective for step in self.program.steps):
            self.how = "kernel by kernel, for other processes take part"
            return
        try:
            self._graph = gpu.Recorded(self._launch_all)
            self.how = "one launch of a CUDA graph"
        except Exception as error:
            # Whatever it is, the step runs without a graph too, and explain() tells.
            self.how = f"kernel by kernel, for no graph could be recorded: {error}"

    def _explained(self, error: MemoryError) -> MemoryError:
        from autograd_iron.plan.show import largest

        held = f"This step holds {cuda.size_text(self.bytes)} on {self.program.place}"
        return MemoryError(f"{error}\n{held}; its largest values: {largest(self)}")

    # --- memory

    def _sources(self) -> dict[Value, Any]:
        """Return the memory that is there already: what the user has, and what was drawn."""
        program = self.program
        found = {value: tensor.data for tensor, value in program.captured}
        drawn = zip(program.draws, program.drawn, strict=True)
        return found | {value: array for (_, value), array in drawn}

    def _new(self, value: Value) -> Any:
        return gpu.array(gpu.memory(value.bytes), value.shape, value.dtype)

    def _strides(self) -> dict[Value, tuple[int, ...]]:
        return {
            v: tuple(s // a.itemsize for s in a.strides)
            for v, a in self._arrays.items()
            if not device.is_dense(a)
        }

    def _place(self) -> None:
        """Give everything else its memory: first it is known how much, then it is asked for."""
        program = self.program
        self._direct = self._direct_writes()
        self._arrays = self._sources() | self._direct
        written = [v for launch in self.launches for v in launch.writes]
        sizes = {v: v.bytes for v in written if v not in self._arrays}
        wanted = set(program.wanted())
        kept = [v for v in wanted if v in sizes]
        over = {v: o for launch in self.launches for v, o in _in_place(launch).items()}
        layout = buffers.assign(self.launches, {}, sizes, kept, over)
        # What a step returns or assigns as it was before, in memory that the step writes to.
        targets = {id(tensor) for tensor, _ in program.effects}
        before = [v for tensor, v in program.captured if id(tensor) in targets and v in wanted]
        frozen = [v for _, v in program.constants]
        read = {v for launch in self.launches for v in launch.reads}
        empty = [v for v in (wanted | read).difference(self._arrays, sizes) if not v.bytes]
        room = max((k.workspace for k in self.kernels.values()), default=0)
        own = [*program.arguments, *frozen, *(v for _, v in program.draws), *before]
        self.bytes = layout.bytes + room + sum(v.bytes for v in own)

        self._workspace = gpu.memory(room)
        blocks = [gpu.memory(size) for size in layout.sizes]
        for value, slot in layout.slot.items():
            self._arrays[value] = gpu.array(blocks[slot], value.shape, value.dtype)
        for array, value in program.constants:
            self._arrays[value] = cuda.from_host(array, self.number)
        self._before = {v: self._new(v) for v in before}
        for value in (*program.arguments, *empty):
            self._arrays[value] = self._new(value)

    def _direct_writes(self) -> dict[Value, Any]:
        """Return the effects that a launch can write straight into the tensor's memory."""
        direct: dict[Value, Any] = {}
        source = {id(tensor): v for tensor, v in self.program.captured}
        maker = {v: i for i, launch in enumerate(self.launches) for v in launch.writes}
        last_read = {v: i for i, launch in enumerate(self.launches) for v in launch.reads}
        for tensor, value in self.program.effects:
            old = source.get(id(tensor))
            made = maker.get(value)
            if made is None or value in direct or not device.is_dense(tensor.data):
                continue
            read = -1 if old is None else last_read.get(old, -1)
            over = old in _in_place(self.launches[made]).get(value, ())
            if read < made or (read == made and over):
                direct[value] = tensor.data
        return direct

    # --- what runs

    def _texts(self) -> dict[int, Kernel]:
        """Return the kernels of the launches that are kernels."""
        return {
            i: kernels.text(launch, f"step_{i}")
            for i, launch in enumerate(self.launches)
            if not isinstance(launch, Product | Call)
        }

    def _bound(self) -> list[gpu.Work]:
        """Return what runs a step, in memory of its own."""
        self._place()
        return [*self._first_copies(), *self._bound_launches(), *self._last_copies()]

    def _bound_launches(self) -> Iterator[gpu.Work]:
        for i, launch in enumerate(self.launches):
            if isinstance(launch, Product):
                yield self._product(launch)
            elif isinstance(launch, Call):
                yield self._call(launch)
            for kernel in self.kernels[i].all if i in self.kernels else ():
                arguments = tuple(
                    self._arrays[a] if isinstance(a, Value) else self._workspace[a:]
                    for a in kernel.arguments
                )
                yield gpu.kernel(kernel.source, kernel.name, kernel.grid, kernel.block, arguments)

    def _product(self, launch: Product) -> gpu.Work:
        x, y, out = launch.x, launch.y, self._arrays[launch.output]
        count = x.shape[0] if len(x.shape) == 3 else 1
        return gpu.product(self.number, self._matrices(x), self._matrices(y), out, count)

    def _matrices(self, view: View) -> Matrices:
        array = self._arrays[view.root]
        rows, columns = view.shape[-2:]
        return Matrices(
            array.data.ptr + view.offset * array.itemsize,
            (rows, columns),
            transposed=view.strides[-1] != 1,
            stride=view.strides[0] if len(view.shape) == 3 else 0,
            dtype=array.dtype,
        )

    def _call(self, launch: Call) -> gpu.Work:
        operands = [self._look(v) if isinstance(v, View) else v for v in launch.operands]
        outs = [self._arrays[v] if v.bytes else None for v in launch.step.outputs]
        primitive = launch.step.primitive
        settings = dict(launch.step.attributes)
        if "index" in settings:
            # Copied to the GPU here, once: in a recording nothing may come from the host.
            settings["index"] = device.index_on_gpu(settings["index"], operands[0])

        def call() -> None:
            made = primitive.compute(list(operands), settings)
            for out, array in zip(outs, made if len(outs) > 1 else (made,), strict=True):
                if out is not None:
                    device.write(out, array)

        return call

    def _look(self, view: View) -> Any:
        array = self._arrays[view.root]
        return gpu.view(array, view.shape, array.dtype, view.strides, view.offset)

    def _first_copies(self) -> list[gpu.Work]:
        return [gpu.copying(new, self._arrays[v]) for v, new in self._before.items()]

    def _last_copies(self) -> list[gpu.Work]:
        return [
            gpu.copying(tensor.data, self._at_end(value))
            for tensor, value in self.program.effects
            if self._direct.get(value) is not tensor.data
        ]

    def _at_end(self, value: Value) -> Any:
        return self._before.get(value, self._arrays[value])


def _in_place(launch: Task) -> dict[Value, tuple[Value, ...]]:
    """Return, for what a launch writes, the buffers that it may be written over."""
    return {} if isinstance(launch, Product | Call) else launch.in_place


class _Slabs:
    """Memory for small results, so that handing out a loss allocates once in a thousand steps."""

    def __init__(self) -> None:
        self._slab: Any = None
        self._used = SLAB

    def array(self, value: Value) -> Any:
        """Return an array for a value in memory that nobody else has."""
        if value.bytes > SMALL:
            return gpu.array(gpu.memory(value.bytes), value.shape, value.dtype)
        if self._used + SMALL > SLAB:
            self._slab, self._used = gpu.memory(SLAB), 0
        made = gpu.array(self._slab[self._used :], value.shape, value.dtype)
        self._used += -(-value.bytes // ALIGNMENT) * ALIGNMENT
        return made
