"""control.toml: a run is steered by editing a file, and no edit can end it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fit_problem import at_step, everything, problem, samples
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.control import TEMPLATE, Control, Request


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
    (tmp_path / "control.toml").write_text(TEMPLATE.replace("# rate", "rate"))
    assert control.poll() == Request(rate=0.01)
    assert said == []


def test_a_rate_is_set_once_and_the_schedule_goes_on_from_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    schedule = nn.CosineDecay(0.1, steps=20, floor=0.01)
    run = nn.fit(
        **problem(rate=schedule),
        steps=12,
        metric_every=1,
        run_dir=tmp_path,
        callbacks=[at_step(4, edit("rate = 0.02")), at_step(8, edit("rate = 0.02 # a comment"))],
    )
    rates = [rate for _, rate in run.history["rate"]]
    assert rates[:4] == [schedule(step) for step in range(4)]
    assert rates[4] == 0.02
    expected = [0.02 * schedule(step) / schedule(4) for step in range(4, 12)]
    np.testing.assert_allclose(rates[4:], expected, rtol=1e-12)
    said = capfd.readouterr().err
    assert said == f"step 4: rate set to 0.02 by {tmp_path}/control.toml\n"


@pytest.mark.parametrize("checkpointed", [True, False])
def test_after_a_resume_an_old_rate_is_old_and_a_lost_one_is_set_again(
    tmp_path: Path, checkpointed: bool
) -> None:
    """The checkpoint knows which rate line it has seen."""
    nn.fit(
        **problem(rate=nn.CosineDecay(0.1, 20)),
        steps=12,
        run_dir=tmp_path,
        checkpoint_every=3,
        callbacks=[at_step(4, edit("rate = 0.02"))],
    )
    for path in nn.Checkpoints(tmp_path).paths():
        if path.name > ("step-00000009" if checkpointed else "step-00000004"):
            path.unlink()
    run = nn.fit(
        **problem(rate=nn.CosineDecay(0.1, 20)),
        steps=12,
        metric_every=1,
        run_dir=tmp_path,
        resume=True,
    )
    assert (0.02 in [rate for _, rate in run.history["rate"]]) is not checkpointed


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
        ("rate = ", "Invalid value"),
        ("rat = 0.1", "unknown key 'rat'; the keys are rate, stop and preview"),
        ("rate = -0.1\nstop = true", "rate must be a number above 0, got -0.1"),
        ("rate = 0", "rate must be a number above 0, got 0.0"),
        ("rate = nan", "rate must be a number above 0, got nan"),
        ("rate = true", "rate must be a number above 0, got True"),
        ('rate = "0.1"', "rate must be a number above 0, got '0.1'"),
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
        **problem(rate=nn.CosineDecay(0.1, 3)),
        steps=6,
        run_dir=tmp_path,
        callbacks=[at_step(4, edit("rate = 0.5"))],
    )
    assert run.stop_reason == "steps"
    assert "control.toml ignored: rate: the schedule gives 0 at step 4" in capfd.readouterr().err


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
        path.write_text(f"rate = 0.{number}")
        os.utime(path, ns=(tick, tick))
        assert control.poll() == Request(rate=number / 1000)


def test_a_file_at_rest_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "control.toml"
    path.write_text("rate = 0.5")
    os.utime(path, (1, 1))
    control = Control(path, print)
    assert control.poll() == Request(rate=0.5)
    monkeypatch.delattr(Path, "read_bytes")
    assert control.poll() is None


def test_a_control_file_that_is_gone_asks_for_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gone = at_step(2, lambda run: (run.run_dir / "control.toml").unlink())
    assert nn.fit(**problem(), steps=4, run_dir=tmp_path, callbacks=[gone]).step == 4
    assert capfd.readouterr().err == ""
