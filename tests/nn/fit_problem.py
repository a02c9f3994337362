"""A small training problem, the same every time, for the tests of `nn.fit`."""

from collections.abc import Callable
from typing import Any

import autograd_iron as ai
import nn

loss = nn.MSELoss()


class Noise(nn.Module):
    """Adds noise in training from a generator of its own, and counts its calls in a buffer."""

    def __init__(self, seed: int) -> None:
        self.generator = ai.Generator(seed)
        self.calls = ai.zeros((), dtype="int64")

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        if not self.training:
            return x
        self.calls.assign(self.calls + 1)
        return x + 0.01 * self.generator.normal(x.shape)


def network(width: int = 8) -> nn.Sequential:
    generator = ai.Generator(2)
    return nn.Sequential(
        nn.Linear(2, width, generator=generator),
        nn.Tanh(),
        Noise(4),
        nn.Linear(width, 1, generator=generator),
    )


def samples(count: int = 20) -> tuple[ai.Tensor, ai.Tensor]:
    x = ai.Generator(6).uniform((count, 2), -1.0, 1.0)
    return x, ai.sin(3.0 * x[:, :1])


def problem(batch_size: int | None = 8, width: int = 8, lr: Any = 0.1) -> dict[str, Any]:
    """Fresh arguments for one run of `fit`, the same every time."""
    model = network(width)
    return {
        "model": model,
        "data": nn.Batches(*samples(), batch_size=batch_size, generator=ai.Generator(3)),
        "loss": loss,
        "optimizer": nn.SGD(model.parameters(), lr, momentum=0.9),
        "progress": False,
    }


def fitness(model: nn.Module) -> float:
    x, y = samples()
    return -float(loss(model(x), y))


def everything(run: nn.Run) -> dict[str, Any]:
    """All that a run ends with, in a form that compares bit for bit."""
    state = run.state_dict()
    state.pop("metric")
    return {
        name: (value.numpy() if isinstance(value, ai.Tensor) else value).tobytes()
        if hasattr(value, "dtype")
        else value
        for name, value in state.items()
    }


def at_step(step: int, action: Callable[[nn.Run], object]) -> Callable[[nn.Run], None]:
    def callback(run: nn.Run) -> None:
        if run.step == step:
            action(run)

    return callback
