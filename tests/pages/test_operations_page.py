"""The page of all operations says what their records say."""

from __future__ import annotations

import runpy
from pathlib import Path

import autograd_iron as ai
from autograd_iron.core.primitive import Primitive

REPOSITORY = Path(__file__).resolve().parents[2]
maker = runpy.run_path(str(REPOSITORY / "docs" / "make_operations.py"))


def test_the_page_is_that_of_the_records() -> None:
    assert maker["PAGE"].read_text(encoding="utf-8") == maker["page"](), "run `make stubs`"


def test_each_public_operation_is_on_the_page() -> None:
    page = maker["PAGE"].read_text(encoding="utf-8")
    for name in ai.__all__:
        if isinstance(getattr(ai, name), Primitive):
            assert f"`ai.{name}`" in page, name


def test_what_the_page_says_of_a_record() -> None:
    assert maker["gradient"](ai.tanh) == "all orders"
    assert maker["gradient"](ai.where) == "all orders, `x`, `y`"
    assert maker["gradient"](ai.isnan) == "none"
    assert maker["in_a_plan"](ai.tanh) == "fused, NumPy, cut"
    assert maker["in_a_plan"](ai.square) == "cut, taken apart"
