"""The examples do what they say, from the command line, with real files and real kills."""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import EXAMPLES, letter_f, save
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from threadpoolctl import threadpool_limits

import autograd_iron as ai
import nn
import reconstruct_image
from nn.training.checkpoint import read
from nn.training.lock import NAME
from reconstruct import networks, pictures
from reconstruct.goals import BlackAndWhite, Shades

SCRIPT = str(EXAMPLES / "reconstruct_image.py")
DARK, LIGHT = 40, 220


def run(*command: str | Path | int, **environment: str) -> subprocess.CompletedProcess[str]:
    # One thread for the runs that load NumPy before the script can ask for that, as it does.
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def reconstruct(*arguments: str | Path | int) -> int:
    return reconstruct_image.main([str(argument) for argument in arguments])


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME  # the lock, which a killed run leaves
    }


def record(folder: Path) -> dict[str, dict[str, Any]]:
    return json.loads((folder / "run.json").read_text())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey picture with so few rows that the large renders are quick."""
    ink = np.linspace(0.2, 0.7, 8 * 48, dtype=np.float32).reshape(8, 48)
    return save(ink, tmp_path_factory.mktemp("small") / "small.png")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the smallest render."""
    monkeypatch.setattr(reconstruct_image, "RENDERED_SIZES", (50,))


# --- what a run leaves

# 100 dB is out of reach, so that a run ends after its 20 steps.
TWENTY_STEPS = ("--steps", "20", "--checkpoint-every", "5", "--until", "100", "--rows")


@pytest.fixture(scope="module")
def whole(small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a run from its start to its end, and what it printed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    done = run("-W", "error", SCRIPT, small, *TWENTY_STEPS, "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def test_a_run_leaves_all_there_is_to_see(whole: tuple[Path, str], small: Path) -> None:
    out, printed = whole
    for size in (50, 512, 1024):
        with Image.open(out / f"render-{size}.png") as image:
            assert image.size == (size, round(size / 6))
    with Image.open(out / "timelapse.gif") as image:
        assert image.n_frames == len(list((out / "previews").iterdir())) == 21
    for name in ("comparison.png", "curves.png"):
        with Image.open(out / name) as image:
            image.load()
    assert "gradient of 5.weight" in (out / "graph.svg").read_text()
    kept = record(out)
    assert kept["settings"]["picture"] == str(small)
    assert kept["settings"]["steps"] == kept["result"]["steps"] == 20
    assert kept["result"]["stop_reason"] == "steps"
    assert f"PSNR {kept['result']['psnr']:.2f} dB after 20 steps" in printed
    named = set(re.findall(r"[\w-]+\.(?:png|gif|svg|json)|previews", printed))
    saved = {f"step-000000{step}.safetensors" for step in (10, 15, 20)}
    assert {path.name for path in out.iterdir()} == named | saved | {"control.toml"}


def test_rows_come_from_the_top(whole: tuple[Path, str]) -> None:
    out, _ = whole
    not_yet = round(255 * (1 - reconstruct_image.NOT_YET))
    for step, rows in ((0, 1), (5, 4), (10, 8), (20, 8)):
        with Image.open(out / "previews" / f"step-{step:08d}.png") as image:
            pixels = np.asarray(image)
        assert (pixels[rows:] == not_yet).all()
        assert (pixels[:rows] != not_yet).any(axis=1).all()


@pytest.mark.usefixtures("quick")
def test_the_picture_comes_back_the_right_way_round(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ink = letter_f(20, 24)
    out = tmp_path / "run"
    assert reconstruct(save(ink, tmp_path / "f.png"), "--until", 1, "--out", out) == 0
    assert record(out)["result"]["accuracy"] == 1.0
    assert record(out)["result"]["stop_reason"] == "until"
    assert (record(out)["result"]["wrong_pixels"], record(out)["result"]["iou"]) == (0, 1.0)
    assert "100.00% of the pixels right, 0 wrong, IoU of the black 1.0000 after" in (
        capsys.readouterr().out
    )
    last = sorted((out / "previews").iterdir())[-1]
    with Image.open(last) as image:
        np.testing.assert_array_equal(np.asarray(image) < 128, ink == 1)
    with Image.open(out / "render-50.png") as image:
        assert set(np.unique(np.asarray(image))) == {0, 255}
        again = np.asarray(image.resize((24, 20), Image.Resampling.NEAREST))
    assert ((again < 128) == (ink == 1)).mean() > 0.95


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("recipe", "optimizer"), [("fourier", "adam"), ("siren", "sgd"), ("plain", "adam")]
)
def test_every_recipe_learns(tmp_path: Path, recipe: str, optimizer: str) -> None:
    picture, out = save(letter_f(8, 48), tmp_path / "f.png"), tmp_path / "run"
    options = ("--recipe", recipe, "--optimizer", optimizer, "--steps", "30", "--out", out)
    assert reconstruct(picture, *options) == 0
    assert record(out)["result"]["loss"] < np.log(2)


@pytest.mark.usefixtures("quick")
def test_a_run_can_do_without_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, out = save(letter_f(8, 48), tmp_path / "f.png"), tmp_path / "run"
    monkeypatch.setattr(nn.training.fit.ai, "compile", lambda *_: pytest.fail("compiled"))
    assert reconstruct(picture, "--no-compile", "--steps", 4, "--out", out) == 0


# --- stopping and going on

STOP_AT_13 = """
import os, runpy, signal, sys
from collections import Counter
import nn
next_batch, count = nn.Batches.next_batch, Counter()
def stop_at_13(batches):
    count[id(batches)] += 1
    if count[id(batches)] == 13:
        os.kill(os.getpid(), signal.{signal})
    return next_batch(batches)
nn.Batches.next_batch = stop_at_13
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def killed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run, killed with signal 9 in step 13."""
    out = tmp_path_factory.mktemp("killed") / "run"
    stop = STOP_AT_13.format(signal="SIGKILL")
    assert run("-c", stop, SCRIPT, small, *TWENTY_STEPS, "--out", out).returncode == -signal.SIGKILL
    assert nn.Checkpoints(out).paths()[-1].name == "step-00000010.safetensors"
    assert record(out)["result"] is None
    return out


@pytest.fixture(scope="module")
def interrupted(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run, left with Ctrl-C in step 13."""
    out = tmp_path_factory.mktemp("interrupted") / "run"
    stop = STOP_AT_13.format(signal="SIGINT")
    left = run("-c", stop, SCRIPT, small, *TWENTY_STEPS, "--out", out)
    assert left.returncode == 130
    assert f"--out {out} --resume" in left.stdout
    assert nn.Checkpoints(out).paths()[-1].name == "step-00000013.safetensors"
    assert record(out)["result"]["stop_reason"] == "interrupted"
    return out


@pytest.mark.parametrize("how", ["killed", "interrupted"])
def test_a_resumed_run_ends_bit_for_bit_as_one_that_never_stopped(
    how: str, whole: tuple[Path, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    out = tmp_path / "run"
    shutil.copytree(request.getfixturevalue(how), out)
    # In this process, which is another one; with one thread, as in the others.
    with threadpool_limits(1):
        assert reconstruct("--out", out, "--resume") == 0
    ours, theirs = record(out), record(whole[0])
    assert ours["result"]["weights_sha256"] == theirs["result"]["weights_sha256"]
    assert ours["settings"] == theirs["settings"]
    # Weights are named above, and what a checkpoint holds besides them is compared value by value:
    # the order of the texts in a safetensors header is left to chance.
    ours, theirs = (read(folder / "step-00000020.safetensors").state for folder in (out, whole[0]))
    np.testing.assert_equal(ours, theirs)
    ours, theirs = (
        {name: digest for name, digest in hashes(folder).items() if ".safetensors" not in name}
        for folder in (out, whole[0])
    )
    del ours["run.json"], theirs["run.json"]
    assert ours == theirs


@pytest.mark.usefixtures("quick")
def test_an_older_run_is_never_lost(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert reconstruct(small, "--steps", 4, "--out", out) == 0
    finished = hashes(out)

    # A finished run is moved aside, as often as it takes.
    for number in (1, 2):
        assert reconstruct(small, "--steps", 4, "--seed", number, "--out", out) == 0
        assert f"is now in {out}-{number}" in capsys.readouterr().out
    assert hashes(Path(f"{out}-1")) == finished
    assert record(Path(f"{out}-2"))["settings"]["seed"] == 1
    assert record(out)["settings"]["seed"] == 2

    # One that is not finished may still be running, or be meant to go on.
    kept = record(out)
    for result in (None, kept["result"] | {"stop_reason": "interrupted"}):
        (out / "run.json").write_text(json.dumps(kept | {"result": result}))
        before = hashes(out)
        assert reconstruct(small, "--steps", 4, "--out", out) == 2
        assert "a run that is not finished" in capsys.readouterr().err
        assert hashes(out) == before


@pytest.mark.usefixtures("quick")
def test_resume_takes_the_settings_of_the_run_and_no_others(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, out = Path(shutil.copy(small, tmp_path)), tmp_path / "run"
    assert reconstruct(picture, "--steps", 4, "--seed", 3, "--out", out) == 0
    before = hashes(out)
    capsys.readouterr()

    others = ("--recipe", "siren", "--seed", "4", "--steps", "4")
    assert reconstruct(picture, *others, "--out", out, "--resume") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "recipe was auto and is now siren, seed was 3 and is now 4;" in line
    assert hashes(out) == before

    assert reconstruct("--out", out, "--resume") == 0
    assert "step 4" in capsys.readouterr().err
    assert record(out)["settings"]["seed"] == 3

    save(letter_f(8, 48), picture)
    assert reconstruct("--out", out, "--resume") == 2
    assert "pixels-sha256 was" in capsys.readouterr().err


@pytest.mark.usefixtures("quick")
def test_a_checkpoint_of_another_network_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = save(letter_f(8, 48), tmp_path / "f.png")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert reconstruct(picture, "--steps", 4, "--out", ours) == 0
    assert reconstruct(picture, "--steps", 4, "--out", theirs, "--recipe", "siren") == 0
    (theirs / "step-00000004.safetensors").replace(ours / "step-00000004.safetensors")
    before = hashes(ours)
    capsys.readouterr()

    assert reconstruct("--out", ours, "--resume") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "step-00000004.safetensors is of another run" in line
    assert "missing: 0.table" in line
    assert hashes(ours) == before


# A limit on the size of files makes the same error as a full disk does, in the same place.
WITH_LIMIT = """
import os, resource, runpy, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.path.insert(0, os.path.dirname(sys.argv[2]))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("limit", "unwritten"),
    [(100, "run.json cannot be written"), (10_000, "graph.svg cannot be written")],
)
def test_a_full_disk_from_the_start(
    small: Path, tmp_path: Path, limit: int, unwritten: str, quick: None
) -> None:
    out = tmp_path / "run"
    full = run("-c", WITH_LIMIT, limit, SCRIPT, small, "--steps", "4", "--out", out)
    assert full.returncode == 2
    assert f"{unwritten}: File too large" in full.stderr.splitlines()[-1]
    assert set(hashes(tmp_path)) <= {"run/run.json"}
    assert reconstruct(small, "--steps", 4, "--out", out) == 0


def test_a_full_disk_later_loses_nothing(killed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(killed, out)
    before = hashes(out)
    full = run("-c", WITH_LIMIT, 100_000, SCRIPT, "--out", out, "--resume")
    assert full.returncode == 2
    line = full.stderr.splitlines()[-1]
    assert "step-00000015.safetensors was not saved: File too large" in line
    assert {name: hashes(out).get(name) for name in before} == before


# --- bad input


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a refused command leaves."""
    assert reconstruct(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith("reconstruct_image.py: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nowhere.png",), r"there is no file .*nowhere\.png"),
        (("nowhere.csv",), r"there is no file .*nowhere\.csv"),
        (("text.png",), "text.png is not a picture: a PNG, JPEG or WebP is read"),
        (("empty.png",), "empty.png is not a picture"),
        (("cut.png",), "cut.png is a damaged picture: "),
        ((".",), "is a folder, not a picture"),
        (("--size", "0"), "--size: '0' is not a whole number from 1 to 4096"),
        (("--size", "99999999999"), "is not a whole number from 1 to 4096"),
        (("--size", "big"), "'big' is not a whole number from 1"),
        (("--steps", "0"), "--steps: '0' is not a whole number from 1 up"),
        (("--seed", "-1"), "--seed: '-1' is not a whole number from 0 up"),
        (("--recipe", "magic"), "--recipe: invalid choice: 'magic'"),
        (("--until", "99"), "--until 99: for a black-and-white picture this is a share"),
        (("grey.png", "--until", "0.9"), r"--until 0\.9: for a grey picture this is a PSNR in dB"),
        (
            ("--optimizer", "sgd"),
            "--optimizer sgd: the network of --recipe auto is trained with adam alone; give a",
        ),
        (("--until", "nan"), "--until: 'nan' is not a number"),
        (("--color",), "unrecognized arguments: --color"),
        (("--grey", "--colour"), "argument --colour: not allowed with argument --grey"),
        (("--threshold", "0"), "--threshold: '0' is not a whole number from 1 to 255"),
        (("--threshold", "9", "--grey"), "--threshold makes a picture black and white"),
        (("--device", "gpu"), "there is no device 'gpu': devices are"),
        (("--out", "text.png"), "text.png is not a folder"),
        (("--out", "text.png/run"), "text.png/run is not a folder"),
        (("--out", "full"), "full holds files and no run.json, so it is not the folder of a run"),
        (("--out", "full", "--resume"), "full holds files and no run.json"),
        (("--out", "damaged"), "run.json is damaged"),
        (("--to-csv", "text.png"), "text.png is already there"),
        (("--to-csv", "nowhere/horse.csv"), "horse.csv cannot be written: No such file"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("no picture")
    Path("empty.png").touch()
    save(np.full((9, 9), 0.5), Path("grey.png"))
    Path("cut.png").write_bytes(save(letter_f(64, 64), Path("f.png")).read_bytes()[:120])
    Path("full").mkdir()
    Path("full/thesis.tex").touch()
    Path("damaged").mkdir()
    Path("damaged/run.json").write_text('{"settings"')
    before = hashes(tmp_path)
    assert re.search(text, refused(capsys, *arguments))
    assert hashes(tmp_path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    said = refused(capsys, "--out", tmp_path / "run")
    assert "cannot be made or written: Permission denied" in said


def test_a_missing_package_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "PIL.py").write_text("raise ModuleNotFoundError('no PIL', name='PIL')")
    done = run(SCRIPT, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == (
        "reconstruct_image.py needs the package PIL, which is not installed: "
        "pip install 'autograd-iron[examples]'\n"
    )


# --- drawing


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_coordinates_cover_the_same_picture_at_every_size(
    shape: tuple[int, int], drawn: tuple[int, int]
) -> None:
    picture = pictures.Picture("any", np.zeros((*shape, 1), dtype=np.float32), "grey")
    height, width = drawn
    points = networks.coordinates(picture, height, width, 0, height * width)
    x, y = points.reshape(height, width, 2).transpose(2, 0, 1)
    across, down = (side / max(shape) for side in shape[::-1])
    # Pixels are little squares: half of one lies between the outermost centres and the edge.
    np.testing.assert_allclose(
        x[0], (np.arange(width) + 0.5) / width * 2 * across - across, atol=1e-6
    )
    np.testing.assert_allclose(
        y[:, 0], (np.arange(height) + 0.5) / height * 2 * down - down, atol=1e-6
    )
    assert (x == x[0]).all()
    assert (y == y[:, :1]).all()


def test_drawing_needs_no_more_memory_for_a_larger_picture() -> None:
    picture = pictures.Picture("any", letter_f(16, 64)[..., None], "black and white")
    model = networks.fourier(1, ai.Generator(0))

    def working_memory(height: int, width: int) -> int:
        tracemalloc.start()
        networks.draw(model, BlackAndWhite(), picture, height, width)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - height * width * 4

    small = working_memory(64, 256)
    assert working_memory(64, 1024) < 1.1 * small
    assert working_memory(2, 32_768) < 1.1 * small


def test_the_bar_says_how_many_pixels_are_wrong() -> None:
    target = np.zeros((1000, 1000), np.float32)
    drawn = target.copy()
    drawn[0, 0] = 1
    model = nn.Linear(1, 1)
    data = nn.Batches(ai.ones((1, 1)), ai.ones((1, 1)))
    stream = io.StringIO()

    def accuracy(_: nn.Module) -> float:
        return BlackAndWhite().score(drawn, target)

    with contextlib.redirect_stderr(stream):
        run = nn.fit(
            model, data, nn.MSELoss(), nn.SGD(model.parameters(), 0.1), steps=1, metric=accuracy
        )
    assert "accuracy 0.99999 (1 wrong)" in stream.getvalue()
    assert run.history["accuracy"] == [(1, 1 - 1e-6)]
    assert type(run.metric) is float


def test_scores() -> None:
    half = np.float32([[0.0, 1.0], [0.4, 0.6]])
    assert BlackAndWhite().score(half, np.float32([[0, 1], [1, 1]])) == 0.75
    assert BlackAndWhite().text(1 - 1e-6) == "99.99% of the pixels right"
    sheet, drawing = np.zeros((20, 20), np.float32), np.zeros((20, 20), np.float32)
    drawing[3, 4:9] = 1
    assert BlackAndWhite().score(sheet, drawing) == 395 / 400
    assert BlackAndWhite().details(sheet, drawing) == {"wrong_pixels": 5, "iou": 0.0}
    assert BlackAndWhite().details(sheet, sheet) == {"wrong_pixels": 0, "iou": 1.0}
    assert BlackAndWhite().details(np.roll(drawing, 1, 1), drawing) == {
        "wrong_pixels": 2,
        "iou": 4 / 6,
    }
    assert "1,234 wrong, IoU of the black 0.9999" in BlackAndWhite().details_text(
        {"wrong_pixels": 1234, "iou": 1 - 1e-9}
    )
    assert Shades().details(half, half) == {}
    assert Shades().score(half, half + np.float32(0.1)) == pytest.approx(20.0, abs=1e-4)
    assert Shades().score(half, half) == 100.0
    many = np.random.default_rng(0).random((300, 300), dtype=np.float32)
    rounded = Shades().score(np.rint(many * 255) / np.float32(255), many)
    assert Shades().stop_at(1.0) == pytest.approx(rounded, abs=0.05)
    assert (BlackAndWhite().stop_at(1.0), Shades().stop_at(45.0)) == (1.0, 45.0)


def test_batches_are_nearly_equal_and_rows_widen_to_all() -> None:
    picture = pictures.Picture("any", np.zeros((164, 200, 1), dtype=np.float32), "grey")
    for sharpness, samples in ((None, 164 * 200), (-0.5, 329 * 401)):
        recipe = networks.RECIPES["fourier"]._replace(sharpness=sharpness)
        batches = networks.batches(picture, recipe, ai.Generator(0), "cpu")
        assert len(batches) == samples
        size = batches.batch_size
        assert size is not None
        assert size <= networks.BATCH
        assert samples % size == 0 or samples % size > 0.99 * size
        assert networks.samples_seen(picture, sharpness, picture.pixels) == samples
    seen = [networks.pixels_seen(picture, step, 500) for step in range(501)]
    assert seen[0] == 200
    assert seen[250:] == [picture.pixels] * 251
    assert all(before < after for before, after in pairwise(seen[2:251]))


# --- the small examples


def test_xor() -> None:
    done = run("-W", "error", EXAMPLES / "xor.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "4 of 4 right"


def test_linear_regression_agrees_with_the_closed_form() -> None:
    done = run("-W", "error", EXAMPLES / "linear_regression.py")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 1e-5


def test_logistic_regression_agrees_with_scikit_learn() -> None:
    done = run("-W", "error", EXAMPLES / "logistic_regression.py")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 1e-3
    here, theirs = (re.findall(r"([\d.]+)%", line) for line in done.stdout.splitlines()[1:3])
    assert here == theirs
    assert float(here[1]) > 95


SMALL = ["xor", "linear_regression", "logistic_regression"]


@pytest.mark.parametrize(
    "name",
    ["reconstruct_image", "xor", *(pytest.param(x, marks=pytest.mark.slow) for x in SMALL[1:])],
)
def test_a_device_without_its_package_is_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cupy.py").write_text("raise ModuleNotFoundError('no CuPy', name='cupy')")
    path = f"{tmp_path}{os.pathsep}{EXAMPLES.parent}"
    done = run(EXAMPLES / f"{name}.py", "--device", "cuda", PYTHONPATH=path)
    assert done.returncode == 2
    assert (done.stdout, done.stderr) == (
        "",
        f"{name}.py: arrays on a GPU need CuPy, which cannot be imported (no CuPy): "
        "pip install 'autograd-iron[gpu]'\n",
    )
    assert {path.name for path in tmp_path.iterdir()} <= {"cupy.py", "__pycache__"}


@pytest.mark.parametrize("name", SMALL)
def test_the_small_examples_are_small(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) < 60
