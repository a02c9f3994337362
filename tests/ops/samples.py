"""Samples of every primitive: what it can be called with, and the same answer from elsewhere.

An entry says which values an argument may take (away from kinks and poles, where no finite
difference can be trusted), lists the calls that must always be tried, and may draw more of them.
"""

from __future__ import annotations

import inspect
import itertools
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.strategies import DrawFn
from sampling import LAYOUTS, STEPS, Array, Call, Case, Samples

import autograd_iron as ai
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import on_tensors, raw, registry
from autograd_iron.ops.elementwise.words import zero_slope

FAMILIES = [
    import_module(f"families.{path.stem}")
    for path in sorted(Path(__file__).with_name("families").glob("[a-z]*.py"))
]
SAMPLES: dict[str, Samples] = {n: entry for f in FAMILIES for n, entry in f.SAMPLES.items()}
# Of functions that are made of primitives, by what users write after `ai.` (or from `nn.` on).
COMPOSITES: dict[str, Samples] = {
    n: entry for f in FAMILIES for n, entry in getattr(f, "COMPOSITES", {}).items()
}

PRIMITIVES: dict[str, Primitive] = {
    name: word for name, word in registry.items() if isinstance(word, Primitive)
}
ON_GPU = [name for name in SAMPLES if SAMPLES[name].on_gpu]
DIFFERENTIABLE = [name for name in SAMPLES if name in PRIMITIVES and PRIMITIVES[name].rules]
ROWS = [(name, row) for name, entry in SAMPLES.items() for row in entry.calls]
# Of real numbers their gradient is zero everywhere: `test_complex_numbers.py` tries their rules.
ZERO_OF_REALS = {"imaginary_part", "angle", "sign"}
RULES = [
    (name, number)
    for name in DIFFERENTIABLE
    for number, rule in enumerate(PRIMITIVES[name].rules)
    if rule is not None
    and rule is not zero_slope  # where no scaling can show
    and not hasattr(rule, "refuses")
]


# --- tests of rows

ALL_ROWS = os.environ.get("AI_ROWS") == "all"


def some_rows(entry: Samples, promise: str, most: int = 4) -> list[Call]:
    """Return the rows a promise is tried with: the first, an empty one, and others by its name.

    Other promises choose other rows, so that each row is tried by several of them. With AI_ROWS=all
    each promise is tried with all.
    """
    rows = list(entry.calls)
    empty = next((i for i, row in enumerate(rows) if any(0 in s for s in row.shapes)), 0)

    def rank(i: int) -> tuple[bool, bool, int]:
        return i != 0, i != empty, zlib.crc32(f"{rows[i]} {promise}".encode())

    chosen = sorted(range(len(rows)), key=rank)[: len(rows) if ALL_ROWS else most]
    return [rows[i] for i in sorted(chosen)]


def some_names(names: Iterable[str], promise: str) -> list[str]:
    """Return the primitives a promise is tried with that one mechanism keeps for all elementwise.

    Those that are not elementwise, and every third of those that are; with AI_ROWS=all each.
    """

    def chosen(name: str) -> bool:
        shared = PRIMITIVES[name].is_elementwise and not ALL_ROWS
        return not shared or zlib.crc32(f"{name} {promise}".encode()) % 3 == 0

    return [name for name in names if chosen(name)]


def over_rows(
    names: Iterable[str], every_row: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test of (name, row) one item for each primitive of these names, rows its subtests.

    A `monkeypatch` of such a test holds for one row. Where each row may be wrong by itself,
    `every_row` takes them all.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)
        patched = "monkeypatch" in signature.parameters

        @wraps(test)
        def every(name: str, subtests: pytest.Subtests, **others: Any) -> None:
            entry = SAMPLES[name]
            promise = " ".join([test.__name__, *(v for v in others.values() if type(v) is str)])
            for row in entry.calls if every_row else some_rows(entry, promise):
                with subtests.test(row=str(row)), pytest.MonkeyPatch.context() as patch:
                    test(
                        name=name, row=row, **others, **({"monkeypatch": patch} if patched else {})
                    )

        kept = [p for p in signature.parameters.values() if p.name not in ("row", "monkeypatch")]
        subtests = inspect.Parameter("subtests", inspect.Parameter.KEYWORD_ONLY)
        every.__signature__ = signature.replace(parameters=[*kept, subtests])  # type: ignore[attr-defined]
        return pytest.mark.parametrize("name", list(names))(every)

    return decorate


# --- arrays for the calls


def fixed_case(name: str, row: Call, seed: str = "") -> Case:
    """Return the call with arrays that are the same in every run."""
    return case_of(SAMPLES[name], row, f"{name} {row}{seed}")


def case_of(entry: Samples, row: Call, seed: str) -> Case:
    source = np.random.default_rng(zlib.crc32(seed.encode()))
    arrays = []
    for argument, shape in enumerate(row.shapes):
        domain = entry.domain(argument)
        steps = source.choice(STEPS, shape, replace=not domain.distinct)
        arrays.append(domain.values(np.asarray(steps)))
    return Case(tuple(entry.settled(arrays)), row.attributes)


@st.composite
def cases(draw: DrawFn, name: str) -> Case:
    """Draw a call, its values, and how each array lies in memory."""
    entry = SAMPLES[name]
    listed = st.sampled_from(entry.calls)
    drawn = draw(listed if entry.more is None else entry.more | listed)
    arrays = []
    for argument, shape in enumerate(drawn.shapes):
        domain = entry.domain(argument)
        numbers = hnp.arrays(
            np.int64, shape, elements=st.integers(0, STEPS - 1), unique=domain.distinct
        )
        arrays.append(domain.values(draw(numbers)))
    layouts = st.sampled_from([*LAYOUTS])
    placed = [LAYOUTS[draw(layouts)](array) for array in entry.settled(arrays)]
    return Case(tuple(placed), drawn.attributes)


# --- running them


def result(name: str, inputs: Sequence[Any], attributes: Mapping[str, Any]) -> ai.Tensor:
    """Run a primitive on Tensors, arrays (made Tensors on the same memory) and numbers.

    Several outputs come as one, so that each promise about an output is one about all of them.
    """
    tensors = [ai.Tensor(a) if isinstance(a, np.ndarray) else a for a in inputs]
    return joined(PRIMITIVES[name](*tensors, **attributes))


def joined(outputs: Any) -> Any:
    """Return several Tensors end to end, in the dtype of the first, or complex; one as it is."""
    if not isinstance(outputs, tuple | list):
        return outputs
    dtype = next((t.dtype for t in outputs if t.is_complex()), outputs[0].dtype)
    return ai.concat([ai.astype(t, dtype).reshape(-1) for t in outputs])


def smooth(name: str, argument: int) -> bool:
    """Return whether a gradient flows to the argument."""
    rules = PRIMITIVES[name].rules
    if not rules:
        return False
    rule = rules[min(argument, len(rules) - 1)]
    return rule is not None and not hasattr(rule, "refuses")


def of_smooth(name: str, case: Case) -> tuple[Callable[..., Any], list[Array]]:
    """Return the call as a function of the arrays that a gradient flows to, and these."""
    places = [i for i in range(len(case.arrays)) if smooth(name, i)]

    def function(*inputs: Any) -> Any:
        given = dict(zip(places, inputs, strict=True))
        arrays = [given.get(i, a) for i, a in enumerate(case.arrays)]
        return result(name, arrays, case.attributes)

    return function, [case.arrays[i] for i in places]


def leaves(name: str, arrays: Sequence[Array]) -> list[ai.Tensor]:
    """Return the arrays as tensors on the same memory, requiring gradients where one flows."""
    return [ai.Tensor(a, requires_grad=smooth(name, i)) for i, a in enumerate(arrays)]


def pulled_back(
    name: str, arrays: Sequence[Array], attributes: Mapping[str, Any], cotangent: Array
) -> list[Array | None]:
    """Return the gradient of <cotangent, result> with respect to each array (None: has none)."""
    inputs = leaves(name, arrays)
    result(name, inputs, attributes).backward(ai.tensor(cotangent))
    return [None if t.grad is None else t.grad.data for t in inputs]


def differences(f: Callable[[Array], float], at: Array, eps: float = 1e-5) -> Array:
    """Return the gradient of a number with respect to an array, element by element."""
    gradient = np.zeros(at.shape)
    for place in itertools.product(*map(range, at.shape)):
        step = np.zeros(at.shape)
        step[place] = eps
        gradient[place] = (f(at + step) - f(at - step)) / (2 * eps)
    return gradient


def leaf(*shape: int, dtype: str = "float64", seed: int = 0) -> ai.Tensor:
    values = np.random.default_rng(seed).uniform(0.5, 1.5, shape)
    return ai.tensor(values, dtype=dtype, requires_grad=True)


# --- primitives made by a test


@contextmanager
def own_words() -> Iterator[None]:
    """Take back on leaving the operations that a test registers inside."""
    before = set(registry)
    try:
        yield
    finally:
        for name in set(registry) - before:
            del registry[name]
            for vocabulary in (on_tensors, raw(np)):
                vocabulary.__dict__.pop(name, None)
