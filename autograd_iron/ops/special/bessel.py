"""Functions of Bessel, of orders 0 and 1."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.special.kernels import BY_SCIPY, of_scipy


def _over(F, y, x, at_zero):
    """Return `y / x`, and its limit at 0."""
    zero = x == 0
    return F.where(zero, at_zero, y / F.where(zero, 1.0, x))


@elementwise(floating=True, by_kernel=BY_SCIPY)
def j0(xp, x, /):
    """Return the Bessel function of the first kind of order 0."""
    return of_scipy(xp, "j0", x)


@j0.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(-F.j1(x), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def j1(xp, x, /):
    """Return the Bessel function of the first kind of order 1."""
    return of_scipy(xp, "j1", x)


@j1.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(F.j0(x) - _over(F, y, x, 0.5), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def y0(xp, x, /):
    """Return the Bessel function of the second kind of order 0."""
    return of_scipy(xp, "y0", x)


@y0.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(-F.y1(x), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def y1(xp, x, /):
    """Return the Bessel function of the second kind of order 1."""
    return of_scipy(xp, "y1", x)


@y1.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(F.y0(x) - y / x, g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def i0(xp, x, /):
    """Return the modified Bessel function of the first kind of order 0."""
    return of_scipy(xp, "i0", x)


@i0.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.i1(x), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def i1(xp, x, /):
    """Return the modified Bessel function of the first kind of order 1."""
    return of_scipy(xp, "i1", x)


@i1.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(F.i0(x) - _over(F, y, x, 0.5), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def i0e(xp, x, /):
    """Return `i0(x) * exp(-abs(x))`."""
    return of_scipy(xp, "i0e", x)


@i0e.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(F.i1e(x) - F.sign(x) * y, g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def i1e(xp, x, /):
    """Return `i1(x) * exp(-abs(x))`."""
    return of_scipy(xp, "i1e", x)


@i1e.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(F.i0e(x) - F.sign(x) * y - _over(F, y, x, 0.5), g)


for word in (j0, j1, y0, y1, i0, i1, i0e, i1e):
    word.ordered = True
