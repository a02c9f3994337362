"""Random steps that assign: compiled = eager, and the ejected file = the plan."""

from __future__ import annotations

import contextlib
import random
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from compiling import close, proven, same_bits, small_cache  # noqa: F401
from ejecting import check_in_clean_interpreter, ejected
from samples import PRIMITIVES, SAMPLES, fixed_case, some_rows
from step_programs import STATE, WORDS, Step, random_step
from test_plan import INSIDE, Instruction, Problem, cast
from test_plan import WORDS as TILED_WORDS

import autograd_iron as ai
from autograd_iron.plan.numpy.forms import LINES
from autograd_iron.plan.refusals import CaptureError

COUNT = 120
many = pytest.param(range(COUNT, 5_000), id="many", marks=pytest.mark.slow)
some_or_many = pytest.mark.parametrize("seeds", [pytest.param(range(COUNT), id="some"), many])


VIEW = "a view is read whose tensor was assigned to"


def expect(text: str, error: Exception, step: Step) -> None:
    """Raise an error that is none of those that such a step may end in."""
    if text not in str(error):
        raise AssertionError(about(step)) from error


def about(step: Step) -> str:
    return f"seed {step.seed}: {step.program}, returns {step.ends}, backward {step.backward}"


def compiled(step: Step) -> Any | None:
    """Return the compiled step after a call; None if it cannot be captured."""
    made = ai.compile(step, threads=1)
    try:
        made(*map(ai.tensor, Step.arguments(0)))
    except CaptureError as error:
        expect(VIEW, error, step)
        return None
    return made


def eager_result(step: Step, arguments: list[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return step(*map(ai.tensor, arguments))


@some_or_many
def test_a_compiled_step_returns_and_leaves_what_the_eager_one_does(seeds: Iterable[int]) -> None:
    compared = 0
    for seed in seeds:
        step = random_step(seed)
        eager, other = step.twin(), step.twin()
        made = ai.compile(other, threads=1)
        for call in range(3):
            arguments = Step.arguments(call)
            try:
                wanted = eager_result(eager, arguments)
            except RuntimeError as error:  # a plan keeps the old values
                expect("written in place", error, step)
                break
            try:
                found = made(*map(ai.tensor, arguments))
            except CaptureError as error:
                expect(VIEW, error, step)
                break
            ends = [(found, wanted), (other.state, eager.state)]
            assert [p.grad is None for p in other.state] == [p.grad is None for p in eager.state]
            grads = [[p.grad for p in s.state if p.grad is not None] for s in (other, eager)]
            for one, two in (*ends, grads):
                try:
                    if step.backward:
                        close(one, two, ulps=1e5)  # 16 bits are rounded elsewhere in gradients
                    else:
                        same_bits(one, two)
                except AssertionError as error:
                    raise AssertionError(f"{about(step)}, call {call}") from error
            compared += 1
    assert compared > 2.7 * len(list(seeds))


@some_or_many
def test_the_ejected_file_of_a_random_step_does_what_its_plan_does(
    seeds: Iterable[int], tmp_path: Path
) -> None:
    calls = [Step.arguments(call) for call in (1, 2, 3)]
    files = []
    refused = 0
    for seed in seeds:
        step = random_step(seed)
        made = compiled(step)
        if made is not None:
            try:
                files.append(ejected(made, tmp_path / f"step_{seed}.py", calls))
            except ValueError as error:
                expect("can only be run by its kernel", error, step)
                refused += 1
    check_in_clean_interpreter(files)
    assert refused < len(files) / 2


@pytest.mark.usefixtures("small_cache")
@pytest.mark.parametrize(
    "seeds", [range(24), pytest.param(range(24, 800), marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_the_ejected_file_of_a_step_in_tiles_does_what_its_plan_does(
    seeds: range, tmp_path: Path
) -> None:
    files = []
    tiled = 0
    for seed in seeds:
        choose = random.Random(seed)
        program: list[Instruction] = [
            (
                choose.choice(sorted(TILED_WORDS)),
                (choose.randrange(31), choose.randrange(31), choose.randrange(31)),
                choose.choice([-1.0, 0.5, 2.0]),
            )
            for _ in range(choose.randint(1, 12))
        ]
        problem = Problem(program, 131)
        made = ai.compile(getattr(problem, INSIDE[seed % len(INSIDE)]), threads=2)
        calls = [[t.numpy() for t in Problem.data(seed, 131)] for seed in (1, 2)]
        made(*calls[0])
        with contextlib.suppress(ValueError):  # a kernel that the text cannot say
            files.append(ejected(made, tmp_path / f"step_{seed}.py", calls))
            tiled += bool(made.plan.tile)
    check_in_clean_interpreter(files)
    assert tiled > len(seeds) / 3


def test_the_random_steps_use_every_word() -> None:
    used = {word for seed in range(4 * COUNT) for word, _, _ in random_step(seed).program}
    assert used == set(WORDS)
    assert len(STATE) == len({(shape, dtype) for shape, dtype in STATE})


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_ejected_file_of_each_primitive(dtype: str, tmp_path: Path) -> None:
    files = []
    refused = set()
    rows = [(n, row) for n, entry in SAMPLES.items() for row in some_rows(entry, dtype, 3)[1:2]]
    for i, (name, row) in enumerate(rows):
        arrays = cast(fixed_case(name, row).arrays, dtype)
        step = ai.compile(
            lambda *x, name=name, row=row: PRIMITIVES[name](*x, **row.attributes), threads=1
        )
        step(*arrays)
        try:
            files.append(ejected(step, tmp_path / f"step_{i}.py", [arrays]))
        except ValueError as error:
            if "can only be run by its kernel" not in str(error):
                raise AssertionError(name, row) from error
            # The operation, or those among the words it is taken apart into.
            refused.update(re.findall(r"\w+", str(error).split(" can only")[0])[1:])
    check_in_clean_interpreter(files)
    by_kernel = {
        name
        for name, p in PRIMITIVES.items()
        if p.by_kernel or not (p.numpy or p.decomposition) or p in LINES
    }
    if dtype != "float32":  # of 16 bits
        by_kernel |= {n for n, p in PRIMITIVES.items() if p.numpy and p.ufunc is None}
    if dtype == "float16":  # added up in float32
        sums = {n for n, p in PRIMITIVES.items() if p.reduction or p.decomposition}
        by_kernel |= {"matmul", *sums}
    assert refused <= by_kernel
