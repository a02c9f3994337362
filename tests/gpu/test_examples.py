"""The examples with `--device cuda`: the host's results, from the command line on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .device_under_test import TIER, cupy, forbid

REPOSITORY = Path(__file__).resolve().parent.parent.parent
EXAMPLES = REPOSITORY / "examples"
sys.path.insert(0, str(EXAMPLES))

from PIL import Image  # noqa: E402

import reconstruct_image  # noqa: E402

pytestmark = pytest.mark.skipif(
    TIER == "stand-in" and not cupy.can_compile(), reason="compiled steps need g++ here"
)

# The stand-in takes seconds for these, which run on CuPy itself as well.
slow_here = pytest.mark.slow if TIER == "stand-in" else lambda test: test


@pytest.fixture(autouse=True)
def small_renders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconstruct_image, "RENDERED_SIZES", (50,))


@pytest.fixture(scope="module")
def black_and_white(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ink = np.zeros((8, 24), dtype=np.uint8)
    ink[2:6, 3:15] = 1
    return save(ink, tmp_path_factory.mktemp("pictures") / "bar.png")


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ink = np.linspace(0.2, 0.7, 8 * 24).reshape(8, 24)
    return save(ink, tmp_path_factory.mktemp("pictures") / "slope.png")


def save(ink: np.ndarray, path: Path) -> Path:
    Image.fromarray(np.uint8(255 * (1 - ink))).save(path)
    return path


def reconstruct(*arguments: str | Path | int) -> int:
    return reconstruct_image.main([str(argument) for argument in arguments])


def record(folder: Path) -> dict[str, dict[str, Any]]:
    return json.loads((folder / "run.json").read_text())


def assert_same_result(folder: Path, other: Path) -> None:
    ours, theirs = record(folder)["result"], record(other)["result"]
    for name in ("steps", "stop_reason"):
        assert ours[name] == theirs[name]
    for name in ("loss", *({"accuracy", "psnr"} & set(ours))):
        assert ours[name] == pytest.approx(theirs[name], rel=1e-3)


@pytest.mark.parametrize(
    ("picture", "options"),
    [
        ("black_and_white", ()),
        ("grey", ("--recipe", "siren", "--optimizer", "adam")),
        ("grey", ("--rows", "--no-compile")),
    ],
)
def test_a_picture_is_learned_as_on_the_cpu(
    picture: str, options: tuple[str, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    options = (request.getfixturevalue(picture), *options, "--steps", 12, "--until")
    options = (*options, 1 if picture == "black_and_white" else 100)
    assert reconstruct(*options, "--out", tmp_path / "cpu") == 0
    assert reconstruct(*options, "--device", "cuda", "--out", tmp_path / "cuda") == 0
    assert record(tmp_path / "cuda")["settings"]["device"] == "cuda"
    assert_same_result(tmp_path / "cuda", tmp_path / "cpu")


@pytest.mark.parametrize(
    ("first", "then", "last"),
    [
        ("cuda", ("--device", "cpu"), "cpu"),
        ("cpu", ("--device", "cuda"), "cuda"),
        ("cuda", (), "cuda"),
    ],
)
def test_a_run_goes_on_on_any_device(
    first: str,
    then: tuple[str, ...],
    last: str,
    grey: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    options = (grey, "--steps", 12, "--until", 100, "--checkpoint-every", 5)
    assert reconstruct(*options, "--out", whole) == 0
    draw, calls = reconstruct_image.networks.draw, count()

    def stop_in_step_8(*given: Any) -> np.ndarray:
        if next(calls) == 8:  # one look at the picture before the first step, one after each
            raise KeyboardInterrupt
        return draw(*given)

    with monkeypatch.context() as patch:
        patch.setattr(reconstruct_image.networks, "draw", stop_in_step_8)
        assert reconstruct(*options, "--device", first, "--out", out) == 130
    assert record(out)["result"] is None
    assert (out / "step-00000005.safetensors").exists()
    assert reconstruct("--out", out, "--resume", *then) == 0
    assert record(out)["settings"]["device"] == last
    assert_same_result(out, whole)


def test_between_two_looks_at_the_picture_nothing_is_read(
    grey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, watched = reconstruct_image.nn.fit, []

    def watching(*given: Any, callbacks: list[Any], **options: Any) -> Any:
        def watch(run: Any) -> None:
            if run.step % 4 == 1:
                watched.append(forbid("d2h", "sync"))
                watched[-1].__enter__()
            elif run.step % 4 == 3:
                watched[-1].__exit__(None, None, None)

        return fit(*given, callbacks=[*callbacks, watch], **options)

    monkeypatch.setattr(reconstruct_image, "LOOKS", 5)
    monkeypatch.setattr(reconstruct_image.nn, "fit", watching)
    options = ("--steps", 20, "--until", 100, "--checkpoint-every", 20)
    assert reconstruct(grey, *options, "--device", "cuda", "--out", tmp_path / "run") == 0
    assert len(watched) == 5


def test_a_gpu_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reconstruct("--device", "cuda:77", "--out", tmp_path / "run") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert 'reconstruct_image.py: there is no device "cuda:77": the GPUs here are "cuda:0"' in line
    assert list(tmp_path.iterdir()) == []


# --- the small ones, each in a process of its own


def run_script(name: str) -> list[str]:
    command = ["-W", "error", "-m", "tests.gpu.run_script", EXAMPLES / name, "--device", "cuda"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@slow_here
def test_xor() -> None:
    assert run_script("xor.py")[-1] == "4 of 4 right"


def test_linear_regression_agrees_with_the_closed_form() -> None:
    assert float(run_script("linear_regression.py")[-1].split()[-1]) < 1e-5


@slow_here
def test_logistic_regression_agrees_with_scikit_learn() -> None:
    _, here, theirs, difference = run_script("logistic_regression.py")
    assert here.split()[1:] == theirs.split()[1:]
    assert float(difference.split()[-1]) < 1e-3
