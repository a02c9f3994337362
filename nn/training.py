"""The training loop: progress, checkpoints, resuming, Ctrl-C and control by hand."""

import math
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, Self

from tqdm import tqdm

import autograd_iron as ai
from autograd_iron.plain import integer
from autograd_iron.staging import Reading
from nn.checkpoint import CheckpointError, Checkpoints
from nn.console import stderr
from nn.control import Control
from nn.data import Batches
from nn.lock import FolderLock
from nn.module import Module
from nn.optim import Optimizer
from nn.rescue import Boundary
from nn.run import Run

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
        targets)``, as ours have, all the targets are shown to it before anything is trained.
    optimizer : Optimizer
        Of the model's parameters.
    steps : int
        Steps of the whole run, those before a resume included.
    metric : callable, optional
        ``metric(model)`` to a float, higher is better, called with the model in `eval` mode and
        without recording. Its ``__name__`` is shown.
    metric_every : int
        The loss is read and the metric evaluated every so many steps, at each periodic checkpoint
        and at the last step. Without a metric a GPU is not waited for: its loss is taken at the
        next look, and before anything is saved, so that it comes to the history, the bar and the
        check for nan that much later, always under the step that it is of.
    until : float or callable, optional
        Stop once the metric is at least this, or ``until(run)`` is true. It is asked before the
        first step too, so that a run that is resumed where it ended, ends there.
    run_dir : path, optional
        Where checkpoints and ``control.toml`` (see `nn.control`) go. With one, a checkpoint is
        always saved at the end, whatever ended the training, an error in a callback, the metric,
        the preview, the schedule or the data included: the error goes on, and the checkpoint is of
        the last whole step. (Not if that step is not finite, or if it is an error of a model or a
        loss that had written into a tensor already.) The folder is locked meanwhile, so that no
        other run comes into it; or it is a `FolderLock` that you hold.
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
    >>> run = nn.fit(model, nn.Batches(x, 2 * x), nn.MSELoss(), nn.SGD(model, 0.5), steps=20,
    ...              progress=False)
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
        checkpoints = control = None
        if lock is not None:
            run.run_dir = lock.folder
            checkpoints = Checkpoints(run.run_dir, keep)
            control = _open(run, checkpoints, resume)

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
                enough = until is not None and _latest(run, name) >= until
            if enough:
                return "until"
            return "steps" if run.step >= steps else None

        train = partial(_train, model, _Looking(loss, data), optimizer)
        if compile:
            train = ai.compile(train)
        bar = tqdm(
            total=steps,
            initial=run.step,
            unit="step",
            disable=not (progress and stderr.is_there),
            file=stderr,
        )
        looks = _Looks(run, metric, name, bar)
        with _CtrlC() as ctrl_c, bar:
            optimizer.zero_grad()
            model.train()
            run.stop_reason = stop_reason()
            boundary = Boundary(run) if lock else None
            first = run.step
            try:
                while run.stop_reason is None:
                    if boundary:
                        boundary.leave()
                    rate = optimizer.rate
                    run.loss = train(*data.next_batch())
                    run.step += 1
                    if boundary:
                        boundary.reach()
                    if due(run.step):
                        looks.look(rate)
                    bar.update()
                    for callback in callbacks:
                        callback(run)
                    if control is not None:
                        _obey(control, run, preview)
                    run.stop_reason = stop_reason()
                    if run.stop_reason or saves(run.step):
                        looks.settle()
                        if lock and checkpoints and control:
                            with ctrl_c.held():
                                _save(run, lock, checkpoints, control, name)
            except (Exception, SystemExit) as error:
                if boundary and run.step > first:
                    with ctrl_c.held():
                        _rescue(error, boundary, looks, run, lock, checkpoints, control, name)
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

    def __init__(self, loss: Callable[[Any, ai.Tensor], ai.Tensor], data: Batches) -> None:
        self._loss = loss
        self._data: Batches | None = data

    def __call__(self, prediction: Any, target: ai.Tensor) -> ai.Tensor:
        check = getattr(self._loss, "check_data", None)
        if self._data is not None and check is not None:
            self._data.look_at_target(partial(check, prediction))
        self._data = None
        return self._loss(prediction, target)


class _Looks:
    """Reads values of some steps into the history of a run and onto the bar.

    From a GPU the loss comes while the training goes on: it is taken with the next look, which
    waits for it, but not for the steps since. `settle` takes it before, where it must be known.
    """

    def __init__(
        self, run: Run, metric: Callable[[Any], float] | None, name: str, bar: "tqdm[Any]"
    ) -> None:
        self._run, self._metric, self._name, self._bar = run, metric, name, bar
        self._coming: tuple[int, float, Reading] | None = None  # step, rate and loss

    def look(self, rate: float) -> None:
        """Have the values of this step read, of which `rate` is one."""
        run = self._run
        assert run.loss is not None
        reading = Reading(run.loss.data)
        self.settle()
        self._coming = run.step, rate, reading
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
        (step, rate, reading), self._coming = self._coming, None
        values = {"loss": reading.value(), "rate": rate}
        if not math.isfinite(values["loss"]):
            raise FloatingPointError(_not_finite(run, f"the loss is {values['loss']}", step))
        for key, value in values.items():
            run.history.setdefault(key, []).append((step, value))
        if self._metric is not None:
            with _evaluating(run.model):
                values[self._name] = run.metric = float(self._metric(run.model))
            run.history.setdefault(self._name, []).append((step, values[self._name]))
        shown = ", ".join(f"{k} {v:.5g}" for k, v in values.items())
        self._bar.set_postfix_str(shown, refresh=False)


def _latest(run: Run, name: str) -> float:
    """The metric of the weights as they are now, nan if it was not evaluated at this step."""
    step, value = run.history.get(name, [(-1, math.nan)])[-1]
    return value if step == run.step else math.nan


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


def _save(
    run: Run, lock: FolderLock, checkpoints: Checkpoints, control: Control, name: str
) -> None:
    for path, parameter in run.model.named_parameters():
        if not ai.all(ai.isfinite(parameter)):
            what = f"the parameter {path} is not finite"
            raise FloatingPointError(_not_finite(run, what, run.step))
    if lock.renew():
        _say(f"{lock.folder} was moved or removed: this run goes on in a new folder of that name")
    state = {**run.state_dict(), "control.rate": control.rate}
    checkpoints.save(state, run.step, _latest(run, name))


def _rescue(error: BaseException, boundary: Boundary, looks: _Looks, run: Run, *where: Any) -> None:
    """Save the last whole step of a run that an error ends, which goes on its way afterwards."""
    try:
        whole = not isinstance(error, CheckpointError) and boundary.go_back()
        looks.settle()
        if whole and run.loss is not None and math.isfinite(float(run.loss)):
            _save(run, *where)
            error.add_note(f"Step {run.step} was saved.")
    except FloatingPointError:
        pass  # never saved: the checkpoints from before are kept
    except Exception as another:
        error.add_note(f"Step {run.step} could not be saved: {another}")


def _obey(control: Control, run: Run, preview: Callable[[Run], object] | None) -> None:
    request = control.poll()
    if request is None:
        return
    if request.rate is not None:
        try:
            run.optimizer.rate = request.rate
            _say(f"step {run.step}: rate set to {request.rate:g} by {control.path}")
        except ValueError as error:
            _say(f"{control.path} ignored: {error}")
    if request.preview:
        if preview is None:
            _say(f"{control.path} asks for a preview, but fit was given no preview= function")
        else:
            with _evaluating(run.model):
                preview(run)
        control.done("preview")
    if request.stop:
        run.stop("control")
        control.done("stop")


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    model.eval()
    try:
        with ai.no_grad():
            yield
    finally:
        model.train()


def _open(run: Run, checkpoints: Checkpoints, resume: bool) -> Control:
    """Take up `run` from its directory, or make the directory ready for a new one."""
    control = Control(checkpoints.folder / "control.toml", _say)
    if not resume and (old := checkpoints.paths()):
        raise FileExistsError(
            f"{checkpoints.folder} already holds checkpoints (the newest is {old[-1].name}). Pass "
            f"resume=True to go on from there, or give another run_dir."
        )
    saved = checkpoints.load(_say) if resume else None
    if saved is not None:
        # Not in what run.state_dict() gave a `Checkpoints.save` of one's own.
        rate = saved.state.get("control.rate")
        if rate is not None and not (type(rate) in (int, float) and 0 < rate < math.inf):
            raise CheckpointError(f"{saved.path} has {rate!r} for control.rate: no rate above 0")
        run.restore(saved)
        control.rate = rate
        _say(f"resuming from {saved.path}, step {saved.step}")
    elif resume:
        _say(f"no checkpoint in {checkpoints.folder} yet: starting from step 0")
    # An edit made just before a kill is still waiting in the file of a run that goes on.
    if not (resume and control.path.exists()):
        control.write_template()
    return control


class _CtrlC:
    """Within it, Ctrl-C asks for an end at the next step boundary; a second one does not wait.

    Raising in the middle of a step would leave weights and optimizer state of two different steps.
    """

    pressed = False
    _held = False
    _previous: Any = None

    def __enter__(self) -> Self:
        # Only the main thread may set handlers, and a process started to ignore Ctrl-C goes on so.
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            if previous not in (signal.SIG_IGN, None):
                self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it not even a second Ctrl-C interrupts."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.pressed and not self._held:
            raise KeyboardInterrupt
        self.pressed = True
        # Not print: the signal may come in the middle of a write to the same stream.
        # With no stderr, the descriptor 2 may be that of any file.
        with suppress(OSError, ValueError, AttributeError):
            os.write(
                stderr.fileno(),
                b"\nStopping after this step; Ctrl-C again to leave without saving.\n",
            )


def _say(line: str) -> None:
    tqdm.write(line, file=stderr)


def _not_finite(run: Run, what: str, step: int) -> str:
    when = f"after step {step}"
    if step != run.step:
        when += f" (seen after step {run.step}: a GPU's loss is read while it trains on)"
    advice = "Try a lower rate."
    if run.loss is not None and run.loss.device != "cpu":
        advice += " Class numbers out of range make it NaN too, on a GPU."
    if found := run.data.not_finite():
        advice = f"The data is to blame: {found}."
    kept = ""
    if run.run_dir is not None:
        paths = Checkpoints(run.run_dir).paths()
        kept = f" The newest checkpoint is {paths[-1]}." if paths else " Nothing was saved yet."
    return f"{what} {when}. {advice}{kept}"


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
            f"Write {type(optimizer).__name__}(model, ...)."
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
    if name in ("loss", "rate"):
        raise ValueError(f"the history has its own {name!r}: give the metric function another name")
    return name
