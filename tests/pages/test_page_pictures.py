"""The pictures of the pages are current, each left by a command that the page shows."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "docs"))

import make_pictures as pictures  # noqa: E402  (a script, found where it lies)

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
ANEW = "make pictures makes it anew"


@pytest.mark.parametrize("name", pictures.COMMANDS)
def test_pictures_are_current(name: str) -> None:
    reason = pictures.outdated(name)
    assert reason == "", f"{pictures.command(name)}: {reason}\n{ANEW}"


@pytest.mark.parametrize("name", [name for name in pictures.COMMANDS if name != "horse"])
def test_the_page_shows_the_command_its_figures_and_its_picture(name: str) -> None:
    page = (REPOSITORY / "docs" / f"{name.partition('-')[0]}.md").read_text(encoding="utf-8")
    shown = f"```sh\n{pictures.command(name)}\n# {pictures.read_record()[name]['prints']}\n```\n"
    assert shown in page
    after = page[page.index(shown) + len(shown) :]
    assert re.match(rf"\n!\[[^]]+\]\(pictures/{name}\.png\)\n", after)


@pytest.mark.parametrize("page", ["plain", "siren"])
def test_every_command_of_the_page_is_one_that_is_run(page: str) -> None:
    text = (REPOSITORY / "docs" / f"{page}.md").read_text(encoding="utf-8")
    typed = re.findall(r"python examples/[^\n`#]+", text)
    assert set(typed) == {
        pictures.command(name) for name in pictures.COMMANDS if name.startswith(page)
    }


def test_pictures_are_those_that_pages_show_and_small() -> None:
    made = {path for name in pictures.COMMANDS for path in pictures.files(name)}
    linked = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(((?:docs/)?pictures/[^)]+)\)", page.read_text("utf-8"))
    }
    kept = {*pictures.FOLDER.iterdir()} - {pictures.RECORD}
    assert linked == made == kept
    assert all(path.stat().st_size < 100_000 for path in kept)
    assert sum(path.stat().st_size for path in pictures.FOLDER.iterdir()) < 500_000


def test_the_time_lapse_moves_and_is_small_enough_for_the_page() -> None:
    with Image.open(pictures.FOLDER / "horse-timelapse.gif") as animation:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(animation)]
    assert 5 <= len(frames) <= 21
    assert frames[0].shape[1] <= 400
    assert np.abs(frames[0].astype(int) - frames[-1]).max() > 100


# --- what the check finds


def test_what_would_draw_another_picture_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "plain-small"
    assert pictures.outdated(name) == ""
    record = pictures.read_record()

    def found(**changed: object) -> str:
        monkeypatch.setattr(pictures, "read_record", lambda: {name: record[name] | changed})
        return pictures.outdated(name)

    assert "another command" in found(command="python examples/xor.py")
    assert "not the one that was made" in found(sha256={"plain-small.png": "0"})
    assert "code that draws it has changed" in found(drawn_by="0")
    assert "now starts with" in found(starts=record[name]["starts"].replace("e-12", "e-11"))
    assert found() == ""


def test_a_network_that_starts_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pictures.outdated("siren") == ""
    scheme = pictures.ai.Generator.uniform
    monkeypatch.setattr(
        pictures.ai.Generator, "uniform", lambda *given, **named: 0.8 * scheme(*given, **named)
    )
    assert "now starts with" in pictures.outdated("siren")


def test_a_comparison_that_is_drawn_otherwise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconstruct.report.BACKGROUND", 190)
    assert "now starts with" in pictures.outdated("horse")


@pytest.mark.parametrize(
    ("text", "other", "same"),
    [
        ("loss 0.625", "loss 0.624", True),  # another processor
        ("loss 0.625", "loss 0.725", False),
        ("1.9e-12", "2.0e-12", True),
        ("1.9e-12", "1.9e-11", False),
        ("alike -0.00", "alike 0.00", True),
        ("alike  0.98", "alike 0.78", False),
        ('"lr": 0.5', '"lr": 0.25', False),
        ("a fourier network", "a grid network", False),
        ("256 frequencies", "256 frequencies, sigma 6", False),
        ("graph 92ef3", "graph 92ef4", False),
    ],
)
def test_numbers_are_compared_as_numbers(text: str, other: str, same: bool) -> None:
    assert pictures.alike(text, other) is same
