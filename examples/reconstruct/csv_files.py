"""Pictures as CSV files: a line for each pixel."""

from __future__ import annotations

import csv
import io
import math
import re
from decimal import Context, Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np

from autograd_iron.support.files import read_regular
from reconstruct.pictures import Picture, UserError, write_whole

# Ink in the one column, 1 is black; light in the three, 1, 1, 1 is white.
GREY_HEADER = ["x", "y", "pixel_value"]
COLOUR_HEADER = ["x", "y", "r", "g", "b"]
LONGEST = 1_000_000  # pixels along one side
# One minus the smallest float32 has 54 digits.
EXACT = Context(prec=64)

LONGEST_SHOWN = 40  # letters of a value in a message

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

    What spreadsheets write is read too: semicolons or tabs, then with commas in the numbers, and
    lines and columns with nothing in them after the others.

    Raises
    ------
    UserError
        There is a mistake in it.
    OSError
        The file cannot be read, or is a pipe or a device.
    """
    header, lines, columns = _columns(path)
    if not lines:
        raise UserError(f"{path}, line 1: there are no pixels below the header")
    colour = header == COLOUR_HEADER
    numbers = np.array([[_number(text) for text in column] for column in columns])
    place, values = numbers[:2], numbers[2:]
    whole = (place >= 0) & (place < LONGEST) & (np.floor(place) == place)
    fits = np.concatenate([whole, (values >= 0) & (values <= 1)])
    if not fits.all():
        row = int(np.argmin(fits.all(axis=0)))
        column = int(np.argmin(fits[:, row]))
        expected = f"a whole number from 0 to {LONGEST - 1:,}"
        if column > 1:
            scale = "0 to 1, which is full light" if colour else "0, white, to 1, black"
            expected = f"a number from {scale}"
        raise UserError(
            f"{path}, line {lines[row]}: {header[column]} is {_shown(columns[column][row])}, not "
            f"{expected}"
        )
    x, y = place.astype(int)
    _check_grid(path, lines, x, y)
    if colour:
        values = np.array([[_dark(text) for text in column] for column in columns[2:]])
    picture = np.empty((y.max() + 1, x.max() + 1, len(values)), dtype=np.float32)
    picture[y, x] = values.T
    return picture


def _check_grid(path: str, lines: list[int], x: np.ndarray, y: np.ndarray) -> None:
    """Refuse a pixel that comes twice, and one that is missing."""
    pixels = y * LONGEST + x
    order = np.argsort(pixels, kind="stable")
    ordered = pixels[order]
    again = order[1:][ordered[1:] == ordered[:-1]]
    if len(again):
        row = int(again.min())
        before = int(np.argmax(pixels == pixels[row]))
        raise UserError(
            f"{path}, line {lines[row]}: the pixel x={x[row]}, y={y[row]} comes a second time, "
            f"after line {lines[before]}"
        )
    width, height = int(x.max()) + 1, int(y.max()) + 1
    if len(lines) < width * height:
        # They are in order, so that the first that is not where it belongs follows a gap.
        belongs = np.arange(len(lines))
        is_there = ordered == belongs // width * LONGEST + belongs % width
        gap = len(lines) if is_there.all() else int(np.argmin(is_there))
        raise UserError(
            f"{path} ends at line {lines[-1]} without the pixel x={gap % width}, "
            f"y={gap // width}: {width} x {height} pixels, counted from 0, need "
            f"{width * height:,} lines, and there are {len(lines):,}"
        )


def _shortest(value: np.float32) -> str:
    return str(int(value)) if value in (0.0, 1.0) else str(value)


def _light(ink: np.float32) -> str:
    return format(EXACT.subtract(1, Decimal(_shortest(ink))), "f")


@lru_cache(1 << 16)
def _dark(light: str) -> float:
    return float(EXACT.subtract(1, Decimal(light.strip())))


def _columns(path: str) -> tuple[list[str], list[int], list[list[str]]]:
    """Return the header, the numbers of the lines below it, and the texts of each column."""
    text = _text(path)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    content = io.StringIO(text, newline="")
    reader = csv.reader(content, delimiter=separator, skipinitialspace=True)
    lines: list[int] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        while names and not names[-1]:
            names.pop()
        header = _header(path, names)
        columns: list[list[str]] = [[] for _ in header]
        targets = [(columns[i], names.index(name)) for i, name in enumerate(header)]
        for row in reader:
            if not any(map(str.strip, row)):
                continue
            if len(row) < len(names) or any(map(str.strip, row[len(names) :])):
                raise UserError(
                    f"{path}, line {reader.line_num}: {len(names)} values are needed, and there "
                    f"are {len(row)}"
                )
            lines.append(reader.line_num)
            for column, place in targets:
                column.append(row[place])
    except csv.Error:
        line = reader.line_num + 1
        raise UserError(f"{path}, line {line}: this is not the text of a CSV file") from None
    if separator != ",":
        columns = [[text.replace(",", ".") for text in column] for column in columns]
    return header, lines, columns


def _text(path: str) -> str:
    content = read_regular(Path(path))
    zeros = max(content[place::2].count(0) for place in (0, 1))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or zeros > 0.4 * len(content):
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


# Coordinates come again and again, and so do most shades.
@lru_cache(1 << 16)
def _number(text: str) -> float:
    return float(text) if NUMBER.fullmatch(text) else math.nan


def _shown(text: str) -> str:
    return repr(text) if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]!r}..."
