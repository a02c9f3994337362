"""What the page for contributors names is there, and its checklists are what the tests ask for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import autograd_iron as ai
import nn

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "contributing.md").read_text(encoding="utf-8")
CHANGES = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


@pytest.mark.parametrize("title", ["Add an operation", "Add a layer"])
def test_the_files_of_a_checklist_are_there(title: str) -> None:
    steps = re.findall(r"^\d\. .*?(?=^\d\. |^$)", section(title), re.MULTILINE | re.DOTALL)
    assert len(steps) == 4
    for step in steps:
        named = re.findall(r"`([\w./]+/|[\w./]+\.\w+)`", step)
        assert named, step
        for path in named:
            assert (REPOSITORY / path).exists() or "__" in path, path


def test_a_public_name_that_the_changes_speak_of_is_public() -> None:
    added = CHANGES.split("### Added")[1].split("### ")[0]
    for word in re.findall(r"`(?:ai|autograd_iron)\.([\w.]+)", added):
        found: object = ai
        for part in word.split("."):
            found = getattr(found, part)
    for word in re.findall(r"`nn\.(\w+)", added):
        assert hasattr(nn, word), word


def test_what_is_said_to_be_public_says_what_that_is() -> None:
    for name in re.findall(r"`(ai[\w.]*|nn)`", section("What is public, and how it changes")):
        module = {"ai": ai, "nn": nn}.get(name) or eval(name, {"ai": ai})
        assert module.__all__, name


def test_the_matrix_runs_files_that_are_there() -> None:
    matrix = tomllib.loads((REPOSITORY / ".ci" / "matrix.toml").read_text(encoding="utf-8"))
    assert {cell["system"] for cell in matrix["cells"]} == {"linux", "darwin", "win32"}
    assert {"3.11", "3.12", "3.13", "3.14"} <= {cell["python"] for cell in matrix["cells"]}
    for path in matrix["tests"]["paths"]:
        assert (REPOSITORY / path).exists(), path
