"""Each operation has a row in each executor, or a reason; and no executor knows it by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from samples import SAMPLES

import autograd_iron as ai
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import registry
from autograd_iron.plan.loops import pieces
from autograd_iron.plan.numpy import forms

PLAN = Path(ai.__file__).parent / "plan"


def in_numpy(p: Primitive) -> bool:
    """Say whether NumPy's executor writes other lines than a call of the kernel."""
    return p.numpy is not None or p in forms.LINES or p in forms.VIEWS or p.reduction is not None


def in_loops(p: Primitive) -> bool:
    """Say whether an executor of loops runs the operation in other ways than by its kernel."""
    facts = (p.c, p.view_rule, p.reduction)
    return p in pieces.FORMS or any(fact is not None for fact in facts)


def missing(p: Primitive) -> list[str]:
    """Return the executors that have no row for an operation which gives no reason."""
    if p.decomposition is not None or p.by_kernel is not None or p.collective:
        return []
    executors = {"NumPy": in_numpy(p), "the loops of a GPU": in_loops(p)}
    return [executor for executor, row in executors.items() if not row]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_each_executor_has_a_row_or_a_reason(name: str) -> None:
    primitive = registry[name]
    assert isinstance(primitive, Primitive)
    assert not missing(primitive), (
        "give its record c=, a reduction, a view or a decomposition; or say with by_kernel= why a "
        "plan runs its kernel whole"
    )


def test_a_forgotten_row_is_seen() -> None:
    def test_of_no_executor(xp: object, x: object, /) -> object:
        return x

    try:
        assert missing(Primitive(test_of_no_executor)) == ["NumPy", "the loops of a GPU"]
        assert not missing(Primitive(test_of_no_executor, by_kernel="it is a test"))
    finally:
        del registry["test_of_no_executor"]


# What takes the name of a function or a method of NumPy's, not that of an operation.
WRITES = {"call", "Method"}


def quoted(text: str) -> Iterator[str]:
    """Yield the names of primitives that a file quotes, but for the calls that it writes."""
    tree = ast.parse(text)
    written = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in WRITES
        for argument in node.args
        for part in ast.walk(argument)
        if not isinstance(part, ast.Compare)
    }
    for node in ast.walk(tree):
        found = isinstance(node, ast.Constant) and node.value
        named = isinstance(found, str) and isinstance(registry.get(found), Primitive)
        if named and id(node) not in written:
            yield f"line {getattr(node, 'lineno', 0)}: {found}"


@pytest.mark.parametrize("path", sorted(PLAN.rglob("*.py")), ids=lambda p: p.name)
def test_the_plan_knows_no_operation_by_name(path: Path) -> None:
    assert list(quoted(path.read_text())) == []


def test_a_quoted_name_is_seen() -> None:
    assert list(quoted('if step.primitive.name == "matmul": pass')) == ["line 1: matmul"]
    assert list(quoted('RULES = {"tanh": 1}')) == ["line 1: tanh"]
    assert list(quoted('writer.call("multiply", x, y)')) == []


@pytest.mark.parametrize("path", sorted((PLAN / "loops").glob("*.py")), ids=lambda p: p.name)
def test_loops_know_no_executor(path: Path) -> None:
    # They are for a GPU and for native code alike.
    for executor in ("cuda", "numpy"):
        assert f"plan.{executor}" not in path.read_text()
