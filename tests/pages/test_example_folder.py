"""The folder of the example's run: whatever is done to it, one sentence, and nothing is lost."""

import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import nn
from nn.training.lock import NAME, FolderLock

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import reconstruct_image  # noqa: E402
from reconstruct import folder, networks, report  # noqa: E402
from reconstruct.pictures import write_whole  # noqa: E402

SCRIPT = str(EXAMPLES / "reconstruct_image.py")


def reconstruct(*arguments: str | Path | int) -> int:
    return reconstruct_image.main([str(argument) for argument in arguments])


def start(*arguments: str | Path | int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# So small a network never comes so near to a picture.
ENDLESS = ("--recipe", "plain", "--optimizer", "adam", "--steps", 1_000_000, "--until", 100)


def hashes(place: Path) -> dict[str, str]:
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != NAME
    }


def without_plots(patch: pytest.MonkeyPatch) -> None:
    """Leave out what takes long and is of no matter here."""
    patch.setattr(reconstruct_image, "RENDERED_SIZES", (50,))
    patch.setattr(report, "save_curves", lambda _, title, path: write_whole(path, title.encode()))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    without_plots(monkeypatch)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ink = np.linspace(40, 200, 2 * 48).astype(np.uint8).reshape(2, 48)
    path = tmp_path_factory.mktemp("picture") / "small.png"
    Image.fromarray(ink).save(path)
    return path


def make_run(picture: Path, out: Path, *arguments: str | int) -> Path:
    options = ("--steps", 4, "--checkpoint-every", 2, "--until", 100, "--optimizer", "adam")
    assert reconstruct(picture, *options, "--out", out, *arguments) == 0
    return out


@pytest.fixture(scope="module")
def finished(picture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        without_plots(patch)
        return make_run(picture, tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path | int) -> str:
    """The one line that a refused command leaves."""
    capsys.readouterr()
    assert reconstruct(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    [line] = captured.err.splitlines()
    assert line.startswith("reconstruct_image.py: ")
    assert len(line) < 400 + 2 * len(str(arguments))
    return line


# --- one run at a time


@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_a_folder_in_use_is_left_alone(
    out: Path, capsys: pytest.CaptureFixture[str], resume: tuple[str, ...]
) -> None:
    with FolderLock(out):
        before = hashes(out.parent)
        line = refused(capsys, "--out", out, *resume)
        assert f"{out} is in use by another run (process {os.getpid()}): wait until" in line
        assert hashes(out.parent) == before


def test_a_second_process_is_refused_and_the_first_undisturbed(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    first = start(picture, *ENDLESS, "--out", out)
    try:
        assert first.stdout is not None
        first.stdout.readline()  # comes before the training
        for arguments in ((picture, "--out", out), (picture, "--out", out, "--resume")):
            said = refused(capsys, *arguments)
            assert f"in use by another run (process {first.pid})" in said
        while not (out / "control.toml").exists():
            assert first.poll() is None
        (out / "control.toml").write_text("stop = true")
        first.communicate(timeout=120)
        assert first.returncode == 0
    finally:
        first.kill()
    assert json.loads((out / "run.json").read_text())["result"]["stop_reason"] == "control"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_of_runs_started_together_one_has_the_folder(picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    runs = [
        start(picture, "--steps", 4, "--seed", seed, "--until", 100, "--out", out)
        for seed in range(2)
    ]
    ended = [(run, *run.communicate(timeout=300)) for run in runs]
    codes = [run.returncode for run, _, _ in ended]
    # One that came after another's end moved its folder aside.
    folders = [path for path in tmp_path.iterdir() if path.name.startswith("run")]
    assert codes.count(0) == len(folders) >= 1
    seeds = {json.loads((path / "run.json").read_text())["settings"]["seed"] for path in folders}
    assert seeds == {seed for seed, code in enumerate(codes) if code == 0}
    for run, _, mistake in ended:
        assert run.returncode == 0 or "in use by another run" in mistake


def test_a_killed_run_is_resumed_and_what_it_left_half_written_goes(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / NAME).write_text("process 1 on nowhere\n")
    for place in (out, out / "previews"):
        (place / ".0123456789abcdef.tmp").write_bytes(b"half")
    (out / "step-00000004.safetensors").unlink()
    assert reconstruct("--out", out, "--resume") == 0
    assert not (out / NAME).exists()
    assert list(out.rglob("*.tmp")) == []


def test_killed_before_run_json_was_written_is_as_never_begun(
    picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / NAME).write_text("process 1 on nowhere\n")
    (out / ".0123456789abcdef.tmp").write_bytes(b"half")
    make_run(picture, out)


def test_a_folder_moved_while_the_run_goes_on_costs_nothing(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    draw = networks.draw

    def moving(*arguments: Any) -> Any:
        if (out / "step-00000002.safetensors").exists() and not elsewhere.exists():
            out.rename(elsewhere)
        return draw(*arguments)

    monkeypatch.setattr(networks, "draw", moving)
    make_run(picture, out)
    assert json.loads((out / "run.json").read_text())["result"]["steps"] == 4
    assert json.loads((elsewhere / "run.json").read_text())["result"] is None
    assert [path.name for path in nn.Checkpoints(out).paths()] == ["step-00000004.safetensors"]


# --- run.json edited by hand

EDITS: list[Callable[[dict[str, Any]], Any]] = [
    lambda record: None,
    lambda record: [],
    lambda record: "text",
    lambda record: 1,
    lambda record: {},
    lambda record: {"settings": record["settings"]},
    lambda record: record["settings"],
    lambda record: record | {"settings": None},
    lambda record: record | {"settings": []},
    lambda record: record | {"settings": {}},
    lambda record: record | {"settings": {"settings": record["settings"]}},
    lambda record: record | {"versions": "all"},
    lambda record: record | {"result": []},
    lambda record: record | {"result": {}},
    lambda record: record | {"result": "steps"},
    lambda record: record | {"result": True},
]
SENSELESS: list[Any] = [None, True, False, -1, 0, 10**30, 10**400, 1e300, 0.5, float("nan")]
SENSELESS += [float("inf"), "", "text", "4", "a\0b", "\ud800", [], [1], {}, {"a": []}, "x" * 5000]


# What else may stand in `run.json` than what the run wrote.
HARMLESS: dict[str, Callable[[Any], bool]] = {
    "settings.checkpoint_every": lambda value: value > 0,
    "settings.seed": lambda value: value >= 0,
    "settings.rows": lambda value: value is True or value is False,
    "result.stop_reason": lambda value: isinstance(value, str),
    "result.steps": lambda value: isinstance(value, int),
    "result.seconds": lambda value: 0 <= value < 1e12,
    "result.parameters": lambda value: isinstance(value, int),
    "result.loss": lambda value: value is None or abs(value) < math.inf,
    "result.weights_sha256": lambda value: isinstance(value, str),
    "result.psnr": lambda value: True,
}


def edit(out: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    record = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps(change(record)))


@pytest.mark.parametrize("resume", [(), ("--resume",)])
@pytest.mark.parametrize("number", range(len(EDITS)))
def test_a_record_of_another_form_is_refused(
    out: Path, capsys: pytest.CaptureFixture[str], number: int, resume: tuple[str, ...]
) -> None:
    edit(out, EDITS[number])
    if not resume and number in (9, 10):
        pytest.skip("a new run asks nothing of the settings of the old")
    before = hashes(out.parent)
    assert f"{out}/run.json is damaged, " in refused(capsys, "--out", out, *resume)
    assert hashes(out.parent) == before


def keys(part: str) -> list[str]:
    known = {
        "settings": [*reconstruct_image.DEFAULTS, "width", "lr", "pixels_sha256"],
        "result": [*folder.RESULT, "psnr"],
    }
    return [f"{part}.{name}" for name in known[part]]


@pytest.mark.parametrize("key", [*keys("settings"), *keys("result")])
def test_a_value_that_no_run_wrote_is_refused_or_does_no_harm(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """What the command line could have said is the user's to change; all else is refused."""
    monkeypatch.setattr(reconstruct_image, "_leave_pictures", lambda *arguments: {"psnr": 0.0})
    monkeypatch.setattr(reconstruct_image, "_draw_graph", lambda *arguments: None)
    part, name = key.split(".")
    whole = json.loads((out / "run.json").read_text())
    missing = {**whole, part: {key: value for key, value in whole[part].items() if key != name}}
    changed = [{**whole, part: {**whole[part], name: value}} for value in SENSELESS]
    for record in [missing, *changed]:
        (out / "run.json").write_text(json.dumps(record))
        before = hashes(out.parent)
        capsys.readouterr()
        code = reconstruct("--out", out, "--resume", "--no-compile")
        said = capsys.readouterr()
        if code == 0:
            value = record[part].get(name)
            assert value == whole[part].get(name) or HARMLESS[key](value), (key, value)
            assert json.loads((out / "run.json").read_text())["result"]["steps"] >= 4
            continue
        assert code == 2, (record[part].get(name), said)
        [line] = [line for line in said.err.splitlines() if line.startswith("reconstruct_image")]
        assert len(line) < 700
        assert hashes(out.parent) == before, record[part].get(name)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"9" * 5000, b"\0" * 100, b" " * 2_000_000],
)
def test_a_record_that_is_no_json_is_refused(
    out: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (out / "run.json").write_bytes(content)
    before = hashes(out.parent)
    for resume in ((), ("--resume",)):
        assert f"{out}/run.json" in refused(capsys, "--out", out, *resume)
    assert hashes(out.parent) == before


@pytest.mark.parametrize("put", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_record_that_is_no_file_is_refused(
    out: Path, capsys: pytest.CaptureFixture[str], put: Callable[[Path], None]
) -> None:
    (out / "run.json").unlink()
    put(out / "run.json")
    for resume in ((), ("--resume",)):
        assert "run.json cannot be read" in refused(capsys, "--out", out, *resume)


def test_a_record_saved_by_windows_is_read(out: Path) -> None:
    text = (out / "run.json").read_text()
    (out / "run.json").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert reconstruct("--out", out, "--resume") == 0


# --- links and other things in the way


@pytest.mark.parametrize("kind", ["link", "dangling", "hard link"])
def test_nothing_in_the_folder_is_written_through_a_link(
    out: Path, tmp_path: Path, kind: str
) -> None:
    """Every file of a run, and every temporary that there ever was, is a link to a thesis."""
    thesis = tmp_path / "thesis"
    thesis.write_text("years of work")
    target = tmp_path / "nowhere" if kind == "dangling" else thesis
    names = [path.relative_to(out) for path in out.rglob("*") if path.is_file()]
    for name in names:
        place = out / name
        for also in (
            place,
            place.with_name(f"{name.name}.tmp"),
            place.with_name(f".{name.name}.tmp"),
        ):
            if also.suffix == ".safetensors" or also.name == "run.json":
                continue
            also.unlink(missing_ok=True)
            if kind == "hard link":
                also.hardlink_to(target)
            else:
                also.symlink_to(target)
    (out / "unfinished.graph.svg").symlink_to(target)
    assert reconstruct("--out", out, "--resume") == 0
    assert thesis.read_text() == "years of work"
    assert not (tmp_path / "nowhere").exists()
    for name in ("comparison.png", "timelapse.gif", "graph.svg", "previews/step-00000000.png"):
        assert not (out / name).is_symlink()


@pytest.mark.parametrize("kind", ["file", "link to a folder", "dangling link"])
def test_previews_that_are_no_folder_are_named(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    shutil.rmtree(out / "previews")
    if kind == "file":
        (out / "previews").touch()
    else:
        (out / "previews").symlink_to(album if kind == "link to a folder" else tmp_path / "nowhere")
    capsys.readouterr()
    assert reconstruct("--out", out, "--resume") == 2
    assert "previews is not a folder of this run alone" in capsys.readouterr().err
    assert list(album.iterdir()) == []


def test_what_else_is_among_the_previews_is_left_out(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = out / "previews"
    (place / "step-best.png").touch()
    (place / "step-00000001.png").write_bytes(b"no picture")
    (place / "step-00000002.png").unlink()
    os.mkfifo(place / "step-00000002.png")
    (place / "step-00000099.png").mkdir()
    assert reconstruct("--out", out, "--resume") == 0
    said = capsys.readouterr().err
    for number in (1, 2, 99):
        assert f"step-000000{number:02}.png is no picture any more" in said
    with Image.open(out / "timelapse.gif") as image:
        assert image.n_frames == 3


def test_a_name_that_is_taken_by_a_link_is_passed_over_when_a_run_is_moved_aside(
    out: Path, picture: Path, tmp_path: Path
) -> None:
    Path(f"{out}-1").symlink_to(tmp_path / "nowhere")
    make_run(picture, out)
    assert nn.Checkpoints(Path(f"{out}-2")).paths()
    assert Path(f"{out}-1").is_symlink()


def test_a_folder_that_is_a_link_is_used_and_moved_aside_as_one(
    out: Path, picture: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(out)
    before = hashes(out)
    make_run(picture, link)
    assert hashes(out) == before
    assert not link.is_symlink()
    assert Path(f"{link}-1").resolve() == out.resolve()


@pytest.mark.parametrize("target", ["nowhere", "thesis"])
def test_csv_is_not_written_through_a_link(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    (tmp_path / "thesis").write_text("years of work")
    (tmp_path / "f.csv").symlink_to(tmp_path / target)
    assert "f.csv is already there" in refused(capsys, picture, "--to-csv", tmp_path / "f.csv")
    assert (tmp_path / "thesis").read_text() == "years of work"
    assert not (tmp_path / "nowhere").exists()


# --- checkpoints gone


def test_a_run_whose_checkpoints_are_gone_or_renamed_is_told_and_begins_again(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_, last = nn.Checkpoints(out).paths()
    last.rename(out / "best.safetensors")
    assert reconstruct("--out", out, "--resume") == 0
    assert f"resuming from {nn.Checkpoints(out).paths()[0]}" in capsys.readouterr().err
    for path in nn.Checkpoints(out).paths():
        path.unlink()
    assert reconstruct("--out", out, "--resume") == 0
    assert "starting from step 0" in capsys.readouterr().err
    assert first.exists() or nn.Checkpoints(out).paths()


# --- folders that may not be written to


def test_a_folder_that_may_only_be_read(
    out: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.geteuid() and path != Path(path.anchor):
            path.chmod(path.stat().st_mode | 0o555)
    for path in [out, *out.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = hashes(out)
    nobody = os.fork()
    if nobody == 0:
        try:
            if os.geteuid() == 0:  # who may do everything
                os.setgid(65534)
                os.setuid(65534)
            code = reconstruct("--out", out, "--resume")
            sys.stderr.flush()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(nobody, 0)[1]) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert re.search(f"{out} cannot be made or written: Permission denied", line)
    assert hashes(out) == before
