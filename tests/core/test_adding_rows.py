"""Sums at positions of many values, which go another way than NumPy's `add.at` and must agree."""

import numpy as np
import pytest

import autograd_iron as ai
from autograd_iron.arrays import scans

RNG = np.random.default_rng(0)
INDICES = {
    "rows": ((50, 40), (RNG.integers(-50, 50, 2000),)),
    "of a few": ((9000, 8), (RNG.integers(0, 9000, 1500),)),
    "of an axis": ((3, 5, 6), (slice(None), RNG.integers(-5, 5, (40, 5)), Ellipsis)),
    "of two axes": ((7, 5, 6), (RNG.integers(0, 7, (60, 1)), RNG.integers(-5, 5, 9))),
    "of elements": ((4, 5, 6), (slice(None), slice(None), RNG.integers(0, 6, 2000))),
    "not side by side": ((4, 5, 60), (RNG.integers(0, 4, 90), slice(None), RNG.integers(0, 9, 90))),
}


@pytest.mark.parametrize("with_scipy", [True, False])
@pytest.mark.parametrize("name", INDICES)
def test_many_values_land_where_those_of_numpy_do(name, with_scipy, monkeypatch):
    if not with_scipy:
        monkeypatch.setattr(scans, "_sparse", lambda: None)
    shape, index = INDICES[name]
    for dtype in ("float32", "float64", "complex64", "complex128", "int32"):
        value = (RNG.standard_normal(np.zeros(shape)[index].shape) * 9).astype(dtype)
        made, expected = np.zeros((2, *shape), dtype)
        scans.add_at(np, made, index, value)
        np.add.at(expected, index, value)
        assert np.array_equal(made, expected)


def test_an_infinite_number_stays_in_its_row():
    value = np.ones((2000, 40), "complex64")
    value[7] = np.inf
    made = np.zeros((20, 40), "complex64")
    scans.add_at(np, made, (np.arange(2000) % 20,), value)
    assert np.isinf(made[7].real).all()
    assert np.isfinite(np.delete(made, 7, 0)).all()
    assert (made.imag == 0).all()


@pytest.mark.parametrize("position", [-21, 20])
def test_a_position_out_of_range_is_refused(position):
    index = np.zeros(2000, int)
    index[5] = position
    with pytest.raises(IndexError, match=f"index {position} is out of bounds"):
        scans.add_at(np, np.zeros((20, 40)), (index,), np.ones((2000, 40)))


def test_a_compiled_gradient_of_rows_is_the_eager_one():
    indices = RNG.integers(0, 30, (50, 40))

    def gradient(table, index):
        return ai.grad(lambda t: ai.sum(ai.square(ai.take(t, index, axis=0))))(table)

    table = ai.tensor(RNG.standard_normal((30, 32), "float32"))
    compiled = ai.compile(gradient)
    for _ in range(2):
        assert np.array_equal(compiled(table, indices).data, gradient(table, indices).data)
