"""Kernels and gradient rules use only what CuPy has, and never make the host wait or copy."""

from __future__ import annotations

import os
import sys
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from samples import ON_GPU, PRIMITIVES, SAMPLES, fixed_case, some_rows

from autograd_iron.arrays import device
from autograd_iron.core.index import Index
from autograd_iron.core.registry import raw
from autograd_iron.ops.linalg.kernels import BY_SCIPY_ON_HOST

from . import api_check
from . import strict_cupy as cp
from .api_check import offences

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SOURCES = [
    path
    for package in ("autograd_iron", "nn")
    for path in sorted((REPOSITORY / package).rglob("*.py"))
]

# What looks like an offence and is none, by file and line.  It can only shrink.
KNOWN = {
    # On a GPU it answers without looking.
    ("autograd_iron/ops/elementwise/arithmetic.py", "if device.all_finite(product):"),
    ("autograd_iron/ops/linalg/kernels.py", "if device.all_finite(made):"),
    (
        "autograd_iron/ops/linalg/kernels.py",
        "if xp is device.host and ((y == 0) & (x != 0)).any():",
    ),
    ("autograd_iron/ops/indexing/updates.py", "if (hits > 1).any():"),
    # A number's sign and an array's dtype.
    (
        "autograd_iron/ops/elementwise/arithmetic.py",
        'if isinstance(p, int) and p < 0 and getattr(x, "dtype", dtypes.bool_).kind in "iu":',
    ),
    # A number of an attribute.
    ("autograd_iron/ops/windows/convolution.py", "and math.prod(stride) == dilation[0] == 1"),
    (
        "autograd_iron/ops/windows/convolution.py",
        "if dilation[0] == 1 and rows.serves(xp, kernel, count):",
    ),
    # CuPy's own, where it is known to be CuPy.
    ("autograd_iron/ops/random.py", "return xp.RawKernel(philox.kernel_text(dtype), kind)"),
    (
        "autograd_iron/arrays/device.py",
        "return _row_on_gpu(xp, count, dtype, xp.cuda.runtime.getDevice())",
    ),
}


@cache
def found_in_the_tree() -> set[tuple[str, str]]:
    return {
        (str(path.relative_to(REPOSITORY)), offence.source)
        for path in SOURCES
        for offence in offences(path.read_text(encoding="utf-8"))
    }


def test_kernels_ask_cupy_for_nothing_new() -> None:
    assert found_in_the_tree() - KNOWN == set()


def test_what_was_mended_is_off_the_list() -> None:
    assert KNOWN - found_in_the_tree() == set()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("xp.insert(x, 0, 1)", "xp.insert is not in CuPy"),
        ("xp.maximum.reduce(x)", "xp.maximum.reduce is not in CuPy"),
        ("xp.logical_or.reduce(x)", "xp.logical_or.reduce is not in CuPy"),
        ("xp.multiply.at(x, 0, y)", "xp.multiply.at is not in CuPy"),
        ("xp.add(x, y, where=x > 0)", "xp.add has no where="),
        ("xp.add(x, y, subok=True)", "xp.add has no subok="),
        ("xp.add.reduce(x, axis=0, initial=0)", "xp.add.reduce has no initial="),
        ("xp.sum(x, initial=0)", "xp.sum has no initial="),
        ("xp.max(x, where=y)", "xp.max has no where="),
        ("xp.take(x, y, mode='clip')", "xp.take has no mode="),
        ("xp.clip(x, min=0)", "xp.clip has no min="),
        ("xp.pad(x, 1, 'constant', 0)", "at most 3 positional"),
        ("x.sum(where=y)", ".sum has no where="),
        ("(x * y).max(initial=0)", ".max has no initial="),
        ("x.setflags(write=False)", "arrays have no .setflags()"),
        ("x.flags.writeable = False", "no writeable"),
        ("x.item()", ".item() waits"),
        ("xp.sum(x).tolist()", ".tolist() waits"),
        ("float(x.sum())", "float() of an array waits"),
        ("z = x + y; float(z)", "float() of an array waits"),
        ("max(x, y)", "max() of an array waits"),
        ("math.isfinite(xp.vdot(x, x))", "math.isfinite of an array waits"),
        ("device.all_finite(x)", "device.all_finite asks the device"),
        ("x[x < 0] = 0", "a write through a mask waits"),
        ("x[y > 0] += 1", "a write through a mask waits"),
        ("x = x if x > 0 else y", "the truth of an array waits"),
        ("while not xp.all(x): pass", "the truth of an array waits"),
        ("x * xp.sqrt(2.0)", "use math.sqrt"),
        ("xp.zeros(x.shape)", "without a dtype makes float64"),
        ("xp.full((), 1)", "without a dtype makes float64"),
    ],
)
def test_an_offence_is_named(line: str, complaint: str) -> None:
    [offence] = offences(f"def kernel(xp, x, y, /):\n    {line}\n", "ops.py")
    assert complaint in offence.complaint
    assert str(offence).startswith("ops.py:2: ")


@pytest.mark.parametrize(
    "line",
    [
        "xp.add.reduce(x, axis=0, keepdims=True)",
        "xp.add.at(x, 0, y)",
        "xp.zeros(x.shape, dtype=x.dtype)",
        "xp.full((), 1, x.dtype)",
        "x[0] += y",
        "x.astype('float32', copy=False)",
        "xp.concatenate((x, y), axis=0)",
        "xp.where(x > 0, 1.0, y)",
        "float(axis)",
        "math.prod(x.shape)",
        "x = x if x.ndim > 1 and y is not None else y",
        "xp.multiply(2.0, x)",
        "if xp is numpy:\n        x.flags.writeable = False",
    ],
)
def test_what_cupy_takes_passes(line: str) -> None:
    assert offences(f"def kernel(xp, x, y, /, axis=0):\n    {line}\n") == []


def test_other_functions_are_not_kernels() -> None:
    assert offences("def f(x):\n    return x.item()\n") == []


def test_the_table_is_of_the_cupy_that_is_pinned() -> None:
    assert api_check.read_table()["version"] == cp.__version__


@pytest.mark.skipif(os.environ.get("AI_GPU") != "sim", reason="needs the real CuPy: AI_GPU=sim")
def test_the_table_is_what_the_real_cupy_says() -> None:
    assert api_check.make_table() == api_check.read_table()


# --- every kernel and every rule, run


def on_device(index: Index) -> Index:
    """Return the index with its arrays on the device."""
    return Index(cp.asarray(part) if isinstance(part, np.ndarray) else part for part in index)


def masked(index: Index) -> bool:
    return any(isinstance(part, cp.ndarray) and part.dtype.kind == "b" for part in index)


ON_DEVICE = [n for n in ON_GPU if n != "to_device" and PRIMITIVES[n].by_kernel != BY_SCIPY_ON_HOST]


@pytest.mark.parametrize("name", ON_DEVICE)
def test_kernels_and_rules_stay_on_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd_iron.arrays.cuda.cupy", cp)  # the engine has met it
    for module, found in cp.modules().items():
        monkeypatch.setitem(sys.modules, module, found)
    primitive = PRIMITIVES[name]
    for row in some_rows(SAMPLES[name], "stays on the device"):
        case = fixed_case(name, row)
        host = [a.astype("f4") if a.dtype.kind == "f" else a for a in case.arrays]
        host += [None] * (primitive.arity - len(host))
        arrays = [None if a is None else cp.asarray(a) for a in host]
        attributes = primitive.defaults | dict(case.attributes)
        if "index" in attributes:
            attributes["index"] = Index.of(attributes["index"])
        moved = {k: on_device(v) if k == "index" else v for k, v in attributes.items()}
        if masked(moved.get("index", Index())):
            continue  # how much a mask selects, only the device knows: any answer waits
        with device.quiet():
            expected = primitive.kernel(np, *host, **attributes)
        with cp.forbid("h2d", "d2h", "sync"):
            y = primitive.kernel(cp, *arrays, **moved)
        pairs = zip(y, expected, strict=True) if isinstance(y, tuple) else [(y, expected)]
        for made, wanted in pairs:
            assert isinstance(made, cp.ndarray)
            assert (made.dtype, made.shape) == (wanted.dtype, wanted.shape)
            np.testing.assert_allclose(made.get(), wanted, rtol=1e-5, atol=1e-6)
        if isinstance(y, tuple) or y.dtype.kind != "f":
            continue  # rules of several outputs are run in test_eager
        g = cp.ones(y.shape, y.dtype)
        for i, array in enumerate(arrays):
            position = 0 if primitive.variadic else i
            rule = primitive.rules[position] if position < len(primitive.rules) else None
            if rule is None or array is None or hasattr(rule, "refuses"):
                continue
            if primitive.variadic:
                rule = partial(rule, argument=i)
            with cp.forbid("h2d", "d2h", "sync"):
                gradient = rule(raw(cp), g, y, *arrays, **moved)
            assert isinstance(gradient, cp.ndarray)
            assert gradient.dtype == (g.dtype if name == "astype" else array.dtype)
