"""Convolutions, in PyTorch's names, arguments, layouts and numerics."""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from autograd_iron.ops.windows.convolution import conv, conv_input_gradient
from autograd_iron.ops.windows.unfolding import fold_windows, unfold_windows
from nn.functional.operands import beside
from nn.functional.sizes import Sizes, per_axis, with_batch, without_batch

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> ai.Tensor:
    """Return the convolution over one axis: see `conv2d`."""
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> ai.Tensor:
    """Return the convolution of images (the correlation, as networks have it).

    Parameters
    ----------
    input : (images, channels, height, width), or without the images
    weight : (channels made, channels / groups, kernel height, kernel width)
    bias : (channels made,), optional
    stride, dilation : int, or one for each axis
        The step from window to window, and that from element to element in a window.
    padding : int, one for each axis, "valid" or "same"
        So many zeros on both sides. "valid": none; "same": as many as give the result the sizes of
        the input, the odd one behind it, for a stride of 1.
    groups : int
        Into how many parts the channels fall, each of which makes its own part of the result.

    Returns
    -------
    (images, channels made, height, width)
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> ai.Tensor:
    """Return the convolution over three axes: see `conv2d`."""
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    name: str,
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> ai.Tensor:
    x, alone = with_batch(name, input, axes)
    w = beside(weight, x)
    _check_weight(name, w, axes)
    strides = per_axis(name, "stride", stride, axes)
    dilations = per_axis(name, "dilation", dilation, axes)
    if isinstance(padding, str):
        if padding not in ("valid", "same"):
            raise ValueError(f"{name}: padding is 'valid', 'same' or sizes, not {padding!r}")
        if padding == "same" and max(strides) > 1:
            raise ValueError(f"{name}: padding='same' is for a stride of 1, not {stride!r}")
        spans = [d * (k - 1) for d, k in zip(dilations, w.shape[2:], strict=True)]
        pairs = tuple((n // 2, n - n // 2) if padding == "same" else (0, 0) for n in spans)
    else:
        pairs = tuple((n, n) for n in per_axis(name, "padding", padding, axes, 0))
    y = conv(x, w, stride=strides, padding=pairs, dilation=dilations, groups=groups)
    return without_batch(_with_bias(y, bias, axes), alone)


def _check_weight(name: str, w: ai.Tensor, axes: int) -> None:
    if w.ndim != axes + 2:
        raise ValueError(
            f"{name}: the weight has shape {w.shape}; it has {axes + 2} axes: two of channels, and "
            f"{axes} of the kernel"
        )


def _with_bias(y: ai.Tensor, bias: Any, axes: int) -> ai.Tensor:
    if bias is None:
        return y
    made: ai.Tensor = y + ai.reshape(beside(bias, y), (-1, *(1,) * axes))
    return made


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> ai.Tensor:
    """Return the transposed convolution over one axis: see `conv_transpose2d`."""
    return _transposed(
        "conv_transpose1d",
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> ai.Tensor:
    """Return the transposed convolution: the gradient of `conv2d` by its input, as a function.

    Parameters
    ----------
    input : (images, channels, height, width), or without the images
    weight : (channels, channels made / groups, kernel height, kernel width)
    bias : (channels made,), optional
    stride, padding, dilation : int, or one for each axis
        Those of the convolution.
    output_padding : int, or one for each axis
        So much larger is the result, at its end; less than the stride or the dilation.
    groups : int

    Returns
    -------
    (images, channels made, height, width)
        Of the sizes ``(n - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.
    """
    return _transposed(
        "conv_transpose2d",
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> ai.Tensor:
    """Return the transposed convolution over three axes: see `conv_transpose2d`."""
    return _transposed(
        "conv_transpose3d",
        3,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
    )


def _transposed(
    name: str,
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> ai.Tensor:
    y, alone = with_batch(name, input, axes)
    w = beside(weight, y)
    _check_weight(name, w, axes)
    strides = per_axis(name, "stride", stride, axes)
    dilations = per_axis(name, "dilation", dilation, axes)
    sizes, pairs, rest = [], [], []
    for n, k, s, d, p, more in zip(
        y.shape[2:],
        w.shape[2:],
        strides,
        dilations,
        per_axis(name, "padding", padding, axes, 0),
        per_axis(name, "output_padding", output_padding, axes, 0),
        strict=True,
    ):
        if more >= max(s, d):
            raise ValueError(
                f"{name}: output_padding {more} must be less than stride {s} or dilation {d}"
            )
        # What the convolution leaves out at the end is padding that the result gets back.
        pairs.append((p, max(p - more, 0)))
        rest.append(max(more - p, 0))
        sizes.append((n - 1) * s + d * (k - 1) + 1 - sum(pairs[-1]))
        if sizes[-1] < 1:
            raise ValueError(f"{name}: padding {p} leaves nothing of an axis of {n}")
    made: ai.Tensor = conv_input_gradient(
        y,
        w,
        size=tuple(sizes),
        stride=strides,
        padding=tuple(pairs),
        dilation=dilations,
        groups=groups,
    )
    if any(rest):
        made = ai.pad(made, ((0, 0), (0, 0), *((0, n) for n in rest)))
    return without_batch(_with_bias(made, bias, axes), alone)


def unfold(
    input: Any, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> ai.Tensor:
    """Return the windows of images as columns.

    Parameters
    ----------
    input : (images, channels, height, width), or without the images

    Returns
    -------
    (images, channels * size of a window, number of windows)
    """
    x, alone = with_batch("unfold", input, 2)
    settings = _settings("unfold", kernel_size, dilation, padding, stride)
    made = unfold_windows(x, **settings)
    inner = math.prod(made.shape[1:4])
    columns: ai.Tensor = ai.reshape(made, (made.shape[0], inner, math.prod(made.shape[4:])))
    return without_batch(columns, alone)


def fold(
    input: Any,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> ai.Tensor:
    """Return columns added up where `unfold` found them: (images, channels, *output_size)."""
    x, alone = with_batch("fold", input, 1)
    settings = _settings("fold", kernel_size, dilation, padding, stride)
    size = per_axis("fold", "output_size", output_size, 2)
    kernel = settings["kernel"]
    spans = zip(
        size, kernel, settings["stride"], settings["padding"], settings["dilation"], strict=True
    )
    count = tuple((n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in spans)
    channels, left = divmod(x.shape[1], math.prod(kernel))
    if left or x.shape[2] != math.prod(count):
        raise ValueError(
            f"fold: the input has shape {x.shape}; its columns have a multiple of "
            f"{math.prod(kernel)} rows, the size of a window, and {size} has "
            f"{' x '.join(map(str, count))} windows"
        )
    windows = ai.reshape(x, (x.shape[0], channels, *kernel, *count))
    return without_batch(fold_windows(windows, size=size, **settings), alone)


def _settings(
    name: str, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> dict[str, Any]:
    return {
        "kernel": per_axis(name, "kernel_size", kernel_size, 2),
        "stride": per_axis(name, "stride", stride, 2),
        "padding": tuple((n, n) for n in per_axis(name, "padding", padding, 2, 0)),
        "dilation": per_axis(name, "dilation", dilation, 2),
    }
