"""Copies beside the computation: the same batches and numbers, whenever the device does its work.

On the stand-in a missing event raises: streams that share memory must be ordered, and pinned memory
must not be written while a copy from it is under way. On the simulated device work is done as late
as CUDA allows, so that it shows in the values.
"""

from __future__ import annotations

import copy
import gc
import json
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from autograd_iron.arrays.staging import Feed, Reading

from .device_under_test import TIER, counts, cupy, forbid, reset

pytestmark = pytest.mark.usefixtures("late")


def data(device: str | None, samples: int = 20, seed: int = 3, **arguments: Any) -> nn.Batches:
    x = np.arange(3.0 * samples, dtype="float32").reshape(samples, 3)
    arguments = {"batch_size": 6, "generator": ai.Generator(seed)} | arguments
    return nn.Batches(x, np.arange(samples), device=device, resident=False, **arguments)


def drawn(batches: nn.Batches, count: int) -> list[list[Any]]:
    """The next batches, read only when all of them have been handed out."""
    found = [batches.next_batch() for _ in range(count)]
    return [[array.numpy().tolist() for array in batch] for batch in found]


@settings(max_examples=40 if TIER == "stand-in" else 8)
@given(
    samples=st.integers(1, 30),
    batch_size=st.integers(1, 12),
    shuffle=st.booleans(),
    before=st.integers(0, 9),
    limits=st.lists(st.none() | st.integers(1, 30), max_size=3),
)
def test_fed_batches_are_the_host_s_and_so_is_their_state(
    samples: int, batch_size: int, shuffle: bool, before: int, limits: list[int | None]
) -> None:
    """Also where others draw from the same generator, and the limit changes on the way."""
    arguments: dict[str, Any] = {"batch_size": batch_size, "shuffle": shuffle}
    generators = ai.Generator(5), ai.Generator(5)
    here, there = (
        data(device, samples, generator=generator, **arguments)
        for device, generator in zip((None, "cuda"), generators, strict=True)
    )
    for limit in [*limits, None]:
        assert drawn(there, before) == drawn(here, before)
        for batches, generator in zip((here, there), generators, strict=True):
            generator.normal((2,))
            batches.limit = None if limit is None else min(limit, samples)
        assert there.state_dict() == here.state_dict()

    drawn(there, before)
    state = json.loads(json.dumps(there.state_dict()))
    expected = drawn(there, 5)
    resumed = data("cuda", samples, seed=9, **arguments)
    drawn(resumed, 2)
    resumed.load_state_dict(state)
    assert drawn(resumed, 5) == expected
    assert resumed.state_dict() == there.state_dict()


def test_they_are_on_the_device_with_their_dtypes_and_stay_as_they_were() -> None:
    batches = data("cuda")
    kept = [batches.next_batch() for _ in range(9)]
    assert [len(x) for x, _ in kept] == [6, 6, 6, 2, 6, 6, 6, 2, 6]
    for x, index in kept:
        assert (x.device, x.dtype, index.dtype) == ("cuda:0", ai.float32, ai.int64)
        np.testing.assert_array_equal(x.numpy()[:, 0], 3 * index.numpy())


def test_a_batch_is_one_copy_for_each_array_and_comes_ahead() -> None:
    batches = data("cuda")
    batches.next_batch()
    reset()
    batches.next_batch()  # the third is sent
    # The wait is for the copy before the last, so that its pinned memory can be filled again.
    assert (counts()["h2d"], counts()["sync"], counts()["launch"]) == (2, 1, 0)
    batches.next_batch()  # the fourth, the last of the epoch
    reset()
    with forbid("h2d", "d2h", "sync"):
        batches.next_batch()
    reset()
    batches.next_batch()  # an epoch's first two are sent at once
    assert (counts()["h2d"], counts()["sync"]) == (4, 2)


@pytest.mark.parametrize("default", [True, False])
def test_memory_comes_back_only_behind_the_work_that_uses_it(default: bool) -> None:
    """A batch is dropped as soon as its work is asked for, and so its memory is free for others."""
    batches = data("cuda", samples=64, batch_size=8)
    with cupy.cuda.Stream.null if default else cupy.cuda.Stream(non_blocking=True):
        total = cupy.zeros((8, 3), "f4")
        for _ in range(16):
            x, _ = batches.next_batch()
            cupy.add(total, x.data, out=total)
            del x, _
        found = total.get().sum(axis=0)
    np.testing.assert_array_equal(found, 2 * np.arange(192.0).reshape(64, 3).sum(axis=0))


def test_a_batch_that_nobody_takes_writes_into_nothing_else() -> None:
    ai.cuda.empty_cache()
    batches = data("cuda")
    batches.next_batch()
    batches.limit = 18  # drops the second, which is on its way
    others = [cupy.full((6, 3), 7, "f4") for _ in range(8)]
    cupy.cuda.get_current_stream().synchronize()  # that is not waited for
    ai.cuda.synchronize()
    assert [float(other.sum()) for other in others] == [126.0] * 8


def test_two_calls_are_under_way_before_the_host_waits() -> None:
    feed = Feed([np.arange(6.0)], 3, "cuda")
    with forbid("sync"):
        sent = [feed.send(slice(0, 3)), feed.send(slice(3, 6))]
        arrays = [array for one in sent for array in one.receive()]
    assert [array.get().tolist() for array in arrays] == [[0, 1, 2], [3, 4, 5]]


def test_a_batch_outlives_the_data_that_it_came_from() -> None:
    def first(scale: float) -> tuple[ai.Tensor, ...]:
        made = nn.Batches(np.full((8, 4), scale, "f4"), batch_size=4, device="cuda", resident=False)
        return made.next_batch()

    found = []
    for scale in (1.0, 2.0, 3.0):
        found += first(scale)
        gc.collect()
    assert [x.numpy().tolist() for x in found] == [[[s] * 4] * 4 for s in (1.0, 2.0, 3.0)]


def test_another_stream_than_the_default_one_computes() -> None:
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        batches = data("cuda", shuffle=False)
        sums = [ai.sum(x * 2) for x, _ in (batches.next_batch() for _ in range(4))]
        found = [float(s) for s in sums]
    expected = np.arange(60.0).reshape(20, 3)
    assert found == [2 * expected[i : i + 6].sum() for i in (0, 6, 12, 18)]


def test_a_second_gpu_is_fed_whichever_is_in_use() -> None:
    with cupy.devices(2) if TIER == "stand-in" else nullcontext():
        if ai.cuda.device_count() < 2:
            pytest.skip("there is one GPU")
        batches = data("cuda:1", shuffle=False)
        found = [batches.next_batch() for _ in range(3)]
        assert {x.device for x, _ in found} == {"cuda:1"}
        assert [float(Reading(ai.sum(index).data).value()) for _, index in found] == [15, 51, 87]


def test_what_a_feed_was_given_may_lie_in_memory_as_it_likes() -> None:
    x = np.arange(24.0).reshape(4, 6).T[::-1]
    for rows in (slice(1, 4), np.array([5, 0, 2])):
        [there] = Feed([x], 3, "cuda").send(rows).receive()
        np.testing.assert_array_equal(there.get(), x[rows])


def test_a_bad_setting_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="resident=False needs a batch_size"):
        data("cuda", batch_size=None)
    there = ai.zeros(4, device="cuda")
    with pytest.raises(ValueError, match="and array 1 is on cuda:0 already: leave it out"):
        nn.Batches(np.zeros(4), there, batch_size=2, device="cuda", resident=False)


def test_what_is_not_finite_is_counted_on_the_host() -> None:
    batches = nn.Batches(np.array([1.0, np.nan]), batch_size=1, device="cuda", resident=False)
    with forbid("h2d", "d2h", "sync", "launch"):
        assert batches.not_finite() == "array 0 holds 1 values that are nan or infinite"


# --- numbers on their way to the host


def test_a_reading_is_of_its_moment_and_waits_for_itself_alone() -> None:
    x = ai.tensor(1.5, device="cuda")
    reset()
    with forbid("sync"):
        readings = [Reading(x.data)]
        cupy.add(x.data, 1, out=x.data)
        readings.append(Reading(x.data))
    assert [reading.is_there for reading in readings] == [False, False]
    assert [reading.value() for reading in readings] == [1.5, 2.5]
    assert (counts()["d2h"], counts()["sync"]) == (2, 2)
    with forbid("sync"):
        assert [reading.value() for reading in readings] == [1.5, 2.5]
    assert readings[0].is_there


def test_a_reading_that_nobody_takes_keeps_its_memory_until_it_came() -> None:
    x = ai.tensor(1.5, device="cuda")
    Reading(x.data)
    ours = ai.cuda.pinned((), x.dtype)
    ours[...] = 7.0
    ai.cuda.synchronize()
    assert ours == 7.0


def test_a_number_of_the_host_is_there_at_once() -> None:
    reading = Reading(np.array([3], "int32"))
    assert reading.is_there
    assert reading.value() == 3.0


@pytest.mark.parametrize("again", [copy.deepcopy, pickle.dumps])
def test_fed_batches_cannot_be_pickled_and_say_what_to_save(again: Callable[[Any], Any]) -> None:
    data = nn.Batches(np.zeros((4, 2)), batch_size=2, device="cuda", resident=False)
    with pytest.raises(
        TypeError, match=r"locked memory of this process\. Make them again.*state_d"
    ):
        again(data)
