"""Write the page of all operations, from the registry: `make stubs`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from autograd_iron.core.composite import Composite
from autograd_iron.core.primitive import Primitive

PAGE = Path(__file__).with_name("operations.md")
# What users write before an operation's name, and where the names are listed.
HOMES = {
    "ai": "autograd_iron",
    "ai.linalg": "autograd_iron.linalg",
    "ai.fft": "autograd_iron.fft",
    "ai.signal": "autograd_iron.signal",
    "ai.special": "autograd_iron.special",
    "ai.stats": "autograd_iron.stats",
    "nn.functional": "nn.functional",
}
HEAD = """# Operations

Every operation that users call, by family; written by `make stubs` from the operations' records,
so nothing here is typed by hand.

- **gradient**: *all orders* is one rule an array, in the engine's words, so it is differentiated
  like everything else; the arrays that no gradient flows to are left out. *composed*: it follows
  from the operations that this one is made of. *none*: nothing flows.
- **in a plan** (`ai.compile`): *fused* joins the loops of its neighbours on a GPU; *NumPy* writes
  one NumPy call into a planned buffer; *cut* means that rows (or other shared axes) are computed
  tile by tile, in cache; *taken apart* runs as the simpler operations that it is made of; *whole*
  runs its own kernel.
- **needs**: what it cannot do without, besides NumPy or CuPy. Everything runs on the CPU and on
  NVIDIA GPUs unless the text says otherwise.

Values at edges (0, infinities, NaN, ties, empty arrays): in the operation's own words below, and
in [edges](edges.md).

Not in the tables are functions of Python that are made of these: `nn.functional` in PyTorch's
names, `ai.stats` in those of `scipy.stats`, and `ai.random`. `help(nn.functional)` lists them.
"""


def homes() -> Iterator[tuple[str, ModuleType]]:
    """Yield how users write a module of operations, and the module."""
    for written, name in HOMES.items():
        yield written, import_module(name)


def families() -> dict[str, dict[int, tuple[list[str], Any]]]:
    """Return, per family, the operations by identity: what users write for each, and the object."""
    found: dict[str, dict[int, tuple[list[str], Any]]] = {}
    seen: dict[int, str] = {}
    for written, module in homes():
        for name in sorted(module.__all__):
            operation = getattr(module, name)
            if not isinstance(operation, Primitive | Composite):
                continue
            # What several modules offer stands where it was listed first.
            family = seen.setdefault(id(operation), f"{written}: {home(operation)}")
            names, _ = found.setdefault(family, {}).setdefault(id(operation), ([], operation))
            names.append(f"{written}.{name}")
    return found


def home(operation: Any) -> str:
    """Return the last words of the module that defines an operation."""
    return " ".join(str(operation.__module__).split(".")[-1].split("_"))


def gradient(operation: Any) -> str:
    """Say which arrays a gradient flows to."""
    if isinstance(operation, Composite):
        return "composed"
    if not operation.rules or all(rule is None for rule in operation.rules):
        return "none"
    if operation.variadic or all(operation.rules):
        return "all orders"
    arrays = [
        p.name
        for p in inspect.signature(operation).parameters.values()
        if p.kind is p.POSITIONAL_ONLY
    ]
    flows = [
        f"`{name}`" for name, rule in zip(arrays, operation.rules, strict=False) if rule is not None
    ]
    return f"all orders, {', '.join(flows)}"


def in_a_plan(operation: Any) -> str:
    """Say how a compiled step runs the operation."""
    if isinstance(operation, Composite):
        return "as its parts"
    facts = {
        "fused": operation.c is not None,
        "NumPy": operation.numpy is not None,
        "a view": operation.view_rule is not None,
        "cut": operation.axes_rule is not None,
        "taken apart": operation.decomposition is not None,
    }
    said = [fact for fact, holds in facts.items() if holds]
    return ", ".join(said) if said and said != ["cut"] else ", ".join(["whole", *said])


def needs(operation: Any) -> str:
    """Name the library that the kernel cannot do without."""
    function = operation.function if isinstance(operation, Composite) else operation.kernel
    code = getattr(function, "__code__", None)
    return "SciPy" if code is not None and "scipy" in code.co_names else ""


def first_sentence(operation: Any) -> str:
    """Return what a docstring says first, on one line of a table."""
    text = " ".join((inspect.getdoc(operation) or "").split("\n\n")[0].split())
    return text.removeprefix("Return ").replace("|", "\\|")


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    count = 0
    for family, operations in sorted(families().items()):
        written, what = family.split(": ")
        parts.append(f"\n## `{written}`: {what}\n")
        parts.append("| operation | what it returns | gradient | in a plan | needs |")
        parts.append("|---|---|---|---|---|")
        for names, operation in operations.values():
            count += 1
            shown = ", ".join(f"`{name}`" for name in names)
            facts = (first_sentence(operation), gradient(operation), in_a_plan(operation))
            parts.append(f"| {shown} | {' | '.join(facts)} | {needs(operation)} |")
    parts.insert(1, f"{count} operations.\n")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
