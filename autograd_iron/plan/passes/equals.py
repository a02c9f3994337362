"""Share: equal steps are computed once."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from typing import Any

from autograd_iron.plan.passes.rewrite import Rewriting, rewritten
from autograd_iron.plan.program import Program, Step, Value


def share(program: Program) -> Program:
    """Compute equal steps once."""
    return rewritten(program, rule)


def rule(walk: Rewriting, step: Step) -> tuple[Value, ...] | None:
    """Return what an equal step before made."""
    if step.primitive.collective:
        return None
    try:
        inputs = tuple([v if type(v) is Value else _frozen(v) for v in step.inputs])
        key = (step.primitive, inputs, _settings(step.attributes))
        known = walk.equal.setdefault(key, step.outputs)
    except TypeError:  # an index with arrays in it cannot be compared
        return None
    return None if known is step.outputs else known


def _settings(attributes: dict[str, Any]) -> Any:
    if not attributes:
        return ()
    return tuple([(name, _frozen(value)) for name, value in sorted(attributes.items())])


def _frozen(value: Any) -> Any:
    if isinstance(value, slice):
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, tuple):
        return tuple([_frozen(v) for v in value])
    hash(value)
    # repr tells -0.0 from 0.0.
    return (type(value).__name__, repr(value) if isinstance(value, float | complex) else value)
