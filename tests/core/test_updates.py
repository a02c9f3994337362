"""`x.at[index]` and its updates, beside NumPy's ufuncs at an index: `np.multiply.at`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

UPDATES: dict[str, Any] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "min": np.minimum,
    "max": np.maximum,
}
INDICES: dict[str, Any] = {
    "integer": 1,
    "slice": (slice(None), slice(1, None)),
    "array": np.array([0, 2]),
    "repeated": np.array([0, 2, 0, 0]),
    "repeated in 2-d": (np.array([[0, 1], [0, 1]]), np.array([1, 1])),
    "mask": np.arange(12).reshape(3, 4) % 3 == 0,
    "all": ...,
}


def sample(shape: Any, seed: int) -> Any:
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("name", UPDATES)
def test_an_update_is_that_of_numpys_ufunc(name: str, index: Any) -> None:
    x = sample((3, 4), 0)
    for value in (sample(x[index].shape, 1), 1.25, sample(x[index].shape[-1:], 2)):
        expected = x.copy()
        UPDATES[name].at(expected, index, value)
        made = getattr(ai.tensor(x).at[index], name)(value)
        np.testing.assert_allclose(made.data, expected)


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("name", UPDATES)
def test_gradients_flow_to_both(name: str, index: Any) -> None:
    x = sample((3, 4), 0)
    value = sample(x[index].shape, 1)
    ai.check_grads(lambda x, v: getattr(x.at[index], name)(v), [ai.tensor(x), ai.tensor(value)])


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_a_function_is_applied_each_time(index: Any) -> None:
    x = sample((3, 4), 0)
    times = np.zeros((3, 4))
    np.add.at(times, index, 1)
    made = ai.tensor(x).at[index].apply(lambda v: 2 * v)
    np.testing.assert_allclose(made.data, x * 2**times)
    np.testing.assert_array_equal(ai.tensor(x).at[index].get().data, x[index])


STEPS: dict[str, Callable[..., Any]] = {
    "multiply": lambda x, i: x.at[i].multiply(3.0),
    "min": lambda x, i: x.at[i].min(0.9),
    "of another tensor": lambda x, i: x.at[i].divide(x[i] + 1.0),
    "apply": lambda x, i: x.at[i].apply(ai.sin),
    "mask set": lambda x, i: x.at[x > 1.0].set(0.0),
    "mask add": lambda x, i: x.at[x > 1.0].add(1.0),
    "mask multiply": lambda x, i: x.at[x > 1.0].multiply(2.0),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_compiled_step_takes_indices_anew(name: str) -> None:
    step = ai.compile(STEPS[name])
    for seed, index in enumerate(([0, 2], [1, 0])):
        x, i = ai.tensor(sample((3, 4), seed)), ai.tensor(index)
        np.testing.assert_allclose(step(x, i).data, STEPS[name](x, i).data, rtol=1e-15)


def test_a_mask_that_a_step_makes_is_no_index_of_a_read() -> None:
    with pytest.raises(RuntimeError, match=r"mask, whose count depends.*x\.at\[mask\]\.set"):
        ai.compile(lambda x: x[x > 1])(ai.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="twice"):
        ai.compile(lambda x, i: x.at[i].multiply(2.0))(ai.ones(3), ai.tensor([1, 1]))


def test_integers_are_changed_too() -> None:
    assert ai.tensor([1, 2]).at[[0, 0]].multiply(3).tolist() == [9, 2]
