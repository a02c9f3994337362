"""Arrays joined: along an axis, along a new one, in blocks."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import Labels
from autograd_iron.core.batch import all_batched
from autograd_iron.core.composite import composite, operand, operands
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of

__all__ = [
    "append",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "row_stack",
    "stack",
    "vstack",
]


@primitive(exact=True, by_kernel="it copies several arrays")
def join(xp, /, *arrays, axis=0):
    """Return the arrays joined along an existing axis (`concat` takes them as a list)."""
    if {dtypes.bfloat16, dtypes.float16} <= {a.dtype for a in arrays}:  # two that have no joint one
        arrays = tuple(map(dtypes.to_float32, arrays))
    return xp.concatenate(arrays, axis=axis)


@join.shape
def _(*arrays, axis):
    ndim = arrays[0].ndim
    (at,) = axes_of(axis, ndim)
    around = {(x.ndim, x.shape[:at], x.shape[at + 1 :]) for x in arrays}
    if len(around) > 1:
        shapes = ", ".join(str(x.shape) for x in arrays)
        raise ValueError(f"the shapes {shapes} differ in more than axis {axis}")
    met = {x.dtype for x in arrays}
    mixed = {dtypes.bfloat16, dtypes.float16} <= met
    dtype = dtypes.float32 if mixed and len(met) == 2 else specs.joint(*arrays)
    size = sum(x.shape[at] for x in arrays)
    return Spec((*arrays[0].shape[:at], size, *arrays[0].shape[at + 1 :]), dtype)


@join.vjp
def _(F, g, _y, *_inputs, axis, argument):
    (axis,) = axes_of(axis, g.ndim)
    start = sum(_inputs[i].shape[axis] for i in range(argument))
    end = start + _inputs[argument].shape[axis]
    return F.getitem(g, index=(slice(None),) * axis + (slice(start, end),))


@join.axes
def _(*arrays, axis):
    return Labels((all_but(arrays[0].ndim, axis),) * len(arrays), (all_but(arrays[0].ndim, axis),))


@join.vmap
def _(F, batched, *arrays, axis):
    every = all_batched(F, batched, arrays)
    (axis,) = axes_of(axis, every[0].ndim - 1)
    return F.join(*every, axis=axis + 1)


def all_but(ndim, axis):
    """Return labels of axes, all but those over which an operation goes."""
    over = axes_of(axis, ndim)
    return tuple(None if i in over else i for i in range(ndim))


@composite
def concat(F, arrays, /, axis=0):
    """Return a sequence of arrays joined along an existing axis (None: flattened first)."""
    if axis is None:
        arrays, axis = [F.reshape(a, shape=(-1,)) for a in arrays], 0
    return F.join(*arrays, axis=axis)


concatenate = concat


@composite
def stack(F, arrays, /, axis=0):
    """Return a sequence of equally shaped arrays joined along a new axis."""
    met = [a for a in arrays if hasattr(a, "dtype")]
    if len(met) < len(arrays):  # numbers and lists take the dtype that they have beside an array
        widest = max(
            met, key=lambda a: (dtypes.is_inexact(a.dtype), a.dtype.itemsize), default=None
        )
        like = (dtypes.bool_, None) if widest is None else (widest.dtype, widest.device)
        zero = F.zeros((), *like)
        arrays = [a if hasattr(a, "dtype") else zero + a for a in arrays]
    return F.join(*(F.expand_dims(a, axis) for a in arrays), axis=axis)


def _each(F, arrays):
    """Return the parts of a sequence, or of an array along its first axis, each with a shape."""
    return operands(F, *arrays)


@composite
def vstack(F, arrays, /):
    """Return a sequence of arrays joined as rows: along the first axis, after `atleast_2d`."""
    return F.join(*(F.atleast_2d(a) for a in _each(F, arrays)), axis=0)


row_stack = vstack


@composite
def hstack(F, arrays, /):
    """Return a sequence of arrays joined along the second axis, or the only one."""
    parts = [F.atleast_1d(a) for a in _each(F, arrays)]
    return F.join(*parts, axis=0 if parts and parts[0].ndim == 1 else 1)


@composite
def dstack(F, arrays, /):
    """Return a sequence of arrays joined along the third axis, after `atleast_3d`."""
    return F.join(*(F.atleast_3d(a) for a in _each(F, arrays)), axis=2)


@composite
def column_stack(F, arrays, /):
    """Return a sequence of arrays joined as columns, those with one axis as one column each."""
    parts = _each(F, arrays)
    columns = [a if a.ndim > 1 else F.reshape(a, shape=(a.size, 1)) for a in parts]
    return F.join(*columns, axis=1)


@composite
def append(F, x, values, /, axis=None):
    """Return `values` joined to the end of `x` along an axis (None: both are flattened first)."""
    return F.concat(operands(F, x, values), axis=axis)


@composite
def block(F, arrays, /):
    """Return an array put together from nested lists of blocks, as NumPy has them.

    The blocks of the innermost lists are joined along the last axis, what comes of those along the
    one before it, and so on.
    """
    depth = _depth(arrays)
    leaves = list(_leaves(F, arrays))
    if not leaves:
        raise ValueError("there are no blocks to put together")
    ndim = max(depth, *(leaf.ndim for leaf in leaves))

    def put_together(part, level):
        if not isinstance(part, list):
            part = operand(F, part)
            return F.reshape(part, shape=(1,) * (ndim - part.ndim) + tuple(part.shape))
        return F.join(*(put_together(p, level + 1) for p in part), axis=ndim - depth + level)

    return put_together(arrays, 0)


def _depth(arrays):
    if not isinstance(arrays, list):
        if isinstance(arrays, tuple):
            raise TypeError("a tuple is no block: nest lists, and make arrays of the rest")
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError("the lists of blocks are empty, or not nested equally deep")
    return depths.pop() + 1


def _leaves(F, arrays):
    if not isinstance(arrays, list):
        yield operand(F, arrays)
        return
    for part in arrays:
        yield from _leaves(F, part)
