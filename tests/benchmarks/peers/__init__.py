"""The same work, step for step, in autograd_iron, NumPy, PyTorch and JAX.

A module here is one piece of work. Its functions `ours`, `by_hand`, `in_torch` and `in_jax` each
return a step that is ready to be called; all start from the same weights and the same data. The
first three can do it on a GPU: `device="cuda"`, and for the one by hand `xp=cupy`. Where nobody
would write it by hand, there is no `by_hand`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from inspect import signature
from types import ModuleType
from typing import Any

import numpy as np

import autograd_iron as ai
import nn

Step = Callable[[], Any]
Through = Callable[[Callable[..., Any]], Callable[..., Any]]
Layers = list[tuple[np.ndarray, np.ndarray]]

COMPILED = "ai.compile"
EAGER = "ai eager"
BY_HAND = "NumPy by hand"
TORCH = "torch eager"
TORCH_COMPILE = "torch.compile"
JAX = "JAX jit"


def as_it_is(step: Callable[..., Any]) -> Callable[..., Any]:
    return step


@cache
def can_compile() -> bool:
    if not hasattr(ai, "compile"):
        print(f"autograd_iron has no compile yet: {COMPILED!r} is the eager step")
        return False
    return True


def compiled(step: Callable[..., Any]) -> Callable[..., Any]:
    return ai.compile(step) if can_compile() else step


def makers(work: ModuleType, *size: Any) -> dict[str, Callable[[], Step]]:
    """Return, per name, the function that makes the step.

    Left out is what is not installed, and torch.compile where PyTorch's step cannot go through it.
    """
    made: dict[str, Callable[[], Step]] = {
        COMPILED: lambda: work.ours(*size, through=compiled),
        EAGER: lambda: work.ours(*size),
    }
    if hasattr(work, "by_hand"):
        made[BY_HAND] = lambda: work.by_hand(*size)
    if find_spec("torch"):
        made[TORCH] = lambda: work.in_torch(*size)
        if "through" in signature(work.in_torch).parameters:
            made[TORCH_COMPILE] = lambda: work.in_torch(*size, through=torch_compile)
    if find_spec("jax"):
        made[JAX] = lambda: work.in_jax(*size)
    return made


@cache
def say_what_is_missing() -> None:
    for library in ("torch", "jax"):
        if not find_spec(library):
            print(f"{library} is not here: pip install 'autograd-iron[bench]' to compare with it")


def torch_compile(step: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    # A second size met in one process would otherwise make the shapes symbolic, and slow.
    return torch.compile(step, dynamic=False)


def network(
    layers: Layers, activation: Callable[[], nn.Module], device: str = "cpu"
) -> nn.Sequential:
    """Return the network of these weights (inputs, outputs) and biases, in their dtype."""
    parts: list[nn.Module] = []
    for w, b in layers:
        layer = nn.Linear(*w.shape)
        layer.weight, layer.bias = nn.Parameter(w.T.copy()), nn.Parameter(b)
        parts += [layer, activation()]
    return nn.Sequential(*parts[:-1]).to(device)


def torch_network(layers: Layers, activation: Callable[[], Any], device: str = "cpu") -> Any:
    """Return the same network in PyTorch."""
    import torch

    parts: list[torch.nn.Module] = []
    for w, b in layers:
        layer = torch.nn.Linear(*w.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))
        parts += [layer, activation()]
    return torch.nn.Sequential(*parts[:-1]).to(device)


def to_library(xp: Any, layers: Layers) -> Layers:
    """Return the arrays as those of a library with NumPy's functions."""
    return [(xp.asarray(w), xp.asarray(b)) for w, b in layers]


def jax_arrays(tree: Any) -> Any:
    """Return the arrays of lists and tuples as JAX's own, in memory of their own."""
    import jax

    return jax.tree.map(jax.numpy.array, tree)
