"""What the tests of compiled steps share: comparing them with eager ones, and data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn
from autograd_iron.arrays import cpu
from autograd_iron.plan.program import Step, Value
from autograd_iron.plan.schedule import buffers

Array = np.ndarray[Any, Any]


@pytest.fixture(autouse=True)
def proven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the overlap checker look at every layout that a test makes."""
    assign = buffers.assign

    def checked(
        steps: list[Step],
        roots: dict[Value, Value],
        sizes: dict[Value, int],
        kept: Iterable[Value],
        in_place: dict[Value, tuple[Value, ...]],
    ) -> buffers.Layout:
        kept = list(kept)
        layout = assign(steps, roots, sizes, kept, in_place)
        buffers.check(steps, roots, layout, kept, in_place)
        for value, slot in layout.slot.items():
            assert sizes[value] <= layout.sizes[slot], f"{value} is larger than its buffer"
        return layout

    monkeypatch.setattr(buffers, "assign", checked)


@pytest.fixture
def small_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make tiles of the smallest height, so that 65 rows are cut already."""
    monkeypatch.setattr(cpu, "cache_size", lambda: 1)


def tensors_in(tree: Any) -> Iterator[ai.Tensor]:
    """Yield the Tensors of a nested result in order."""
    if isinstance(tree, ai.Tensor):
        yield tree
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from tensors_in(part)
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from tensors_in(part)


def arrays_in(tree: Any) -> list[Array]:
    """Return the arrays of a nested result, none of them shared with the result."""
    return [np.array(t.data) for t in tensors_in(tree)]


def same_bits(found: Any, wanted: Any) -> None:
    """Compare nested results exactly: shapes, dtypes and values (NaN equals NaN)."""
    pairs = zip(list(tensors_in(found)), list(tensors_in(wanted)), strict=True)
    for i, (one, other) in enumerate(pairs):
        assert one.dtype == other.dtype, f"result {i}"
        assert one.shape == other.shape, f"result {i}"
        # NumPy knows no NaN of bfloat16.
        arrays = [t.data.astype("f4") if t.dtype.kind == "V" else t.data for t in (one, other)]
        np.testing.assert_array_equal(*arrays, err_msg=f"result {i}")


def close(found: Any, wanted: Any, terms: int = 1, ulps: float = 8.0) -> None:
    """Compare nested results where `terms` numbers were added up in another order.

    Each array may differ by a few ulp of its largest number, times the root of the terms.
    """
    pairs = zip(list(tensors_in(found)), list(tensors_in(wanted)), strict=True)
    for i, (one, other) in enumerate(pairs):
        assert one.dtype == other.dtype, f"result {i}"
        assert one.shape == other.shape, f"result {i}"
        if one.dtype.kind != "f":
            np.testing.assert_array_equal(one.data, other.data, err_msg=f"result {i}")
            continue
        finite = np.abs(other.data[np.isfinite(other.data)])
        scale = float(finite.max(initial=0.0))
        slack = ulps * float(np.finfo(one.dtype).eps) * np.sqrt(terms)
        np.testing.assert_allclose(
            one.data, other.data, rtol=slack, atol=slack * scale, err_msg=f"result {i}"
        )


def compare(
    function: Callable[..., Any],
    *calls: tuple[Any, ...],
    equal: Callable[[Any, Any], None] = same_bits,
    threads: int = 1,
) -> Any:
    """Call a function that changes nothing, eagerly and compiled, on each tuple of arguments."""
    compiled = ai.compile(function, threads=threads)
    for arguments in calls:
        # A compiled function finds Tensors where arrays were passed.
        tensors = [ai.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
        equal(compiled(*arguments), function(*tensors))
    return compiled


# --- data and models

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)


def x_of(seed: int, shape: tuple[int, ...] = (4, 3)) -> ai.Tensor:
    return ai.tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def model_of(seed: int = 0) -> nn.Sequential:
    g = ai.Generator(seed)
    return nn.Sequential(nn.Linear(3, 5, generator=g), nn.Tanh(), nn.Linear(5, 1, generator=g))


def training(
    optimizer: Callable[..., Any] = lambda m: nn.SGD(m.parameters(), 0.1), seed: int = 0
) -> tuple[Any, Any, Callable[..., Any]]:
    model = model_of(seed)
    opt = optimizer(model)

    def step(x: ai.Tensor, y: ai.Tensor) -> Any:
        loss = nn.MSELoss()(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    return model, opt, step


def states(model: Any, opt: Any) -> list[Any]:
    return [model.state_dict(), opt.state_dict()]


OPTIMIZERS = {
    "sgd": lambda m: nn.SGD(m.parameters(), 0.1),
    "momentum": lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9),
    "nesterov": lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9, nesterov=True),
    "decay": lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9, weight_decay=0.01),
    "adam": lambda m: nn.Adam(m.parameters(), 0.01),
    "adam decay": lambda m: nn.Adam(m.parameters(), 0.01, weight_decay=0.1),
    "schedule": lambda m: nn.SGD(m.parameters(), lambda step: 0.1 / (1 + step)),
    "cosine": lambda m: nn.Adam(m.parameters(), nn.CosineDecay(0.1, steps=6, warmup=2)),
}
