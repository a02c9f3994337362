"""A compiled function is an operation: it is differentiated from outside, to any order."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import Array, close, proven, same_bits, small_cache  # noqa: F401
from samples import (
    DIFFERENTIABLE,
    PRIMITIVES,
    SAMPLES,
    Call,
    fixed_case,
    joined,
    over_rows,
    own_words,
)
from test_plan import moved, parts

import autograd_iron as ai
import nn
from autograd_iron.plan.refusals import CaptureError

X = np.arange(6, dtype=np.float32).reshape(2, 3) / 6


def variable(array: Any) -> ai.Tensor:
    return ai.tensor(array, requires_grad=True)


def gradients(
    f: Callable[..., Any], arrays: list[Array], flowing: list[int], order: int
) -> list[ai.Tensor | None]:
    """Return gradients of a random product with the result, and those of their squares."""
    tensors = [ai.tensor(a, requires_grad=i in flowing) for i, a in enumerate(arrays)]
    y = f(*tensors)
    weights = np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype)
    total = ai.sum(y * weights)
    if not total.requires_grad:
        return []
    total.backward(create_graph=order > 1)
    first = [t.grad for t in tensors]
    if order == 1:
        return first
    for t in tensors:
        t.grad = None
    energy: Any = sum(ai.sum(ai.square(g)) for g in first if g is not None)
    if energy.requires_grad:
        energy.backward()
    return [*first, *(t.grad for t in tensors)]


@over_rows(DIFFERENTIABLE)
def test_each_gradient_from_outside(name: str, row: Call) -> None:
    check(name, row, order=1)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_each_gradient_of_a_gradient_from_outside(name: str) -> None:
    row = max(SAMPLES[name].calls, key=lambda c: min(2, len(c.shapes[0]) if c.shapes else 0))
    check(name, row, order=2)


def check(name: str, row: Call, order: int) -> None:
    arrays = fixed_case(name, row).arrays
    flowing, _ = parts(name, arrays)

    def function(*inputs: ai.Tensor) -> ai.Tensor:
        return joined(PRIMITIVES[name](*inputs, **row.attributes))

    compiled = ai.compile(function)
    for values in (arrays, moved(name, arrays)):
        found = gradients(compiled, list(values), flowing, order)
        wanted = gradients(function, list(values), flowing, order)
        assert [g is None for g in found] == [g is None for g in wanted]
        close([g for g in found if g is not None], [g for g in wanted if g is not None])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_to_any_order(order: int) -> None:
    w = ai.tensor([0.5, -1.0, 2.0], dtype="float64", requires_grad=True)
    f = ai.compile(lambda x: ai.sum(ai.tanh(x * w) * x, axis=1))
    ai.check_grads(f, [X.astype("f8")], order=order)
    g, wanted = ai.compile(lambda x: x**4), lambda x: x**4
    for _ in range(order):
        g, wanted = ai.grad(g), ai.grad(wanted)
    same_bits(g(2.0), wanted(2.0))
    same_bits(ai.compile(g)(ai.tensor(2.0)), wanted(2.0))


def network() -> nn.Sequential:
    g = ai.Generator(0)
    return nn.Sequential(nn.Linear(3, 4, generator=g), nn.Tanh(), nn.Linear(4, 1, generator=g))


def test_a_compiled_model_is_trained() -> None:
    def trained(through: Callable[[Any], Any]) -> Any:
        model = network()
        called = through(model)
        optimizer = nn.Adam(model.parameters(), lr=0.1)
        losses = []
        for _ in range(5):
            loss = ai.mean(ai.square(called(ai.tensor(X)) - 1.0))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss)
        return losses, model.state_dict(), called

    *found, compiled = trained(ai.compile)
    *wanted, _ = trained(lambda model: model)
    same_bits(found, wanted)
    assert "1 captures" in compiled.explain()


def test_a_frozen_parameter_and_one_that_is_not_used() -> None:
    model = network()
    compiled: Any = ai.compile(lambda x: model[2](ai.tanh(x @ ai.ones((3, 4)))))
    model[2].bias.requires_grad = False
    for _ in range(2):
        ai.sum(compiled(ai.tensor(X))).backward()
    assert [p.grad is None for p in model.parameters()] == [True, True, False, True]


def test_several_results_of_which_some_are_used() -> None:
    a, b = variable([1.0, 2.0]), variable([3.0, 4.0])

    def function(x: ai.Tensor) -> Any:
        return {"a": a * x, "both": a * b, "n": 3, "counts": ai.argmax(x), "x": x, "b": [b * b]}

    for f in (function, ai.compile(function)):
        found: list[Any] = []
        for pick in (["a"], ["both"], ["b"], ["a", "b"], ["x", "a"]):
            a.grad = b.grad = None
            x = variable([5.0, 6.0])
            made = f(x)
            assert not made["counts"].requires_grad
            parts = [made[name][0] if name == "b" else made[name] for name in pick]
            sum(ai.sum(part * part) for part in parts).backward()  # type: ignore[union-attr]
            found.append([t.grad if t.grad is None else t.grad.tolist() for t in (a, b, x)])
        if f is function:
            wanted = found
    assert found == wanted


def test_results_one_by_one() -> None:
    w = variable([1.0, 2.0])
    one, two = ai.compile(lambda: (w * w, w * 3))()
    ai.sum(one).backward(retain_graph=True)
    ai.sum(two).backward()
    assert w.grad is not None
    assert w.grad.tolist() == [5.0, 7.0]
    with pytest.raises(RuntimeError, match=r"released by an earlier backward"):
        ai.sum(one).backward()


@pytest.mark.parametrize("argument", ["twice", "captured", "computed"])
def test_one_tensor_in_several_places(argument: str) -> None:
    w = variable([1.0, 2.0])

    def function(x: ai.Tensor, y: ai.Tensor) -> Any:
        return ai.sum(x * x * y * (w if argument == "captured" else 1.0))

    found = []
    for f in (function, ai.compile(function)):
        w.grad = None
        x = w * 2 if argument == "computed" else w
        loss = f(x, x)
        loss.backward(create_graph=True)
        first = w.grad
        assert first is not None
        w.grad = None
        ai.sum(first * first).backward()
        found.append([first, w.grad])
    same_bits(found[1], found[0])


def test_a_tensor_and_what_detach_made_of_it() -> None:
    w = variable([1.0, 2.0])
    f = ai.compile(lambda x: w.detach() * x * w)
    for _ in range(3):
        w.grad = None
        ai.sum(f([3.0, 4.0])).backward()
        assert w.grad is not None
        assert w.grad.tolist() == [3.0, 8.0]
    w.requires_grad = False
    assert not f([3.0, 4.0]).requires_grad
    other = ai.Tensor(w.data, requires_grad=True)
    w.requires_grad = True
    with pytest.raises(CaptureError, match=r"the same memory, and both require.*Use one of them"):
        ai.compile(lambda: w * other)()


def test_tensors_that_were_computed_outside() -> None:
    w = variable([1.0, 2.0])
    found = []
    for through in (lambda f: f, ai.compile):
        w.grad = None
        h = w * w
        f = through(lambda x, h=h: ai.grad(lambda x: ai.sum(x**3 * h))(x) * h * w)  # type: ignore[operator]
        for _ in range(3):
            ai.sum(f(w)).backward(retain_graph=True)
        found.append(w.grad)
    same_bits(found[1], found[0])


def test_a_step_that_went_backward_itself_returns_what_is_used_up() -> None:
    w = variable([1.0, 2.0])

    def step(keep: bool) -> Any:
        loss = ai.sum(w * w)
        loss.backward(retain_graph=keep)
        return loss, loss.detach()

    for f in (step, ai.compile(step), ai.compile(step)):
        loss, cut = f(False)
        assert loss.requires_grad
        assert not cut.requires_grad
        for again in (loss, loss * 2):
            with pytest.raises(RuntimeError, match=r"saved by sum were released.*retain_graph"):
                again.backward()
        w.grad = None
        loss, _ = f(True)
        loss.backward()
        assert w.grad is not None
        assert w.grad.tolist() == [4.0, 8.0]


def test_parts_that_are_cut_off() -> None:
    w = variable([1.0, 2.0])

    def function(x: ai.Tensor) -> Any:
        with ai.no_grad():
            scale = ai.sum(w)
        return x * w.detach() * scale + ai.sign(w) * w

    for f in (function, ai.compile(function)):
        w.grad = None
        x = variable([3.0, 4.0])
        ai.sum(f(x)).backward()
        assert [t.grad.tolist() for t in (x, w)] == [[3.0, 6.0], [1.0, 1.0]]  # type: ignore[union-attr]


def test_a_condition_gets_no_gradient() -> None:
    w = variable([0.0, 2.0])

    def function(x: ai.Tensor) -> Any:
        return ai.where(w, x, x * 2)

    for f in (function, ai.compile(function)):
        x = variable([3.0, 4.0])
        ai.sum(f(x)).backward()
        assert x.grad is not None
        assert x.grad.tolist() == [2.0, 1.0]
        assert w.grad is None


def test_what_a_call_does_besides_happens_once() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([1.0, 2.0, 3.0])
            self.total = ai.zeros((3,))
            self.generator = ai.Generator(0)

        def forward(self, x: Any) -> Any:
            y = x * self.w * self.generator.normal((2, 3)) * (1 + self.total)
            self.total.assign(self.total + ai.sum(y.detach(), axis=0))
            return y

    eager, other = Noisy(), Noisy()
    compiled = ai.compile(other)
    for _ in range(3):
        for model, called in ((eager, eager), (other, compiled)):
            x = variable(X)
            model.w.grad = None
            y = called(x)
            if model is other:  # eagerly, the array of `total` is gone by now
                ai.sum(y * y).backward()
                assert model.w.grad is not None
                np.testing.assert_allclose(
                    model.w.grad.numpy(),
                    (2 * y.detach() * y.detach() / model.w.detach()).numpy().sum(axis=0),
                    rtol=1e-5,
                )
        same_bits([other.total], [eager.total])
        assert eager.generator.state == other.generator.state


def test_the_forward_pass_is_computed_again_the_first_time_alone() -> None:
    runs = []
    with own_words():

        @ai.extend.elementwise
        def counted(xp: Any, x: Any, /) -> Any:
            """Return twice x, by a kernel that counts its runs."""
            runs.append(1)
            return x * 2

        @counted.vjp
        def _(F: Any, g: Any, y: Any, _x: Any) -> Any:
            return 2 * g * F.cos(y - y)

        w = variable(np.float32([1.0, 2.0, 3.0]))
        f = ai.compile(lambda x: ai.tanh(counted(x * w).T).T * w)
        counts = []
        for _ in range(4):
            w.grad = None
            before = len(runs)
            ai.sum(f(ai.tensor(X))).backward()
            counts.append(len(runs) - before)
            eager = variable(w.detach())
            ai.sum(ai.tanh(ai.tensor(X) * eager * 2) * eager).backward()
            close([w.grad], [eager.grad])
        assert counts[1:] == [1, 1, 1]
        assert counts[0] > 1


def test_a_file_of_it_has_the_results_alone(tmp_path: Path) -> None:
    w = variable([1.0, 2.0, 3.0])
    generator = ai.Generator(0)
    f = ai.compile(lambda x: ai.tanh(x * w) * generator.normal((2, 3)))
    for _ in range(2):
        y = f(ai.tensor(X))
        ai.sum(y).backward()
    last = generator.state
    f.eject(tmp_path / "f.py")
    assert generator.state == last
    names: dict[str, Any] = {"__name__": "f", "__file__": str(tmp_path / "f.py")}
    exec(compile((tmp_path / "f.py").read_text(), "f.py", "exec"), names)
    np.testing.assert_array_equal(names["step"](X), y.detach().numpy())


def test_a_write_between_the_call_and_backward_is_noticed() -> None:
    w = variable([1.0, 2.0])
    f = ai.compile(lambda x: ai.sum(x * w * w))
    loss = f(variable([3.0, 4.0]))
    w.assign([5.0, 6.0])
    with pytest.raises(RuntimeError, match=r"written in place.*Call backward before the write"):
        loss.backward()


def test_nothing_is_recorded_where_nothing_asks_for_it() -> None:
    w = variable([1.0, 2.0])
    f = ai.compile(lambda x: x * w)
    x = ai.tensor([3.0, 4.0])
    with ai.no_grad():
        assert not f(x).requires_grad
    plain = str(f.plan)
    assert f(x).requires_grad
    assert str(f.plan) == plain
    assert not ai.compile(lambda x: x * 2)(x).requires_grad
    assert not ai.compile(lambda x: (x * w).detach())(x).requires_grad


def test_a_graph_that_is_dropped_is_freed_by_counting_alone() -> None:
    f = ai.compile(lambda x: ai.tanh(x) * 2)
    f(variable(X))
    gc.disable()
    try:
        x = variable(X)
        ghost = weakref.ref(x.data)
        y = f(x)
        del x
        assert ghost() is not None
        del y
        assert ghost() is None
    finally:
        gc.enable()


def test_back_through_a_call_from_outside_a_step_is_refused_inside() -> None:
    w = variable([1.0, 2.0])
    y = ai.compile(lambda: w * w)()

    def step() -> Any:
        loss = ai.sum(y * 2)
        loss.backward()
        return loss

    with pytest.raises(CaptureError, match=r"through a tensor that was computed outside"):
        ai.compile(step)()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_dtypes(dtype: str) -> None:
    w = variable(np.ones(3, "f4"))

    def function(x: ai.Tensor) -> Any:
        return ai.tanh(x) * w.astype(dtype)

    found = []
    for f in (function, ai.compile(function)):
        w.grad = None
        x = ai.tensor(X).astype(dtype).detach()
        x.requires_grad = True
        y = f(x)
        ai.sum(y.astype("float32")).backward()
        assert x.grad is not None
        assert x.grad.dtype == dtype
        found.append([x.grad.numpy().astype("f4"), w.grad])
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-2)  # rounded at other places
    close(found[1][1], found[0][1])


@pytest.mark.usefixtures("small_cache")
def test_tiles() -> None:
    model = network()
    compiled = ai.compile(model)
    rows = np.random.default_rng(0).standard_normal((131, 3)).astype("f4")
    found = []
    for f in (model, compiled):
        for p in model.parameters():
            p.grad = None
        ai.mean(ai.square(f(ai.tensor(rows)))).backward()
        found.append([p.grad for p in model.parameters()])
    close(found[1], found[0], terms=131)
