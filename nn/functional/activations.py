"""Activations, in PyTorch's names, arguments and defaults.

Tensors are values: `inplace=` is there for the sake of PyTorch's signatures, and changes nothing.
"""

from __future__ import annotations

import math
from typing import Any

import autograd_iron as ai
from nn import init

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]


def relu(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return ``max(x, 0)``."""
    return ai.relu(input)


def sigmoid(input: Any) -> ai.Tensor:
    """Return ``1 / (1 + exp(-x))``."""
    return ai.sigmoid(input)


def tanh(input: Any) -> ai.Tensor:
    """Return the hyperbolic tangent."""
    return ai.tanh(input)


# --- bent lines


def hardtanh(
    input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> ai.Tensor:
    """Return x between two bounds; at a bound the gradient is 0."""
    if not min_val < max_val:
        raise ValueError(f"hardtanh: min_val is below max_val, not {min_val} and {max_val}")
    x = ai.asarray(input)
    return ai.where(x <= min_val, min_val, ai.where(x >= max_val, max_val, x))


def relu6(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return ``min(max(x, 0), 6)``."""
    return hardtanh(input, 0.0, 6.0)


def hardsigmoid(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return ``relu6(x + 3) / 6``."""
    return relu6(ai.asarray(input) + 3) / 6


def hardswish(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return ``x relu6(x + 3) / 6``."""
    x = ai.asarray(input)
    return x * hardsigmoid(x)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> ai.Tensor:
    """Return x where that is positive, else `negative_slope` times x."""
    x = ai.asarray(input)
    return ai.where(x > 0, x, negative_slope * x)


def prelu(input: Any, weight: Any) -> ai.Tensor:
    """Return x where that is positive, else `weight` times x.

    Parameters
    ----------
    input : (n, channels, ...)
    weight : (1,) or (channels,)
    """
    x, slope = ai.asarray(input), ai.asarray(weight)
    if slope.size != 1:
        channels = x.shape[1] if x.ndim > 1 else x.size if x.ndim else 1
        if slope.shape != (channels,):
            raise ValueError(
                f"prelu: the weight has one number, or one for each of the {channels} channels of "
                f"an input {x.shape}, not {slope.shape}"
            )
        slope = ai.reshape(slope, (channels,) + (1,) * max(x.ndim - 2, 0))
    elif slope.ndim:
        slope = ai.reshape(slope, ())
    return ai.where(x > 0, x, slope * x)


def rrelu(
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: ai.Generator | None = None,
) -> ai.Tensor:
    """Return x where that is positive, else x times a slope that is drawn between two bounds.

    Not in training the slope is the middle of the bounds.  The generator is by default
    `nn.init.default_generator`.
    """
    x = ai.asarray(input)
    if not training:
        return leaky_relu(x, (lower + upper) / 2)
    drawn = _drawn(x, generator, x.shape)
    return ai.where(x > 0, x, (lower + (upper - lower) * drawn) * x)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> ai.Tensor:
    """Return x where that is above `threshold`, else `value`."""
    x = ai.asarray(input)
    return ai.where(x <= threshold, value, x)  # nan stays nan


def softshrink(input: Any, lambd: float = 0.5) -> ai.Tensor:
    """Return x, nearer to 0 by `lambd`; 0 where that is more than the way."""
    if lambd < 0:
        raise ValueError(f"softshrink: lambd is not negative, but {lambd}")
    x = ai.asarray(input)
    return ai.where(x > lambd, x - lambd, ai.where(x < -lambd, x + lambd, 0 * x))


def hardshrink(input: Any, lambd: float = 0.5) -> ai.Tensor:
    """Return x where ``abs(x) > lambd``, else 0."""
    x = ai.asarray(input)
    return ai.where(ai.abs(x) <= lambd, 0.0, x)  # nan stays nan


# --- bent exponentials


def _expm1_below(x: ai.Tensor, scale: float = 1.0) -> ai.Tensor:
    """Return ``exp(x / scale) - 1`` where x is not positive, and 0 elsewhere."""
    return ai.expm1(ai.where(x > 0, 0.0, x) / scale)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> ai.Tensor:
    """Return x where that is positive, else ``alpha (exp(x) - 1)``."""
    x = ai.asarray(input)
    return ai.where(x > 0, x, alpha * _expm1_below(x))


def selu(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return `elu` with the two constants that keep the mean 0 and the variance 1."""
    return 1.0507009873554804934193349852946 * elu(input, 1.6732632423543772848170429916717)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> ai.Tensor:
    """Return x where that is positive, else ``alpha (exp(x / alpha) - 1)``."""
    if alpha == 0:
        raise ValueError("celu: alpha divides x and is not 0")
    x = ai.asarray(input)
    return ai.where(x > 0, x, alpha * _expm1_below(x, alpha))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> ai.Tensor:
    """Return ``log(1 + exp(beta x)) / beta``, and x where ``beta x`` is above `threshold`."""
    x = ai.asarray(input)
    scaled = x * beta if beta != 1 else x
    return ai.where(scaled > threshold, x, ai.softplus(scaled) / beta)


def logsigmoid(input: Any) -> ai.Tensor:
    """Return the logarithm of ``sigmoid(x)``, finite for every finite x."""
    return -ai.softplus(-ai.asarray(input))


# --- smooth ones


def gelu(input: Any, approximate: str = "none") -> ai.Tensor:
    """Return x times the share of the normal distribution that is below x.

    Parameters
    ----------
    input : Tensor
    approximate : "none" or "tanh"
        "tanh": ``0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))``.
    """
    x = ai.asarray(input)
    if approximate == "none":
        return 0.5 * x * (1 + ai.special.erf(x * math.sqrt(0.5)))
    if approximate == "tanh":
        return 0.5 * x * (1 + ai.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    raise ValueError(f'gelu: approximate is "none" or "tanh", not {approximate!r}')


def silu(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return ``x sigmoid(x)``."""
    x = ai.asarray(input)
    return x * ai.sigmoid(x)


def mish(input: Any, inplace: bool = False) -> ai.Tensor:
    """Return ``x tanh(softplus(x))``."""
    x = ai.asarray(input)
    return x * ai.tanh(ai.softplus(x))


def softsign(input: Any) -> ai.Tensor:
    """Return ``x / (1 + abs(x))``."""
    x = ai.asarray(input)
    return x / (1 + ai.abs(x))


def tanhshrink(input: Any) -> ai.Tensor:
    """Return ``x - tanh(x)``."""
    x = ai.asarray(input)
    return x - ai.tanh(x)


# --- over an axis


def glu(input: Any, dim: int = -1) -> ai.Tensor:
    """Return the first half along an axis times the sigmoid of the second."""
    x = ai.asarray(input)
    if x.ndim == 0 or x.shape[dim] % 2:
        raise ValueError(
            f"glu: the axis {dim} of an input {x.shape} is cut in halves: its size is even"
        )
    first, second = ai.split(x, 2, axis=dim)
    return first * ai.sigmoid(second)


def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> ai.Tensor:
    """Return ``exp(x) / sum(exp(x))`` over an axis.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        Without one it is axis 0 of inputs with 0, 1 or 3 axes, and axis 1 of others.
    dtype : dtype, optional
        What the input is converted to first.
    """
    x = ai.asarray(input) if dtype is None else ai.astype(ai.asarray(input), dtype)
    return ai.softmax(x, _axis(x, dim)) if x.ndim else ai.exp(x - x)


def softmin(input: Any, dim: int | None = None, dtype: Any = None) -> ai.Tensor:
    """Return `softmax` of ``-x``."""
    return softmax(-ai.asarray(input), dim, dtype)


def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> ai.Tensor:
    """Return the logarithm of `softmax`, finite for every finite x."""
    x = ai.asarray(input) if dtype is None else ai.astype(ai.asarray(input), dtype)
    return ai.log_softmax(x, _axis(x, dim)) if x.ndim else x - x


def _axis(x: ai.Tensor, dim: int | None) -> int:
    return (0 if x.ndim in (0, 1, 3) else 1) if dim is None else dim


def gumbel_softmax(
    logits: Any,
    tau: float = 1.0,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    generator: ai.Generator | None = None,
) -> ai.Tensor:
    """Return a draw of a class for each row of logits, as a vector of shares of the classes.

    Parameters
    ----------
    logits : Tensor
    tau : float
        The temperature: the lower, the nearer is a draw to one class.
    hard : bool
        Return one class, 1 among zeros; the gradient is that of the shares.
    eps : float
        For the sake of PyTorch's signature.
    dim : int
        The axis of the classes.
    generator : Generator, optional
        By default `nn.init.default_generator`.
    """
    x = ai.asarray(logits)
    uniform = _drawn(x, generator, x.shape)
    gumbel = -ai.log(-ai.log1p(-uniform * (1 - 2**-24)) + 2.0**-25)
    soft = ai.softmax((x + gumbel) / tau, dim)
    if not hard:
        return soft
    classes = ai.reshape(
        ai.arange(x.shape[dim]), (-1,) + (1,) * (-1 - (dim if dim < 0 else dim - x.ndim))
    )
    chosen = ai.expand_dims(ai.argmax(soft.detach(), axis=dim), dim) == classes
    return ai.astype(chosen, x.dtype) - soft.detach() + soft


def _drawn(x: ai.Tensor, generator: ai.Generator | None, shape: Any) -> ai.Tensor:
    """Return uniform numbers from [0, 1), on the device of a tensor and of its dtype."""
    source = init.default_generator if generator is None else generator
    wide = x.dtype if x.dtype in (ai.float32, ai.float64) else ai.float32
    drawn = source.uniform(shape, dtype=wide, device=x.device)
    return drawn if drawn.dtype == x.dtype else ai.astype(drawn, x.dtype)
