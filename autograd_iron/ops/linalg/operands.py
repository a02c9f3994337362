"""What functions of matrices share: operands as Tensors, adjoints, diagonals."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.specs import axes_of
from autograd_iron.ops.creation import asarray


def tensors(F, *operands):
    """Return the operands of a function made of words, so that they have shapes and dtypes.

    Users give lists and NumPy's arrays too; where `F` works on raw arrays, all are such already.
    """
    if F.xp is not None:
        return operands
    return tuple(x if hasattr(x, "node") else asarray(x) for x in operands)


def adjoint(F, x):
    """Return the conjugate transpose of matrices."""
    return F.conj(F.matrix_transpose(x))


def last(F, x, axes):
    """Return `x` with these axes, non-negative and in their order, moved to the end."""
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    return x if order == tuple(range(x.ndim)) else F.permute_dims(x, axes=order)


def moved(F, x, source, target):
    """Return `x` with one axis at another place, the others in their order."""
    (source,), (target,) = axes_of(source, x.ndim), axes_of(target, x.ndim)
    if source == target:
        return x
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return F.permute_dims(x, axes=tuple(order))


def diagonal_of(F, x):
    """Return the diagonals of the matrices in the last two axes."""
    *lead, m, n = x.shape
    k = min(m, n)
    if m > n:
        x = F.getitem(x, index=(..., slice(0, k), slice(None)))
    whole = F.reshape(x, shape=(*lead, k * n))
    return F.getitem(whole, index=(..., slice(None, None, n + 1)))


def like(F, x, shape, value=1):
    """Return an array of one number in the dtype and on the device of `x`."""
    return F.full(shape, value, dtype=x.dtype, device=None if F.xp is not None else x.device)


def identity_like(F, x, n, m=None):
    """Return the identity matrix in the dtype and on the device of `x`."""
    ones = like(F, x, (n, n if m is None else m))
    return F.triu(F.tril(ones))
