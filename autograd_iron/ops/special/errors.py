"""The error function and its kin, and the normal distribution's.

NumPy has no error function, and GELU is not to need SciPy: `erf`, `erfc` and `erfcx` are
polynomials here, right to three units in the last place. Of `erf` SciPy's kernel is faster, and
taken if it can be imported.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
from functools import cache

from autograd_iron.arrays import device
from autograd_iron.arrays.scipy import scipy
from autograd_iron.core.composite import composite, floating
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.special.kernels import BY_SCIPY, of_scipy

# (1 + 2 x) erfcx(x) for x >= 0, in powers of (x - 3.75) / (x + 3.75).
_FAR = (
    1.2375126308378275,
    -0.14024059858554697,
    0.003585415485479008,
    0.0822767384901456,
    -0.10880393014244358,
    0.09230432116036773,
    -0.058693398576671316,
    0.028362277419062786,
    -0.009746579683039002,
    0.0017556258522751745,
    0.00029371437673851353,
    -0.00029015407844592395,
    5.164653430257747e-05,
    2.2384234957295957e-05,
    -1.1438058006888312e-05,
    -9.735551161687774e-07,
    1.741995880054924e-06,
    -5.722068586715009e-08,
    -2.4858277817727445e-07,
    2.326311449875867e-08,
    3.1984645724022284e-08,
    -3.74318486650283e-09,
    -2.624178211656706e-09,
    3.1081299236743105e-10,
)
# erf(x) / x for abs(x) <= 1, in powers of 2 x ** 2 - 1.
_NEAR = (
    0.9654687386698673,
    -0.1405360890227171,
    0.019852496688983708,
    -0.0022854855611441132,
    0.00021751715604160108,
    -1.7537169441124826e-05,
    1.223382738352401e-06,
    -7.51156928660089e-08,
    4.11580059766496e-09,
    -2.035228404899467e-10,
    9.167606746069445e-12,
    -3.8078827395263415e-13,
    1.454817075960679e-14,
)
_CENTRE = 3.75
_SLOPE = 2 / math.sqrt(math.pi)


def _polynomial(coefficients, x):
    made = coefficients[-1] * x
    for coefficient in coefficients[-2:0:-1]:
        made += coefficient
        made *= x
    made += coefficients[0]
    return made


def _scaled(x):
    """Return erfcx of what is not negative."""
    return _polynomial(_FAR, (x - _CENTRE) / (x + _CENTRE)) / (1 + 2 * x)


def _complement(xp, size):
    """Return erfc of what is not negative."""
    # exp(-x ** 2), with the square taken of few bits and what is left of it added.
    few = xp.floor(size * 16) / 16
    power = xp.exp(-few * few) * xp.exp(-(size - few) * (size + few))
    return _scaled(size) * power


def _in_float32(kernel):
    def wide(xp, x):
        if x.dtype != "float16":
            return kernel(xp, x)
        return kernel(xp, x.astype("float32")).astype("float16")

    return wide


@_in_float32
def _erf(xp, x):
    size = xp.minimum(xp.abs(x), 6)
    near = xp.minimum(size, 1)
    inside = near * _polynomial(_NEAR, 2 * near * near - 1)
    return xp.copysign(xp.where(size < 1, inside, 1 - _complement(xp, size)), x)


@_in_float32
def _erfc(xp, x):
    size = xp.minimum(xp.abs(x), 30)
    far = _complement(xp, size)
    near = xp.clip(x, -1, 1)
    inside = 1 - near * _polynomial(_NEAR, 2 * near * near - 1)
    return xp.where(x < 0.5, xp.where(x < -1, 2 - far, inside), xp.where(x != x, x, far))


@_in_float32
def _erfcx(xp, x):
    size = xp.abs(x)
    right = xp.where(size < math.inf, _scaled(xp.where(size < math.inf, size, 1)), 0)
    with device.quiet():  # far to the left the result is infinite
        return xp.where(x < 0, 2 * xp.exp(size * size) - right, xp.where(x != x, x, right))


@cache
def _erf_of_scipy():
    try:
        return scipy(device.host, "special").erf
    except ImportError:
        return None


@elementwise(floating=True, c="erf{f}({x})", by_kernel="NumPy has none")
def erf(xp, x, /):
    """Return the error function, `2 / sqrt(pi)` times the integral of `exp(-t ** 2)` up to `x`."""
    if xp is device.host and (fast := _erf_of_scipy()) is not None:
        made = fast(x)
        return made if made.dtype == x.dtype else made.astype(x.dtype)
    return _erf(xp, x) if xp is device.host else of_scipy(xp, "erf", x)


@erf.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(_SLOPE * F.exp(-x * x), g)


@elementwise(floating=True, c="erfc{f}({x})", by_kernel="NumPy has none")
def erfc(xp, x, /):
    """Return `1 - erf(x)`, accurate where that is small."""
    return _erfc(xp, x) if xp is device.host else of_scipy(xp, "erfc", x)


@erfc.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(-_SLOPE * F.exp(-x * x), g)


@elementwise(floating=True, by_kernel="neither NumPy nor C has it")
def erfcx(xp, x, /):
    """Return `exp(x ** 2) * erfc(x)`, which neither over- nor underflows for positive `x`."""
    return _erfcx(xp, x) if xp is device.host else of_scipy(xp, "erfcx", x)


@erfcx.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(2 * x * y - _SLOPE, g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def erfinv(xp, x, /):
    """Return the number whose error function is `x`."""
    return of_scipy(xp, "erfinv", x)


@erfinv.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.exp(y * y) / _SLOPE, g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def erfcinv(xp, x, /):
    """Return the number whose complementary error function `erfc` is `x`."""
    return of_scipy(xp, "erfcinv", x)


@erfcinv.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(F.exp(y * y) / -_SLOPE, g)


@composite
def ndtr(F, x, /):
    """Return the distribution function of the standard normal distribution."""
    return 0.5 * F.erfc(floating(F, x) * -math.sqrt(0.5))


@elementwise(floating=True, by_kernel=BY_SCIPY)
def ndtri(xp, x, /):
    """Return the number below which a share `x` of the standard normal distribution lies."""
    return of_scipy(xp, "ndtri", x)


@ndtri.vjp
def _(F, g, y, _x):
    return F.multiply_no_nan(math.sqrt(2 * math.pi) * F.exp(0.5 * y * y), g)


@elementwise(floating=True, decomposes=True)
def log_ndtr(F, x, /):
    """Return the logarithm of `ndtr`, accurate however small that is."""
    left = x < -1
    tail = F.where(left, x, -1)
    body = F.where(left, 0, x)
    below = F.log(0.5 * F.erfcx(tail * -math.sqrt(0.5))) - 0.5 * tail * tail
    return F.where(left, below, F.log1p(-0.5 * F.erfc(body * math.sqrt(0.5))))


@log_ndtr.vjp
def _(F, g, _y, x):
    left = x < 5
    ratio = math.sqrt(2 / math.pi) / F.erfcx(F.where(left, x, 0) * -math.sqrt(0.5))
    beyond = math.sqrt(0.5 / math.pi) * F.exp(-0.5 * x * x)
    return F.multiply_no_nan(F.where(left, ratio, beyond), g)


for word in (erf, erfc, erfcinv, erfcx, erfinv, ndtri, log_ndtr):
    word.ordered = True
