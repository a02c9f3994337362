"""Names are data: what a user calls something never becomes a part of a program's text.

A number does, but as its value, not as what its type prints.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

LONGEST = 200


def visible(name: object) -> str:
    """Return a name as one line that shows it: for comments, docstrings, labels and prints.

    It is `printable`, and the middle of a name of more than 200 characters is left out.
    """
    text = str(name)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
    return printable(text)


def printable(text: str) -> str:
    """Return the text in one line, with what does not print written as Python escapes it.

    That is line breaks of every kind, control characters, lone surrogates, and marks that turn the
    direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def docstring(text: str) -> str:
    """Return text as it stands between triple quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def identifier(name: object) -> str:
    """Return a name with which a program can call something; different names may become one."""
    word = re.sub(r"\W", "_", str(name)[:LONGEST], flags=re.ASCII)
    return word if word.isidentifier() and not keyword.iskeyword(word) else f"_{word}"


def number_text(number: Any) -> str:
    """Return a number, or an array of one, as Python reads it, whichever type it is of."""
    if hasattr(number, "dtype"):
        number = number.item()
    if isinstance(number, bool):
        return str(number)
    if isinstance(number, int):
        return int.__repr__(number)
    if isinstance(number, float):
        text = float.__repr__(number)
        return f"float('{text}')" if "inf" in text or "nan" in text else text
    if isinstance(number, complex):  # not re + imj: a sum loses the sign of a zero
        return f"complex({number_text(number.real)}, {number_text(number.imag)})"
    raise TypeError(f"a number was expected, not {type(number).__name__}")
