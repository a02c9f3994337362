"""The gamma function and its kin."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.core.composite import composite, floating
from autograd_iron.core.primitive import elementwise
from autograd_iron.ops.special.kernels import BY_SCIPY, in_dtype_of, no_derivative, of_scipy


@elementwise(floating=True, by_kernel=BY_SCIPY)
def gammaln(xp, x, /):
    """Return the logarithm of the absolute value of the gamma function."""
    return of_scipy(xp, "gammaln", x)


@gammaln.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.digamma(x), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def gamma(xp, x, /):
    """Return the gamma function, `factorial(x - 1)` of whole numbers."""
    return of_scipy(xp, "gamma", x)


@gamma.vjp
def _(F, g, y, x):
    return F.multiply_no_nan(y * F.digamma(x), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def rgamma(xp, x, /):
    """Return `1 / gamma(x)`, which is 0 where the gamma function has its poles."""
    return of_scipy(xp, "rgamma", x)


@rgamma.vjp
def _(F, g, y, x):
    # Where the poles are: of the reflection sin(pi x) gamma(1 - x) / pi, which has none there.
    left = x < 0.5
    u, v = F.where(left, x, 0), F.where(left, 1, x)
    turn = F.cos(math.pi * u) - F.sin(math.pi * u) * F.digamma(1 - u) / math.pi
    slope = F.where(left, F.gamma(1 - u) * turn, -y * F.digamma(v))
    return F.multiply_no_nan(slope, g)


@composite
def gammasgn(F, x, /):
    """Return the sign of the gamma function; NaN at its poles below 0, that of zeros at 0."""
    x = floating(F, x)
    below = F.floor(x)
    sign = F.where(below == x, math.nan, 1 - 2 * F.remainder(below, 2))
    return F.where(x > 0, 1.0, F.where(x == 0, F.copysign(1.0, x), sign)) + 0 * below


@elementwise(floating=True, by_kernel=BY_SCIPY)
def digamma(xp, x, /):
    """Return the derivative of `gammaln`."""
    return of_scipy(xp, "digamma", x)


@digamma.vjp
def _(F, g, _y, x):
    return F.multiply_no_nan(F.zeta(2.0, x), g)


psi = digamma


@elementwise(floating=True, by_kernel=BY_SCIPY)
def zeta(xp, x, q, /):
    """Return the zeta function of Hurwitz, the sum of `1 / (q + k) ** x` over k from 0 up."""
    return of_scipy(xp, "zeta", x, q)


zeta.vjp(no_derivative("zeta", "x"))


@zeta.vjp
def _(F, g, _y, x, q):
    return F.multiply_no_nan(-x * F.zeta(x + 1, q), g)


@composite
def polygamma(F, n, x, /):
    """Return the derivative of order `n`, a whole number, of `digamma`."""
    order = int(n)
    x = floating(F, x)
    if order < 0 or order != n:
        raise ValueError(f"the order is a whole number from 0 up, not {n}")
    if order == 0:
        return F.digamma(x)
    return (-1.0) ** (order + 1) * math.factorial(order) * F.zeta(order + 1.0, x)


@composite
def multigammaln(F, x, /, d):
    """Return the logarithm of the gamma function of `d` dimensions."""
    x = floating(F, x)
    made = d * (d - 1) / 4 * math.log(math.pi)
    for i in range(d):
        made = F.gammaln(x - i / 2) + made
    return made


@elementwise(floating=True, by_kernel=BY_SCIPY)
def betaln(xp, x, y, /):
    """Return the logarithm of the absolute value of `beta`."""
    return of_scipy(xp, "betaln", x, y)


@betaln.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(F.digamma(in_dtype_of(x, y)) - F.digamma(x + y), g)


@betaln.vjp
def _(F, g, _out, x, y):
    return F.multiply_no_nan(F.digamma(in_dtype_of(y, x)) - F.digamma(x + y), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def beta(xp, x, y, /):
    """Return `gamma(x) * gamma(y) / gamma(x + y)`."""
    return of_scipy(xp, "beta", x, y)


@beta.vjp
def _(F, g, out, x, y):
    return F.multiply_no_nan(out * (F.digamma(in_dtype_of(x, y)) - F.digamma(x + y)), g)


@beta.vjp
def _(F, g, out, x, y):
    return F.multiply_no_nan(out * (F.digamma(in_dtype_of(y, x)) - F.digamma(x + y)), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def gammainc(xp, a, x, /):
    """Return the lower incomplete gamma function, as a share of `gamma(a)`."""
    return of_scipy(xp, "gammainc", a, x)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def gammaincc(xp, a, x, /):
    """Return `1 - gammainc(a, x)`, accurate where that is small."""
    return of_scipy(xp, "gammaincc", a, x)


def _density(F, a, x):
    return F.exp(F.multiply_no_nan(F.log(x), a - 1) - x - F.gammaln(in_dtype_of(a, x)))


gammainc.vjp(no_derivative("gammainc", "a"))


@gammainc.vjp
def _(F, g, _y, a, x):
    return F.multiply_no_nan(_density(F, a, x), g)


gammaincc.vjp(no_derivative("gammaincc", "a"))


@gammaincc.vjp
def _(F, g, _y, a, x):
    return F.multiply_no_nan(-_density(F, a, x), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def betainc(xp, a, b, x, /):
    """Return the incomplete beta function up to `x`, as a share of `beta(a, b)`."""
    return of_scipy(xp, "betainc", a, b, x)


betainc.vjp(no_derivative("betainc", "a"))
betainc.vjp(no_derivative("betainc", "b"))


@betainc.vjp
def _(F, g, _y, a, b, x):
    left, right = F.multiply_no_nan(F.log(x), a - 1), F.multiply_no_nan(F.log1p(-x), b - 1)
    return F.multiply_no_nan(F.exp(left + right - F.betaln(in_dtype_of(a, x), b)), g)


@elementwise(floating=True, by_kernel=BY_SCIPY)
def stdtr(xp, df, x, /):
    """Return the distribution function of Student's distribution with `df` degrees of freedom."""
    tail = 0.5 * of_scipy(xp, "betainc", 0.5 * df, 0.5, df / (df + x * x))
    return xp.where(x > 0, 1 - tail, tail)


stdtr.vjp(no_derivative("stdtr", "df"))


@stdtr.vjp
def _(F, g, _y, df, x):
    half = 0.5 * (df + 1)
    df = in_dtype_of(df, x)
    norm = F.gammaln(0.5 * (df + 1)) - F.gammaln(0.5 * df) - 0.5 * F.log(math.pi * df)
    return F.multiply_no_nan(F.exp(norm - half * F.log1p(x * x / df)), g)


for word in (gammaln, gamma, rgamma, digamma, zeta, betaln, beta, stdtr):
    word.ordered = True
for word in (gammainc, gammaincc, betainc):
    word.ordered = True
