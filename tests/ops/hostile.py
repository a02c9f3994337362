"""Names as outsiders may choose them: text that some reader takes for more than a name."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = [
    *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0", "\x1b[31m"),
    *('"""', "'''", '"', "'", "\\", "\\n", "\\N", "\\G", "\\l", '\\"', "\\\\"),
    *("{", "}", "{0}", "%s", "#", "<b>", "</svg>", "<", ">", "&", "&amp;", "&#10;", "]]>", "-->"),
    *("coding: utf-7", "*/", "//", "->", ";", "raise SystemExit(9)", "\nraise SystemExit(9)\n#"),
    *("\ud800", "\udcff", "\U0001f40e", "é", "\u202e", "\ufeff", "\ufffe", "\u3000", "  "),
    *("class", "1", ".", "/", "x" * 5000),
]
# Every name of the list is one that some program fell for.
NAMES = [
    *PIECES,
    *(f"a{piece}b" for piece in PIECES),
    *(f"{piece}raise SystemExit(9)" for piece in PIECES),
    "<<b>bold</b>>",
    "w\nraise SystemExit(9)",
    '"""\nraise SystemExit(9)\n"""',
    "# -*- coding: utf-7 -*-",
]
names = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=()), max_size=5),
    max_size=5,
).map("".join)
