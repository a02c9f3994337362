"""A walk over a program in which rules see every step in turn: what most passes are."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograd_iron.plan.program import Operand, Program, Step, Value

# A rule looks at a step whose inputs went through all rules before.  It answers with the value that
# the step's output equals (for several outputs a tuple), with a step to put in its place, or None.
Rule = Callable[["Rewriting", Step], Value | tuple[Value, ...] | Step | None]


def rewritten(program: Program, *rules: Rule) -> Program:
    """Return a program after one walk with these rules."""
    return Rewriting(program, rules).run()


class Rewriting:
    """One walk over a program, in which the rules see every step in turn."""

    def __init__(self, program: Program, rules: tuple[Rule, ...]) -> None:
        self.program = program
        self.rules = rules
        self.steps: list[Step] = []
        self.renamed: dict[Value, Value] = {}
        self.made_by: dict[Value, Step] = {}
        self.constants = {value: array for array, value in program.constants}
        self.equal: dict[Any, tuple[Value, ...]] = {}

    def run(self) -> Program:
        """Return the program as the rules leave it."""
        for step in self.program.steps:
            self.take(step)
        program = self.program.with_steps(self.steps, self.renamed)
        used = {v for step in self.steps for v in step.values} | set(program.wanted())
        constants = [(array, value) for value, array in self.constants.items() if value in used]
        return replace(program, constants=constants)

    def take(self, step: Step) -> None:
        """Put a step through the rules."""
        renamed = self.renamed
        if not renamed.keys().isdisjoint(step.values):
            step = step.with_inputs(
                tuple([renamed.get(v, v) if type(v) is Value else v for v in step.inputs])
            )
        for rule in self.rules:
            answer = rule(self, step)
            if answer is None or answer is step:
                continue
            if isinstance(answer, Step):
                step = answer
                continue
            values = answer if isinstance(answer, tuple) else (answer,)
            renamed.update(zip(step.outputs, values, strict=True))
            return
        for out in step.outputs:
            self.made_by[out] = step
        self.steps.append(step)

    def number(self, operand: Operand) -> Any:
        """Return the number that an operand is known to be, or the operand."""
        if isinstance(operand, Value) and not operand.shape and operand in self.constants:
            return self.constants[operand].item()
        return operand
