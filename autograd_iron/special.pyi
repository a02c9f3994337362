"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike

def beta(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `gamma(x) * gamma(y) / gamma(x + y)`."""

def betainc(a: TensorLike, b: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the incomplete beta function up to `x`, as a share of `beta(a, b)`."""

def betaln(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the logarithm of the absolute value of `beta`."""

def cbrt(x: TensorLike, /) -> Tensor:
    """Return the cube root, negative for negative `x`; the derivative at 0 is infinite."""

def digamma(x: TensorLike, /) -> Tensor:
    """Return the derivative of `gammaln`."""

def entr(x: TensorLike, /) -> Tensor:
    """Return `-x * log(x)`, 0 at 0, and minus infinity below."""

def erf(x: TensorLike, /) -> Tensor:
    """Return the error function, `2 / sqrt(pi)` times the integral of `exp(-t ** 2)` up to `x`."""

def erfc(x: TensorLike, /) -> Tensor:
    """Return `1 - erf(x)`, accurate where that is small."""

def erfcinv(x: TensorLike, /) -> Tensor:
    """Return the number whose complementary error function `erfc` is `x`."""

def erfcx(x: TensorLike, /) -> Tensor:
    """Return `exp(x ** 2) * erfc(x)`, which neither over- nor underflows for positive `x`."""

def erfinv(x: TensorLike, /) -> Tensor:
    """Return the number whose error function is `x`."""

def exp2(x: TensorLike, /) -> Tensor:
    """Return 2 to the power `x`."""

def expit(x: TensorLike, /) -> Tensor:
    """Return `1 / (1 + exp(-x))`; 0 where the exponential overflows."""

def expm1(x: TensorLike, /) -> Tensor:
    """Return `exp(x) - 1`, accurate near 0."""

def gamma(x: TensorLike, /) -> Tensor:
    """Return the gamma function, `factorial(x - 1)` of whole numbers."""

def gammainc(a: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the lower incomplete gamma function, as a share of `gamma(a)`."""

def gammaincc(a: TensorLike, x: TensorLike, /) -> Tensor:
    """Return `1 - gammainc(a, x)`, accurate where that is small."""

def gammaln(x: TensorLike, /) -> Tensor:
    """Return the logarithm of the absolute value of the gamma function."""

def gammasgn(x: TensorLike, /) -> Tensor:
    """Return the sign of the gamma function; NaN at its poles below 0, that of zeros at 0."""

def i0(x: TensorLike, /) -> Tensor:
    """Return the modified Bessel function of the first kind of order 0."""

def i0e(x: TensorLike, /) -> Tensor:
    """Return `i0(x) * exp(-abs(x))`."""

def i1(x: TensorLike, /) -> Tensor:
    """Return the modified Bessel function of the first kind of order 1."""

def i1e(x: TensorLike, /) -> Tensor:
    """Return `i1(x) * exp(-abs(x))`."""

def iv(order: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the modified Bessel function of the first kind of an order."""

def ive(order: TensorLike, x: TensorLike, /) -> Tensor:
    """Return `iv(order, x) * exp(-abs(x))`."""

def j0(x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the first kind of order 0."""

def j1(x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the first kind of order 1."""

def jn(order: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the first kind of an order."""

def jv(order: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the first kind of an order."""

def kl_div(x: TensorLike, y: Any, /) -> Tensor:
    """Return `x * log(x / y) - x + y`: see `rel_entr`."""

def log1p(x: TensorLike, /) -> Tensor:
    """Return `log(1 + x)`, accurate near 0."""

def log_expit(x: TensorLike, /) -> Tensor:
    """Return the logarithm of `expit(x)`, finite for every finite `x`."""

def log_ndtr(x: TensorLike, /) -> Tensor:
    """Return the logarithm of `ndtr`, accurate however small that is."""

def logit(x: TensorLike, /) -> Tensor:
    """Return `log(x / (1 - x))`, the inverse function of `expit`."""

def multigammaln(x: TensorLike, /, d: Any) -> Tensor:
    """Return the logarithm of the gamma function of `d` dimensions."""

def ndtr(x: TensorLike, /) -> Tensor:
    """Return the distribution function of the standard normal distribution."""

def ndtri(x: TensorLike, /) -> Tensor:
    """Return the number below which a share `x` of the standard normal distribution lies."""

def polygamma(n: Any, x: TensorLike, /) -> Tensor:
    """Return the derivative of order `n`, a whole number, of `digamma`."""

def psi(x: TensorLike, /) -> Tensor:
    """Return the derivative of `gammaln`."""

def rel_entr(x: TensorLike, y: Any, /) -> Tensor:
    """Return `x * log(x / y)`, 0 where `x` is 0 and `y` is not below, and infinity elsewhere."""

def rgamma(x: TensorLike, /) -> Tensor:
    """Return `1 / gamma(x)`, which is 0 where the gamma function has its poles."""

def sinc(x: TensorLike, /) -> Tensor:
    """Return `sin(pi x) / (pi x)`, and 1 at 0."""

def stdtr(df: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the distribution function of Student's distribution with `df` degrees of freedom."""

def xlog1py(x: TensorLike, y: Any, /) -> Tensor:
    """Return `x * log(1 + y)`, and 0 where `x` is 0 and `y` is no NaN."""

def xlogy(x: TensorLike, y: Any, /) -> Tensor:
    """Return `x * log(y)`, and 0 where `x` is 0 and `y` is no NaN."""

def y0(x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the second kind of order 0."""

def y1(x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the second kind of order 1."""

def yn(order: TensorLike, x: TensorLike, /) -> Tensor:
    """Return the Bessel function of the second kind of an order."""

def zeta(x: TensorLike, q: TensorLike, /) -> Tensor:
    """Return the zeta function of Hurwitz, the sum of `1 / (q + k) ** x` over k from 0 up."""
