"""Third derivatives of ten operations of each family, beside finite differences."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from samples import COMPOSITES, FAMILIES, PRIMITIVES, Call, Samples, case_of, joined
from test_composites import found

import autograd_iron as ai

TEN = 10


def small(entry: Samples) -> Call | None:
    """Return the largest row of at most eight elements an array."""
    rows = [c for c in entry.calls if all(0 < math.prod(shape) <= 8 for shape in c.shapes)]
    return max(rows, key=lambda c: sum(map(math.prod, c.shapes)), default=None)


def function_of(path: str, row: Call) -> Callable[..., Any]:
    operation: Any = found(path) if path in COMPOSITES else PRIMITIVES[path]
    return lambda *given: joined(operation(*given, **row.attributes))


def chosen() -> Iterator[tuple[str, Samples, Call]]:
    """Yield ten of each family, by a hash of their names; those to which a gradient flows."""
    for family in FAMILIES:
        entries = {**family.SAMPLES, **getattr(family, "COMPOSITES", {})}
        count = 0
        for path in sorted(entries, key=lambda name: zlib.crc32(name.encode())):
            row = small(entries[path])
            if row is None or count == TEN:
                continue
            case = case_of(entries[path], row, f"{path} third")
            leaves = [ai.tensor(a, requires_grad=a.dtype.kind == "f") for a in case.arrays]
            output = function_of(path, row)(*leaves)
            if not output.requires_grad:
                continue
            try:
                ai.sum(output).backward()
            except NotImplementedError:  # an argument in which there is no closed form
                continue
            count += 1
            yield path, entries[path], row


ROWS = list(chosen())


@pytest.mark.parametrize(("path", "entry", "row"), ROWS, ids=[path for path, _, _ in ROWS])
def test_three_derivatives_are_finite_differences(path: str, entry: Samples, row: Call) -> None:
    arrays = case_of(entry, row, f"{path} third").arrays
    given = [np.asarray(a) for a in arrays]
    ai.check_grads(function_of(path, row), given, order=3, rtol=1e-3, atol=1e-5)


def test_there_are_ten_of_most_families() -> None:
    assert len(ROWS) > 100
