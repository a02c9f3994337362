"""Labels of axes, as in einsum: which axis of an operand is which axis of a result.

>>> matmul.axes("...ij, ...jk -> ...ik", combine="sum")

Each letter is an axis, and `...` stands for leading axes that broadcast.  A small letter is an axis
whose positions know nothing of each other: what the operation makes of a part of that axis is the
same part of the result.  An axis with a capital letter is needed whole.  Where the result lacks a
small letter, `combine` says how the results of parts make up the result: "sum", "max" or "min".

From the labels follow where a cut axis goes (`passage`), and how an operation runs on a batch.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from autograd_iron.arrays import device

Label = Hashable


class Labels(NamedTuple):
    """The labels of all axes of one call.

    An axis that is needed whole, is stretched, or is made by the operation has the label None.  A
    label that results alone have is an axis along which an operand is repeated.

    Attributes
    ----------
    operands : tuple of tuple of labels
        Those of each operand; a number and None have no axes.
    outputs : tuple of tuple of labels
        Those of each result; one tuple alone is that of every result.
    combine : "sum", "max", "min" or None
        How the results of parts of an axis make up a result that lacks the label of that axis.
    leads : tuple of (int or None), or None
        How many axes of each operand `...` stands for, None for an operand without `...`; None
        alone: the labels are those of no text.
    """

    operands: tuple[tuple[Label, ...], ...]
    outputs: tuple[tuple[Label, ...], ...]
    combine: str | None = None
    leads: tuple[int | None, ...] | None = None


def of_text(text: str, operands: Sequence[Any], combine: str | None = None) -> Labels:
    """Return the labels that a text like `"...ij, ...jk -> ...ik"` gives to operands.

    A text with one operand is for any number of operands.

    Parameters
    ----------
    operands : sequence
        Something with a shape for each array; numbers and None have no axes.

    Raises
    ------
    ValueError
        There are too few or too many operands, or axes of an operand, for the text.
    """
    return _of_shapes(text, tuple(getattr(x, "shape", None) for x in operands), combine)


@lru_cache(maxsize=1024)
def _of_shapes(text: str, shapes: tuple[Any, ...], combine: str | None) -> Labels:
    terms, made = _terms(text)
    if len(terms) == 1:
        terms *= len(shapes)
    if len(terms) != len(shapes):
        raise ValueError(f"{text!r} is for {len(terms)} operands, and there are {len(shapes)}")
    leads: list[tuple[int, ...]] = []
    for (dots, letters), shape in zip(terms, shapes, strict=True):
        count = 0 if shape is None else len(shape) - len(letters)
        if count < 0 or (count and not dots):
            raise ValueError(f"{text!r} does not name the axes of an operand of shape {shape}")
        leads.append(() if shape is None else shape[:count])
    joint = device.broadcast_shape(*leads) or ()
    found: list[tuple[Label, ...]] = []
    for (_, letters), shape, lead in zip(terms, shapes, leads, strict=True):
        first = len(joint) - len(lead)
        places = [first + i if n == joint[first + i] else None for i, n in enumerate(lead)]
        found.append(() if shape is None else (*places, *letters))
    everywhere = tuple(range(len(joint)))
    outputs = tuple((*(everywhere if dots else ()), *letters) for dots, letters in made)
    counts = tuple(
        len(lead) if dots else None for (dots, _), lead in zip(terms, leads, strict=True)
    )
    return Labels(tuple(found), outputs, combine, counts)


def check(text: str, combine: str | None) -> None:
    """Refuse a text that says nothing of what becomes of a letter that the results lack.

    Raises
    ------
    ValueError
        The text is none, or a small letter is lost that nothing combines.
    """
    operands, outputs = _terms(text)
    kept = {letter for _, letters in outputs for letter in letters}
    lost = {letter for _, letters in operands for letter in letters} - kept - {None}
    if lost and combine is None:
        names = ", ".join(sorted(map(str, lost)))
        raise ValueError(
            f"{text!r} loses {names}: give combine='sum' (or 'max', 'min') if results of parts of "
            "that axis combine so, or a capital letter if it is needed whole"
        )


_Term = tuple[bool, tuple[str | None, ...]]


@lru_cache(maxsize=256)
def _terms(text: str) -> tuple[tuple[_Term, ...], tuple[_Term, ...]]:
    """Return for each operand and each result whether it has `...`, and its letters."""
    sides = text.replace(" ", "").split("->")
    letters = text.translate(str.maketrans("", "", " .,->"))
    if len(sides) != 2 or (letters and not letters.isalpha()):
        raise ValueError(f"labels of axes look like '...ij, ...jk -> ...ik', not like {text!r}")

    def term(part: str) -> _Term:
        names = part.removeprefix("...")
        return names != part, tuple(name if name.islower() else None for name in names)

    operands, outputs = (tuple(map(term, side.split(","))) for side in sides)
    return operands, outputs


def aligned(*operands: Any, **_: Any) -> Labels:
    """Return the labels of an elementwise operation: all operands are aligned at the right."""
    return of_text("... -> ...", operands)


def passage(labels: Labels, cut: Sequence[int | None]) -> tuple[int | str, ...] | None:
    """Return what becomes of an axis along which operands are cut into parts.

    Parameters
    ----------
    cut : sequence of int or None
        The axis of each operand that is cut.

    Returns
    -------
    tuple of (int or str), or None
        For each result the axis that is then cut, or how the results of the parts make up the
        result: "sum", "max" or "min".  None: the operation needs the operands whole.
    """
    found = {own[a] for own, a in zip(labels.operands, cut, strict=True) if a is not None}
    if len(found) != 1 or None in found:
        return None
    (label,) = found
    for own, a in zip(labels.operands, cut, strict=True):
        if own.count(label) != (a is not None):
            return None
    answers: list[int | str] = []
    for made in labels.outputs:
        count = made.count(label)
        answer = made.index(label) if count == 1 else None if count else labels.combine
        if answer is None:
            return None
        answers.append(answer)
    return tuple(answers)
