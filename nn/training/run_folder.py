"""The folder of a run that trains: what is found there, and what is saved, whatever ends it."""

import math
from collections.abc import Callable

import autograd_iron as ai
from nn.training.bar import say
from nn.training.checkpoint import CheckpointError, Checkpoints
from nn.training.control import Control
from nn.training.lock import FolderLock
from nn.training.looks import Looks, evaluating, latest, not_finite
from nn.training.rescue import Boundary
from nn.training.run import Run


class RunFolder:
    """Checkpoints and ``control.toml`` of a run.

    Parameters
    ----------
    run : Run
        Becomes the one that was saved, if there is one and `resume` is True.
    lock : FolderLock
        Keeps every other run out.
    keep : int
        How many checkpoints.
    resume : bool
    name : str
        Of the metric.

    Raises
    ------
    FileExistsError, CheckpointError
        As `nn.fit` does.
    """

    def __init__(self, run: Run, lock: FolderLock, keep: int, resume: bool, name: str) -> None:
        run.run_dir = lock.folder
        self._run, self._lock, self._name = run, lock, name
        self._checkpoints = Checkpoints(lock.folder, keep)
        self._control = Control(lock.folder / "control.toml", say)
        self._open(resume)
        self.boundary = Boundary(run)
        self._first = run.step
        self._refused: CheckpointError | None = None

    def obey(self, preview: Callable[[Run], object] | None) -> None:
        """Do what ``control.toml`` asks for."""
        control, run = self._control, self._run
        request = control.poll()
        if request is None:
            return
        if request.lr is not None:
            try:
                run.optimizer.lr = request.lr
                say(f"step {run.step}: lr set to {request.lr:g} by {control.path}")
            except ValueError as error:
                say(f"{control.path} ignored: {error}")
        if request.preview:
            if preview is None:
                say(f"{control.path} asks for a preview, but fit was given no preview= function")
            else:
                with evaluating(run.model):
                    preview(run)
            control.done("preview")
        if request.stop:
            run.stop("control")
            control.done("stop")

    def save(self) -> None:
        """Save the run as it is.

        Raises
        ------
        FloatingPointError
            A weight is not finite: what was saved before is better.
        CheckpointError
            The system refused, or another run has taken the folder's place.
        """
        run = self._run
        for path, parameter in run.model.named_parameters():
            if not ai.all(ai.isfinite(parameter)):
                what = f"the parameter {path} is not finite"
                raise FloatingPointError(not_finite(run, what, run.step))
        try:
            if self._lock.renew():
                where = self._lock.folder
                say(f"{where} was moved or removed: this run goes on in a new folder of that name")
            state = {**run.state_dict(), "control.lr": self._control.lr}
            self._checkpoints.save(state, run.step, latest(run, self._name))
        except CheckpointError as error:
            self._refused = error
            raise

    def rescue(self, error: BaseException, looks: Looks) -> None:
        """Save the last whole step of a run that an error ends.

        Parameters
        ----------
        error : BaseException
            Gets a note, and goes on its way afterwards.
        looks : Looks
            What they still wait for is taken first.
        """
        run = self._run
        if run.step == self._first or error is self._refused:
            return
        try:
            whole = self.boundary.go_back()
            looks.settle()
            if whole and run.loss is not None and math.isfinite(float(run.loss)):
                self.save()
                error.add_note(f"Step {run.step} was saved.")
        except FloatingPointError:
            pass  # never saved: the checkpoints from before are kept
        except Exception as another:
            error.add_note(f"Step {run.step} could not be saved: {another}")

    def _open(self, resume: bool) -> None:
        """Take up the run that was saved, or make the folder ready for a new one."""
        checkpoints, control = self._checkpoints, self._control
        if not resume and (old := checkpoints.paths()):
            raise FileExistsError(
                f"{checkpoints.folder} already holds checkpoints (the newest is {old[-1].name}). "
                f"Pass resume=True to go on from there, or give another run_dir."
            )
        saved = checkpoints.load(say) if resume else None
        if saved is not None:
            # A checkpoint that a script of the user's saved of run.state_dict() does not have it.
            lr = saved.state.get("control.lr")
            if lr is not None and not (type(lr) in (int, float) and 0 < lr < math.inf):
                raise CheckpointError(
                    f"{saved.path} has {lr!r} for control.lr: no learning rate above 0"
                )
            self._run.restore(saved)
            control.lr = lr
            say(f"resuming from {saved.path}, step {saved.step}")
        elif resume:
            say(f"no checkpoint in {checkpoints.folder} yet: starting from step 0")
        # An edit made just before a kill is still waiting in the file of a run that goes on.
        if not (resume and control.path.exists()):
            control.write_template()
