"""Complex numbers and their parts: conjugate, real and imaginary part, angle."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.composite import Composite, composite
from autograd_iron.core.primitive import elementwise
from autograd_iron.core.specs import Spec
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import asarray

__all__ = ["angle", "conj", "conjugate", "imag", "real", "real_if_close"]

NOT_IN_C = "the loops in C take real numbers only"


@elementwise(numpy="conjugate", by_kernel=NOT_IN_C)
def complex_conjugate(xp, x, /):
    """Return the complex conjugate: what `conj` does with complex numbers."""
    return xp.conjugate(x)


complex_conjugate.own_inverse = True


@complex_conjugate.vjp
def _(F, g, _y, _x):
    return F.conj(g)


class _Conj(Composite):
    """`conj`, which most rules ask for and few need: of real numbers it returns the array."""

    def bind(self, F):
        """Return the function on what `F` works on: NumPy's arrays have a method of that kind."""
        return _by_method if F.xp is device.host else super().bind(F)

    def __call__(self, x, /):
        """Return a Tensor, of a number too."""
        return super().__call__(x if isinstance(x, Tensor) else asarray(x))


def _by_method(x):
    return x.conjugate()  # which of real numbers is the array itself


@_Conj
def conj(F, x, /):
    """Return the complex conjugate; a real array is returned as it is."""
    if not hasattr(x, "dtype"):  # a number in a rule
        return x.conjugate()
    return F.complex_conjugate(x) if x.dtype.kind == "c" else x


conjugate = conj


@elementwise(numpy="real", by_kernel=NOT_IN_C)
def real_part(xp, x, /):
    """Return the real part: what `real` does with complex numbers."""
    return xp.array(xp.real(x))  # not a view, which would keep all of `x`


@elementwise(numpy="imag", by_kernel=NOT_IN_C)
def imaginary_part(xp, x, /):
    """Return the imaginary part: what `imag` does with complex numbers."""
    return xp.array(xp.imag(x))


def _part(x):
    return Spec(x.shape, dtypes.real_of(x.dtype))


real_part.shape(_part)


imaginary_part.shape(_part)


@real_part.vjp
def _(F, g, _y, _x):
    return g


@imaginary_part.vjp
def _(F, g, _y, _x):
    return g * 1j if _x.dtype.kind == "c" else F.multiply_no_nan(0.0, g)


@composite
def real(F, x, /):
    """Return the real part; a real array is returned as it is."""
    x = x if hasattr(x, "dtype") else asarray(x)
    return F.real_part(x) if x.dtype.kind == "c" else x


@composite
def imag(F, x, /):
    """Return the imaginary part; that of a real array is zeros."""
    x = x if hasattr(x, "dtype") else asarray(x)
    if x.dtype.kind == "c":
        return F.imaginary_part(x)
    return F.zeros(x.shape, dtype=x.dtype, device=device.of(x))


@composite
def real_if_close(F, x, /, tol=100):
    """Return the real part where all imaginary parts are about 0, else the complex numbers.

    Parameters
    ----------
    tol : float
        What is about 0: below so many times the precision of the dtype, or, if it is 1 or less,
        below the number itself.
    """
    x = x if hasattr(x, "dtype") else asarray(x)
    if x.dtype.kind != "c":
        return x
    least = tol * float(dtypes.limits(x.dtype).eps) if tol > 1 else tol
    return F.real(x) if bool(F.all(F.abs(F.imag(x)) < least)) else x


@elementwise(floating=True, numpy="angle", by_kernel=NOT_IN_C)
def angle(xp, x, /, deg=False):
    """Return the angle of complex numbers, between -pi and pi, in radians or in degrees.

    At 0 its derivative is 0, and so is that of real numbers everywhere.
    """
    return xp.angle(x, deg)


@angle.shape
def _(x, deg):
    return _part(x)


@angle.vjp
def _(F, g, _y, x, deg):
    if x.dtype.kind != "c":
        return F.multiply_no_nan(0.0, g)
    # The angle is the imaginary part of log(x).
    slope = 1j / F.conj(F.where(x == 0, 1, x))
    return F.where(x == 0, 0, slope) * (g * (180 / math.pi) if deg else g)
