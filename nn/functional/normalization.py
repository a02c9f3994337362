"""Normalisation, in PyTorch's names, arguments and numerics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd_iron as ai
from autograd_iron.arrays import dtypes
from autograd_iron.ops.standardizing import standardize
from autograd_iron.ops.windows.pooling import sum_pool
from nn.functional.operands import beside

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
]


def layer_norm(
    input: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> ai.Tensor:
    """Return ``(x - mean) / sqrt(var + eps) * weight + bias`` over the last axes.

    Parameters
    ----------
    input : (..., *normalized_shape)
    normalized_shape : int or sequence of int
    weight, bias : (*normalized_shape), optional
    """
    x: ai.Tensor = ai.asarray(input)
    y = standardize(x, axis=_last_axes("layer_norm", x, normalized_shape), eps=eps)[0]
    return _affine(y, weight, bias)


def _last_axes(name: str, x: ai.Tensor, shape: int | Sequence[int]) -> tuple[int, ...]:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{name}: the input has shape {x.shape}, and its last axes are to be {shape}"
        )
    return tuple(range(x.ndim - len(shape), x.ndim))


def _affine(y: ai.Tensor, weight: Any, bias: Any) -> ai.Tensor:
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def rms_norm(
    input: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    eps: float | None = None,
) -> ai.Tensor:
    """Return ``x / sqrt(mean(x^2) + eps) * weight`` over the last axes.

    Parameters
    ----------
    eps : float, optional
        By default the distance from 1 to the next number of the dtype.
    """
    x: ai.Tensor = ai.asarray(input)
    axes = _last_axes("rms_norm", x, normalized_shape)
    if eps is None:
        eps = float(ai.finfo(x.dtype).eps)
    wide = ai.astype(x, "float32") if dtypes.is_narrow(x.dtype) else x
    y = wide / ai.sqrt(ai.mean(wide * wide, axis=axes, keepdims=True) + eps)
    return _affine(ai.astype(y, x.dtype), weight, None)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> ai.Tensor:
    """Return each group of channels of each image less its mean, over its deviation.

    Parameters
    ----------
    input : (images, channels, ...)
    num_groups : int
        Into how many groups the channels fall.
    weight, bias : (channels,), optional
    """
    x: ai.Tensor = ai.asarray(input)
    if x.ndim < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(
            f"group_norm: the input has shape {x.shape}, (images, channels, ...), and "
            f"{num_groups} groups must divide the channels"
        )
    own = math.prod(x.shape[2:]) * (x.shape[1] // num_groups)
    grouped = ai.reshape(x, (x.shape[0], num_groups, own))
    y = ai.reshape(standardize(grouped, axis=(2,), eps=eps)[0], x.shape)
    return _affine(y, _of_channels(weight, x), _of_channels(bias, x))


def _of_channels(values: Any, x: ai.Tensor) -> Any:
    return None if values is None else ai.reshape(beside(values, x), (-1, *(1,) * (x.ndim - 2)))


def batch_norm(
    input: Any,
    running_mean: ai.Tensor | None,
    running_var: ai.Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> ai.Tensor:
    """Return each channel less its mean, over its deviation.

    Parameters
    ----------
    input : (images, channels, ...)
    running_mean, running_var : (channels,), or None
        In training they are moved towards the mean and the unbiased variance of the batch; else
        they take their place.
    weight, bias : (channels,), optional
    training : bool
    momentum : float
        How far the running values move: the share of the new ones.
    """
    x: ai.Tensor = ai.asarray(input)
    if x.ndim < 2:
        raise ValueError(f"batch_norm: the input has shape {x.shape}, not (images, channels, ...)")
    axes = (0, *range(2, x.ndim))
    scale, shift = _of_channels(weight, x), _of_channels(bias, x)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError(
                "batch_norm: without training, running_mean and running_var are needed"
            )
        mean, var = _of_channels(running_mean, x), _of_channels(running_var, x)
        return _affine((x - mean) / ai.sqrt(var + eps), scale, shift)
    count = math.prod(x.shape[a] for a in axes)
    if count == 1:
        raise ValueError(
            f"batch_norm: the input has shape {x.shape}, one value for each channel, of which "
            f"there is no deviation: train on more than one"
        )
    y, mean, var = standardize(x, axis=axes, eps=eps)
    if running_mean is not None:
        _move(running_mean, mean, momentum)
    if running_var is not None:
        _move(running_var, var * (count / max(count - 1, 1)), momentum)
    return _affine(y, scale, shift)


def _move(running: ai.Tensor, value: ai.Tensor, momentum: float) -> None:
    with ai.no_grad():
        new = ai.reshape(value.detach(), running.shape)
        running.assign(running * (1 - momentum) + ai.astype(new, running.dtype) * momentum)


def instance_norm(
    input: Any,
    running_mean: ai.Tensor | None = None,
    running_var: ai.Tensor | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> ai.Tensor:
    """Return each channel of each image less its mean, over its deviation: see `batch_norm`."""
    x: ai.Tensor = ai.asarray(input)
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
    if x.ndim < 3:
        raise ValueError(
            f"instance_norm: the input has shape {x.shape}, not (images, channels, ...)"
        )
    count = math.prod(x.shape[2:])
    if count == 1:
        raise ValueError(
            f"instance_norm: the input has shape {x.shape}, one value for each channel of an "
            f"image, of which there is no deviation"
        )
    y, mean, var = standardize(x, axis=tuple(range(2, x.ndim)), eps=eps)
    if running_mean is not None:
        _move(running_mean, ai.mean(mean, axis=0), momentum)
    if running_var is not None:
        _move(running_var, ai.mean(var, axis=0) * (count / max(count - 1, 1)), momentum)
    return _affine(y, _of_channels(weight, x), _of_channels(bias, x))


def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> ai.Tensor:
    """Return each channel over a power of the mean square of its `size` neighbours.

    ``x / (k + alpha * mean(x^2))^beta``, where channels that are not there count as 0.
    """
    x: ai.Tensor = ai.asarray(input)
    if x.ndim < 3:
        raise ValueError(
            f"local_response_norm: the input has shape {x.shape}, not (images, channels, ...)"
        )
    squares = ai.reshape(x * x, (x.shape[0], x.shape[1], math.prod(x.shape[2:])))
    total = sum_pool(
        squares,
        kernel=(size, 1),
        stride=(1, 1),
        padding=((size // 2, (size - 1) // 2), (0, 0)),
        dilation=(1, 1),
    )
    made: ai.Tensor = x / (ai.reshape(total, x.shape) * (alpha / size) + k) ** beta
    return made
