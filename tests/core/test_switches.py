"""Recording is switched for whose code runs: generators, coroutines, tasks, threads, interrupts."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import autograd_iron as ai
from autograd_iron.core.registry import registry
from autograd_iron.core.switches import switches


def recording() -> bool:
    return bool((ai.tensor(1.0, requires_grad=True) * 2).requires_grad)


# Each is used in two ways, and under the other one, so that both directions are seen.
OFF_AND_ON = [(ai.no_grad, False), (ai.enable_grad, True)]
both = pytest.mark.parametrize(("switch", "inside"), OFF_AND_ON)


@contextmanager
def outside_of(inside: bool) -> Iterator[None]:
    """Recording is the other way round here."""
    with ai.no_grad() if inside else ai.enable_grad():
        yield


# --- what is decorated


@both
@pytest.mark.parametrize("bare", [True, False])
def test_a_decorated_function_keeps_its_name_and_answers(
    switch: Any, inside: bool, bare: bool
) -> None:
    def function(a: int, /, *, b: int = 2) -> tuple[int, int, bool]:
        """Say what it was given."""
        return a, b, recording()

    decorated = switch(function) if bare else switch()(function)
    with outside_of(inside):
        assert decorated(1, b=3) == (1, 3, inside)
        assert recording() is not inside
    assert decorated.__name__ == "function"
    assert decorated.__doc__ == "Say what it was given."
    assert decorated.__wrapped__ is function
    assert inspect.signature(decorated) == inspect.signature(function)


@both
def test_a_generator_runs_inside_and_its_caller_does_not(switch: Any, inside: bool) -> None:
    @switch
    def generate(n: int) -> Iterator[bool]:
        for _ in range(n):
            yield recording()
        return "end"  # type: ignore[return-value]

    assert inspect.isgeneratorfunction(generate)
    with outside_of(inside):
        generator: Any = generate(3)
        for _ in range(3):
            assert next(generator) is inside
            assert recording() is not inside
        with pytest.raises(StopIteration) as end:
            next(generator)
        assert end.value.value == "end"
        assert recording() is not inside


@both
def test_send_throw_and_close_go_through(switch: Any, inside: bool) -> None:
    seen: list[Any] = []

    @switch()
    def generate() -> Any:
        try:
            got = yield "first"
            while True:
                try:
                    seen.append((got, recording()))
                    got = yield got
                except KeyError as error:
                    seen.append((error.args[0], recording()))
                    got = yield "caught"
        finally:
            seen.append(("closed", recording()))

    with outside_of(inside):
        generator = generate()
        assert next(generator) == "first"
        assert generator.send(1) == 1
        assert generator.throw(KeyError("key")) == "caught"
        assert generator.send(2) == 2
        generator.close()
        assert seen == [(1, inside), ("key", inside), (2, inside), ("closed", inside)]
        assert recording() is not inside
        with pytest.raises(StopIteration):
            next(generator)

        generator = generate()
        next(generator)
        error = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError) as caught:
            generator.throw(error)
        assert caught.value is error
        assert seen[-1] == ("closed", inside)
        del generator

        generator = generate()
        next(generator)
        seen.clear()
        del generator
        assert seen == [("closed", inside)], "dropping it closes it at once"
        assert recording() is not inside


def test_a_generator_that_yields_while_it_is_closed_is_refused_as_ever() -> None:
    @ai.no_grad
    def stubborn() -> Any:
        try:
            yield
        except GeneratorExit:
            yield

    generator = stubborn()
    next(generator)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        generator.close()
    assert recording()


def test_generators_that_take_turns_do_not_meet() -> None:
    @ai.no_grad
    def off() -> Any:
        while True:
            yield recording()

    @ai.enable_grad
    def on() -> Any:
        while True:
            yield recording()

    one, other = off(), on()
    for _ in range(3):
        assert next(one) is False
        assert next(other) is True
        assert recording()
    with ai.no_grad():
        assert [next(one), next(other), recording()] == [False, True, False]


def test_a_decorated_generator_that_recurses() -> None:
    @ai.no_grad
    def tree(depth: int) -> Iterator[tuple[int, bool]]:
        if depth:
            yield from tree(depth - 1)
        yield depth, recording()

    assert list(tree(3)) == [(i, False) for i in range(4)]
    assert recording()


def test_blocks_in_generators_that_take_turns_end_with_what_was_before() -> None:
    def block(switch: Any) -> Iterator[bool]:
        with switch():
            yield recording()

    for first, second in ((ai.no_grad, ai.enable_grad), (ai.enable_grad, ai.no_grad)):
        one, other = block(first), block(second)
        next(one)
        answer = next(other)
        assert next(one, None) is None  # the first to come is the first to go
        assert recording() is answer
        assert next(other, None) is None
        assert recording()


@both
def test_a_coroutine_runs_inside_and_other_tasks_do_not(switch: Any, inside: bool) -> None:
    @switch
    async def work(n: int) -> list[bool]:
        seen = []
        for _ in range(n):
            seen.append(recording())
            await asyncio.sleep(0)
        return seen

    async def others(n: int) -> list[bool]:
        seen = []
        for _ in range(n):
            seen.append(recording())
            await asyncio.sleep(0)
        return seen

    async def main() -> None:
        assert inspect.iscoroutinefunction(work)
        one, two, three = await asyncio.gather(work(4), others(4), work(4))
        assert one == three == [inside] * 4
        assert two == [not inside] * 4
        assert await work(2) == [inside] * 2
        assert recording() is not inside

    with outside_of(inside):
        asyncio.run(main())
        # Driven by hand, with nothing but this thread's context.
        coroutine: Any = work(2)
        for _ in range(2):
            coroutine.send(None)
            assert recording() is not inside
        with pytest.raises(StopIteration) as end:
            coroutine.send(None)
        assert end.value.value == [inside] * 2


def test_a_block_in_a_task_is_not_seen_by_other_tasks() -> None:
    async def inside(seen: list[bool]) -> None:
        with ai.no_grad():
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(recording())

    async def outside(seen: list[bool]) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
            seen.append(recording())

    async def main() -> None:
        off: list[bool] = []
        on: list[bool] = []
        await asyncio.gather(inside(off), outside(on), inside(off))
        assert off == [False] * 6
        assert on == [True] * 5

    asyncio.run(main())
    assert recording()


def test_a_cancelled_coroutine_cleans_up_inside() -> None:
    seen = []

    @ai.no_grad
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append(recording())

    async def main() -> None:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert recording()

    asyncio.run(main())
    assert seen == [False]


@both
def test_an_async_generator_runs_inside(switch: Any, inside: bool) -> None:
    seen: list[Any] = []

    @switch()
    async def generate() -> Any:
        try:
            got = yield recording()
            while True:
                await asyncio.sleep(0)
                try:
                    got = yield got, recording()
                except KeyError:
                    got = yield "caught", recording()
        finally:
            await asyncio.sleep(0)
            seen.append(recording())

    async def main() -> None:
        assert inspect.isasyncgenfunction(generate)
        generator = generate()
        assert await generator.__anext__() is inside
        assert recording() is not inside
        assert await generator.asend(1) == (1, inside)
        assert await generator.athrow(KeyError()) == ("caught", inside)
        assert await generator.asend(2) == (2, inside)
        await generator.aclose()
        assert seen == [inside]
        assert recording() is not inside

        @switch
        async def three() -> AsyncIterator[int]:
            for i in range(3):
                await asyncio.sleep(0)
                yield i

        assert [i async for i in three()] == [0, 1, 2]
        generator = generate()
        await generator.__anext__()
        with pytest.raises(ZeroDivisionError):
            await generator.athrow(ZeroDivisionError())
        assert seen == [inside] * 2

    with outside_of(inside):
        asyncio.run(main())


def test_what_is_called_like_a_function_is_decorated_by_what_it_is() -> None:
    class Callable_:
        def __call__(self) -> bool:
            return recording()

    class Generator:
        def __call__(self) -> Iterator[bool]:
            yield recording()

    class Coroutine:
        async def __call__(self) -> bool:
            return recording()

    def generate(_: int) -> Iterator[bool]:
        yield recording()

    assert ai.no_grad(Callable_())() is False
    assert list(ai.no_grad(Generator())()) == [False]
    assert asyncio.run(ai.no_grad(Coroutine())()) is False
    assert list(ai.no_grad(functools.partial(generate, 1))()) == [False]
    assert list(ai.no_grad(ai.enable_grad(generate))(1)) == [True]
    assert list(ai.enable_grad(ai.no_grad(generate))(1)) == [False]
    assert ai.no_grad(lambda on: recording() is on)(False)

    @ai.no_grad
    @types.coroutine
    def old_style() -> Any:
        yield from asyncio.sleep(0).__await__()
        return recording()

    async def main() -> Any:
        return await old_style()

    assert asyncio.run(main()) is False


def test_methods_are_decorated_in_any_order() -> None:
    class Model:
        @ai.no_grad
        def method(self) -> tuple[str, bool]:
            return type(self).__name__, recording()

        @ai.no_grad()
        @staticmethod
        def one() -> bool:
            return recording()

        @staticmethod
        @ai.no_grad()
        def other() -> bool:
            return recording()

        @ai.no_grad
        @classmethod
        def of_class(cls) -> tuple[str, bool]:
            return cls.__name__, recording()

        @property
        @ai.no_grad
        def value(self) -> bool:
            return recording()

        @ai.no_grad
        def items(self) -> Iterator[bool]:
            yield recording()

    model = Model()
    assert model.method() == ("Model", False)
    assert model.one() is Model.one() is model.other() is False
    assert model.of_class() == Model.of_class() == ("Model", False)
    assert model.value is False
    assert list(model.items()) == [False]


def test_a_class_is_refused() -> None:
    for decorate in (ai.no_grad, ai.no_grad(), ai.enable_grad):
        with pytest.raises(TypeError, match="is a class, whose methods would still run outside"):

            @decorate
            class _Model:
                pass


@pytest.mark.parametrize("given", [False, 1, "no", property(lambda self: 1), ai.tensor(1.0)])
def test_what_is_no_function_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"decorates functions .* with no_grad\(\):"):
        ai.no_grad(given)


def test_context_managers_made_of_decorated_generators() -> None:
    @contextmanager
    @ai.no_grad
    def manager() -> Iterator[bool]:
        yield recording()

    with manager() as inside:
        assert inside is False
        assert recording()

    @asynccontextmanager
    @ai.no_grad
    async def async_manager() -> AsyncIterator[bool]:
        yield recording()

    async def main() -> None:
        async with async_manager() as inside:
            assert inside is False
            assert recording()

    asyncio.run(main())


def test_one_switch_in_many_threads_and_contexts() -> None:
    quiet = ai.no_grad()
    barrier = threading.Barrier(4, timeout=30)
    wrong: list[int] = []

    def work(number: int) -> None:
        for i in range(20):
            barrier.wait()
            if number % 2:
                with quiet:
                    barrier.wait()
                    if recording():
                        wrong.append(i)
                    with ai.enable_grad(), quiet:
                        pass
                    barrier.wait()
            else:
                barrier.wait()
                if not recording():
                    wrong.append(i)
                barrier.wait()
            if not recording():
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert recording()


def test_a_switch_left_in_another_context_than_entered_changes_nothing_there() -> None:
    quiet = ai.no_grad()
    contextvars.copy_context().run(quiet.__enter__)
    assert recording()
    quiet.__exit__(None, None, None)
    assert recording()


# --- interrupts: an exception at any line, and at any instruction, of the package


OURS = str(Path(ai.__file__).parent)
OUTERMOST = switches()


class Interrupt(BaseException):
    """Comes as Ctrl-C does, between any two instructions."""


def interrupted(
    work: Callable[[], object], at: int, where: str = OURS, opcodes: bool = False
) -> bool:
    """Run, with an interrupt at event number `at` in these files; return whether it came to it."""
    count = 0

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(where):
            return None
        # In `__del__` and in callbacks of weak references an exception goes nowhere.
        below: Any = frame
        while below is not None:
            if below.f_code.co_name in ("__del__", "_forget"):
                return None
            below = below.f_back
        frame.f_trace_opcodes = opcodes
        if event != "return":
            count += 1
            if count == at:
                raise Interrupt
        return trace

    before = sys.gettrace()
    with suppress(Interrupt):
        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(before)
    return count >= at


def blocks() -> None:
    with ai.no_grad():
        with ai.enable_grad():
            pass
        with ai.no_grad():
            pass


def decorated() -> None:
    ai.no_grad(switches)()

    @ai.enable_grad
    def generate() -> Iterator[bool]:
        yield switches().recording

    list(generate())

    @ai.no_grad
    async def wait() -> bool:
        return switches().recording

    coroutine: Any = wait()
    with pytest.raises(StopIteration):
        coroutine.send(None)


# What goes on in a generator that is thrown away cannot be interrupted, only complained about.
swallows = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@swallows
@pytest.mark.parametrize(("work", "stride"), [(blocks, 1), (decorated, 7)])
def test_an_interrupt_at_any_instruction_leaves_recording_as_it_was(
    work: Callable[[], None], stride: int
) -> None:
    here = inspect.getfile(type(ai.no_grad()))
    with ai.no_grad():
        before = switches()
        at = 1
        while interrupted(work, at, here, opcodes=True):
            assert switches() is before, at
            at += stride
        assert at > 100, "nothing was interrupted"
    assert recording()


def interrupted_step() -> tuple[Callable[[], None], Callable[[], list[Any]]]:
    """Return a training step on its first call, and what tells that its state is as it was."""
    w = ai.tensor([2.0, 3.0], requires_grad=True)
    w.grad = ai.tensor([7.0, 8.0])
    generator = ai.Generator(0)

    @ai.compile
    def step(x: ai.Tensor) -> ai.Tensor:
        before = w.grad
        w.grad = None
        loss = ai.sum(w * x * generator.uniform((2,)))
        loss.backward()
        assert before is not None
        w.grad = before + w.grad
        return loss

    def state() -> list[Any]:
        assert w.grad is not None
        return [w.tolist(), w.grad.tolist(), generator.state]

    return lambda: step(ai.tensor([1.0, 2.0])), state


@swallows
@pytest.mark.parametrize("stride", [199, pytest.param(3, marks=pytest.mark.slow)])
def test_an_interrupt_of_a_first_call_at_any_line_leaves_nothing_behind(stride: int) -> None:
    work, reached = interrupted_step()
    start = reached()
    work()
    end = reached()
    at = 1
    while True:
        work, state = interrupted_step()
        if not interrupted(work, at):
            break
        assert switches() is OUTERMOST, at
        assert recording(), at
        # In the replay that follows a capture, the step is half done, as an eager one would be.
        found = state()
        assert found in (start, end, [start[0], start[1], end[2]]), at
        work()
        at += stride
    assert at > 1000, "nothing was interrupted"


@swallows
def test_an_interrupt_of_a_replay_leaves_a_step_that_goes_on() -> None:
    work, state = interrupted_step()
    work()
    at = 1
    while interrupted(work, at):
        assert switches() is OUTERMOST, at
        before = state()
        work()
        after = state()
        assert after[2]["draws"] == before[2]["draws"] + 1
        assert after[1] != before[1]
        at += 1
    assert at > 30, "nothing was interrupted"


def test_a_plan_that_was_interrupted_is_not_run_again() -> None:
    """Its threads may still be at work in its memory."""
    ends = []

    @ai.extend.elementwise
    def is_interrupted(xp: Any, x: Any, /) -> Any:
        if ends:
            raise ends.pop()
        return x + 1

    try:
        step = ai.compile(is_interrupted)
        assert step(ai.ones(1)).tolist() == [2]
        ends.append(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            step(ai.ones(1))
        assert [step(ai.ones(1)).tolist() for _ in range(2)] == [[2], [2]]
        assert step.explain().splitlines()[2] == "  2. the call before was interrupted"
        ends.append(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            step(ai.ones(1))
        step(ai.ones(1))
        assert "2 captures" in step.explain(), "an error is none: the plan is as it was"
    finally:
        del registry["is_interrupted"]
