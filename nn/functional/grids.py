"""Images read at the points of a grid, in PyTorch's names, arguments and numerics."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import autograd_iron as ai
from autograd_iron.ops.indexing.gathering import gather
from nn.functional.operands import tensors

__all__ = ["affine_grid", "grid_sample"]


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> ai.Tensor:
    """Return where a grid of points goes under affine maps: for `grid_sample`.

    Parameters
    ----------
    theta : (images, 2, 3) or (images, 3, 4)
    size : (images, channels, *sizes) of the result of `grid_sample`
    align_corners : bool, optional
        Whether -1 and 1 are the middles of the outermost elements, rather than their outer edges.

    Returns
    -------
    (images, *sizes, 2 or 3), the last axis first
    """
    maps: ai.Tensor = ai.asarray(theta)
    sizes = tuple(size)[2:]
    axes = len(sizes)
    if maps.ndim != 3 or axes not in (2, 3) or maps.shape[1:] != (axes, axes + 1):
        raise ValueError(
            f"affine_grid: theta has shape {maps.shape}; for the size {tuple(size)} it is "
            f"(images, {axes}, {axes + 1})"
        )
    if not maps.is_floating_point():
        raise TypeError(f"affine_grid: theta has dtype {maps.dtype}, and is of a floating one")
    parts = []
    for a, n in reversed(list(enumerate(sizes))):
        one = [
            (2 * i / (n - 1) - 1 if n > 1 else 0.0) if align_corners else (2 * i + 1) / n - 1
            for i in range(n)
        ]
        line = ai.tensor(one, maps.dtype, device=maps.device)
        shape = tuple(n if b == a else 1 for b in range(axes))
        parts.append(ai.broadcast_to(ai.reshape(line, shape), sizes))
    points = ai.stack([*parts, ai.ones(sizes, dtype=maps.dtype, device=maps.device)], axis=-1)
    flat = ai.reshape(points, (math.prod(sizes), axes + 1))
    made = ai.matmul(flat, ai.matrix_transpose(maps))
    grid: ai.Tensor = ai.reshape(made, (maps.shape[0], *sizes, axes))
    return grid


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> ai.Tensor:
    """Return images read at points between their elements.

    Parameters
    ----------
    input : (images, channels, height, width), or with a depth before the height
    grid : (images, *sizes made, 2 or 3)
        Points from -1 to 1, the coordinate along the width first.
    mode : "bilinear", "nearest" or "bicubic"
        Bilinear is trilinear for three axes, and bicubic for two alone.
    padding_mode : "zeros", "border" or "reflection"
        What stands outside.
    align_corners : bool, optional
        Whether -1 and 1 are the middles of the outermost elements, rather than their outer edges.

    Returns
    -------
    (images, channels, *sizes made)
    """
    x, points = tensors(input, grid)
    axes = x.ndim - 2
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"grid_sample: mode is 'bilinear', 'nearest' or 'bicubic', not {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"grid_sample: padding_mode is 'zeros', 'border' or 'reflection', not {padding_mode!r}"
        )
    fits = points.ndim == x.ndim and points.shape[-1] == axes and points.shape[0] == x.shape[0]
    if axes not in (2, 3) or not fits or (mode == "bicubic" and axes == 3):
        raise ValueError(
            f"grid_sample: the input has shape {x.shape} and the grid {points.shape}; they are "
            f"(images, channels, height, width) and (images, *sizes made, 2), or with a depth and "
            f"3, but for mode='bicubic'"
        )
    corners = bool(align_corners)
    sizes = x.shape[2:]
    # Along each axis of the image the places that are read, and their weights.
    reads: list[list[tuple[Any, Any]]] = []
    for a, n in enumerate(sizes):
        at = points[..., axes - 1 - a]
        at = (at + 1) * ((n - 1) / 2) if corners else ((at + 1) * n - 1) * 0.5
        if mode == "bicubic":
            first = _floor(at)
            part = at - first
            own = [(first + (j - 1), _cubic(part, j)) for j in range(4)]
            reads.append([(_inside(p, n, padding_mode, corners), w) for p, w in own])
            continue
        at = _inside(at, n, padding_mode, corners)
        if mode == "nearest":
            reads.append([(_rounded(at), None)])
        else:
            first = _floor(at)
            part = at - first
            reads.append([(first, 1 - part), (first + 1, part)])
    total: Any = None
    for chosen in itertools.product(*reads):
        value = _read(x, [place for place, _ in chosen])
        weights = [w for _, w in chosen if w is not None]
        if weights:
            value = value * ai.expand_dims(math.prod(weights[1:], start=weights[0]), -1)
        total = value if total is None else total + value
    order = (0, axes + 1, *range(1, axes + 1))
    made: ai.Tensor = ai.permute_dims(total, order)
    return made


def _floor(x: ai.Tensor) -> ai.Tensor:
    made: ai.Tensor = ai.floor(x.detach())
    return made


def _rounded(x: ai.Tensor) -> ai.Tensor:
    made: ai.Tensor = ai.rint(x.detach())
    return made


def _cubic(part: ai.Tensor, j: int) -> ai.Tensor:
    """Return the weight of the j-th of four elements: Keys' cubic kernel with a = -0.75."""
    a = -0.75
    d = part + 1 if j == 0 else part if j == 1 else 1 - part if j == 2 else 2 - part
    if j in (1, 2):
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return (((d - 5) * d + 8) * d - 4) * a


def _inside(at: ai.Tensor, n: int, padding_mode: str, corners: bool) -> ai.Tensor:
    """Return places that padding puts back into the image; those outside stay where it is zero."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        low, span = (0.0, n - 1.0) if corners else (-0.5, float(n))
        if span <= 0:
            return at * 0.0
        size = ai.abs(at - low)
        turns = _floor(size / span)
        rest = size - turns * span
        odd = turns - 2 * _floor(turns / 2) == 1
        at = ai.where(odd, span - rest, rest) + low
    made: ai.Tensor = ai.minimum(ai.maximum(at, 0.0), n - 1.0)
    return made


def _read(x: ai.Tensor, places: list[ai.Tensor]) -> ai.Tensor:
    """Return the elements at whole places, the channels last; 0 for those outside."""
    images, channels, *sizes = x.shape
    ndim = places[0].ndim
    shape = (-1, *(1,) * (ndim - 1))
    flat: Any = ai.reshape(ai.arange(images, device=x.device), shape)
    inside: Any = True
    for place, n in zip(places, sizes, strict=True):
        good = (place >= 0) & (place <= n - 1)
        inside = good if inside is True else inside & good
        flat = flat * n + ai.astype(ai.where(good, place, 0.0), "int64")
    rows = ai.reshape(
        ai.permute_dims(x, (0, *range(2, x.ndim), 1)), (images * math.prod(sizes), channels)
    )
    made: ai.Tensor = ai.where(ai.expand_dims(inside, -1), gather(rows, flat, axis=0), 0.0)
    return made
