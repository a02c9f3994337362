"""Checkpoints: a file is whole, verified, or not used; nothing that was saved is ever lost."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from folders import quick_folder
from hostile import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

import autograd_iron as ai
import nn
from nn.training.checkpoint import read

STATE = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.array(2.5),
    "counts": np.array([1, -2], dtype=np.int64),
    "flags": np.array([True, False]),
    "empty": np.zeros((0, 4), dtype=np.float32),
    "strided": np.arange(24, dtype=np.float64).reshape(4, 6)[::2, ::-3],
    "generator": ai.Generator(7).state,
    "text": 'quotes " and \\" and "sha256":"' + "0" * 64 + '" and \N{GREEK SMALL LETTER PI}',
    "nothing": None,
}


def step_of(checkpoints: nn.Checkpoints) -> int:
    saved = checkpoints.load()
    assert saved is not None
    return saved.step


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good checkpoints of steps 1 and 2."""
    folder = tmp_path_factory.mktemp("two")
    checkpoints = nn.Checkpoints(folder)
    checkpoints.save({"weight": np.zeros(2)}, step=1)
    checkpoints.save(STATE, step=2, metric=0.5)
    return folder


def test_everything_comes_back_with_its_dtype_and_shape(two: Path) -> None:
    saved = nn.Checkpoints(two).load()
    assert saved is not None
    assert (saved.path, saved.step, saved.metric) == (two / "step-00000002.safetensors", 2, 0.5)
    assert list(saved.state) == list(STATE)
    for name, value in STATE.items():
        found = saved.state[name]
        if isinstance(value, np.ndarray):
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            np.testing.assert_array_equal(found, value)
        else:
            assert found == value


def test_tensors_are_saved_as_arrays(tmp_path: Path) -> None:
    checkpoints = nn.Checkpoints(tmp_path)
    checkpoints.save({"t": ai.tensor([[1.0, 2.0]]).T}, step=3)
    saved = checkpoints.load()
    assert saved is not None
    np.testing.assert_array_equal(saved.state["t"], np.float32([[1], [2]]))


def test_the_file_is_plain_safetensors_and_its_checksum_is_as_documented(two: Path) -> None:
    path = two / "step-00000002.safetensors"
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
        np.testing.assert_array_equal(file.get_tensor("weight"), STATE["weight"])
    assert json.loads(metadata["state"])["values"]["generator"] == STATE["generator"]
    digits = metadata["sha256"].encode()
    assert path.read_bytes().count(digits) == 1
    zeroed = path.read_bytes().replace(digits, b"0" * 64)
    assert hashlib.sha256(zeroed).hexdigest().encode() == digits


@settings(max_examples=300)
@given(data=st.data())
def test_a_damaged_file_is_never_accepted(two: Path, data: st.DataObject) -> None:
    """Any byte changed, the file cut anywhere, or bytes added: back to the older one, said so."""
    newest = two / "step-00000002.safetensors"
    content = newest.read_bytes()
    kind = data.draw(st.sampled_from(["flip", "cut", "add"]))
    if kind == "flip":
        index = data.draw(st.integers(0, len(content) - 1))
        changed = content[index] ^ data.draw(st.integers(1, 255))
        damaged = content[:index] + bytes([changed]) + content[index + 1 :]
    elif kind == "cut":
        damaged = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        damaged = content + data.draw(st.binary(min_size=1, max_size=9))
    newest.write_bytes(damaged)
    try:
        with pytest.warns(RuntimeWarning, match=r"00002\S* is damaged.*back to step-00000001"):
            assert step_of(nn.Checkpoints(two)) == 1
    finally:
        newest.write_bytes(content)


def test_every_single_byte_of_a_small_file_counts(tmp_path: Path) -> None:
    path = nn.Checkpoints(tmp_path).save({"w": np.ones(1, np.float32)}, step=1)
    content = path.read_bytes()
    for index in range(len(content)):
        for bit in (0x01, 0x20, 0x80):
            path.write_bytes(content[:index] + bytes([content[index] ^ bit]) + content[index + 1 :])
            with pytest.raises(nn.CheckpointError):
                read(path)
        path.write_bytes(content[:index])
        with pytest.raises(nn.CheckpointError):
            read(path)


def test_all_damaged_is_an_error_that_lists_each_with_its_reason(two: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(two, tmp_path / "copy"))
    (folder / "step-00000001.safetensors").write_bytes(b"")
    second = folder / "step-00000002.safetensors"
    second.write_bytes(second.read_bytes().replace(b"quotes", b"Quotes"))
    (folder / "step-00000003.safetensors").mkdir()
    with pytest.raises(nn.CheckpointError) as caught:
        nn.Checkpoints(folder).load()
    lines = str(caught.value).splitlines()
    assert lines[0] == f"none of the 3 checkpoints in {folder} can be used:"
    assert lines[1:4] == [
        "  step-00000003.safetensors cannot be read: Is a directory",
        "  step-00000002.safetensors is damaged: its bytes do not match its checksum",
        "  step-00000001.safetensors is damaged: 0 bytes without a checksum in their header",
    ]
    assert "Restore one from a backup" in lines[4]


def test_a_later_format_is_passed_over(two: Path, tmp_path: Path, monkeypatch) -> None:
    folder = Path(shutil.copytree(two, tmp_path / "copy"))
    with monkeypatch.context() as patch:
        patch.setattr("nn.training.checkpoint.FORMAT", "autograd_iron checkpoint, version 3")
        nn.Checkpoints(folder).save(STATE, step=3)
    with pytest.warns(RuntimeWarning, match=r"version 3'; this reads .*version 2"):
        assert step_of(nn.Checkpoints(folder)) == 2


def test_a_checkpoint_with_the_old_names_and_layouts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("nn.training.checkpoint.FORMAT", "autograd_iron checkpoint, version 1")
        nn.Checkpoints(tmp_path).save(STATE, step=3)
    with pytest.raises(nn.CheckpointError, match=r"saved by an older autograd_iron.*train again"):
        nn.Checkpoints(tmp_path).load()


def test_an_empty_or_missing_folder_has_no_checkpoint(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        checkpoints = nn.Checkpoints(folder)
        assert checkpoints.load() is None
        assert checkpoints.best is None
        assert checkpoints.paths() == []
    assert not (tmp_path / "missing").exists()


@given(
    keep=st.integers(1, 3),
    metrics=st.lists(
        st.none() | st.sampled_from([0.0, 0.5, 1.0, float("nan"), float("inf")]), max_size=8
    ),
    reopened=st.booleans(),
)
def test_the_newest_and_the_best_are_kept(
    keep: int, metrics: list[float | None], reopened: bool
) -> None:
    """Also by a process that did not see the earlier ones being saved."""
    scored = [(m, step) for step, m in enumerate(metrics) if m is not None and np.isfinite(m)]
    best = max(scored)[1] if scored else None
    kept = set(range(len(metrics))[-keep:]) | ({best} if best is not None else set())
    with quick_folder() as folder:
        checkpoints = nn.Checkpoints(folder, keep)
        for step, metric in enumerate(metrics):
            if reopened:
                checkpoints = nn.Checkpoints(folder, keep)
            checkpoints.save({}, step, metric)
        assert [read(path).step for path in checkpoints.paths()] == sorted(kept)
        found = checkpoints.best
        assert (None if found is None else read(found).step) == best


def test_a_damaged_newer_file_does_not_push_out_good_ones(tmp_path: Path) -> None:
    checkpoints = nn.Checkpoints(tmp_path, keep=1)
    checkpoints.save({}, step=20)
    (tmp_path / "step-00000040.safetensors").write_bytes(b"damaged")
    with pytest.warns(RuntimeWarning, match="step-00000040"):
        assert step_of(nn.Checkpoints(tmp_path, keep=1)) == 20
    nn.Checkpoints(tmp_path, keep=1).save({}, step=30)
    with pytest.warns(RuntimeWarning, match="step-00000040"):
        assert step_of(nn.Checkpoints(tmp_path)) == 30
    nn.Checkpoints(tmp_path, keep=1).save({}, step=40)
    assert names(tmp_path) == ["step-00000040.safetensors"]
    assert step_of(nn.Checkpoints(tmp_path)) == 40


def test_left_over_temporaries_are_removed_and_never_loaded(two: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(two, tmp_path / "copy"))
    (folder / ".0123456789abcdef.tmp").write_bytes(b"half")
    (folder / "notes.tmp").write_bytes(b"mine")
    checkpoints = nn.Checkpoints(folder)
    assert step_of(checkpoints) == 2
    checkpoints.save({}, step=3)
    assert ".0123456789abcdef.tmp" not in names(folder)
    assert "notes.tmp" in names(folder)


def test_steps_of_nine_digits_sort_as_numbers(tmp_path: Path) -> None:
    checkpoints = nn.Checkpoints(tmp_path)
    for step in (99_999_999, 100_000_000, 100_000_001):
        checkpoints.save({}, step, metric=1.0)
    assert step_of(checkpoints) == 100_000_001
    assert checkpoints.best == checkpoints.paths()[-1]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names descriptors through /proc")
def test_a_file_gets_its_name_only_when_its_bytes_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that a power cut needs: the bytes, then the name, then the folder."""
    calls = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        calls.append(("fsync", path.name, path.stat().st_size))
        fsync(descriptor)

    def recorded_replace(source: Path, target: Path) -> None:
        calls.append(("replace", source.name, target.name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    path = nn.Checkpoints(tmp_path).save({"w": np.zeros(100)}, step=1)
    name, size = path.name, path.stat().st_size
    temporary = calls[0][1]
    assert calls[:2] == [("fsync", temporary, size), ("replace", temporary, name)]
    assert [call[:2] for call in calls[2:]] == [("fsync", tmp_path.name)]


def test_entries_may_have_any_name(tmp_path: Path) -> None:
    """Also one with half a letter, which the text of a file cannot hold."""
    for kind in (np.float32, float):
        state = {name: kind(i) for i, name in enumerate(["a\ud800b", "\udcff", *NAMES])}
        path = nn.Checkpoints(tmp_path).save(state, step=1)
        assert list(read(path).state.items()) == list(state.items())
    with pytest.raises(TypeError, match=r"cannot be called .* at once"):
        nn.Checkpoints(tmp_path).save({"\ud800": np.ones(1), "\\ud800": np.ones(1)}, step=2)


def test_wrong_arguments_say_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep must be at least 1 checkpoint, got 0"):
        nn.Checkpoints(tmp_path, keep=0)
    with pytest.raises(TypeError, match="state entry 'f' is a function: a checkpoint holds arrays"):
        nn.Checkpoints(tmp_path).save({"f": step_of}, step=1)
    assert names(tmp_path) == []


# The rest runs in processes of its own, because it limits or kills them.

SAVE_UNDER_LIMIT = """
import resource, sys
import numpy as np
import nn

folder = sys.argv[1]
checkpoints = nn.Checkpoints(folder)
checkpoints.save({"w": np.zeros(10)}, step=1)
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
try:
    checkpoints.save({"w": np.zeros(100_000)}, step=2)
except nn.CheckpointError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, before)
checkpoints.save({"w": np.zeros(100_000)}, step=3)
"""


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_a_refused_write_loses_nothing_and_says_what_is_needed(tmp_path: Path) -> None:
    """The kernel itself refuses, in the middle of the file."""
    said = python(SAVE_UNDER_LIMIT, tmp_path).stdout
    assert f"{tmp_path}/step-00000002.safetensors was not saved: File too large." in said
    assert re.search(r"It needs 800,\d{3} bytes \([\d,]+ are free there\)\.", said)
    assert "Saved before and untouched: step-00000001.safetensors." in said
    assert "Free some space or give a folder that can be written to, then resume." in said
    assert names(tmp_path) == ["step-00000001.safetensors", "step-00000003.safetensors"]
    assert [read(path).step for path in nn.Checkpoints(tmp_path).paths()] == [1, 3]


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if os.name == "nt" or shutil.which("mount") is None or subprocess.call(mount) != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        checkpoints = nn.Checkpoints(tmp_path)
        checkpoints.save({"w": np.zeros(1000)}, step=1)
        with pytest.raises(
            nn.CheckpointError, match=r"No space left on device\. It needs 80,"
        ) as e:
            checkpoints.save({"w": np.zeros(10_000)}, step=2)
        assert "untouched: step-00000001.safetensors" in str(e.value)
        assert names(tmp_path) == ["step-00000001.safetensors"]
        assert step_of(nn.Checkpoints(tmp_path)) == 1
    finally:
        subprocess.check_call(["umount", str(tmp_path)])


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        nn.CheckpointError, match=r"file/run/step-\S* was not saved: Not a directory"
    ):
        nn.Checkpoints(tmp_path / "file" / "run").save({}, step=1)


# Every process saves step after step into its own copy of a folder and dies by its own kill -9 when
# it comes to the n-th line inside checkpoint.py or files.py.
KILLED_EVERYWHERE = """
import os, shutil, signal, sys
import numpy as np
import nn, nn.training.checkpoint, autograd_iron.support.files

base = sys.argv[1]
METRICS = {1: 0.2, 2: 0.9, 3: 0.1, 4: None, 5: 0.3}
ours = (nn.training.checkpoint.__file__, autograd_iron.support.files.__file__)

def save(folder, steps, started):
    checkpoints = nn.Checkpoints(folder, keep=1)
    for step in steps:
        started(step)
        checkpoints.save({"w": np.full(3, float(step))}, step, METRICS[step])

def child(folder, kill_at):
    seen = 0
    pipe = os.open(folder + ".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def trace(frame, event, argument):
        nonlocal seen
        if frame.f_code.co_filename not in ours:
            return None
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    sys.settrace(trace)
    save(folder, (3, 4, 5, 5), lambda step: os.write(pipe, b"%d" % step))
    sys.settrace(None)
    os._exit(0)

kill_at, stride = 1, int(sys.argv[2])
while True:
    folder = f"{base}/{kill_at}"
    save(folder, (1, 2), lambda step: None)
    pid = os.fork()
    if pid == 0:
        child(folder, kill_at)
    killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    began = max([2, *map(int, open(folder + ".log").read())])
    loaded = nn.Checkpoints(folder).load()
    assert loaded.state["w"].tolist() == [loaded.step] * 3
    assert loaded.step in ((began - 1, began) if killed else (5,)), (kill_at, loaded.step, began)
    assert nn.training.checkpoint.read(nn.Checkpoints(folder).best).step == 2, kill_at
    # A process that goes on after the kill leaves the same files as one that was never killed.
    save(folder, range(loaded.step + 1, 6), lambda step: None)
    save(folder, [5], lambda step: None)
    assert sorted(os.listdir(folder)) == ["step-00000002.safetensors", "step-00000005.safetensors"]
    shutil.rmtree(folder)
    if not killed:
        break
    kill_at += stride
print(kill_at)
"""


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_line_of_a_save_the_newest_and_the_best_survive(stride: int) -> None:
    with quick_folder() as folder:
        lines = int(python(KILLED_EVERYWHERE, folder, stride).stdout)
    assert lines > 150, "the kill never came inside a save"
