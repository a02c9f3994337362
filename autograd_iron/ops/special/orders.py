"""Bessel functions of any order: CuPy has none of them, so that they are the host's alone."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.special.kernels import BY_SCIPY, no_derivative, of_scipy


def _on_host(xp, name, order, x):
    if xp is not device.host:
        raise NotImplementedError(
            f"CuPy has no {name}, which is computed on the host alone: move the operands there "
            'with .to("cpu"), or use j0, j1, y0, y1, i0 and i1'
        )
    return of_scipy(xp, name, order, x)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def jv(xp, order, x, /):
    """Return the Bessel function of the first kind of an order."""
    return _on_host(xp, "jv", order, x)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def yn(xp, order, x, /):
    """Return the Bessel function of the second kind of an order."""
    return _on_host(xp, "yv", order, x)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def iv(xp, order, x, /):
    """Return the modified Bessel function of the first kind of an order."""
    return _on_host(xp, "iv", order, x)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def ive(xp, order, x, /):
    """Return `iv(order, x) * exp(-abs(x))`."""
    return _on_host(xp, "ive", order, x)


for word in (jv, yn, iv, ive):
    word.vjp(no_derivative(word.name, "its order"))
    word.ordered = True


@jv.vjp
def _(F, g, _y, order, x):
    return F.multiply_no_nan(0.5 * (F.jv(order - 1, x) - F.jv(order + 1, x)), g)


@yn.vjp
def _(F, g, _y, order, x):
    return F.multiply_no_nan(0.5 * (F.yn(order - 1, x) - F.yn(order + 1, x)), g)


@iv.vjp
def _(F, g, _y, order, x):
    return F.multiply_no_nan(0.5 * (F.iv(order - 1, x) + F.iv(order + 1, x)), g)


@ive.vjp
def _(F, g, y, order, x):
    slope = 0.5 * (F.ive(order - 1, x) + F.ive(order + 1, x)) - F.sign(x) * y
    return F.multiply_no_nan(slope, g)


jn = jv
