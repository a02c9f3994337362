"""What is read of a run while it trains: loss, learning rate and metric of some of its steps."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import autograd_iron as ai
from autograd_iron.arrays.staging import Reading
from nn.module import Module
from nn.training.bar import Bar
from nn.training.checkpoint import Checkpoints
from nn.training.run import Run


class Looks:
    """Reads values of some steps into the history of a run and onto the bar.

    From a GPU the loss comes while the training goes on: it is taken with the next look, which
    waits for it, but not for the steps since. `settle` takes it before, where it must be known.
    """

    def __init__(
        self, run: Run, metric: Callable[[Any], float] | None, name: str, bar: Bar
    ) -> None:
        self._run, self._metric, self._name, self._bar = run, metric, name, bar
        self._coming: tuple[int, float, Reading] | None = None  # step, lr and loss

    def look(self, lr: float) -> None:
        """Have the values of this step read, of which the learning rate is one."""
        run = self._run
        assert run.loss is not None
        reading = Reading(run.loss.data)
        self.settle()
        self._coming = run.step, lr, reading
        if self._metric is not None or reading.is_there:
            self.settle()

    def settle(self) -> None:
        """Take the loss that is still to come, if there is one.

        Raises
        ------
        FloatingPointError
            It is not finite.
        """
        if self._coming is None:
            return
        run = self._run
        (step, lr, reading), self._coming = self._coming, None
        values = {"loss": reading.value(), "lr": lr}
        if not math.isfinite(values["loss"]):
            raise FloatingPointError(not_finite(run, f"the loss is {values['loss']}", step))
        for key, value in values.items():
            run.history.setdefault(key, []).append((step, value))
        if self._metric is not None:
            with evaluating(run.model):
                score = self._metric(run.model)
                run.metric = float(score)
            run.history.setdefault(self._name, []).append((step, run.metric))
            # What is a number may have more to say than its value.
            values[self._name] = score if isinstance(score, float) else run.metric
        shown = ", ".join(f"{k} {v:.5g}" for k, v in values.items())
        self._bar.set_postfix_str(shown, refresh=False)


def latest(run: Run, name: str) -> float:
    """The metric of the weights as they are now, nan if it was not evaluated at this step."""
    step, value = run.history.get(name, [(-1, math.nan)])[-1]
    return value if step == run.step else math.nan


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Within it the model is in `eval` mode and nothing is recorded."""
    model.eval()
    try:
        with ai.no_grad():
            yield
    finally:
        model.train()


def not_finite(run: Run, what: str, step: int) -> str:
    """Say what is not finite after which step, why that may be, and what is still there."""
    when = f"after step {step}"
    if step != run.step:
        when += f" (seen after step {run.step}: a GPU's loss is read while it trains on)"
    advice = "Try a lower lr."
    if run.loss is not None and run.loss.device != "cpu":
        advice += " Class numbers out of range make it NaN too, on a GPU."
    if found := run.data.not_finite():
        advice = f"The data is to blame: {found}."
    kept = ""
    if run.run_dir is not None:
        paths = Checkpoints(run.run_dir).paths()
        kept = f" The newest checkpoint is {paths[-1]}." if paths else " Nothing was saved yet."
    return f"{what} {when}. {advice}{kept}"
