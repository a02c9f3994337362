"""Products of matrices."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import of_text
from autograd_iron.core.batch import with_axes
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec

__all__ = ["linear", "matmul"]


@primitive
def matmul(xp, x, y, /):
    """Return the matrix product over the last axis of `x` and the second-to-last of `y`.

    Parameters
    ----------
    x : (..., n, k) or (k,)
    y : (..., k, m) or (k,)
        Leading axes broadcast; a vector is a row on the left and a column on the right.

    Returns
    -------
    (..., n, m), without the axes of vectors
    """
    return product(xp, x, y)


def product(xp, x, y):
    """Return the matrix product; of two matrices by `dot`, which starts in half the time.

    That of float16 is added up in float32 and rounded once.
    """
    if getattr(x, "dtype", None) == dtypes.float16 and _goes_by_float32(xp, x, y):
        return product(xp, x.astype("float32"), y.astype("float32")).astype("float16")
    both = getattr(x, "ndim", 0) == 2 == getattr(y, "ndim", 0)
    return xp.dot(x, y) if both else xp.matmul(x, y)


def _goes_by_float32(xp, x, y):
    """Return whether float16 is converted first: NumPy multiplies it without BLAS.

    cuBLAS adds up in float32, but where the result is one number, CuPy adds up in float16 itself.
    """
    if getattr(y, "dtype", None) != dtypes.float16:
        return False
    return xp is device.host or (
        max(x.ndim, y.ndim) <= 2 and x.shape[-1:] == (x.size,) == (y.size,)
    )


@matmul.shape
def _(x, y):
    if not getattr(x, "shape", ()) or not getattr(y, "shape", ()):
        raise ValueError("a number is no matrix")
    left, right = x.shape, y.shape
    lead = device.broadcast_shape(left[:-2], right[:-2])
    if lead is None or left[-1] != right[-2 if len(right) > 1 else 0]:
        raise ValueError(f"{left} and {right} are not the shapes of matrices to multiply")
    return Spec((*lead, *left[-2:-1], *(right[-1:] if len(right) > 1 else ())), specs.joint(x, y))


@matmul.vjp
def _(F, g, _out, _x, y):
    if y.ndim == 1:
        return F.expand_dims(g, -1) * F.conj(y)
    if _x.ndim == 1:
        return F.squeeze(F.matmul(F.conj(y), F.expand_dims(g, -1)), axis=-1)
    return F.matmul(g, F.conj(F.matrix_transpose(y)))


@matmul.vjp
def _(F, g, _out, x, _y):
    x = F.conj(x)
    if x.ndim == 1:
        return g * x if _y.ndim == 1 else F.expand_dims(x, -1) * F.expand_dims(g, -2)
    if _y.ndim == 1:
        return F.expand_dims(g, -1) * x
    return _weight_gradient(F, g, x, _y)


@matmul.axes
def _(x, y):
    left, row = ("...ij", "i") if x.ndim > 1 else ("j", "")
    right, column = ("...jk", "k") if y.ndim > 1 else ("j", "")
    lead = "..." if max(x.ndim, y.ndim) > 1 else ""
    return of_text(f"{left}, {right} -> {lead}{row}{column}", (x, y), "sum")


@matmul.vmap
def _products(F, batched, x, y):
    row, column = (v.ndim - own == 1 for v, own in zip((x, y), batched, strict=True))
    x = F.expand_dims(x, -2) if row else x
    y = F.expand_dims(y, -1) if column else y
    ndim = max(v.ndim - own for v, own in zip((x, y), batched, strict=True))
    made = F.matmul(
        *(with_axes(F, v, ndim) if own else v for v, own in zip((x, y), batched, strict=True))
    )
    made = F.squeeze(made, axis=-1) if column else made
    return F.squeeze(made, axis=-1 if column else -2) if row else made


def _weight_gradient(F, g, x, w):
    if w.ndim == 2 and x.ndim > 2:
        rows = math.prod(x.shape[:-1])
        g = F.reshape(g, shape=(rows, g.shape[-1]))
        x = F.reshape(x, shape=(rows, x.shape[-1]))
    return F.matmul(F.matrix_transpose(x), g)


@primitive
def linear(xp, x, weight, bias=None, /):
    """Return `x @ weight.T + bias`: the layout of PyTorch's weights.

    Parameters
    ----------
    x : (..., n)
    weight : (m, n)
    bias : (m,), optional

    Returns
    -------
    (..., m)
    """
    _check_layer(weight, bias)
    y = product(xp, x, weight.T)  # a view: BLAS reads a matrix either way round
    if bias is None:
        return y
    if bias.dtype != y.dtype:
        return y + bias
    y += bias
    return y


def _check_layer(weight, bias):
    if weight.ndim != 2 or (bias is not None and bias.shape != weight.shape[:1]):
        beside = "" if bias is None else f", bias has shape {bias.shape}"
        raise ValueError(
            f"weight must be (m, n) and bias (m,); weight has shape {weight.shape}{beside}"
        )


@linear.shape
def _(x, weight, bias):
    _check_layer(weight, bias)
    if x.shape[-1:] != weight.shape[1:]:
        raise ValueError(f"the last axis of {x.shape} is not the last of {weight.shape}")
    operands = (x, weight) if bias is None else (x, weight, bias)
    return Spec((*x.shape[:-1], weight.shape[0]), specs.joint(*operands))


# The bias is added once: the sum over the features cannot be taken apart.
linear.axes("...N, mN, m -> ...m")


@linear.decompose
def _(F, x, weight, bias):
    _check_layer(weight, bias)
    y = F.matmul(x, F.matrix_transpose(weight))
    return y if bias is None else y + bias


@linear.vmap
def _(F, batched, x, weight, bias):
    own = any(batched[:2])
    w = F.matrix_transpose(weight)
    made = _products(F, batched[:2], x, w) if own else F.matmul(x, w)
    if bias is None:
        return made
    return made + (with_axes(F, bias, made.ndim - own) if batched[2] else bias)


@linear.vjp
def _(F, g, _out, _x, weight, _bias):
    return F.matmul(g, F.conj(weight))


@linear.vjp
def _(F, g, _out, x, _weight, _bias):
    x = F.conj(x)
    if x.ndim == 1:
        return F.expand_dims(g, -1) * x
    return _weight_gradient(F, x, g, _weight)


@linear.vjp
def _(F, g, _out, _x, _weight, _bias):
    return g
