"""From a file to a picture: what is read, and as what kind it is learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autograd_iron.support.text import printable
from reconstruct import kinds
from reconstruct.csv_files import read_csv
from reconstruct.image_files import read_image
from reconstruct.pictures import Kind, Picture, UserError

# Luminance of red, green and blue, of ITU-R 601, as Pillow rounds it: the sum is exactly 1.
LUMINANCE = np.array([19595, 38470, 7471]) / 65536


def load(path: str | None, kind: Kind | None = None, threshold: int | None = None) -> Picture:
    """Read a picture or a CSV file; None is the horse that scikit-image brings along.

    Parameters
    ----------
    path : str or None
    kind : {"black and white", "grey", "colour"}, optional
        Decided from the pixels unless given.
    threshold : int, optional
        What is darker, from 0 to 255, is black; makes the picture black and white.

    Raises
    ------
    UserError
        The file is not there, is not a picture, or is a CSV file with a mistake in it.
    """
    if path is None:
        from skimage import data

        return as_picture("horse", 1 - data.horse()[..., None].astype(np.float32), kind, threshold)
    how = ""
    try:
        if Path(path).suffix.lower() == ".csv":
            ink = read_csv(path)
        else:
            ink, how = read_image(path)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, not a picture") from None
    except PermissionError:
        raise UserError(f"{path} may not be read by you: its permissions forbid it") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from None
    return as_picture(printable(Path(path).stem), ink, kind, threshold, how)


def as_picture(
    name: str,
    ink: np.ndarray,
    kind: Kind | None = None,
    threshold: int | None = None,
    how: str = "",
) -> Picture:
    """Return ink, (height, width, 1 or 3) float32, as a picture of the kind that it is."""
    if ink.shape[2] == 3 and (ink == ink[..., :1]).all():
        ink = ink[..., :1]
    undecided = kind is None and threshold is None
    if undecided and ink.shape[2] == 3 and kinds.has_colours(kinds.levels_of(ink)):
        kind = "colour"
    if kind == "colour":
        return Picture(name, np.repeat(ink, 3 // ink.shape[2], axis=2), kind, how=how)
    grey = (ink @ LUMINANCE).astype(np.float32)[..., None] if ink.shape[2] == 3 else ink
    levels = kinds.levels_of(grey[..., 0])
    if kind is None and threshold is None:
        threshold = kinds.two_levels(levels)
        if threshold is None and np.isin(grey, (0.0, 1.0)).all():
            threshold = 128  # a white sheet, or a black one
    if kind == "grey" or (kind is None and threshold is None):
        return Picture(name, grey, "grey", how=how)
    if threshold is None:
        threshold = kinds.otsu(levels)
    black_and_white = (levels < threshold)[..., None].astype(np.float32)
    if not np.isin(grey, (0.0, 1.0)).all():
        how = ", ".join(filter(None, (how, f"black is darker than {threshold} of 255")))
    return Picture(name, black_and_white, "black and white", threshold, how)
