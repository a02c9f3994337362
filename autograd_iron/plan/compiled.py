"""`compile`: run a function once, write down what it did, and replay that from then on."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import cpu, device
from autograd_iron.core.switches import is_in, put_executor, switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.plan import passes
from autograd_iron.plan.capture import Tape
from autograd_iron.plan.derivative import Results
from autograd_iron.plan.numpy import forms
from autograd_iron.plan.numpy.build import Plan
from autograd_iron.plan.refusals import CaptureError, shared_memory
from autograd_iron.plan.trees import (
    Bound,
    are_tensors,
    bare,
    key_of,
    named_parts,
    rebuilt,
    roots,
    structure_of,
    traced,
)
from autograd_iron.plan.watch import Watch
from autograd_iron.support import forks
from autograd_iron.support.closed import Closed
from autograd_iron.support.integers import integer
from autograd_iron.support.stand_in import behind
from autograd_iron.support.text import visible
from autograd_iron.support.watched import Watched

if TYPE_CHECKING:
    from autograd_iron.plan.cuda.gpu_plan import GpuPlan
    from autograd_iron.plan.program import Program

PLANS_KEPT = 8
HISTORY_KEPT = 100


class _Entry:
    """A plan, and what must still hold for it to be replayed."""

    def __init__(
        self,
        plan: Plan | GpuPlan,
        tape: Tape,
        watch: Watch,
        structure: Any,
        results: Results,
        key: Any,
    ) -> None:
        self.plan = plan
        self._interrupted = False
        self.before = tape.before
        self._watch = watch
        self.structure = structure
        self.results = results
        # Leaves whose `.grad` matters; of arguments the number, for the next call has others.
        number = {tensor: i for i, tensor in enumerate(tape.given)}
        self.read = [number.get(t, t) for t in tape.had_gradient]
        self.had_gradient = list(tape.had_gradient.values())
        self.filled = [number.get(t, t) for t, _ in plan.program.gradients]
        self.cleared = [number.get(t, t) for t in plan.program.cleared]
        places = (*self.read, *self.filled, *self.cleared)
        self.given = tape.given if any(type(place) is int for place in places) else None
        used = dict.fromkeys([*(t for t, _ in plan.program.captured), *tape.tracked])
        self.used = [(t, t.data, t.node) for t in used]
        # Which of the arguments that need a gradient are also used without being given.
        captured = self.captured = {t for t, _ in plan.program.captured}
        tracked = [(i, t) for i, t in enumerate(tape.given) if t.node is not None]
        self.tracked = [(i, t if t in captured else None) for i, t in tracked]
        if self.given is None:
            tape.given.clear()  # a batch must not live as long as the plan
        self.assigned = {id(device.storage(t.data)): t for t, _ in plan.program.effects}
        self.recording, arguments = key
        short = are_tensors(arguments) and len(tracked) < 2  # two of them may be the same
        self.parameters = [part[1:5] for part in arguments[1:]] if short else None

    def takes(self, args: tuple[Any, ...]) -> bool:
        """Return whether the arguments are surely those of this plan: a short cut past the key."""
        if self.parameters is None or len(args) != len(self.parameters):
            return False
        for tensor, (shape, dtype, tracked, place) in zip(args, self.parameters, strict=True):
            if type(tensor) is not Tensor:
                return False
            data = tensor.data
            if data.dtype is not dtype or data.shape != shape:
                return False
            if device.has_gpu() and device.name(data) != place:
                return False
            if (tensor.node is not None) is not tracked:
                return False
        return True

    def stale(self, tensors: Sequence[Tensor]) -> str | None:
        """Return why the plan no longer fits, if it does not."""
        if self._interrupted:
            return "the call before was interrupted"
        changed = self._watch.change()
        if changed is not None:
            return changed
        for tensor, data, node in self.used:
            if tensor.data is not data:
                return "a tensor that the function uses was given other memory (use assign)"
            if tensor.node is not node:
                return "requires_grad of a tensor that the function uses changed"
        for i, known in self.tracked:
            if (tensors[i] if tensors[i] in self.captured else None) is not known:
                return "an argument became, or is no longer, a tensor that the function uses"
        for leaf, had in zip(self._tensors_at(self.read, tensors), self.had_gradient, strict=True):
            if (leaf._grad is not None) is not had:
                return f"a tensor whose gradient is read had {'a' if had else 'no'} .grad"
        return None

    def replay(self, tensors: Sequence[Tensor], again: bool) -> Any:
        if again:
            for tensor in tensors if self.assigned else ():
                target = self.assigned.get(id(device.storage(tensor.data)))
                if target is not None:
                    raise shared_memory(target, tensor)
            if self.given is not None:
                self.given[:] = tensors
            self.plan = self.results.renewed() or self.plan
        # Right after the capture, the host's part of the step has run and random numbers are drawn.
        done = 0 if again else len(self.before)
        try:
            if again:
                for prepare, _ in self.before:
                    prepare()
                    done += 1
                self.plan.draw()
            made = self.plan.run(*[t.data for t in tensors])
        except Exception:
            for _, undo in reversed(self.before[:done]):
                if undo is not None:
                    undo()
            raise
        except BaseException:
            self._interrupted = True  # other threads may still be writing into the plan's memory
            raise
        places = self.results.places(tensors, made)
        arrays = iter(made)
        result = rebuilt(self.structure, map(Tensor.wrap, arrays, places))
        for leaf in self._tensors_at(self.filled, tensors):
            leaf._grad = Tensor.wrap(next(arrays), None)
        for leaf in self._tensors_at(self.cleared, tensors):
            leaf._grad = None
        return result

    def _tensors_at(self, places: list[Any], tensors: Sequence[Tensor]) -> list[Tensor]:
        if self.given is None:
            return places
        return [tensors[place] if type(place) is int else place for place in places]


class Compiled(Closed):
    """A function whose calls replay a plan; made by `compile`.

    Attributes
    ----------
    plan : Plan
        The plan of the last call: `print(step.plan)` shows it, `step.plan.source` is what runs.
    """

    def __init__(self, function: Callable[..., Any], threads: int | None) -> None:
        if not callable(function):
            raise TypeError(
                f"compile: the first argument is a function, not {type(function).__name__}: "
                "step = ai.compile(f), and then step(x)"
            )
        update_wrapper(self, function, updated=())
        self.__name__ = getattr(function, "__name__", type(function).__name__)
        self._function = function
        whole = cpu.cores() if threads is None else integer(threads)
        if whole is None or whole < 1:
            raise ValueError(f"compile: threads must be a whole number from 1 up, not {threads!r}")
        self._threads = whole
        self._entries: OrderedDict[Any, list[_Entry]] = OrderedDict()
        self._lock = threading.RLock()
        self._captures = 0
        self._history: deque[str] = deque(maxlen=HISTORY_KEPT)
        self._last: _Entry | None = None
        self._tape: Tape | None = None  # of the capture that is going on
        forks.renew(self)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Replay the plan for these arguments, or capture it first."""
        if switches().executor.captures:
            return self._function(*map(bare, args), **kwargs)
        last = self._last
        if last is not None and not kwargs and switches().recording is last.recording:
            with self._lock:
                if last.takes(args) and last.stale(args) is None:
                    return last.replay(args, again=True)
        tensors: list[Tensor] = []
        key = key_of((args, kwargs) if kwargs else args, tensors)
        key = (switches().recording, key)
        with self._lock:
            reason = None
            for entry in self._entries.get(key, ()):
                stale = entry.stale(tensors)
                reason = reason or stale  # of the latest plan
                if stale is None:
                    self._last = entry
                    return entry.replay(tensors, again=True)
            self._last = self._capture(key, reason, args, kwargs)
            return self._last.replay(tensors, again=False)

    def __reduce__(self) -> Any:
        """Pickle the function, whose plans are captured anew; one with a name goes by its name."""
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Compiled, (self._function, self._threads))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else partial(self, Bound(instance))

    @property
    def plan(self) -> Plan | GpuPlan:
        """The plan of the last call.

        Raises
        ------
        RuntimeError
            The function has not been called yet.
        """
        return self._latest().plan

    def _latest(self) -> _Entry:
        if self._last is None:
            raise RuntimeError("there is no plan before the first call: call the function once")
        return self._last

    def explain(self) -> str:
        """Say why each plan was captured, and what the last one holds fixed."""
        lines = [f"{visible(self.__name__)}: {self._captures} captures"]
        first = self._captures - len(self._history) + 1
        if first > 1:
            lines.append(f"  ... the last {len(self._history)} of them:")
        lines += [f"  {i}. {reason}" for i, reason in enumerate(self._history, first)]
        if self._last is not None:
            program = self._last.plan.program
            lines.append(
                f"read anew in each call: {len(program.arguments)} arguments, "
                f"{len(program.captured)} tensors that the function uses, "
                f"{len(program.draws)} random draws and gradients from before"
            )
            lines.append(
                "frozen at capture: shapes and dtypes, Python numbers and branches, "
                f"{len(program.constants)} constants"
            )
            lines.append(f"on {program.place}: {self._last.plan.how}")
        return "\n".join(lines)

    def eject(self, path: str | os.PathLike[str]) -> None:
        """Write the last plan as one Python file that needs NumPy alone, its arrays beside it.

        Parameters
        ----------
        path : path
            `step.py`; the arrays go to `step.npz`.  `python step.py` runs a step; from Python,
            `import step; step.step(*arrays)` takes the tensors among the arguments in order, and
            returns those of the result in order, as arrays.  `step.gradients` then has what the
            step leaves in `.grad`.  Files that an earlier call wrote are replaced.

        Raises
        ------
        ValueError
            A part of the plan has no text in NumPy, the step ran on a GPU last, or a file of this
            name cannot be used.
        FileExistsError
            Something that was not written by `eject` is there.
        """
        from autograd_iron.plan.numpy.eject import eject

        entry = self._latest()
        if not isinstance(entry.plan, Plan):
            raise ValueError(
                f"eject: the last plan of {self.__name__} runs on {entry.plan.program.place}, and "
                "what is written is NumPy. Call the step on tensors of the host first; "
                "step.plan.source has the kernels of this one"
            )
        with self._lock:
            plan = entry.plan
            results = plan.program.results[: entry.results.count]
            if len(results) < len(plan.program.results):  # the others are for gradients
                program = passes.optimise(replace(plan.program, results=results))
                plan = Plan(program, self._threads)
            eject(plan, self.__name__, entry.filled, path)

    def _capture(self, key: Any, reason: str | None, args: Any, kwargs: Any) -> _Entry:
        tape = Tape()
        randomness = cpu.global_random_state(), random.getstate()
        try:
            self._tape = tape
            try:
                # Whatever ends the capture, the tape is out: it was put into this context alone.
                result = copy_context().run(self._trace, tape, args, kwargs)
            finally:
                tape.close()
            if (cpu.global_random_state(), random.getstate()) != randomness:
                raise CaptureError(
                    f"compile: {self.__name__} drew from the global random state of NumPy or "
                    "Python, which a replay would not do again. Use an ai.Generator"
                )
            outputs: list[Tensor] = []
            structure = structure_of(result, outputs)
            written = tape.finish(outputs)
            make_plan = partial(_plan_of, self._threads)
            results = Results(self.__name__, tape, written, make_plan)
            plan = make_plan(written)
        except BaseException:
            tape.take_back()
            raise
        finally:
            self._tape = None
        watch = Watch(roots(self._function, args, kwargs), tape.guards)
        entry = _Entry(plan, tape, watch, structure, results, key)
        self._history.append(reason or self._difference(key))
        self._captures += 1
        kept = self._entries.setdefault(key, [])
        kept.insert(0, entry)
        del kept[PLANS_KEPT:]
        self._entries.move_to_end(key)
        while len(self._entries) > PLANS_KEPT:
            self._entries.popitem(last=False)
        return entry

    def _trace(self, tape: Tape, args: Any, kwargs: Any) -> Any:
        put_executor(tape)
        return self._function(*traced(args, tape), **traced(kwargs, tape))

    def after_fork(self) -> None:
        """Give a forked process a lock, and undo the capture that only its parent goes on with."""
        self._lock = threading.RLock()
        tape = self._tape
        if tape is not None and not is_in(tape):
            tape.take_back()
            self._tape = None

    def _difference(self, key: Any) -> str:
        if not self._entries:
            return "the first call"
        last = next(reversed(self._entries))
        if last[0] != key[0]:
            return "no_grad was entered or left"
        before, now = dict(named_parts(last[1])), dict(named_parts(key[1]))
        for path in [*now, *before]:
            if now.get(path) != before.get(path):
                was, found = visible(before.get(path)), visible(now.get(path))
                return f"argument {visible(path)} was {was} and is {found}"
        return "the structure of the arguments changed"


def compile(function: Callable[..., Any] | None = None, *, threads: int | None = None) -> Any:
    """Make a function of tensors run as a static plan.

    The first call runs the function once and writes down every operation: forward, backward,
    optimizer.  Later calls replay the plan: nothing of the function's Python runs again.  Shapes,
    dtypes, Python arguments, and what the function reads of modules, closures and globals choose
    the plan; a change captures anew (see `Compiled.explain`).  Learning rates, step counts and
    draws of an `ai.Generator` go on from call to call.  The result can be differentiated.

    Parameters
    ----------
    function : callable
        Of Tensors, arrays, Python values, and lists, tuples and dicts of them; returns the same.
        Values cannot be read on the host inside it.  A model stays one: `model =
        ai.compile(model)` is called as a plan and has all attributes of the model.
    threads : int, optional
        How many share the tiles of a large batch.  Default: the cores this process may use.
        Results do not depend on it.

    Returns
    -------
    Compiled
        Called like the function.

    Raises
    ------
    CaptureError
        When called: the function does something that cannot be replayed, named with its line.

    Examples
    --------
    >>> import autograd_iron as ai
    >>> double = ai.compile(lambda x: x + x)
    >>> double(ai.tensor([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    if function is None:
        return lambda function: compile(function, threads=threads)
    if isinstance(function, Watched):
        from autograd_iron.plan.compiled_model import compiled_model

        return compiled_model(behind(function), threads)
    return Compiled(function, threads)


def _plan_of(threads: int, program: Program) -> Plan | GpuPlan:
    if program.place == "cpu":
        return Plan(passes.optimise(program, forms.has_kernel), threads)
    from autograd_iron.plan.cuda.gpu_plan import GpuPlan
    from autograd_iron.plan.loops import pieces

    return GpuPlan(passes.optimise(program, pieces.has_kernel))
