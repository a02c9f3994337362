"""The type stubs say what the registry says, and what a type checker makes of them."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
stubs = runpy.run_path(str(REPOSITORY / "docs" / "make_stubs.py"))


@pytest.mark.parametrize("path", stubs["STUBS"], ids=lambda path: path.name)
def test_the_stubs_are_those_of_the_registry(path: Path) -> None:
    made = stubs["stub"](stubs["STUBS"][path])
    assert path.read_text(encoding="utf-8") == made, "run `make stubs`"


PROGRAM = """
import autograd_iron as ai

x = ai.tensor([1.0])
reveal_type(ai.sum(x, axis=0))
reveal_type(ai.linalg.qr(x))
ai.tanh(x, 1)
ai.sum(x, axes=0)
ai.exp(object())
ai.no_such_name
"""


def test_a_type_checker_knows_each_operation(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--config-file=", str(tmp_path / "program.py")]
    said = subprocess.run(
        command, check=False, cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    for line, text in [
        (5, 'Revealed type is "autograd_iron.core.tensor.Tensor"'),
        (6, 'Revealed type is "tuple[autograd_iron.core.tensor.Tensor, ...]"'),
        (7, 'Too many arguments for "tanh"'),
        (8, 'Unexpected keyword argument "axes" for "sum"'),
        (9, 'Argument 1 to "exp" has incompatible type "object"'),
        (10, 'Module has no attribute "no_such_name"'),
    ]:
        assert any(f":{line}: " in found and text in found for found in said.splitlines()), said
