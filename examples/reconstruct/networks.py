"""The networks, the coordinates that they are given, and drawing with them at any size."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

import autograd_iron as ai
import nn
from reconstruct.goals import Goal
from reconstruct.pictures import Picture

# Points for one pass through the network when drawing: memory is bounded by it, at any size.
CHUNK = 16_384

# At most so many points in a training batch.
BATCH = 4096


class Recipe(NamedTuple):
    """A network, and how it is trained.

    Attributes
    ----------
    build : function of the number of outputs and a Generator
        Makes the network: 2 coordinates in, one value out for each channel of the picture.
    rates : dict
        The learning rate at the start, for each optimizer.
    steps : int
        How many steps unless the user says otherwise.
    """

    build: Callable[[int, ai.Generator], nn.Module]
    rates: dict[str, float]
    steps: int


def fourier(outputs: int, generator: ai.Generator) -> nn.Module:
    """Random Fourier features, then two hidden layers of ReLU."""
    return nn.Sequential(
        nn.FourierFeatures(2, 256, sigma=6.0, generator=generator),
        nn.Linear(256, 128, generator=generator),
        nn.ReLU(),
        nn.Linear(128, 128, generator=generator),
        nn.ReLU(),
        nn.Linear(128, outputs, generator=generator),
    )


def siren(outputs: int, generator: ai.Generator) -> nn.Module:
    """Sines all the way, started as the paper has it."""
    return nn.SIREN(
        2, 128, hidden_layers=3, out_features=outputs, omega_0=30.0, generator=generator
    )


def plain(outputs: int, generator: ai.Generator) -> nn.Module:
    """Tanh layers on the bare coordinates: learns outlines, and detail only after very long."""
    sizes = [2, 50, 50, 100, 50, 25, 25, 25, outputs]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        scheme = nn.init.xavier_uniform
        layers += [nn.Linear(fan_in, fan_out, init=scheme, generator=generator), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


RECIPES = {
    "fourier": Recipe(fourier, {"sgd": 0.5, "adam": 0.005}, steps=500),
    "siren": Recipe(siren, {"sgd": 0.01, "adam": 0.001}, steps=800),
    "plain": Recipe(plain, {"sgd": 0.2, "adam": 0.005}, steps=5000),
}


def optimizer(name: str, model: nn.Module, rate: float, steps: int) -> nn.Optimizer:
    """Return the optimizer with the rate falling to 0 along half a cosine."""
    schedule = nn.CosineDecay(rate, steps)
    if name == "adam":
        return nn.Adam(model, schedule)
    return nn.SGD(model, schedule, momentum=0.9)


def batch_size(picture: Picture) -> int:
    """Return how many pixels a batch has, so that all batches of an epoch are nearly equal.

    A last batch of only a few pixels would be noise, enough to undo what the others have learned.
    """
    return math.ceil(picture.pixels / math.ceil(picture.pixels / BATCH))


def batches(picture: Picture, generator: ai.Generator, device: str) -> nn.Batches:
    """Return the pixels as (coordinates, ink), row by row from the top, on a device."""
    points = coordinates(picture, picture.height, picture.width, 0, picture.pixels)
    ink = picture.ink.reshape(-1, picture.channels)
    size = batch_size(picture)
    return nn.Batches(points, ink, batch_size=size, generator=generator, device=device)


def pixels_seen(picture: Picture, step: int, steps: int) -> int:
    """Return how many pixels, row by row from the top, `--rows` trains on after so many steps.

    All of them after half of the steps. They grow with every step, by parts of a row if
    need be: with each new limit an epoch begins, and so no short last batch comes up meanwhile.
    """
    growing = max(1, steps // 2)
    return min(picture.pixels, max(picture.width, picture.pixels * step // growing))


def coordinates(picture: Picture, height: int, width: int, first: int, last: int) -> np.ndarray:
    """Return where pixels are on the picture when it is drawn with another number of pixels.

    Parameters
    ----------
    picture : Picture
        Its centre is (0, 0) and its longer side goes from -1 to 1, whatever the number of pixels.
    height, width : int
        Pixels of the drawing.
    first, last : int
        Which ones, counted row by row from the top left; the last one is not in it.

    Returns
    -------
    ndarray (last - first, 2) float32
        x to the right and y down, of the centres of the pixels.
    """
    row, column = np.divmod(np.arange(first, last), width)
    longer = max(picture.height, picture.width)
    x = ((2 * column + 1) / width - 1) * (picture.width / longer)
    y = ((2 * row + 1) / height - 1) * (picture.height / longer)
    return np.stack([x, y], axis=1).astype(np.float32)


def draw(model: nn.Module, goal: Goal, picture: Picture, height: int, width: int) -> np.ndarray:
    """Ask the network for the ink of every pixel of a drawing with `height` x `width` pixels.

    Returns
    -------
    ndarray (height, width, channels) float32
    """
    device = next(model.parameters()).device
    ink = np.empty((height * width, picture.channels), dtype=np.float32)
    with ai.no_grad():
        for first in range(0, len(ink), CHUNK):
            last = min(first + CHUNK, len(ink))
            points = coordinates(picture, height, width, first, last)
            outputs = model(ai.asarray(points, device=device)).numpy()  # waits for the device
            ink[first:last] = goal.ink(outputs)
    return ink.reshape(height, width, picture.channels)
