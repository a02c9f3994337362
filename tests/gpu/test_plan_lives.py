"""Several plans and devices beside each other, and the memory of plans that come and go."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401

import autograd_iron as ai
import nn
from autograd_iron.arrays import cublas, gpu
from autograd_iron.core.registry import on_tensors
from autograd_iron.plan.refusals import CaptureError

from .device_under_test import TIER, cupy
from .planning import RUNS, arrays_of, interpreted, near

X = np.random.default_rng(0).standard_normal((6, 4)).astype("f4")


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with interpreted():
        yield


# --- several plans, several devices


def network(device: str) -> tuple[Callable[..., Any], nn.Module]:
    g = ai.Generator(0)
    model = nn.Sequential(nn.Linear(4, 8, generator=g), nn.Tanh(), nn.Linear(8, 1, generator=g))
    model.to(device)
    optimizer = nn.Adam(model.parameters(), 0.01)

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
        junk = [ai.full((6, 4), float(j), device="cuda") * 2 for j in range(4)]
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
    with pytest.raises(CaptureError, match="computed outside of the step"):
        ai.compile(lambda x: ai.sum(x * x).backward())(moved)
    with pytest.raises(CaptureError, match="computed outside of the step"):
        ai.compile(lambda: ai.sum(moved * moved).backward())()


def test_a_word_of_the_vocabulary_moves_nothing_in_a_step() -> None:
    def back(x: ai.Tensor) -> ai.Tensor:
        made: ai.Tensor = on_tensors.to_device(x * 2, here="cuda:0", there="cpu")
        return made

    x = ai.tensor(X, device="cuda")
    assert back(x).device == "cpu"
    with pytest.raises(CaptureError, match='a tensor is moved to "cpu"'):
        ai.compile(back)(x)


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
    taken = []

    def set_limit(more: int) -> None:
        gc.collect()
        ai.cuda.empty_cache()
        # Of a block that is in use in part the rest stays with the pool: none of it shall be left.
        ai.cuda.set_memory_limit(max(pool.total_bytes(), 1))
        for size in (1 << k for k in range(27, 8, -1)):
            with suppress(cupy.cuda.memory.OutOfMemoryError):
                while True:
                    taken.append(cupy.empty(size, "u1"))
        ai.cuda.set_memory_limit(pool.total_bytes() + more)

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


@pytest.mark.skipif(TIER == "real", reason="there the handle is kept, and its function not ours")
def test_memory_is_freed_for_cublas(monkeypatch: pytest.MonkeyPatch) -> None:
    library = cublas._library()
    create, pool = library.cublasCreate_v2, cupy.get_default_memory_pool()
    kept: list[int] = []

    def full_at_first(handle: Any) -> int:
        kept.append(pool.total_bytes())
        return 3 if len(kept) == 1 else int(create(handle))  # CUBLAS_STATUS_ALLOC_FAILED

    monkeypatch.setattr(library, "cublasCreate_v2", full_at_first)
    gpu.blas.cache_clear()
    x = ai.ones((2, 2), device="cuda")
    for size in (2**20, 2**21):
        ai.ones(size, device="cuda")  # freed, and kept by the pool
    assert ai.compile(lambda x: x @ x)(x).tolist() == [[2, 2], [2, 2]]
    before, after = kept
    assert after <= before - 2**23


def test_a_product_that_cublas_cannot_count_is_refused() -> None:
    memory = ai.ones((1, 1), device="cuda").data
    x = cublas.Matrices(memory.data.ptr, (2**31, 1), False, 0, np.dtype("float32"))
    y = cublas.Matrices(memory.data.ptr, (1, 1), False, 0, np.dtype("float32"))
    with pytest.raises(ValueError, match=r"product of \(2147483648, 1\).*32 bits"):
        cublas.blas(0).multiply(x, y, x, 1, 0, False)


@pytest.mark.skipif(TIER == "real", reason="there the library's functions are not ours")
def test_products_of_two_threads_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    library, chosen, mixed = cublas._library(), [0], []
    set_stream, multiply = library.cublasSetStream_v2, library.cublasGemmStridedBatchedEx

    def choose(*arguments: Any) -> Any:
        chosen[0] = threading.get_ident()
        time.sleep(0.001)  # the other thread comes here, if anything lets it
        return set_stream(*arguments)

    def check(*arguments: Any) -> Any:
        mixed.append(chosen[0] != threading.get_ident())
        return multiply(*arguments)

    monkeypatch.setattr(library, "cublasSetStream_v2", choose)
    monkeypatch.setattr(library, "cublasGemmStridedBatchedEx", check)
    arrays = [ai.ones((2, 2), device="cuda").data for _ in range(6)]
    handle = cublas.blas(0)
    matrices = [cublas.Matrices(a.data.ptr, (2, 2), False, 4, a.dtype) for a in arrays]

    def work(first: int) -> None:
        for _ in range(10):
            handle.multiply(*matrices[first : first + 3], 1, 0, False)

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == [False] * 20


def test_a_recording_keeps_to_the_limit() -> None:
    pool = cupy.get_default_memory_pool()
    x = ai.tensor(np.arange(300_000.0).reshape(3, -1), dtype="float32", device="cuda")
    step = ai.compile(lambda x: ai.argmax(x, axis=0))  # by CuPy's kernel, in memory of its own
    for _ in range(2):
        step(x)
    ai.cuda.set_memory_limit(pool.total_bytes())
    try:
        found = step(x)
    finally:
        ai.cuda.set_memory_limit(None)
    assert "no graph could be recorded" in step.plan.how
    assert "memory" in step.plan.how
    np.testing.assert_array_equal(found.numpy(), np.full(100_000, 2))


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
