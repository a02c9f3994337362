"""A training run: what callbacks see of it, and what of it a checkpoint holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import autograd_iron as ai
from autograd_iron.support.closed import Closed
from nn.data.batches import Batches
from nn.module import Module, check_entries, walk
from nn.optim.optimizer import Optimizer
from nn.training.checkpoint import CheckpointError, Saved


@dataclass
class Run(Closed):
    """What `fit` is doing: handed to every callback and returned at the end.

    Attributes
    ----------
    model, data, optimizer
        What `fit` was given.
    run_dir : Path or None
        Where the checkpoints and ``control.toml`` are.
    step : int
        Completed steps, those before a resume included.
    loss : Tensor or None
        The last step's loss, 0-d. ``float(run.loss)`` waits for it.
    metric : float or None
        The metric's last value.
    history : dict of str to list of (int, float)
        ``"loss"``, ``"lr"`` (the one that made the step) and the metric under its own name, each
        a list of ``(step, value)``. Which steps are in it depends on nothing but the step number
        and `fit`'s arguments, so a resumed run ends with the history of one that never stopped.
        While it trains on a GPU without a metric, the last entry comes with the next one.
    stop_reason : str or None
        None while training, then ``"steps"`` (all done), ``"until"`` (the metric got there),
        ``"callback"`` (`stop` was called), ``"control"`` (``control.toml`` said so) or
        ``"interrupted"`` (Ctrl-C).
    """

    model: Module
    data: Batches
    optimizer: Optimizer
    run_dir: Path | None = None
    step: int = 0
    loss: ai.Tensor | None = None
    metric: float | None = None
    history: dict[str, list[tuple[int, float]]] = field(default_factory=dict, repr=False)
    stop_reason: str | None = None

    def __post_init__(self) -> None:
        self.close()

    def stop(self, reason: str = "callback") -> None:
        """End the training after this step; with a run directory a checkpoint is saved first.

        Parameters
        ----------
        reason : str
            Becomes `stop_reason`.
        """
        self.stop_reason = reason

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the run depends on, flat, as `Checkpoints.save` takes it.

        Returns
        -------
        dict of str to Tensor, ndarray or JSON value
            ``model.<path>``, ``optimizer.<name>``, ``data.<name>``, ``generator.<path>`` for each
            Generator in the model, ``history.<name>`` of shape (entries, 2), ``step``, ``metric``.
        """
        state: dict[str, Any]
        state = {f"model.{path}": value for path, value in self.model.state_dict().items()}
        state |= {f"optimizer.{name}": v for name, v in self.optimizer.state_dict().items()}
        state |= {f"data.{name}": value for name, value in self.data.state_dict().items()}
        state |= {f"generator.{path}": found.state for path, found in self._generators()}
        # Arrays, because the history of a long run would make a long JSON header.
        state |= {
            f"history.{name}": ai.tensor(entries, dtype="float64")
            for name, entries in self.history.items()
        }
        return {**state, "step": self.step, "metric": self.metric}

    def restore(self, saved: Saved) -> None:
        """Become the run that `saved` was taken from.

        Parameters
        ----------
        saved : Saved
            What `Checkpoints.load` returned.

        Raises
        ------
        CheckpointError
            The model, the optimizer or the data are not those of the checkpoint. The text names
            the entries, and nothing is changed.
        """
        try:
            self._check(saved)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{saved.path} is of another run: {error}\nBuild the model, the optimizer and the "
                f"data as they were when it was saved, or give another run_dir."
            ) from error
        state = saved.state
        self.model.load_state_dict(_part(state, "model."))
        self.optimizer.load_state_dict(_part(state, "optimizer."))
        self.data.load_state_dict(_part(state, "data."))
        for path, generator in self._generators():
            generator.state = state[f"generator.{path}"]
        self.history = _history(state)
        self.step = state["step"]
        self.metric = state["metric"]

    def _check(self, saved: Saved) -> None:
        """Raise for anything in it that cannot be restored; what follows cannot fail."""
        state = saved.state
        if missing := [name for name in ("step", "metric") if name not in state]:
            raise ValueError(f"it lacks {', '.join(missing)}: save all of run.state_dict()")
        self.model.check_state_dict(_part(state, "model."))
        self.optimizer.check_state_dict(_part(state, "optimizer."))
        self.data.check_state_dict(_part(state, "data."))
        states = {path: generator.state for path, generator in self._generators()}
        given = _part(state, "generator.")
        check_entries("the model's generators", states, given)
        for path in states:
            ai.Generator().state = given[path]
        _history(state)
        step, metric = state["step"], state["metric"]
        if type(step) is not int or step != saved.step:
            raise ValueError(f"it was saved as step {saved.step} and holds step {step!r}")
        if metric is not None and type(metric) not in (int, float):
            raise TypeError(f"its metric is {metric!r}, not a number")

    def _generators(self) -> Iterator[tuple[str, ai.Generator]]:
        walked = walk(self.model)
        return ((path, found) for path, found in walked if isinstance(found, ai.Generator))


def _part(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _history(state: Mapping[str, Any]) -> dict[str, list[tuple[int, float]]]:
    found = {}
    for name, entries in _part(state, "history.").items():
        shape = getattr(entries, "shape", None)
        if shape is None or not (shape == (0,) or (len(shape) == 2 and shape[1] == 2)):
            raise ValueError(f"history.{name} is no array of shape (entries, 2)")
        pairs = ai.asarray(entries).tolist() if shape[0] else []
        if not all(step >= 0 and step % 1 == 0 for step, _ in pairs):
            raise ValueError(f"history.{name} is of steps that are no whole numbers")
        found[name] = [(int(step), float(value)) for step, value in pairs]
    return found
