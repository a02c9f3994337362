"""Determinants."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_LIBRARY, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like


class SlogdetResult(NamedTuple):
    """The sign of determinants, and the logarithm of their absolute values."""

    sign: Any
    logabsdet: Any


@primitive(floating=True, numpy="linalg.det", by_kernel=BY_LIBRARY)
def det(xp, x, /):
    """Return the determinant of each matrix; its gradient exists for singular ones too."""
    return by_lapack(xp.linalg.det, x)


@det.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape[:-2], x.dtype)


det.axes("...NN -> ...")


@det.vjp
def _(F, g, _y, x):
    return F.expand_dims(F.expand_dims(g, -1), -1) * F.conj(F.cofactors(x))


# Of U S V* the matrix of cofactors is det(U V*) times conj(U) diag(p) V.T's conjugate, where p are
# the products of all singular values but one: no number is divided by one that may be 0.


@primitive(floating=True, by_kernel=BY_LIBRARY)
def cofactors(xp, x, /):
    """Return of each matrix the derivative of its determinant: that of its rows and columns."""
    return by_lapack(_cofactors, x, xp=xp)


def _cofactors(x, xp):
    if not x.size:
        return xp.zeros(x.shape, dtype=x.dtype)
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    n = s.shape[-1]
    apart = xp.eye(n, dtype=bool)
    others = xp.where(apart, 1, s[..., None, :]).prod(axis=-1).astype(s.dtype, copy=False)
    scale = xp.linalg.det(u) * xp.linalg.det(vh)
    made = xp.matmul(xp.conjugate(u) * others[..., None, :], xp.conjugate(vh))
    return made * scale[..., None, None]


@cofactors.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape, x.dtype)


cofactors.axes("...NN -> ...NN")


@cofactors.vjp
def _(F, g, _y, x):
    # In the bases of U and V the derivative is sums of products of all singular values but two.
    u, s, vh = F.svd_factors(x)
    n = s.shape[-1]
    scale = F.det(u) * F.det(vh)
    own = identity_like(F, s, n)
    gone = F.expand_dims(own, 0) + F.expand_dims(own, 1)  # of i and j: neither of the two
    wide = F.expand_dims(F.expand_dims(s, -2), -2)
    pairs = _product(F, F.where(gone > 0, 1, wide)) * (1 - own)
    # The cotangent of the cofactors, where U and V are the axes.
    inner = F.matmul(F.matmul(F.matrix_transpose(u), g), F.matrix_transpose(vh))
    of_diagonal = F.matmul(pairs, F.expand_dims(F.diagonal(inner, 0, -2, -1), -1))
    made = of_diagonal * own - pairs * F.matrix_transpose(inner)
    turned = F.matmul(F.matmul(u, made), vh)
    return turned * F.expand_dims(F.expand_dims(F.conj(scale), -1), -1)


def _product(F, x):
    """Return the product over the last axis, whose derivatives exist at zeros too."""
    while x.shape[-1] > 1:
        half, odd = divmod(x.shape[-1], 2)
        left, right = (
            F.getitem(x, index=(..., part)) for part in (slice(0, half), slice(half, 2 * half))
        )
        both = left * right
        x = F.join(both, F.getitem(x, index=(..., slice(2 * half, None))), axis=-1) if odd else both
    return F.sum(x, axis=-1)


@composite
def slogdet(F, x, /):
    """Return the sign of the determinant of each matrix, and the logarithm of its absolute value.

    Of complex matrices the sign is a number of absolute value 1.  Those of a singular matrix, 0 and
    minus infinity, have no gradient.
    """
    return SlogdetResult(*F.sign_and_log_of_det(operand(F, x)))


@primitive(floating=True, numpy="linalg.slogdet", by_kernel=BY_LIBRARY)
def sign_and_log_of_det(xp, x, /):
    """Return what `slogdet` does, as two arrays."""
    return by_lapack(xp.linalg.slogdet, x)


@sign_and_log_of_det.shape
def _(x):
    check_matrix(x, square=True)
    return Spec(x.shape[:-2], x.dtype), Spec(x.shape[:-2], dtypes.real_of(x.dtype))


sign_and_log_of_det.axes("...NN -> ..., ...")


@sign_and_log_of_det.vjp
def _(F, g, y, x):
    slope = g[1]
    if y[0].dtype.kind == "c" and not g.is_zero(0):  # the sign turns, too
        slope = slope + F.imag(F.conj(y[0]) * g[0]) * 1j
    slope = F.expand_dims(F.expand_dims(slope, -1), -1)
    return slope * adjoint(F, F.inv(x))
