"""Drop what nothing needs."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from autograd_iron.plan.program import Program


def drop_dead(program: Program) -> Program:
    """Drop the steps whose results nothing needs, and nobody else waits for."""
    needed = set(program.wanted())
    kept = []
    for step in reversed(program.steps):
        if step.primitive.collective or not needed.isdisjoint(step.outputs):
            needed.update(step.values)
            kept.append(step)
    return program.with_steps(kept[::-1])
