"""Activations: modules that apply one elementwise function."""

from __future__ import annotations

import autograd_iron as ai
from nn.module import Module


class Tanh(Module):
    """``tanh(x)``, elementwise."""

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Return ``tanh(x)``."""
        return ai.tanh(x)


class ReLU(Module):
    """``max(x, 0)``, elementwise."""

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Return ``max(x, 0)``."""
        return ai.relu(x)


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``, elementwise."""

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Return ``1 / (1 + exp(-x))``."""
        return ai.sigmoid(x)


class Sine(Module):
    """``sin(omega x)``, elementwise: the activation of a SIREN.

    Parameters
    ----------
    omega : float
        The higher, the finer the detail that a network of these can represent. The weights before
        it are started by `nn.init.siren` with the same omega.
    """

    def __init__(self, omega: float = 30.0) -> None:
        self.omega = float(omega)

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Return ``sin(omega x)``."""
        return ai.sin(self.omega * x)
