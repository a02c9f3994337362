"""What is saved of a run that something ends by raising: its last whole step."""

from typing import Any

import autograd_iron as ai
from autograd_iron.core.graph import last_write
from nn.module import walk
from nn.training.run import Run


class Boundary:
    """The end of a step, to go back to when the next one raises.

    A step takes a batch and draws numbers before it writes anything: that is remembered, for it can
    be taken back. What it writes, it writes at its end, or, if it is not compiled and the model has
    buffers, on the way.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._generators = [g for _, g in walk(run.model) if isinstance(g, ai.Generator)]
        self._began: tuple[Any, ...] | None = None

    def leave(self) -> None:
        """Remember where the run is: a step begins."""
        run = self._run
        generators = [(found, found.state) for found in self._generators]
        self._began = run.data.state_dict(), generators, run.optimizer.step_count, last_write()

    def reach(self) -> None:
        """The step is made."""
        self._began = None

    def go_back(self) -> bool:
        """Take back what the step began; return whether the run is now at the end of a step."""
        if self._began is None:
            return True
        run = self._run
        data, generators, count, written = self._began
        if (run.optimizer.step_count, last_write()) != (count, written):
            return False
        run.data.load_state_dict(data)
        for generator, state in generators:
            generator.state = state
        run.optimizer.zero_grad()
        return True
