"""Initial values of weights: functions ``(shape, generator, dtype=...) -> Tensor``.

A weight's shape is ``(fan_out, fan_in)``, as `nn.Linear` multiplies ``x @ weight.T``. Write ``U(-b,
b)`` for the uniform distribution and ``N(0, s^2)`` for the normal one with standard deviation s.

Where no generator is given, layers draw from `default_generator`, which `ai.manual_seed` seeds: it
starts from the same state in every process, so a script builds the same network each time it runs.
Pass ``ai.Generator(seed)`` for another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import autograd_iron as ai
from autograd_iron.ops import drawing

Shape = tuple[int, ...]
Initializer = Callable[..., ai.Tensor]

default_generator = drawing.default_generator


def xavier_uniform(
    shape: Shape, generator: ai.Generator, gain: float = 1.0, dtype: str = "float32"
) -> ai.Tensor:
    """U(-b, b) with b = gain sqrt(6 / (fan_in + fan_out)): for tanh and sigmoid layers.

    Also named after its first author, Glorot. Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks", AISTATS 2010, equation 16.

    Parameters
    ----------
    shape : (int, int)
        ``(fan_out, fan_in)``.
    generator : Generator
    gain : float
        A factor for the activation that follows; 5/3 is common for tanh.
    dtype : str

    Returns
    -------
    Tensor of that shape and dtype.

    Raises
    ------
    ValueError
        When the shape has not two dimensions.
    """
    fan_out, fan_in = _fans("xavier_uniform", shape)
    return _uniform(shape, generator, gain * math.sqrt(6.0 / (fan_in + fan_out)), dtype)


def xavier_normal(
    shape: Shape, generator: ai.Generator, gain: float = 1.0, dtype: str = "float32"
) -> ai.Tensor:
    """N(0, s^2) with s = gain sqrt(2 / (fan_in + fan_out)).

    The variance of `xavier_uniform`, whose parameters, result and errors it shares (Glorot and
    Bengio 2010, equation 12).
    """
    fan_out, fan_in = _fans("xavier_normal", shape)
    std = gain * math.sqrt(2.0 / (fan_in + fan_out))
    return generator.normal(shape, mean=0.0, std=std, dtype=dtype)


def kaiming_uniform(
    shape: Shape, generator: ai.Generator, gain: float = math.sqrt(2.0), dtype: str = "float32"
) -> ai.Tensor:
    """U(-b, b) with b = gain sqrt(3 / fan_in): for relu layers.

    Also named after its first author's family name, He. He, Zhang, Ren and Sun, "Delving deep into
    rectifiers", ICCV 2015, equation 10.

    Parameters
    ----------
    shape : (int, int)
        ``(fan_out, fan_in)``.
    generator : Generator
    gain : float
        sqrt(2) for relu, sqrt(2 / (1 + a^2)) for a leaky relu of slope a, 1 for no activation.
    dtype : str

    Returns
    -------
    Tensor of that shape and dtype.

    Raises
    ------
    ValueError
        When the shape has not two dimensions.
    """
    _, fan_in = _fans("kaiming_uniform", shape)
    return _uniform(shape, generator, gain * math.sqrt(3.0 / fan_in), dtype)


def kaiming_normal(
    shape: Shape, generator: ai.Generator, gain: float = math.sqrt(2.0), dtype: str = "float32"
) -> ai.Tensor:
    """N(0, s^2) with s = gain / sqrt(fan_in).

    The variance of `kaiming_uniform`, whose parameters, result and errors it shares (He et al.
    2015, equation 10).
    """
    _, fan_in = _fans("kaiming_normal", shape)
    return generator.normal(shape, mean=0.0, std=gain / math.sqrt(fan_in), dtype=dtype)


def fan_in_uniform(shape: Shape, generator: ai.Generator, dtype: str = "float32") -> ai.Tensor:
    """U(-b, b) with b = 1 / sqrt(fan_in): the default of `nn.Linear`, and of PyTorch's.

    The same as `kaiming_uniform` with gain sqrt(1/3) (a leaky relu of slope sqrt(5)). It is the
    heuristic that Glorot and Bengio 2010 quote as the usual one (equation 1).

    Parameters
    ----------
    shape : (int, int)
        ``(fan_out, fan_in)``.
    generator : Generator
    dtype : str

    Returns
    -------
    Tensor of that shape and dtype.

    Raises
    ------
    ValueError
        When the shape has not two dimensions.
    """
    _, fan_in = _fans("fan_in_uniform", shape)
    return _uniform(shape, generator, 1.0 / math.sqrt(fan_in), dtype)


def siren_first(shape: Shape, generator: ai.Generator, dtype: str = "float32") -> ai.Tensor:
    """U(-1/fan_in, 1/fan_in): the first layer of a SIREN, on inputs in [-1, 1].

    With sin(omega_0 (x @ weight.T + bias)) the first layer then spans several periods of the sine
    over its inputs. Sitzmann, Martel, Bergman, Lindell and Wetzstein, "Implicit neural
    representations with periodic activation functions", NeurIPS 2020,
    https://arxiv.org/abs/2006.09661, section 3.2.

    Parameters, result and errors are those of `fan_in_uniform`.
    """
    _, fan_in = _fans("siren_first", shape)
    return _uniform(shape, generator, 1.0 / fan_in, dtype)


def siren(
    shape: Shape, generator: ai.Generator, omega: float = 30.0, dtype: str = "float32"
) -> ai.Tensor:
    """U(-b, b) with b = sqrt(6 / fan_in) / omega: the layers of a SIREN after the first.

    Inputs that are sines of widely spread phases have variance 1/2, so omega (x @ weight.T) is
    close to N(0, 1), and stays near it in every layer, however deep (Sitzmann et al. 2020,
    section 3.2 and theorem 1.8 of the supplement).

    Parameters
    ----------
    shape : (int, int)
        ``(fan_out, fan_in)``.
    generator : Generator
    omega : float
        The frequency that the following sine multiplies by.
    dtype : str

    Returns
    -------
    Tensor of that shape and dtype.

    Raises
    ------
    ValueError
        When the shape has not two dimensions.
    """
    _, fan_in = _fans("siren", shape)
    return _uniform(shape, generator, math.sqrt(6.0 / fan_in) / omega, dtype)


def _uniform(shape: Shape, generator: ai.Generator, bound: float, dtype: str) -> ai.Tensor:
    return generator.uniform(shape, low=-bound, high=bound, dtype=dtype)


def _fans(scheme: str, shape: Shape) -> tuple[int, int]:
    if len(shape) != 2 or shape[1] < 1:
        raise ValueError(
            f"{scheme}: a shape (fan_out, fan_in) with fan_in at least 1 was expected, and it is "
            f"{tuple(shape)}. A bias has no fan: draw it with generator.uniform(shape, low, high), "
            f"or start it at ai.zeros(shape)."
        )
    return shape[0], shape[1]
