"""One run at a time in a folder: the second is refused, and the first never notices."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fit_problem import at_step, everything, problem

import nn
from nn.training import lock
from nn.training.lock import NAME, FolderLock

# Takes the lock of a folder, says so, does what it is told, and waits for its end.
HOLDING = """
import os, sys, time
from nn.training.lock import FolderLock
with FolderLock(sys.argv[1]):
    {then}
    os.write(1, b"held\\n")
    sys.stdin.read()
"""


@contextmanager
def holding(folder: Path, then: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its end."""
    command = [sys.executable, "-c", HOLDING.format(then=then), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def is_free(folder: Path) -> bool:
    try:
        with FolderLock(folder):
            return True
    except nn.CheckpointError:
        return False


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_process_is_refused_by_the_number_of_the_first(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        before = names(tmp_path)
        text = rf"{tmp_path} is in use by another run \(process {process.pid}\): wait until"
        for resume in (False, True):
            with pytest.raises(nn.CheckpointError, match=text):
                nn.fit(**problem(), steps=1, run_dir=tmp_path, resume=resume)
        assert names(tmp_path) == before == [NAME]
        process.communicate("")
    assert names(tmp_path) == []
    nn.fit(**problem(), steps=1, run_dir=tmp_path)
    assert NAME not in names(tmp_path)


def test_two_runs_in_one_process_on_one_folder(tmp_path: Path) -> None:
    """From a thread and from a callback of the first, by any name of the folder."""
    folder, link = tmp_path / "run", tmp_path / "link"
    link.symlink_to(folder)
    refused: list[str] = []

    def second(by: Path) -> None:
        with pytest.raises(nn.CheckpointError, match="in use by another run") as caught:
            nn.fit(**problem(), steps=2, run_dir=by, resume=True)
        refused.append(str(caught.value))

    def both(run: nn.Run) -> None:
        second(folder)
        thread = threading.Thread(target=second, args=(link,))
        thread.start()
        thread.join()

    run = nn.fit(**problem(), steps=6, run_dir=folder, callbacks=[at_step(3, both)])
    assert len(refused) == 2
    assert all(f"(process {os.getpid()})" in text for text in refused)
    assert everything(run) == everything(nn.fit(**problem(), steps=6))
    # One after the other is what a lock is for.
    assert nn.fit(**problem(), steps=8, run_dir=folder, resume=True).step == 8


def test_a_run_that_ends_badly_lets_go(tmp_path: Path) -> None:
    def fail(run: nn.Run) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as kept:
        nn.fit(**problem(), steps=6, run_dir=tmp_path, callbacks=[fail])
    assert kept.value.__traceback__ is not None  # and with it the frames of that fit
    assert nn.fit(**problem(), steps=2, run_dir=tmp_path, resume=True).step == 2


def test_a_lock_held_by_the_caller_is_lent_to_one_fit_at_a_time(tmp_path: Path) -> None:
    with FolderLock(tmp_path) as held:

        def second(run: nn.Run) -> None:
            for again in (held, tmp_path):
                with pytest.raises(nn.CheckpointError, match="in use by another run"):
                    nn.fit(**problem(), steps=4, run_dir=again, resume=True)

        nn.fit(**problem(), steps=2, run_dir=held, callbacks=[second])
        run = nn.fit(**problem(), steps=4, run_dir=held, resume=True)
        assert (run.step, run.run_dir) == (4, tmp_path)
        assert not is_free(tmp_path)
    assert is_free(tmp_path)


def test_a_lock_that_nobody_entered_is_taken_for_one_fit(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "run")

    def is_locked(run: nn.Run) -> None:
        assert not is_free(tmp_path / "run")

    nn.fit(**problem(), steps=2, run_dir=lock, callbacks=[is_locked])
    assert is_free(tmp_path / "run")
    assert nn.fit(**problem(), steps=4, run_dir=lock, resume=True).step == 4


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 256])
def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(nn.CheckpointError, match=r"cannot be written: .*give another folder"):
        nn.fit(**problem(), steps=2, run_dir=tmp_path / name)
    assert names(tmp_path) == []


def test_a_killed_process_leaves_the_folder_free(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert names(tmp_path) == [NAME]
        assert is_free(tmp_path)


FORKS = """
    pid = os.fork()
    if pid == 0:
        os.write(1, b"%d\\n" % os.getpid())  # whoever reads this knows that the fork is over
        os.close(1)
        time.sleep(60)
"""
STARTS = """
    import subprocess
    print(subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL).pid, flush=True)
"""


@pytest.mark.parametrize("then", [FORKS, STARTS])
def test_children_do_not_keep_the_lock(tmp_path: Path, then: str) -> None:
    code = HOLDING.format(then=then.strip())
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        child = int("".join(sorted(process.stdout.readline() for _ in range(2))).split()[0])
        try:
            assert not is_free(tmp_path)
            process.kill()
            process.wait()
            assert is_free(tmp_path)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_forked_child_does_not_share_the_folder_of_its_parent(tmp_path: Path) -> None:
    """It goes on with the run, as it was copied, and must not save to where its parent does."""
    told: list[int] = []

    def fork(run: nn.Run) -> None:
        if pid := os.fork():
            told.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    parent = os.getpid()
    try:
        run = nn.fit(**problem(), steps=4, run_dir=tmp_path, callbacks=[at_step(2, fork)])
    except nn.CheckpointError as error:
        # The child is here: 3 says that all is as it should be.
        os._exit(3 if f"in use by another run (process {parent})" in str(error) else 4)
    finally:
        if os.getpid() != parent:
            os._exit(5)
    assert told == [3]
    assert everything(run) == everything(nn.fit(**problem(), steps=4))


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_run_whose_folder_goes_away_goes_on_in_a_new_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], how: str
) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"

    def go_away(run: nn.Run) -> None:
        folder.rename(elsewhere)
        assert not is_free(elsewhere)
        if how == "removed":
            for path in elsewhere.iterdir():
                path.unlink()
            elsewhere.rmdir()

    def is_locked(run: nn.Run) -> None:
        assert not is_free(folder)

    run = nn.fit(
        **problem(),
        steps=8,
        run_dir=folder,
        checkpoint_every=2,
        metric_every=1,
        callbacks=[at_step(3, go_away), at_step(6, is_locked)],
    )
    assert everything(run) == everything(nn.fit(**problem(), steps=8, metric_every=1))
    assert nn.Checkpoints(folder).load().step == 8
    said = f"{folder} was moved or removed: this run goes on in a new folder of that name\n"
    assert capfd.readouterr().err == said
    if how == "moved":
        assert [path.name for path in nn.Checkpoints(elsewhere).paths()] == [
            "step-00000002.safetensors"
        ]
        assert is_free(elsewhere)


def test_a_folder_that_another_run_has_taken_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    others = []

    def swap(run: nn.Run) -> None:
        folder.rename(elsewhere)
        other = FolderLock(folder)
        others.append(other.__enter__())

    with pytest.raises(nn.CheckpointError, match="in use by another run"):
        nn.fit(**problem(), steps=8, run_dir=folder, callbacks=[at_step(3, swap)])
    assert names(folder) == [NAME]
    others[0].__exit__()


def link_to(target: Path) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize("plant", ["link", "dangling link", "hard link", "pipe"])
def test_what_stands_in_place_of_the_lock_is_not_written_to(tmp_path: Path, plant: str) -> None:
    thesis, folder = tmp_path / "thesis", tmp_path / "run"
    thesis.write_text("years of work")
    folder.mkdir()
    place = folder / NAME
    if plant == "hard link":
        os.link(thesis, place)
    elif plant == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to(thesis if plant == "link" else tmp_path / "nowhere")
    with FolderLock(folder):
        assert place.is_file()
        assert not place.is_symlink()
        assert not is_free(folder)
    assert names(folder) == []
    assert names(tmp_path) == ["run", "thesis"]
    assert thesis.read_text() == "years of work"


def test_a_copy_by_hard_links_does_not_unlock_the_run(tmp_path: Path) -> None:
    folder, backup = tmp_path / "run", tmp_path / "backup"
    backup.mkdir()
    with FolderLock(folder):
        os.link(folder / NAME, backup / NAME)
        assert not is_free(folder)
    assert is_free(backup)


def test_a_folder_in_place_of_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(nn.CheckpointError, match=f"{tmp_path} cannot be written: Is a directory"):
        nn.fit(**problem(), steps=1, run_dir=tmp_path)


def test_folders_made_for_a_lock_go_with_it_unless_something_came(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "runs" / "a"):
        with FolderLock(tmp_path / "runs" / "b"):
            pass
        assert names(tmp_path / "runs") == ["a"]
    assert names(tmp_path) == []


def test_a_relative_path_is_of_the_folder_that_the_run_began_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    with FolderLock("run") as held:
        monkeypatch.chdir("other")
        assert not held.renew()
        assert not is_free(tmp_path / "run")
    assert names(tmp_path) == ["other"]


def test_moving_the_folder_leaves_a_new_one_locked(tmp_path: Path) -> None:
    folder, aside = tmp_path / "run", tmp_path / "aside"
    with FolderLock(folder) as held:
        (folder / "kept").touch()
        held.move_folder(aside)
        assert names(aside) == ["kept"]
        assert names(folder) == [NAME]
        assert not is_free(folder)
        assert is_free(aside)


def test_a_file_system_without_locks_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with (
        pytest.warns(RuntimeWarning, match="file system without locks .No locks available.: see"),
        FolderLock(tmp_path),
    ):
        # This much can be known without the system's help.
        assert not is_free(tmp_path)


def test_many_processes_at_once_and_never_two_in_the_folder(tmp_path: Path) -> None:
    """Each makes a file that no two can make, as often as it gets in, and removes it."""
    code = """
import os, sys
import nn
from nn.training.lock import FolderLock
folder, entered = sys.argv[1], 0
sys.stdin.read()
for _ in range(150):
    try:
        with FolderLock(folder):
            os.close(os.open(folder + "/inside", os.O_CREAT | os.O_EXCL))
            os.unlink(folder + "/inside")
            entered += 1
    except nn.CheckpointError as error:
        assert "in use by another run" in str(error), error
print(entered)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "run")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert int(out) > 0
    # The folder stays if the one that made it was not the first to lock it.
    assert NAME not in names(tmp_path / "run") if names(tmp_path) else True
