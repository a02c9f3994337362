"""Where values belong among sorted ones, and how many belong in each place."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite, floating, operand, operands
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.reduce.axes import positions

__all__ = ["bincount", "digitize", "histogram", "histogram_bin_edges", "searchsorted"]

_SIDES = ("left", "right")


def _check(a, side):
    if a.ndim != 1:
        raise ValueError(f"the sorted values have shape {a.shape}, not one axis")
    if side not in _SIDES:
        raise ValueError(f"side is 'left' or 'right', not {side!r}")


@primitive(by_kernel="it searches")
def insertion_place(xp, a, v, /, side):
    """Return where in the sorted `a` each of the values `v` belongs."""
    _check(a, side)
    return xp.searchsorted(a, v, side=side)


@insertion_place.shape
def _(a, v, side):
    _check(a, side)
    return Spec(getattr(v, "shape", ()), dtypes.int64)


@insertion_place.axes
def _(a, v, side):
    own = tuple(range(getattr(v, "ndim", 0)))
    # How many come before a value is the sum of how many do in each part.
    return Labels((("sorted",), own), (own,), "sum")


@insertion_place.vmap
def _(F, batched, a, v, side):
    if not batched[0]:
        return F.insertion_place(a, v, side=side)
    # Each has sorted values of its own: count those before which a value does not belong.
    ndim = v.ndim - 1 if batched[1] else getattr(v, "ndim", 0)
    a = F.reshape(a, shape=(a.shape[0], *(1,) * ndim, a.shape[1]))
    v = F.expand_dims(v, axis=-1) if hasattr(v, "ndim") else v
    return F.sum(a < v if side == "left" else a <= v, axis=-1)


insertion_place.ordered = True


@composite
def searchsorted(F, a, /, v, side="left", sorter=None):
    """Return where in the sorted `a` each of the values `v` belongs.

    Parameters
    ----------
    side : "left" or "right"
        Whether a value belongs before or after those equal to it.
    sorter : array of integers, optional
        The positions that sort `a`, if it is not.
    """
    a, v, sorter = operands(F, a, v, sorter)
    if sorter is not None:
        a = F.gather(a, sorter, axis=0)
    return F.insertion_place(a, v, side=side)


@composite
def digitize(F, x, /, bins, right=False):
    """Return the number of the bin in which each value is.

    Parameters
    ----------
    bins : array
        The edges, ascending or descending.  Before the first is bin 0.
    right : bool
        Whether a bin has its right edge rather than its left one.
    """
    x, bins = operands(F, x, bins)
    count, side = bins.shape[0], "left" if right else "right"
    up = F.insertion_place(bins, x, side=side)
    if count < 2:
        return up
    down = count - F.insertion_place(F.flip(bins), x, side=side)
    ends = (F.getitem(bins, index=(i,)) for i in (0, -1))
    return F.where(F.less_equal(*ends), up, down)


@composite
def bincount(F, x, /, weights=None, minlength=0, length=None):
    """Return how often each integer from 0 on is in `x`, or the sum of its weights.

    Parameters
    ----------
    weights : array, optional
        One for each element.
    minlength : int
        The least length of the result, which else ends with the largest integer.
    length : int, optional
        The length of the result; greater integers are left out.  With it a compiled step can count.
    """
    x = operand(F, x)
    if x.ndim != 1 or x.dtype.kind not in "biu":
        raise ValueError(f"it counts integers along one axis, not {x.dtype} of shape {x.shape}")
    x = F.astype(x, dtype="int64")
    if weights is None:
        weights = F.ones(x.shape, dtype="int64", device=device.of(x))
    weights = operand(F, weights, (x,))
    if weights.shape != x.shape:
        raise ValueError(f"weights of shape {weights.shape} are not one for each of {x.shape}")
    if length is not None:
        return _counted(F, F.where((x >= 0) & (x < length), x, length), weights, length)
    if x.size and int(F.min(x)) < 0:
        raise ValueError(f"it counts integers from 0 on, not {int(F.min(x))}")
    size = max(int(F.max(x)) + 1 if x.size else 0, minlength)
    return F.scatter_sum(weights, x, size=size, axis=0)


def _counted(F, places, weights, size):
    """Return the sums of the weights at each place, those at the last one left out."""
    made = F.scatter_sum(weights, places, size=size + 1, axis=0)
    return F.getitem(made, index=(slice(size),))


@composite
def histogram_bin_edges(F, x, /, bins=10, range=None, weights=None):
    """Return the edges of the bins that `histogram` counts in."""
    x = floating(F, x)
    if isinstance(bins, str):
        raise TypeError(f"bins={bins!r}: give a number of bins or their edges")
    if not isinstance(bins, int):
        return operand(F, bins, (x,))
    if bins < 1:
        raise ValueError(f"bins={bins}: there must be one at least")
    start, end = range or ((F.min(x), F.max(x)) if x.size else (0.0, 1.0))
    start, end = (F.zeros((), dtype=x.dtype, device=device.of(x)) + v for v in (start, end))
    same = start == end
    start, end = F.where(same, start - 0.5, start), F.where(same, end + 0.5, end)
    place = F.astype(positions(F, bins + 1, x), dtype=x.dtype)
    return F.where(place == bins, end, start + (end - start) / bins * place)


@composite
def histogram(F, x, /, bins=10, range=None, density=False, weights=None):
    """Return how many values are in each of several bins, and the edges of the bins.

    Parameters
    ----------
    bins : int or array
        How many bins of equal width, or their ascending edges.
    range : pair of numbers, optional
        Where the bins begin and end; None: at the smallest and the largest value.
    density : bool
        Return the part of all per width instead of numbers.
    weights : array, optional
        What each value adds to its bin; the gradient flows to these.
    """
    x = operand(F, x)
    edges = F.histogram_bin_edges(x, bins, range)
    x = F.reshape(x, shape=(-1,))
    made = _between(F, x, edges) if weights is None else _weighed(F, x, edges, weights)
    if density:
        widths = F.getitem(edges, index=(slice(1, None),)) - F.getitem(edges, index=(slice(-1),))
        made = made / widths / F.sum(made)
    return made, edges


def _between(F, x, edges):
    """Return how many values are between each two edges, from where these are among the values."""
    x, last = F.sort_along(x, axis=0, descending=False), F.getitem(edges, index=(slice(-1, None),))
    before = F.insertion_place(x, F.getitem(edges, index=(slice(-1),)), side="left")
    return F.diff(F.join(before, F.insertion_place(x, last, side="right"), axis=0))


def _weighed(F, x, edges, weights):
    """Return the sums of the weights of the values between each two edges."""
    weights = F.reshape(operand(F, weights, (x,)), shape=(-1,))
    count = edges.shape[0] - 1
    place = F.insertion_place(edges, x, side="right") - 1
    place = F.where(x == F.getitem(edges, index=(-1,)), count - 1, place)  # it has both its edges
    place = F.where((place < 0) | (place > count), count, place)
    return _counted(F, place, weights, count)
