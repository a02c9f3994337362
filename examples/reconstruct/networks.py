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
        The learning rate at the start, for each optimizer that trains it; the first one does unless
        the user says otherwise.
    steps : int
        How many steps unless the user says otherwise: the plan, in which the rate falls to 0.
    plans : int
        So many plans at most, one after the other while the score rises.
    batch : int
        At most so many points in a batch.
    sharpness : float or None
        The network learns what lies between the pixels too, interpolated so (see `samples`); None,
        the pixels alone.
    until : float or None
        The score to stop at unless the user gives another; None, that of the goal.
    why : str
        For the user, of a network that was chosen.
    """

    build: Callable[[int, ai.Generator], nn.Module]
    rates: dict[str, float]
    steps: int
    plans: int = 1
    batch: int = BATCH
    sharpness: float | None = None
    until: float | None = None
    why: str = ""


def grid(
    shapes: list[tuple[int, ...]], sides: tuple[int, int]
) -> Callable[[int, ai.Generator], nn.Module]:
    """Return a function that builds features at the nodes of grids under two layers of ReLU.

    Parameters
    ----------
    shapes : list of (int, int)
        How many nodes each grid has, across and down.
    sides : (int, int)
        Width and height of the picture that the grids cover.
    """
    extent = [side / max(sides) for side in sides]

    def build(outputs: int, generator: ai.Generator) -> nn.Module:
        return nn.Sequential(
            nn.GridFeatures(shapes, 2, extent, generator),
            nn.Linear(2 * len(shapes), 64, generator=generator),
            nn.ReLU(),
            nn.Linear(64, 64, generator=generator),
            nn.ReLU(),
            nn.Linear(64, outputs, generator=generator),
        )

    return build


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


def optimizer(name: str, model: nn.Module, schedule: nn.CosineDecay) -> nn.Optimizer:
    """Return the optimizer that trains the model with this rate."""
    if name == "sgd":
        return nn.SGD(model.parameters(), schedule, momentum=0.9)
    if any(isinstance(layer, nn.GridFeatures) for layer in model.modules()):
        # Most nodes have no gradient in most steps, and very small ones in between.
        return nn.Adam(model.parameters(), schedule, betas=(0.9, 0.99), eps=1e-15)
    return nn.Adam(model.parameters(), schedule)


def samples(picture: Picture, sharpness: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates and the ink that the network learns, row by row from the top.

    They are those of the pixels; and, with a sharpness, of the places half-way between them and on
    to the edges: what a network that learns the pixels alone draws between them is chance.
    """
    if sharpness is None:
        points = coordinates(picture, picture.height, picture.width, 0, picture.pixels)
        return points, picture.ink.reshape(-1, picture.channels)
    ink = interpolated(interpolated(picture.ink, 0, sharpness), 1, sharpness)
    height, width = ink.shape[:2]
    longer = max(picture.height, picture.width)
    y = np.linspace(-picture.height, picture.height, height) / longer
    x = np.linspace(-picture.width, picture.width, width) / longer
    points = np.stack(np.meshgrid(x, y), axis=2).astype(np.float32)
    return points.reshape(-1, 2), np.clip(ink, 0.0, 1.0).reshape(-1, picture.channels)


def interpolated(ink: np.ndarray, axis: int, sharpness: float) -> np.ndarray:
    """Return ink at the pixels and half-way between, from one edge of the picture to the other.

    Along one axis, n values become 2 n + 1, and those at odd places are the old ones. Between them
    is Keys' cubic, of which a sharpness of -0.5 is the one called bicubic. R. Keys, "Cubic
    convolution interpolation for digital image processing", IEEE Trans. ASSP 29, 1981.
    """
    half = _between(ink, axis, 0.5, sharpness)
    shape = list(ink.shape)
    shape[axis] = 2 * ink.shape[axis] + 1
    made = np.empty(shape, dtype=np.float32)
    np.moveaxis(made, axis, 0)[1::2] = np.moveaxis(ink, axis, 0)
    np.moveaxis(made, axis, 0)[::2] = np.moveaxis(half, axis, 0)
    return made


def twice(ink: np.ndarray, axis: int, sharpness: float) -> np.ndarray:
    """Return ink with twice as many pixels along an axis, by the same cubic."""
    shape = list(ink.shape)
    shape[axis] *= 2
    made = np.empty(shape, dtype=np.float32)
    for first, t, places in ((0, 0.75, slice(None, -1)), (1, 0.25, slice(1, None))):
        values = np.moveaxis(_between(ink, axis, t, sharpness), axis, 0)[places]
        np.moveaxis(made, axis, 0)[first::2] = values
    return made


def _between(ink: np.ndarray, axis: int, t: float, sharpness: float) -> np.ndarray:
    """Return the n + 1 values a part `t` of the way from pixel to pixel, from the one before all.

    Beyond the edges the picture goes on as it is there.
    """
    a = sharpness
    near = [(a + 2) * s**3 - (a + 3) * s**2 + 1 for s in (t, 1 - t)]
    far = [a * s**3 - 5 * a * s**2 + 8 * a * s - 4 * a for s in (1 + t, 2 - t)]
    ink = np.moveaxis(ink, axis, 0)
    padded = np.pad(ink, [(2, 2)] + [(0, 0)] * (ink.ndim - 1), "edge")
    n = len(ink) + 1
    taps = zip((far[0], *near, far[1]), range(4), strict=True)
    made = sum(np.float32(weight) * padded[first : first + n] for weight, first in taps)
    return np.moveaxis(np.asarray(made), 0, axis)


def batches(picture: Picture, recipe: Recipe, generator: ai.Generator, device: str) -> nn.Batches:
    """Return what the network learns as (coordinates, ink), on a device.

    All batches of an epoch are nearly equal: a last one of only a few points would be noise, enough
    to undo what the others have learned.
    """
    points, ink = samples(picture, recipe.sharpness)
    size = math.ceil(len(points) / math.ceil(len(points) / recipe.batch))
    return nn.Batches(points, ink, batch_size=size, generator=generator, device=device)


def pixels_seen(picture: Picture, step: int, steps: int) -> int:
    """Return how many pixels, row by row from the top, `--rows` trains on after so many steps.

    All of them after half of the steps. They grow with every step, by parts of a row if
    need be: with each new limit an epoch begins, and so no short last batch comes up meanwhile.
    """
    growing = max(1, steps // 2)
    return min(picture.pixels, max(picture.width, picture.pixels * step // growing))


def samples_seen(picture: Picture, sharpness: float | None, pixels: int) -> int:
    """Return how many samples belong to so many pixels from the top."""
    if sharpness is None:
        return pixels
    rows, rest = divmod(pixels, picture.width)
    return (2 * rows + 1) * (2 * picture.width + 1) + 2 * rest * (rows < picture.height)


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


def draw(
    network: Callable[[ai.Tensor], ai.Tensor],
    goal: Goal,
    picture: Picture,
    height: int,
    width: int,
    device: str = "cpu",
) -> np.ndarray:
    """Ask the network for the ink of every pixel of a drawing with `height` x `width` pixels.

    Parameters
    ----------
    network : Module, or a compiled function that calls one
        On `device`.

    Returns
    -------
    ndarray (height, width, channels) float32
    """
    ink = np.empty((height * width, picture.channels), dtype=np.float32)
    with ai.no_grad():
        for first in range(0, len(ink), CHUNK):
            last = min(first + CHUNK, len(ink))
            points = coordinates(picture, height, width, first, last)
            outputs = network(ai.asarray(points, device=device)).numpy()  # waits for the device
            ink[first:last] = goal.ink(outputs)
    return ink.reshape(height, width, picture.channels)
