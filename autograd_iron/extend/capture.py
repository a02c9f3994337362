"""What a step says about itself, so that it can be captured as a plan and replayed.

Code that computes outside the graph (an optimizer), acts on the host (a schedule), or depends on
more than its arguments (train or eval mode) says so with these words.  Outside a capture they do
the plain thing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from autograd_iron.arrays import cuda, device, dtypes
from autograd_iron.core.registry import Vocabulary
from autograd_iron.core.registry import recorded as F
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor, vocabulary

__all__ = ["beside", "capturing", "check_range", "each_time", "fill", "guard", "operands"]


def operands(*tensors: Tensor) -> tuple[Vocabulary, list[Any]]:
    """Return what a computation that needs no gradient works on, and the vocabulary for it.

    It works on raw arrays; but on the Tensors themselves while a plan is captured, so that the
    computation is written down, and for bfloat16, which only primitives compute with.  A GPU that
    holds the arrays becomes the one in use: compute in `beside`, which puts back the one before.
    """
    if switches().tape is not None:
        return F, list(tensors)
    if dtypes.bfloat16 is not None and any(t.dtype == dtypes.bfloat16 for t in tensors):
        return F, [t.detach() for t in tensors]
    if cuda.cupy is not None:
        device.go_to(tensors[0].data)
    return vocabulary(tensors[0]), [t.data for t in tensors]


def fill(tensor: Tensor, number: float) -> None:
    """Write a number into a tensor's memory, unnoticed by the graph; on a GPU by one launch."""
    if cuda.cupy is None:
        tensor.data[...] = number
    else:
        with device.beside(tensor.data):
            tensor.data[...] = number


def beside(tensor: Tensor) -> AbstractContextManager[Any]:
    """Return a context in which computations on raw arrays run where the tensor lives.

    Primitives find the device of their operands themselves; raw arrays on a second GPU need this.
    """
    return device.HERE if cuda.cupy is None else device.beside(tensor.data)


def each_time(prepare: Callable[[], None], undo: Callable[[], None] | None = None) -> None:
    """Run something on the host now and, if a plan is being captured, before each replay.

    Parameters
    ----------
    prepare : callable
    undo : callable, optional
        Takes it back, should the capture fail or the replay be refused.
    """
    if switches().tape is not None:
        switches().tape.each_time(prepare, undo)
    else:
        prepare()


def capturing() -> bool:
    """Return whether a plan is being captured, so that no value can be read on the host."""
    return switches().tape is not None


def guard(owner: Any, attribute: str | None = None) -> None:
    """Make the plan being captured depend on an attribute: a change of it captures anew.

    Without one it depends on all attributes of a `Watched` object.
    """
    if switches().tape is not None:
        switches().tape.guard(owner, attribute)


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
    if x.device != "cpu" or not x.size:
        return
    if switches().tape is not None:
        switches().tape.check_range(x, low, high, message, nan)
        return
    lowest, highest = x.data.min(), x.data.max()
    if lowest < low or highest > high or (not nan and lowest != lowest):
        raise ValueError(message.format(low=float(lowest), high=float(highest)))
