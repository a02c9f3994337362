"""Write the type stubs of the operations, from the registry: `make stubs`.

An operation is an object whose signature no editor can read.  The stubs beside the packages' files
say it as functions: parameters, defaults, what comes back, and the docstring.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import autograd_iron as ai
from autograd_iron.core import methods
from autograd_iron.core.composite import Composite
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import registry

PACKAGE = Path(ai.__file__).parent
STUBS = {
    PACKAGE / "__init__.pyi": ai,
    PACKAGE / "core" / "methods.pyi": methods,
    PACKAGE / "fft.pyi": ai.fft,
    PACKAGE / "signal.pyi": ai.signal,
    PACKAGE / "linalg.pyi": ai.linalg,
    PACKAGE / "special.pyi": ai.special,
}

# What an attribute of a name is, in every operation; any other is Any.
ATTRIBUTES = {
    "axis": "builtins.int | Sequence[builtins.int] | None",
    "axes": "builtins.int | Sequence[Any] | None",
    "shape": "builtins.int | Sequence[builtins.int]",
    "keepdims": "builtins.bool",  # there is a dtype of that name
    "k": "builtins.int",
    "device": "str | None",
}
# Values for those that must be given, so that each operation can be called once.
GIVEN = {
    "shape": (4, 4),
    "dtype": "float32",
    "axis": 0,
    "pad_width": 1,
    "indices_or_sections": (1,),
    "fill_value": 0,
    "indices": np.add.outer(np.arange(4), np.arange(4)) % 4,
    "k": 1,
    "kth": 1,
    "varargs": 1.0,
    "q": 0.5,
    "arrays": [np.ones((4, 4), "f4")] * 2,
    "axis1": 0,
    "axis2": 1,
    "destination": 1,
    "choices": [np.ones((4, 4), "f4")] * 4,
    "choicelist": [np.ones((4, 4), "f4")] * 2,
    "condition": np.ones(4, "?"),
    "condlist": [np.ones((4, 4), "?")] * 2,
    "funclist": [1.0, 2.0],
    "dims": (4, 4),
    "func1d": ai.sum,
    "multi_index": [[1, 2], [0, 3]],
    "n_rows": 2,
    "obj": 0,
    "segment_ids": np.zeros(4, "i8"),
    "window_shape": (2, 2),
    "new_shape": (2, 2),
    "repeats": 2,
    "reps": 2,
    "shift": 1,
    "source": 0,
    "subscripts": "ij",
}
HEAD = '''"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias
'''
OPERANDS = """
class _Array(Protocol):
    def __array__(self) -> Any: ...

TensorLike: TypeAlias = Tensor | _Array | Sequence[Any] | complex
"""


def stub(module: ModuleType) -> str:
    """Return the text of a module's stub."""
    if module is methods:
        return stub_of_methods()
    words = {name: getattr(module, name) for name in module.__all__}
    operations = {n: v for n, v in words.items() if isinstance(v, Primitive | Composite)}
    others = imports(module, words.keys() - operations.keys())
    if module is not ai:
        others = "from autograd_iron import Tensor, TensorLike\n"
    parts = [HEAD, others]
    if module is ai:
        parts += [f"\n__version__: str\nbfloat16: Any\n{OPERANDS}"]
    parts += [function(name, operation) for name, operation in sorted(operations.items())]
    return "\n".join(parts)


def stub_of_methods() -> str:
    """Return the stub of the methods of a Tensor that one table names."""
    parts = [HEAD, "from autograd_iron.core.tensor import Tensor\n", OPERANDS]
    parts += ["METHODS: dict[str, str]\nCASTS: dict[str, str]\n\nclass Methods:\n"]
    for name, operation in sorted(methods.METHODS.items()):
        text = function(name, registry[operation])
        # Its first operand is the tensor.
        text = re.sub(r"\(\w+: [^,)]*", "(self", text, count=1)
        parts.append(textwrap.indent(text, "    "))
    for name in methods.CASTS:  # last: these names are those of types
        doc = getattr(methods.Methods, name).__doc__
        parts.append(f'    def {name}(self) -> Tensor:\n        """{doc}"""\n')
    return "\n".join(parts)


def imports(module: ModuleType, names: Iterable[str]) -> str:
    """Return the imports of the module that bring these names, as those of a stub."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = []
    named: set[str] = {"bfloat16"}
    for home, listed in re.findall(
        r"^ *from (autograd_iron\S*) import (\([^)]*\)|.*)$", source, re.M
    ):
        brought = {name.strip() for name in listed.strip("()").split(",")} & set(names)
        if brought:
            lines.append(f"from {home} import " + ", ".join(f"{n} as {n}" for n in sorted(brought)))
            named |= brought
    for name in sorted(set(names) - named):  # of a family in `ops`, or a constant
        value = getattr(module, name)
        if isinstance(value, float | str | None):
            lines.append(f"{name}: {type(value).__name__ if value is not None else None}")
        elif isinstance(value, np.dtype):
            lines.append(f"{name}: Any")
        else:
            lines.append(f"from {value.__module__} import {name} as {name}")
    return "\n".join(lines)


def function(name: str, operation: Primitive | Composite) -> str:
    """Return an operation as a function without a body."""
    given = inspect.signature(operation)
    parameters = []
    for parameter in given.parameters.values():
        operand = isinstance(operation, Primitive) and parameter.kind is parameter.POSITIONAL_ONLY
        kind = ATTRIBUTES.get(parameter.name, "Any")
        if operand or parameter.name == "x":
            kind = "TensorLike"
        elif parameter.name == "arrays":
            kind = "Sequence[TensorLike]"
        if parameter.default is None and "None" not in kind and kind != "Any":
            kind += " | None"
        parameters.append(parameter.replace(annotation=_Text(kind)))
    signature = given.replace(parameters=parameters, return_annotation=_Text(returned(operation)))
    doc = textwrap.indent(f'"""{inspect.getdoc(operation)}\n"""', "    ")
    if "\n" not in (inspect.getdoc(operation) or ""):
        doc = f'    """{inspect.getdoc(operation)}"""'
    return f"def {name}{signature}:\n{doc}\n"


def returned(operation: Primitive | Composite) -> str:
    """Return the type of what a call gives, by calling the operation."""
    matrix = np.eye(4, dtype="f4") + 1
    made: Any = None  # one array, where none of these operands suits
    for operand in (matrix, np.ones((3, 3, 3), "f4"), np.ones(4, "f4"), matrix.astype("i8")):
        with suppress(ValueError, TypeError, IndexError), np.errstate(all="ignore"):
            made = called(operation, operand)
            break
    if isinstance(made, list):
        return "list[Tensor]"
    return "tuple[Tensor, ...]" if isinstance(made, tuple) else "Tensor"


def called(operation: Primitive | Composite, operand: Any) -> Any:
    """Return the result of a call with this operand, and with settings that suit."""
    args: list[Any] = []
    settings: dict[str, Any] = {}
    for parameter in inspect.signature(operation).parameters.values():
        if parameter.default is not parameter.empty:
            continue
        value = GIVEN.get(parameter.name, operand)
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            args.append(value)
        else:
            settings[parameter.name] = value
    return operation(*args, **settings)


class _Text:
    """An annotation that is shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def main() -> None:
    """Write the stubs."""
    for path, module in STUBS.items():
        path.write_text(stub(module), encoding="utf-8")


if __name__ == "__main__":
    main()
