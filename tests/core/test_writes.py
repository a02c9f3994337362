"""The version counter: a write into what a gradient still needs is caught."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from samples import leaf

import autograd_iron as ai
from autograd_iron.core import graph
from autograd_iron.transforms.gradients import identity


def test_a_write_after_use_is_caught_and_names_the_operation() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    y = ai.sum(x * w)
    w.assign(0.0)
    with pytest.raises(RuntimeError, match="gradient of multiply needs an array of shape") as info:
        y.backward()
    assert "written in place" in str(info.value)
    assert "compute the result again" in str(info.value)
    assert x.grad is None


def test_a_write_that_no_rule_minds_is_allowed() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    y = ai.sum(x + w)
    w.assign(0.0)
    y.backward()
    z = ai.sum(x.detach() * w)  # needs x's values, not w's
    w.assign(1.0)
    z.backward()
    assert w.grad is not None


def test_a_write_before_use_is_allowed() -> None:
    x, w, other = leaf(3), leaf(3, seed=1), leaf(3)
    for value in (2.0, 3.0):
        w.assign(value)
        x.grad = None
        y = ai.sum(x * w)
        other.assign(value)  # a later write elsewhere is nobody's concern
        y.backward()
        assert x.grad is not None
        np.testing.assert_array_equal(x.grad.numpy(), np.full(3, value))


def test_a_write_after_backward_is_allowed() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    for _ in range(3):
        ai.sum(x * w).backward()
        for p in (x, w):
            assert p.grad is not None
            p.assign(p.detach() - 0.1 * p.grad)


def test_a_write_between_two_uses_spoils_only_the_first() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    early = ai.sum(x * w)
    w.assign(2.0)
    late = ai.sum(x * w)
    late.backward()
    with pytest.raises(RuntimeError, match="multiply"):
        early.backward()


def test_a_write_through_retain_graph_is_caught() -> None:
    x, w = leaf(3), leaf(3, seed=1)
    y = ai.sum(x * w)
    y.backward(retain_graph=True)
    w.assign(0.0)
    with pytest.raises(RuntimeError, match="written in place"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"written in place|released"):
        y.backward(create_graph=True)


def test_a_write_into_a_saved_output_is_caught() -> None:
    x = leaf(3)
    y = ai.exp(x)
    total = ai.sum(y)
    y.assign(0.0)
    with pytest.raises(RuntimeError, match="gradient of exp"):
        total.backward()


VIEWS: dict[str, Callable[[ai.Tensor], ai.Tensor]] = {
    "detach": lambda t: t.detach(),
    "identity": identity,
    "slice": lambda t: t[1:],
    "row": lambda t: t[0],
    "reshape": lambda t: t.reshape(-1),
    "transpose": lambda t: t.T,
    "flip": ai.flip,
    "broadcast": lambda t: ai.broadcast_to(t, (2, *t.shape)),
    "expand_dims": lambda t: ai.expand_dims(t, 0),
    "of a view": lambda t: ai.flip(t.T[1:]),
    "split": lambda t: ai.split(t, 3)[1],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_write_to_the_base_of_a_saved_view_is_caught(
    view: Callable[[ai.Tensor], ai.Tensor],
) -> None:
    x = ai.tensor(2.0, dtype="float64", requires_grad=True)
    base = ai.tensor(np.ones((3, 3)))
    y = ai.sum(x * view(base))
    base.assign(5.0)
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


@pytest.mark.parametrize("view", ["detach", "slice", "reshape", "transpose", "flip"])
def test_a_write_through_a_view_is_caught_at_the_base(view: str) -> None:
    x = ai.tensor(2.0, dtype="float64", requires_grad=True)
    base = ai.tensor(np.ones((3, 3)))
    y = ai.sum(x * base)
    VIEWS[view](base).assign(5.0)
    assert float(base[2, 2]) == 5.0
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


def test_a_write_to_shared_memory_is_caught() -> None:
    array = np.ones(3)
    x, one, two = leaf(3), ai.asarray(array), ai.asarray(array)
    y = ai.sum(x * one)
    two.assign(5.0)
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()


def test_a_write_to_an_index_does_not_move_the_gradient() -> None:
    x, i = leaf(4), ai.tensor([0, 1], dtype="int64")
    array = np.array([0, 1])
    numbers = [0, 1]
    mask = ai.tensor(np.array([True, True, False, False]))
    y = ai.sum(x[i] + x[array] + x[numbers] + x[mask] + x.at[i].set(0.0)[i] + x.at[i].add(1.0)[i])
    i.assign(np.array([2, 3]))
    mask.assign(np.array([False, False, True, True]))
    array[:] = 3
    numbers[:] = [3, 3]
    y.backward()
    assert x.grad is not None
    assert x.grad.numpy()[2:].tolist() == [0.0, 0.0]


def test_a_write_to_the_condition_of_where_is_caught() -> None:
    x, mask = leaf(3), ai.tensor(np.array([True, False, True]))
    y = ai.sum(ai.where(mask, x, 0.0))
    mask.assign(False)
    with pytest.raises(RuntimeError, match="where"):
        y.backward()


def test_new_memory_at_an_old_address_is_not_taken_for_written() -> None:
    # Freed memory is handed out again, so a note by id() alone would accuse the wrong array.
    x, other = leaf(3), leaf(3)
    old = [ai.tensor(np.ones(3)) for _ in range(50)]
    for t in old:
        t.assign(2.0)
    addresses = {id(t.data) for t in old}
    del old, t
    fresh = [ai.tensor(np.ones(3)) for _ in range(50)]
    [new, *_] = [t for t in fresh if id(t.data) in addresses]
    y = ai.sum(x * new)
    other.assign(1.0)
    y.backward()


def test_written_arrays_are_forgotten_when_they_die() -> None:
    listed = graph._writes.by_storage
    written = [ai.tensor(np.ones(3)) for _ in range(2000)]
    for t in written:
        t.assign(2.0)
    arrays = {id(t.data) for t in written}
    assert arrays <= listed.keys()
    del t, written
    assert not arrays & listed.keys()


def test_the_gradient_may_be_written() -> None:
    x = leaf(3)
    ai.sum(x * x).backward(create_graph=True)
    g = x.grad
    assert g is not None
    y = ai.sum(g * g)
    g.assign(0.0)
    with pytest.raises(RuntimeError, match="multiply"):
        y.backward()
