"""Neural networks on autograd_iron: models, losses, optimizers, data, checkpoints, training.

Everything that a script needs is here under one name; what is finer lies in the submodules
(`nn.init` for initial values, `nn.functional` for functions without parameters).

>>> import autograd_iron as ai, nn
>>> model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
>>> optimizer = nn.SGD(model.parameters(), lr=0.5, momentum=0.9)
>>> loss = nn.BCEWithLogitsLoss()
>>> x, y = ai.tensor([[0.0, 1.0], [1.0, 1.0]]), ai.tensor([[1.0], [0.0]])
>>> loss(model(x), y).backward()
>>> optimizer.step()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nn import functional, init
from nn.data.batches import Batches
from nn.layers.activations import ReLU, Sigmoid, Sine, Tanh
from nn.layers.containers import Sequential
from nn.layers.coordinates import SIREN, FourierFeatures, GridFeatures
from nn.layers.linear import Linear
from nn.losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from nn.module import Module, Parameter, summary
from nn.optim.adam import Adam
from nn.optim.optimizer import Optimizer
from nn.optim.sgd import SGD

# What not every program uses is imported when it is first asked for: `_LATER` says where it is.
if TYPE_CHECKING:
    from nn.schedules import CosineDecay
    from nn.training.checkpoint import CheckpointError, Checkpoints
    from nn.training.fit import fit
    from nn.training.run import Run

_LATER = {
    "CheckpointError": "training.checkpoint",
    "Checkpoints": "training.checkpoint",
    "CosineDecay": "schedules",
    "Run": "training.run",
    "fit": "training.fit",
}

__all__ = [
    "SGD",
    "SIREN",
    "Adam",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Batches",
    "CheckpointError",
    "Checkpoints",
    "CosineDecay",
    "CrossEntropyLoss",
    "FourierFeatures",
    "GridFeatures",
    "Linear",
    "MSELoss",
    "Module",
    "Optimizer",
    "Parameter",
    "ReLU",
    "Run",
    "Sequential",
    "Sigmoid",
    "Sine",
    "Tanh",
    "fit",
    "functional",
    "init",
    "summary",
]


if not TYPE_CHECKING:  # a type checker knows all names from above, and that others are mistakes

    def __getattr__(name: str) -> Any:
        """Return what is imported when it is first asked for."""
        if name in _LATER:
            found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
            globals()[name] = found
            return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """Return the names of the module, those not imported yet among them."""
        return sorted({*globals(), *_LATER})
