"""What it is to learn a picture, a black-and-white one or one in shades."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

import autograd_iron as ai
import nn
from reconstruct.pictures import Kind, Picture, UserError

# PSNR of a picture rounded to 256 levels: all of it is right, as far as they can tell.
EXACT = 10.0 * math.log10(12.0 * 255.0**2)


def psnr(ink: np.ndarray, target: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB, 100 at most."""
    error = float(np.square(ink - target, dtype=np.float64).mean())
    return -10.0 * math.log10(max(error, 1e-10))


class Goal(Protocol):
    """The loss, the score, and how outputs of the network become ink.

    Attributes
    ----------
    until : float
        The score to stop at, unless the user gives another.
    metric : str
        What the score is called.
    loss : callable
        Of outputs and ink, both (pixels, channels).
    """

    until: float
    metric: str
    loss: Callable[[ai.Tensor, ai.Tensor], ai.Tensor]

    def ink(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs of the network into ink, 0 to 1."""

    def final(self, ink: np.ndarray) -> np.ndarray:
        """Turn ink into the ink of the finished picture."""

    def score(self, ink: np.ndarray, target: np.ndarray) -> float:
        """Compare with the picture; higher is better."""

    def text(self, score: float) -> str:
        """Say the score in words."""

    def details(self, ink: np.ndarray, target: np.ndarray) -> dict[str, float]:
        """Return what is worth knowing beside the score, by the names that `run.json` has."""
        return {}

    def details_text(self, details: dict[str, float]) -> str:
        """Say the details in words; empty where there are none."""
        return ""

    def stop_at(self, until: float) -> float:
        """Return the score that is meant, or raise a UserError when this is none to train for."""


class Accuracy(float):
    """A share of right pixels, written with the number of wrong ones, as on a progress bar."""

    def __new__(cls, wrong: int, pixels: int) -> Accuracy:
        made = super().__new__(cls, (pixels - wrong) / pixels)
        made.wrong = wrong
        return made

    wrong: int

    def __format__(self, spec: str) -> str:
        # Rounded down: 1 is a picture without a single wrong pixel.
        return f"{format(math.floor(self * 1e5) / 1e5, spec)} ({self.wrong:,} wrong)"


class BlackAndWhite(Goal):
    """The outputs are logits of black; the score is the share of pixels on the right side."""

    until = 1.0
    metric = "accuracy"
    loss = nn.BCEWithLogitsLoss()

    def ink(self, outputs: np.ndarray) -> np.ndarray:
        return ai.sigmoid(outputs).numpy()

    def final(self, ink: np.ndarray) -> np.ndarray:
        return (ink > 0.5).astype(np.float32)

    def score(self, ink: np.ndarray, target: np.ndarray) -> Accuracy:
        return Accuracy(int(((ink > 0.5) != (target > 0.5)).sum()), target.size)

    def text(self, score: float) -> str:
        # Rounded down: 100% is said of a picture without a single wrong pixel.
        return f"{math.floor(score * 1e4) / 100:.2f}% of the pixels right"

    def details(self, ink: np.ndarray, target: np.ndarray) -> dict[str, float]:
        # A white sheet has most pixels of a drawing right, and nothing in common with its lines.
        drawn, black = ink > 0.5, target > 0.5
        either = int((drawn | black).sum())
        return {
            "wrong_pixels": self.score(ink, target).wrong,
            "iou": int((drawn & black).sum()) / either if either else 1.0,
        }

    def details_text(self, details: dict[str, float]) -> str:
        iou = math.floor(details["iou"] * 1e4) / 1e4
        return f"{details['wrong_pixels']:,} wrong, IoU of the black {iou:.4f}"

    def stop_at(self, until: float) -> float:
        if not 0 < until <= 1:
            raise UserError(
                f"--until {until:g}: for a black-and-white picture this is a share of the pixels, "
                f"above 0 and up to 1"
            )
        return until


class Shades(Goal):
    """The outputs are the ink itself; the score is the peak signal-to-noise ratio in dB.

    It is that of all channels together, as for one picture of that many more pixels.
    """

    until = 40.0
    metric = "psnr"
    loss = nn.MSELoss()

    def __init__(self, kind: Kind = "grey") -> None:
        self.kind = kind

    def ink(self, outputs: np.ndarray) -> np.ndarray:
        return np.clip(outputs, 0.0, 1.0)

    def final(self, ink: np.ndarray) -> np.ndarray:
        return ink

    def score(self, ink: np.ndarray, target: np.ndarray) -> float:
        return psnr(ink, target)

    def text(self, score: float) -> str:
        return f"PSNR {score:.2f} dB"

    def stop_at(self, until: float) -> float:
        if until == 1:
            return EXACT
        if not 1 < until <= 100:
            raise UserError(
                f"--until {until:g}: for a {self.kind} picture this is a PSNR in dB, above 1 and "
                f"up to 100, or 1: as right as its 256 levels are"
            )
        return until


def goal_of(picture: Picture) -> Goal:
    """Return what it is to learn this picture."""
    return BlackAndWhite() if picture.kind == "black and white" else Shades(picture.kind)
