"""What a compiled function returns and assigns: never stale, shared or changed later."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from compiling import (  # noqa: F401
    OPTIMIZERS,
    X,
    arrays_in,
    proven,
    same_bits,
    training,
    x_of,
)

import autograd_iron as ai
from autograd_iron.plan.refusals import CaptureError


def test_returned_tensors_never_change() -> None:
    model, _, function = training(OPTIMIZERS["adam"])
    weight = next(iter(model.parameters()))

    def wider(x: ai.Tensor, y: ai.Tensor) -> Any:
        loss = function(x, y)
        return loss, model(x), x, x.T, x + 0, weight, weight.grad, model(x)[1:]

    step = ai.compile(wider)
    held: list[Any] = []
    copies: list[Any] = []
    for i in range(20):
        held.append(step(x_of(i), x_of(100 + i, (4, 1))))
        copies.append(arrays_in(held[-1]))
    for result, arrays in zip(held, copies, strict=True):
        for tensor, array in zip(result, arrays, strict=True):
            if tensor is not weight:
                np.testing.assert_array_equal(tensor.data, array)


def test_writing_into_a_result_changes_nothing_else() -> None:
    def function(x: ai.Tensor) -> Any:
        y = ai.tanh(x)
        return y, y, y.T, y + 1, y

    step = ai.compile(function)
    first = step(x_of(0))
    for tensor in first:
        tensor.assign(99.0)
    fresh = step(x_of(0))
    same_bits(fresh, function(x_of(0)))
    fresh[0].assign(5.0)
    same_bits(fresh[1:], function(x_of(0))[1:])


def test_results_do_not_share_memory_with_arguments_or_captured_tensors() -> None:
    w = x_of(1)
    x = x_of(0)
    step = ai.compile(lambda x: (x, w, x.T, w[1:], x.reshape(-1), ai.broadcast_to(w, (2, 4, 3))))
    for _ in range(2):
        results = step(x)
        for one in results:
            assert one.data.flags.writeable
            assert not np.may_share_memory(one.data, x.data)
            assert not np.may_share_memory(one.data, w.data)
    same_bits(results, (x, w, x.T, w[1:], x.reshape(-1), ai.broadcast_to(w, (2, 4, 3))))


def test_a_constant_and_a_captured_tensor_and_an_argument_are_returned() -> None:
    w = ai.tensor([1.0, 2.0])
    step = ai.compile(lambda x: (ai.ones((2,)), w, x, ai.tensor([5.0])))
    for value in (1.0, 2.0):
        w.assign([value, value])
        x = ai.full((3,), value)
        same_bits(step(x), (ai.ones((2,)), w, x, ai.tensor([5.0])))


def test_an_assigned_tensor_is_returned_at_its_new_value() -> None:
    def make() -> tuple[ai.Tensor, Callable[..., Any]]:
        w = ai.tensor([1.0, 2.0, 3.0])

        def function(x: ai.Tensor) -> Any:
            before = w * 1
            w.assign(w + x)
            after = w * 1
            w.assign(w * 2)
            return before, after, w, w * 1

        return w, function

    w, eager = make()
    v, function = make()
    step = ai.compile(function)
    for i in range(3):
        x = x_of(i, (3,))
        before, after, last, doubled = step(x)
        wanted = eager(x)
        same_bits([before, after, last, doubled], [*wanted[:2], w, wanted[3]])
        same_bits(v, w)


def test_two_tensors_swap_their_values() -> None:
    a, b = ai.tensor([1.0, 2.0]), ai.tensor([3.0, 4.0])

    def swap() -> None:
        old = a * 1
        a.assign(b)
        b.assign(old)

    step = ai.compile(swap)
    for i in range(4):
        step()
        expected = ([3.0, 4.0], [1.0, 2.0]) if i % 2 == 0 else ([1.0, 2.0], [3.0, 4.0])
        assert (a.tolist(), b.tolist()) == expected


def test_assignments_read_the_values_before_them() -> None:
    def make() -> tuple[list[ai.Tensor], Callable[..., Any]]:
        a, b = ai.tensor([1.0, 2.0]), ai.tensor([3.0, 4.0])

        def rotate(x: ai.Tensor) -> Any:
            old_a, old_b = a + 0.0, b + 0.0
            a.assign(old_b + x)
            b.assign(old_a - x)
            return a * b, old_a * old_b

        return [a, b], rotate

    one, eager = make()
    two, function = make()
    step = ai.compile(function)
    for i in range(3):
        x = x_of(i, (2,))
        same_bits(step(x), eager(x))
        same_bits(two, one)


def test_assigning_numbers_broadcasts_casts_and_arrays() -> None:
    def make() -> tuple[list[ai.Tensor], Callable[..., Any]]:
        ts = [ai.zeros((2, 3)), ai.zeros((2, 3)), ai.zeros((3,), dtype="float64"), ai.zeros((3,))]

        def write(x: ai.Tensor) -> None:
            ts[0].assign(1.5)
            ts[1].assign(x[0])
            ts[2].assign(x)
            ts[3].assign(np.arange(3.0))

        return ts, write

    one, eager = make()
    two, function = make()
    step = ai.compile(function)
    for i in range(3):
        x = x_of(i, (3,))
        eager(x)
        step(x)
        same_bits(two, one)


def test_an_assigned_number_is_as_precise_as_the_tensor() -> None:
    t = ai.zeros(2, dtype="float64")
    ai.compile(lambda: t.assign(0.1))()
    assert t.tolist() == [0.1, 0.1]


def test_an_assignment_of_the_wrong_shape_is_the_eager_error() -> None:
    w = ai.zeros((2, 3))

    def function(x: ai.Tensor) -> None:
        w.assign(x)

    with pytest.raises(ValueError, match="assign: a value of shape"):
        ai.compile(function)(ai.ones((3,)))


WRITTEN = [
    *(True, 1, -1, 300, 2**40, 1.5, np.bool_(True), np.int64(1), np.float64(1.5)),
    *(np.ones(2, kind) for kind in ("bool", "uint8", "int64", "float64")),
]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32"])
@pytest.mark.parametrize("value", WRITTEN, ids=lambda v: f"{type(v).__name__} {v}")
def test_what_fits_into_which_dtype(dtype: str, value: Any) -> None:
    if dtype == "float32":
        fits = True
    elif type(value) is int:
        fits = dtype != "bool" and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
    else:
        fits = np.can_cast(np.asarray(value).dtype, dtype, "same_kind")
    for through in (lambda f: f, ai.compile):
        w = ai.zeros((2,), dtype=dtype)
        write = through(partial(w.assign, value if np.isscalar(value) else ai.tensor(value)))
        if fits:
            write()
            assert w.tolist() == np.broadcast_to(np.asarray(value).astype(dtype), 2).tolist()
        else:
            with pytest.raises(TypeError, match=rf"assign: .* does not fit a {dtype} tensor; cast"):
                write()
            assert not np.any(w.numpy())


def test_an_operation_on_the_wrong_dtype_names_its_shapes() -> None:
    with pytest.raises(TypeError, match=r"negative\(bool\[4, 2\]\)"):
        ai.compile(ai.negative)(ai.ones((4, 2), dtype="bool"))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ai.linear(x, ai.ones((2,))),
        lambda x: ai.linear(x, ai.ones((3, 2)), ai.ones((4, 3))),
        lambda x: ai.clip(x, "0", None),
        lambda x: ai.clip(x, 0.0, 1j),
    ],
)
def test_what_a_decomposed_primitive_refuses(call: Callable[..., Any]) -> None:
    for f in (call, ai.compile(call)):
        with pytest.raises((ValueError, TypeError), match=r"weight must be|bounds must be"):
            f(ai.ones((4, 2)))


def test_assigning_through_tensors_that_share_memory_is_refused() -> None:
    w = ai.tensor([1.0, 2.0, 3.0])
    tail = ai.Tensor(w.data[1:])

    def function(x: ai.Tensor) -> Any:
        tail.assign(tail + x)
        return w * 2

    with pytest.raises(CaptureError, match="shares its memory"):
        ai.compile(function)(x_of(0, (2,)))
    assert w.tolist() == [1.0, 2.0, 3.0]


def test_assigning_to_a_tensor_that_is_given_too_is_refused() -> None:
    w, other = ai.tensor([1.0, 2.0]), ai.tensor([5.0, 6.0])
    count = ai.zeros(())

    def function(x: ai.Tensor) -> Any:
        count.assign(count + 1)
        w.assign(w + x)
        return w * x

    for given in (w, w.detach(), ai.flip(w), w[:1]):
        step = ai.compile(function)
        with pytest.raises(
            CaptureError, match=r"of shape \(2,\).*or is given.*make the other a copy"
        ):
            step(given)
        assert w.tolist() == [1, 2]
        before = count.item()
        step(other)
        w.assign([1.0, 2.0])
        if given.shape == other.shape:
            with pytest.raises(CaptureError, match="or is given"):
                step(given)
        assert w.tolist() == [1, 2]
        assert count.item() == before + 1


STALE: dict[str, Callable[[ai.Tensor], ai.Tensor]] = {
    "transpose": lambda w: w.T,
    "reshape": lambda w: w.reshape((-1,)),
    "squeeze": lambda w: ai.squeeze(w[:1], 0),
    "slice": lambda w: w[1:],
    "flip": ai.flip,
    "broadcast": lambda w: ai.broadcast_to(w, (2, 2, 2)),
    "of a view": lambda w: w.T[0],
    "detached": lambda w: w[0].detach(),
}


@pytest.mark.parametrize("view", STALE)
def test_a_view_from_before_an_assignment_is_refused(view: str) -> None:
    def written(w: ai.Tensor, times: int) -> ai.Tensor:
        for _ in range(times):
            w.assign(w * 2)
        old = STALE[view](w)
        w.assign(w + 1)
        return old

    for times in (0, 1):
        for function in (
            lambda w, n=times: written(w, n),
            lambda w, n=times: ai.sum(written(w, n)),
            lambda w, n=times: w.assign(w + ai.sum(written(w, n))),
        ):
            w = ai.ones((2, 2))
            with pytest.raises(CaptureError, match=r"a view is read.*after the assignment"):
                ai.compile(partial(function, w))()
            assert w.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("view", STALE)
def test_a_view_from_after_an_assignment_or_a_copy_from_before_it(view: str) -> None:
    def function(w: ai.Tensor) -> Any:
        old = STALE[view](w) * 1
        w.assign(w + 1)
        return old, STALE[view](w)

    one, other = ai.ones((2, 2)), ai.ones((2, 2))
    step = ai.compile(partial(function, one))
    for _ in range(3):
        found, wanted = step(), function(other)
        same_bits(found, wanted)
        same_bits(one, other)


def test_what_is_not_a_tensor_comes_back_as_it_was() -> None:
    step = ai.compile(lambda x: {"loss": x, "name": "a", "n": 3, "none": None, "all": [1.5, (x,)]})
    for _ in range(2):
        found = step(ai.tensor([1.0]))
        assert found["name"] == "a"
        assert found["n"] == 3
        assert found["none"] is None
        assert found["all"][0] == 1.5
        assert isinstance(found["all"][1], tuple)
        same_bits(found["all"][1][0], ai.tensor([1.0]))


def test_nothing_is_returned() -> None:
    step = ai.compile(lambda x: None)
    assert step(ai.tensor(X)) is None
    assert step(ai.tensor(X)) is None


def test_no_arguments() -> None:
    w = ai.tensor([1.0])
    step = ai.compile(lambda: w + 1)
    assert step().tolist() == [2.0]
    w.assign([5.0])
    assert step().tolist() == [6.0]


def test_a_returned_container_is_new_each_time() -> None:
    step = ai.compile(lambda x: {"a": [x]})
    first = step(ai.tensor([1.0]))
    first["a"].append("mine")
    first["b"] = 1
    assert list(step(ai.tensor([1.0]))) == ["a"]
    assert len(step(ai.tensor([1.0]))["a"]) == 1


def test_results_requiring_gradients_and_integers_and_bools() -> None:
    def function(x: ai.Tensor) -> Any:
        return x > 0, ai.argmax(x), x.astype("int64"), ai.isnan(x)

    step = ai.compile(function)
    for seed in range(2):
        same_bits(step(x_of(seed)), function(x_of(seed)))
