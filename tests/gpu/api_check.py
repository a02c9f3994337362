"""Which calls of the kernels CuPy does not have, said without a GPU and without CuPy.

`cupy_api.json` holds the signatures of what NumPy and CuPy both have.  With CuPy installed (it need
not find a GPU) this writes the table anew:

    python tests/gpu/api_check.py

A kernel is a function whose first parameter is called `xp`.  In it, `offences` finds: names and
keywords that CuPy lacks, methods of ufuncs that it refuses, and what makes the host wait, copy or
compute.  Only what is called on `xp` or on an array by name is judged: a finding is worth reading.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("cupy_api.json")
UFUNC_KEYWORDS = frozenset({"out", "dtype", "casting"})
UFUNC_METHODS = {"at": 3, "reduce": 5, "accumulate": 4}  # with how many positional parameters
WAITING_METHODS = frozenset({"item", "tolist", "tobytes", "get", "nonzero"})
HOST_FUNCTIONS = frozenset({"float", "int", "bool", "max", "min", "sorted", "list", "print"})
WAITING_HELPERS = frozenset({"all_finite"})  # of autograd_iron.arrays.device
NEEDS_DTYPE = {"zeros": 1, "ones": 1, "empty": 1, "full": 2, "eye": 3, "linspace": 5, "arange": 3}


@dataclass(frozen=True)
class Offence:
    """A call that CuPy does not take, or that makes the host wait."""

    path: str
    line: int
    source: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.complaint}\n    {self.source}"


# --- the table


def read_table() -> dict[str, Any]:
    """Return the signatures as committed."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def make_table() -> dict[str, Any]:
    """Return the signatures of the installed CuPy, of what NumPy has too."""
    import cupy
    import numpy

    names = sorted(n for n in set(dir(cupy)) & set(dir(numpy)) if not n.startswith("_"))
    callables = {n: getattr(cupy, n) for n in names if callable(getattr(cupy, n))}
    ufuncs = {n: f for n, f in callables.items() if isinstance(f, cupy.ufunc)}
    functions = {
        n: _signature(f)
        for n, f in callables.items()
        if n not in ufuncs and not isinstance(f, type)
    }
    methods = {
        n: _signature(getattr(cupy.ndarray, n))
        for n in sorted(set(dir(cupy.ndarray)) & set(dir(numpy.ndarray)))
        if not n.startswith("_")
    }
    return {
        "version": cupy.__version__,
        "ufuncs": {n: " ".join(_ufunc_methods(f)) for n, f in ufuncs.items()},
        "functions": {n: s for n, s in functions.items() if s is not None},
        "methods": {n: s for n, s in methods.items() if s is not None},
        "attributes": sorted(n for n, s in methods.items() if s is None),
        "types": [n for n in names if n not in functions and n not in ufuncs],
    }


def _ufunc_methods(function: Any) -> Iterator[str]:
    if function._scatter_op:
        yield "at"
    if function.name in ("cupy_add", "cupy_multiply"):
        yield from ("reduce", "accumulate")


def _signature(function: Any) -> str | None:
    """Return the parameters as text: from the function, or from the docstring that Cython wrote."""
    try:
        found = inspect.signature(function)
        plain = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
        return str(inspect.Signature([p for p in plain if p.name != "self"]))[1:-1]
    except (TypeError, ValueError):
        written = re.match(r"[\w.]+\((.*?)\)", function.__doc__ or "", re.DOTALL)
        if written is None:
            return None
    parts = [part.strip().split(" ")[-1] for part in written[1].split(",")]
    return ", ".join(part for part in parts if part != "self")


def write_table() -> None:
    """Write the table anew, a name a line."""
    TABLE.write_text(json.dumps(make_table(), indent=1) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Parameters:
    """What a signature of the table takes."""

    positional: float
    keywords: frozenset[str]
    any_keyword: bool

    @staticmethod
    def of(signature: str) -> Parameters:
        signature = re.sub(r"<class '(\w+)'>", r"\1", signature)
        (function,) = ast.parse(f"def f({signature}): pass").body
        assert isinstance(function, ast.FunctionDef)
        arguments = function.args
        named = [*arguments.args, *arguments.kwonlyargs]
        return Parameters(
            float("inf") if arguments.vararg else len(arguments.posonlyargs + arguments.args),
            frozenset(a.arg for a in named),
            arguments.kwarg is not None,
        )


# --- the check


class KernelCheck(ast.NodeVisitor):
    """Walks one kernel."""

    def __init__(self, table: dict[str, Any], arrays: set[str]) -> None:
        self.table, self.arrays = table, arrays
        self.found: list[tuple[ast.expr | ast.stmt, str]] = []

    def say(self, node: ast.expr | ast.stmt, complaint: str) -> None:
        self.found.append((node, complaint))

    def is_array(self, node: ast.AST) -> bool:
        """Return whether an expression is an array, as far as names tell."""
        if isinstance(node, ast.Name):
            return node.id in self.arrays
        if isinstance(node, ast.Subscript):
            return self.is_array(node.value)
        if isinstance(node, ast.BinOp):
            return self.is_array(node.left) or self.is_array(node.right)
        if isinstance(node, ast.UnaryOp):
            return self.is_array(node.operand)
        if isinstance(node, ast.Compare):
            identity = all(isinstance(op, ast.Is | ast.IsNot | ast.In) for op in node.ops)
            return not identity and any(map(self.is_array, [node.left, *node.comparators]))
        if isinstance(node, ast.Call):
            name = self.word(node.func)
            if name is not None:
                return name.partition(".")[0] in self.table["ufuncs"] | self.table["functions"]
            return isinstance(node.func, ast.Attribute) and self.is_array(node.func.value)
        return False

    def word(self, node: ast.AST) -> str | None:
        """Return `add.reduce` of `xp.add.reduce`."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        return ".".join(reversed(parts)) if isinstance(node, ast.Name) and node.id == "xp" else None

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name) and self.is_array(node.value):
                self.arrays.add(target.id)
            self._check_write(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        self._check_write(node.target)

    def _check_write(self, target: ast.expr) -> None:
        parts = [target.value, target.slice] if isinstance(target, ast.Subscript) else []
        if parts and all(map(self.is_array, parts)):
            self.say(target, "a write through a mask waits for the device: use xp.where")
        if isinstance(target, ast.Attribute) and ast.unparse(target).endswith("flags.writeable"):
            self.say(target, "CuPy's flags have no writeable")

    def visit_If(self, node: ast.If) -> None:
        if "xp is numpy" in ast.unparse(node.test):
            for other in node.orelse:
                self.visit(other)
            return
        self.visit_IfExp(node)

    def visit_IfExp(self, node: ast.If | ast.IfExp | ast.While) -> None:
        self._check_truth(node.test)
        self.generic_visit(node)

    visit_While = visit_IfExp

    def _check_truth(self, test: ast.expr) -> None:
        for part in test.values if isinstance(test, ast.BoolOp) else [test]:
            part = part.operand if isinstance(part, ast.UnaryOp) else part
            if self.is_array(part):
                self.say(part, "the truth of an array waits for the device")

    def visit_Call(self, node: ast.Call) -> None:
        name = self.word(node.func)
        if name is not None:
            self._check_word(node, name)
        elif isinstance(node.func, ast.Attribute):
            self._check_attribute(node, node.func)
        elif ast.unparse(node.func) in HOST_FUNCTIONS and any(map(self.is_array, node.args)):
            self.say(node, f"{ast.unparse(node.func)}() of an array waits for the device")
        self.generic_visit(node)

    def _check_word(self, node: ast.Call, name: str) -> None:
        head, _, method = name.partition(".")
        ufuncs, functions = self.table["ufuncs"], self.table["functions"]
        if head in ufuncs and not method:
            self._check_arguments(node, f"xp.{name}", Parameters(4, UFUNC_KEYWORDS, False))
        elif head in ufuncs:
            if method not in ufuncs[head].split():
                self.say(node, f"xp.{name} is not in CuPy {self.table['version']}")
            elif len(node.args) > UFUNC_METHODS[method]:
                self.say(node, f"xp.{name} takes fewer arguments in CuPy")
            for keyword in {k.arg for k in node.keywords} & {"where", "initial"}:
                self.say(node, f"xp.{name} has no {keyword}= in CuPy")
        elif name in functions:
            self._check_arguments(node, f"xp.{name}", Parameters.of(functions[name]))
            given = {keyword.arg for keyword in node.keywords}
            if name in NEEDS_DTYPE and "dtype" not in given and len(node.args) <= NEEDS_DTYPE[name]:
                self.say(node, f"xp.{name} without a dtype makes float64")
        elif name not in self.table["types"]:
            self.say(node, f"xp.{name} is not in CuPy {self.table['version']}")
        numbers = all(isinstance(argument, ast.Constant) for argument in node.args)
        if head in ufuncs and not method and node.args and numbers:
            self.say(node, f"xp.{name} of a number is a float64 array: use math.{name}")

    def _check_attribute(self, node: ast.Call, function: ast.Attribute) -> None:
        name = function.attr
        if isinstance(function.value, ast.Name) and function.value.id == "device":
            if name in WAITING_HELPERS:
                self.say(node, f"device.{name} asks the device and waits for its answer")
            return
        if isinstance(function.value, ast.Name) and function.value.id == "math":
            if any(map(self.is_array, node.args)):
                self.say(node, f"math.{name} of an array waits for the device")
            return
        if not self.is_array(function.value):
            return
        if name in WAITING_METHODS:
            self.say(node, f".{name}() waits for the device")
        elif name in self.table["methods"]:
            self._check_arguments(node, f".{name}", Parameters.of(self.table["methods"][name]))
        else:
            self.say(node, f"arrays have no .{name}() in CuPy {self.table['version']}")

    def _check_arguments(self, node: ast.Call, name: str, takes: Parameters) -> None:
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in takes.keywords and not takes.any_keyword:
                self.say(node, f"{name} has no {keyword.arg}= in CuPy {self.table['version']}")
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if len(node.args) > takes.positional and not starred:
            self.say(node, f"{name} takes at most {takes.positional} positional arguments in CuPy")


def kernels(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield the functions that are given an array module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = [*node.args.posonlyargs, *node.args.args][:1]
            if first and first[0].arg == "xp":
                yield node


def array_parameters(kernel: ast.FunctionDef) -> set[str]:
    """Return the parameters that are arrays: positional-only, or all if none is marked so."""
    arguments = kernel.args
    marked = arguments.posonlyargs[1:] if arguments.posonlyargs else arguments.args[1:]
    names = {argument.arg for argument in marked}
    return names | ({arguments.vararg.arg} if arguments.vararg else set()) - {"shape", "dtype"}


def offences(source: str, path: str = "") -> list[Offence]:
    """Return what the kernels in a source ask for that CuPy does not take."""
    table, lines = read_table(), source.splitlines()
    found = []
    for kernel in kernels(ast.parse(source)):
        check = KernelCheck(table, array_parameters(kernel))
        check.visit(kernel)
        for node, complaint in check.found:
            line = node.lineno
            found.append(Offence(path, line, lines[line - 1].strip(), complaint))
    return found


if __name__ == "__main__":
    write_table()
