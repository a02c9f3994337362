"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from nn.optim.optimizer import Optimizer, Parameters, Schedule, check_decay, check_fraction


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum.

    With gradient g, weight decay d, momentum m and rate r (``torch.optim.SGD``'s form; Sutskever,
    Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013)::

        g = g + d p
        v = m v + g
        p = p - r v             or with nesterov    p = p - r (g + m v)

    Parameters
    ----------
    params : iterable of Tensor, or of (str, Tensor)
        See `Optimizer`.
    lr : float, or function from the step to a float
    momentum : float
        In [0, 1); usually 0.9.
    weight_decay : float
        d, the factor of an L2 penalty ``d p^2 / 2``.
    nesterov : bool
        Look ahead along the velocity; needs a momentum.

    Raises
    ------
    TypeError, ValueError
        As `Optimizer`, and ValueError for a setting out of its range.

    Examples
    --------
    >>> optimizer = nn.SGD(model.parameters(), nn.CosineDecay(0.5, steps=300), momentum=0.9)
    >>> loss(model(x), y).backward()
    >>> optimizer.step()
    >>> optimizer.zero_grad()
    """

    def __init__(
        self,
        params: Parameters,
        lr: float | Schedule = 1e-3,
        momentum: float = 0.0,
        *,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        check_fraction("SGD", "momentum", momentum)
        check_decay("SGD", weight_decay)
        if nesterov and not momentum:
            raise ValueError(
                "SGD: nesterov=True looks ahead along the momentum, and momentum is 0; try "
                "momentum=0.9."
            )
        self.momentum = float(momentum)
        self.weight_decay = float(weight_decay)
        self.nesterov = bool(nesterov)
        self.slots = ("velocity",) if momentum else ()
        super().__init__(params, lr)

    def update(self, F: Any, p: Any, g: Any, slots: list[Any], numbers: list[Any]) -> Any:
        """Return ``(p, v)``, or ``(p,)`` without momentum."""
        velocity = slots[0] if slots else None
        if self.momentum and velocity is None:
            raise ValueError(
                f"SGD: momentum was set to {self.momentum} on an optimizer made without any, which "
                "keeps no velocity. Make it with the momentum: SGD(params, lr, momentum=0.9)."
            )
        (lr,) = numbers
        return sgd(F, p, g, velocity, lr, self.momentum, self.nesterov, self.weight_decay)


def sgd(
    F: Any,
    p: Any,
    g: Any,
    v: Any,
    lr: Any,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> tuple[Any, ...]:
    """Update rule of `SGD`: velocity v, None without momentum."""
    if weight_decay:
        g = g + weight_decay * p
    if v is None:
        return (p - lr * g,)
    v = momentum * v + g
    return p - lr * (g + momentum * v if nesterov else v), v
