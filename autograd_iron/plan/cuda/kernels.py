"""The text of kernels: CUDA C++ that needs no header, for NVRTC and for a host compiler alike.

Shapes, strides and numbers are constants of the text; only pointers are arguments.  Reductions use
no atomics and add in an order that depends on the shape alone: the same bits in every run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from autograd_iron.arrays import dtypes
from autograd_iron.plan.cuda import c_text
from autograd_iron.plan.loops.loops import Bundle, Fold, Loop, ReducingLoop
from autograd_iron.plan.loops.views import Shape, View, runs, whole
from autograd_iron.plan.program import Value

THREADS = 256
# A reduction is cut into as many chunks as make this many blocks, or fewer where each thread would
# otherwise have less than so many elements; the chunks' results are combined by a second kernel.
BLOCKS = 512
ELEMENTS = 16
# The largest index of 32 bits, less what the last block of threads and the last chunk, which are at
# most as much longer as there are threads and chunks, reach past the end.
NARROW = 2**31 - 1 - THREADS - BLOCKS


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel and how it is launched.

    Attributes
    ----------
    name : str
    source : str
    grid : (int, int)
    block : int
    arguments : tuple of Value or int
        Whose buffers the parameters point at; an integer is a place in the workspace, in bytes.
    workspace : int
        Bytes of memory that this kernel fills for the next one.
    second : Kernel, optional
        What is launched after it.
    """

    name: str
    source: str
    grid: tuple[int, int]
    block: int
    arguments: tuple[Value | int, ...]
    workspace: int = 0
    second: Kernel | None = None

    @property
    def all(self) -> tuple[Kernel, ...]:
        """The kernel and those launched after it."""
        return (self,) if self.second is None else (self, *self.second.all)


def text(launch: Loop | Bundle, name: str) -> Kernel:
    """Return a launch as a kernel of this name.

    Outputs may lie over the inputs that `launch.in_place` names, and over nothing else.
    """
    if isinstance(launch, ReducingLoop):
        return _reduction(launch, name, BLOCKS)
    parts = launch.parts if isinstance(launch, Bundle) else (launch,)
    parameters = _Parameters(launch)
    body, blocks = [], 0
    for part in parts:
        size = math.prod(part.shape)
        index = _index(part)
        mine = f"(blockIdx.x - {blocks})" if blocks else "blockIdx.x"
        blocks += math.ceil(size / THREADS)
        lines = [
            f"const {index} i = ({index}){mine} * {THREADS} + threadIdx.x;",
            f"if (i < {size}) {{",
            *_indented(_element(part, parameters, lambda view: _place(view, [("i", None)]), "i")),
            "}",
        ]
        if len(parts) > 1:
            lines = [f"if (blockIdx.x < {blocks}) {{", *_indented([*lines, "return;"]), "}"]
        body += lines
    return Kernel(name, parameters.source(name, body), (blocks, 1), THREADS, parameters.arguments)


class _Parameters:
    """The pointers of a kernel: `a0`, `a1`... are read, `b0`, `b1`... written."""

    def __init__(self, launch: Loop | Bundle) -> None:
        self.arguments: tuple[Value | int, ...] = (*launch.reads, *launch.writes)
        self.names = {v: f"a{i}" for i, v in enumerate(launch.reads)}
        self.names |= {v: f"b{i}" for i, v in enumerate(launch.writes)}
        self._reads = launch.reads
        over = launch.in_place
        self._overlapping = {*over, *(v for inputs in over.values() for v in inputs)}

    def source(self, name: str, body: list[str]) -> str:
        declared = []
        for value, label in self.names.items():
            stored = c_text.STORED[str(value.dtype)]
            constant = "const " if value in self._reads else ""
            alone = "" if value in self._overlapping else " __restrict__"
            declared.append(f"{constant}{stored}*{alone} {label}")
        head = f'extern "C" __global__ void __launch_bounds__({THREADS}) {name}('
        lines = [head + ", ".join(declared) + ") {", *_indented(body), "}"]
        kernel = "\n".join(lines) + "\n"
        return c_text.helpers(kernel) + kernel


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _index(launch: Loop) -> str:
    """Return the type in which the launch counts elements."""
    largest = max([math.prod(launch.shape), *(view.reach for view in launch.views)])
    return "int" if largest <= NARROW else "long long"


def _place(view: View, coordinates: list[tuple[str, Shape | None]]) -> str:
    """Return where a view's element lies, from indices into (some of) its axes."""
    terms = []
    for index, axes in coordinates:
        of = range(len(view.shape)) if axes is None else axes
        found = runs(tuple(view.shape[a] for a in of), tuple(view.strides[a] for a in of))
        below = 1
        for i, (n, stride) in reversed(list(enumerate(found))):
            if stride:
                term = index if below == 1 else f"{index} / {below}"
                term += f" % {n}" if i else ""
                terms.append(term if stride == 1 else f"{term} * {stride}")
            below *= n
    if view.offset:
        terms.append(str(view.offset))
    return " + ".join(terms) or "0"


def _element(
    launch: Loop, parameters: _Parameters, place: Callable[[View], str], at: str
) -> list[str]:
    """Return what happens for one element: all loads, then the lines, then the stores."""
    names: dict[View, str] = {}
    made: dict[Value, str] = {}
    lines = []
    for i, view in enumerate(launch.views):
        dtype = view.root.dtype
        names[view] = f"x{i}"
        loaded = c_text.load(f"{parameters.names[view.root]}[{place(view)}]", dtype)
        lines.append(f"const {c_text.variable_type(dtype)} x{i} = {loaded};")
    for i, line in enumerate(launch.lines):
        operands = [
            made.get(v.root, names.get(v, "")) if isinstance(v, View) else "" for v in line.operands
        ]
        made[line.output] = f"v{i}"
        kind = c_text.variable_type(line.output.dtype)
        lines.append(f"const {kind} v{i} = {c_text.expression(line, operands)};")
    for value in launch.outputs:
        stored = c_text.store(made[value], value.dtype)
        lines.append(f"{parameters.names[value]}[{at}] = {stored};")
    for i, fold in enumerate(launch.folds):
        root = fold.source.root
        found = made.get(root) or names[fold.source]
        term = c_text.cast(found, root.dtype, _total(fold))
        lines.append(f"total{i} = {_combined(fold, f'total{i}', term)};")
    return lines


# --- reductions


def _total(fold: Fold) -> Any:
    """Return the dtype in which a reduction adds up."""
    return dtypes.float32 if dtypes.is_narrow(fold.output.dtype) else fold.output.dtype


def _start(fold: Fold) -> str:
    """Return what a reduction starts from."""
    dtype = _total(fold)
    return c_text.literal(fold.reduction.start(dtype), dtype)


def _combined(fold: Fold, x: str, y: str) -> str:
    """Return two totals of a reduction as one."""
    return c_text.combined(fold.reduction, x, y, _total(fold))


def _reduction(launch: ReducingLoop, name: str, blocks: int) -> Kernel:
    """Return a reduction; of `lanes` threads for each output, and in chunks if that fills blocks.

    If the last axis is reduced, neighbouring threads are lanes; else they have an output each.
    """
    shape, reduced = launch.shape, launch.axes
    kept = tuple(a for a in range(len(shape)) if a not in reduced)
    size = math.prod(shape[a] for a in reduced)
    outputs = math.prod(shape[a] for a in kept)
    inner = [a for a in range(len(shape)) if shape[a] != 1][-1] in reduced
    if inner:
        lanes = THREADS if size >= 4 * THREADS else 32 if size >= 32 else 1
    else:
        lanes = 8 if size >= 8 * ELEMENTS // 2 else 1
    share = THREADS // lanes
    wide = math.ceil(outputs / share)
    chunks = max(1, min(blocks // wide, size // (lanes * ELEMENTS)))
    chunk = math.ceil(size / chunks)
    chunks = math.ceil(size / chunk)

    ends = launch.ends
    parameters = _Parameters(launch)
    partial: list[Value] = []
    if chunks > 1:
        partial = [Value(-1 - i, (chunks, outputs), _total(f)) for i, f in enumerate(ends)]
        for fold, value in zip(ends, partial, strict=True):
            parameters.names[value] = parameters.names.pop(fold.output)
    targets = partial or [fold.output for fold in ends]

    index = _index(launch)
    body = [
        f"{c_text.variable_type(_total(f))} total{i} = {_start(f)};" for i, f in enumerate(ends)
    ]
    thread = "threadIdx.x"
    if lanes == 1:
        mine, lane = thread, "0"
    elif inner:
        mine, lane = f"{thread} / {lanes}", f"(int)threadIdx.x % {lanes}"
    else:
        mine, lane = f"{thread} % {share}", f"(int)threadIdx.x / {share}"
    body += [
        f"const int lane = {lane};",
        f"const {index} o = ({index})blockIdx.x * {share} + {mine};",
    ]
    first, end = "lane", str(size)
    if chunks > 1:
        body += [
            f"const {index} start = ({index})blockIdx.y * {chunk};",
            f"const {index} end = start + {chunk} < {size} ? start + {chunk} : {size};",
        ]
        first, end = "start + lane", "end"
    coordinates: list[tuple[str, Shape | None]] = [("o", kept), ("r", reduced)]
    at = _place(
        View(Value(0, shape, None), shape, whole(Value(0, shape, None)).strides), coordinates
    )
    body += [
        f"if (o < {outputs}) {{",
        f"    for ({index} r = {first}; r < {end}; r += {lanes}) {{",
        *_indented(_indented(_element(launch, parameters, lambda v: _place(v, coordinates), at))),
        "    }",
        "}",
    ]
    if lanes > 1:
        body += _tree(ends, lanes, 1 if inner else share)
    chosen = [f"o < {outputs}"] + (["lane == 0"] if lanes > 1 else [])
    here = f"blockIdx.y * ({index}){outputs} + o" if chunks > 1 else "o"
    body += [f"if ({' && '.join(chosen)}) {{"]
    for i, value in enumerate(targets):
        stored = c_text.store(f"total{i}", value.dtype)
        body.append(f"    {parameters.names[value]}[{here}] = {stored};")
    body.append("}")

    grid = (wide, chunks)
    if chunks == 1:
        source = parameters.source(name, body)
        return Kernel(name, source, grid, THREADS, parameters.arguments)
    starts, bytes_ = [], 0
    for value in partial:
        starts.append(bytes_)
        bytes_ += math.ceil(value.bytes / 16) * 16
    places: dict[Value | int, int] = dict(zip(partial, starts, strict=True))
    later = ReducingLoop(
        (chunks, outputs),
        (),
        (),
        (0,),
        tuple(Fold(f.step, whole(v), f.output) for f, v in zip(ends, partial, strict=True)),
    )
    second = _reduction(later, f"{name}_second", 1)
    given: list[Value | int] = [places.get(v, v) for v in second.arguments]
    second = replace(second, arguments=tuple(given))
    arguments: tuple[Value | int, ...] = (*launch.reads, *launch.outputs, *starts)
    return Kernel(name, parameters.source(name, body), grid, THREADS, arguments, bytes_, second)


def _tree(ends: tuple[Fold, ...], lanes: int, step: int) -> list[str]:
    """Return the combining of the lanes' totals, in the same order whoever comes first."""
    lines = []
    for i, fold in enumerate(ends):
        lines.append(f"__shared__ {c_text.variable_type(_total(fold))} shared{i}[{THREADS}];")
        lines.append(f"shared{i}[threadIdx.x] = total{i};")
    lines += [
        "__syncthreads();",
        f"for (int k = {lanes // 2}; k > 0; k /= 2) {{",
        "    if (lane < k) {",
    ]
    for i, fold in enumerate(ends):
        mine, other = f"shared{i}[threadIdx.x]", f"shared{i}[threadIdx.x + k * {step}]"
        lines.append(f"        {mine} = {_combined(fold, mine, other)};")
    lines += ["    }", "    __syncthreads();", "}"]
    lines += [f"total{i} = shared{i}[threadIdx.x];" for i in range(len(ends))]
    return lines
