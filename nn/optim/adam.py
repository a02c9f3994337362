"""Adam."""

from __future__ import annotations

import math
from typing import Any

from nn.optim.optimizer import Optimizer, Parameters, Schedule, check_decay, check_fraction


class Adam(Optimizer):
    """Adam: steps scaled by running means of the gradient and of its square.

    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015,
    https://arxiv.org/abs/1412.6980, algorithm 1, as in ``torch.optim.Adam``: with weight decay d,
    ``g = g + d p`` comes first. Each parameter counts its own updates for the bias correction, so
    that one which gets its first gradient late starts as the others did.

    Parameters
    ----------
    params : iterable of Tensor, or of (str, Tensor)
        See `Optimizer`.
    lr : float, or function from the step to a float
    betas : (float, float)
        Decay of the mean of g and of the mean of g^2; each in [0, 1).
    eps : float
        Keeps the quotient finite where gradients vanish.
    weight_decay : float
        d, the factor of an L2 penalty ``d p^2 / 2``.

    Raises
    ------
    TypeError, ValueError
        As `Optimizer`, and ValueError for a setting out of its range.
    """

    slots = ("first_moment", "second_moment")
    counts_updates = True

    def __init__(
        self,
        params: Parameters,
        lr: float | Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        for index, beta in enumerate(betas):
            check_fraction("Adam", f"betas[{index}]", beta)
        if not eps > 0:
            raise ValueError(f"Adam: eps must be positive, and it is {eps}; try 1e-8.")
        check_decay("Adam", weight_decay)
        self.betas = (float(betas[0]), float(betas[1]))
        self.eps = float(eps)
        self.weight_decay = float(weight_decay)
        super().__init__(params, lr)

    def numbers(self, lr: float, updates: int) -> tuple[float, ...]:
        """Return the rate and the root, both with the bias of the means taken out.

        They are computed in Python's floats: in float32, 1 - 0.999 has only four digits left.
        """
        first = 1.0 - self.betas[0] ** updates
        return lr / first, math.sqrt(1.0 - self.betas[1] ** updates)

    def update(self, F: Any, p: Any, g: Any, slots: list[Any], numbers: list[Any]) -> Any:
        """Return ``(p, m, v)``."""
        (m, v), (lr, root) = slots, numbers
        return adam(F, p, g, m, v, lr, root, self.betas, self.eps, self.weight_decay)


def adam(
    F: Any,
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    lr: Any,
    root: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Update rule of `Adam`: moments m and v; lr and root are corrected for their bias."""
    if weight_decay:
        g = g + weight_decay * p
    m = betas[0] * m + (1.0 - betas[0]) * g
    v = betas[1] * v + (1.0 - betas[1]) * (g * g)
    return p - lr * (m / (F.sqrt(v) / root + eps)), m, v
