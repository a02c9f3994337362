"""Tensors made of nothing but settings, beside what NumPy makes of the same: eye, tri, mgrid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("eye", (3,), {}),
    ("eye", (2, 4), {"k": 1}),
    ("eye", (3, 2), {"k": -1, "dtype": "int64"}),
    ("identity", (3,), {}),
    ("tri", (3,), {}),
    ("tri", (2, 4), {"k": 1, "dtype": "bool"}),
    ("tril_indices", (3,), {}),
    ("tril_indices", (3, 1, 4), {}),
    ("triu_indices", (3,), {"k": -1, "m": 2}),
    ("diag_indices", (3,), {}),
    ("diag_indices", (2, 3), {}),
    ("indices", ((2, 3),), {}),
    ("indices", ((2, 3),), {"sparse": True}),
    ("ix_", ([0, 2], [1]), {}),
    ("ix_", ([True, False, True], [0]), {}),
    ("logspace", (0, 2, 5), {}),
    ("logspace", (0, 2, 4), {"endpoint": False, "base": 2}),
    ("geomspace", (1, 1000, 4), {}),
    ("hanning", (7,), {}),
    ("hamming", (6,), {}),
    ("bartlett", (5,), {}),
    ("blackman", (1,), {}),
    ("kaiser", (5, 14.0), {}),
    ("geomspace", (-1, -8, 4), {"endpoint": False}),
]


def parts(made: Any) -> list[Any]:
    return list(made) if isinstance(made, tuple | list) else [made]


@pytest.mark.parametrize(("name", "args", "settings"), CALLS)
def test_it_is_numpys(name: str, args: Any, settings: Any) -> None:
    ours, theirs = (parts(getattr(m, name)(*args, **settings)) for m in (ai, np))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, ai.Tensor)
        assert a.dtype == ("float32" if b.dtype == "float64" else b.dtype)
        np.testing.assert_allclose(a.data, b, rtol=1e-6)


KEYS: list[Callable[[Any], Any]] = [
    lambda g: g[0:3],
    lambda g: g[0:2, 1:4],
    lambda g: g[0:1:5j],
    lambda g: g[0:1:0.25, 0:2],
    lambda g: g[-1:1:3j, 0:2:2j],
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", ["mgrid", "ogrid"])
def test_a_grid_is_numpys(name: str, key: Callable[[Any], Any]) -> None:
    ours, theirs = (parts(key(getattr(m, name))) for m in (ai, np))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == ("float32" if b.dtype == "float64" else b.dtype)
        np.testing.assert_allclose(a.data, b, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "complex64", "bfloat16"])
@pytest.mark.parametrize("name", ["zeros", "ones", "empty"])
def test_like_keeps_shape_and_dtype(name: str, dtype: str) -> None:
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    x = ai.zeros((2, 3), dtype=dtype)
    made = getattr(ai, f"{name}_like")(x)
    assert (made.shape, made.dtype) == (x.shape, x.dtype)
    assert (made.numpy() == (name == "ones")).all()
    assert getattr(ai, f"{name}_like")(x, "int32", shape=(4,)).shape == (4,)
    assert getattr(np, f"{name}_like")(x, dtype="int32").dtype == "int32"


def test_full_like_and_empty() -> None:
    x = ai.tensor([[1.0, 2.0]])
    assert ai.full_like(x, 7).tolist() == [[7.0, 7.0]]
    assert ai.full_like(x, 7, dtype="int64").dtype == "int64"
    assert ai.full_like([1, 2], 7).tolist() == [7, 7]
    assert ai.empty((2, 3), dtype="int8").dtype == "int8"
    assert ai.compile(lambda x: ai.zeros_like(x) + ai.eye(2))(x).tolist() == [[1, 0], [0, 1]]


def test_indices_of_triangles_are_those_of_an_array() -> None:
    x = ai.ones((2, 3))
    for ours, theirs in zip(ai.tril_indices_from(x), np.tril_indices(2, m=3), strict=True):
        assert ours.tolist() == theirs.tolist()
    assert x[ai.triu_indices_from(x, k=1)].shape == (3,)
    for ours, theirs in zip(ai.diag_indices_from(x[:, :2]), np.diag_indices(2), strict=True):
        assert ours.tolist() == theirs.tolist()
    with pytest.raises(ValueError, match="takes a matrix"):
        ai.triu_indices_from(x[0])
