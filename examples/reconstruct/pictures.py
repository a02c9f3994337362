"""What the network is to learn: ink on paper, 0 is white and 1 is black."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from autograd_iron.support import files
from reconstruct import kinds

Kind = Literal["black and white", "grey", "colour"]


class UserError(Exception):
    """Something that the user can put right: the text is the one sentence that is shown."""


@dataclass(frozen=True)
class Picture:
    """What the network is to learn.

    Attributes
    ----------
    name : str
        For people: every letter of it can be printed.
    ink : ndarray (height, width, channels) float32
        One minus the light of each channel: from 0, white, to 1, black; nothing in between in
        black and white. One channel, or in colour three: red, green and blue.
    kind : {"black and white", "grey", "colour"}
    threshold : int, optional
        In black and white, what was darker in the file, from 0 to 255, is black.
    how : str
        What had to be decided on the way from the file, in a few words; empty where nothing had to
        be.
    """

    name: str
    ink: np.ndarray
    kind: Kind
    threshold: int | None = None
    how: str = ""

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
            # At half the levels, of what is made smaller, thin lines would be lost.
            levels = kinds.levels_of(ink[..., 0])
            threshold = kinds.otsu(levels) if height < self.height else 128
            ink = (levels < threshold)[..., None].astype(np.float32)
        how = ", ".join(filter(None, (self.how, f"resized from {self.width} x {self.height}")))
        return replace(self, ink=ink, how=how)


def scaled(height: int, width: int, size: int) -> tuple[int, int]:
    """Return height and width in the same proportion, the longer one being `size`."""
    longer = max(height, width)
    return max(1, round(height * size / longer)), max(1, round(width * size / longer))


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
