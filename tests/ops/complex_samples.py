"""Calls with complex arrays: of the samples that say `complex=True`.

A complex array is one of the samples with an imaginary part from the same domain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from samples import COMPOSITES, PRIMITIVES, SAMPLES, case_of, joined
from sampling import Array, Call, Samples
from test_composites import found

import autograd_iron as ai

ROWS = 4  # of each entry


@dataclass
class Tried:
    """A call with complex arrays: the function, and the answer from elsewhere."""

    function: Callable[..., Any]
    attributes: dict[str, Any]
    arrays: list[Array]
    elsewhere: Callable[..., Any]

    @property
    def wide(self) -> list[ai.Tensor]:
        return [ai.asarray(a) for a in self.arrays]

    @property
    def narrow(self) -> list[ai.Tensor]:
        names = {"c": "complex64", "f": "float32"}
        return [ai.asarray(a.astype(names.get(a.dtype.kind, a.dtype))) for a in self.arrays]


ENTRIES: dict[str, Samples] = {
    name: entry for table in (SAMPLES, COMPOSITES) for name, entry in table.items() if entry.complex
}


def complex_arrays(name: str, row: Call) -> list[Array]:
    """Return the arrays of a row, those of floats with imaginary parts."""
    entry = ENTRIES[name]
    real, other = (case_of(entry, row, f"{name} {row} {part}") for part in ("real", "imaginary"))
    return [
        np.asarray(a + 0.5j * (b - (0 if entry.around is None or i else entry.around(b.shape))))
        if a.dtype.kind == "f"
        else a
        for i, (a, b) in enumerate(zip(real.arrays, other.arrays, strict=True))
    ]


def tries(name: str) -> list[Tried]:
    """Return some of the rows that have elements, with complex arrays."""
    entry = ENTRIES[name]
    word = PRIMITIVES[name] if name in SAMPLES else found(name)

    def of(row: Call) -> Tried:
        attributes = dict(row.attributes)
        if "dtype" in attributes:
            attributes["dtype"] = "complex128"
        return Tried(
            lambda *given: joined(word(*given, **attributes)),
            attributes,
            complex_arrays(name, row),
            lambda *given: np.asarray(entry.elsewhere(*given, **attributes)),
        )

    filled = [row for row in entry.calls if all(0 not in shape for shape in row.shapes)]
    chosen = sorted({i * (len(filled) - 1) // (ROWS - 1) for i in range(ROWS)})
    return [of(filled[i]) for i in chosen]
