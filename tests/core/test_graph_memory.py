"""What a node keeps, when it lets go, and that nothing is left behind."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from samples import DIFFERENTIABLE, SAMPLES, fixed_case, leaf, own_words, result, smooth

import autograd_iron as ai
import nn

# --- what is kept


def made(values: ai.Tensor) -> ai.Tensor:
    """Return an intermediate result whose array only a consumer can keep alive."""
    return values * 1.0


KEPT: list[tuple[str, Callable[..., ai.Tensor], str, set[str]]] = [
    # operation, which inputs require a gradient, what must stay alive for its rules
    ("add", lambda x, y: x + y, "xy", set()),
    ("subtract", lambda x, y: x - y, "xy", set()),
    ("multiply", lambda x, y: x * y, "xy", {"x", "y"}),
    ("multiply, left", lambda x, y: x * y, "x", {"y"}),
    ("multiply, right", lambda x, y: x * y, "y", {"x"}),
    ("divide, left", lambda x, y: x / y, "x", {"y"}),
    ("divide", lambda x, y: x / y, "xy", {"y", "out"}),
    ("negative", lambda x, y: -x, "x", set()),
    ("tanh", lambda x, y: ai.tanh(x), "x", {"out"}),
    ("exp", lambda x, y: ai.exp(x), "x", {"out"}),
    ("sqrt", lambda x, y: ai.sqrt(x), "x", {"out"}),
    ("sigmoid", lambda x, y: ai.sigmoid(x), "x", {"out"}),
    ("relu", lambda x, y: ai.relu(x), "x", {"out"}),
    ("sin", lambda x, y: ai.sin(x), "x", {"x"}),
    ("log", lambda x, y: ai.log(x), "x", {"x"}),
    ("matmul", lambda x, y: x @ y, "xy", {"x", "y"}),
    ("matmul, right", lambda x, y: x @ y, "y", {"x"}),
    ("linear, weights", ai.linear, "y", {"x"}),
    ("linear, inputs", ai.linear, "x", {"y"}),
    ("sum", lambda x, y: ai.sum(x), "x", set()),
    ("mean", lambda x, y: ai.mean(x, axis=0), "x", set()),
    ("sum over broadcast", lambda x, y: x + y[0], "y", set()),
    ("concat", lambda x, y: ai.concat([x, y]), "xy", set()),
    ("where", lambda x, y: ai.where(np.eye(3) > 0, x, y), "xy", set()),
    ("pad_constant", lambda x, y: ai.pad(x, 1), "x", set()),
    ("gather", lambda x, y: x[[0, 2]], "x", set()),
    ("astype", lambda x, y: x.astype("float32"), "x", set()),
    ("no gradient", lambda x, y: ai.tanh(x) * y, "", set()),
]


@pytest.mark.parametrize(
    ("operation", "tracked", "kept"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT]
)
def test_a_node_keeps_only_what_its_rules_read(
    operation: Callable[..., ai.Tensor], tracked: str, kept: set[str], no_collector: None
) -> None:
    x, y = (
        made(leaf(3, 3)) if name in tracked else made(leaf(3, 3)).detach() for name in ("x", "y")
    )
    out = operation(x, y)
    arrays = {"x": weakref.ref(x.data), "y": weakref.ref(y.data), "out": weakref.ref(out.data)}
    end = ai.sum(out)  # keeps the node, not the array
    del x, y, out
    alive = {name for name, array in arrays.items() if array() is not None}
    assert alive == kept
    if tracked:
        end.backward()
    assert {name for name, array in arrays.items() if array() is not None} == set()


def test_saved_arrays_are_let_go_as_backward_passes(no_collector: None) -> None:
    seen: list[list[bool]] = []
    arrays: list[weakref.ref[Any]] = []
    with own_words():

        @ai.extend.primitive
        def spy(xp: Any, x: Any, /) -> Any:
            return x + 0.0

        @spy.vjp
        def _(F: Any, g: Any, _y: Any, _x: Any) -> Any:
            seen.append([array() is not None for array in arrays])
            return g

        x = leaf(4)
        y = x * 1.0
        for _ in range(4):
            y = ai.tanh(spy(y))
            arrays.append(weakref.ref(y.data))
        ai.sum(y).backward()
        del y
    # Before each visit the arrays of all newer nodes have gone; that of the next one has too.
    assert seen == [
        [True, True, True, True],  # `y` itself is still in our hands
        [True, True, False, True],
        [True, False, False, True],
        [False, False, False, True],
    ]


def test_with_retain_graph_nothing_is_let_go(no_collector: None) -> None:
    x = leaf(4)
    y = ai.tanh(x * 1.0)
    saved = weakref.ref(y.data)
    end = ai.sum(y)
    del y
    end.backward(retain_graph=True)
    assert saved() is not None
    end.backward()
    assert saved() is None


# --- freedom


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@pytest.mark.parametrize("mode", ["forward", "backward", "retained", "create_graph"])
def test_the_graph_is_freed_by_reference_counting_alone(
    name: str, mode: str, no_collector: None
) -> None:
    case = fixed_case(name, SAMPLES[name].calls[-1])
    tensors = [
        ai.tensor(a, requires_grad=True) * 1.0 if smooth(name, i) else ai.tensor(a)
        for i, a in enumerate(case.arrays)
    ]
    output = result(name, tensors, case.attributes)
    watched = [weakref.ref(t.data) for t in (*tensors, output)]
    if mode != "forward":
        gradient = np.ones(output.shape)
        output.backward(gradient, mode == "retained", mode == "create_graph")
    del tensors, output
    assert [array() is None for array in watched] == [True] * len(watched)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_leaf_is_freed_with_its_grad(create_graph: bool, no_collector: None) -> None:
    x = leaf(3)
    y = ai.sum(x**3)
    y.backward(create_graph=create_graph)
    assert x.grad is not None
    watched = [weakref.ref(x), weakref.ref(x.data), weakref.ref(x.grad.data)]
    del x, y
    assert [item() is None for item in watched] == [True] * 3


def test_a_model_and_its_steps_are_freed(no_collector: None) -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    x = ai.tensor(np.ones((5, 2)), dtype="float32")
    hidden = model(x)
    watched = weakref.ref(hidden.data)
    ai.mean(hidden * hidden).backward()
    del hidden
    assert watched() is None
    weights = [weakref.ref(p.data) for p in model.parameters()]
    del model
    assert [w() is None for w in weights] == [True] * 4


def test_a_failed_backward_leaks_nothing(no_collector: None) -> None:
    x = leaf(3)
    y = ai.exp(x * 1.0)
    total = ai.sum(y)
    watched = weakref.ref(y.data)
    y.assign(0.0)
    del y
    with pytest.raises(RuntimeError, match="written in place"):
        total.backward()
    del total
    assert watched() is None
    assert x.grad is None


def test_transforms_leak_nothing(no_collector: None) -> None:
    made_arrays: list[weakref.ref[Any]] = []

    def f(x: ai.Tensor) -> ai.Tensor:
        y = ai.exp(x)
        made_arrays.append(weakref.ref(y.data))
        return ai.sum(y * y)

    x = leaf(3)
    inner = ai.grad(lambda x: ai.sum(ai.grad(f)(x) ** 2))(x)
    ai.check_grads(f, [x])
    del inner
    assert made_arrays
    assert [array() is None for array in made_arrays] == [True] * len(made_arrays)
