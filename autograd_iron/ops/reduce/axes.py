"""What reductions share: their operand, the axes they go over, and what is spread over these."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import operand
from autograd_iron.core.specs import axes_of


def known(axis, x):
    """Return the axis as given; of a value without axes NumPy takes 0 and -1, CuPy does not."""
    if axis is not None and not x.ndim:
        axes_of(axis, 0)
    return axis


def spread(F, reduced, like, axis, keepdims):
    """Broadcast a reduced value back over the axes of `like` (an array, Node or Spec)."""
    if not keepdims and reduced.ndim:
        reduced = F.reshape(reduced, shape=specs.reduced(like, axis, keepdims=True))
    return F.broadcast_to(reduced, shape=like.shape)


def labels(combine=None):
    """Return the labels of a reduction, the results of whose parts combine so."""

    def rule(x, axis, keepdims=False):
        over = axes_of(axis, x.ndim) if x.ndim else ()
        kept = tuple(None if i in over else i for i in range(x.ndim) if keepdims or i not in over)
        return Labels((tuple(range(x.ndim)),), (kept,), combine)

    return rule


def count(x, axis):
    """Return how many values a reduction combines to one."""
    return x.size if axis is None else math.prod(x.shape[a] for a in axes_of(axis, x.ndim))


def at_home(F, value, x):
    """Return an operand beside `x`: numbers and lists with all their digits, where `x` is."""
    if F.xp is not None or hasattr(value, "dtype"):
        return operand(F, value)
    return operand(F, value, (x,)).to(x.device)


def as_last_axis(F, x, axis):
    """Return `x` with the axes (None: all) as one, which comes last."""
    over = axes_of(axis, x.ndim)
    kept = tuple(i for i in range(x.ndim) if i not in over)
    if over != tuple(range(len(kept), x.ndim)):
        x = F.permute_dims(x, axes=(*kept, *over))
    if len(over) == 1:
        return x
    shape = x.shape[: len(kept)]
    return F.reshape(x, shape=(*shape, math.prod(x.shape[len(kept) :])))


def keep(F, reduced, like, axis, keepdims):
    """Return a reduced value with the axes of `like` that it lacks, each of size 1, if asked."""
    if not keepdims:
        return reduced
    return F.reshape(reduced, shape=specs.reduced(like, axis, keepdims=True))


def positions(F, size, like):
    """Return the integers from 0, on the device of `like`."""
    return F.running_sum(F.ones((size,), dtype="int64", device=device.of(like)), axis=0) - 1
