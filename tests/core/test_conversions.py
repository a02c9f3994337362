"""What becomes a Tensor: nothing of it is lost in silence, neither gradients nor meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn

x = ai.tensor([1.0, 2.0], requires_grad=True)
y = x * 2

CUT: dict[str, Callable[[], Any]] = {
    "tensor": lambda: ai.tensor([x, y]),
    "tensor of numbers": lambda: ai.tensor([y[0], 3.0]),
    "asarray, nested": lambda: ai.asarray([[x, y]]),
    "a tuple": lambda: ai.asarray((1.0, (y[0],))),
    "with a dtype": lambda: ai.tensor([x, y], dtype="float64"),
    "Parameter": lambda: nn.Parameter([x, y]),
    "operand": lambda: ai.add(x, [y, y]),
    "operator": lambda: [y[0], y[1]] * x,
    "where": lambda: ai.where(x > 1, [y[0], y[1]], 0),
    "Batches": lambda: nn.Batches([x, y]),
    "gradient": lambda: (y * 1).backward([y[0], y[1]]),
    "numpy.array": lambda: np.array([x, y]),
    "numpy.sum": lambda: np.sum([x, y]),  # type: ignore[list-item]  # what users write
    "numpy.add": lambda: np.add([y[0], y[1]], x),  # type: ignore[call-overload]  # the same
    "numpy.full": lambda: np.full((2,), y[0]),
    "full": lambda: ai.full((2,), y[0]),
    "arange": lambda: ai.arange(y[0], 3),
    "linspace": lambda: ai.linspace(0, y[0], 3),
    "a border": lambda: ai.pad(x, 1, constant_values=y[0]),
}


@pytest.mark.parametrize("make", CUT)
def test_no_conversion_cuts_a_graph(make: str) -> None:
    with pytest.raises(TypeError, match=r"graph|gradient"):
        CUT[make]()


def test_a_list_says_how_tensors_are_joined() -> None:
    for make in ("tensor", "asarray, nested", "operand", "numpy.array"):
        with pytest.raises(TypeError, match=r"ai\.stack.* or ai\.concat"):
            CUT[make]()
    with pytest.raises(RuntimeError, match=r"the values.*test_conversions"):
        ai.compile(lambda t: ai.tensor([t, t]))(ai.ones(2))


def test_a_list_of_tensors_without_gradients_is_one_of_their_numbers() -> None:
    one, two = x.detach(), ai.tensor(3.0)
    assert ai.tensor([one, [two, 4.0]]).tolist() == [[1, 2], [3, 4]]
    assert ai.add(one, [two, two]).tolist() == [4, 5]
    assert ai.clip(x, two, two).tolist() == [3, 3]
    assert ai.arange(ai.tensor(2, dtype="int64")).tolist() == [0, 1]


class Metres(np.ndarray[Any, Any]):
    """Numbers with a unit."""


MORE = {
    "masked": np.ma.masked_array([1.0, 99.0], mask=[False, True]),
    "masked, no mask": np.ma.masked_array([1.0, 2.0]),
    "the masked constant": np.ma.masked,
    "matrix": np.ones((1, 2)).view(np.matrix),
    "with a unit": np.arange(2.0).view(Metres),
    "recarray": np.arange(2.0).view(np.recarray),
}
DOORS: dict[str, Callable[[Any], Any]] = {
    "tensor": ai.tensor,
    "asarray": ai.asarray,
    "Tensor": ai.Tensor,
    "in a list": lambda v: ai.tensor([v, v]),
    "operand": lambda v: ai.add(ai.ones(2), v),
    "operator": lambda v: ai.ones(2) * v,
    "assign": lambda v: ai.ones(v.shape).assign(v),
    "gradient": lambda v: ai.ones(v.shape, dtype="float32").sum().backward(v),
    "compiled": ai.compile(lambda t: t + 1),
    "compiled constant": lambda v: ai.compile(lambda t: t + v)(ai.ones(2)),
    "Batches": nn.Batches,
    "Parameter": nn.Parameter,
    "loss": lambda v: nn.MSELoss()(ai.ones(v.shape), v),
    "index": lambda v: ai.ones(4)[v.astype("int64")],
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", MORE)
def test_an_array_that_is_more_than_its_numbers_is_refused(kind: str, door: str) -> None:
    if door == "gradient":
        leaf = ai.ones(MORE[kind].shape)
        leaf.requires_grad = True
        with pytest.raises(TypeError, match="more than its numbers"):
            (leaf * 1).backward(MORE[kind])
        return
    with pytest.raises(TypeError, match="more than its numbers"):
        DOORS[door](MORE[kind])


def test_the_refusal_says_what_to_write() -> None:
    with pytest.raises(TypeError, match=r"array\.filled\(value\)"):
        ai.tensor(MORE["masked"])
    with pytest.raises(TypeError, match=r"Metres.*numpy\.asarray\(array\)"):
        ai.tensor(MORE["with a unit"])
    layer = nn.Linear(1, 2)
    state = layer.state_dict()
    with pytest.raises(TypeError, match="masked"):
        layer.load_state_dict({**state, "bias": np.ma.masked_array(np.ones(2, "float32"))})
    assert layer.bias is not None
    assert layer.bias.tolist() == state["bias"].tolist(), "nothing was loaded"


def test_a_file_in_memory_is_a_plain_array(tmp_path: Any) -> None:
    made = np.memmap(tmp_path / "array", "float32", "w+", shape=(2,))
    made[:] = 3
    assert ai.tensor(made).tolist() == [3, 3]
    with pytest.raises(TypeError, match="dtype"):
        ai.tensor(np.zeros(2, [("a", "f4"), ("b", "f4")]))


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">f2", ">i4", ">i8", ">u2"])
def test_byte_orders_are_made_native_wherever_an_array_enters(dtype: str) -> None:
    swapped = np.arange(3).astype(dtype)
    native = swapped.dtype.newbyteorder("=")
    same = ai.tensor(np.arange(3), dtype=native)
    for made in (
        ai.tensor(swapped),
        ai.asarray(swapped),
        ai.Tensor(swapped),
        ai.tensor(np.arange(3), dtype=dtype),
        same.astype(dtype),
        same.to(dtype),
        ai.zeros(3, dtype=dtype) + swapped,
        ai.compile(lambda t: t * 1)(swapped),
        ai.compile(lambda t: t.astype(dtype))(np.arange(3)),
        *nn.Batches(swapped).next_batch(),
    ):
        assert made.dtype == native
        assert made.dtype.isnative, "the byte order of this machine"
        assert made.tolist() == [0, 1, 2]
    same.assign(swapped + swapped)
    assert same.tolist() == [0, 2, 4]


def test_a_state_of_another_byte_order_is_loaded() -> None:
    layer = nn.Linear(2, 3)
    state = {name: value.numpy().astype(">f4") * 2 for name, value in layer.state_dict().items()}
    layer.load_state_dict(state)
    assert layer.weight.dtype == "float32"
    np.testing.assert_array_equal(layer.weight.numpy(), state["weight"])
    optimizer = nn.SGD(layer.parameters(), 0.1, momentum=0.9)
    optimizer.load_state_dict(
        {
            name: value.numpy().astype(value.dtype.newbyteorder(">"))
            for name, value in optimizer.state_dict().items()
        }
    )


NONE_IS_THE_DEFAULT: dict[str, Callable[[], Any]] = {
    "zeros": lambda: ai.zeros(3, dtype=None),
    "ones": lambda: ai.ones(3, dtype=None),
    "full": lambda: ai.full(3, 1.5, dtype=None),
    "linspace": lambda: ai.linspace(0, 1, 3, dtype=None),
    "arange": lambda: ai.arange(0.0, 3, dtype=None),
    "tensor": lambda: ai.tensor([1.0], dtype=None),
    "asarray": lambda: ai.asarray([1.0], dtype=None),
    "normal": lambda: ai.Generator(0).normal(3, dtype=None),
    "uniform": lambda: ai.Generator(0).uniform(3, dtype=None),
    "Linear": lambda: nn.Linear(2, 2, dtype=None).weight,
    "SIREN": lambda: nn.SIREN(1, 2, 1, 1, dtype=None)[0].weight,
    "FourierFeatures": lambda: nn.FourierFeatures(1, 2, 1.0, dtype=None).frequencies,
    "init": lambda: nn.init.xavier_uniform((2, 2), ai.Generator(0), dtype=None),
}


@pytest.mark.parametrize("make", NONE_IS_THE_DEFAULT)
def test_no_dtype_is_the_default_one(make: str) -> None:
    assert NONE_IS_THE_DEFAULT[make]().dtype.name == "float32"


def test_to_converts_as_pytorch_does() -> None:
    t = ai.tensor([1.5, 2.5], requires_grad=True)
    wide = t.to(ai.float64)
    assert wide.dtype == "float64"
    assert t.to("float64").dtype == t.to(np.float64).dtype == t.to(float).dtype == "float64"
    assert t.to(dtype="float16").dtype == "float16"
    assert t.to("cpu", ai.float64).dtype == t.to(device="cpu", dtype=float).dtype == "float64"
    assert t.to(wide).dtype == "float64"
    assert t.to(ai.int64).tolist() == [1, 2]
    for same in (t.to("cpu"), t.to(ai.float32), t.to("cpu", "float32"), t.to(t), t.to()):
        assert same is t, "what is so already is returned"
    ai.sum(wide).backward()
    assert t.grad is not None
    assert t.grad.dtype == "float32", "the gradient flows back to the dtype it came from"
    assert ai.compile(lambda t: t.to(ai.float64))(t).dtype == "float64"


def test_to_refuses_what_is_neither_a_device_nor_a_dtype() -> None:
    t = ai.ones(2)
    for nothing in ("gpu", "mps:0", "", "float33"):
        with pytest.raises(ValueError, match="there is no device"):
            t.to(nothing)
    with pytest.raises(TypeError, match="dtype"):
        t.to(object())
    for twice in (ai.float64, t):
        with pytest.raises(TypeError, match="second dtype"):
            t.to(twice, ai.float32)
    for call in (ai.zeros, lambda n, device: ai.tensor([1.0], device=device)):
        with pytest.raises(ValueError, match="there is no device"):
            call(2, device=ai.float64)
    with pytest.raises(ValueError, match="there is no device"):
        ai.asarray(t, device=ai.float64)
    with pytest.raises(ValueError, match="there is no device"):
        nn.Batches(t, device=ai.float64)


def test_a_model_is_converted_with_what_its_optimizer_keeps() -> None:
    def loss() -> ai.Tensor:
        return ai.mean(ai.square(model(ai.ones((4, 2), dtype=model.weight.dtype))))

    model = nn.Linear(2, 1)
    optimizer = nn.SGD(model.parameters(), 0.1, momentum=0.9)
    loss().backward()
    optimizer.step()
    weight = model.weight
    assert model.to(ai.float64) is model
    assert model.weight is weight
    assert weight.dtype == "float64"
    assert weight.grad is not None
    assert weight.grad.dtype == "float64", "the gradient goes along"
    optimizer.zero_grad()
    before = weight.numpy().copy()
    loss().backward()
    assert weight.grad.dtype == "float64"
    optimizer.step()
    assert weight.dtype == "float64"
    assert optimizer.state_dict()["velocity.0"].dtype == "float64"
    assert not np.array_equal(before, weight.numpy())
    with pytest.raises(TypeError, match="floating"):
        model.to(ai.int64)
