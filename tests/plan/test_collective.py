"""What talks to other processes: run once a call, in the program's order, never at capture."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compiling import close, proven, small_cache  # noqa: F401
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples import own_words

import autograd_iron as ai
from autograd_iron.core import specs

pytestmark = pytest.mark.usefixtures("small_cache")


@pytest.fixture(scope="module")
def log() -> Iterator[list[str]]:
    """Make `tell`, which passes a value on and notes a name, as a process tells others."""
    told: list[str] = []
    with own_words():

        @ai.extend.primitive(collective=True)
        def tell(xp: Any, x: Any, /, name: str) -> Any:
            told.append(name)
            return x * 1

        @tell.vjp
        def _(F: Any, g: Any, _y: Any, _x: Any, name: str) -> Any:
            return F.tell(g, name=f"back {name}")

        tell.shape(specs.same)
        told_of["tell"] = tell
        yield told


told_of: dict[str, Any] = {}


def tell(x: Any, name: str) -> Any:
    return told_of["tell"](x, name=name)


def program(kinds: list[str]) -> Any:
    def step(x: ai.Tensor, w: ai.Tensor) -> Any:
        kept = [ai.sum(x)]
        for i, kind in enumerate(kinds):
            last = kept[-1]
            if kind == "dead":
                tell(last, f"{i}")
            elif kind == "equal":
                kept.append(tell(w, "same") + tell(w, "same"))
            elif kind == "constant":
                kept.append(tell(np.ones(2), f"{i}"))
            elif kind == "rows":
                kept.append(tell(ai.sin(x * ai.sum(w)), f"{i}"))
            elif kind == "empty":
                tell(x[:0], f"{i}")
            elif kind == "after the rows":
                kept.append(tell(ai.sum(x * last.sum(), axis=0), f"{i}"))
            elif kind == "checked":
                ai.extend.capture.check_range(tell(w, f"{i}"), -1e30, 1e30, "out of range")
            else:
                loss = ai.grad(lambda w, i=i: ai.sum(ai.square(tell(w * 2, f"{i}"))))
                kept.append(loss(w))
        return [ai.sum(k) for k in kept]

    return step


KINDS = ["dead", "equal", "constant", "rows", "empty", "after the rows", "checked", "gradient"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(KINDS), max_size=6))
def test_a_plan_tells_what_the_program_tells(log: list[str], kinds: list[str]) -> None:
    step = program(kinds)
    x = ai.tensor(np.random.default_rng(0).standard_normal((400, 3)))
    w = ai.tensor(np.random.default_rng(1).standard_normal(3))
    compiled = ai.compile(step, threads=1)
    log.clear()
    wanted = step(x, w)
    said = log[:]
    for _ in range(3):
        log.clear()
        close(compiled(x, w), wanted)
        assert log == said


def test_one_process_captures_while_another_runs_eagerly(log: list[str]) -> None:
    """Each waits for the other at every call: a call too many, or too few, and they would hang."""
    barrier, given = threading.Barrier(2, timeout=20), {}
    with own_words():

        @ai.extend.primitive(collective=True)
        def all_reduce(xp: Any, x: Any, /) -> Any:
            given[threading.get_ident()] = x
            barrier.wait()
            total = sum(given.values())
            barrier.wait()
            return total

    all_reduce.shape(specs.same)

    def step(x: ai.Tensor) -> Any:
        unused = all_reduce(x * 2)  # noqa: F841
        return all_reduce(x) + all_reduce(x) * 10

    found: dict[str, list[Any]] = {"eager": [], "compiled": []}

    def process(name: str, run: Any, x: Any) -> None:
        for _ in range(3):
            found[name].append(run(ai.tensor(x)).tolist())

    threads = [
        threading.Thread(target=process, args=("eager", step, [1.0])),
        threading.Thread(target=process, args=("compiled", ai.compile(step), [2.0])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"eager": [[33.0]] * 3, "compiled": [[33.0]] * 3}
