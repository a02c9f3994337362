"""Batches: every sample once an epoch, and an order that a state resumes exactly."""

import json
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_iron as ai
import nn


def drawn(data: nn.Batches, count: int) -> list[list[int]]:
    return [data.next_batch()[0].numpy().tolist() for _ in range(count)]


def flat(batches: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(batches))


def made(samples: int, batch_size: int | None, seed: int = 3, shuffle: bool = True) -> nn.Batches:
    return nn.Batches(
        np.arange(samples),
        batch_size=batch_size,
        generator=ai.Generator(seed),
        shuffle=shuffle,
    )


@given(samples=st.integers(1, 40), batch_size=st.integers(1, 45), shuffle=st.booleans())
def test_every_epoch_has_every_sample_once(samples: int, batch_size: int, shuffle: bool) -> None:
    data = made(samples, batch_size, shuffle=shuffle)
    per_epoch = -(-samples // batch_size)
    for epoch in range(3):
        batches = drawn(data, per_epoch)
        assert data.epoch == epoch
        assert sorted(flat(batches)) == list(range(samples))
        assert [len(batch) for batch in batches[:-1]] == [batch_size] * (per_epoch - 1)
        if not shuffle:
            assert flat(batches) == list(range(samples))


def test_shuffling_changes_the_order_from_epoch_to_epoch_and_the_seed_decides_it() -> None:
    data = made(100, 100)
    first, second = drawn(data, 2)
    assert first != second != sorted(second)
    assert drawn(made(100, 100), 2) == [first, second]
    assert drawn(made(100, 100, seed=4), 1) != [first]


def test_the_arrays_of_a_batch_belong_together_and_keep_their_dtypes() -> None:
    x = np.arange(30, dtype=np.float32).reshape(10, 3)
    labels = np.arange(10, dtype=np.int64)
    weights = ai.arange(10)
    data = nn.Batches(x, labels, weights, batch_size=4)
    for _ in range(6):
        a, b, c = data.next_batch()
        assert (a.dtype, b.dtype, c.dtype) == (ai.float32, ai.int64, weights.dtype)
        np.testing.assert_array_equal(a.numpy()[:, 0], 3 * b.numpy())
        np.testing.assert_array_equal(c.numpy(), b.numpy())


def test_without_a_batch_size_batches_are_views_in_order() -> None:
    x = np.arange(6.0, dtype=np.float32)
    data = nn.Batches(x)
    (batch,) = data.next_batch()
    assert np.shares_memory(batch.numpy(), x)
    assert batch.numpy().tolist() == x.tolist()
    assert data.epoch == 0
    data.limit = 2
    assert drawn(data, 2) == [[0, 1], [0, 1]]


def test_without_a_gpu_there_is_nothing_to_keep_on_the_host() -> None:
    x = np.arange(6.0, dtype=np.float32)
    for device in (None, "cpu"):
        (whole,) = nn.Batches(x, device=device, resident=False).next_batch()
        assert np.shares_memory(whole.numpy(), x)
        fed = nn.Batches(x, batch_size=4, device=device, resident=False)
        assert drawn(fed, 3) == drawn(nn.Batches(x, batch_size=4), 3)


@given(
    samples=st.integers(1, 30),
    batch_size=st.none() | st.integers(1, 12),
    shuffle=st.booleans(),
    before=st.integers(0, 20),
    limits=st.lists(st.none() | st.integers(1, 30), max_size=3),
    others=st.integers(0, 2),
)
def test_a_state_resumes_the_exact_order(
    samples: int,
    batch_size: int | None,
    shuffle: bool,
    before: int,
    limits: list[int | None],
    others: int,
) -> None:
    """Whatever happened before: changed limits, and others drawing from the same generator."""
    generator = ai.Generator(5)
    arguments = {"batch_size": batch_size, "shuffle": shuffle}
    data = nn.Batches(np.arange(samples), generator=generator, **arguments)
    for limit in limits:
        drawn(data, 1)
        data.limit = None if limit is None else min(limit, samples)
    drawn(data, before)
    for _ in range(others):
        generator.normal((3,))
    state = json.loads(json.dumps(data.state_dict()))
    expected = drawn(data, 15)

    resumed = nn.Batches(np.arange(samples), generator=ai.Generator(9), **arguments)
    drawn(resumed, 2)
    resumed.load_state_dict(state)
    assert drawn(resumed, 15) == expected
    assert (resumed.epoch, resumed.limit) == (data.epoch, data.limit)
    assert resumed.state_dict() == data.state_dict()


def test_a_limit_widens_from_the_first_samples_and_starts_an_epoch_at_once() -> None:
    data = made(20, 4)
    data.limit = 6
    assert sorted(flat(drawn(data, 2))) == list(range(6))
    data.limit = 20
    assert data.epoch == 2
    assert sorted(flat(drawn(data, 5))) == list(range(20))
    drawn(data, 1)
    data.limit = 20
    assert data.epoch == 3, "the same limit again must not start over"
    data.limit = None
    assert len(data) == 20
    for wrong in (0, 21):
        with pytest.raises(ValueError, match=f"from 1 to the 20 samples, got {wrong}"):
            data.limit = wrong


def test_a_state_of_other_batches_is_refused_and_changes_nothing() -> None:
    data = made(10, 3)
    drawn(data, 2)
    before = data.state_dict()
    with pytest.raises(ValueError, match=r"samples is 10 here and 12 .*batch_size is 3 here and 4"):
        data.load_state_dict(made(12, 4).state_dict())
    with pytest.raises(ValueError, match="lacks epoch, position"):
        data.load_state_dict({k: v for k, v in before.items() if k not in ("epoch", "position")})
    assert data.state_dict() == before


@pytest.mark.parametrize(
    ("arrays", "batch_size", "message"),
    [
        ((), None, "at least one array"),
        (([1.0], [1.0, 2.0]), None, r"same number of samples, got shapes \(1,\), \(2,\)"),
        ((3.0,), None, r"first axis counts the samples, got \(\)"),
        ((np.zeros((0, 2)),), None, r"at least one sample, got shapes \(0, 2\)"),
        (([1.0],), 0, "batch_size must be at least 1, or None for everything, got 0"),
    ],
)
def test_bad_arguments_say_what_to_do(arrays: tuple, batch_size: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.Batches(*arrays, batch_size=batch_size)
