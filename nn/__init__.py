"""Neural networks on autograd_iron: models, losses, optimizers, data, checkpoints, training.

Everything that a script needs is here under one name; what is finer lies in the submodules
(`nn.init` for initial values, `nn.functional` for the elementwise functions under the losses).

>>> import autograd_iron as ai, nn
>>> model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
>>> optimizer = nn.SGD(model, rate=0.5, momentum=0.9)
>>> loss = nn.BCEWithLogitsLoss()
>>> x, y = ai.tensor([[0.0, 1.0], [1.0, 1.0]]), ai.tensor([[1.0], [0.0]])
>>> loss(model(x), y).backward()
>>> optimizer.step()
"""

from nn import functional, init
from nn.checkpoint import CheckpointError, Checkpoints
from nn.data import Batches
from nn.layers import SIREN, FourierFeatures, Linear, ReLU, Sequential, Sigmoid, Sine, Tanh
from nn.losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, MSELoss
from nn.module import Module, Parameter, summary
from nn.optim import SGD, Adam, Optimizer
from nn.schedule import CosineDecay
from nn.training import Run, fit

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
