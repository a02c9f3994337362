"""Names are data: what a user calls something never becomes a part of a program's text."""

from __future__ import annotations

import keyword
import re

LONGEST = 200


def visible(name: object) -> str:
    """Return a name as one line that shows it: for comments, docstrings, labels and prints.

    What does not print (line breaks of every kind, control characters, lone surrogates, marks that
    turn the direction of writing) is written as Python escapes it, and the middle of a name of more
    than 200 characters is left out.
    """
    text = str(name)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
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
