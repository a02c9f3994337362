"""The training loop."""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import autograd_iron as ai
from autograd_iron.support.integers import integer
from nn.data.batches import Batches
from nn.module import Module
from nn.optim.optimizer import Optimizer
from nn.training.bar import Bar
from nn.training.console import stderr
from nn.training.ctrl_c import CtrlC
from nn.training.lock import FolderLock
from nn.training.looks import Looks, latest
from nn.training.run import Run
from nn.training.run_folder import RunFolder

__all__ = ["Run", "fit"]


def fit(
    model: Module,
    data: Batches,
    loss: Callable[[Any, ai.Tensor], ai.Tensor],
    optimizer: Optimizer,
    *,
    steps: int,
    metric: Callable[[Any], float] | None = None,
    metric_every: int = 10,
    until: float | Callable[[Run], bool] | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    resume: bool = False,
    checkpoint_every: int | None = None,
    keep: int = 3,
    callbacks: Iterable[Callable[[Run], object]] = (),
    preview: Callable[[Run], object] | None = None,
    progress: bool = True,
    compile: bool = True,
) -> Run:
    """Train a model: batch, forward, loss, backward, optimizer, for `steps` steps.

    Each step is ``loss(model(*inputs), target)`` where the last array of a batch is the target.

    Parameters
    ----------
    model : Module
        Trained in place.
    data : Batches
        At least two arrays: the model's inputs, then the target.
    loss : callable
        ``(prediction, target)`` to a 0-d Tensor. If it has a method ``check_data(prediction,
        targets)``, as ours have, all the targets are shown to it before anything is trained. (A
        subclass with a ``__call__`` of its own has none unless it defines it too.)
    optimizer : Optimizer
        Of the model's parameters.
    steps : int
        Steps of the whole run, those before a resume included.
    metric : callable, optional
        ``metric(model)`` to a float, higher is better, called with the model in `eval` mode and
        without recording. Its ``__name__`` is shown, and its value as that formats itself.
    metric_every : int
        The loss is read and the metric evaluated every so many steps, at each periodic checkpoint
        and at the last step. Without a metric a GPU is not waited for: its loss is taken at the
        next look, and before anything is saved, so that it comes to the history, the bar and the
        check for nan that much later, always under the step that it is of.
    until : float or callable, optional
        Stop once the metric is at least this, or ``until(run)`` is true. It is asked before the
        first step too, so that a run that is resumed where it ended, ends there.
    run_dir : path, optional
        Where checkpoints and ``control.toml`` (see `nn.training.control`) go. With one, a
        checkpoint is always saved at the end, whatever ended the training, what a callback, the
        metric, the preview, the schedule or the data raises included: that goes on, and the
        checkpoint is of the last whole step. (Not if that step is not finite, if it is an error
        of a model or a loss that had written into a tensor already, or at a second Ctrl-C.) The
        folder is locked meanwhile, so that no other run comes into it; or it is a `FolderLock` of
        yours.
    resume : bool
        Go on from the newest good checkpoint in `run_dir`, or start if there is none. Weights,
        optimizer, schedule, the order of the data, the generators in the model and the history go
        on bit for bit as if the run had never stopped. State of your own (in callbacks) is not
        saved.
    checkpoint_every : int, optional
        Save every so many steps; without it only at the end.
    keep : int
        How many of the newest checkpoints to keep; the best by metric is kept besides.
    callbacks : iterable of callable
        Each is called as ``callback(run)`` after every step, before that step's checkpoint.
    preview : callable, optional
        Called as ``preview(run)`` when ``control.toml`` asks, with the model in `eval` mode and
        without recording.
    progress : bool
        Show a progress bar on stderr.
    compile : bool
        Run the step as a static plan (see `autograd_iron.compile`), captured anew for each shape of
        batch.  Turn it off if the model or the loss reads values on the host.

    Returns
    -------
    Run

    Raises
    ------
    ValueError, TypeError
        An argument that cannot be meant, or a row of the data whose target the loss refuses;
        nothing has been trained.
    FileExistsError
        `run_dir` holds checkpoints and `resume` is False; they are left as they are.
    CheckpointError
        Another run is in `run_dir`, a checkpoint could not be written, none of those there is good,
        or the newest is of another model, optimizer or data (the text names the entries; the model
        is unchanged).
    FloatingPointError
        The loss or a weight is no longer finite. Checkpoints saved before are kept.
    KeyboardInterrupt
        Ctrl-C a second time, before the step under way was over. The first one, in the main
        thread, ends the training after that step, saves, and returns.

    Examples
    --------
    >>> import autograd_iron as ai, nn
    >>> model = nn.Linear(1, 1)
    >>> x = ai.linspace(0, 1, 16).reshape(16, 1)
    >>> run = nn.fit(model, nn.Batches(x, 2 * x), nn.MSELoss(), nn.SGD(model.parameters(), 0.5),
    ...              steps=20, progress=False)
    >>> run.step, run.stop_reason
    (20, 'steps')
    """
    _check_data(data)
    steps = _count("steps", steps)
    metric_every = _count("metric_every", metric_every)
    if checkpoint_every is not None:
        checkpoint_every = _count("checkpoint_every", checkpoint_every)
    _check_optimizer(optimizer, model)
    name = _check_metric(metric, None if callable(until) else until)
    callbacks = tuple(callbacks)
    if run_dir is None and (resume or checkpoint_every is not None):
        asked = "resume=True" if resume else f"checkpoint_every={checkpoint_every}"
        raise ValueError(f"{asked} needs run_dir=, the folder that holds the checkpoints")
    with _locked(run_dir) as lock:
        run = Run(model, data, optimizer)
        folder = None if lock is None else RunFolder(run, lock, keep, resume, name)

        def saves(step: int) -> bool:
            return checkpoint_every is not None and step % checkpoint_every == 0

        def due(step: int) -> bool:
            return step % metric_every == 0 or step == steps or saves(step)

        def stop_reason() -> str | None:
            if ctrl_c.pressed:
                return "interrupted"
            if run.stop_reason is not None:
                return run.stop_reason
            if callable(until):
                enough = until(run)
            else:
                enough = until is not None and latest(run, name) >= until
            if enough:
                return "until"
            return "steps" if run.step >= steps else None

        train = partial(_train, model, _Looking(loss, data), optimizer)
        if compile:
            train = ai.compile(train)
        bar = Bar(
            total=steps,
            initial=run.step,
            unit="step",
            disable=not (progress and stderr.is_there),
            file=stderr,
        )
        looks = Looks(run, metric, name, bar)
        with CtrlC() as ctrl_c, bar:
            optimizer.zero_grad()
            model.train()
            run.stop_reason = stop_reason()
            try:
                while run.stop_reason is None:
                    if folder is not None:
                        folder.boundary.leave()
                    lr = optimizer.lr
                    run.loss = train(*data.next_batch())
                    run.step += 1
                    if folder is not None:
                        folder.boundary.reach()
                    if due(run.step):
                        looks.look(lr)
                    bar.update()
                    for callback in callbacks:
                        callback(run)
                    if folder is not None:
                        folder.obey(preview)
                    run.stop_reason = stop_reason()
                    if run.stop_reason is not None or saves(run.step):
                        looks.settle()
                        if folder is not None:
                            with ctrl_c.held():
                                folder.save()
            except BaseException as error:
                at_once = ctrl_c.at_once and isinstance(error, KeyboardInterrupt)
                if folder is not None and not at_once:
                    with ctrl_c.held():
                        folder.rescue(error, looks)
                raise
        if ctrl_c.pressed:  # Too late for the loop to see it, yet the user wants to leave.
            run.stop_reason = "interrupted"
        return run


def _train(
    model: Module,
    loss: Callable[[Any, ai.Tensor], ai.Tensor],
    optimizer: Optimizer,
    *batch: ai.Tensor,
) -> ai.Tensor:
    *inputs, target = batch
    value = loss(model(*inputs), target)
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    return value.detach()


class _Looking:
    """A loss that looks at all the targets of the data when it is first called.

    Only then is the number of classes known, and nothing has been trained yet.
    """

    def __init__(self, loss: Any, data: Batches) -> None:
        self._loss = loss
        self._data: Batches | None = data

    def __call__(self, prediction: Any, target: ai.Tensor) -> ai.Tensor:
        if self._data is not None and _looks_at_data(self._loss):
            self._data.look_at_target(partial(self._loss.check_data, prediction))
        self._data = None
        value: ai.Tensor = self._loss(prediction, target)
        return value


def _looks_at_data(loss: Any) -> bool:
    """Return whether `check_data` speaks for the loss: not if a subclass has another `__call__`.

    That may mean its targets otherwise, leaving out the rows of a class -1, say.
    """
    kinds = [kind for kind in type(loss).__mro__ if vars(kind).keys() & {"check_data", "__call__"}]
    return bool(kinds) and "check_data" in vars(kinds[0])


@contextmanager
def _locked(run_dir: str | os.PathLike[str] | None) -> Iterator[FolderLock | None]:
    """Keep every other run out of the folder, which the caller may have done."""
    if run_dir is None:
        yield None
    elif isinstance(run_dir, FolderLock):
        with run_dir.lent():
            yield run_dir
    else:
        with FolderLock(run_dir) as lock:
            yield lock


def _check_data(data: Any) -> None:
    if not isinstance(data, Batches):
        raise TypeError(
            f"data must be nn.Batches, got {type(data).__name__}: write nn.Batches(inputs, targets)"
        )
    if data.width < 2:
        raise ValueError("data needs inputs and a target: write nn.Batches(inputs, targets)")


def _count(name: str, given: Any) -> int:
    count = integer(given)
    if count is None:
        raise TypeError(f"{name} must be a whole number, got {given!r}")
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")
    return count


def _check_optimizer(optimizer: Optimizer, model: Module) -> None:
    own = {id(parameter) for parameter in model.parameters()}
    if not any(id(parameter) in own for parameter in optimizer.parameters.values()):
        raise ValueError(
            f"the optimizer trains none of the model's parameters: was it made for another model? "
            f"Write {type(optimizer).__name__}(model.parameters(), ...)."
        )


def _check_metric(metric: Callable[[Any], float] | None, until: float | None) -> str:
    """The name that the metric has in the history and on the bar."""
    if metric is None:
        if until is not None:
            raise ValueError(f"until={until} needs metric=, the function whose value is compared")
        return "metric"
    if not callable(metric):
        raise TypeError(f"metric must be a function of the model, got {type(metric).__name__}")
    if until is not None and math.isnan(until):
        raise ValueError("until is nan, which no metric reaches")
    name = str(getattr(metric, "__name__", "metric"))
    name = "metric" if name == "<lambda>" else name
    if name in ("loss", "lr"):
        raise ValueError(f"the history has its own {name!r}: give the metric function another name")
    return name
