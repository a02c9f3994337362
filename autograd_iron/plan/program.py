"""The program: what a step did, as a list of primitives on numbered values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from autograd_iron.core.primitive import Primitive
from autograd_iron.support.text import number_text


@dataclass(slots=True, eq=False)
class Value:
    """A numbered array of the program: one object, one value; never changed."""

    number: int
    shape: tuple[int, ...]
    dtype: Any

    def __repr__(self) -> str:
        return f"v{self.number}"

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Its size in memory."""
        return self.size * int(self.dtype.itemsize)


Operand = Value | float | int | bool | None


@dataclass(frozen=True)
class Check:
    """What must hold of a value in every run, before anything is changed.

    Attributes
    ----------
    lowest, highest : Value
        The extremes that were found.
    low, high : number
        What they may be.
    message : str
        Of the ValueError; `{low}` and `{high}` in it are the extremes.
    nan : bool
        Whether NaN is let through.
    """

    lowest: Value
    highest: Value
    low: float
    high: float
    message: str
    nan: bool

    def text(self, lowest: str, highest: str, message: str) -> str:
        """Return it as a line of Python, in which these names stand for the values and the text."""
        low, high = number_text(self.low), number_text(self.high)
        broken = f"{lowest} < {low} or {highest} > {high}"
        if not self.nan:
            broken = f"not ({lowest} >= {low} and {highest} <= {high})"
        found = f"low=float({lowest}), high=float({highest})"
        return f"if {broken}: raise ValueError({message}.format({found}))"


class Step:
    """One primitive applied to values and numbers; never changed.

    Attributes
    ----------
    primitive : Primitive
    inputs : tuple of Value, number or None
    attributes : dict
    outputs : tuple of Value
    values : tuple of Value
        The inputs that are values.
    parts : tuple of Step
        What the step decomposes into: steps that make the same outputs.  None in a program that
        the pass `decompose` made.
    """

    __slots__ = ("attributes", "inputs", "outputs", "parts", "primitive", "values")

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Operand, ...],
        attributes: dict[str, Any],
        *outputs: Value,
        parts: tuple[Step, ...] = (),
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.attributes = attributes
        self.outputs = outputs
        self.values = tuple([v for v in inputs if type(v) is Value])
        self.parts = parts

    @property
    def output(self) -> Value:
        """The one value that it makes."""
        (output,) = self.outputs
        return output

    @property
    def is_view(self) -> bool:
        """Whether its outputs show the memory of inputs, where that can be."""
        if self.parts:
            return all(part.is_view for part in self.parts)
        return self.primitive.view_rule is not None

    @property
    def reads(self) -> tuple[Value, ...]:
        """The values that it reads."""
        return self.values

    @property
    def writes(self) -> tuple[Value, ...]:
        """The values that it makes."""
        return self.outputs

    def __repr__(self) -> str:
        made = ", ".join(map(repr, self.outputs))
        return f"{made} = {self.primitive.name}{self.inputs} {self.attributes}"

    def with_inputs(self, inputs: tuple[Operand, ...]) -> Step:
        """Return the step on other inputs, without parts."""
        if inputs == self.inputs:
            return self
        return Step(self.primitive, inputs, self.attributes, *self.outputs)


@dataclass
class Program:
    """A step as data.

    Attributes
    ----------
    arguments : list of Value
        What the caller passes, in order.
    captured : list of (Tensor, Value)
        Tensors that the function used without being given them: read where they are, each time.
    constants : list of (array, Value)
        Arrays met on the way: frozen.
    draws : list of (callable, Value)
        Random numbers: what fills an array with them, anew before each replay.
    drawn : list of array
        Those of the capture, which the first run uses.
    steps : list of Step
        In the order of execution.
    results : list of Value
        What the function returned.
    effects : list of (Tensor, Value)
        What is assigned to tensors at the end.
    gradients : list of (Tensor, Value)
        What is left in `.grad`.
    cleared : list of Tensor
        Whose `.grad` is None at the end.
    checks : list of Check
        What refuses a run.
    place : str
        The device of all its arrays but the constants, which are on the host.
    owners : list of object
        The user's modules, those that hold others first.
    """

    arguments: list[Value] = field(default_factory=list)
    captured: list[tuple[Any, Value]] = field(default_factory=list)
    constants: list[tuple[Any, Value]] = field(default_factory=list)
    draws: list[tuple[Any, Value]] = field(default_factory=list)
    drawn: list[Any] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    results: list[Value] = field(default_factory=list)
    effects: list[tuple[Any, Value]] = field(default_factory=list)
    gradients: list[tuple[Any, Value]] = field(default_factory=list)
    cleared: list[Any] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    place: str = "cpu"
    owners: list[Any] = field(default_factory=list)
    count: int = 0

    def value(self, shape: tuple[int, ...], dtype: Any) -> Value:
        """Return a new value."""
        self.count += 1
        return Value(self.count, shape, dtype)

    @property
    def names(self) -> dict[Value, str]:
        """What the user's modules call the captured tensors."""
        captured = {id(tensor): value for tensor, value in self.captured}
        found: dict[Value, str] = {}
        for owner in self.owners:
            for path, parameter in getattr(owner, "named_parameters", dict)():
                if id(parameter) in captured:
                    found.setdefault(captured[id(parameter)], path)
        return found

    def wanted(self) -> list[Value]:
        """Return the values that must be there at the end."""
        ends = [*self.results, *(v for _, v in self.effects), *(v for _, v in self.gradients)]
        return ends + self.checked()

    def checked(self) -> list[Value]:
        """Return the values that the checks look at."""
        return [v for check in self.checks for v in (check.lowest, check.highest)]

    def sources(self) -> list[Value]:
        """Return the values that no step computes."""
        return [
            *self.arguments,
            *(v for _, v in self.captured),
            *(v for _, v in self.constants),
            *(v for _, v in self.draws),
        ]

    def with_steps(self, steps: list[Step], renamed: dict[Value, Value] | None = None) -> Program:
        """Return the program with other steps, its ends following the renaming."""

        def end(v: Value) -> Value:
            return renamed.get(v, v) if renamed else v

        return replace(
            self,
            steps=steps,
            results=[end(v) for v in self.results],
            effects=[(t, end(v)) for t, v in self.effects],
            gradients=[(t, end(v)) for t, v in self.gradients],
            checks=[
                replace(check, lowest=end(check.lowest), highest=end(check.highest))
                for check in self.checks
            ],
        )
