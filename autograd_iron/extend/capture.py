"""What a step says about itself, so that it can be captured as a plan and replayed.

Code that computes outside the graph (an optimizer), acts on the host (a schedule), or depends on
more than its arguments (train or eval mode) says so with these words.  Outside a capture they do
the plain thing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from autograd_iron.arrays import cuda, device
from autograd_iron.core.registry import Vocabulary
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor

__all__ = ["capturing", "check_range", "each_time", "fill", "guard", "on_device_of", "operands"]


def operands(*tensors: Tensor) -> tuple[Vocabulary, list[Any]]:
    """Return the vocabulary and the operands for code that needs no gradient.

    The operands are raw arrays; but Tensors during a capture, so that the plan has the code, and
    for bfloat16, which only primitives compute with.  Selects the GPU of the operands: put the code
    under `on_device_of(tensor)`, which restores the one before.
    """
    return switches().executor.operands(tensors)


def fill(tensor: Tensor, number: float) -> None:
    """Write a number into a tensor's memory, unnoticed by the graph; on a GPU by one launch."""
    if cuda.cupy is None:
        tensor.data[...] = number
    else:
        with device.on_device_of(tensor.data):
            tensor.data[...] = number


def on_device_of(tensor: Tensor) -> AbstractContextManager[Any]:
    """Return a context in which computations on raw arrays run where the tensor lives.

    Primitives find the device of their operands themselves; raw arrays on a second GPU need this.
    """
    return switches().executor.on_device_of(tensor)


def each_time(prepare: Callable[[], None], undo: Callable[[], None] | None = None) -> None:
    """Run something on the host now and, if a plan is being captured, before each replay.

    Parameters
    ----------
    prepare : callable
    undo : callable, optional
        Takes it back, should the capture fail or the replay be refused.
    """
    switches().executor.each_time(prepare, undo)


def capturing() -> bool:
    """Return whether a plan is being captured, so that no value can be read on the host."""
    return switches().executor.captures


def guard(owner: Any, attribute: str | None = None) -> None:
    """Make the plan being captured depend on an attribute: a change of it captures anew.

    Without one it depends on all attributes of a `Watched` object.
    """
    switches().executor.guard(owner, attribute)


def check_range(x: Tensor, low: float, high: float, message: str, nan: bool = True) -> None:
    """Refuse values outside a range: now and, if a plan is being captured, in each replay.

    On a GPU, whose values would have to be waited for, nothing is looked at.

    Parameters
    ----------
    x : Tensor
    low, high : number
        The smallest and the largest value that is allowed.
    message : str
        Of the error; ``{low}`` and ``{high}`` in it become the smallest and the largest value met.
    nan : bool
        Whether NaN is let through.

    Raises
    ------
    ValueError
        With the message.  A replay that raises it has changed nothing.
    """
    if x.device == "cpu" and x.size:
        switches().executor.check_range(x, low, high, message, nan)
