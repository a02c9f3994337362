"""Where tensors are made, how they move, and what the engine says when they do not fit."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn
from autograd_iron.arrays import cuda

from .device_under_test import TIER, counts, cupy, forbid, limit_to, reset

ONE, TWO = [1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 4.0]]


@pytest.fixture
def two_devices() -> Iterator[None]:
    with ExitStack() as stack:
        if TIER == "stand-in":
            stack.enter_context(cupy.devices(2))
        elif ai.cuda.device_count() < 2:
            pytest.skip("needs two GPUs")
        yield


# --- names


def test_what_there_is() -> None:
    assert ai.cuda.is_available()
    assert ai.cuda.device_count() >= 1
    assert ai.zeros(3).device == "cpu"
    assert ai.zeros(3, device="cpu").device == "cpu"
    assert ai.zeros(3, device="cuda").device == ai.zeros(3, device="cuda:0").device == "cuda:0"


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "CUDA", "cpu:0", "", 0])
def test_an_unknown_name_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match=r'there is no device .*"cpu", "cuda"'):
        ai.zeros(3, device=name)


def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r'no device "cuda:99": the GPUs here are "cuda:0"'):
        ai.tensor(ONE, device="cuda:99")


def test_without_a_gpu_the_message_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd_iron.arrays.cuda.device_count", lambda: 0)
    with pytest.raises(RuntimeError, match=r"finds no GPU .*nvidia-smi"):
        ai.zeros(3, device="cuda")
    assert not ai.cuda.is_available()


def test_without_cupy_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    assert ai.cuda.device_count() == 0
    with pytest.raises(ImportError, match=r'pip install "autograd-iron\[gpu\]"'):
        ai.zeros(3, device="cuda")


# --- making

MAKERS: dict[str, Callable[[str | None], Any]] = {
    "tensor": lambda d: ai.tensor(TWO, device=d),
    "tensor of integers": lambda d: ai.tensor(np.arange(3), device=d),
    "asarray": lambda d: ai.asarray(np.ones((2, 2), "float32"), device=d),
    "asarray of a tensor": lambda d: ai.asarray(ai.ones(2), "float64", device=d),
    "zeros": lambda d: ai.zeros((2, 3), device=d),
    "ones": lambda d: ai.ones((2, 3), "float64", d),
    "full": lambda d: ai.full(4, 2.5, device=d),
    "full of integers": lambda d: ai.full((), 2, "int32", device=d),
    "arange": lambda d: ai.arange(5, device=d),
    "arange of floats": lambda d: ai.arange(0.0, 2.0, 0.25, device=d),
    "linspace": lambda d: ai.linspace(-1, 1, 7, device=d),
    "linspace, open": lambda d: ai.linspace(-1, 1, 8, endpoint=False, device=d),
    "meshgrid": lambda d: ai.meshgrid(ai.arange(3), ai.arange(2), device=d)[1],
    "stack": lambda d: ai.stack([ai.ones((), device=d), 2.0]),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_creation_on_a_device(maker: Callable[[str | None], Any]) -> None:
    made, expected = maker("cuda"), maker(None)
    assert (made.device, expected.device) == ("cuda:0", "cpu")
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(made.numpy(), expected.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("maker", ["zeros", "ones", "full", "arange", "linspace"])
def test_what_is_filled_is_filled_on_the_device(maker: str) -> None:
    ai.zeros(1, device="cuda")
    with forbid("h2d", "d2h", "sync"):
        MAKERS[maker]("cuda")


def test_tensor_copies_and_asarray_shares() -> None:
    array = cupy.ones(3, "float32")
    copied, shared = ai.tensor(array), ai.asarray(array, device="cuda")
    array[...] = 5
    assert copied.tolist() == [1, 1, 1]
    assert shared.tolist() == [5, 5, 5]


class Foreign:
    """An array of another library on the GPU."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)

    def __dlpack__(self, **settings: Any) -> Any:
        return self.array.__dlpack__(**settings)


@pytest.mark.skipif(TIER == "stand-in", reason="the stand-in's memory is not a GPU's")
def test_arrays_of_other_libraries_come_in_without_a_copy() -> None:
    array = cupy.ones(3, "float32")
    by_interface = type("Other", (), {"__cuda_array_interface__": array.__cuda_array_interface__})()
    with forbid("h2d", "d2h"):
        one, two = ai.asarray(by_interface), ai.asarray(Foreign(array))
    array[...] = 4
    assert one.device == two.device == "cuda:0"
    assert one.tolist() == two.tolist() == [4, 4, 4]


def test_a_list_with_a_tensor_of_the_device_is_refused() -> None:
    with pytest.raises(TypeError, match=r"ai\.stack or ai\.concat"):
        ai.tensor([ai.zeros((), device="cuda"), 1.0])


# --- moving


def test_to_is_a_no_op_where_the_tensor_is() -> None:
    here, there = ai.ones(3), ai.ones(3, device="cuda")
    assert here.to("cpu") is here
    assert there.to("cuda") is there
    assert there.to("cuda:0") is there


def test_to_costs_one_copy() -> None:
    x = ai.ones(3)
    ai.zeros(1, device="cuda")
    reset()
    y = x.to("cuda")
    assert counts()["h2d"] == 1
    assert counts()["d2h"] == 0
    reset()
    y.to("cpu")
    assert counts()["d2h"] == 1


@pytest.mark.parametrize("end", ["cpu", "cuda"])
def test_gradients_flow_back_to_where_they_came_from(end: str) -> None:
    x = ai.tensor(ONE, requires_grad=True)
    w = ai.tensor(ONE, device="cuda", requires_grad=True)
    b = ai.zeros(3)
    b.requires_grad = True
    y = ai.linear(2 * x.reshape(3, 1), ai.ones((3, 1)), b)
    ai.sum((ai.square(y)[:, 0].to("cuda") * w).to(end) * 3).backward()
    assert b.grad is not None
    assert b.grad.device == "cpu"
    assert x.grad is not None
    assert w.grad is not None
    assert (x.grad.device, w.grad.device) == ("cpu", "cuda:0")
    assert x.grad.tolist() == [24 * v * v for v in ONE]
    assert w.grad.tolist() == [12 * v * v for v in ONE]


def test_gradients_of_gradients_cross_devices() -> None:
    def f(x: ai.Tensor) -> ai.Tensor:
        return ai.sum(x.to("cuda") ** 3)

    second = ai.grad(lambda x: ai.sum(ai.grad(f)(x)))(ai.tensor(ONE))
    assert second.device == "cpu"
    assert second.tolist() == [6 * v for v in ONE]


def test_check_grads_on_the_device() -> None:
    ai.check_grads(lambda x, y: ai.tanh(x) * y, [ai.tensor(ONE, device="cuda")] * 2)
    with ai.no_grad(), pytest.raises(AssertionError, match="finite differences"):
        ai.check_grads(lambda x: x.detach() * x, [ai.tensor(ONE, device="cuda")])


def test_moving_in_a_compiled_step_is_refused() -> None:
    @ai.compile
    def step(x: ai.Tensor) -> ai.Tensor:
        return x.to("cuda") * 2

    with pytest.raises(Exception, match=r'moved to "cuda:0".*move the model and the data before'):
        step(ai.tensor(ONE))


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (lambda a, b: a + b, r"add\(.*operand 0 on cuda:0, operand 1 on cpu.*x\.to\(\"cuda:0\"\)"),
        (lambda a, b: b @ a, r"matmul\(.*operand 0 on cpu, operand 1 on cuda:0"),
        (lambda a, b: a + b.numpy(), "add"),
        (lambda a, b: ai.where(a > 0, a, b), "where"),
        (lambda a, b: ai.concat([a, b]), "join"),
        (lambda a, b: ai.meshgrid(a[0], b[0]), "meshgrid"),
        (lambda a, b: a[ai.tensor([0, 1], dtype="int64")] + b, "add"),
        (lambda a, b: b[ai.tensor([0, 1], dtype="int64", device="cuda")], "index is on cuda:0"),
        (lambda a, b: a.assign(b), "value is on cpu and the tensor on cuda:0"),
        (lambda a, b: b.assign(a), "value is on cuda:0 and the tensor on cpu"),
        (lambda a, b: (a * a).backward(b), "gradient is on cpu but the tensor on cuda:0"),
        (lambda a, b: ai.grad(lambda x: ai.sum(x * b))(a), "multiply"),
    ],
)
def test_mixing_devices_is_refused(operation: Callable[[Any, Any], Any], text: str) -> None:
    a, b = ai.tensor(TWO, device="cuda", requires_grad=True), ai.tensor(TWO)
    with pytest.raises(ValueError, match=text):
        operation(a, b)


@pytest.mark.parametrize(
    "operation",
    [
        lambda a: a * TWO,
        lambda a: ai.where([[True, False]], a, a + 1),
        lambda a: ai.lerp(a, TWO, 0.5),
        lambda a: ai.append(a, [5.0]),
        lambda a: ai.diff(a, prepend=0.0),
        lambda a: ai.clip(a, [1.5, 0.0], 3.0),
        lambda a: ai.searchsorted([1.0, 2.0, 3.0], a),
        lambda a: ai.sum(a, where=[[True], [False]]),
        lambda a: ai.take(a, [1, 0], axis=0),
        lambda a: ai.quantile(a, [0.25, 0.5]),
        lambda a: nn.functional.cross_entropy(a, [0, 1], weight=[1.0, 2.0]),
        lambda a: nn.functional.mse_loss(a, TWO),
    ],
)
def test_numbers_and_lists_go_where_the_tensor_beside_them_is(
    operation: Callable[[Any], Any],
) -> None:
    """They are on no device; an array of NumPy's is on the host, where somebody put it."""
    a = ai.tensor(TWO, requires_grad=True)
    host, there = operation(a), operation(a.to("cuda"))
    assert there.device == "cuda:0"
    assert there.dtype == host.dtype
    np.testing.assert_allclose(there.numpy(), host.numpy(), rtol=1e-6)
    np.testing.assert_allclose(
        ai.compile(operation)(a.detach().to("cuda")).numpy(), host.numpy(), rtol=1e-6
    )


# --- leaving


def test_reading_is_the_only_wait() -> None:
    x = ai.tensor(ONE, device="cuda")
    total = ai.sum(x)
    for read in (float, int, bool, repr, format, lambda t: t.item(), lambda t: t.tolist()):
        reset()
        read(total)
        assert counts()["d2h"] == 1
    assert x.numpy().tolist() == ONE
    assert repr(x) == 'Tensor([1., 2., 3.], dtype=float32, device="cuda:0")'


def test_numpy_gets_no_values_unasked() -> None:
    x = ai.tensor(ONE, device="cuda")
    with forbid("d2h"), pytest.raises(TypeError, match=r"on cuda:0.*\.numpy\(\)"):
        np.asarray(x)


def test_pickles_and_copies() -> None:
    x = ai.tensor(ONE, device="cuda", requires_grad=True)
    again = pickle.loads(pickle.dumps(x))
    assert (again.device, again.tolist(), again.requires_grad) == ("cuda:0", ONE, True)
    with forbid("d2h", "h2d", "sync"):
        twin = copy.deepcopy(x)
    twin.assign(0)
    assert x.tolist() == ONE


def test_assign_writes_numbers_and_lists() -> None:
    x = ai.tensor(ONE, device="cuda")
    with forbid("h2d", "d2h", "sync"):
        x.assign(2)
        x.assign(x + 1)
    assert x.tolist() == [3, 3, 3]
    x.assign(ONE)
    assert x.tolist() == ONE
    with pytest.raises(TypeError, match="int64"):
        ai.arange(3, device="cuda").assign(2.5)
    with pytest.raises(TypeError, match="int64"):
        ai.arange(3, device="cuda").assign(x)


def test_a_write_is_noticed_by_a_gradient_that_needs_the_old_values() -> None:
    x = ai.tensor(ONE, device="cuda", requires_grad=True)
    y = ai.sum(x * x)
    x.detach().reshape(3, 1).assign(0)
    with pytest.raises(RuntimeError, match=r"multiply .*written in place"):
        y.backward()


# --- dtypes


def test_python_and_numpy_scalars_are_weak() -> None:
    x = ai.tensor(ONE, device="cuda")
    weak: list[Any] = [2, 2.0, True, np.float64(2), np.array(2.0), np.int64(2)]
    weak += [cupy.asarray(2.0), cupy.asarray(2)]
    with forbid("d2h", "sync"):
        assert {str((x * number).dtype) for number in weak} == {"float32"}
        assert {str((number * x).dtype) for number in weak[:-2]} == {"float32"}
        assert (ai.arange(3, device="cuda") * cupy.asarray(2.0)).dtype == "float32"
        assert (ai.arange(3, device="cuda") * cupy.asarray(2, "int8")).dtype == "int64"
        assert (x * ai.arange(3, device="cuda")).dtype == "float32"
        assert (x > 1).dtype == "bool"
        assert ai.where(x > 1, 1.0, 0.0).dtype == "float32"


def test_integers_have_no_negative_powers_on_the_device_either() -> None:
    with pytest.raises(ValueError, match="negative integer powers"):
        ai.arange(3, device="cuda") ** -1


# --- indices


def test_what_comes_from_the_host_is_checked() -> None:
    x = ai.tensor(ONE, device="cuda")
    for index in ([0, 3], np.array([-4]), (np.array([[0, 7]]),)):
        with pytest.raises(IndexError, match="out of bounds for an axis of size 3"):
            x[index]
        with pytest.raises(IndexError, match="out of bounds"):
            x.at[index].add(1.0)
    with pytest.raises(IndexError, match="mask of shape"):
        x[np.array([True, False])]
    with pytest.raises(IndexError, match="neither integers nor"):
        x[np.array([0.0])]
    with pytest.raises(IndexError, match="neither integers nor"):
        x[ai.tensor([0.0], device="cuda")]
    with pytest.raises(IndexError):
        x[1.0]
    with pytest.raises(IndexError):
        x[3]
    assert x[[-1, 0]].tolist() == [3, 1]
    assert x[[]].shape == (0,)
    assert x[np.array([True, False, True])].tolist() == [1, 3]


def test_the_places_of_index_arrays_among_slices() -> None:
    values = np.arange(24.0, dtype="float32").reshape(2, 3, 4)
    x = ai.tensor(values, device="cuda")
    mask = np.array([[True, False, True], [False, True, False]])
    for index in (
        (..., [0, 3]),
        (slice(None), [2, 0]),
        (None, 1, [0, 2]),
        ([0, 1], slice(1), [3, 3]),
        mask,
        (mask, 1),
        (slice(None), mask[0]),
        (np.int64(1), np.array([[0], [2]])),
    ):
        np.testing.assert_array_equal(x[index].numpy(), values[index])
    with pytest.raises(IndexError, match="out of bounds for an axis of size 3"):
        x[..., [3], 0]


def test_a_mask_of_the_device_waits_for_its_count_alone() -> None:
    x = ai.tensor(ONE, device="cuda", requires_grad=True)
    mask = x > 1
    chosen = x[mask]
    assert chosen.tolist() == [2, 3]
    with forbid("d2h", "h2d", "sync"):
        ai.sum(chosen * chosen).backward()
        masked = x.at[mask].set(0.0)
        more = x.at[mask].add(10.0)
    assert x.grad is not None
    assert x.grad.tolist() == [0, 4, 6]
    assert masked.tolist() == [1, 0, 0]
    assert more.tolist() == [1, 12, 13]


def test_a_position_set_twice() -> None:
    x = ai.zeros(3, device="cuda")
    value = ai.tensor([1.0, 2.0], device="cuda")
    with pytest.raises(ValueError, match="names a position twice"):
        x.at[[1, -2]].set(value)
    twice = ai.tensor([1, 1], dtype="int64", device="cuda")
    with forbid("d2h", "h2d", "sync"):
        made = x.at[twice].set(value)
    np.testing.assert_array_equal(made.numpy(), [0, np.nan, 0])
    assert x.at[twice].add(value).tolist() == [0, 3, 0]


# --- memory


def test_memory_is_told_limited_and_freed() -> None:
    x = ai.ones((1024, 1024), device="cuda")
    assert "cuda:0: " in ai.cuda.memory_summary()
    assert "4.0 MiB in arrays" in ai.cuda.memory_summary() or TIER == "real"
    assert "no limit" in ai.cuda.memory_summary()
    try:
        ai.cuda.set_memory_limit(2**30)
        assert "limit 1.0 GiB" in ai.cuda.memory_summary()
    finally:
        ai.cuda.set_memory_limit(None)
    del x
    ai.cuda.empty_cache()
    assert "0 B kept" in ai.cuda.memory_summary()
    reset()
    ai.cuda.synchronize()
    assert counts()["sync"] == 1


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "1G"])
def test_a_limit_is_a_number_of_bytes(size: Any) -> None:
    with pytest.raises(ValueError, match=r"no number of bytes.*1024\*\*3"):
        ai.cuda.set_memory_limit(size)


def test_a_gpu_that_nothing_was_asked_of_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ai.ones(3, device="cuda")
    asked = []
    device = cupy.cuda.Device
    monkeypatch.setattr(cupy.cuda, "Device", lambda n: [asked.append(n), device(n)][1])
    ai.cuda.empty_cache()
    assert asked == [0]


def test_out_of_memory_says_what_met_and_what_to_try() -> None:
    try:
        limit = cuda.size_text(limit_to(3 * 2**20))
        x = ai.tensor(np.ones((256, 1024), "float32"), device="cuda", requires_grad=True)
        y = ai.exp(x)
        with pytest.raises(MemoryError) as caught:
            ai.matmul(x, ai.permute_dims(x)).sum().backward() or [ai.exp(y) for _ in range(9)]
        text = str(caught.value)
        assert "float32[256, 1024]" in text or "gradient of" in text
        for part in ("memory of cuda:0", f"limit {limit}", "smaller batches", "set_memory_limit"):
            assert part in text
        with pytest.raises(MemoryError, match=f"(?s)full.*limit {limit}"):
            ai.zeros((1024, 1024), device="cuda")
    finally:
        ai.cuda.set_memory_limit(None)
    assert ai.exp(x).shape == x.shape


def test_memory_in_a_cycle_is_freed_before_giving_up() -> None:
    try:
        limit_to(3 * 2**20 + 4096)
        x = ai.ones((256, 1024), device="cuda")
        held: list[Any] = [ai.exp(x)]
        held.append(held)
        del held
        assert ai.sum(ai.exp(x) + 1).shape == ()
    finally:
        ai.cuda.set_memory_limit(None)


# --- several


@pytest.mark.usefixtures("two_devices")
def test_operations_run_where_their_operands_are() -> None:
    a = ai.tensor(TWO, device="cuda:0", requires_grad=True)
    b = ai.tensor(TWO, device="cuda:1", requires_grad=True)
    with forbid("h2d", "d2h", "sync"):
        away = a.to("cuda:1")
        local = ai.sum(ai.square(a))  # newer than the move, so that its gradient comes first
        loss = ai.sum(ai.tanh(away @ away) * ai.linear(b, b, b[0])).to("cuda:0") + local
        loss.backward()
    assert a.grad is not None
    assert b.grad is not None
    assert (loss.device, a.grad.device, b.grad.device) == ("cuda:0", "cuda:0", "cuda:1")
    c, d = ai.tensor(TWO, requires_grad=True), ai.tensor(TWO, requires_grad=True)
    (ai.sum(ai.tanh(c @ c) * ai.linear(d, d, d[0])) + ai.sum(ai.square(c))).backward()
    assert c.grad is not None
    assert d.grad is not None
    np.testing.assert_allclose(a.grad.numpy(), c.grad.numpy(), rtol=1e-5)
    np.testing.assert_allclose(b.grad.numpy(), d.grad.numpy(), rtol=1e-5)
    assert ai.zeros(2, device="cuda").device == "cuda:0"
    assert b[[1, 0]].device == ai.linspace(0, 1, 3, device="cuda:1").device == "cuda:1"
    assert cupy.cuda.runtime.getDevice() == 0
    with pytest.raises(ValueError, match="operand 0 on cuda:0, operand 1 on cuda:1"):
        a * b
    assert "cuda:1: " in ai.cuda.memory_summary("cuda:1")


def test_an_index_is_on_the_device_what_it_is_on_the_host() -> None:
    here = ai.tensor(np.arange(24.0).reshape(3, 2, 4))
    there = here.to("cuda")
    number = ai.tensor(1, dtype="int64")
    indices: list[Any] = [
        ((0, 0),),
        (slice(None), (0, 1, 0)),
        (np.int64(1), range(2)),
        (..., memoryview(b"\x01\x01")),
        [],
        ([True, False, True], 0),
        (slice(np.int64(0), None), np.array(1), [np.uint8(3), 0]),
        number,
        np.array([2, 0], dtype=">i4"),
    ]
    for index in indices:
        read = here[index]
        on_gpu = number.to("cuda") if index is number else index
        assert np.array_equal(there[on_gpu].numpy(), read.numpy()), index
        added, expected = (t.at[i].add(1.0) for t, i in ((there, on_gpu), (here, index)))
        assert np.array_equal(added.numpy(), expected.numpy()), index
    for index in (True, np.False_, (None, np.array(True))):
        with pytest.raises(IndexError, match=r"a single truth is no index on a GPU"):
            there[index]
