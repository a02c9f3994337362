"""Functions as methods, operators, and what to type instead of another library's words."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
from autograd_iron.core.methods import CASTS, METHODS
from autograd_iron.core.registry import registry
from autograd_iron.core.words import OF_MODULES, OF_PARAMETERS, OF_TENSORS


def test_each_method_is_an_operation() -> None:
    assert METHODS.values() - registry.keys() == set()
    for name, operation in METHODS.items():
        method = getattr(ai.Tensor, name)
        assert method.__name__ == name
        assert operation in method.__doc__


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_its_function(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = ai.ones(2)
    called: list[Any] = []
    operation = METHODS[name]
    monkeypatch.setitem(registry, operation, lambda *a, **k: called.append((*a, k)))  # type: ignore[arg-type]
    getattr(x, name)(1, axis=2)
    assert called[0][0] is x
    assert called[0][1:] == (1, {"axis": 2})


def test_methods_take_settings_and_carry_gradients() -> None:
    x = ai.tensor([[0.5, -1.0], [2.0, 3.0]], requires_grad=True)
    assert x.sum(0).tolist() == [2.5, 2.0]
    assert x.max(axis=1, keepdims=True).shape == (2, 1)
    x.exp().sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.data, np.exp(x.data), rtol=1e-6)
    assert x.clone().requires_grad
    assert not np.shares_memory(x.copy().data, x.data)


def test_casts_are_pytorchs() -> None:
    x = ai.tensor([1.5, 0.0])
    for name, dtype in CASTS.items():
        cast = getattr(x, name)()
        assert cast.dtype == ai.zeros(1, dtype).dtype
        assert getattr(cast, name)() is cast
    assert x.int().tolist() == [1, 0]
    assert x.cpu() is x.contiguous() is x.astype("float32", copy=False) is x


def test_shapes_and_sizes() -> None:
    x = ai.arange(24).reshape(2, 3, 4)
    assert (x.numel(), x.dim(), x.itemsize, x.nbytes) == (24, 3, 8, 192)
    assert x.view(6, -1).shape == (6, 4)
    assert x.permute(2, 0, 1).shape == x.permute((2, 0, 1)).shape == (4, 2, 3)
    assert x.flatten().tolist() == x.ravel().tolist() == list(range(24))
    for dtype in ("int32", np.int32, ai.int32, int):
        with pytest.raises(TypeError, match=r"x\.astype\(dtype\)"):
            x.view(dtype)
    with pytest.raises(ValueError, match=r"new order of all 3 axes.*ai\.swapaxes\(0, 1\)"):
        x.transpose(0, 1)
    assert 5 in x
    assert 24 not in x


# --- operators


SPLIT = [operator.floordiv, operator.mod, divmod]
SHIFTS = [operator.lshift, operator.rshift]
IN_PLACE = [
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow),
    *(operator.ifloordiv, operator.imod),
]


@pytest.mark.parametrize("dtype", ["int64", "int8", "float32", "float64"])
@pytest.mark.parametrize("apply", SPLIT)
def test_divisions_with_a_rest(apply: Callable[..., Any], dtype: str) -> None:
    a, b = np.array([7, -7, 5, -5], dtype), np.array([2, 2, -3, -3], dtype)
    for ours, theirs in [
        (apply(ai.tensor(a), ai.tensor(b)), apply(a, b)),
        (apply(ai.tensor(a), 3), apply(a, 3)),
        (apply(7, ai.tensor(b)), apply(7, b)),
        (apply(a, ai.tensor(b)), apply(a, b)),
    ]:
        for one, other in zip(np.atleast_2d(ours), np.atleast_2d(theirs), strict=True):
            np.testing.assert_array_equal(one, other)
    result = ai.tensor(a) // 2
    assert isinstance(result, ai.Tensor)
    assert result.dtype == dtype


@pytest.mark.parametrize("apply", SHIFTS)
def test_shifts(apply: Callable[..., Any]) -> None:
    a, b = np.array([7, -7, 5]), np.array([1, 2, 3])
    assert apply(ai.tensor(a), ai.tensor(b)).tolist() == apply(a, b).tolist()
    assert apply(ai.tensor(a), 2).tolist() == apply(a, 2).tolist()
    assert apply(9, ai.tensor(b)).tolist() == apply(9, b).tolist()


@pytest.mark.parametrize("apply", IN_PLACE)
def test_in_place_operators_make_a_new_tensor(apply: Callable[..., Any]) -> None:
    w = before = ai.tensor([3.0, 4.0])
    w = apply(w, 2.0)
    assert w is not before
    assert before.tolist() == [3, 4]
    assert w.tolist() == apply(np.array([3.0, 4.0]), 2.0).tolist()
    leaf = ai.tensor([3.0], requires_grad=True)
    with pytest.raises(RuntimeError, match=r"p\.assign"):
        apply(leaf, 2.0)


def test_a_step_of_gradient_descent_as_it_is_typed() -> None:
    w = ai.tensor([1.0, 2.0])
    slope = ai.grad(lambda w: (w * w).sum())
    for _ in range(3):
        w -= 0.25 * slope(w)
    assert w.tolist() == [0.125, 0.25]


# --- words of other libraries


def test_what_to_type_exists() -> None:
    for advice in {*OF_MODULES.values(), *OF_TENSORS.values()}:
        for path in re.findall(r"\bai\.([a-z_.0-9]+)", advice):
            operator.attrgetter(path)(ai)
        for name in re.findall(r"\bx\.([a-z_]+)", advice):
            assert hasattr(ai.Tensor, name) or name == "data", advice


def test_no_word_is_told_that_exists() -> None:
    assert [name for name in OF_MODULES if name in ai.__all__] == []
    assert [name for name in OF_TENSORS if hasattr(ai.Tensor, name)] == []


@pytest.mark.parametrize("name", OF_MODULES)
def test_a_module_says_what_to_type(name: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(f"write {OF_MODULES[name]}")):
        getattr(ai, name)


@pytest.mark.parametrize("name", OF_TENSORS)
def test_a_tensor_says_what_to_type(name: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(f"write {OF_TENSORS[name]}")):
        getattr(ai.ones(2), name)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing_like_it'$"):
        ai.ones(2).nothing_like_it  # noqa: B018


def test_what_is_told_is_not_there() -> None:
    for name in OF_TENSORS:
        assert not hasattr(ai.ones(2), name)
        assert name not in dir(ai.ones(2))
    # Which would make each look at an attribute slower, and a small step with it.
    assert not hasattr(ai.Tensor, "__getattr__")


def test_parameters_say_what_to_type() -> None:
    for theirs, ours in OF_PARAMETERS.items():
        known = {"axes": ai.tensordot, "correction": ai.var}.get(ours, ai.sum)
        with pytest.raises(TypeError, match=f"write {ours}= for {theirs}="):
            known(ai.ones(2), **{theirs: 0})
        known = {"axes": ai.permute_dims, "correction": ai.nanvar}.get(ours, ai.count_nonzero)
        with pytest.raises(TypeError, match=f"write {ours}= for {theirs}="):
            known(ai.ones(2), **{theirs: 0})
    with pytest.raises(TypeError, match=r"got \(Tensor, dim=\.\.\.\)$"):
        ai.exp(ai.ones(2), dim=0)
