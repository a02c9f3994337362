"""Settings of operations as NumPy, enumerations and Tensors hold them: the same answer."""

from __future__ import annotations

import enum
import importlib.util
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import proven, same_bits  # noqa: F401
from samples import (
    ALL_ROWS,
    PRIMITIVES,
    SAMPLES,
    fixed_case,
    joined,
    own_words,
    smooth,
    some_rows,
)

import autograd_iron as ai
from autograd_iron.core.plain import setting
from autograd_iron.support.integers import integer


class Number(float):
    """A number with a name, which no program could be written of."""

    def __repr__(self) -> str:
        return "Number"


class Indexed:
    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def enumerated(value: int) -> enum.IntEnum:
    return enum.IntEnum("Member", {"ONLY": value}).ONLY  # type: ignore[attr-defined, no-any-return]


def tensor_of(value: Any) -> ai.Tensor:
    return ai.tensor(value, dtype=np.asarray(value).dtype)


OF_INTEGERS: list[Callable[[int], Any]] = [np.int64, enumerated, np.array, np.int8, Indexed]
OF_FLOATS: list[Callable[[float], Any]] = [np.float64, np.array, Number]
OF_TRUTHS: list[Callable[[bool], Any]] = [np.bool_, np.array]


def twins(value: Any, index: bool) -> Iterator[Any]:
    """Yield what means the same as a setting."""
    if isinstance(value, bool):
        yield from (kind(value) for kind in OF_TRUTHS)
    elif isinstance(value, int):
        yield from (kind(value) for kind in OF_INTEGERS)
    elif isinstance(value, float):
        yield from (kind(value) for kind in OF_FLOATS)
    elif isinstance(value, str):
        yield np.str_(value)
    elif isinstance(value, slice):
        ends = value.start, value.stop, value.step
        yield slice(*[v if v is None else np.int64(v) for v in ends])
    elif isinstance(value, tuple | list) and not (index and isinstance(value, list)):
        parts = [list(twins(part, index)) or [part] for part in value]
        for i in range(max(map(len, parts), default=0)):
            yield tuple(options[i % len(options)] for options in parts)
        if not index:
            yield list(value)
            yield np.array(value, dtype=int)
            if all(type(part) is int for part in value):
                yield from (deque(value), array("q", value), memoryview(np.array(value, "q")))
            yield [options[0] for options in parts]


def calls_with_twins(name: str) -> list[tuple[Any, dict[str, Any], dict[str, Any]]]:
    """Return calls with plain settings, and the same with twins of these: MOST of them, or all."""
    found = []
    for row in some_rows(SAMPLES[name], "settings"):
        plain = dict(row.attributes) or dict(PRIMITIVES[name].defaults)
        for key, value in plain.items():
            for twin in twins(value, index=key == "index"):
                found.append((fixed_case(name, row), plain, {**plain, key: twin}))
    return found if ALL_ROWS else found[:: -(-len(found) // MOST)]


MOST = 16  # each is compiled and written out; a window's settings have hundreds of twins
WITH_SETTINGS = [name for name, p in PRIMITIVES.items() if p.defaults and name != "to_device"]


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_a_setting_is_the_same_eager_compiled_and_ejected(name: str, tmp_path: Path) -> None:
    word = PRIMITIVES[name]
    cases = calls_with_twins(name)
    assert cases
    tensors = [[ai.tensor(a) for a in case.arrays] for case, _, _ in cases]

    def run(arrays: list[ai.Tensor], attributes: dict[str, Any]) -> list[ai.Tensor]:
        made = joined(word(*arrays, **attributes))
        results = [made * 1 if made.is_floating_point() else made == made]
        if smooth(name, 0) and made.is_floating_point() and arrays[0].is_floating_point():

            def total(first: ai.Tensor) -> ai.Tensor:
                return ai.sum(ai.square(joined(word(first, *arrays[1:], **attributes))))

            results.append(ai.grad(total)(arrays[0]))
        return results

    wanted = [run(t, plain) for t, (_, plain, _) in zip(tensors, cases, strict=True)]
    eager = [run(t, twin) for t, (_, _, twin) in zip(tensors, cases, strict=True)]
    same_bits(eager, wanted)

    def step() -> Any:
        return [run(t, twin) for t, (_, _, twin) in zip(tensors, cases, strict=True)]

    compiled = ai.compile(step)
    same_bits(compiled(), wanted)
    file = tmp_path / "ejected.py"
    try:
        compiled.eject(file)
    except ValueError as error:
        assert "can only be run by its kernel" in str(error)  # noqa: PT017  (a limit of eject)
        return
    spec = importlib.util.spec_from_file_location("ejected", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    flat = [t for results in wanted for t in results]
    for found, expected in zip(module.step(), flat, strict=True):
        np.testing.assert_array_equal(found, expected.data)


COMPOSED: dict[str, Callable[[ai.Tensor, Callable[[int], Any]], Any]] = {
    "permute": lambda x, n: ai.permute_dims(x, tuple(np.argsort([1, 0]))),
    "transpose": lambda x, n: x.transpose(n(1), n(0)),
    "one axis": lambda x, n: x[0].transpose(n(0)),
    "squeeze": lambda x, n: ai.squeeze(x[None], axis=n(0)),
    "expand_dims": lambda x, n: ai.expand_dims(x, (n(0), n(2))),
    "expand_dims, an array": lambda x, n: ai.expand_dims(x, np.array([0, -1])),
    "split": lambda x, n: ai.split(x, n(2), axis=n(0)),
    "split at": lambda x, n: ai.split(x, [n(1), n(2)], axis=n(1)),
    "split at an array": lambda x, n: ai.split(x, np.array([1, 2]), axis=n(1)),
    "stack": lambda x, n: ai.stack([x, x], axis=n(-1)),
    "concat": lambda x, n: ai.concat([x, x], axis=n(1)),
    "var": lambda x, n: ai.var(x, axis=(n(0),), keepdims=np.True_),
    "log_softmax": lambda x, n: ai.log_softmax(x, axis=n(0)),
    "zeros": lambda x, n: ai.zeros(n(3)) + x,
    "ones": lambda x, n: ai.ones((n(2), n(3))) + x,
    "ones, an array": lambda x, n: ai.ones(np.array(x.shape)) + x,
    "full": lambda x, n: ai.full([n(2), n(3)], n(7)) + x,
    "reshape": lambda x, n: x.reshape(n(3), n(-1)),
    "sum": lambda x, n: x.sum(n(-1)),
    "power": lambda x, n: x ** n(2),
    "times": lambda x, n: ai.astype(x, "int64") * n(3),
}


@pytest.mark.parametrize("name", COMPOSED)
@pytest.mark.parametrize("kind", OF_INTEGERS[:4])
def test_functions_made_of_others_take_them_too(name: str, kind: Callable[[int], Any]) -> None:
    x = ai.tensor(np.arange(6.0).reshape(2, 3))
    wanted = COMPOSED[name](x, int)
    same_bits(COMPOSED[name](x, kind), wanted)
    same_bits(ai.compile(lambda x: COMPOSED[name](x, kind))(x), wanted)


def test_a_tensor_is_a_setting_where_its_value_may_be_read() -> None:
    x = ai.tensor([[1.0, 2.0], [3.0, 4.0]])
    one = ai.tensor(1, dtype="int64")
    same_bits(ai.sum(x, axis=one), ai.sum(x, axis=1))
    same_bits(ai.permute_dims(x, ai.tensor([1, 0], dtype="int64")), x.T)
    same_bits(ai.clip(x, 2, ai.tensor(3.0)), ai.clip(x, 2, 3.0))
    with pytest.raises(RuntimeError, match="a value is read on the host"):
        ai.compile(lambda x, axis: ai.sum(x, axis=axis))(x, one)


def test_a_tensor_with_a_gradient_is_refused_by_the_name_of_the_setting() -> None:
    n = ai.tensor(1.0, requires_grad=True)
    for name, call in {
        "argnums": lambda: ai.grad(lambda x: x, argnums=n),
        "indices_or_sections": lambda: ai.split(ai.ones(4), n),
        "axis": lambda: ai.sum(ai.ones(4), axis=n),
    }.items():
        with pytest.raises(TypeError, match=f"{name} is no operand: no gradient flows to it"):
            call()


def test_what_is_no_axis_is_refused() -> None:
    x = ai.ones((2, 3))
    for call in (ai.squeeze, ai.expand_dims, lambda x, axis: ai.split(x, 1, axis=axis)):
        with pytest.raises(TypeError, match=r"axis 0\.5 is not an|axis=0\.5\): axis is an integer"):
            call(x, 0.5)
    with pytest.raises(ValueError, match="named twice"):
        ai.expand_dims(x, (0, -4))


@pytest.mark.parametrize(
    "bounds", [(-3, 3), (None, 300), (-3, 300), (-300, None), (0, 255), (2, 1)]
)
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int64", "float32", "bool"])
def test_bounds_need_not_be_of_the_dtype(bounds: tuple[Any, Any], dtype: str) -> None:
    x = ai.tensor([0, 1, 100], dtype=dtype)

    def clip(x: ai.Tensor) -> ai.Tensor:
        return ai.clip(x, *bounds)

    expected = np.clip(x.data, *bounds)
    same_bits(clip(x), ai.tensor(expected))
    same_bits(ai.compile(clip)(x), ai.tensor(expected))


@pytest.mark.parametrize("bounds", [(300, 400), (-5, -2)])
def test_bounds_that_nothing_of_the_dtype_keeps_are_refused(bounds: tuple[int, int]) -> None:
    x = ai.tensor([0, 1, 100], dtype="uint8")
    for function in (ai.clip, ai.compile(ai.clip)):
        with pytest.raises(OverflowError, match="out of bounds for uint8"):
            function(x, *bounds)


def test_an_operation_of_the_users_finds_plain_settings() -> None:
    met: list[Any] = []
    with own_words():

        @ai.extend.primitive
        def weighted(xp: Any, x: Any, /, table: Any, axes: Any = None, how: str = "") -> Any:
            met.append((table, axes, how))
            return x * table

        table = np.array([1.0, 2.0])
        weighted(ai.ones(2), table, axes=np.array([[0, 1]]), how=np.str_("plainly"))
        assert met == [(table, ((0, 1),), "plainly")]
        assert met[0][0] is table, "an array that is no axis is a table of numbers"
        assert type(met[0][2]) is str


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3), enumerated(3)])
def test_an_integer_that_somebody_computed_is_one(value: Any) -> None:
    assert type(integer(value)) is int
    assert integer(value) == setting(value) == 3
    assert type(setting(value)) is int


@pytest.mark.parametrize(
    "value", [3.0, np.float64(3), True, np.True_, "3", None, [3], np.array([3])]
)
def test_what_is_no_integer_is_none(value: Any) -> None:
    assert integer(value) is None
