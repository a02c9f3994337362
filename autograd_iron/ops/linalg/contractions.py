"""Products that sum over axes of two arrays: dot, tensordot, outer, kron, cross, ..."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.core.composite import composite, operands
from autograd_iron.core.plain import setting
from autograd_iron.core.specs import axes_of
from autograd_iron.ops.linalg.operands import last

__all__ = [
    "cross",
    "dot",
    "inner",
    "kron",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]


@composite
def tensordot(F, a, b, /, axes=2):
    """Return the sum of products over axes of both arrays.

    Parameters
    ----------
    axes : int or (axes of a, axes of b)
        A number stands for the last so many axes of `a` and the first so many of `b`.
    """
    a, b = operands(F, a, b)
    left, right = _summed_axes(axes, a, b)
    rows = tuple(i for i in range(a.ndim) if i not in left)
    columns = tuple(i for i in range(b.ndim) if i not in right)
    size = math.prod(a.shape[i] for i in left)
    over_rows, over_columns = (
        tuple(x.shape[i] for i in kept) for x, kept in ((a, rows), (b, columns))
    )
    x = F.reshape(last(F, a, left), shape=(math.prod(over_rows), size))
    order = (*right, *columns)
    y = b if order == tuple(range(b.ndim)) else F.permute_dims(b, axes=order)
    y = F.reshape(y, shape=(size, math.prod(over_columns)))
    return F.reshape(F.matmul(x, y), shape=(*over_rows, *over_columns))


def _summed_axes(axes, a, b):
    axes = setting(axes, "axes")
    if isinstance(axes, int):
        if not 0 <= axes <= min(a.ndim, b.ndim):
            raise ValueError(
                f"axes={axes} for arrays of {a.ndim} and {b.ndim} axes: give how many of the last "
                "axes of the first meet the first axes of the second"
            )
        left, right = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        if not isinstance(axes, tuple) or len(axes) != 2:
            raise ValueError(f"axes={axes!r} is neither a number nor (axes of a, axes of b)")
        left, right = (axes_of(own, x.ndim) for own, x in zip(axes, (a, b), strict=True))
    sizes = [tuple(x.shape[i] for i in own) for x, own in ((a, left), (b, right))]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"the axes {left} of shape {a.shape} have sizes {sizes[0]}, and the axes {right} of "
            f"shape {b.shape} have {sizes[1]}: they must be equal"
        )
    return left, right


@composite
def dot(F, a, b, /):
    """Return the product over the last axis of `a` and the second-to-last of `b` (or its only one).

    Unlike `matmul` it does not broadcast: all other axes of `a`, then those of `b`, are kept.
    """
    a, b = operands(F, a, b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2 or a.ndim == 1 == b.ndim:
        return F.matmul(a, b)
    return F.tensordot(a, b, axes=((-1,), (-2,)))


@composite
def inner(F, a, b, /):
    """Return the product over the last axes of both arrays."""
    a, b = operands(F, a, b)
    if not a.ndim or not b.ndim:
        return a * b
    return F.tensordot(a, b, axes=((-1,), (-1,)))


@composite
def outer(F, a, b, /):
    """Return the products of each element of `a` with each of `b`, both flattened."""
    a, b = (F.reshape(x, shape=(-1,)) for x in operands(F, a, b))
    return F.expand_dims(a, 1) * b


@composite
def vdot(F, a, b, /):
    """Return the sum of the products of all elements, those of `a` conjugated."""
    a, b = (F.reshape(x, shape=(-1,)) for x in operands(F, a, b))
    return F.matmul(F.conj(a), b)


@composite
def vecdot(F, x1, x2, /, axis=-1):
    """Return the products of vectors along an axis, `x1` conjugated; all other axes broadcast."""
    x1, x2 = (F.moveaxis(x, axis, -1) for x in operands(F, x1, x2))
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(
            f"vectors of {x1.shape[-1]} and of {x2.shape[-1]} elements have no product"
        )
    made = F.sum(F.conj(x1) * x2, axis=-1)
    joint = (x1 if x1.dtype.itemsize > x2.dtype.itemsize else x2).dtype
    return F.astype(made, dtype=joint) if joint.kind in "iu" else made


@composite
def matvec(F, x1, x2, /):
    """Return the products of matrices (..., m, n) and vectors (..., n)."""
    x1, x2 = operands(F, x1, x2)
    return F.squeeze(F.matmul(x1, F.expand_dims(x2, -1)), axis=-1)


@composite
def vecmat(F, x1, x2, /):
    """Return the products of vectors (..., n), conjugated, and matrices (..., n, m)."""
    x1, x2 = operands(F, x1, x2)
    return F.squeeze(F.matmul(F.expand_dims(F.conj(x1), -2), x2), axis=-2)


@composite
def kron(F, a, b, /):
    """Return the Kronecker product: blocks of `b`, one for each element of `a`."""
    a, b = operands(F, a, b)
    ndim = max(a.ndim, b.ndim)
    sizes, factors = [], []
    for own, x in enumerate((a, b)):
        wide = (1,) * (ndim - x.ndim) + x.shape
        sizes.append(wide)
        pairs = [(1, n) if own else (n, 1) for n in wide]
        factors.append(F.reshape(x, shape=tuple(n for pair in pairs for n in pair)))
    shape = tuple(m * n for m, n in zip(*sizes, strict=True))
    return F.reshape(factors[0] * factors[1], shape=shape)


@composite
def cross(F, a, b, /, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """Return the cross product of vectors of three elements.

    Parameters
    ----------
    axisa, axisb, axisc : int
        Where the vectors are in `a`, in `b` and in the result.
    axis : int, optional
        All three of these.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = operands(F, a, b)
    a, b = F.moveaxis(a, axisa, -1), F.moveaxis(b, axisb, -1)
    if (a.shape[-1], b.shape[-1]) != (3, 3):
        raise ValueError(
            f"a cross product is of vectors of 3 elements, got {a.shape[-1]} and {b.shape[-1]}; "
            "add a third one that is 0, or name another axis"
        )
    made = _turned(F, a, 1) * _turned(F, b, 2) - _turned(F, a, 2) * _turned(F, b, 1)
    return F.moveaxis(made, -1, axisc)


def _turned(F, x, start):
    """Return vectors whose elements begin with number `start`, and go round."""
    parts = [F.getitem(x, index=(..., part)) for part in (slice(start, 3), slice(0, start))]
    return F.join(*parts, axis=-1)


@composite
def cross_of_axis(F, x1, x2, /, axis=-1):
    """Return the cross product of vectors of three elements along an axis."""
    return F.cross(x1, x2, axis=axis)


@composite
def multi_dot(F, arrays, /):
    """Return the product of two or more matrices, in the order that costs least.

    The first may be a vector, a row, and the last one too, a column.
    """
    arrays = operands(F, *arrays)
    if len(arrays) < 2:
        raise ValueError(f"multi_dot takes two or more matrices, got {len(arrays)}")
    for i, x in enumerate(arrays):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, len(arrays) - 1)):
            raise ValueError(f"array {i} of multi_dot is no matrix: its shape is {x.shape}")
    shapes = [x.shape for x in arrays]
    sizes = [shapes[0][0] if len(shapes[0]) == 2 else 1, *(shape[-1] for shape in shapes)]
    if len(shapes[-1]) == 1:
        sizes[-2:] = [shapes[-1][0], 1]
    return _in_order(F, arrays, _cheapest(sizes), 0, len(arrays) - 1)


def _cheapest(sizes):
    """Return where to cut each run of matrices, by (first, last), whose sizes follow each other."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], cuts[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )
    return cuts


def _in_order(F, arrays, cuts, first, end):
    if first == end:
        return arrays[first]
    cut = cuts[first, end]
    left = _in_order(F, arrays, cuts, first, cut)
    return F.matmul(left, _in_order(F, arrays, cuts, cut + 1, end))
