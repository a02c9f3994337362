"""Images at another resolution, and at other places, in PyTorch's names, arguments and numerics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd_iron as ai
from autograd_iron.ops.indexing.gathering import gather
from autograd_iron.ops.windows.pooling import sum_pool
from nn.functional.sizes import per_axis

__all__ = [
    "channel_shuffle",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
    "upsample",
]

Terms = list[list[tuple[int, float]]]


def adaptive_bounds(n: int, m: int) -> list[tuple[int, int]]:
    """Return where `m` windows begin and end that share `n` elements out."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def averaged(x: ai.Tensor, out: Sequence[int]) -> ai.Tensor:
    """Return means over windows that share the axes from the third on out."""
    sizes = x.shape[2:]
    if all(n % m == 0 for n, m in zip(sizes, out, strict=True)):
        kernel = tuple(n // m for n, m in zip(sizes, out, strict=True))
        none = ((0, 0),) * len(kernel)
        ones = (1,) * len(kernel)
        total: ai.Tensor = sum_pool(x, kernel=kernel, stride=kernel, padding=none, dilation=ones)
        return total / math.prod(kernel)
    for a, (n, m) in enumerate(zip(sizes, out, strict=True)):
        if n != m:
            x = _resampled(x, 2 + a, _means(n, m))
    return x


def _means(n: int, m: int) -> Terms:
    return [
        [(i, 1 / (end - start)) for i in range(start, end)] for start, end in adaptive_bounds(n, m)
    ]


def _resampled(x: ai.Tensor, axis: int, terms: Terms) -> ai.Tensor:
    """Return weighted sums along an axis; those of fewer terms share their last one out."""
    most = max((len(own) for own in terms), default=0)
    full = [_filled(own, most) for own in terms]
    total: Any = None
    for term in range(most):
        places, weights = zip(*(own[term] for own in full), strict=True)
        part = gather(x, ai.tensor(places, "int64", device=x.device), axis=axis)
        if set(weights) != {1.0}:
            shape = (-1, *(1,) * (x.ndim - 1 - axis))
            part = part * ai.reshape(ai.tensor(weights, x.dtype, device=x.device), shape)
        total = part if total is None else total + part
    made: ai.Tensor = total
    return made


def _filled(terms: list[tuple[int, float]], count: int) -> list[tuple[int, float]]:
    # Not by a weight of 0: what is infinite there would become NaN.
    at, weight = terms[-1]
    rest = count - len(terms) + 1
    return [*terms[:-1], *[(at, weight / rest)] * rest]


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> ai.Tensor:
    """Return images at another resolution.

    Parameters
    ----------
    input : (images, channels, *sizes), of one, two or three sizes
    size : int, or one for each axis, optional
    scale_factor : float, or one for each axis, optional
        The one or the other must be given.
    mode : str
        "nearest", "nearest-exact", "linear" (one axis), "bilinear" and "bicubic" (two),
        "trilinear" (three), or "area".
    align_corners : bool, optional
        Whether the middles of the outermost elements stay in place, rather than their outer edges;
        for the linear and cubic modes.
    recompute_scale_factor : bool, optional
        Whether the scale is computed anew from the sizes, which are whole.
    antialias : bool
        Whether "bilinear" and "bicubic" average over all that a smaller image loses.
    """
    x: ai.Tensor = ai.asarray(input)
    axes = x.ndim - 2
    wanted = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
    if axes not in (1, 2, 3) or wanted.get(mode, axes) != axes:
        raise ValueError(
            f"interpolate: the input has shape {x.shape}, (images, channels, *sizes), and "
            f"mode={mode!r} is for {wanted.get(mode, 'one to three')} sizes"
        )
    if mode not in (*wanted, "nearest", "nearest-exact", "area"):
        raise ValueError(
            f"interpolate: mode {mode!r} is none of 'nearest', 'nearest-exact', 'linear', "
            f"'bilinear', 'bicubic', 'trilinear' and 'area'"
        )
    if align_corners is not None and mode not in wanted:
        raise ValueError(f"interpolate: align_corners is for linear and cubic modes, not {mode!r}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias is for 'bilinear' and 'bicubic', not {mode!r}")
    sizes, scales = _new_sizes(x, axes, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return averaged(x, sizes)
    for a, (n, m, scale) in enumerate(zip(x.shape[2:], sizes, scales, strict=True)):
        same = n == m and (scale is None or scale == 1)
        if not same:
            terms = _terms(mode, n, m, scale, bool(align_corners), antialias)
            x = _resampled(x, 2 + a, terms)
    return x


def _new_sizes(
    x: ai.Tensor, axes: int, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], list[float | None]]:
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is for a scale_factor")
        return per_axis("interpolate", "size", size, axes), [None] * axes
    many = isinstance(scale_factor, list | tuple)
    given = [float(f) for f in (scale_factor if many else [scale_factor] * axes)]
    if len(given) != axes:
        raise ValueError(f"interpolate: scale_factor is one number, or one for each of {axes} axes")
    sizes = [math.floor(n * f) for n, f in zip(x.shape[2:], given, strict=True)]
    found = per_axis("interpolate", "the size that scale_factor gives", sizes, axes)
    return found, [None] * axes if recompute else [1 / f for f in given]


def _terms(mode: str, n: int, m: int, scale: float | None, corners: bool, wide: bool) -> Terms:
    """Return the sums that make `m` elements of `n`, as pairs of a position and a weight."""
    if corners:
        scale = (n - 1) / (m - 1) if m > 1 else 0.0
    elif scale is None:
        scale = n / m
    if mode.startswith("nearest"):
        half = 0.5 if mode == "nearest-exact" else 0.0
        return [[(min(math.floor((i + half) * scale), n - 1), 1.0)] for i in range(m)]
    cubic = mode == "bicubic"
    if wide:
        return [_averaging(cubic, i, n, scale) for i in range(m)]
    found: Terms = []
    for i in range(m):
        at = i * scale if corners else (i + 0.5) * scale - 0.5
        if not cubic:
            at = max(at, 0.0)
        first = math.floor(at)
        part = at - first
        if cubic:
            weights = [_cubic(part + 1 - j, -0.75) for j in range(4)]
            places = [min(max(first - 1 + j, 0), n - 1) for j in range(4)]
        else:
            first = min(first, n - 1)
            weights, places = [1 - part, part], [first, min(first + 1, n - 1)]
        found.append(list(zip(places, weights, strict=True)))
    return found


def _averaging(cubic: bool, i: int, n: int, scale: float) -> list[tuple[int, float]]:
    """Return the terms of an element whose filter is as wide as what it stands for."""
    stretch = max(scale, 1.0)
    reach = (2.0 if cubic else 1.0) * stretch
    centre = scale * (i + 0.5)
    places = range(max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), n))
    distances = [(j - centre + 0.5) / stretch for j in places]
    weights = [_cubic(d, -0.5) if cubic else max(0.0, 1 - abs(d)) for d in distances]
    total = sum(weights)
    return [(j, w / total) for j, w in zip(places, weights, strict=True)]


def _cubic(distance: float, a: float) -> float:
    """Return the weight of Keys' cubic kernel at a distance."""
    d = abs(distance)
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return (((d - 5) * d + 8) * d - 4) * a if d < 2 else 0.0


def upsample(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> ai.Tensor:
    """Return images at another resolution: the older name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def pixel_shuffle(input: Any, upscale_factor: int) -> ai.Tensor:
    """Return ``(..., c r^2, h, w)`` as ``(..., c, h r, w r)``: channels become finer pixels."""
    x: ai.Tensor = ai.asarray(input)
    (r,) = per_axis("pixel_shuffle", "upscale_factor", upscale_factor, 1)
    if x.ndim < 3 or x.shape[-3] % (r * r):
        raise ValueError(
            f"pixel_shuffle: the input has shape {x.shape}; it is (..., channels, height, width), "
            f"with a multiple of {r} * {r} channels"
        )
    *lead, c, h, w = x.shape
    parts = ai.reshape(x, (*lead, c // (r * r), r, r, h, w))
    k = len(lead)
    order = (*range(k + 1), k + 3, k + 1, k + 4, k + 2)
    made: ai.Tensor = ai.reshape(ai.permute_dims(parts, order), (*lead, c // (r * r), h * r, w * r))
    return made


def pixel_unshuffle(input: Any, downscale_factor: int) -> ai.Tensor:
    """Return ``(..., c, h r, w r)`` as ``(..., c r^2, h, w)``: takes back `pixel_shuffle`."""
    x: ai.Tensor = ai.asarray(input)
    (r,) = per_axis("pixel_unshuffle", "downscale_factor", downscale_factor, 1)
    if x.ndim < 3 or x.shape[-2] % r or x.shape[-1] % r:
        raise ValueError(
            f"pixel_unshuffle: the input has shape {x.shape}; it is (..., channels, height, "
            f"width), both a multiple of {r}"
        )
    *lead, c, h, w = x.shape
    parts = ai.reshape(x, (*lead, c, h // r, r, w // r, r))
    k = len(lead)
    order = (*range(k + 1), k + 2, k + 4, k + 1, k + 3)
    made: ai.Tensor = ai.reshape(ai.permute_dims(parts, order), (*lead, c * r * r, h // r, w // r))
    return made


def channel_shuffle(input: Any, groups: int) -> ai.Tensor:
    """Return the channels of the groups in turn: the first of each, the second of each, ..."""
    x: ai.Tensor = ai.asarray(input)
    (groups,) = per_axis("channel_shuffle", "groups", groups, 1)
    if x.ndim < 3 or x.shape[1] % groups:
        raise ValueError(
            f"channel_shuffle: the input has shape {x.shape}; it is (images, channels, *sizes), "
            f"and {groups} groups must divide the channels"
        )
    parts = ai.reshape(x, (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]))
    order = (0, 2, 1, *range(3, parts.ndim))
    made: ai.Tensor = ai.reshape(ai.permute_dims(parts, order), x.shape)
    return made
