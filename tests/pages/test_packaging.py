"""The wheel works where the repository is not; a foreign `nn` and an old Python are noticed."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    result = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{command}:\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
    run(*build, REPOSITORY, cwd=folder)
    [path] = folder.glob("*.whl")
    return path


def requirements(name: str) -> Iterator[str]:
    """The installed distributions that `name` needs, itself included, extras left out."""
    yield name
    for text in distribution(name).requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from requirements(requirement.name)


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a new environment that holds the wheel and what it requires.

    The required packages are linked from this environment and the index is closed, so pip finds
    each declared dependency in place or fails, and an import that was not declared finds nothing.
    """
    home = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    [site] = home.glob("lib/python*/site-packages")
    for name in set(requirements("autograd-iron")) - {"autograd-iron"}:
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            (site / top).symlink_to(found.locate_file(top))
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", wheel, cwd=home)
    return python


def shadow_message(name: str, found: str, home: Path) -> str:
    return (
        f"`import {name}` found {found}, which is not the installed wheel's (under {home}):"
        f" another package called {name!r} shadows ours. Remove it, or put it later on sys.path."
    )


def imported_files(python: Path, cwd: Path, **environment: str) -> dict[str, str]:
    source = (
        "import autograd_iron, json, nn\n"
        "print(json.dumps({m.__name__: str(m.__file__) for m in (autograd_iron, nn)}))"
    )
    return json.loads(run(python, "-c", source, cwd=cwd, **environment))


def assert_from(home: Path, files: dict[str, str]) -> None:
    for name, found in files.items():
        assert Path(found).is_relative_to(home), shadow_message(name, found, home)


def test_wheel_imports_in_an_empty_environment(clean_python: Path, tmp_path: Path) -> None:
    assert_from(clean_python.parent.parent, imported_files(clean_python, tmp_path, PYTHONPATH=""))


def test_wheel_holds_the_two_packages_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"autograd_iron", "nn"}
    assert {"autograd_iron/py.typed", "nn/py.typed"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


@pytest.fixture
def other_nn(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "nn.py"
    path.parent.mkdir()
    path.touch()
    return path


def test_the_wheel_check_names_a_shadowing_package(
    clean_python: Path, other_nn: Path, tmp_path: Path
) -> None:
    files = imported_files(clean_python, tmp_path, PYTHONPATH=str(other_nn.parent))
    with pytest.raises(AssertionError, match="another package called 'nn' shadows ours") as caught:
        assert_from(clean_python.parent.parent, files)
    assert str(other_nn) in str(caught.value)


def test_import_warns_of_a_shadowing_package(other_nn: Path, tmp_path: Path) -> None:
    source = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    import autograd_iron\n"
        "print(*[warning.message for warning in caught], sep='\\n')"
    )
    message = run(sys.executable, "-c", source, cwd=tmp_path, PYTHONPATH=str(other_nn.parent))
    assert "nn" in message
    assert "shadow" in message
    assert str(other_nn) in message
    assert run(sys.executable, "-c", source, cwd=tmp_path, PYTHONPATH="").strip() == ""


def test_make_names_a_python_that_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.4\n')
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    result = subprocess.run(
        ["make", "demo", f"PYTHON={old}"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},  # without the flags of a make that runs the tests
        capture_output=True,
        text=True,
        check=False,
    )
    message = result.stderr.splitlines()[0]
    assert result.returncode != 0
    assert "needs Python 3.11 or newer" in message
    assert "Python 3.10.4" in message
    assert "make demo PYTHON=" in message
    assert not (tmp_path / ".venv").exists()
