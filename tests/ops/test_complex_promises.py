"""What primitives and composites promise of complex arrays: see `complex_samples`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiling import proven  # noqa: F401
from complex_samples import ENTRIES, Tried, tries
from samples import PRIMITIVES, SAMPLES, joined, smooth
from sampling import Array
from test_mutation import replace, scaled

import autograd_iron as ai
from autograd_iron.core.operands import bind
from autograd_iron.transforms.batching import batched
from autograd_iron.transforms.forward import tangents

every_entry = pytest.mark.parametrize("name", sorted(ENTRIES))
every_primitive = pytest.mark.parametrize("name", sorted(ENTRIES.keys() & SAMPLES.keys()))


@every_entry
@pytest.mark.filterwarnings("error")
def test_value_is_that_of_another_source(name: str) -> None:
    for t in tries(name):
        output, expected = t.function(*t.wide), t.elsewhere(*t.arrays)
        assert (output.shape, output.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(output.data, expected, rtol=1e-10, atol=1e-12)


def meet(t: Tried, given: list[Array]) -> bool:
    """Return whether NumPy lets such arrays meet and loses no part of a complex one."""
    try:
        return bool(np.isfinite(t.elsewhere(*given)).all())
    except (TypeError, np.exceptions.ComplexWarning):
        return False


@every_entry
@pytest.mark.filterwarnings("error")
def test_both_gradients_are_finite_differences(name: str) -> None:
    for t in tries(name):
        output = t.function(*t.wide)
        if output.dtype.kind not in "fc":
            continue
        ai.check_grads(t.function, t.wide, order=2, rtol=1e-4, atol=1e-6)
        places = [i for i, a in enumerate(t.arrays) if a.dtype.kind == "c"]
        for real in places if len(places) > 1 else []:  # beside the others, which are complex
            given = [a.real.copy() if i == real else a for i, a in enumerate(t.arrays)]
            if meet(t, given):
                ai.check_grads(t.function, list(map(ai.asarray, given)), 2, rtol=1e-4, atol=1e-6)


@every_entry
def test_dtypes_are_kept(name: str) -> None:
    for t in tries(name):
        if "dtype" in t.attributes:
            continue
        wide, narrow = t.function(*t.wide), t.function(*t.narrow)
        names = {"complex128": "complex64", "float64": "float32"}
        assert narrow.dtype == names.get(str(wide.dtype), wide.dtype)
        for create_graph in (False, True):
            inputs = t.narrow
            for x in inputs:
                x.requires_grad = x.is_complex()
            output = t.function(*inputs)
            if output.requires_grad:
                output.backward(ai.ones(output.shape), create_graph=create_graph)
                for x in inputs:
                    assert x.grad is None or (x.grad.dtype, x.grad.shape) == (x.dtype, x.shape)


@every_entry
def test_compiled_is_eager(name: str) -> None:
    for t in tries(name)[:3]:

        def both(*given: Any, f: Callable[..., Any] = t.function) -> Any:
            leaves = [x.detach() for x in given]
            for x in leaves:
                x.requires_grad = x.is_complex()
            output = f(*leaves)
            if output.requires_grad:
                ai.sum(ai.real(output * ai.conj(output))).backward()
            return [output.detach(), *(x.grad for x in leaves if x.grad is not None)]

        step = ai.compile(both)
        for given in (t.wide, t.narrow, t.wide):
            results, compiled = both(*given), step(*given)
            assert len(compiled) == len(results)
            close = 1e-10 if given[0].dtype == "complex128" else 1e-4
            for a, b in zip(compiled, results, strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_allclose(a.data, b.data, rtol=close, atol=close)


@every_primitive
def test_a_tangent_is_what_differences_give(name: str) -> None:
    word = PRIMITIVES[name]
    for t in tries(name):
        source = np.random.default_rng(5)
        along = [
            ai.asarray(source.standard_normal((*a.shape, 2)) @ [1, 1j])
            if smooth(name, i) and a.dtype.kind == "c"
            else None
            for i, a in enumerate(t.arrays)
        ]
        args, attributes = bind(word, tuple(t.wide), dict(t.attributes))
        output = word(*t.wide, **t.attributes)
        if not any(v is not None for v in along):
            continue
        outputs = output if isinstance(output, tuple) else (output,)
        given = along + [None] * (len(args) - len(along))
        made = tangents(word, args, output, given, attributes)
        pushed = [y * 0 if v is None else v for y, v in zip(outputs, made, strict=True)]
        assert [v.dtype for v in pushed] == [y.dtype for y in outputs]

        def moved(by: float, t: Tried = t, along: list[Any] = along) -> Array:
            arrays = [
                a if v is None else a + by * v.data for a, v in zip(t.arrays, along, strict=True)
            ]
            return np.asarray(t.function(*map(ai.asarray, arrays)).data)

        if outputs[0].dtype.kind not in "fc":
            continue
        wanted = (moved(1e-6) - moved(-1e-6)) / 2e-6
        end = joined(tuple(pushed)) if isinstance(output, tuple) else pushed[0]
        np.testing.assert_allclose(end.data, wanted, rtol=1e-6, atol=1e-7)


@every_primitive
def test_a_batch_is_a_loop_over_its_parts(name: str) -> None:
    word = PRIMITIVES[name]
    for t in tries(name)[:3]:
        args, attributes = bind(word, tuple(t.wide), dict(t.attributes))
        parts = [[a * s if a.dtype.kind == "c" else a for a in t.arrays] for s in (1, 1 + 0.1j)]
        both = [ai.asarray(np.stack(pair)) for pair in zip(*parts, strict=True)]
        rest: list[Any] = [None] * (len(args) - len(both))
        made = batched(word, both + rest, [0] * len(both) + rest, attributes)
        loop = [word(*map(ai.asarray, part), **t.attributes) for part in parts]
        several = isinstance(made, tuple)
        for i, y in enumerate(made if several else (made,)):
            wanted = np.stack([(one[i] if several else one).data for one in loop])
            assert y.dtype == wanted.dtype
            np.testing.assert_allclose(y.data, wanted, rtol=1e-10, atol=1e-12)


CAUGHT = [
    (name, i)
    for name in sorted(ENTRIES.keys() & SAMPLES.keys())
    for i, rule in enumerate(PRIMITIVES[name].rules)
    if rule is not None
]


@pytest.mark.parametrize(("name", "number"), CAUGHT)
def test_a_rule_that_is_wrong_by_a_thousandth_is_caught(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(name, number, scaled, monkeypatch)

    def check() -> None:
        for t in tries(name):
            ai.check_grads(t.function, t.wide, order=1)

    with pytest.raises(AssertionError, match="finite differences say"):
        check()
