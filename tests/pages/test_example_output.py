"""Whatever a picture is called and wherever the output goes, a run ends well and loses nothing."""

import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawings import EXAMPLES, letter_f, save
from PIL import Image

import autograd_iron as ai
import nn
import reconstruct_image
from nn.training.console import Console
from nn.training.lock import FolderLock
from reconstruct import report
from reconstruct.loading import load

SCRIPT = EXAMPLES / "reconstruct_image.py"
LEFT = ("comparison.png", "curves.png", "graph.svg", "run.json", "timelapse.gif")


def run(
    redirected: str, *arguments: bytes, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    shell = f'exec "$@" {redirected}'
    return subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, "-W", "error", SCRIPT, *arguments],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment,
        capture_output=True,
        check=False,
        timeout=120,
    )


ODD = "$\\frac{ grün 日本\n\x1b[31m".encode() + b"\xff"
NOWHERE, FULL = "<&- >&- 2>&-", "2>/dev/full"


@pytest.mark.parametrize(
    ("redirected", "encoding", "again"),
    [
        ("", "ascii", True),
        (NOWHERE, "utf-8", False),
        pytest.param(NOWHERE, "utf-8", True, marks=pytest.mark.slow),
        pytest.param(FULL, "utf-8:strict", False, marks=pytest.mark.slow),
        pytest.param(FULL, "utf-8:strict", True, marks=pytest.mark.slow),
    ],
)
def test_a_run_with_an_odd_name_ends_well(
    tmp_path: Path, redirected: str, encoding: str, again: bool
) -> None:
    save(letter_f(8, 96), tmp_path / "f.png")
    picture = os.fsencode(tmp_path) + b"/" + ODD + b".png"
    os.rename(tmp_path / "f.png", picture)
    out = os.fsencode(tmp_path) + b"/$run$\n\xff"
    for arguments in [(picture, b"--steps", b"3"), (b"--resume",)][: 1 + again]:
        done = run(redirected, *arguments, b"--out", out, PYTHONIOENCODING=encoding)
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
        assert b"\x1b[31m" not in done.stdout
        result = json.loads(Path(os.fsdecode(out), "run.json").read_text())["result"]
        assert (result["stop_reason"], result["steps"]) == ("steps", 3)
        assert set(LEFT) <= set(os.listdir(os.fsdecode(out)))
    if not redirected:
        assert b"\\n\\x1b[31m\\udcff: black and white, 96 x 8 pixels" in done.stdout


def test_training_goes_on_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError("nobody listens")

    closed = io.StringIO()
    closed.close()
    for stream in (None, Broken(), closed):
        monkeypatch.setattr(sys, "stderr", stream)
        model = nn.Linear(2, 1)
        data = nn.Batches(ai.ones((4, 2)), ai.ones((4, 1)))
        run = nn.fit(model, data, nn.MSELoss(), nn.SGD(model.parameters(), 0.1), steps=3)
        assert run.step == 3


def test_what_a_terminal_cannot_show_is_written_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_written, "ascii"))
    print("grün \udcff", file=Console("stdout"), flush=True)
    assert bytes_written.getvalue() == b"gr\\xfcn \\udcff\n"


@pytest.mark.parametrize(
    "name", ["a$b$c", "$\\frac{$", "日本 \U0001f600", "x" * 300, "a\nb\udcff\0"]
)
def test_a_name_is_drawn_as_it_is(name: str, tmp_path: Path) -> None:
    if "\0" not in name and len(name) < 200:
        path = save(letter_f(8, 8), tmp_path / f"{name}.png")
        assert load(str(path)).name == name
    name = reconstruct_image.printable(name)
    history: Any = {"loss": [(1, 0.5), (2, 0.25)], "lr": [(1, 0.5), (2, 0.25)]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report.save_curves(history, name, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (840, 900)


def test_a_message_holds_the_whole_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert reconstruct_image.main(["/nowhere/my. old\npicture.png"]) == 2
    assert capsys.readouterr().err == (
        "reconstruct_image.py: there is no file /nowhere/my. old\\npicture.png\n"
    )


@pytest.mark.parametrize(
    ("name", "folder"), [("..png", "picture"), ("...png", "picture"), (".f.png", "f")]
)
def test_results_go_to_a_folder_that_can_be_seen(
    name: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found: list[Path] = []

    def run_in(held: FolderLock, *_: object) -> int:
        found.append(held.folder)
        return 0

    monkeypatch.setattr(reconstruct_image, "_reconstruct_in", run_in)
    assert reconstruct_image.main([name]) == 0
    assert found == [Path("runs", folder)]


def test_pictures_in_colour_are_left_in_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconstruct_image, "RENDERED_SIZES", (50,))
    levels = np.zeros((12, 24, 3), np.uint8)
    levels[:, :12], levels[:, 12:] = (220, 30, 30), (30, 60, 200)
    Image.fromarray(levels).save(tmp_path / "flag.png")
    out = tmp_path / "run"
    steps = ["--steps", "60", "--out", str(out)]
    assert reconstruct_image.main([str(tmp_path / "flag.png"), *steps]) == 0
    last = max((out / "previews").glob("*.png"))
    for name in (last, out / "render-50.png", out / "comparison.png"):
        with Image.open(name) as image:
            assert image.mode == "RGB"
    with Image.open(last) as image:
        assert np.abs(np.asarray(image).astype(int) - levels).mean() < 45
    with Image.open(out / "timelapse.gif") as image:
        image.seek(image.n_frames - 1)
        red, _, blue = image.convert("RGB").getpixel((60, 60))
        assert red > 150 > blue
    record = json.loads((out / "run.json").read_text())
    assert record["settings"]["kind"] == "colour"
    assert record["result"]["psnr"] > 15
