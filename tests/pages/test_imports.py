"""Imports run downhill, and `import autograd_iron` stays light."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autograd_iron as ai

REPOSITORY = Path(__file__).resolve().parents[2]

FLOORS = {
    "autograd_iron.support": 0,
    "autograd_iron.arrays": 0,
    "autograd_iron.core": 1,
    "autograd_iron.ops": 2,
    "autograd_iron.extend": 2,
    "autograd_iron.fft": 2,
    "autograd_iron.signal": 2,
    "autograd_iron.linalg": 2,
    "autograd_iron.random": 2,
    "autograd_iron.special": 2,
    "autograd_iron.stats": 2,
    "autograd_iron.transforms": 3,
    "autograd_iron.tools": 3,
    "autograd_iron.plan": 4,
    "nn": 5,
    "examples": 6,
}
FRONT_DOOR = "autograd_iron"  # its __init__ gathers floors 0 to 4, and is imported from above them
FRONT_DOOR_FLOOR = 4
ARRAY_PACKAGES = {
    "numpy": {
        *(
            "autograd_iron.arrays.cpu",
            "autograd_iron.arrays.cuda",
            "autograd_iron.arrays.addressing",
            "autograd_iron.arrays.device",
            "autograd_iron.arrays.intake",
            "autograd_iron.arrays.dtypes",
        ),
        *("nn.training.checkpoint", "nn.data.batches"),
    },
    "cupy": {"autograd_iron.arrays.cuda"},
}


def floor_of(module: str) -> int | None:
    if module == FRONT_DOOR:
        return FRONT_DOOR_FLOOR
    return next((FLOORS[name] for name in FLOORS if f"{module}.".startswith(f"{name}.")), None)


def module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def type_checking_nodes(tree: ast.AST) -> set[ast.AST]:
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[ast.AST, list[str]]]:
    """Each import, at the top or inside a function, as the dotted names that it may load."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, [alias.name]
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: None if is_package else -1]
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *filter(None, [node.module])])
            for alias in node.names:
                yield node, [f"{base}.{alias.name}", base]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"__import__", "import_module", "importlib.import_module"}
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node, [str(node.args[0].value)]


def offences(root: Path) -> list[str]:
    """Every import under `root` that runs uphill or reaches for arrays where it may not."""
    found = []
    paths = [
        path for top in ("autograd_iron", "nn", "examples") for path in (root / top).rglob("*.py")
    ]
    existing = {module_name(path, root) for path in paths}
    for path in sorted(paths):
        module = module_name(path, root)
        floor = floor_of(module)
        if floor is None:
            found.append(f"{module} stands on no floor: give it one in FLOORS")
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = type_checking_nodes(tree)
        for node, names in imports(tree, module, path.name == "__init__.py"):
            line = f"{path.relative_to(root)}:{node.lineno}"
            # `from package import name` loads the module package.name only where there is one.
            target = next((name for name in names if name in existing), names[-1])
            package = target.split(".")[0]
            if package in ARRAY_PACKAGES and not (
                module.startswith("examples.")
                or module in ARRAY_PACKAGES[package]
                or node in for_types
            ):
                found.append(f"{line}: {module} imports {package}: arrays come from the device")
            target_floor = floor_of(target)
            if target == FRONT_DOOR and module.startswith(f"{FRONT_DOOR}."):
                found.append(f"{line}: {module} imports {FRONT_DOOR}, which gathers it")
            elif target_floor is not None and target_floor > floor:
                found.append(
                    f"{line}: {module} (floor {floor}) imports {target} (floor {target_floor})"
                )
    return found


def test_imports_run_downhill() -> None:
    assert offences(REPOSITORY) == []


@pytest.mark.parametrize(
    ("path", "source", "offence"),
    [
        ("autograd_iron/core/tensor.py", "import nn", "tensor (floor 1) imports nn (floor 5)"),
        ("autograd_iron/__init__.py", "import nn.layers", "autograd_iron (floor 4) imports nn"),
        (
            "autograd_iron/core/graph.py",
            "from ..ops import random",
            "imports autograd_iron.ops.random",
        ),
        (
            "autograd_iron/core/graph.py",
            "from autograd_iron.tools import draw",
            "imports autograd_iron.tools.draw",
        ),
        (
            "autograd_iron/ops/random.py",
            "from ..tools.draw import f",
            "imports autograd_iron.tools.draw",
        ),
        ("autograd_iron/ops/random.py", "from .. import f", "which gathers it"),
        ("autograd_iron/plan/tiles.py", "import autograd_iron", "which gathers it"),
        ("autograd_iron/ops/random.py", "def f():\n    import nn", "imports nn"),
        ("autograd_iron/arrays/device.py", "import_module('nn')", "imports nn"),
        ("autograd_iron/ops/random.py", "import numpy as np", "imports numpy"),
        ("autograd_iron/ops/random.py", "from numpy.linalg import norm", "imports numpy"),
        ("autograd_iron/tools/draw.py", "def f():\n    import cupy", "imports cupy"),
        ("nn/layers/linear.py", "import numpy", "nn.layers.linear imports numpy"),
        ("nn/training/checkpoint.py", "import cupy", "nn.training.checkpoint imports cupy"),
        ("nn/layers/linear.py", "from examples import xor", "imports examples.xor (floor 6)"),
        ("autograd_iron/helpers.py", "", "autograd_iron.helpers stands on no floor"),
    ],
)
def test_an_uphill_import_is_named(tmp_path: Path, path: str, source: str, offence: str) -> None:
    for file in (
        "autograd_iron/tools/draw.py",
        "autograd_iron/ops/random.py",
        "examples/xor.py",
        path,
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / path).write_text(source)
    [found] = offences(tmp_path)
    assert offence in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("autograd_iron/__init__.py", "from .plan import compile\nfrom autograd_iron import ops"),
        (
            "autograd_iron/tools/draw.py",
            "from ..core.tensor import Tensor\nfrom ..ops.shapes import reshape",
        ),
        ("autograd_iron/arrays/cuda.py", "import numpy as np\ndef f():\n    import cupy"),
        (
            "autograd_iron/ops/random.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        ),
        (
            "nn/training/checkpoint.py",
            "import numpy as np\nimport autograd_iron as ai\nfrom .. import data",
        ),
        ("examples/xor.py", "import numpy as np\nimport nn\nimport autograd_iron as ai"),
    ],
)
def test_a_downhill_import_passes(tmp_path: Path, path: str, source: str) -> None:
    for file in ("autograd_iron/ops/random.py", "autograd_iron/plan/__init__.py", path):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / path).write_text(source)
    assert offences(tmp_path) == []


def python(source: str, **environment: str) -> str:
    command = [sys.executable, "-c", source]
    return subprocess.run(
        command, env=os.environ | environment, check=True, capture_output=True, text=True
    ).stdout


def loaded(source: str, **environment: str) -> set[str]:
    """Return the modules that a new interpreter has loaded after it ran this."""
    report = "import json, sys; print(json.dumps(list(sys.modules)))"
    return set(json.loads(python(f"{source}\n{report}", **environment)))


def test_import_loads_no_optional_package(tmp_path: Path) -> None:
    optional = ["cupy", "graphviz", "matplotlib", "ml_dtypes", "pygraphviz", "scipy", "tqdm"]
    for name in optional:  # stand-ins, so that a guarded import of a missing package shows too
        (tmp_path / f"{name}.py").touch()
    found = loaded("import nn", PYTHONPATH=str(tmp_path))
    assert "autograd_iron" in found
    assert found & set(optional) == set()


# `tests/benchmarks/imports.py` measures what it costs; these are the modules that would make it so.
@pytest.mark.parametrize(
    ("package", "allowed"), [("autograd_iron", {"gc", "threading"}), ("nn", {"gc", "threading"})]
)
def test_import_loads_little_but_numpy(package: str, allowed: set[str]) -> None:
    found = loaded(f"import {package}") - loaded("import numpy, __future__")
    others = {name for name in found if name.split(".")[0] not in ("autograd_iron", "nn")}
    # Their private parts, in C, are theirs.
    assert {name for name in others if not name.startswith("_")} <= allowed
    later = {"arrays.cpu", "arrays.cublas", "arrays.gpu", "plan", "support.files", "tools"}
    later |= {"fft", "random", "signal", "special", "stats", "ops.special"}
    assert found & {f"autograd_iron.{name}" for name in later} == set()
    assert "nn.training" not in found
    if package == "autograd_iron":
        assert not {name for name in found if name.split(".")[0] == "nn"}


@pytest.mark.parametrize("word", ["primitive", "multiply_no_nan", "guard", "each_time"])
def test_words_for_extending_stand_apart_and_are_told_of(word: str) -> None:
    with pytest.raises(AttributeError, match=rf"autograd_iron\.extend[.a-z]*\.{word} is a word"):
        getattr(ai, word)


@pytest.mark.parametrize("package", ["autograd_iron", "nn"])
def test_every_public_name_is_found_however_it_is_asked_for(package: str) -> None:
    python(
        f"""if True:
        import importlib
        import {package} as package
        names = package.__all__
        assert set(names) <= set(dir(package)), set(names) - set(dir(package))
        for name in dir(package):
            getattr(package, name)
        found = {{name: getattr(package, name) for name in names}}
        given = {{}}
        exec("from {package} import *", given)  # into names of its own: `all` is one of them
        assert all(given[name] is found[name] for name in names)
        assert not hasattr(package, "no_such_name")
        try:
            from {package} import no_such_name
        except ImportError:
            pass
        """
    )
    python(f"from {package} import *")


@pytest.mark.parametrize(
    "source",
    [
        "from autograd_iron import check_grads, compile, draw_graph",
        "import autograd_iron.plan.compiled; autograd_iron.compile",
        "import autograd_iron as ai; ai.special, ai.stats, ai.fft",
        "from autograd_iron import fft, special, stats",
        "from nn import Checkpoints, CheckpointError, CosineDecay, Run, fit",
        "import nn.training.fit; nn.fit",
        "from typing import get_type_hints; import nn; get_type_hints(nn.fit)",
    ],
)
def test_what_is_imported_later_is_found_by_every_way(source: str) -> None:
    python(source)


INTERRUPTED = """
import os, sys
import numpy

OURS = tuple(os.path.join({home!r}, name, "") for name in ("autograd_iron", "nn"))


class Interrupt(BaseException):
    pass


def interrupted(work, at):
    "Run, with an interrupt at event number `at` of the packages' files; return how many came."
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        count += 1
        if count == at:
            raise Interrupt
        return trace

    try:
        sys.settrace(trace)
        work()
    except Interrupt:
        pass
    finally:
        sys.settrace(None)
    return count


def work():
    import nn
    import autograd_iron as ai

    nn.fit, nn.Checkpoints, ai.check_grads, ai.draw_graph
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    step = ai.compile(lambda x: ai.sum(model(x)))
    step(ai.ones((3, 2)))


def forked(at):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(write, str(interrupted(work, at)).encode())
            work()
            code = 0
        except BaseException as error:
            print(at, repr(error), file=sys.stderr)
        finally:
            os._exit(code)
    os.close(write)
    with open(read) as answer:
        count = int(answer.read() or 0)
    assert os.waitpid(child, 0)[1] == 0, at
    return count


events = forked(-1)
assert events > 1000, events
for i in range({times}):
    forked(1 + events * i // {times})
print("good")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("times", [8, pytest.param(400, marks=pytest.mark.slow)])
def test_an_interrupted_import_can_be_done_again(times: int) -> None:
    assert python(INTERRUPTED.format(home=str(REPOSITORY), times=times)) == "good\n"
