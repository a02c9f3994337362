"""Plans cut along any axis that the large inputs share, and the answer of the eager step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import close, proven, small_cache  # noqa: F401
from ejecting import check_in_clean_interpreter, ejected
from samples import own_words

import autograd_iron as ai
import nn
from autograd_iron.plan.program import Value

pytestmark = pytest.mark.usefixtures("small_cache")

ROWS = 203  # three tiles of 51 and one of 50
OTHER = (3, 4)


def shaped(axis: int) -> tuple[int, ...]:
    """Return the shape with the rows on an axis."""
    shape = list(OTHER)
    shape.insert(axis % 3, ROWS)
    return tuple(shape)


def random_array(shape: tuple[int, ...], seed: int) -> ai.Tensor:
    values = np.random.default_rng(seed).uniform(-1, 1, shape)
    return ai.tensor(values, dtype="float64")


def random_program(seed: int, axis: int) -> Callable[[ai.Tensor, ai.Tensor], Any]:
    """Return a function of two arrays with rows on an axis, made of operations drawn at random."""
    rng = np.random.default_rng(seed)
    others = [a for a in range(3) if a != axis % 3]
    kinds = rng.integers(0, 16, 14)
    picks = rng.integers(0, 1 << 30, (14, 3))
    stretched = [1 if a == axis % 3 else n for a, n in enumerate(shaped(axis))]
    weight = random_array((shaped(axis)[-1],) * 2, seed) if axis % 3 != 2 else None

    def function(x: ai.Tensor, y: ai.Tensor) -> Any:
        values = [x, ai.sin(y)]
        whole = []
        for kind, (i, j, k) in zip(kinds, picks.tolist(), strict=True):
            a, b, other = values[i % len(values)], values[j % len(values)], others[k % 2]
            match int(kind):
                case 0 | 1:
                    made = ai.tanh(a)
                case 2 | 3:
                    made = a * b
                case 4:
                    made = a + random_array(tuple(stretched), k)
                case 5:
                    made = a - ai.mean(a, axis=other, keepdims=True)
                case 6:
                    made = ai.flip(a, other) + b
                case 7:
                    made = a - ai.mean(a, axis=axis, keepdims=True)
                case 8:
                    made = ai.where(a > b, a, 0.5 * b)
                case 9 if weight is not None:
                    made = a @ weight
                case 10:
                    order = (2, 0, 1)
                    made = ai.permute_dims(ai.permute_dims(ai.cos(a), order), (1, 2, 0))
                case 11:
                    joined = ai.concat([a, b], axis=other)
                    made = joined[(slice(None),) * other + (slice(1, 1 + a.shape[other]),)]
                case 12:
                    made = ai.expand_dims(ai.sin(a), 0).reshape(*a.shape, 1)[..., 0]
                case 13:
                    made = a.at[(slice(None),) * other + (0,)].add(1.0) * 2
                case 14:
                    made = a - ai.max(b, axis=(axis, other), keepdims=True)
                case _:
                    made = a * 0.5
                    whole.append(ai.sum(ai.sin(a), axis=axis))
            values.append(made)
        last = sum(values[1:], values[0])
        return last, ai.sum(ai.cos(last), axis=axis), whole, values[-1]

    return function


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("seed", range(8))
def test_random_programs(seed: int, axis: int) -> None:
    function = random_program(seed, axis)

    def step(x: ai.Tensor, y: ai.Tensor) -> Any:
        def energy(x: ai.Tensor) -> Any:
            last, total, *_ = function(x, y)
            return ai.mean(ai.sin(last)) + ai.sum(total * total) / ROWS

        return function(x, y), ai.value_and_grad(energy)(x)

    compiled = ai.compile(step, threads=2)
    for i in range(2):
        x, y = random_array(shaped(axis), i), random_array(shaped(axis), i + 9)
        close(compiled(x, y), step(x, y), terms=ROWS, ulps=1e4)
    assert 0 < compiled.plan.tile < ROWS
    schedule = compiled.plan.schedule
    assert {schedule.axis[v] for v in compiled.plan.program.arguments} == {axis % 3}
    assert f"rows (axis {axis % 3}) at a time" in compiled.explain()


def axes_of_arguments(compiled: Any) -> list[int | None]:
    return [compiled.plan.schedule.axis.get(v) for v in compiled.plan.program.arguments]


def test_images_whose_channels_come_first() -> None:
    def step(image: ai.Tensor, mask: ai.Tensor, row: ai.Tensor) -> Any:
        bright = ai.tanh(image * 2 + row) * mask
        return ai.sum(bright * bright, axis=(1, 2)), ai.max(bright, axis=0)

    compiled = ai.compile(step, threads=2)
    # As high as wide: the row, whose axis is that of the columns, must not be cut with the rows.
    image, mask, row = (random_array(s, 0) for s in ((3, 150, 150), (150, 150), (150,)))
    close(compiled(image, mask, row), step(image, mask, row), terms=150 * 150)
    assert compiled.plan.tile > 0
    assert axes_of_arguments(compiled) == [1, 0, None]


def test_points_in_columns_train_a_network() -> None:
    def make() -> Any:
        model = nn.Linear(2, 1, generator=ai.Generator(0))
        hidden = random_array((8, 2), 3)
        w = ai.tensor(hidden.data, requires_grad=True)
        optimizer = nn.SGD(model.parameters(), lr=0.1)

        def step(points: ai.Tensor, target: ai.Tensor) -> Any:
            w.grad = None
            optimizer.zero_grad()
            features = ai.tanh(w @ points)
            loss = ai.mean(ai.square(ai.sum(features, axis=0) - target))
            loss = loss + ai.mean(ai.square(model(ai.astype(points.mT, "float32"))))
            loss.backward()
            w.assign(w - 0.1 * w.grad)
            optimizer.step()
            return loss

        return step, w

    eager, w = make()
    function, other = make()
    compiled = ai.compile(function, threads=2)
    for i in range(3):
        points, target = random_array((2, ROWS), i), random_array((ROWS,), i + 5)
        # The layer is float32.
        close(compiled(points, target), eager(points, target), terms=ROWS, ulps=1e8)
        close(other, w, terms=ROWS, ulps=1e4)
    assert axes_of_arguments(compiled) == [1, 0]
    assert 0 < compiled.plan.tile < ROWS


def test_features_are_no_rows() -> None:
    model = nn.Linear(500, 3, generator=ai.Generator(0))
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(x: ai.Tensor) -> Any:
        loss = ai.mean(ai.square(model(ai.tanh(x))))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    compiled = ai.compile(step)
    compiled(np.ones((5, 500), "float32"))
    assert compiled.plan.tile == 0, "the 500 features of a layer were cut"


def test_what_is_made_by_repetition_is_made_in_tiles() -> None:
    def step(x: ai.Tensor, column: ai.Tensor) -> Any:
        wide = ai.broadcast_to(ai.tanh(column), (3, ROWS))
        return ai.sum(ai.concat([ai.tanh(x), wide], axis=0) ** 2)

    compiled = ai.compile(step)
    x, column = random_array((3, ROWS), 0), random_array((3, 1), 1)
    close(compiled(x, column), step(x, column), terms=ROWS)
    tiled = [s for stage in compiled.plan.stages if stage.tiled for s in stage.steps]
    assert "broadcast_to" in {s.primitive.name for s in tiled}


def test_an_operation_without_labels_is_never_cut() -> None:
    with own_words():

        @ai.extend.primitive
        def doubled(xp: Any, x: Any, /) -> Any:
            """Return twice x."""
            return x * 2

        def function(x: ai.Tensor) -> Any:
            return ai.tanh(ai.tanh(doubled(ai.tanh(ai.tanh(x)))))

        doubled.shape(lambda x: ai.extend.Spec(x.shape, x.dtype))
        compiled = ai.compile(function)
        compiled(random_array((ROWS, 3), 0))
        cut = [s for stage in compiled.plan.stages if stage.tiled for s in stage.steps]
        assert {s.primitive.name for s in cut} == {"tanh"}
        doubled.axes("...A -> ...A")
        compiled = ai.compile(function)
        compiled(random_array((ROWS, 3), 0))
        cut = [s for stage in compiled.plan.stages if stage.tiled for s in stage.steps]
        assert {s.primitive.name for s in cut} == {"tanh", "doubled"}
        assert all(isinstance(v, Value) for s in cut for v in s.inputs)


def test_reshapes_beside_the_rows() -> None:
    def step(x: ai.Tensor) -> Any:
        stacked = ai.stack([x, ai.sin(x), ai.cos(x), ai.tanh(x)])
        wide = ai.permute_dims(stacked, (1, 2, 0)).reshape(3, ROWS, 2, 2)
        return x.reshape(3, ROWS, 1), wide, wide.reshape(3, ROWS, 4) * 2, ai.tanh(wide)

    compiled = ai.compile(step)
    x = random_array((3, ROWS), 0)
    close(compiled(x), step(x), terms=1)
    assert axes_of_arguments(compiled) == [1]
    assert compiled.plan.tile > 0


def test_an_ejected_step_is_cut_along_the_same_axis(tmp_path: Path) -> None:
    def step(x: ai.Tensor) -> Any:
        return ai.tanh(ai.tanh(x)) * 2, ai.sum(ai.sin(ai.tanh(x)), axis=1)

    x = random_array((3, ROWS), 0)
    compiled = ai.compile(step)
    compiled(x)
    assert compiled.plan.tile > 0
    check_in_clean_interpreter([ejected(compiled, tmp_path / "mine.py", [(x.numpy(),)])])
