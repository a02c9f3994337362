"""What talks to other processes, in a step on a GPU: as in one on the host."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_collective import KINDS, log, program  # noqa: F401

import autograd_iron as ai

from .planning import interpreted

ON_GPU = [kind for kind in KINDS if kind != "constant"]  # which is on the host


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.lists(st.sampled_from(ON_GPU), max_size=6))
def test_a_plan_tells_what_the_program_tells(log: list[str], kinds: list[str]) -> None:  # noqa: F811
    step = program(kinds)
    x = ai.tensor(np.random.default_rng(0).standard_normal((40, 3)), device="cuda")
    w = ai.tensor(np.random.default_rng(1).standard_normal(3), device="cuda")
    log.clear()
    step(x, w)
    said = log[:]
    with interpreted():
        compiled = ai.compile(step)
        for _ in range(5):
            log.clear()
            compiled(x, w)
            assert log == said
    if said:
        assert compiled.plan.how == "kernel by kernel, for other processes take part"
