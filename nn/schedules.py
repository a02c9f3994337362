"""Schedules: plain functions from the step, counted from 0, to the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autograd_iron.core.plain import setting
from autograd_iron.support.integers import integer


@dataclass(frozen=True)
class CosineDecay:
    """Warm up linearly, then fall along half a cosine to the floor, and stay there.

    During the first ``warmup`` steps the rate is ``lr (step + 1) / warmup``. Then, with t the
    part of the remaining ``steps - warmup`` that is over, from 0 to 1,

        floor + (lr - floor) (1 + cos(pi t)) / 2.

    With restarts the remaining steps are cut into ``restarts + 1`` equal cycles, and t runs from 0
    to 1 in each. From ``steps`` on the rate is ``floor``. Loshchilov and Hutter, "SGDR: stochastic
    gradient descent with warm restarts", ICLR 2017, https://arxiv.org/abs/1608.03983, equation 5.

    Parameters
    ----------
    lr : float
        The highest rate; positive.
    steps : int
        When the floor is reached.
    warmup : int
        Number of steps of the linear rise; below ``steps``.
    floor : float
        The lowest rate, between 0 and ``lr``. Training longer than ``steps`` needs one above 0.
    restarts : int
        How often the rate jumps back to ``lr``.

    Raises
    ------
    ValueError
        When these do not fit together; the message says which and how.

    Examples
    --------
    >>> schedule = nn.CosineDecay(0.5, steps=100)
    >>> schedule(0), schedule(50), schedule(100)
    (0.5, 0.25, 0.0)
    """

    lr: float
    steps: int
    warmup: int = 0
    floor: float = 0.0
    restarts: int = 0

    def __post_init__(self) -> None:
        for name in ("lr", "floor"):
            object.__setattr__(self, name, setting(getattr(self, name), name))
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise ValueError(f"CosineDecay: lr must be positive and finite, not {self.lr}.")
        if not 0 <= self.floor <= self.lr:
            raise ValueError(
                f"CosineDecay: floor must lie between 0 and the lr {self.lr}, and it is "
                f"{self.floor}. The floor is where the rate ends, not a factor of it."
            )
        for name, lowest in (("steps", 1), ("warmup", 0), ("restarts", 0)):
            value = getattr(self, name)
            whole = integer(value)
            if whole is None or whole < lowest:
                raise ValueError(
                    f"CosineDecay: {name} must be an integer from {lowest} up, not {value!r}."
                )
            object.__setattr__(self, name, whole)
        if self.warmup >= self.steps:
            raise ValueError(
                f"CosineDecay: a warm-up of {self.warmup} steps leaves none of the {self.steps} "
                f"steps for the decay; `steps` counts both. Make warmup smaller."
            )
        if self.restarts >= self.steps - self.warmup:
            raise ValueError(
                f"CosineDecay: {self.restarts} restarts need at least {self.restarts + 1} steps "
                f"after the warm-up, and there are {self.steps - self.warmup}."
            )

    def __call__(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        if step >= self.steps:
            return self.floor
        if step < self.warmup:
            return self.lr * ((step + 1) / self.warmup)
        length = self.steps - self.warmup
        part = (step - self.warmup) * (self.restarts + 1) % length / length
        weight = (1.0 + math.cos(math.pi * part)) / 2.0
        return self.lr * weight + self.floor * (1.0 - weight)
