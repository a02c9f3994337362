"""What a picture is, judged by its pixels: black and white, grey, or in colour.

Compression, scanning and smooth edges leave pixels between black and white, and faint colours, on
what is neither grey nor coloured. Levels here are 8-bit light: 0 is black, 255 white.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

# How far apart the channels of a pixel are in a colour, as the mean of 5 x 5 pixels (noise is
# nearer to grey), and the share of pixels with one that makes a picture coloured.
COLOURED = 16
COLOURED_SHARE = 0.0005

# Two levels that are no further apart are one.
NOISE = 16


def levels_of(ink: np.ndarray) -> np.ndarray:
    """Return the levels of ink from 0, white, to 1, black."""
    return np.rint(255.0 * (1.0 - ink)).astype(np.uint8)


def has_colours(levels: np.ndarray) -> bool:
    """Tell whether (height, width, 3) uint8 shows colours, rather than noise in its channels."""
    smooth = np.asarray(Image.fromarray(levels).filter(ImageFilter.BoxBlur(2)))
    channels = [smooth[..., channel] for channel in range(3)]  # `np.ptp` is slow along a short axis
    apart = np.maximum.reduce(channels) - np.minimum.reduce(channels)
    return bool((apart > COLOURED).mean() > COLOURED_SHARE)


def otsu(levels: np.ndarray) -> int:
    """Return Otsu's threshold: darker levels, and all others, are the classes that differ most.

    Of several such thresholds it is the one in the middle; 128 where all levels are the same.
    """
    counts = np.bincount(levels.ravel(), minlength=256)
    darker, darker_sum = np.cumsum(counts)[:-1], np.cumsum(counts * np.arange(256))[:-1]
    lighter = levels.size - darker
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = darker_sum / darker - (np.sum(counts * np.arange(256)) - darker_sum) / lighter
        between = np.nan_to_num(darker * lighter * np.square(apart))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return int(best[(len(best) - 1) // 2]) + 1 if between.max() > 0 else 128


def two_levels(levels: np.ndarray) -> int | None:
    """Return the threshold of a picture that has two levels at heart; None for any other one.

    Parameters
    ----------
    levels : ndarray (height, width) uint8

    Returns
    -------
    int or None
        What is darker than this is black. Otsu's threshold of all pixels, or of those at edges:
        with little ink on unevenly lit paper, the first one divides the paper.
    """
    distinct = np.flatnonzero(np.bincount(levels.ravel(), minlength=256))
    if len(distinct) <= 2:
        return otsu(levels) if distinct[-1] - distinct[0] > NOISE else None
    darkest, lightest = _around(levels, np.minimum), _around(levels, np.maximum)
    ranges = lightest - darkest
    at_edges = levels[ranges >= ranges.max() / 2]
    for threshold in dict.fromkeys((otsu(levels), otsu(at_edges))):
        if _divides(threshold, levels, darkest, lightest):
            return threshold
    return None


def _divides(threshold: int, levels: np.ndarray, darkest: np.ndarray, lightest: np.ndarray) -> bool:
    """Tell whether nothing but noise, and edges, is lost when the threshold makes two levels of it.

    `darkest` and `lightest` are the levels of the 3 x 3 pixels around each.
    """
    dark = levels < threshold
    ranges = (lightest - darkest).astype(np.float32)
    rough = np.median(levels[~dark]) - np.median(levels[dark])
    flat = ranges < 0.15 * rough
    black = _level(levels[dark], flat[dark], 0.1)
    white = _level(levels[~dark], flat[~dark], 0.9)
    contrast = white - black
    if contrast <= 0:
        return False
    place = (levels - np.float32(black)) / contrast  # 0 is black, 1 white
    off = np.minimum(np.abs(place), np.abs(place - 1))
    between = (place > 0.25) & (place < 0.75)
    edge = (darkest < threshold) & (lightest >= threshold)
    ink = min(dark.mean(), 1 - dark.mean())
    # Each limit is about twice what drawings and text reach, saved as JPEG or WebP of quality 20,
    # at half or double size, or on paper that gets 15% darker; photographs pass some, not all.
    return bool(
        (flat & between).sum() <= 4 + 0.001 * levels.size  # no grey areas
        and (flat & (off > 0.2)).sum() <= 0.03 * flat.sum()  # nor shaded ones
        and (between & ~edge).mean() <= 0.025  # nor grey lines
        and (off > 0.25).mean() <= min(0.3, 1.1 * ink, contrast / 255 - 0.25)
        and (np.abs(place - 0.5) > 0.75).mean() <= 0.02  # nor a third level beyond the two
        and (ranges[edge] >= 0.5 * contrast).mean() >= 0.6  # edges are sharp
    )


def _level(levels: np.ndarray, flat: np.ndarray, share: float) -> float:
    """Return the commonest level of flat pixels; of thin strokes, which have none, a quantile."""
    if flat.sum() < max(20, 0.02 * levels.size):
        return float(np.quantile(levels, share))
    counts = np.bincount(levels[flat], minlength=256)
    return float(np.argmax(np.convolve(counts, np.ones(9), "same")))


def _around(levels: np.ndarray, function: Callable[..., np.ndarray]) -> np.ndarray:
    """Return the smallest or largest of the 3 x 3 pixels around each."""
    padded = np.pad(levels, 1, mode="edge")
    rows = function(function(padded[:-2], padded[1:-1]), padded[2:])
    return function(function(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
