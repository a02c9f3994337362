"""A plan as text: what it prints, and the file it can be written to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai
import nn
from autograd_iron import cpu


def problem(rows: int) -> tuple[Any, nn.Module]:
    generator = ai.Generator(0)
    model = nn.Sequential(
        nn.Linear(3, 8, generator=generator), nn.Tanh(), nn.Linear(8, 1, generator=generator)
    )
    x = generator.normal((rows, 3))
    y = (x[:, :1] > 0).astype("float32")
    loss_of, optimizer = nn.BCEWithLogitsLoss(), nn.SGD(model, 0.1, momentum=0.9)

    def step() -> ai.Tensor:
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return ai.compile(step), model


@pytest.mark.parametrize(("rows", "tiled"), [(5, False), (1000, True), (1003, True)])
def test_the_ejected_file_gives_the_same_bits_without_the_engine(
    rows: int, tiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The file asks for one thread each, as a tile has.
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setattr(cpu, "cache_size", lambda: 30_000)
    step, _ = problem(rows)
    step()
    assert bool(step.plan.tile) is tiled
    step.eject(tmp_path / "mine.py")
    expected = [float(step()).hex() for _ in range(3)]
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mine; "
        "print([float(mine.step()).hex() for _ in range(3)]); "
        "assert not any(m.split('.')[0] in ('autograd_iron', 'nn') for m in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(expected)


def test_an_ejected_function_takes_arguments_and_returns_arrays(tmp_path: Path) -> None:
    def function(x: ai.Tensor, i: ai.Tensor) -> Any:
        return {"a": ai.softplus(x)[[0, 2]].sum(axis=0), "b": ai.max(x, axis=0), "c": i * 2}

    compiled = ai.compile(function)
    x, i = np.linspace(-2, 2, 15, dtype="float32").reshape(5, 3), np.arange(4)
    found = compiled(x, i)
    compiled.eject(tmp_path / "ejected_function.py")
    sys.path.insert(0, str(tmp_path))
    try:
        import ejected_function  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    arrays = ejected_function.step(x, i)
    for array, tensor in zip(arrays, found.values(), strict=True):
        np.testing.assert_array_equal(array, tensor.numpy())


def test_a_kernel_of_its_own_cannot_be_ejected(tmp_path: Path) -> None:
    step = ai.compile(lambda x: ai.pad(x, 1))
    step(np.ones(3, "float32"))
    with pytest.raises(ValueError, match=r"eject: pad can only be run by its kernel.*lower"):
        step.eject(tmp_path / "step.py")
    assert not list(tmp_path.iterdir())


def test_the_print_has_the_users_names_and_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "cache_size", lambda: 30_000)
    step, _ = problem(1000)
    with pytest.raises(RuntimeError, match="before the first call"):
        print(step.plan)
    step()
    text = str(step.plan)
    for part in ("layers.0.weight", "FLOP", "B of buffers", "1,000 rows in", "for each tile:"):
        assert part in text
    assert "layers.2.bias <- v" in text
    for stage in step.plan.stages:
        for value, slot in stage.slots.items():
            [line] = [line for line in text.split("\n") if f"  {value} = " in f"  {line}"]
            assert re.search(rf"\[.*\] \w+ in b{slot}\b", line), line
    assert step.plan.bytes < 200_000


def test_the_flops_are_those_of_the_products() -> None:
    step = ai.compile(lambda x, w: x @ w)
    step(np.ones((5, 7), "float32"), np.ones((7, 3), "float32"))
    assert "210 FLOP" in str(step.plan)


@pytest.mark.parametrize(("shape", "spread"), [((128, 256), True), ((600, 600), False)])
def test_an_extreme_with_a_number_takes_an_array_of_it_where_that_is_small(
    shape: tuple[int, int], spread: bool
) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    x[0, :4] = np.nan, np.inf, -np.inf, -0.0
    for word, number in ((ai.maximum, 0.0), (ai.maximum, -0.0), (ai.minimum, 0.5)):
        step = ai.compile(lambda x, word=word, number=number: word(x, number), threads=1)
        for _ in range(2):
            assert step(x).numpy().tobytes() == word(x, number).numpy().tobytes()
        assert (" = full(" in step.plan.source) is (spread or step.plan.tile > 0)
