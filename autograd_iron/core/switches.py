"""What is switched on: recording, and the executor that runs operations.

The switches belong to a context as `contextvars` has it: each thread and each task of asyncio has
its own, so that none sees what another switched.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Generator
from contextvars import ContextVar
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from autograd_iron.core.executor import Executor

_F = TypeVar("_F", bound=Callable[..., Any])


class Switches:
    """The state of all switches.  A state never changes: switching puts another in its place.

    Attributes
    ----------
    recording : bool
        Whether operations are added to the graph.
    executor : Executor
        What runs operations: at once, or, while a function is captured, by writing them down.
    owner, outer : int and Switches, or None
        The id of the object that switched, and the state before it did.
    """

    __slots__ = ("executor", "outer", "owner", "recording")

    def __init__(
        self,
        recording: bool,
        executor: Executor,
        owner: int | None = None,
        outer: Switches | None = None,
    ) -> None:
        self.recording = recording
        self.executor = executor
        self.owner = owner
        self.outer = outer


_outermost: Any = object.__new__(Switches)  # complete after `begin_with`
_current: ContextVar[Switches] = ContextVar("autograd_iron.core.switches", default=_outermost)
switches = _current.get  # the state in force; called in every operation


def begin_with(executor: Executor) -> None:
    """Complete the outermost state, once: an executor needs Tensors, which need the switches."""
    _outermost.__init__(True, executor)


def put_executor(executor: Executor) -> None:
    """Put an executor in for the rest of the context.

    Call this function in a context of its own (`contextvars.copy_context().run`): the executor then
    goes with the context, whatever interrupts the work in it.
    """
    now = switches()
    _current.set(Switches(now.recording, executor, None, now))


def is_in(executor: Executor) -> bool:
    """Return whether this executor is in the context, or was when another one was put in."""
    state: Switches | None = switches()
    while state is not None and state.executor is not executor:
        state = state.outer
    return state is not None


class _Recording:
    """A context that sets the recording switch; it may be entered again, and in other threads."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __enter__(self) -> None:
        now = switches()
        _current.set(Switches(self._on, now.executor, id(self), now))

    def __exit__(self, *_: object) -> None:
        _current.set(_without(switches(), id(self)))

    # An interrupt may come between the last line of `__enter__` and the block, or before the first
    # one of `__exit__`: then nothing holds on to this object any more, or soon nothing will.
    def __del__(self, state: Callable[[], Switches] = switches) -> None:
        if state().owner is not None and _is_inside(state(), id(self)):
            self.__exit__()

    def __call__(self, function: _F) -> _F:
        """Return the function with the switch set whenever its code runs."""
        decorated: _F = _decorated(function, self._on)
        return decorated


def _is_inside(state: Switches | None, key: int) -> bool:
    while state is not None and state.owner != key:
        state = state.outer
    return state is not None


def _without(state: Switches, key: int) -> Switches:
    """Return the state without the last switching of this owner.

    That is the last switching of all, unless generators take turns: then they may leave in another
    order.
    """
    if not _is_inside(state, key):
        return state  # entered in another context
    above = []
    while state.owner != key:
        above.append(state)
        assert state.outer is not None  # the owner is inside
        state = state.outer
    assert state.outer is not None  # it found something
    state = state.outer
    for one in reversed(above):
        state = Switches(one.recording, one.executor, one.owner, state)
    return state


@overload
def no_grad() -> _Recording: ...
@overload
def no_grad(function: _F, /) -> _F: ...
def no_grad(function: Any = None, /) -> Any:
    """Return a context manager, or decorator, under which nothing is added to the graph.

    It holds for the thread, or the task of asyncio, that enters it.  A decorated generator or
    coroutine is under it while its own code runs, not while it waits.  In contrast, a `with` around
    a `yield` goes on for the caller until the generator leaves the block: decorate the generator.

    Parameters
    ----------
    function : callable, optional
        `@no_grad` is `@no_grad()`.

    Raises
    ------
    TypeError
        It decorates what is no function: a class, for example.

    Examples
    --------
    >>> import autograd_iron as ai
    >>> x = ai.tensor(1.0, requires_grad=True)
    >>> with ai.no_grad():
    ...     (2 * x).requires_grad
    False
    """
    return _Recording(False) if function is None else _decorated(function, False)


@overload
def enable_grad() -> _Recording: ...
@overload
def enable_grad(function: _F, /) -> _F: ...
def enable_grad(function: Any = None, /) -> Any:
    """Return a context manager, or decorator, that records again inside `no_grad`.

    See `no_grad`.
    """
    return _Recording(True) if function is None else _decorated(function, True)


# --- decorating


def _decorated(function: Any, on: bool) -> Any:
    name = "enable_grad" if on else "no_grad"
    if isinstance(function, staticmethod | classmethod):
        return type(function)(_decorated(function.__func__, on))
    if isinstance(function, type):
        raise TypeError(
            f"{name} decorates functions, and {function.__qualname__} is a class, whose methods "
            "would still run outside of it. Decorate the methods that need it, __init__ for example"
        )
    if not callable(function):
        raise TypeError(
            f"{name} decorates functions and was given {function!r}; write @{name} right above "
            f"`def`, under @property and the like, or use it as a block: with {name}():"
        )
    if _is(inspect.isasyncgenfunction, function):

        @wraps(function)
        async def generate_async(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            try:
                step = inner.__anext__()
                while True:
                    try:
                        item = await _awaited(step, on)
                    except StopAsyncIteration:
                        return
                    finally:
                        del step  # as in `_steps`
                    try:
                        step = inner.asend((yield item))
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        step = inner.athrow(error)
            finally:
                await _awaited(inner.aclose(), on)

        return generate_async

    if _is(inspect.iscoroutinefunction, function):

        @wraps(function)
        async def wait(*args: Any, **kwargs: Any) -> Any:
            return await _awaited(function(*args, **kwargs), on)

        return wait

    if _is(inspect.isgeneratorfunction, function):

        @wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Any:
            return (yield from _steps(function(*args, **kwargs), on))

        flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
        return types.coroutine(generate) if flags & inspect.CO_ITERABLE_COROUTINE else generate

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _Recording(on):
            return function(*args, **kwargs)

    return call


def _is(kind: Callable[[Any], bool], function: Any) -> bool:
    """Return whether a function, or an object that is called like one, is of a kind."""
    while isinstance(function, partial):
        function = function.func
    return kind(function) or kind(function.__call__)


def _steps(inner: Any, on: bool) -> Generator[Any, Any, Any]:
    """Run a generator or coroutine, with the switch set from each resumption to its next stop."""
    step: Callable[[], Any] = partial(inner.send, None)
    while True:
        try:
            with _Recording(on):
                request = step()
        except StopIteration as end:
            return end.value
        finally:
            del step  # it may hold an exception, whose traceback holds this frame
        try:
            step = partial(inner.send, (yield request))
        except GeneratorExit:
            with _Recording(on):
                inner.close()
            raise
        except BaseException as error:
            step = partial(inner.throw, error)


_awaited = types.coroutine(_steps)
