"""control.toml: a run is steered by editing a file, and no edit can end it."""

import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fit_problem import at_step, everything, problem, samples
from hypothesis import given
from hypothesis import strategies as st

import autograd_iron as ai
import nn
from nn.training.control import TEMPLATE, Control, Request


def edit(text: str) -> Callable[[nn.Run], None]:
    """A callback that saves `text` as the control file, as a user's editor would."""
    return lambda run: (run.run_dir / "control.toml").write_text(text)


def test_the_control_file_explains_itself_and_asks_for_nothing(tmp_path: Path) -> None:
    run = nn.fit(**problem(), steps=2, run_dir=tmp_path)
    assert (tmp_path / "control.toml").read_text() == TEMPLATE
    assert run.stop_reason == "steps"
    said: list[str] = []
    control = Control(tmp_path / "control.toml", said.append)
    assert control.poll() is None
    (tmp_path / "control.toml").write_text(TEMPLATE.replace("# lr", "lr"))
    assert control.poll() == Request(lr=0.01)
    assert said == []


def test_a_rate_is_set_once_and_the_schedule_goes_on_from_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    schedule = nn.CosineDecay(0.1, steps=20, floor=0.01)
    run = nn.fit(
        **problem(lr=schedule),
        steps=12,
        metric_every=1,
        run_dir=tmp_path,
        callbacks=[at_step(4, edit("lr = 0.02")), at_step(8, edit("lr = 0.02 # a comment"))],
    )
    rates = [lr for _, lr in run.history["lr"]]
    assert rates[:4] == [schedule(step) for step in range(4)]
    assert rates[4] == 0.02
    expected = [0.02 * schedule(step) / schedule(4) for step in range(4, 12)]
    np.testing.assert_allclose(rates[4:], expected, rtol=1e-12)
    said = capfd.readouterr().err
    assert said == f"step 4: lr set to 0.02 by {tmp_path}/control.toml\n"


@pytest.mark.parametrize("checkpointed", [True, False])
def test_after_a_resume_an_old_rate_is_old_and_a_lost_one_is_set_again(
    tmp_path: Path, checkpointed: bool
) -> None:
    """The checkpoint knows which lr line it has seen."""
    nn.fit(
        **problem(lr=nn.CosineDecay(0.1, 20)),
        steps=12,
        run_dir=tmp_path,
        checkpoint_every=3,
        callbacks=[at_step(4, edit("lr = 0.02"))],
    )
    for path in nn.Checkpoints(tmp_path).paths():
        if path.name > ("step-00000009" if checkpointed else "step-00000004"):
            path.unlink()
    run = nn.fit(
        **problem(lr=nn.CosineDecay(0.1, 20)),
        steps=12,
        metric_every=1,
        run_dir=tmp_path,
        resume=True,
    )
    assert (0.02 in [lr for _, lr in run.history["lr"]]) is not checkpointed


def test_stop_saves_and_is_put_back_so_that_a_resume_goes_on(tmp_path: Path) -> None:
    text = "# mine\nstop = true  # now\npreview = false\n"
    run = nn.fit(**problem(), steps=9, run_dir=tmp_path, callbacks=[at_step(4, edit(text))])
    assert (run.step, run.stop_reason) == (4, "control")
    assert nn.Checkpoints(tmp_path).load().step == 4
    assert (tmp_path / "control.toml").read_text() == text.replace("true", "false")
    run = nn.fit(**problem(), steps=9, run_dir=tmp_path, resume=True)
    assert everything(run) == everything(nn.fit(**problem(), steps=9))


def test_preview_is_made_once_for_each_wish(tmp_path: Path) -> None:
    made: list[tuple[int, bool, bool]] = []
    run = nn.fit(
        **problem(),
        steps=9,
        run_dir=tmp_path,
        callbacks=[at_step(3, edit("preview = true")), at_step(6, edit("preview = true"))],
        preview=lambda run: made.append(
            (run.step, run.model.training, run.model(samples()[0]).requires_grad)
        ),
    )
    assert made == [(3, False, False), (6, False, False)]
    assert (tmp_path / "control.toml").read_text() == "preview = false"
    assert everything(run) == everything(nn.fit(**problem(), steps=9))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("lr = ", "Invalid value"),
        ("rat = 0.1", "unknown key 'rat'; the keys are lr, stop and preview"),
        ("rate = 0.1", "unknown key rate: the learning rate is called lr here; write lr = 0.01"),
        ("lr = -0.1\nstop = true", "lr must be a number above 0, got -0.1"),
        ("lr = 0", "lr must be a number above 0, got 0.0"),
        ("lr = nan", "lr must be a number above 0, got nan"),
        ("lr = true", "lr must be a number above 0, got True"),
        ('lr = "0.1"', "lr must be a number above 0, got '0.1'"),
        ("stop = 1", "stop must be true or false, got 1"),
        ("preview = 'yes'", "preview must be true or false, got 'yes'"),
        ("preview = true", "asks for a preview, but fit was given no preview= function"),
    ],
)
def test_an_edit_with_a_mistake_is_reported_in_one_line_and_training_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    run = nn.fit(**problem(), steps=9, run_dir=tmp_path, callbacks=[at_step(2, edit(text))])
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/control.toml ")
    assert reason in line
    assert everything(run) == everything(nn.fit(**problem(), steps=9))


def test_a_rate_that_the_schedule_cannot_reach_is_reported(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = nn.fit(
        **problem(lr=nn.CosineDecay(0.1, 3)),
        steps=6,
        run_dir=tmp_path,
        callbacks=[at_step(4, edit("lr = 0.5"))],
    )
    assert run.stop_reason == "steps"
    assert "control.toml ignored: lr: the schedule gives 0 at step 4" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"lr = " + b"9" * 400, "lr must be from 1e-30 to 1e+30, got 9999"),
        (b"lr = " + b"9" * 4500, "Exceeds the limit"),
        (b"lr = 0x" + b"f" * 4500, "lr must be from 1e-30 to 1e+30, got what is too long"),
        (b"lr = 1e400", "lr must be from 1e-30 to 1e+30, got inf"),
        (b"lr = -inf", "lr must be a number above 0, got -inf"),
        (b"lr = 1e-40", "lr must be from 1e-30 to 1e+30, got 1e-40"),
        (b"lr = " + b"[" * 4500, "its brackets are nested too deep"),
        (b"x = " + b"{a=" * 1500, "its brackets are nested too deep"),
        (b"lr" + b".a" * 2000 + b" = 1", "lr must be a number above 0, got "),
        (b"k" * 4500 + b" = 1", "unknown key 'kkk"),
        (b"#" * 6000, "it is larger than 5,000 bytes"),
        (b"stop = true\nstop = true", "Cannot overwrite a value"),
        (b"[stop]\nlr = 1", "stop must be true or false, got {'lr': 1}"),
        (b"stop.now = true", "stop must be true or false, got {'now': True}"),
        (b"STOP = true", "unknown key 'STOP'"),
        (b"stop = True", "Invalid value"),
        (b"stop = true \xff", "it is not UTF-8 text"),
        ("stop = true".encode("utf-16"), "it is not UTF-8 text"),
        (b"stop = true\x00", "Expected newline"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_an_edit_that_only_malice_or_an_accident_makes_is_reported_once_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], content: bytes, reason: str
) -> None:
    put = at_step(2, lambda run: (tmp_path / "control.toml").write_bytes(content))
    run = nn.fit(**problem(), steps=9, run_dir=tmp_path, callbacks=[put])
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/control.toml ignored: {reason}")
    assert len(line) < 300 + len(str(tmp_path))
    assert run.stop_reason == "steps"
    assert (tmp_path / "control.toml").read_bytes() == content


def be_pipe(path: Path) -> None:
    os.mkfifo(path)


def be_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def be_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**13)  # no more than a number on most file systems


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (be_pipe, "it is not an ordinary file"),
        (be_zeros, "it is not an ordinary file"),
        (Path.mkdir, "Is a directory"),
        (be_huge, "it is larger than 5,000 bytes"),
    ],
)
@pytest.mark.parametrize("resume", [False, True])
def test_no_kind_of_file_in_place_of_the_control_file_ends_or_hangs_a_run(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    put: Callable[[Path], None],
    reason: str,
    resume: bool,
) -> None:
    def replace(run: nn.Run) -> None:
        (tmp_path / "control.toml").unlink()
        put(tmp_path / "control.toml")

    run = nn.fit(**problem(), steps=4, run_dir=tmp_path, callbacks=[at_step(2, replace)])
    if resume:
        capfd.readouterr()
        run = nn.fit(**problem(), steps=9, run_dir=tmp_path, resume=True)
    *_, line = said = capfd.readouterr().err.splitlines()
    assert line == f"{tmp_path}/control.toml ignored: {reason}"
    assert len(said) == 1 + resume
    assert run.stop_reason == "steps"


STOPS = [
    "stop = true",
    '"stop" = true',
    "'stop' = true # true",
    r'"st\u006fp" = true',
    "# stop = true\nstop\t=\ttrue",
    "lr = 0.02\r\nstop = true\r\npreview = false\r\n",
    "\ufeffstop = true",
    TEMPLATE.replace("stop = false", "stop = true"),
    "stop = true\n# " + "true " * 500,
]


@pytest.mark.parametrize("text", STOPS)
def test_a_stop_in_any_of_its_spellings_is_obeyed_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "control.toml"
    put = at_step(2, lambda run: path.write_bytes(text.encode()))
    run = nn.fit(**problem(), steps=5, run_dir=tmp_path, callbacks=[put])
    assert (run.step, run.stop_reason) == (2, "control")
    # One word is another now, and nothing else.
    changed = path.read_bytes()
    assert changed in [
        b"false".join([text.encode()[: at.start()], text.encode()[at.end() :]])
        for at in re.finditer(b"true", text.encode())
    ]
    run = nn.fit(**problem(), steps=5, run_dir=tmp_path, resume=True)
    assert (run.step, run.stop_reason) == (5, "steps")


def test_the_file_that_a_link_names_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    shared, path = tmp_path / "shared.toml", tmp_path / "run" / "control.toml"
    shared.write_text("stop = true")

    def link(run: nn.Run) -> None:
        path.unlink()
        path.symlink_to(shared)

    run = nn.fit(**problem(), steps=5, run_dir=path.parent, callbacks=[at_step(2, link)])
    assert run.step == 2
    assert shared.read_text() == "stop = true"
    assert not path.is_symlink()
    assert nn.fit(**problem(), steps=5, run_dir=path.parent, resume=True).step == 5


@pytest.mark.parametrize("name", ["control.toml.tmp", ".control.toml.tmp", "control.toml"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str) -> None:
    thesis, folder = tmp_path / "thesis", tmp_path / "run"
    thesis.write_text("years of work")
    for make in (Path.symlink_to, Path.hardlink_to):
        folder.mkdir()
        make(folder / name, thesis)
        nn.fit(**problem(), steps=2, run_dir=folder, callbacks=[edit("preview = true")])
        assert thesis.read_text() == "years of work"
        shutil.rmtree(folder)


def test_a_stop_that_cannot_be_put_back_is_told_of(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    def stop(run: nn.Run) -> None:
        edit("stop = true")(run)
        monkeypatch.setattr("nn.training.control.write_whole", full)

    nn.fit(**problem(), steps=5, run_dir=tmp_path, callbacks=[at_step(2, stop)])
    assert capfd.readouterr().err == (
        f"{tmp_path}/control.toml still says stop = true, which a resumed run will obey again: it "
        f"cannot be written (No space left on device)\n"
    )


# What comes between the bytes of an edited template.
PIECES = [b"true", b"lr = ", b"stop = ", b'"stop" = true\n', b"preview = true\n", b"1e9", b"0x"]
PIECES += [b"[", b"]", b"{", b'"""', b"'", b"#", b"\n", b"\r\n", b".", b"=", b"-", b"\xff", b"nan"]
PIECES += [b"\xef\xbb\xbf", b"[[stop]]", b"9" * 400, b"_", b"\\u0000", b"1979-05-27", b"[" * 2000]


@st.composite
def edited_templates(draw: st.DrawFn) -> bytes:
    text = draw(st.sampled_from([TEMPLATE, TEMPLATE.replace("# lr", "lr")])).encode()
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 5))
        text = text[:start] + draw(st.sampled_from(PIECES) | st.binary(max_size=3)) + text[end:]
    return text


@given(
    texts=st.lists(
        edited_templates() | st.binary(max_size=40) | st.text(max_size=40).map(str.encode),
        min_size=1,
        max_size=3,
    )
)
def test_a_run_makes_all_its_steps_or_is_stopped_whatever_is_edited(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    """The loss is flat, so that no lr can lead to numbers that are not finite."""
    folder = tmp_path_factory.mktemp("run")
    model = nn.Linear(1, 1)
    x = ai.zeros((4, 1))
    waiting = list(texts)

    def put(run: nn.Run) -> None:
        if waiting:
            (folder / "control.toml").write_bytes(waiting.pop())

    for _ in range(len(texts) + 1):
        before = len(waiting)
        run = nn.fit(
            model,
            nn.Batches(x, x),
            lambda prediction, target: (prediction * 0.0).sum(),
            nn.SGD(model.parameters(), 0.1),
            steps=6,
            run_dir=folder,
            resume=True,
            callbacks=[put],
            preview=lambda run: None,
            progress=False,
            compile=False,
        )
        if run.stop_reason == "steps":
            break
        # Each stop was asked for by an edit of its own.
        assert run.stop_reason == "control"
        assert len(waiting) < before
    assert (run.step, run.stop_reason) == (6, "steps")


@given(texts=st.lists(st.binary(max_size=20) | st.text(max_size=20).map(str.encode), max_size=4))
def test_no_content_of_the_control_file_ends_a_run(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("control") / "control.toml"
    said: list[str] = []
    control = Control(path, said.append)
    assert control.poll() is None
    for text in texts:
        path.write_bytes(text)
        count = len(said)
        control.poll()
        assert len(said) <= count + 1
        assert control.poll() is None
        assert len(said) <= count + 1


def test_edits_of_the_same_size_within_one_clock_tick_are_all_seen(tmp_path: Path) -> None:
    path = tmp_path / "control.toml"
    control = Control(path, print)
    tick = time.time_ns() + 10**12  # A stamp that stays recent however slow the test is.
    for number in range(100, 120):
        path.write_text(f"lr = 0.{number}")
        os.utime(path, ns=(tick, tick))
        assert control.poll() == Request(lr=number / 1000)


def test_a_file_at_rest_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.toml"
    path.write_text("lr = 0.5")
    os.utime(path, (1, 1))
    control = Control(path, print)
    assert control.poll() == Request(lr=0.5)
    monkeypatch.delattr("nn.training.control.read_regular")
    assert control.poll() is None


def test_a_control_file_that_is_gone_asks_for_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = at_step(2, lambda run: (run.run_dir / "control.toml").unlink())
    assert nn.fit(**problem(), steps=4, run_dir=tmp_path, callbacks=[gone]).step == 4
    assert capfd.readouterr().err == ""
