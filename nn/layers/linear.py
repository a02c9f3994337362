"""Linear maps."""

from __future__ import annotations

import math

import autograd_iron as ai
from autograd_iron.arrays import dtypes
from nn import init as schemes
from nn.layers.sizes import sizes
from nn.module import Module, Parameter


class Linear(Module):
    """``y = x @ weight.T + bias``.

    Parameters
    ----------
    in_features, out_features : int
        Last dimension of x and of y, each at least 1.
    bias : bool
        Without it, ``self.bias`` is None.
    init : function (shape, generator, dtype=...) -> Tensor, optional
        Where the weight starts; see `nn.init`. By default both weight and bias are drawn from
        U(-1/sqrt(in_features), 1/sqrt(in_features)), as in PyTorch. With ``init`` given the bias
        starts at 0, as the papers behind the schemes have it.
    generator : Generator, optional
        By default `nn.init.default_generator`, which is the same in every process.
    dtype : str

    Attributes
    ----------
    weight : Parameter (out_features, in_features)
    bias : Parameter (out_features,), or None

    Raises
    ------
    ValueError
        When a size is not an integer in its range, or ``init`` returns another shape or dtype.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: schemes.Initializer | None = None,
        generator: ai.Generator | None = None,
        dtype: str = "float32",
    ) -> None:
        in_features, out_features = sizes(
            "Linear", in_features=in_features, out_features=out_features
        )
        generator = generator or schemes.default_generator
        self.in_features = in_features
        self.out_features = out_features
        shape = (out_features, in_features)
        self.weight = Parameter((init or schemes.fan_in_uniform)(shape, generator, dtype=dtype))
        if self.weight.shape != shape or self.weight.dtype != dtypes.dtype(dtype):
            raise ValueError(
                f"Linear: init returned {self.weight.shape} {self.weight.dtype} for a weight that "
                f"is {shape} {dtype}. An init function returns a Tensor of the shape and dtype "
                f"that it is given."
            )
        self.bias = None
        if bias and init is None:
            bound = 1.0 / math.sqrt(in_features)
            self.bias = Parameter(generator.uniform((out_features,), -bound, bound, dtype))
        elif bias:
            self.bias = Parameter(ai.zeros((out_features,), dtype=dtype))

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Map ``(..., in_features)`` to ``(..., out_features)``."""
        return ai.linear(x, self.weight, self.bias)
