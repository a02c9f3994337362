"""The text of kernels, run by the host's g++, means what NumPy does; and NVRTC accepts it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from ml_dtypes import finfo
from samples import PRIMITIVES, SAMPLES, fixed_case, some_rows
from test_plan_passes import captured, evaluate

import autograd_iron as ai
from autograd_iron.plan.cuda import kernels
from autograd_iron.plan.cuda.kernels import Kernel
from autograd_iron.plan.cuda.launches import launches
from autograd_iron.plan.loops.loops import Bundle, Fold, Line, Loop, ReducingLoop, Task
from autograd_iron.plan.loops.views import whole
from autograd_iron.plan.passes import optimise
from autograd_iron.plan.program import Program, Step, Value

from . import launching
from .launching import Array, Library, Memory, interpret, network_step, results, sources, strides

runs_kernels = pytest.mark.skipif(not launching.has_compiler, reason="there is no g++ here")

FLOATS = ["bfloat16", "float16", "float32", "float64"]
INTEGERS = ["bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"]
REDUCTIONS = ["sum", "sum_to", "mean", "max", "min", "any", "all", "norm"]
ELEMENTWISE = [
    name
    for name in SAMPLES
    if PRIMITIVES[name].is_elementwise and (PRIMITIVES[name].c or not PRIMITIVES[name].by_kernel)
]
# C's functions and NumPy's differ in the last bits.
INEXACT = {
    name
    for name, p in PRIMITIVES.items()
    if name in REDUCTIONS or p.decomposition or (p.c and "{f}(" in (p.c.floats or ""))
} - {"abs", "sqrt", "relu", "square"}  # of which IEEE 754 leaves nothing open


@dataclass
class Compiled:
    """A program with its kernels; what has none runs with NumPy."""

    name: str
    program: Program
    memory: Memory
    launches: list[Task]
    kernels: dict[int, Kernel]

    def run(self, library: Library, backwards: bool, in_place: bool = False) -> list[Array]:
        """Return what is wanted of the program."""
        memory = dict(self.memory)
        for i, launch in enumerate(self.launches):
            if i not in self.kernels:
                interpret(launch, memory)
                continue
            over = launch.in_place if in_place else {}  # type: ignore[union-attr]
            free = {v for later in self.launches[: i + 1] for v in later.reads}
            free -= {v for later in self.launches[i + 1 :] for v in later.reads}
            for value in launch.writes:
                [first, *_] = [v for v in over.get(value, ()) if v in free] or [None]
                if first is None:
                    memory[value] = launching.poisoned(value)
                else:
                    free.remove(first)
                    memory[value] = memory[first] = (
                        np.array(memory[first]).ravel().view(value.dtype)
                    )
            library.run(self.kernels[i], memory, backwards)
        return results(self.program, memory)


def compiled(name: str, function: Callable[..., Any], *arrays: Array) -> Compiled:
    program = optimise(replace(captured(function, *arrays), place="cuda:0"))
    memory = sources(program, *arrays)
    found = launches(program, strides(memory))
    texts = {
        i: kernels.text(launch, f"{name}_{i}")
        for i, launch in enumerate(found)
        if isinstance(launch, Loop | Bundle)
    }
    return Compiled(name, program, memory, found, texts)


def compare(cases: Sequence[Compiled], ulps: Callable[[str], float] = lambda name: 0) -> None:
    """Compare the kernels with NumPy, threads in both orders; compiled together, which is fast."""
    library = Library(k for case in cases for k in case.kernels.values())
    for case in cases:
        found = case.run(library, backwards=False)
        for one, other in zip(found, case.run(library, backwards=True), strict=True):
            assert one.tobytes() == other.tobytes(), f"{case.name} depends on who comes first"
        arguments = [case.memory[v] for v in case.program.arguments]
        for i, right in enumerate(evaluate(case.program, *arguments)):
            one, label = found[i], f"{case.name}, result {i}"
            assert one.dtype == right.dtype, label
            allowed = ulps(case.name) * finfo(one.dtype).eps if one.dtype.kind in "fV" else 0
            np.testing.assert_allclose(
                one.astype("float64") if one.dtype.kind in "fV" else one,
                right.astype("float64") if one.dtype.kind in "fV" else right,
                rtol=allowed,
                atol=allowed * float(finfo(one.dtype).tiny) if allowed else 0,
                err_msg=label,
            )


def cast(array: Array, dtype: str) -> Array:
    return array.astype(dtype) if array.dtype.kind == "f" else array


# --- every primitive


def works(function: Callable[..., Any], *arrays: Array) -> bool:
    """Say whether the engine takes these operands: it refuses the difference of bools."""
    try:
        with np.errstate(all="ignore"):
            function(*map(ai.tensor, arrays))
    except (TypeError, ValueError, OverflowError):
        return False
    return True


@runs_kernels
@pytest.mark.parametrize("dtype", FLOATS)
def test_each_primitive_on_its_samples(dtype: str) -> None:
    cases = []
    for name in (*ELEMENTWISE, *REDUCTIONS):
        rows = some_rows(SAMPLES[name], dtype)
        arrays = [[cast(a, dtype) for a in fixed_case(name, row).arrays] for row in rows]

        def function(
            *flat: ai.Tensor, name: str = name, rows: Any = rows, arrays: Any = arrays
        ) -> Any:
            left = list(flat)
            return [
                PRIMITIVES[name](*(left.pop(0) for _ in mine), **row.attributes)
                for row, mine in zip(rows, arrays, strict=True)
            ]

        cases.append(compiled(name, function, *(a for mine in arrays for a in mine)))
    # NumPy adds float16 up in other groups, and rounds each.
    compare(cases, lambda name: 4 if name in INEXACT else 0)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e-7, 300.0]


@runs_kernels
@pytest.mark.parametrize("dtype", FLOATS)
def test_special_values(dtype: str) -> None:
    limits = finfo(dtype)
    values = np.array([*SPECIAL, limits.max, limits.tiny, limits.smallest_subnormal], dtype)
    pairs = np.repeat(values, len(values)), np.tile(values, len(values))
    cases = []
    for name in ELEMENTWISE:
        word = PRIMITIVES[name]
        arrays = [values] if word.arity == 1 else [*pairs, pairs[1][::-1]][: word.arity]
        if name != "where" and works(word, *arrays):
            cases.append(compiled(name, word, *arrays))
    choose = PRIMITIVES["where"]
    cases.append(
        compiled("where", choose, values.astype("float64") > 0, values, values[::-1].copy())
    )
    for name in ("max", "min", "sum", "any", "all"):
        reduce = PRIMITIVES[name]
        rows = np.stack([values, np.roll(values, 3), np.ones_like(values)])
        cases.append(compiled(name, lambda x, f=reduce: f(x, axis=1), rows))
    compare(cases, lambda name: 4 if name in INEXACT else 0)


@runs_kernels
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bits_are_rounded_after_every_step(dtype: str) -> None:
    x = np.random.default_rng(0).uniform(1, 200, 500).astype(dtype)
    compare([compiled("half", lambda x: (x * 300 / 300, (x + 1000) - x, x * 0.1 - x), x)])


@runs_kernels
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
def test_all_of_float32_is_rounded_to_bfloat16_as_by_ml_dtypes() -> None:
    high = np.arange(2**16, dtype="uint32") << 16
    lows = np.array([0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF], "uint32")
    x = (high[:, None] | lows).view("float32")
    wide = x[:, 0].astype("bfloat16")
    case = compiled("bits", lambda x, w: (x.astype("bfloat16"), w.astype("float32") * 0.5), x, wide)
    found, back = case.run(Library(case.kernels.values()), backwards=False)
    right = x.astype("bfloat16")
    unequal = found.view("uint16") != right.view("uint16")
    assert np.isnan(x[unequal]).all()  # of which NVIDIA has other bits
    assert np.isnan(found[unequal].astype("float32")).all()
    np.testing.assert_array_equal(back, wide.astype("float32") * np.float32(0.5))


@runs_kernels
def test_the_sign_of_zero() -> None:
    x = np.array([0.0, -0.0, 1.0, -1.0], "float32")
    case = compiled("zero", lambda x: (-x, x * -0.0, x / -np.inf, x - 0.0 * x, 1 / (x * 0.0)), x)
    library = Library(case.kernels.values())
    found = case.run(library, backwards=False)
    for one, right in zip(found, evaluate(case.program, x), strict=True):
        np.testing.assert_array_equal(one, right)
        np.testing.assert_array_equal(np.signbit(one), np.signbit(right))


def together(functions: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Return a function of all their results: few kernels, which compile fast."""
    return lambda *tensors: [function(*tensors) for function in functions]


@runs_kernels
def test_integers() -> None:
    cases = []
    for dtype in INTEGERS:
        limits = (0, 1) if dtype == "bool" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        values = np.array([*limits, 0, 1, limits[1] // 2, limits[0] // 3], dtype)
        x, y = np.repeat(values, len(values)), np.tile(values, len(values))
        arrays = [x, y, (y % 2 if dtype == "bool" else y % 5).astype(dtype)]
        functions: list[Callable[..., Any]] = [
            lambda x, y, n: ai.where(x > y, x, y),
            lambda x, y, n: x**n,
        ]
        for name in (*ELEMENTWISE, "sum", "max", "min", "any", "all"):
            word = PRIMITIVES[name]
            if name not in ("where", "pow"):
                functions.append(lambda *t, word=word: word(*t[: word.arity]))
        functions = [f for f in functions if works(f, *arrays)]
        assert len(functions) > 20
        cases.append(compiled(dtype, together(functions), *arrays))
    compare(cases, lambda name: 4)


NUMBERS = [2, 0.1, -1, 0, 0.5, True, np.inf, np.nan, -0.0, 1e-300, 1e300, 2**62, -(2**63)]


@runs_kernels
def test_numbers_beside_tensors() -> None:
    cases = []
    for dtype in (*FLOATS, "int32", "int64", "bool"):
        x = np.array([[1, 2, 3], [0, 1, 2]]).astype(dtype)
        functions = [
            function
            for name in ("add", "subtract", "multiply", "divide", "pow", "maximum", "less", "equal")
            for number in NUMBERS
            for function in (
                lambda x, word=PRIMITIVES[name], number=number: word(x, number),
                lambda x, word=PRIMITIVES[name], number=number: word(number, x),
            )
            if works(function, x)
        ]
        assert len(functions) > 80
        cases.append(compiled(dtype, together(functions), x))
    compare(cases, lambda name: 4)


@runs_kernels
def test_casts() -> None:
    cases = []
    for old in (*FLOATS, *INTEGERS):
        x = np.array([0, 1, 100, 2, 77.75, 0.3]).astype(old)
        casts = [lambda x, new=new: x.astype(new) for new in (*FLOATS, *INTEGERS)]
        cases.append(compiled(old, together(casts), x))
    x = np.array([65519.9, 65520, 1e-8, 3e-8, 1.0009765625, 1.00048828125000001, np.nan])
    cases.append(compiled("rounded", lambda x: x.astype("float16"), x))
    compare(cases)


# --- shapes and places


@runs_kernels
def test_sizes_around_a_block_and_views() -> None:
    def function(x: ai.Tensor) -> Any:
        n = x.shape[0]
        rows = ai.reshape(x, (n, 1))
        return (
            x * 2 + 1,
            x[::-1] - x,
            x[::2] * x[: (n + 1) // 2],
            rows - x[:3],
            (rows * x[:3]).T + x,
            ai.broadcast_to(x, (2, 3, n)) * ai.reshape(x[:3], (3, 1)),
            ai.permute_dims(ai.broadcast_to(x, (2, 3, n)), axes=(1, 2, 0)) * x[:2],
        )

    sizes = [3, 4, kernels.THREADS - 1, kernels.THREADS, kernels.THREADS + 1, 700]
    cases = []
    for n in sizes:
        x = np.random.default_rng(n).standard_normal(n).astype("float32")
        cases.append(compiled(f"views_{n}", function, x))
    compare(cases)


@runs_kernels
def test_wide_indices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "NARROW", 0)
    x = np.random.default_rng(0).standard_normal((70, 30)).astype("float32")
    case = compiled("wide", lambda x: (x.T * 2, ai.sum(x * x, axis=0), ai.max(x)), x)
    assert all(
        "const int i" not in k.source and "int o " not in k.source for k in case.kernels.values()
    )
    assert any("const long long i" in k.source for k in case.kernels.values())
    compare([case], lambda name: 20)


def test_indices_are_wide_where_they_must_be() -> None:
    def index(*shape: int) -> str:
        x, out = (Value(i, shape, np.dtype("float32")) for i in (1, 2))
        line = Line(Step(PRIMITIVES["exp"], (x,), {}, out), (whole(x),), out)
        [found] = re.findall(
            "const (.*) i =", kernels.text(Loop(shape, (line,), (out,)), "k").source
        )
        return str(found)

    assert index(2**31 - 1000) == "int"
    assert index(2**31) == "long long"
    assert index(2**16, 2**16) == "long long"


def test_the_last_chunk_of_a_reduction_ends_where_its_index_can_count() -> None:
    for size in (kernels.NARROW - 1, kernels.NARROW, kernels.NARROW + 1, 2**31 - 1):
        x, out = Value(1, (size,), np.dtype("float32")), Value(2, (), np.dtype("float32"))
        fold = Fold(Step(PRIMITIVES["sum"], (x,), {}, out), whole(x), out)
        kernel = kernels.text(ReducingLoop((size,), (), (), (0,), (fold,)), "k")
        [(index, chunk)] = re.findall(r"const (.*) end = start \+ (\d+) <", kernel.source)
        furthest = kernel.grid[1] * int(chunk) + kernel.block
        assert index == ("int" if size <= kernels.NARROW else "long long")
        assert furthest < 2**31 or index == "long long"


@runs_kernels
def test_outputs_over_inputs() -> None:
    def function(x: ai.Tensor, y: ai.Tensor) -> Any:
        h = ai.exp(x * y) @ ai.ones((300, 300))
        return ai.tanh(h) + y, x - y[::-1], ai.where(h > y, y, h * h)

    arrays = [np.random.default_rng(i).standard_normal((7, 300)).astype("float32") for i in (0, 1)]
    case = compiled("over", function, *arrays)
    library = Library(case.kernels.values())
    for one, other in zip(
        case.run(library, False, in_place=True), case.run(library, False), strict=True
    ):
        np.testing.assert_array_equal(one, other)


# --- reductions


SHAPES: list[tuple[tuple[int, ...], Any]] = [
    *(((n,), None) for n in (1, 2, 31, 32, 33, 255, 256, 1023, 1024, 1025, 9000, 70000)),
    *(((n, 5), 0) for n in (1, 7, 64, 129, 5000)),
    *(((n, 70), 0) for n in (3, 300, 2000)),
    *(((3, n), 1) for n in (5, 40, 1100, 20000)),
    *(((400, n), 1) for n in (3, 33)),
    ((3, 130, 5), 1),
    ((3, 2, 50), (0, 2)),
    ((40, 3, 50), (0, 2)),
    ((2, 30, 3, 20), (1, 3)),
    ((6, 1, 5), (0, 1)),
    ((2, 3), ()),
]


@runs_kernels
@pytest.mark.parametrize("dtype", FLOATS)
def test_reductions(dtype: str) -> None:
    cases = []
    for i, (shape, axis) in enumerate(SHAPES):
        x = np.random.default_rng(i).uniform(-1, 1, shape).astype(dtype)
        x.flat[i % x.size] = 3.5

        def function(x: ai.Tensor, axis: Any = axis) -> Any:
            square = x * x
            return ai.sum(square, axis=axis), ai.max(x, axis=axis), ai.min(-x, axis=axis), square

        cases.append(compiled(f"reduce_{i}", function, x))
    library = Library(k for case in cases for k in case.kernels.values())
    for case, (shape, axis) in zip(cases, SHAPES, strict=True):
        found = case.run(library, backwards=False)
        for one, other in zip(found, case.run(library, backwards=True), strict=True):
            assert one.tobytes() == other.tobytes(), shape
        total, largest, least, square = found
        x = next(iter(case.memory.values()))
        np.testing.assert_array_equal(square, x * x)
        np.testing.assert_array_equal(largest, x.max(axis=axis))
        np.testing.assert_array_equal(least, (-x).min(axis=axis))
        right = square.astype("float64").sum(axis=axis)
        count = max(1, x.size // max(1, right.size))
        slack = (
            float(finfo(dtype).eps)
            + 4 * float(finfo("float64" if dtype == "float64" else "float32").eps) * count**0.5
        )
        np.testing.assert_allclose(total.astype("float64"), right, rtol=slack, err_msg=str(shape))


@runs_kernels
def test_float16_is_added_up_in_float32_through_every_stage() -> None:
    x = np.repeat([100.0, -100.0], 35000).astype("float16")
    case = compiled("half", ai.sum, x)
    [total] = case.run(Library(case.kernels.values()), backwards=False)
    assert total == 0  # and not inf - inf


@runs_kernels
def test_nan_passes_through_every_stage_of_an_extreme() -> None:
    for place in (0, 31, 5000, 69999):
        x = np.ones(70000, "float32")
        x[place] = np.nan
        case = compiled("nan", lambda x: (ai.max(x), ai.min(x)), x)
        found = case.run(Library(case.kernels.values()), backwards=False)
        assert np.isnan(found).all()


def test_a_long_reduction_has_a_second_stage_and_a_short_one_not() -> None:
    def stages(*shape: int, axis: Any = None) -> int:
        case = compiled("k", lambda x: ai.sum(x, axis=axis), np.zeros(shape, "float32"))
        [kernel] = case.kernels.values()
        return 1 if kernel.second is None else 2

    assert stages(1000) == 1
    assert stages(100000) == 2
    assert stages(10, 50, axis=0) == 1
    assert stages(100000, 50, axis=0) == 2


# --- the whole step


@runs_kernels
@pytest.mark.parametrize("points", [4, 700])
def test_a_training_step(points: int) -> None:
    step, arrays = network_step(points)
    case = compiled("net", step, *arrays)
    assert sum(isinstance(launch, ReducingLoop) for launch in case.launches) == 8
    library = Library(case.kernels.values())
    found = case.run(library, backwards=False)
    for one, other in zip(found, case.run(library, backwards=True), strict=True):
        assert one.tobytes() == other.tobytes()
    # The plan writes into the parameters, and so comes last.
    loss = ai.compile(step)(*arrays)
    updated = [tensor.data for tensor, _ in case.program.effects]
    # Behind these comes what the checks of the host look at.
    for one, other in zip(found, [loss.data, *updated], strict=False):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6 * np.abs(other).max())


# --- the text


def test_float32_kernels_work_in_float32() -> None:
    step, arrays = network_step(700)
    cases = [compiled("net", step, *arrays)]
    x = np.ones((3, 4), "float32")
    for name in ELEMENTWISE:
        word = PRIMITIVES[name]
        if works(word, *[x] * word.arity):
            cases.append(compiled(name, lambda *t, w=word: w(*t) * 0.1, *[x] * word.arity))
    for case in cases:
        for kernel in case.kernels.values():
            for text in (kernel.source, kernel.second.source if kernel.second else ""):
                assert "double" not in text
                assert not re.findall(r"(?<![\w.])\d+\.\d*(?:e[-+]?\d+)?(?!\w)", text), text
                assert not re.findall(r"\b(exp|log|tanh|sin|cos|pow|sqrt|fabs)\(", text), text


@pytest.mark.skipif(
    os.environ.get("AI_GPU") != "sim", reason="NVRTC comes with the tier AI_GPU=sim"
)
def test_nvrtc_accepts_every_kernel() -> None:
    nvrtc = pytest.importorskip("gpu.nvrtc")
    step, arrays = network_step(700)
    network = compiled("net", step, *arrays)
    for kernel in network.kernels.values():
        for one in (kernel, kernel.second):
            if one is not None:
                nvrtc.compile_for(one.source)
    for dtype in (*FLOATS, "int8", "uint64", "bool"):
        x = np.ones((3, 4), dtype)
        for name in (*ELEMENTWISE, "sum", "max", "min", "any", "all"):
            word = PRIMITIVES[name]
            try:
                case = compiled(name, word, *[x] * word.arity)
            except TypeError:
                continue
            for kernel in case.kernels.values():
                nvrtc.compile_for(kernel.source, ["80"])
