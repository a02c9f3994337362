"""What a plan is on any executor: bound to the memory of this process."""

from __future__ import annotations

from typing import Any, NoReturn

from autograd_iron.plan.program import Program, Value


class BasePlan:
    """A program with memory of its own.

    Attributes
    ----------
    program : Program
    """

    program: Program
    _arrays: dict[Value, Any]

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a plan is bound to the memory of this process and cannot be copied or pickled: take "
            "the compiled function, which captures again"
        )

    def draw(self) -> None:
        """Draw the random numbers of the next run."""
        for fill, value in self.program.draws:
            fill(self._arrays[value])
