"""Which network learns a picture, and for how long: decided from its size and how fine it is."""

from __future__ import annotations

import math

import numpy as np

import nn
from reconstruct import networks
from reconstruct.goals import psnr
from reconstruct.networks import Recipe
from reconstruct.pictures import Picture

GRIDS = 8
COARSEST = 16  # nodes of the coarsest grid along the longer side
MOST_NODES = 2**20  # of the finest grid
MANY = 50_000  # pixels: with more, batches are larger
STEPS = 50  # plans are a multiple of so many steps

# A picture in shades that comes back from its half with so many dB is smooth: what would restore
# it best from its half is too sharp for what lies between its pixels.
SMOOTH = 38.0

# So much closer than its half a picture in shades is to be learned, within these limits, in dB.
CLOSER, CLOSE, CLOSEST = 16.0, 45.0, 60.0

# Another plan is worth while if the one before it gained so many dB, or one pixel.
GAIN = 0.3

# How sharp the picture is between its pixels: Keys' parameter, of which -0.5 is "bicubic". Another
# one has to restore the picture from its half so much better, in dB or as a share of the black.
BICUBIC = -0.5
SHARPER = (-0.75, -1.0)
SHARPER_EDGES = (-1.25,)
BETTER, BETTER_EDGES = 0.0, 0.005


def choose(picture: Picture) -> Recipe:
    """Return the network for this picture, how it is trained, and why.

    What is lost when the picture is halved tells how fine it is, and the interpolation that
    restores it best from its half tells what lies between its pixels.
    """
    two_levels = picture.kind == "black and white"
    tried = (BICUBIC, *(SHARPER_EDGES if two_levels else SHARPER))
    restored = {a: _halved_and_doubled(picture, a) for a in tried}
    if two_levels:
        kept = float((restored[BICUBIC] == picture.ink).mean())
        nodes, rate, epochs, least, until = 1.0, 0.01, 12, 200, None
        scores = {a: _overlap(ink, picture.ink) for a, ink in restored.items()}
        margin = BETTER_EDGES
        why = f"at half the size {math.floor(1000 * kept) / 10:.1f}% of it would be left"
    else:
        scores = {a: psnr(ink, picture.ink) for a, ink in restored.items()}
        kept = scores[BICUBIC]
        # Colours are three times as much to learn; a higher rate costs smoothness elsewhere.
        rate = 0.01 if picture.channels == 1 else 0.02
        nodes, epochs, least = 2.0, 12, 300
        margin = math.inf if kept > SMOOTH else BETTER
        until = round(min(max(CLOSE, kept + CLOSER), CLOSEST), 1)
        why = f"at half the size {kept:.1f} dB of it would be left"
    best = max(scores, key=scores.__getitem__)
    height, width = picture.height, picture.width
    nodes = min(nodes, math.sqrt(MOST_NODES / picture.pixels))
    finest = width * nodes, height * nodes
    coarsest = [side * min(1.0, COARSEST / max(finest)) for side in finest]
    shapes = nn.GridFeatures.growing(coarsest, finest, GRIDS)
    batch = 4096 if picture.pixels <= MANY else 8192
    return Recipe(
        networks.grid(shapes, (width, height)),
        {"adam": rate},
        steps=max(least, STEPS * math.ceil(epochs * picture.pixels / batch / STEPS)),
        plans=4,
        batch=batch,
        sharpness=best if scores[best] > scores[BICUBIC] + margin else BICUBIC,
        until=until,
        why=f"{why}, so {GRIDS} grids of up to {shapes[-1][0]} x {shapes[-1][1]} nodes",
    )


def worth_another_plan(scores: list[tuple[int, float]], plan: int, step: int) -> bool:
    """Tell whether the score rose in the plan that ends with this step.

    Parameters
    ----------
    scores : list of (step, score)
        Of the whole run: what is decided is the same whether or not it was stopped in between.
    plan, step : int
        Steps in a plan, and those made, a multiple of it.
    """
    if step == plan:
        return True
    before, now = (
        max(score for at, score in scores if end - plan < at <= end) for end in (step - plan, step)
    )
    # A share of the pixels is 1 at most; what is higher is in dB.
    return now > before if now <= 1 else now >= before + GAIN


def _overlap(ink: np.ndarray, target: np.ndarray) -> float:
    """Return the share of what is black in either that is black in both."""
    return float(np.minimum(ink, target).sum() / max(1.0, np.maximum(ink, target).sum()))


def _halved_and_doubled(picture: Picture, sharpness: float) -> np.ndarray:
    """Return the ink that is left of the picture when its half is made as large again."""
    ink = np.pad(picture.ink, ((0, picture.height % 2), (0, picture.width % 2), (0, 0)), "edge")
    height, width, channels = ink.shape
    ink = ink.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3))
    two_levels = picture.kind == "black and white"
    if two_levels:
        ink = (ink >= 0.5).astype(np.float32)
    for axis in (0, 1):
        ink = networks.twice(ink, axis, sharpness)
    ink = ink[: picture.height, : picture.width]
    return (ink >= 0.5).astype(np.float32) if two_levels else np.clip(ink, 0.0, 1.0)
