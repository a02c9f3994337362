"""Random steps that assign: compiled = eager, and the ejected file = the plan."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from compiling import close, proven, same_bits  # noqa: F401
from ejecting import check_in_clean_interpreter, ejected
from step_programs import STATE, WORDS, Step, random_step

import autograd_iron as ai
from autograd_iron.plan.capture import CaptureError

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


def test_the_random_steps_use_every_word() -> None:
    used = {word for seed in range(4 * COUNT) for word, _, _ in random_step(seed).program}
    assert used == set(WORDS)
    assert len(STATE) == len({(shape, dtype) for shape, dtype in STATE})
