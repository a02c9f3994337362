"""Who owns which memory of a compiled step on a GPU, and that none of it is mistaken or lost."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from inspect import signature
from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401

import autograd_iron as ai
import nn
from autograd_iron.plan.capture import CaptureError

from .device_under_test import TIER, cupy
from .planning import RUNS, arrays_of, interpreted, near, twins

X = np.random.default_rng(0).standard_normal((6, 4)).astype("f4")
CALLS = [(X,), (X[::-1].copy(),), (X * 2,)]


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with interpreted():
        yield


def tensor(device: str, shape: tuple[int, ...] = (6, 4), seed: int = 1) -> ai.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape).astype("f4")
    return ai.tensor(values, device=device)


# --- assignments, and results that are somebody else's memory


def swap(device: str) -> Any:
    a, b = tensor(device), tensor(device, seed=2)

    def step() -> Any:
        old = a * 1
        a.assign(b)
        b.assign(old)
        return a, b

    return step, [a, b]


def swap_bare(device: str) -> Any:
    a, b = tensor(device), tensor(device, seed=2)

    def step() -> None:
        one, other = a[...], b[...]
        a.assign(other)
        b.assign(one)

    # Eagerly a view would see the first assignment; the plan keeps both as they were before.
    return step, [a, b]


def rotate(device: str) -> Any:
    a, b, c = (tensor(device, seed=i) for i in range(3))

    def step() -> Any:
        before = [a + 0.5, b * 1, c * 1]
        for t, new in zip((b, c, a), before, strict=True):
            t.assign(new)
        return before

    return step, [a, b, c]


def transposed_onto_itself(device: str) -> Any:
    a = tensor(device, (5, 5))

    def step() -> Any:
        a.assign(a.T * 1.5)
        return a.T, a

    return step, [a]


def read_after_being_assigned(device: str) -> Any:
    a, total = tensor(device), tensor(device, ())

    def step(x: ai.Tensor) -> Any:
        old = ai.sum(a * x)
        a.assign(a * 0.5 + x)
        total.assign(total + ai.sum(a))
        return old, ai.sum(a * x), total

    return step, [a, total]


def one_value_to_two_tensors(device: str) -> Any:
    a, b = tensor(device), tensor(device, seed=2)

    def step(x: ai.Tensor) -> Any:
        new = ai.tanh(a + x)
        a.assign(new)
        b.assign(new)
        return new, new * 1

    return step, [a, b]


def a_reduction_of_what_it_is_written_to(device: str) -> Any:
    a = tensor(device, (6, 1))

    def step(x: ai.Tensor) -> Any:
        a.assign(ai.sum(x * a, axis=1, keepdims=True))
        return a

    return step, [a]


def a_product_written_to_its_factor(device: str) -> Any:
    turned, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))
    a = ai.tensor(turned.astype("f4"), device=device)

    def step() -> None:
        a.assign(a @ a.T @ a @ a)

    return step, [a]


def an_argument_to_a_tensor(device: str) -> Any:
    a = tensor(device)

    def step(x: ai.Tensor) -> Any:
        old = a * 1
        a.assign(x)
        return x, a, old, x.T, x[1:3]

    return step, [a]


def captured_and_views(device: str) -> Any:
    a = tensor(device)
    return lambda x: (a, a.T, a[::2, 1], a.reshape(-1), ai.broadcast_to(a, (2, 6, 4)), x), [a]


def no_elements(device: str) -> Any:
    a, b = tensor(device, (0, 4)), tensor(device, ())

    def step(x: ai.Tensor) -> Any:
        none = x[:0]
        b.assign(b + ai.sum(none))
        a.assign(none * 2)
        joined = ai.concat([none, x, a], axis=0)
        return none, a, ai.sum(none, axis=0), none @ x.T, x.T[:, :0] @ none, joined, b, none.T

    return step, [a, b]


def numbers(device: str) -> Any:
    a = tensor(device, ())

    def step(x: ai.Tensor) -> Any:
        a.assign(ai.sin(a + x[0, 0]))
        return a, a.reshape(1, 1), ai.broadcast_to(a, (3,)), -a, a * x

    return step, [a]


def integers_and_truths(device: str) -> Any:
    count = ai.tensor(np.zeros((), "i8"), device=device)

    def step(x: ai.Tensor) -> Any:
        count.assign(count + ai.sum(x > 0))
        return count, x > 0, ai.argmax(x, axis=1), ai.any(x > 1, axis=0), count == 3

    return step, [count]


def a_gradient_that_is_the_parameter(device: str) -> Any:
    w = ai.tensor(X, requires_grad=True, device=device)

    def step() -> ai.Tensor:
        w.grad = None
        loss = 0.5 * ai.sum(w * w)
        loss.backward()
        w.assign(w - 0.1 * w.grad)
        return loss

    return step, [w]


def what_no_kernel_makes(device: str) -> Any:
    generator = ai.Generator(2)
    a, b, c = (tensor(device, seed=i) for i in range(3))
    d, e = tensor(device, (2,)), ai.zeros(3, dtype="float64", device=device)

    def step(x: ai.Tensor) -> Any:
        old = a, b, c
        drawn = generator.uniform((6, 4), device=x.device)
        a.assign(drawn)
        b.assign(0.5)
        c.assign(x)
        d.assign([3.0, 4.0])
        e.assign(0.1)
        return old, [drawn, drawn.T, a, a], {"b": b, "none": None, "number": 3}

    return step, [a, b, c, d, e]


def halves(device: str) -> Any:
    a = ai.tensor(X.astype("f2"), device=device)

    def step(x: ai.Tensor) -> Any:
        y = (a + x.astype("float16")) * 0.5
        a.assign(y)
        return y, ai.max(y, axis=0), a.astype("float32") @ x.T

    return step, [a]


STEPS = [
    *(a_gradient_that_is_the_parameter, what_no_kernel_makes, halves),
    *(swap, rotate, transposed_onto_itself, read_after_being_assigned, one_value_to_two_tensors),
    *(a_reduction_of_what_it_is_written_to, a_product_written_to_its_factor),
    *(an_argument_to_a_tensor, captured_and_views, no_elements, numbers, integers_and_truths),
]


@pytest.mark.parametrize("make", STEPS, ids=lambda make: make.__name__)
def test_a_step_that_moves_memory(make: Any) -> None:
    step, _ = make("cpu")
    twins(make, *(CALLS if signature(step).parameters else ()), runs=6)


def test_the_values_before_are_assigned_when_views_of_them_are() -> None:
    step, (a, b) = swap_bare("cuda")
    compiled = ai.compile(step)
    first, second = arrays_of([a, b])
    for _ in range(RUNS):
        compiled()
        first, second = second, first
        near([a, b], [ai.tensor(first), ai.tensor(second)])


def strided(device: str) -> dict[str, ai.Tensor]:
    base = {name: tensor(device, (6, 8), seed=i).data for i, name in enumerate("abc")}
    return {
        "every other": ai.Tensor(base["a"][:, ::2]),
        "backwards": ai.Tensor(base["b"][::-1, :4]),
        "by columns": ai.Tensor(base["c"][:4, :6].T),
    }


@pytest.mark.parametrize("which", ["every other", "backwards", "by columns"])
def test_effects_on_tensors_with_gaps(which: str) -> None:
    def make(device: str) -> Any:
        a = strided(device)[which]

        def step(x: ai.Tensor) -> Any:
            old = a[1:] * 1
            a.assign(ai.tanh(a) + x)
            return a, old, ai.sum(a, axis=0), a @ x.T

        return step, [a]

    twins(make, *CALLS)


def test_arguments_with_gaps() -> None:
    step = ai.compile(lambda x: (x * 2, x @ x.T, ai.sum(x, axis=0)))
    wide = tensor("cuda", (12, 8))
    for _ in range(RUNS):
        for array in (wide.data[::2, ::2], wide.data[::-2, 4:], wide.data[:4, :6].T):
            x = ai.Tensor(array)
            near(step(x), (x * 2, x @ x.T, ai.sum(x, axis=0)))


def test_results_that_are_held_stay_as_they_are() -> None:
    a = tensor("cuda", ())

    def step(x: ai.Tensor) -> Any:
        a.assign(a + 1)
        return a, x * a, ai.sum(x) + a, a, x[:0]

    compiled = ai.compile(step)
    start, held = a.item(), []
    data = tensor("cuda", (40, 5))
    for _ in range(300):
        held.append(compiled(data))
    assert len({t.data.data.ptr for made in held for t in made if t.size}) == 4 * len(held)
    for i, made in enumerate(held, 1):
        now = np.float32(start) + np.arange(1, i + 1).size
        expected = data.numpy() * np.float32(now)
        np.testing.assert_allclose(made[0].numpy(), now, rtol=1e-4)
        np.testing.assert_allclose(made[1].numpy(), expected, rtol=1e-4)
        np.testing.assert_allclose(made[2].numpy(), data.numpy().sum() + now, rtol=1e-4)
        assert made[3].item() == made[0].item()


def test_a_result_may_be_written_to() -> None:
    a = tensor("cuda")
    step = ai.compile(lambda: (a, ai.sum(a)))
    for _ in range(RUNS):
        copy, total = step()
        copy.assign(0)
        total.assign(-1)
    near(step(), (a, ai.sum(a)))


# --- gradients that are left


def test_gradients_add_up_over_steps() -> None:
    def make(device: str) -> Any:
        w = ai.tensor(X, requires_grad=True, device=device)

        def step(x: ai.Tensor) -> ai.Tensor:
            loss = ai.sum(ai.square(w * x))
            loss.backward()
            return loss

        return step, [w]

    step = twins(make, *CALLS, runs=8)
    assert "2 captures" in step.explain()  # without a .grad, and with one


def test_gradients_that_are_held_and_cleared() -> None:
    w = ai.tensor(X, requires_grad=True, device="cuda")

    def step(x: ai.Tensor) -> None:
        w.grad = None
        ai.sum(w * x).backward()

    compiled = ai.compile(step)
    held = []
    for i in range(RUNS):
        compiled(ai.full((6, 4), float(i), device="cuda"))
        held.append(w.grad)
    for i, gradient in enumerate(held):
        np.testing.assert_array_equal(gradient.numpy(), np.full((6, 4), i, "f4"))


def test_requires_grad_of_a_parameter_changes() -> None:
    def make(device: str) -> Any:
        v, w = tensor(device), tensor(device, seed=2)
        v, w = (ai.Tensor(t.data, requires_grad=True) for t in (v, w))

        def step(x: ai.Tensor) -> Any:
            v.grad = w.grad = None
            ai.sum(ai.sin(v * x) * w).backward()
            return v.grad, w.grad if w.requires_grad else x

        return step, [v, w]

    for change in (False, True):
        host, (_, host_w) = make("cpu")
        step, (_, w) = make("cuda")
        compiled = ai.compile(step)
        for i in range(2 * RUNS):
            if change and i == RUNS:
                host_w.requires_grad = w.requires_grad = False
                host_w.grad = w.grad = None
            near(compiled(ai.tensor(X, device="cuda")), host(ai.tensor(X)))


# --- several plans, several devices


def network(device: str) -> tuple[Callable[..., Any], nn.Module]:
    g = ai.Generator(0)
    model = nn.Sequential(nn.Linear(4, 8, generator=g), nn.Tanh(), nn.Linear(8, 1, generator=g))
    model.to(device)
    optimizer = nn.Adam(model, 0.01)

    def step(x: ai.Tensor) -> ai.Tensor:
        loss = ai.mean(ai.square(model(x) - 1))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step, model


def same_parameters(one: nn.Module, other: nn.Module) -> None:
    near(list(one.parameters()), list(other.parameters()), 1e-3, 1e-5)


def test_batches_of_another_shape_take_turns() -> None:
    host, host_model = network("cpu")
    step, model = network("cuda")
    compiled = ai.compile(step)
    for i in range(24):
        x = X[: 6 - i % 3]
        near(compiled(ai.tensor(x, device="cuda")), host(ai.tensor(x)), 1e-4)
    same_parameters(model, host_model)
    assert "3 captures" in compiled.explain()
    assert compiled.plan.how == "one launch of a CUDA graph"


def test_plans_for_many_shapes_are_bounded() -> None:
    step = ai.compile(lambda x: x * 2 + 1)
    used = []
    for rows in range(1, 20):
        for _ in range(4):
            step(ai.ones((rows, 64), device="cuda"))
        gc.collect()
        used.append(cupy.get_default_memory_pool().used_bytes())
    # Eight plans, each with an argument and a result of its own.
    assert used[-1] - used[0] <= 8 * 2 * (20 * 64 * 4 + 1024)


def test_two_plans_and_eager_work_in_turns() -> None:
    host, host_model = network("cpu")
    step, model = network("cuda")
    one, evaluate = ai.compile(step), ai.compile(model)
    for i in range(2 * RUNS):
        x = ai.tensor(X + i, device="cuda")
        near(one(x), host(ai.tensor(X + i)), 1e-4)
        junk = [tensor("cuda", seed=j) * 2 for j in range(4)]
        near(evaluate(x), model(x), 1e-4)
        near(model(x), host_model(ai.tensor(X + i)), 1e-3)
        weight = next(iter(model.parameters()))
        host_weight = next(iter(host_model.parameters()))
        weight.assign(weight.detach() * 0.9)
        host_weight.assign(host_weight.detach() * 0.9)
        del junk
    same_parameters(model, host_model)


def test_a_model_that_moves_after_it_was_compiled() -> None:
    host, host_model = network("cpu")
    step, model = network("cpu")
    compiled = ai.compile(step)
    for device in ("cpu", "cuda", "cpu", "cuda"):
        model.to(device)
        for _ in range(4):
            near(compiled(ai.tensor(X, device=device)), host(ai.tensor(X)), 1e-4)
    same_parameters(model, host_model)


@pytest.fixture
def two_devices() -> Iterator[None]:
    with ExitStack() as stack:
        if TIER == "stand-in":
            stack.enter_context(cupy.devices(2))
        elif ai.cuda.device_count() < 2:
            pytest.skip("needs two GPUs")
        yield


@pytest.mark.usefixtures("two_devices")
def test_a_step_on_each_of_two_devices() -> None:
    def noisy(device: str) -> Any:
        step, model = network(device)
        generator = ai.Generator(5)

        def noisy_step(x: ai.Tensor) -> Any:
            return step(x + generator.uniform(x.shape, device=x.device)), ai.argmax(x, axis=0)

        return noisy_step, model

    host, host_model = noisy("cpu")
    there = {device: noisy(device) for device in ("cuda:1", "cuda:0")}
    compiled = {device: ai.compile(step) for device, (step, _) in there.items()}
    for _ in range(RUNS):
        wanted = host(ai.tensor(X))
        for device, step in compiled.items():
            found = step(ai.tensor(X, device=device))
            assert [t.device for t in found] == [device] * 2
            near(found, wanted, 1e-4)
    for device, step in compiled.items():
        same_parameters(there[device][1], host_model)
        assert step.plan.how == "one launch of a CUDA graph"
        assert step.plan.program.place == device


@pytest.mark.usefixtures("two_devices")
def test_arguments_of_one_device_after_the_other() -> None:
    step = ai.compile(lambda x: x * 2)
    for _ in range(RUNS):
        for device in ("cuda:0", "cuda:1", "cpu"):
            found = step(ai.tensor(X, device=device))
            assert found.device == device
            near(found, ai.tensor(X * 2))


@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize("other", ["cpu", "cuda:1"])
def test_devices_are_not_mixed(other: str) -> None:
    step, model = network("cuda")
    before = arrays_of(list(model.parameters()))
    compiled = ai.compile(step)
    with pytest.raises(ValueError, match=rf"(?s)(?=.*{other})(?=.*cuda:0)"):
        compiled(ai.tensor(X, device=other))
    for one, two in zip(arrays_of(list(model.parameters())), before, strict=True):
        np.testing.assert_array_equal(one, two)
    compiled(ai.tensor(X, device="cuda"))


def test_a_gradient_does_not_leave_the_device() -> None:
    leaf = ai.tensor(X, requires_grad=True)
    moved = leaf.to("cuda")
    with pytest.raises(CaptureError, match="a gradient flows back to cpu"):
        ai.compile(lambda x: ai.sum(x * x).backward())(moved)


def test_arrays_of_cupy_as_arguments() -> None:
    step = ai.compile(lambda x, rows: x * 2 + rows)
    for _ in range(RUNS):
        near(step(cupy.asarray(X), cupy.asarray(X[0])), ai.tensor(X * 2 + X[0]))
    assert "1 captures" in step.explain()


def test_the_pool_is_emptied_between_runs() -> None:
    host, host_model = network("cpu")
    step, model = network("cuda")

    def with_call(step: Any) -> Any:
        return lambda x: (step(x), ai.argmax(x, axis=1), x[np.array([1, 0])])

    host, compiled = with_call(host), ai.compile(with_call(step))
    for _ in range(2 * RUNS):
        found = compiled(ai.tensor(X, device="cuda"))
        ai.cuda.empty_cache()
        junk = [ai.full((2000,), float("nan"), device="cuda") for _ in range(4)]
        near(found, host(ai.tensor(X)), 1e-4)
        del junk
    same_parameters(model, host_model)


def test_a_step_in_a_stream_of_the_user() -> None:
    host, host_model = network("cpu")
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        step, model = network("cuda")
        compiled = ai.compile(step)
        for _ in range(RUNS):
            near(compiled(ai.tensor(X, device="cuda")), host(ai.tensor(X)), 1e-4)
        same_parameters(model, host_model)
    stream.synchronize()


# --- memory that is given back, and memory that runs out


def test_replays_take_no_memory() -> None:
    step, _ = network("cuda")
    compiled = ai.compile(step)
    x = ai.tensor(X, device="cuda")
    for _ in range(4):
        compiled(x)
    pool = cupy.get_default_memory_pool()
    used = pool.used_bytes(), pool.total_bytes()
    for _ in range(10):
        compiled(x)
    assert (pool.used_bytes(), pool.total_bytes()) == used


@pytest.mark.parametrize("calls", [1, 3, 5])
def test_a_plan_that_is_dropped_gives_its_memory_back(calls: int) -> None:
    pool = cupy.get_default_memory_pool()
    x = ai.tensor(X, device="cuda")
    ai.compile(lambda x: x @ x.T)(x)  # cuBLAS takes its workspace for good
    gc.collect()
    gc.disable()
    try:
        before = pool.used_bytes()
        compiled = ai.compile(lambda x: (ai.sum(ai.sin(x) @ x.T), ai.argmax(x, axis=0)))
        for _ in range(calls):
            compiled(x)
        assert pool.used_bytes() > before
        del compiled
        assert pool.used_bytes() == before, "something refers to itself"
    finally:
        gc.enable()


@pytest.fixture
def limit() -> Iterator[Callable[[int], None]]:
    """Let the default pool give so many bytes more than it has given."""
    pool = cupy.get_default_memory_pool()

    def set_limit(more: int) -> None:
        gc.collect()
        ai.cuda.empty_cache()
        ai.cuda.set_memory_limit(pool.used_bytes() + more)

    yield set_limit
    ai.cuda.set_memory_limit(None)


def test_a_plan_for_which_there_is_no_memory(limit: Callable[[int], None]) -> None:
    generator = ai.Generator(0)
    w = ai.tensor(np.ones(100_000, "f4"), device="cuda")

    def step(x: ai.Tensor) -> Any:
        noise = generator.uniform((10,), device="cuda")
        w.assign(w * 2)
        wide = ai.tanh(x.reshape(-1, 1) * x)
        return ai.sum(wide @ wide), noise

    x = ai.ones(200, device="cuda")
    ai.compile(lambda x: x.reshape(1, -1) @ x)(x)  # cuBLAS has its workspace
    limit(100_000)
    compiled = ai.compile(step)
    with pytest.raises(MemoryError) as caught:
        compiled(x)
    text = str(caught.value)
    assert "memory of cuda:0 does not suffice" in text
    assert "This step holds" in text
    assert "(tanh) [200, 200] float32, 156.2 KiB" in text
    assert "(matmul) [200, 200] float32, 156.2 KiB" in text
    assert "argument0 [200] float32, 800 B" in text
    assert generator.state["draws"] == 0
    ai.cuda.set_memory_limit(None)
    compiled(x)
    assert generator.state["draws"] == 1
    np.testing.assert_array_equal(w.numpy(), np.full(100_000, 2, "f4"))


def test_results_for_which_there_is_no_memory(limit: Callable[[int], None]) -> None:
    w = ai.tensor(np.ones(100_000, "f4"), device="cuda")

    def step() -> Any:
        w.assign(w * 2)
        return w

    compiled = ai.compile(step)
    for _ in range(4):
        compiled()
    limit(1000)
    with pytest.raises(MemoryError, match=r"results of a compiled step.*(?s:.*)This step holds"):
        compiled()
    ai.cuda.set_memory_limit(None)
    np.testing.assert_array_equal(compiled().numpy(), np.full(100_000, 32, "f4"))


def test_memory_that_nobody_uses_is_freed_for_a_plan(limit: Callable[[int], None]) -> None:
    limit(3_600_000)
    junk: list[Any] = [ai.ones(500_000, device="cuda")]
    junk.append(junk)  # only the collector finds that nobody refers to it
    del junk
    compiled = ai.compile(ai.sin)
    x = ai.ones(200_000, device="cuda")
    for _ in range(4):
        np.testing.assert_allclose(compiled(x).numpy(), np.sin(np.ones(200_000, "f4")))
