"""Labels of axes: what they say of a part of an axis is what the kernel makes of that part."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from samples import PRIMITIVES, SAMPLES, Call, fixed_case, over_rows, own_words
from sampling import Array

import autograd_iron as ai
from autograd_iron.core.axes import Labels, of_text, passage
from autograd_iron.core.specs import Spec
from autograd_iron.core.tensor import Tensor

NAMES = [name for name in SAMPLES if name in PRIMITIVES]
COMBINE = {"sum": np.add, "max": np.maximum, "min": np.minimum}


def cuts(shapes: list[tuple[int, ...]]) -> Iterator[tuple[int | None, ...]]:
    """Yield each choice of an axis of some of the operands, all of one size, 2 or more."""
    for cut in itertools.product(*[[None, *range(len(shape))] for shape in shapes]):
        sizes = {shape[a] for shape, a in zip(shapes, cut, strict=True) if a is not None}
        if len(sizes) == 1 and max(sizes) > 1:
            yield cut


def outputs(name: str, arrays: list[Array], attributes: dict[str, Any]) -> list[Array]:
    made: Any = PRIMITIVES[name](*map(Tensor, arrays), **attributes)
    return [t.numpy() for t in (made if isinstance(made, tuple) else (made,))]


def parts_of(arrays: list[Array], cut: tuple[int | None, ...], at: int) -> Iterator[list[Array]]:
    """Yield the arrays before a position of the cut axis, and from there on."""
    for part in (slice(0, at), slice(at, None)):
        yield [
            x if a is None else x[(slice(None),) * a + (part,)]
            for x, a in zip(arrays, cut, strict=True)
        ]


def given_shape(attributes: dict[str, Any], whole: Array, size: int, axis: Any) -> dict[str, Any]:
    """Return the attributes for a part; a shape that is that of the result is that of its part."""
    if "shape" not in attributes or not isinstance(axis, int):
        return attributes
    return attributes | {"shape": (*whole.shape[:axis], size, *whole.shape[axis + 1 :])}


def answers_of(name: str, row: Call) -> Iterator[tuple[list[Array], dict[str, Any], Any, Any]]:
    """Yield each cut of a call with what the labels say of it."""
    case = fixed_case(name, row)
    arrays, word = list(case.arrays), PRIMITIVES[name]
    absent = () if word.variadic else (None,) * (word.arity - len(arrays))
    attributes = word.defaults | dict(case.attributes)
    for key, form in word.forms.items():
        attributes[key] = form(attributes[key])
    labels = word.labels([*(Spec(a.shape, a.dtype) for a in arrays), *absent], attributes)
    assert labels is not None, f"{name} has no labels: nothing of it is ever cut"
    for cut in cuts([a.shape for a in arrays]):
        yield arrays, attributes, cut, passage(labels, (*cut, *absent))


@over_rows(NAMES)
def test_parts_make_up_the_whole(name: str, row: Call) -> None:
    for arrays, attributes, cut, answers in answers_of(name, row):
        if answers is None:
            continue
        whole = outputs(name, arrays, attributes)
        size = next(x.shape[a] for x, a in zip(arrays, cut, strict=True) if a is not None)
        for at in range(1, size):
            parts = [
                outputs(name, part, given_shape(attributes, whole[0], n, answers[0]))
                for n, part in zip((at, size - at), parts_of(arrays, cut, at), strict=True)
            ]
            for i, (wanted, first, second) in enumerate(zip(whole, *parts, strict=True)):
                answer = answers[min(i, len(answers) - 1)]
                if isinstance(answer, str):
                    found = COMBINE[answer](first, second)
                else:
                    found = np.concatenate([first, second], answer)
                np.testing.assert_allclose(
                    found, wanted, rtol=1e-12, atol=1e-12, err_msg=f"cut {cut} at {at}: {answer}"
                )


# Calls whose parts make up the whole though no label says so, and why.
BY_CHANCE = {
    ("join", "(3,)"): "a single array",
    ("split", "(4,), indices_or_sections=1"): "a single part",
    ("triu", "(2, 3, 3), k=-2"): "nothing lies below that diagonal",
    ("linear", "(3,) (2, 3)"): "without a bias, which would be added once for each part",
    ("linear", "(4, 3) (2, 3)"): "without a bias",
    ("linear", "(2, 4, 3) (2, 3)"): "without a bias",
}


@over_rows(NAMES)
def test_whatever_can_be_cut_has_a_label(name: str, row: Call) -> None:
    for arrays, attributes, cut, answers in answers_of(name, row):
        if answers is not None or "shape" in attributes:
            continue
        whole = outputs(name, arrays, attributes)[0]
        size = next(x.shape[a] for x, a in zip(arrays, cut, strict=True) if a is not None)
        if size < 3 or any(0 in x.shape for x in (*arrays, whole)):
            continue
        found = [
            how
            for how in (*range(whole.ndim), *COMBINE)
            if all(_agree(name, arrays, attributes, cut, at, how) for at in range(1, size))
        ]
        chance = (name, str(row)) in BY_CHANCE
        unmoved = name in ("add_at", "set_at") and np.array_equal(whole, arrays[0])
        assert not found or chance or unmoved, f"cut {cut}: the parts make up the whole by {found}"


def _agree(
    name: str,
    arrays: list[Array],
    attributes: dict[str, Any],
    cut: tuple[int | None, ...],
    at: int,
    how: int | str,
) -> bool:
    whole = outputs(name, arrays, attributes)[0]
    try:
        parts = [outputs(name, part, attributes)[0] for part in parts_of(arrays, cut, at)]
        found = COMBINE[how](*parts) if isinstance(how, str) else np.concatenate(parts, how)
    except (ValueError, TypeError, IndexError):
        return False
    return found.shape == whole.shape and np.allclose(found, whole)


def test_a_text_names_the_axes_of_each_operand() -> None:
    stacked, matrix = Spec((5, 1, 2, 3), "f4"), Spec((4, 3, 7), "f4")
    labels = of_text("...ij, ...jk -> ...ik", (stacked, matrix), "sum")
    assert labels == Labels(
        ((0, None, "i", "j"), (1, "j", "k")), ((0, 1, "i", "k"),), "sum", (2, 1)
    )
    assert passage(labels, (0, None)) == (0,)
    assert passage(labels, (None, 0)) == (1,)
    assert passage(labels, (3, 1)) == ("sum",)
    assert passage(labels, (3, None)) is None
    assert passage(labels, (1, None)) is None, "a stretched axis was cut"
    whole = of_text("...NN, ...Nk -> ...Nk", (Spec((2, 2), "f4"), Spec((2, 5), "f4")))
    assert passage(whole, (None, 1)) == (1,)
    assert passage(whole, (0, 0)) is None


def test_texts_that_are_none() -> None:
    with pytest.raises(
        ValueError, match=r"look like '\.\.\.ij, \.\.\.jk -> \.\.\.ik', not like 'ij'"
    ):
        of_text("ij", (Spec((2, 3), "f4"),))
    with pytest.raises(ValueError, match=r"'ij -> ji' does not name the axes of .* \(2,\)"):
        of_text("ij -> ji", (Spec((2,), "f4"),))
    with own_words():

        @ai.extend.primitive
        def total(xp: Any, x: Any, /) -> Any:
            """Return the sum of each row."""
            return xp.sum(x, axis=-1)

        with pytest.raises(ValueError, match=r"loses i: give combine='sum' .* or a capital letter"):
            total.axes("...i -> ...")
        total.axes("...i -> ...", combine="sum")
        total.axes("...I -> ...")
