"""Pictures as CSV files: a line for each pixel."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from decimal import Context, Decimal
from pathlib import Path

import numpy as np

from autograd_iron.files import read_regular
from reconstruct.pictures import Picture, UserError, write_whole

# Ink in the one column, 1 is black; light in the three, 1, 1, 1 is white.
GREY_HEADER = ["x", "y", "pixel_value"]
COLOUR_HEADER = ["x", "y", "r", "g", "b"]
LONGEST = 1_000_000  # pixels along one side
# One minus the smallest float32 has 54 digits.
EXACT = Context(prec=64)

# What `float` reads, but for its infinities, its underscores and the digits of other alphabets.
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?\s*", re.ASCII | re.IGNORECASE)


def write_csv(picture: Picture, path: Path) -> None:
    """Write one line for each pixel, row by row; `read_csv` reads it back exactly.

    Raises
    ------
    UserError
        There is such a file already, or it cannot be written.
    """
    colour = picture.channels == 3
    lines = [",".join(COLOUR_HEADER if colour else GREY_HEADER)]
    for y, row in enumerate(picture.ink):
        for x, pixel in enumerate(row):
            values = (_light(ink) if colour else _shortest(ink) for ink in pixel)
            lines.append(f"{x},{y},{','.join(values)}")
    write_whole(path, ("\n".join(lines) + "\n").encode(), replace=False)


def read_csv(path: str) -> np.ndarray:
    """Return the ink, (height, width, 1 or 3) float32.

    Raises
    ------
    UserError
        There is a mistake in it.
    OSError
        The file cannot be read, or is a pipe or a device.
    """
    found: dict[tuple[int, int], tuple[list[float], int]] = {}
    last_line = channels = 0
    for line, x, y, ink in _rows(path):
        if (x, y) in found:
            raise UserError(
                f"{path}, line {line}: the pixel x={x}, y={y} comes a second time, after line "
                f"{found[x, y][1]}"
            )
        found[x, y] = ink, line
        last_line, channels = line, len(ink)
    if not found:
        raise UserError(f"{path}, line 1: there are no pixels below the header")
    width = 1 + max(x for x, _ in found)
    height = 1 + max(y for _, y in found)
    if len(found) < width * height:
        grid = ((x, y) for y in range(height) for x in range(width))
        x, y = next(pixel for pixel in grid if pixel not in found)
        raise UserError(
            f"{path} ends at line {last_line} without the pixel x={x}, y={y}: {width} x {height} "
            f"pixels need {width * height:,} lines, and there are {len(found):,}"
        )
    picture = np.empty((height, width, channels), dtype=np.float32)
    for (x, y), (ink, _) in found.items():
        picture[y, x] = ink
    return picture


def _shortest(value: np.float32) -> str:
    return str(int(value)) if value in (0.0, 1.0) else str(value)


def _light(ink: np.float32) -> str:
    return format(EXACT.subtract(1, Decimal(_shortest(ink))), "f")


def _rows(path: str) -> Iterator[tuple[int, int, int, list[float]]]:
    """Yield the line number, x, y and ink of each line below the header."""
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        names = [name.strip() for name in next(reader, [])]
        header = _header(path, names)
        columns = [names.index(name) for name in header]
        for row in reader:
            if not row:
                continue
            if len(row) != len(names):
                raise UserError(
                    f"{path}, line {reader.line_num}: {len(names)} values are needed, and "
                    f"there are {len(row)}"
                )
            where = f"{path}, line {reader.line_num}"
            yield reader.line_num, *_pixel(where, header, [row[column] for column in columns])
    except csv.Error:
        line = reader.line_num + 1
        raise UserError(f"{path}, line {line}: this is not the text of a CSV file") from None


def _text(path: str) -> str:
    content = read_regular(Path(path))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or 4 * content.count(0) > len(content):
        raise UserError(f"{path} is not text in UTF-8, but seems to be in UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + content.count(b"\n", 0, error.start)
        raise UserError(
            f"{path}, line {line}: this is not the text of a CSV file in UTF-8: if it is text in "
            f"Latin-1, say, save it as UTF-8"
        ) from None


def _header(path: str, names: list[str]) -> list[str]:
    """Return the columns that hold the pixels."""
    header = COLOUR_HEADER if "pixel_value" not in names and "r" in names else GREY_HEADER
    if missing := [name for name in header if name not in names]:
        raise UserError(
            f"{path}, line 1: the header has no {' and no '.join(missing)}; it must be "
            f"{','.join(header)}"
        )
    if set(COLOUR_HEADER) | set(GREY_HEADER) <= set(names):
        raise UserError(f"{path}, line 1: the header has both pixel_value and r,g,b: leave one out")
    for name in header:
        if names.count(name) > 1:
            raise UserError(f"{path}, line 1: the header has {name} {names.count(name)} times")
    return header


def _pixel(where: str, header: list[str], texts: list[str]) -> tuple[int, int, list[float]]:
    x, y = (_number(text) for text in texts[:2])
    for name, text, number in zip(header, texts, (x, y), strict=False):
        if not (0 <= number < LONGEST and number.is_integer()):
            raise UserError(
                f"{where}: {name} is {text!r}, not a whole number from 0 to {LONGEST - 1:,}"
            )
    colour = header == COLOUR_HEADER
    for name, text in zip(header[2:], texts[2:], strict=True):
        if not 0 <= _number(text) <= 1:
            scale = "0 to 1, which is full light" if colour else "0, white, to 1, black"
            raise UserError(f"{where}: {name} is {text!r}, not a number from {scale}")
    if colour:
        return (
            int(x),
            int(y),
            [float(EXACT.subtract(1, Decimal(text.strip()))) for text in texts[2:]],
        )
    return int(x), int(y), [_number(texts[2])]


def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text) else math.nan
