"""Every primitive on a GPU: the host's values, gradients and dtypes, and no transfer or wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from samples import (
    DIFFERENTIABLE,
    ON_GPU,
    PRIMITIVES,
    SAMPLES,
    Array,
    Call,
    fixed_case,
    joined,
    over_rows,
    smooth,
    some_names,
)

import autograd_iron as ai
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, BY_SCIPY_ON_HOST
from autograd_iron.ops.special.kernels import BY_SCIPY as SPECIAL

from .device_under_test import TIER, counts, forbid, kernel_names, reset
from .launches import LAUNCHES, MOST, STAND_IN

# What calls cuSOLVER, which nothing but a GPU has: the simulated CuPy does not run it, the stand-in
# runs LAPACK in its place, and its launches are its own.
BY_CUSOLVER = {n for n in SAMPLES if PRIMITIVES[n].by_kernel == BY_LIBRARY}

# What calls functions of CUDA's that g++ has not, such as erfcinv: not for the simulated CuPy.
BY_CUDA = {n for n in SAMPLES if PRIMITIVES[n].by_kernel == SPECIAL or n == "erfcx"}

HERE = [
    name
    for name in sorted(ON_GPU)
    if name != "to_device"  # it leaves the device
    and PRIMITIVES[name].by_kernel != BY_SCIPY_ON_HOST  # it says that it has no kernel there
    and not (TIER == "sim" and name in BY_CUSOLVER | BY_CUDA)
]
every_counted_primitive = pytest.mark.parametrize("name", sorted(set(HERE) - BY_CUSOLVER))


def cases(name: str, row: Call, dtype: str) -> tuple[list[Array], Mapping[str, Any]]:
    """Return the arrays of a call with floats of this dtype, and its attributes."""
    case = fixed_case(name, row)
    if name == "eig_of_complex":
        dtype = str(np.result_type(dtype, "complex64"))
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in case.arrays], case.attributes


def leaves(name: str, arrays: Sequence[Array], device: str) -> list[Tensor]:
    return [
        ai.tensor(a, requires_grad=smooth(name, i) and a.dtype.kind in "fc", device=device)
        for i, a in enumerate(arrays)
    ]


def there(value: Any, device: str) -> Any:
    """Return an index, or another attribute, with its arrays as Tensors of the device."""
    if isinstance(value, tuple):
        return tuple(there(part, device) for part in value)
    if isinstance(value, np.ndarray) and value.ndim:
        return ai.tensor(value, device=device)
    if isinstance(value, list) and value and isinstance(value[0], int):
        return ai.tensor(
            value, dtype="bool" if isinstance(value[0], bool) else "int64", device=device
        )
    return value


def run(name: str, inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> Tensor:
    if name == "getitem":
        return inputs[0][attributes["index"]]
    if name == "set_at":
        return inputs[0].at[attributes["index"]].set(inputs[1])
    if name == "add_at":
        return inputs[0].at[attributes["index"]].add(inputs[1])
    made = PRIMITIVES[name](*inputs, **attributes)
    if name in PHASES:
        made = PHASES[name](*made)
    return joined(made)


def fixed(vectors: Tensor) -> Tensor:
    """Return for each column the sign, or phase, that makes a weighted sum of it positive."""
    weights = ai.arange(1.0, vectors.shape[-2] + 1, device=vectors.device)
    height = ai.sum(vectors.detach() * ai.expand_dims(weights, -1), axis=-2, keepdims=True)
    length = ai.abs(height)
    return ai.astype(ai.where(length == 0, 1, ai.conj(height) / length), vectors.dtype)


def ascending(w: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return eigenvalues and their vectors in the order of the real parts: libraries have none."""
    order = ai.argsort(ai.real(w.detach()), axis=-1)
    columns = ai.broadcast_to(ai.expand_dims(order, -2), v.shape)
    turned = ai.take_along_axis(v * fixed(v), columns, axis=-1)
    return ai.take_along_axis(w, order, axis=-1), turned


# Libraries choose the phases of such vectors as they like: one choice is made here.
PHASES: dict[str, Callable[..., Any]] = {
    "eigh_of_lower": lambda w, v: (w, v * fixed(v)),
    "eig_of_complex": ascending,
    "qr_factors": lambda q, r: (q * fixed(q), r * ai.conj(ai.matrix_transpose(fixed(q)))),
    "svd_factors": lambda u, s, vh: (
        u * fixed(u),
        s,
        vh * ai.conj(ai.matrix_transpose(fixed(u))),
    ),
}


def indexed(name: str, attributes: Mapping[str, Any], device: str) -> Mapping[str, Any]:
    if "index" not in attributes:
        return attributes
    return {"index": there(attributes["index"], device)}


def has_mask(attributes: Mapping[str, Any]) -> bool:
    index = attributes.get("index")
    parts = index if isinstance(index, tuple) else (index,)
    return any(getattr(part, "dtype", None) == ai.bool_ for part in parts)


def pulled(name: str, row: Call, dtype: str, device: str) -> tuple[Tensor, list[Tensor | None]]:
    """Return the result and the gradients of a call, waiting for a mask's count alone."""
    arrays, attributes = cases(name, row, dtype)
    attributes = indexed(name, attributes, device)
    inputs = leaves(name, arrays, device)
    expected = run(name, [ai.tensor(a) for a in arrays], indexed(name, row.attributes, "cpu"))
    steps = np.random.default_rng(0).integers(1, 9, expected.shape) / 4
    cotangent = ai.tensor(steps, dtype=str(expected.dtype), device=device)
    waits = has_mask(attributes)
    with forbid(*(() if waits else ("sync", "h2d", "d2h"))):
        result = run(name, inputs, attributes)
    with forbid("sync", "h2d", "d2h"):
        if result.requires_grad:
            result.backward(cotangent)
    return result, [t.grad for t in inputs]


@over_rows(HERE)
def test_values_and_gradients_are_those_of_the_host(name: str, row: Call) -> None:
    compare(name, row, "float32")


@over_rows(some_names(HERE, "float64"))
def test_values_and_gradients_of_float64_are_those_of_the_host(name: str, row: Call) -> None:
    compare(name, row, "float64")


def compare(name: str, row: Call, dtype: str) -> None:
    result, gradients = pulled(name, row, dtype, "cuda")
    expected, wanted = pulled(name, row, dtype, "cpu")
    close = {"rtol": 2e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-13}
    assert result.device == "cuda:0"
    assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(result.numpy(), expected.numpy(), **close)
    for gradient, want in zip(gradients, wanted, strict=True):
        assert (gradient is None) == (want is None)
        if gradient is not None and want is not None:
            assert gradient.device == "cuda:0"
            assert gradient.dtype == want.dtype
            np.testing.assert_allclose(gradient.numpy(), want.numpy(), **close)


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if name in HERE])
def test_gradients_of_gradients_stay_on_the_device(name: str) -> None:
    row = typical(name)
    arrays, attributes = cases(name, row, "float64")
    inputs = leaves(name, arrays, "cuda")
    placed = indexed(name, attributes, "cuda")
    weights = run(name, [t.detach() for t in inputs], placed) * 0 + 0.5
    with forbid("sync", "h2d", "d2h"):
        total = ai.real(ai.sum(run(name, inputs, placed) * weights))
        total.backward(create_graph=True)
        first = [t.grad for t in inputs if t.grad is not None]
        again = [ai.sum(ai.real(g * g)) for g in first if g.requires_grad]
        for value in again:
            value.backward(retain_graph=True)
    assert first
    assert all(g.device == "cuda:0" for g in first)


SUMMED = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


@pytest.mark.parametrize("dtype", SUMMED)
def test_sums_at_positions_are_those_of_the_host_in_every_dtype(dtype: str) -> None:
    x = np.arange(12).reshape(4, 3).astype(dtype)
    values = (np.arange(9).reshape(3, 3) * (1 - 2j if "complex" in dtype else 7)).astype(dtype)
    places = np.array([3, 0, 3])
    found, expected = (
        ai.tensor(x, device=device)
        .at[ai.tensor(places, device=device)]
        .add(ai.tensor(values, device=device))
        for device in ("cuda", "cpu")
    )
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.numpy(), expected.numpy())
    number = True if dtype == "bool" else 3
    found = ai.tensor(x, device="cuda").at[ai.tensor(places, device="cuda")].add(number)
    np.testing.assert_array_equal(found.numpy(), ai.tensor(x).at[places].add(number).numpy())


# --- what it costs


def typical(name: str) -> Call:
    """Return the first call of a primitive with more than one element in every array."""
    rows = [row for row in SAMPLES[name].calls if all(np.prod(s) > 1 for s in row.shapes)]
    return rows[0] if name not in ("sum_to", "broadcast_to") else rows[-1]


def launches(name: str) -> tuple[int, int]:
    """Return how many kernels, products among them, the forward and the backward pass launch."""
    arrays, attributes = cases(name, typical(name), "float32")
    attributes = indexed(name, attributes, "cuda")
    for _ in range(2):  # the second time, what is made once is there
        inputs = leaves(name, arrays, "cuda")
        reset()
        result = run(name, inputs, attributes)
        forward = counts()["launch"] + counts()["gemm"]
        if not result.requires_grad:
            return forward, 0
        cotangent = ai.ones(result.shape, result.dtype, device="cuda")
        reset()
        result.backward(cotangent)
    return forward, counts()["launch"] + counts()["gemm"]


@every_counted_primitive
def test_the_launches_of_each_primitive(name: str) -> None:
    known = LAUNCHES | (STAND_IN if TIER == "stand-in" else {})
    found = launches(name)
    if name in known:
        assert found == known[name]
    else:
        assert within_bounds(PRIMITIVES[name], *found)


def within_bounds(primitive: Primitive, forward: int, backward: int) -> bool:
    """Say whether so many launches are what the record of a primitive lets expect."""
    one = primitive.ufunc is not None or primitive.reduction is not None
    most = 0 if primitive.view_rule is not None else 1 if one else MOST
    return forward <= most and backward <= MOST


def test_an_operation_that_is_not_counted_keeps_to_bounds() -> None:
    tanh, sigmoid, flip = (PRIMITIVES[name] for name in ("tanh", "sigmoid", "flip"))
    assert within_bounds(tanh, 1, MOST)
    assert not within_bounds(tanh, 2, 1)
    assert not within_bounds(tanh, 1, MOST + 1)
    assert within_bounds(sigmoid, MOST, 1)
    assert not within_bounds(flip, 1, 1)


@pytest.mark.skipif(TIER == "stand-in", reason="its kernels' names carry no dtypes")
@every_counted_primitive
def test_no_float32_primitive_runs_a_float64_kernel(name: str) -> None:
    launches(name)
    wide = [kernel for kernel in kernel_names() if "float64" in str(kernel)]
    assert name in ("astype",) or wide == []


@pytest.mark.slow
def test_print_the_launches() -> None:
    """Show the table of `launches.py` as it is now: run with -m slow -s -k print_the_launches."""
    print(*(f'    "{name}": {launches(name)},' for name in HERE), sep="\n")
