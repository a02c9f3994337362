"""The network that the example chooses for a picture learns it, whatever the picture is."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawings import EXAMPLES
from PIL import Image

import autograd_iron as ai
from nn.training.checkpoint import read
from reconstruct import choice, folder, networks
from reconstruct.pictures import Kind, Picture
from tests.benchmarks import pictures


@pytest.mark.parametrize(
    "name",
    [
        "error-diffusion-astronaut-64",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in (
                "horse-200",
                "text-200-2",
                "line-art-200-2",
                "contours-256-3",
                "noise-64-64",
            )
        ),
    ],
)
def test_two_levels_are_learned_to_the_last_pixel(name: str, tmp_path: Path) -> None:
    line = pictures.learn(name, pictures.everything()[name](), tmp_path)
    assert line.wrong == 0
    assert not line.double < line.bicubic - 0.003


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("camera-50", "camera-256", "chelsea-150")
    ],
)
def test_a_photograph_is_learned_and_nothing_is_between_its_pixels(
    name: str, tmp_path: Path
) -> None:
    name = f"photograph-{name}"
    line = pictures.learn(name, pictures.everything()[name](), tmp_path)
    assert line.score >= 45
    assert line.double >= line.bicubic


def a_picture(ink: np.ndarray, kind: Kind) -> Picture:
    return Picture("any", np.asarray(ink, dtype=np.float32).reshape(*ink.shape[:2], -1), kind)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (1, 4096), (1500, 1000)])
@pytest.mark.parametrize("kind", ["black and white", "grey", "colour"])
def test_there_is_a_network_for_every_size(shape: tuple[int, int], kind: Kind) -> None:
    ink = np.random.default_rng(0).random((*shape, 3 if kind == "colour" else 1))
    recipe = choice.choose(a_picture(np.rint(ink) if kind == "black and white" else ink, kind))
    assert recipe.steps % choice.STEPS == 0
    assert "nodes" in recipe.why
    if shape == (1500, 1000):
        table = next(recipe.build(1, ai.Generator(0)).parameters())
        assert len(table) < 2 * choice.MOST_NODES


def test_pages_without_anything_on_them_have_a_network() -> None:
    for value in (0.0, 1.0):
        assert choice.choose(a_picture(np.full((20, 30), value), "black and white")).steps
        assert choice.choose(a_picture(np.full((20, 30), value), "grey")).until == choice.CLOSEST


def test_what_lies_between_the_pixels_leaves_the_pixels_as_they_are() -> None:
    ink = np.random.default_rng(0).random((6, 5, 3), dtype=np.float32)
    points, values = networks.samples(a_picture(ink, "colour"), -0.5)
    assert points.shape == (13 * 11, 2)
    down, across = (points.reshape(13, 11, 2)[..., axis] for axis in (1, 0))
    np.testing.assert_allclose(down, np.repeat(np.linspace(-1, 1, 13)[:, None], 11, 1), atol=1e-6)
    np.testing.assert_allclose(across[0], np.linspace(-5 / 6, 5 / 6, 11), atol=1e-6)
    np.testing.assert_array_equal(values.reshape(13, 11, 3)[1::2, 1::2], ink)


def test_twice_the_pixels_are_those_of_bicubic_interpolation() -> None:
    ink = np.random.default_rng(0).random((12, 10), dtype=np.float32)
    ours = networks.twice(networks.twice(ink, 0, -0.5), 1, -0.5)
    theirs = np.asarray(Image.fromarray(ink).resize((20, 24), Image.Resampling.BICUBIC))
    # Pillow leaves out what lies beyond the edges.
    np.testing.assert_allclose(ours[4:-4, 4:-4], theirs[4:-4, 4:-4], atol=1e-5)


def test_another_plan_is_worth_it_while_the_score_rises() -> None:
    decibels = [(5, 20.0), (10, 30.0), (15, 29.0), (20, 32.0), (25, 28.0), (30, 32.1)]
    assert choice.worth_another_plan(decibels[:2], 10, 10)
    assert choice.worth_another_plan(decibels[:4], 10, 20)
    assert not choice.worth_another_plan(decibels, 10, 30)
    shares = [(10, 0.98), (20, 0.9801), (30, 0.9801)]
    assert choice.worth_another_plan(shares[:2], 10, 20)
    assert not choice.worth_another_plan(shares, 10, 30)


# --- past the first plan, stopped and going on

# Plans of 10 steps; and, with an argument, killed in that step.
SHORT_PLANS = """
import os, runpy, signal, sys
script, kill_at = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, os.path.dirname(script))
from reconstruct import choice
import nn
choose = choice.choose
choice.choose = lambda picture: choose(picture)._replace(steps=10, plans=4, until=99.0)
next_batch, count = nn.Batches.next_batch, 0
def counted(batches):
    global count
    count += 1
    if count == kill_at + 1:  # the drawn graph takes one
        os.kill(os.getpid(), signal.SIGKILL)
    return next_batch(batches)
nn.Batches.next_batch = counted
sys.argv = [script, *sys.argv[3:]]
runpy.run_path(script, run_name="__main__")
"""


def run(*arguments: object) -> int:
    script = str(EXAMPLES / "reconstruct_image.py")
    return subprocess.run(
        [sys.executable, "-c", SHORT_PLANS, script, *map(str, arguments)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    ).returncode


def test_a_run_that_went_past_its_plan_goes_on_bit_for_bit_after_a_kill(tmp_path: Path) -> None:
    path, whole, killed = tmp_path / "p.png", tmp_path / "whole", tmp_path / "killed"
    light = np.random.default_rng(0).integers(0, 255, (8, 40), dtype=np.uint8)
    Image.fromarray(light).save(path)
    options = (path, "--checkpoint-every", 7)
    assert run(-1, *options, "--out", whole) == 0
    steps = folder.read_record(whole)["result"]["steps"]
    assert steps in (20, 30, 40)
    assert run(13, *options, "--out", killed) == -signal.SIGKILL
    assert run(-1, "--out", killed, "--resume") == 0

    def state(out: Path) -> dict[str, object]:
        return read(out / f"step-{steps:08d}.safetensors").state

    np.testing.assert_equal(state(killed), state(whole))
    # Killed after its last checkpoint, a run that was over is over when it is resumed.
    record = folder.read_record(killed)
    folder.write_record(killed, record["settings"], None)
    assert run(-1, "--out", killed, "--resume") == 0
    assert folder.read_record(killed)["result"]["steps"] == steps
    np.testing.assert_equal(state(killed), state(whole))
