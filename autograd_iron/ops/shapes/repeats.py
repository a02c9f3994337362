"""The same values more than once: repeated one by one, tiled, to fill a shape."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.specs import axes_of

__all__ = ["repeat", "resize", "tile"]


@composite
def repeat(F, x, /, repeats, axis=None):
    """Return `x` with each slice along an axis repeated.

    Parameters
    ----------
    repeats : int or sequence of int
        How often; of a sequence, one number for each slice.  A Tensor is read, for the shape of the
        result depends on it.
    axis : int or None
        None: `x` is flattened first.
    """
    x = operand(F, x)
    if axis is None or not x.ndim:  # of which NumPy takes the axes 0 and -1
        (axis,) = axes_of(0 if axis is None else axis, 1)
        x = F.reshape(x, shape=(-1,))
    (axis,) = axes_of(axis, x.ndim)
    size = x.shape[axis]
    counts = setting(repeats, "shape")
    if counts is repeats and hasattr(repeats, "dtype"):  # an array on a GPU
        counts = setting(device.on_host(repeats).tolist())
    counts = counts if isinstance(counts, tuple) else (counts,)
    if not all(isinstance(n, int) for n in counts):
        raise TypeError(f"repeats {repeats!r} are not integers")
    if min(counts, default=0) < 0:
        raise ValueError(f"repeats {repeats!r} are negative: a slice is repeated 0 times or more")
    if len(counts) not in (1, size):
        raise ValueError(f"{len(counts)} repeats do not fit the {size} slices of axis {axis}")
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    if len(counts) == 1:
        wide = F.reshape(x, shape=(*before, size, 1, *after))
        wide = F.broadcast_to(wide, shape=(*before, size, counts[0], *after))
        return F.reshape(wide, shape=(*before, size * counts[0], *after))
    places = [i for i, n in enumerate(counts) for _ in range(n)]
    return x[(*(slice(None),) * axis, places)]


@composite
def tile(F, x, /, reps):
    """Return copies of `x` side by side, so many along each axis; new axes come first.

    Parameters
    ----------
    reps : int or tuple of int
    """
    x = operand(F, x)
    counts = setting(reps, "shape")
    counts = counts if isinstance(counts, tuple) else (counts,)
    if min(counts, default=0) < 0:
        raise ValueError(f"reps {reps!r} are negative; give 0 or more")
    ndim = max(x.ndim, len(counts))
    shape = (1,) * (ndim - x.ndim) + tuple(x.shape)
    counts = (1,) * (ndim - len(counts)) + counts
    pairs = list(zip(counts, shape, strict=True))
    split = F.reshape(x, shape=tuple(m for n in shape for m in (1, n)))
    wide = F.broadcast_to(split, shape=tuple(m for pair in pairs for m in pair))
    return F.reshape(wide, shape=tuple(count * n for count, n in pairs))


@composite
def resize(F, x, /, new_shape):
    """Return the values in another shape, over again from the start where more are needed."""
    x = operand(F, x)
    shape = setting(new_shape, "shape")
    shape = shape if isinstance(shape, tuple) else (shape,)
    if min(shape, default=0) < 0:
        raise ValueError(f"a shape of {shape} has a negative size")
    size = math.prod(shape)
    if not x.size or not size:
        return F.zeros(shape, dtype=x.dtype, device=device.of(x))
    flat = F.tile(F.reshape(x, shape=(-1,)), -(-size // x.size))
    return F.reshape(flat[:size], shape=shape)
