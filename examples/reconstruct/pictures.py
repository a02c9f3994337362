"""Pictures and CSV files, read as ink on paper: 0 is white, 1 is black."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from nn import files

Kind = Literal["black and white", "grey", "colour"]

HEADER = ["x", "y", "pixel_value"]
LONGEST = 1_000_000  # pixels along one side of a CSV picture

# A pixel further than this from white and from black is a grey one; a JPEG of black on white has
# them at its edges alone, a grey picture everywhere.
TOLERANCE = 0.15
GREY_SHARE = 0.05


class UserError(Exception):
    """Something that the user can put right: the text is the one sentence that is shown."""


@dataclass(frozen=True)
class Picture:
    """What the network is to learn.

    Attributes
    ----------
    name : str
    ink : ndarray (height, width, channels) float32
        One minus the light of each channel: from 0, white, to 1, black; nothing in between in
        black and white. One channel, or in colour three: red, green and blue.
    kind : {"black and white", "grey", "colour"}
    """

    name: str
    ink: np.ndarray
    kind: Kind

    @property
    def height(self) -> int:
        return self.ink.shape[0]

    @property
    def width(self) -> int:
        return self.ink.shape[1]

    @property
    def pixels(self) -> int:
        return self.height * self.width

    @property
    def channels(self) -> int:
        return self.ink.shape[2]

    def resized(self, size: int) -> Picture:
        """Return the picture with `size` pixels along its longer side."""
        height, width = scaled(self.height, self.width, size)
        if (height, width) == self.ink.shape[:2]:
            return self
        # Lanczos and bicubic overshoot beside edges, which thresholding makes into stray pixels.
        bilinear = Image.Resampling.BILINEAR
        channels = [
            Image.fromarray(np.ascontiguousarray(channel)).resize((width, height), bilinear)
            for channel in np.moveaxis(self.ink, 2, 0)
        ]
        ink = np.clip(np.stack([np.asarray(channel) for channel in channels], axis=2), 0.0, 1.0)
        if self.kind == "black and white":
            ink = _as_black_and_white(ink)
        return replace(self, ink=ink)


def scaled(height: int, width: int, size: int) -> tuple[int, int]:
    """Return height and width in the same proportion, the longer one being `size`."""
    longer = max(height, width)
    return max(1, round(height * size / longer)), max(1, round(width * size / longer))


def load(path: str | None) -> Picture:
    """Read a picture or a CSV file; None is the horse that scikit-image brings along.

    Raises
    ------
    UserError
        The file is not there, is not a picture, or is a CSV file with a mistake in it.
    """
    if path is None:
        return _horse()
    try:
        ink = _read_csv(path) if Path(path).suffix.lower() == ".csv" else _read_picture(path)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a picture") from None
    except PermissionError:
        raise UserError(f"{path} may not be read by you: its permissions forbid it") from None
    return _picture(Path(path).stem, ink)


def _horse() -> Picture:
    from skimage import data

    return _picture("horse", 1.0 - data.horse()[..., None].astype(np.float32))


def _picture(name: str, ink: np.ndarray) -> Picture:
    greys = (ink > TOLERANCE) & (ink < 1.0 - TOLERANCE)
    two_values = bool(np.isin(ink, (0.0, 1.0)).all())
    both = bool((ink <= TOLERANCE).any() and (ink >= 1.0 - TOLERANCE).any())
    if two_values or (both and greys.mean() <= GREY_SHARE):
        return Picture(name, _as_black_and_white(ink), "black and white")
    return Picture(name, ink, "grey")


def _as_black_and_white(ink: np.ndarray) -> np.ndarray:
    return (ink >= 0.5).astype(np.float32)


# --- PNG, JPEG, WebP and whatever else Pillow reads


def _read_picture(path: str) -> np.ndarray:
    try:
        with warnings.catch_warnings():
            # A large photograph is no attack; what is too large for Pillow still raises.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return 1.0 - _luminance(ImageOps.exif_transpose(image))[..., None]
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Image.UnidentifiedImageError:
        raise UserError(
            f"{path} is not a picture: a PNG, JPEG or WebP is read, or a .csv file with the "
            f"header {','.join(HEADER)}"
        ) from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has too many pixels: make it smaller first") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise UserError(f"{path} is a damaged picture: {error}") from None


def _luminance(image: Image.Image) -> np.ndarray:
    """Return (height, width) float32 from 0, black, to 1, white; what is transparent is white."""
    # These modes hold more than 8 bits, which `convert` would cut off rather than scale.
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image).astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError("some of its values are infinite or not numbers")
        white = 65535.0 if image.mode.startswith("I") else 1.0
        return np.clip(values / max(white, float(values.max())), 0.0, 1.0)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    if image.mode not in ("1", "L"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L")).astype(np.float32) / 255.0


# --- CSV


def write_csv(picture: Picture, path: Path) -> None:
    """Write one line ``x,y,pixel_value`` for each pixel, row by row; `load` reads it back exactly.

    Raises
    ------
    UserError
        There is such a file already, or it cannot be written.
    """
    lines = [",".join(HEADER)]
    for y, row in enumerate(picture.ink[..., 0]):
        lines += [f"{x},{y},{_shortest(value)}" for x, value in enumerate(row)]
    write_whole(path, ("\n".join(lines) + "\n").encode(), replace=False)


def _shortest(value: np.float32) -> str:
    return str(int(value)) if value in (0.0, 1.0) else str(value)


def _read_csv(path: str) -> np.ndarray:
    found: dict[tuple[int, int], tuple[float, int]] = {}
    last_line = 0
    for line, x, y, value in _csv_rows(path):
        if (x, y) in found:
            raise UserError(
                f"{path}, line {line}: the pixel x={x}, y={y} comes a second time, after line "
                f"{found[x, y][1]}"
            )
        found[x, y] = value, line
        last_line = line
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
    ink = np.empty((height, width, 1), dtype=np.float32)
    for (x, y), (value, _) in found.items():
        ink[y, x] = value
    return ink


def _csv_rows(path: str) -> Iterator[tuple[int, int, int, float]]:
    """Yield the line number, x, y and pixel value of each line below the header."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in HEADER if name not in header]
            if missing:
                raise UserError(
                    f"{path}, line 1: the header has no {' and no '.join(missing)}; it must be "
                    f"{','.join(HEADER)}"
                )
            columns = [header.index(name) for name in HEADER]
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise UserError(
                        f"{path}, line {reader.line_num}: {len(header)} values are needed, and "
                        f"there are {len(row)}"
                    )
                yield reader.line_num, *_csv_pixel(path, reader.line_num, row, columns)
        except (UnicodeDecodeError, csv.Error):
            line = reader.line_num + 1
            raise UserError(f"{path}, line {line}: this is not the text of a CSV file") from None


def _csv_pixel(path: str, line: int, row: list[str], columns: list[int]) -> tuple[int, int, float]:
    x, y, value = (_number(row[column]) for column in columns)
    for name, column, number in zip(HEADER[:2], columns, (x, y), strict=False):
        if not (0 <= number < LONGEST and number.is_integer()):
            raise UserError(
                f"{path}, line {line}: {name} is {row[column]!r}, not a whole number from 0 to "
                f"{LONGEST - 1:,}"
            )
    if not 0 <= value <= 1:
        raise UserError(
            f"{path}, line {line}: pixel_value is {row[columns[2]]!r}, not a number from 0, "
            f"white, to 1, black"
        )
    return int(x), int(y), value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


# --- files


def write_whole(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Give the file its content in one step: whoever reads it finds the old one or the new one.

    Raises
    ------
    UserError
        The system refused, as on a full disk; the old file, if there was one, is untouched. Or it
        may not be replaced.
    """
    try:
        files.write_whole(path, content, replace=replace)
    except FileExistsError:
        raise UserError(f"{path} is already there: remove it, or give another name") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None
