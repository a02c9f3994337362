"""bfloat16 is float32 that is stored in 16 bits: every operation is rounded once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from compiling import proven  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from samples import DIFFERENTIABLE, SAMPLES, Array, fixed_case, leaves, over_rows, result

import autograd_iron as ai
import nn

ROUNDING = 2.0**-7  # from 1 to the next number
CASTS = {"astype"}
EXTREMES = {"max", "min"}  # values that differ in float32 may share the gradient when rounded

some_rows_of_each = over_rows(SAMPLES)


def narrow(arrays: tuple[Array, ...]) -> list[Array]:
    return [a.astype("bfloat16") if a.dtype.kind == "f" else a for a in arrays]


def widened(arrays: list[Array]) -> list[Array]:
    return [a.astype("float32") if a.dtype == "bfloat16" else a for a in arrays]


def number(value: Any) -> Any:
    """A number as bfloat16 holds it."""
    return type(value)(ml_dtypes.bfloat16(value)) if type(value) in (int, float) else value


def both(name: str, row: Any) -> tuple[list[Array], list[Array], dict[str, Any]]:
    """The arrays of a sample in bfloat16, the same values in float32, and the attributes."""
    case = fixed_case(name, row)
    arrays = narrow(case.arrays)
    attributes = dict(case.attributes)
    if name in CASTS:
        attributes["dtype"] = "bfloat16"
    return arrays, widened(arrays), attributes


def same_bits(found: ai.Tensor, expected: ai.Tensor) -> None:
    """Compare with a result of float32, rounded."""
    wanted = expected.numpy()
    if wanted.dtype == "float32":
        wanted = wanted.astype("bfloat16")
    assert found.dtype == wanted.dtype
    assert found.numpy().tobytes() == wanted.tobytes()


# --- each operation


@some_rows_of_each
def test_an_operation_is_that_of_float32_rounded_once(name: str, row: Any) -> None:
    arrays, wide, attributes = both(name, row)
    found = result(name, arrays, attributes)
    same_bits(found, result(name, wide, attributes))
    compiled = ai.compile(lambda *tensors: result(name, tensors, attributes))
    assert compiled(*map(ai.tensor, arrays)).numpy().tobytes() == found.numpy().tobytes()


@over_rows(name for name in DIFFERENTIABLE if name not in EXTREMES)
def test_gradients_are_those_of_float32_to_a_few_roundings(name: str, row: Any) -> None:
    arrays, wide, attributes = both(name, row)

    def gradients(arrays: list[Array], create_graph: bool) -> list[ai.Tensor]:
        inputs = leaves(name, arrays)
        made = result(name, inputs, attributes)
        u = np.random.default_rng(0).standard_normal(made.shape).astype("bfloat16")
        made.backward(ai.tensor(u, dtype=made.dtype), create_graph=create_graph)
        return [t.grad.detach() for t in inputs if t.grad is not None]

    expected = gradients(wide, False)
    for found in (gradients(arrays, False), gradients(arrays, True)):
        for one, right in zip(found, expected, strict=True):
            assert one.dtype == "bfloat16"
            largest = float(np.abs(right.numpy()).max(initial=0))
            np.testing.assert_allclose(
                one.numpy().astype("float32"),
                right.numpy(),
                rtol=4 * ROUNDING,
                atol=4 * ROUNDING * largest,
            )


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_knows_the_rounded_number(create_graph: bool) -> None:
    x = ai.tensor([0.3], dtype="bfloat16", requires_grad=True)

    def gradient(f: Any) -> float:
        x.grad = None
        ai.sum(f(x)).backward(create_graph=create_graph)
        return float(x.grad.detach())

    for f, right in (
        (lambda x: ai.maximum(x, 0.3), 0.5),
        (lambda x: ai.minimum(0.3, x), 0.5),
        (lambda x: ai.where(x == 0.3, x, 0), 1),
        (lambda x: ai.clip(x, 0.3, 1), 1),
        (lambda x: (x / 0.3) ** 257, 852),  # 256 / 0.30078125, rounded
    ):
        step = ai.compile(ai.grad(lambda x, f=f: ai.sum(f(x))))
        assert gradient(f) == float(step(x.detach())) == right


LOSSES: dict[str, tuple[Any, Any]] = {
    "MSELoss": (nn.MSELoss(), [[0.5, 0.25]]),
    "BCELoss": (nn.BCELoss(), [[1.0, 0.0]]),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss(), [[1.0, 0.0]]),
    "CrossEntropyLoss": (nn.CrossEntropyLoss(), np.array([1])),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_rounded_once(name: str) -> None:
    loss_of, target = LOSSES[name]
    for values in np.random.default_rng(0).uniform(0.01, 0.99, (20, 1, 2)):
        x = ai.tensor(values, dtype="bfloat16")
        y = ai.tensor(target)
        for run in (loss_of, ai.compile(loss_of)):
            same_bits(run(x, y), loss_of(x.astype("float32"), y))


# --- numbers and other dtypes beside it


# Nothing that is -0.0 in 16 bits: adding zero, which a plan leaves out, makes 0.0 of it.
amounts = st.floats(-300, 300, width=32).map(lambda x: x if abs(x) > 1e-30 else 0.0)


@given(x=amounts, y=amounts, whole=st.integers(-300, 300))
def test_a_python_number_is_rounded_to_it(x: float, y: float, whole: int) -> None:
    a = ai.tensor([x], dtype="bfloat16")
    wide = a.astype("float32")
    for f in (ai.add, ai.multiply, ai.maximum, ai.greater, lambda p, q: ai.where(p > 0, p, q)):
        for value in (y, whole):
            same_bits(f(a, value), f(wide, number(value)))
            compiled = ai.compile(lambda t, f=f, value=value: f(t, value))
            same_bits(compiled(a), f(wide, number(value)))
    assert (a * np.float64(0.1)).dtype == (a * np.array(0.1)).dtype == "bfloat16"


@pytest.mark.parametrize(("other", "joint"), [
    ("bool", "bfloat16"), ("uint8", "bfloat16"), ("int64", "bfloat16"), ("bfloat16", "bfloat16"),
    ("float16", "float32"), ("float32", "float32"), ("float64", "float64"),
])  # fmt: skip
def test_beside_other_dtypes(other: str, joint: str) -> None:
    # As PyTorch and JAX promote; of two floats neither of which holds the other, both lose nothing.
    x = ai.tensor([[1.5, 2.0], [0.0, -1.0]], dtype="bfloat16", requires_grad=True)
    y = ai.tensor(np.ones((2, 2)), dtype=other)
    for f in (ai.add, ai.multiply, ai.matmul, ai.maximum, lambda p, q: ai.where(p > 0, p, q)):
        for made in (f(x, y), f(y, x), ai.compile(lambda p, q, f=f: f(p, q))(x.detach(), y)):
            assert made.dtype == joint
    ai.sum(x * y).backward()
    assert x.grad is not None
    assert x.grad.dtype == "bfloat16"


@pytest.mark.parametrize("whole", [2**62, 2**64, -(2**70), 10**40])
def test_beside_an_integer_of_more_than_64_bits(whole: int) -> None:
    x = ai.tensor([1.5, -2.0], dtype="bfloat16")
    wide = x.astype("float32")
    held = float(ml_dtypes.bfloat16(float(whole)))
    for f in (ai.add, ai.multiply, ai.less, ai.maximum):
        same_bits(f(x, whole), f(wide, held))


def test_an_integer_beyond_every_float_is_refused() -> None:
    with pytest.raises(OverflowError, match="add"):
        ai.tensor([1.5], dtype="bfloat16") + 10**400


@pytest.mark.parametrize("place", [slice(1, 3), slice(None, None, -2), np.array([3, 0])])
@pytest.mark.parametrize("other", ["float16", "float32", "float64"])
def test_an_update_at_an_index_keeps_it(place: Any, other: str) -> None:
    x = ai.tensor([1.5, 2.0, 0.25, -1.0], dtype="bfloat16", requires_grad=True)
    value = ai.tensor(np.array([-2.01, 0.1]), dtype=other, requires_grad=True)
    exact = x.numpy().astype("float32")
    exact[place] += value.numpy().astype("float32")
    for f in (lambda x, v: x.at[place].add(v), ai.compile(lambda x, v: x.at[place].add(v))):
        assert f(x, value).dtype == "bfloat16"
        assert f(x, value).tolist() == exact.astype("bfloat16").tolist()  # rounded once
    for f in (lambda x, v: x.at[place].set(v), ai.compile(lambda x, v: x.at[place].set(v))):
        assert f(x, value).dtype == "bfloat16"
        assert f(x, value)[place].tolist() == value.numpy().astype("bfloat16").tolist()
    ai.sum(x.at[place].set(value) * x).backward()
    assert (x.grad.dtype, value.grad.dtype) == ("bfloat16", other)


def test_it_is_joined_with_float16_in_float32() -> None:
    x = ai.tensor([1.5, 2.0], dtype="bfloat16")
    y = ai.tensor([0.1, 0.2], dtype="float16")
    for join in (ai.concat, ai.stack):
        for run in (join, ai.compile(join)):
            made = run([x, y])
            assert made.dtype == "float32"
            assert made.reshape(-1).tolist() == x.tolist() + y.tolist()


def test_each_float_is_assigned_to_each() -> None:
    floats = ["bfloat16", "float16", "float32", "float64"]
    for one in floats:
        for other in floats:
            value = ai.tensor([0.1, 300.0], dtype=other)
            eager, compiled = ai.zeros((2,), dtype=one), ai.zeros((2,), dtype=one)
            eager.assign(value)
            ai.compile(lambda t=compiled, v=value: t.assign(v))()
            assert eager.dtype == one
            assert eager.tolist() == compiled.tolist() == value.astype(one).tolist()


@pytest.mark.parametrize("name", ["bfloat16", ml_dtypes.bfloat16, np.dtype(ml_dtypes.bfloat16)])
def test_it_goes_by_any_of_its_names(name: Any) -> None:
    for made in (
        ai.zeros((2,), dtype=name),
        ai.full((2,), 0.1, dtype=name),
        ai.arange(3, dtype=name),
        ai.tensor([1.0], dtype=name),
        ai.tensor(np.ones(2)).astype(name),
    ):
        assert made.dtype == ai.bfloat16
        assert made.is_floating_point()
        assert type(made.tolist()[0]) is float
    assert ai.tensor(np.ones(3, name)).dtype == ai.bfloat16
    assert "dtype=bfloat16" in repr(ai.tensor([1.5], dtype=name))


@pytest.mark.parametrize("numbers", [(1000, 0, -1), (-1, 1, 0.003), (0.1, 3), (300,)])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_each_number_of_a_range_is_rounded_once(numbers: tuple[float, ...], dtype: str) -> None:
    made = ai.arange(*numbers, dtype=dtype)
    assert made.dtype == dtype
    assert made.tolist() == np.arange(*numbers, dtype="float64").astype(dtype).tolist()


@pytest.mark.parametrize("name", ["float8_e5m2", "float8_e4m3fn", "int4"])
def test_its_neighbours_in_ml_dtypes_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"dtype {name} is not supported"):
        ai.zeros((2,), dtype=getattr(ml_dtypes, name))
    with pytest.raises(TypeError, match=f"{name}"):
        ai.tensor(np.ones(2).astype(getattr(ml_dtypes, name)))


# --- the package that it comes from


def test_its_package_is_imported_when_it_is_asked_for() -> None:
    script = """
import sys
import autograd_iron as ai, nn
x = ai.tensor([1.0], requires_grad=True)
ai.compile(lambda: x * 2)()
assert "ml_dtypes" not in sys.modules
assert ai.zeros((2,), dtype="bfloat16").dtype == ai.bfloat16
assert "ml_dtypes" in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_its_package_the_error_says_what_to_install() -> None:
    script = """
import sys
sys.modules["ml_dtypes"] = None
import autograd_iron as ai
for ask in (lambda: ai.zeros((2,), dtype="bfloat16"), lambda: ai.bfloat16):
    try:
        ask()
    except ImportError as error:
        print(error)
"""
    out = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    first, second = out.stdout.splitlines()
    assert first == second
    assert "pip install 'autograd-iron[bfloat16]'" in first


# --- training


class Net(nn.Module):
    """float32 parameters, cast where they are used."""

    def __init__(self) -> None:
        self.first = nn.Linear(4, 16, generator=ai.Generator(0))
        self.second = nn.Linear(16, 1, generator=ai.Generator(1))

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        for layer in (self.first, self.second):
            x = ai.linear(x, layer.weight.astype("bfloat16"), layer.bias.astype("bfloat16"))
            x = ai.tanh(x) if layer is self.first else x
        return x


def problem(compiled: bool) -> tuple[Any, nn.Module]:
    model = Net()
    optimizer, loss_of = nn.Adam(model.parameters(), 0.01), nn.MSELoss()

    def step(x: ai.Tensor, y: ai.Tensor) -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return (ai.compile(step) if compiled else step), model


@pytest.mark.parametrize("rows", [64, 5000])
def test_float32_parameters_learn_through_it(rows: int) -> None:
    x = ai.tensor(np.random.default_rng(0).uniform(-1, 1, (rows, 4)), dtype="bfloat16")
    y = ai.sin(x[:, :1] * 2) * 0.5
    last = []
    for compiled in (False, True):
        step, model = problem(compiled)
        losses = [step(x, y) for _ in range(150)]
        assert losses[0].dtype == "bfloat16"
        assert {str(p.dtype) for p in model.parameters()} == {"float32"}
        assert float(losses[-1]) < float(losses[0]) / 20
        last.append(float(losses[-1]))
    assert last[0] == pytest.approx(last[1], rel=0.2)


def test_a_checkpoint_keeps_it(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((3, 5)).astype("bfloat16")
    path = nn.Checkpoints(tmp_path).save({"w": ai.tensor(values), "c": np.array([True])}, step=1)
    header = path.read_bytes()
    size = int.from_bytes(header[:8], "little")
    assert json.loads(header[8 : 8 + size])["w"]["dtype"] == "BF16"
    saved = nn.Checkpoints(tmp_path).load()
    assert saved is not None
    assert saved.state["w"].dtype == "bfloat16"
    assert saved.state["w"].tobytes() == values.tobytes()
    assert saved.state["c"].tolist() == [True]


def test_an_ejected_step_gives_the_same_bits(tmp_path: Path) -> None:
    w = ai.tensor(np.random.default_rng(1).standard_normal((4, 2)), dtype="bfloat16")

    def function(x: ai.Tensor) -> Any:
        w.assign(w * 0.5)
        return ai.tanh(x @ w + 0.1), ai.sum(x, axis=0)

    x = np.random.default_rng(0).standard_normal((3000, 4)).astype("bfloat16")
    compiled = ai.compile(function)
    compiled(x)
    compiled.eject(tmp_path / "ejected.py")
    expected = [t.numpy() for t in compiled(x)]
    np.save(tmp_path / "x.npy", x.view("uint16"))
    script = """
import sys
import numpy as np
sys.path.insert(0, ".")
import ejected
found = ejected.step(np.load("x.npy").view("bfloat16"))
print([values.tobytes().hex() for values in found])
assert "autograd_iron" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == str([values.tobytes().hex() for values in expected])
