"""What functions of matrices share: adjoints, axes moved to the end, identity matrices."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device


def adjoint(F, x):
    """Return the conjugate transpose of matrices."""
    return F.conj(F.matrix_transpose(x))


def last(F, x, axes):
    """Return `x` with these axes, non-negative and in their order, moved to the end."""
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    return x if order == tuple(range(x.ndim)) else F.permute_dims(x, axes=order)


def identity_like(F, x, n, m=None):
    """Return the identity matrix in the dtype and on the device of `x`."""
    return F.eye(n, m, dtype=x.dtype, device=device.of(x))
