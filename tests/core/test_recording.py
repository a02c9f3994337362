"""Recording on and off, and the leaves at which it starts."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import leaf

import autograd_iron as ai
import nn

# --- recording on and off


def recording() -> bool:
    return bool((ai.tensor(1.0, requires_grad=True) * 2).requires_grad)


def test_no_grad_and_enable_grad_nest() -> None:
    assert recording()
    with ai.no_grad():
        assert not recording()
        with ai.enable_grad():
            assert recording()
            with ai.no_grad():
                assert not recording()
            assert recording()
        assert not recording()
    assert recording()


@pytest.mark.parametrize("switch", [ai.no_grad, ai.enable_grad])
def test_an_exception_restores_recording(switch: Callable[[], Any]) -> None:
    for outer in (ai.no_grad, ai.enable_grad):
        with outer():
            before = recording()
            with pytest.raises(ZeroDivisionError), switch():
                raise ZeroDivisionError
            assert recording() == before


def test_no_grad_decorates() -> None:
    @ai.no_grad()
    def quiet(fail: bool = False) -> bool:
        if fail:
            raise ZeroDivisionError
        return recording()

    @ai.no_grad()
    @ai.enable_grad()
    def loud() -> bool:
        return recording()

    assert [quiet(), quiet(), loud(), recording()] == [False, False, True, True]
    with pytest.raises(ZeroDivisionError):
        quiet(fail=True)
    assert recording()


def test_a_switch_may_be_kept_and_used_again() -> None:
    quiet = ai.no_grad()
    for _ in range(2):
        with quiet:
            assert not recording()
            with quiet:
                assert not recording()
            assert not recording()
        assert recording()


def test_no_grad_is_a_matter_of_the_thread() -> None:
    answers: list[bool] = []
    inside = threading.Event()
    done = threading.Event()

    def other() -> None:
        inside.wait()
        answers.append(recording())
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with ai.no_grad():
        inside.set()
        done.wait()
        answers.append(recording())
    thread.join()
    assert answers == [True, False]


def test_graphs_of_several_threads_do_not_mix() -> None:
    gradients: dict[int, Any] = {}

    def work(seed: int) -> None:
        x = leaf(4, seed=seed)
        for _ in range(50):
            y = x
            for _ in range(20):
                y = ai.tanh(y) * 1.1 + x
            x.grad = None
            ai.sum(y).backward()
        gradients[seed] = x.grad

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(4):
        expected = gradients.pop(seed)
        work(seed)
        np.testing.assert_array_equal(gradients[seed].numpy(), expected.numpy())


def test_a_graph_made_in_one_thread_is_differentiated_in_another() -> None:
    x = leaf(3)
    y = ai.sum(x * x)
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad is not None


def test_detach_cuts_and_shares() -> None:
    x = leaf(3)
    y = x * 2
    cut = y.detach()
    assert not cut.requires_grad
    assert cut.is_leaf
    assert np.shares_memory(cut.data, y.data)
    ai.sum(cut * x).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


# --- leaves


def test_requires_grad_can_be_turned_on_and_off() -> None:
    x = ai.tensor([1.0, 2.0])
    assert not x.requires_grad
    x.requires_grad = True
    ai.sum(x).backward()
    assert x.grad is not None
    x.requires_grad = False
    assert not (x * 2).requires_grad
    x.requires_grad = True
    x.requires_grad = True
    assert (x * 2).requires_grad


def test_setting_requires_grad_again_keeps_the_place_in_the_graph() -> None:
    x = leaf(3)
    y = ai.sum(x * x)
    x.requires_grad = True
    y.backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    "again",
    [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))],
    ids=["deepcopy", "pickle"],
)
@pytest.mark.parametrize("kind", [ai.Tensor, nn.Parameter])
def test_leaves_can_be_copied_and_pickled(again: Callable[[Any], Any], kind: Any) -> None:
    x = kind(np.ones(3, "float32"))
    x.requires_grad = True
    ai.sum(x * 2).backward()
    twin = again(x)
    assert type(twin) is kind
    assert twin.requires_grad
    assert twin.dtype == np.float32
    np.testing.assert_array_equal(twin.numpy(), x.numpy())
    assert not np.shares_memory(twin.data, x.data)
    twin.assign(5.0)
    assert float(x[0]) == 1.0
    twin.grad = None
    ai.sum(twin * 3).backward()
    assert x.grad is not None
    assert x.grad.numpy().tolist() == [2.0] * 3
    assert twin.grad.numpy().tolist() == [3.0] * 3


def test_a_shared_leaf_stays_shared_in_a_copy() -> None:
    x = leaf(3)
    one, two = copy.deepcopy([x, x])
    assert one is two


@pytest.mark.parametrize(
    "again", [copy.deepcopy, copy.copy, pickle.dumps], ids=["deepcopy", "copy", "pickle"]
)
def test_a_result_is_not_copied_with_its_graph(again: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"a result \(of multiply\).*detach\(\) it first"):
        again(leaf(3) * 2)


def test_joining_few_after_many_keeps_the_right_inputs() -> None:
    """What the rules of a variadic primitive read depends on how many arrays it was given."""
    parts = [ai.tensor([float(i)], requires_grad=True) for i in range(3)]
    for count in (3, 1, 2):
        ai.concat(parts[:count]).sum().backward()
    assert [part.grad.tolist() for part in parts] == [[3.0], [2.0], [1.0]]
