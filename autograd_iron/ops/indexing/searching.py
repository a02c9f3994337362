"""Where values are, and sets of values: what no shape says beforehand, and no gradient flows to."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite, operands
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.elementwise.choosing import where

__all__ = [
    "argwhere",
    "flatnonzero",
    "intersect1d",
    "isin",
    "nonzero",
    "setdiff1d",
    "setxor1d",
    "union1d",
]


def looked_at(F, word, function, *arrays):
    """Return what a function of the array library makes of values, as Tensors without a gradient.

    How much that is depends on the values, so that no step can be captured around it.
    """
    given = operands(F, *arrays)
    if F.xp is not None:
        return function(F.xp, *given)
    switches().executor.forbid(
        f"{word} is called, the shape of whose result depends on values",
        "Choose with ai.where(condition, x, y), whose shape is known, or call it outside the step.",
    )
    data = [x.data for x in given]
    if device.are_mixed(data):
        raise ValueError(device.mixed(data))
    with device.on_device_of(data[0]):
        made = function(device.namespace(data), *data)
    return tuple(map(Tensor, made)) if isinstance(made, tuple) else Tensor(made)


@composite
def nonzero(F, x, /):
    """Return the indices of the elements that are not zero, one array for each axis."""
    return looked_at(F, "nonzero", lambda xp, x: xp.nonzero(x), x)


@composite
def argwhere(F, x, /):
    """Return the indices of the elements that are not zero, one row for each of them."""
    return looked_at(F, "argwhere", lambda xp, x: xp.argwhere(x), x)


@composite
def flatnonzero(F, x, /):
    """Return the positions of the elements that are not zero, in the flattened `x`."""
    return looked_at(F, "flatnonzero", lambda xp, x: xp.flatnonzero(x), x)


where.fewer[1] = nonzero  # NumPy's other `where`


@primitive(by_kernel="it looks for each element among all others")
def isin(xp, x, test_elements, /, assume_unique=False, invert=False):
    """Return where the elements of `x` are among the test elements (or not, with `invert`)."""
    return xp.isin(x, test_elements, assume_unique=assume_unique, invert=invert)


@isin.shape
def _(x, test_elements, assume_unique, invert):
    return Spec(getattr(x, "shape", ()), dtypes.bool_)


@isin.axes
def _(x, test_elements, assume_unique, invert):
    own = tuple(range(getattr(x, "ndim", 0)))
    others = tuple(f"other {i}" for i in range(getattr(test_elements, "ndim", 0)))
    return Labels((own, others), (own,), "min" if invert else "max")


@isin.vmap
def _(F, batched, x, test_elements, assume_unique, invert):
    if not batched[1]:
        return F.isin(x, test_elements, assume_unique=assume_unique, invert=invert)
    if not batched[0]:
        x = F.broadcast_to(x, shape=(test_elements.shape[0], *x.shape))
    count = test_elements.shape[0]
    every = F.reshape(test_elements, shape=(count, *(1,) * (x.ndim - 1), -1))
    found = F.any(F.reshape(x, shape=(*x.shape, 1)) == every, axis=-1)
    return F.logical_not(found) if invert else found


@composite
def union1d(F, x, y, /):
    """Return the sorted values that are in one of two arrays, each once."""
    return looked_at(F, "union1d", lambda xp, x, y: xp.union1d(x, y), x, y)


@composite
def intersect1d(F, x, y, /, assume_unique=False, return_indices=False):
    """Return the sorted values that are in both arrays, each once.

    Parameters
    ----------
    assume_unique : bool
        No value is twice in one of the arrays.
    return_indices : bool
        Return too where each is in the first and in the second array.
    """

    def function(xp, x, y):
        return xp.intersect1d(x, y, assume_unique=assume_unique, return_indices=return_indices)

    return looked_at(F, "intersect1d", function, x, y)


@composite
def setdiff1d(F, x, y, /, assume_unique=False):
    """Return the sorted values of `x` that are not in `y`, each once."""

    def function(xp, x, y):
        return xp.setdiff1d(x, y, assume_unique=assume_unique)

    return looked_at(F, "setdiff1d", function, x, y)


@composite
def setxor1d(F, x, y, /, assume_unique=False):
    """Return the sorted values that are in only one of two arrays, each once."""

    def function(xp, x, y):
        return xp.setxor1d(x, y, assume_unique=assume_unique)

    return looked_at(F, "setxor1d", function, x, y)
