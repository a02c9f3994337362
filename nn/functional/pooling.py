"""Pools, in PyTorch's names, arguments and numerics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd_iron as ai
from autograd_iron.ops.windows.pooling import max_pool, place_of_max, sum_pool
from nn.functional.resampling import adaptive_bounds, averaged
from nn.functional.sizes import Pairs, Sizes, per_axis, with_batch, without_batch

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]

Made = ai.Tensor | tuple[ai.Tensor, ai.Tensor]


def max_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    """Return the largest value of each window over one axis: see `max_pool2d`."""
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    """Return the largest value of each window; of equal ones the first gets the gradient.

    Parameters
    ----------
    input : (images, channels, height, width), or without the images
    kernel_size : int, or one for each axis
    stride : int, or one for each axis, optional
        By default the kernel's size: windows that touch.
    padding : int, or one for each axis
        Of minus infinity, on both sides; at most half the kernel.
    dilation : int, or one for each axis
    ceil_mode : bool
        Whether a last window is taken that stands out over the end.
    return_indices : bool
        Whether the places of the values come too: integers, in the flattened last axes.

    Returns
    -------
    Tensor, or (Tensor, Tensor)
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Made:
    """Return the largest value of each window over three axes: see `max_pool2d`."""
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    name: str,
    axes: int,
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
    return_indices: bool,
) -> Made:
    x, alone = with_batch(name, input, axes)
    settings = _settings(name, axes, x, kernel_size, stride, padding, dilation, ceil_mode)
    y = max_pool(x, **settings)
    if not return_indices:
        return without_batch(y, alone)
    found = _flat_places(x, y, settings)
    return without_batch(y, alone), without_batch(found, alone)


def _flat_places(x: ai.Tensor, y: ai.Tensor, settings: dict[str, Any]) -> ai.Tensor:
    """Return where in the flattened last axes the values of windows are."""
    kernel, sizes = settings["kernel"], x.shape[2:]
    steps = [math.prod(sizes[a + 1 :]) for a in range(len(sizes))]
    within, start = [0], ai.zeros((), dtype="int64", device=x.device)
    axes = zip(kernel, settings["dilation"], settings["stride"], settings["padding"], strict=True)
    for a, (k, d, s, (before, _)) in enumerate(axes):
        within = [at + p * d * steps[a] for at in within for p in range(k)]
        starts = [(i * s - before) * steps[a] for i in range(y.shape[2 + a])]
        shape = (-1, *(1,) * (len(sizes) - 1 - a))
        start = start + ai.reshape(ai.tensor(starts, "int64", device=x.device), shape)
    table = ai.tensor(within, "int64", device=x.device)
    place = ai.astype(place_of_max(x.detach(), y.detach(), **settings), "int64")
    made: ai.Tensor = table[place] + start
    return made


def _settings(
    name: str,
    axes: int,
    x: ai.Tensor,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    dilation: Sizes,
    ceil_mode: bool,
) -> dict[str, Any]:
    kernel = per_axis(name, "kernel_size", kernel_size, axes)
    strides = kernel if stride is None else per_axis(name, "stride", stride, axes)
    pads = per_axis(name, "padding", padding, axes, 0)
    dilations = per_axis(name, "dilation", dilation, axes)
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(
            f"{name}: padding {padding} is more than half of the kernel {kernel_size}, and there "
            "would be windows of nothing else"
        )
    pairs = [(p, p) for p in pads]
    if ceil_mode:
        parts = zip(x.shape[2:], kernel, strides, pads, dilations, strict=True)
        pairs = [(p, max(p, _behind(n, k, s, p, d))) for n, k, s, p, d in parts]
    return {
        "kernel": kernel,
        "stride": strides,
        "padding": tuple(pairs),
        "dilation": dilations,
    }


def _behind(n: int, k: int, s: int, p: int, d: int) -> int:
    """Return how far the last window stands out that begins within the axis or before it."""
    span = d * (k - 1) + 1
    count = -((span - n - 2 * p) // s) + 1
    if (count - 1) * s >= n + p:
        count -= 1
    return (count - 1) * s + span - n - p


def avg_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> ai.Tensor:
    """Return the mean of each window over one axis: see `avg_pool2d`."""
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> ai.Tensor:
    """Return the mean of each window.

    Parameters
    ----------
    input : (images, channels, height, width), or without the images
    kernel_size, stride, padding, ceil_mode
        As in `max_pool2d`, but that padding is of zeros.
    count_include_pad : bool
        Whether padding counts in the divisor.
    divisor_override : int, optional
        The divisor; by default the size of the window.
    """
    return _avg_pool(
        "avg_pool2d",
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def avg_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> ai.Tensor:
    """Return the mean of each window over three axes: see `avg_pool2d`."""
    return _avg_pool(
        "avg_pool3d",
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def _avg_pool(
    name: str,
    axes: int,
    input: Any,
    kernel_size: Sizes,
    stride: Sizes | None,
    padding: Sizes,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> ai.Tensor:
    if divisor_override == 0:
        raise ValueError(f"{name}: divisor_override is not 0")
    x, alone = with_batch(name, input, axes)
    settings = _settings(name, axes, x, kernel_size, stride, padding, 1, ceil_mode)
    total = sum_pool(x, **settings)
    if divisor_override is not None:
        return without_batch(total / divisor_override, alone)
    pads = per_axis(name, "padding", padding, axes, 0)
    divisor = _divisor(x, total.shape[2:], settings, pads if count_include_pad else (0,) * axes)
    return without_batch(total / divisor, alone)


def _divisor(
    x: ai.Tensor, count: tuple[int, ...], settings: dict[str, Any], counted: Sequence[int]
) -> Any:
    """Return how many elements each window has: a number where all have as many."""
    each = []
    pairs: Pairs = settings["padding"]
    for n, c, k, s, (before, _), p in zip(
        x.shape[2:], count, settings["kernel"], settings["stride"], pairs, counted, strict=True
    ):
        starts = [i * s - before for i in range(c)]
        each.append([min(start + k, n + p) - max(start, -p) for start in starts])
    if all(len(set(found)) <= 1 for found in each):
        return math.prod(found[0] for found in each if found)
    total: Any = 1
    for a, found in enumerate(each):
        shape = (-1, *(1,) * (len(each) - 1 - a))
        total = total * ai.reshape(ai.tensor(found, x.dtype, device=x.device), shape)
    return total


def lp_pool1d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> ai.Tensor:
    """Return the p-norm of each window over one axis: see `lp_pool2d`."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> ai.Tensor:
    """Return ``sum(x^p)^(1/p)`` of each window, as in PyTorch.

    That is the sum where p is 1, and nan where a negative sum has no such root.
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> ai.Tensor:
    """Return the p-norm of each window over three axes: see `lp_pool2d`."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    name: str,
    axes: int,
    input: Any,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None,
    ceil_mode: bool,
) -> ai.Tensor:
    x: ai.Tensor = ai.asarray(input)
    kernel = per_axis(name, "kernel_size", kernel_size, axes)
    mean = _avg_pool(name, axes, x**norm_type, kernel, stride, 0, ceil_mode, True, None)
    total = mean * math.prod(kernel)
    none = total == 0  # where the root has no slope
    made: ai.Tensor = ai.where(none, 0.0, ai.where(none, 1.0, total) ** (1.0 / norm_type))
    return made


def adaptive_avg_pool1d(input: Any, output_size: Any) -> ai.Tensor:
    """Return means over one axis: see `adaptive_avg_pool2d`."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> ai.Tensor:
    """Return means of windows that share an axis out as evenly as they can.

    Parameters
    ----------
    input : (images, channels, height, width), or without the images
    output_size : int, or one for each axis
        None: that of the input.
    """
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> ai.Tensor:
    """Return means over three axes: see `adaptive_avg_pool2d`."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_avg(name: str, axes: int, input: Any, output_size: Any) -> ai.Tensor:
    x, alone = with_batch(name, input, axes)
    return without_batch(averaged(x, _output(name, axes, x, output_size)), alone)


def _output(name: str, axes: int, x: ai.Tensor, output_size: Any) -> tuple[int, ...]:
    given = output_size if isinstance(output_size, list | tuple) else [output_size] * axes
    if len(given) != axes:
        raise ValueError(f"{name}: output_size has a number for each of {axes} axes")
    filled = [n if size is None else size for size, n in zip(given, x.shape[2:], strict=True)]
    return per_axis(name, "output_size", filled, axes)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Made:
    """Return the largest values over one axis: see `adaptive_max_pool2d`."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Made:
    """Return the largest values of windows that share an axis out as evenly as they can.

    Parameters
    ----------
    input : (images, channels, height, width), or without the images
    output_size : int, or one for each axis
        None: that of the input.
    return_indices : bool
        Whether the places of the values come too: integers, in the flattened last axes.
    """
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Made:
    """Return the largest values over three axes: see `adaptive_max_pool2d`."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _adaptive_max(name: str, axes: int, input: Any, output_size: Any, return_indices: bool) -> Made:
    x, alone = with_batch(name, input, axes)
    out = _output(name, axes, x, output_size)
    sizes = x.shape[2:]
    if all(n % m == 0 for n, m in zip(sizes, out, strict=True)):
        kernel = tuple(n // m for n, m in zip(sizes, out, strict=True))
        made = _max_pool(name, axes, x, kernel, kernel, 0, 1, False, return_indices)
        if isinstance(made, tuple):
            return without_batch(made[0], alone), without_batch(made[1], alone)
        return without_batch(made, alone)
    flat = _shared_out(x, out)
    chosen = ai.expand_dims(ai.argmax(flat.detach(), axis=-1), -1)
    y = ai.squeeze(ai.take_along_axis(flat, chosen, axis=-1), axis=-1)
    if not return_indices:
        return without_batch(y, alone)
    numbers = ai.reshape(ai.arange(math.prod(sizes), device=x.device), (1, 1, *sizes))
    every = ai.broadcast_to(_shared_out(numbers, out), flat.shape)
    found = ai.squeeze(ai.take_along_axis(every, chosen, axis=-1), axis=-1)
    return without_batch(y, alone), without_batch(found, alone)


def _shared_out(x: ai.Tensor, out: tuple[int, ...]) -> ai.Tensor:
    """Return the elements of windows of different sizes: (images, channels, *out, elements).

    Each repeats its last element up to the size of the largest.
    """
    axes, windows = len(out), x
    for a, (n, m) in enumerate(zip(x.shape[2:], out, strict=True)):
        bounds = adaptive_bounds(n, m)
        most = max((end - start for start, end in bounds), default=0)
        table = [[min(start + i, end - 1) for i in range(most)] for start, end in bounds]
        at = ai.tensor(table, "int64", device=x.device)
        windows = windows[(slice(None),) * (2 + 2 * a) + (at,)]
    order = (0, 1, *range(2, 2 + 2 * axes, 2), *range(3, 3 + 2 * axes, 2))
    windows = ai.permute_dims(windows, order)
    size = math.prod(windows.shape[2 + axes :])
    made: ai.Tensor = ai.reshape(windows, (*windows.shape[: 2 + axes], size))
    return made
