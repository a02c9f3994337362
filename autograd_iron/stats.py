"""Densities and distribution functions, in the names of `scipy.stats`.

`ai.stats.norm.logpdf(x, loc, scale)`: what SciPy's distributions answer for numbers, with gradients
in every argument that has a derivative in closed form.  Arguments broadcast.  Outside the support
of a distribution its density is 0, and so are the gradients.
"""

# What the vocabulary returns is known only by name.
# mypy: disable-error-code="no-any-return, no-untyped-call, no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.composite import floating
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.ops.elementwise.words import together
from autograd_iron.ops.special import bessel, entropies, errors, gammas

__all__ = ["beta", "chi2", "dirichlet", "gamma", "multivariate_normal", "norm", "poisson", "t"]

FAMILIES = (bessel, entropies, errors, gammas)  # whose words these functions use
_LOG_2_PI = math.log(2 * math.pi)


def _log(probability):
    """Return a logarithm, which is minus infinity of 0."""
    with device.quiet():
        return F.log(probability)


class Continuous:
    """A family of distributions on a part of the real line, moved by `loc` and widened by `scale`.

    Every method takes x, the shapes that `shapes` names, `loc=0` and `scale=1`.
    """

    shapes: tuple[str, ...] = ()
    low, high = -math.inf, math.inf

    def logpdf(self, x, *args, **settings):
        """Return the logarithm of the density."""
        z, shapes, scale = self._standard(x, args, settings)
        inside = F.logical_not(F.logical_or(z < self.low, z > self.high))
        with device.quiet():  # at the ends of a support a density may be 0 or infinite
            value = self._logpdf(F.where(inside, z, self._within), *shapes) - F.log(scale)
        return F.where(inside, value, -math.inf)

    def pdf(self, x, *args, **settings):
        """Return the density."""
        return F.exp(self.logpdf(x, *args, **settings))

    def cdf(self, x, *args, **settings):
        """Return the probability of what is not above x."""
        z, shapes, _ = self._standard(x, args, settings)
        return self._share(self._cdf, z, shapes)

    def sf(self, x, *args, **settings):
        """Return the probability of what is above x, accurate where that is small."""
        z, shapes, _ = self._standard(x, args, settings)
        return self._share(self._sf, z, shapes)

    def logcdf(self, x, *args, **settings):
        """Return the logarithm of `cdf`."""
        return _log(self.cdf(x, *args, **settings))

    def logsf(self, x, *args, **settings):
        """Return the logarithm of `sf`."""
        return _log(self.sf(x, *args, **settings))

    _within = 0.5  # a place inside the support

    def _share(self, function, z, shapes):
        below, above = z < self.low, z > self.high
        made = function(F.where(F.logical_or(below, above), self._within, z), *shapes)
        first, last = (0.0, 1.0) if function == self._cdf else (1.0, 0.0)
        return F.where(below, first, F.where(above, last, made))

    def _logpdf(self, z, *shapes):
        raise NotImplementedError

    def _cdf(self, z, *shapes):
        raise NotImplementedError

    def _sf(self, z, *shapes):
        raise NotImplementedError

    def _standard(self, x, args, settings):
        """Return x of the distribution without loc and scale, the shapes, and the scale."""
        names = (*self.shapes, "loc", "scale")
        given = dict(zip(names, args, strict=False))
        if len(args) > len(names) or settings.keys() - set(names) or given.keys() & settings.keys():
            raise TypeError(
                f"{type(self).__name__}: expected (x, {', '.join(self.shapes)}"
                f"{', ' if self.shapes else ''}loc=0, scale=1); got {len(args)} arguments after x "
                f"and {sorted(settings)}"
            )
        given |= settings
        missing = [name for name in self.shapes if name not in given]
        if missing:
            raise TypeError(f"{type(self).__name__}: {missing[0]} is missing")
        named = [given[name] for name in self.shapes]
        x, loc, scale, *shapes = together(F, x, given.get("loc", 0), given.get("scale", 1), *named)
        return (x - loc) / scale, shapes, scale


class Norm(Continuous):
    """The normal distribution: `loc` is its mean, `scale` its standard deviation."""

    def _logpdf(self, z):
        return -0.5 * z * z - 0.5 * _LOG_2_PI

    def _cdf(self, z):
        return F.ndtr(z)

    def _sf(self, z):
        return F.ndtr(-z)

    def logcdf(self, x, *args, **settings):
        """Return the logarithm of `cdf`, accurate however small that is."""
        return F.log_ndtr(self._standard(x, args, settings)[0])

    def logsf(self, x, *args, **settings):
        """Return the logarithm of `sf`, accurate however small that is."""
        return F.log_ndtr(-self._standard(x, args, settings)[0])

    def ppf(self, q, loc=0, scale=1):
        """Return the number below which a share q lies."""
        q, loc, scale = together(F, q, loc, scale)
        return F.ndtri(q) * scale + loc


class T(Continuous):
    """Student's distribution with `df` degrees of freedom."""

    shapes = ("df",)

    def _logpdf(self, z, df):
        half = 0.5 * (df + 1)
        norm = F.gammaln(half) - F.gammaln(0.5 * df) - 0.5 * F.log(math.pi * df)
        return norm - half * F.log1p(z * z / df)

    def _cdf(self, z, df):
        return F.stdtr(df, z)

    def _sf(self, z, df):
        return F.stdtr(df, -z)


class Gamma(Continuous):
    """The gamma distribution with shape `a`."""

    shapes = ("a",)
    low = 0.0

    def _logpdf(self, z, a):
        return F.xlogy(a - 1, z) - z - F.gammaln(a)

    def _cdf(self, z, a):
        return F.gammainc(a, z)

    def _sf(self, z, a):
        return F.gammaincc(a, z)


class Chi2(Continuous):
    """The distribution of the sum of `df` squares of normal numbers."""

    shapes = ("df",)
    low = 0.0

    def _logpdf(self, z, df):
        half = 0.5 * df
        return F.xlogy(half - 1, z) - 0.5 * z - F.gammaln(half) - half * math.log(2)

    def _cdf(self, z, df):
        return F.gammainc(0.5 * df, 0.5 * z)

    def _sf(self, z, df):
        return F.gammaincc(0.5 * df, 0.5 * z)


class Beta(Continuous):
    """The beta distribution on [0, 1] with shapes `a` and `b`."""

    shapes = ("a", "b")
    low, high = 0.0, 1.0

    def _logpdf(self, z, a, b):
        return F.xlogy(a - 1, z) + F.xlog1py(b - 1, -z) - F.betaln(a, b)

    def _cdf(self, z, a, b):
        return F.betainc(a, b, z)

    def _sf(self, z, a, b):
        return F.betainc(b, a, 1 - z)


class Poisson:
    """The distribution of counts whose mean is `mu`, moved by `loc`."""

    def logpmf(self, k, mu, loc=0):
        """Return the logarithm of the probability of k."""
        k, mu, loc = together(F, k, mu, loc)
        k = k - loc
        possible = F.logical_or(F.logical_and(k >= 0, k == F.floor(k)), k != k)
        count = F.where(possible, k, 0.0)
        value = F.xlogy(count, mu) - F.gammaln(count + 1) - mu
        return F.where(possible, value, -math.inf)

    def pmf(self, k, mu, loc=0):
        """Return the probability of k."""
        return F.exp(self.logpmf(k, mu, loc))

    def cdf(self, k, mu, loc=0):
        """Return the probability of counts that are not above k."""
        return self._share(F.gammaincc, k, mu, loc, 0.0)

    def sf(self, k, mu, loc=0):
        """Return the probability of counts above k, accurate where that is small."""
        return self._share(F.gammainc, k, mu, loc, 1.0)

    def logcdf(self, k, mu, loc=0):
        """Return the logarithm of `cdf`."""
        return _log(self.cdf(k, mu, loc))

    def logsf(self, k, mu, loc=0):
        """Return the logarithm of `sf`."""
        return _log(self.sf(k, mu, loc))

    @staticmethod
    def _share(function, k, mu, loc, below):
        k, mu, loc = together(F, k, mu, loc)
        whole = F.floor(k - loc)
        shares = function(F.where(whole >= 0, whole, 0.0) + 1, mu)
        return F.where(whole >= 0, shares, below)


class MultivariateNormal:
    """The normal distribution of vectors, with a mean and a covariance matrix."""

    def logpdf(self, x, mean=None, cov=1, allow_singular=False):
        """Return the logarithm of the density at vectors, which lie along the last axis of x.

        With `allow_singular` the covariance may be singular: the density is that in the space that
        its vectors span, and 0 outside.
        """
        x, cov = together(F, x, cov)
        cov = self._matrix(x.shape[-1] if x.ndim else 1, cov)
        size = cov.shape[-1]
        x = x if x.ndim and x.shape[-1] == size else F.expand_dims(x, -1)
        away = x if mean is None else x - floating(F, mean)
        if allow_singular:
            return self._singular(away, cov)
        factor = F.cholesky(cov)
        rows = F.reshape(away, shape=(-1, size))
        scaled = F.solve(factor, F.matrix_transpose(rows))
        squares = F.reshape(F.sum(scaled * scaled, axis=0), shape=away.shape[:-1])
        return -0.5 * (squares + size * _LOG_2_PI) - self._log_volume(factor)

    @staticmethod
    def _singular(away, cov):
        sizes = F.eigvalsh(cov)
        # SciPy's bounds of what is about 0, in a matrix and in the distance from its space.
        least = (1e3 if cov.dtype == "float32" else 1e6) * dtypes.limits(cov.dtype).eps
        bound = float(least) * F.max(F.abs(sizes)).detach()
        kept = sizes > bound
        inverse = F.pinv(cov, rcond=float(least), hermitian=True)
        scaled = F.matmul(away, inverse)
        volume = F.sum(F.log(F.where(kept, sizes, 1)))
        rank = F.astype(F.sum(kept), dtype=cov.dtype)
        made = -0.5 * (F.sum(scaled * away, axis=-1) + rank * _LOG_2_PI + volume)
        rest = (away - F.matmul(scaled, cov)).detach()
        return F.where(F.sum(rest * rest, axis=-1) < bound * bound, made, -math.inf)

    def pdf(self, x, mean=None, cov=1, allow_singular=False):
        """Return the density at vectors: see `logpdf`."""
        return F.exp(self.logpdf(x, mean, cov, allow_singular))

    def entropy(self, mean=None, cov=1):
        """Return the differential entropy."""
        mean, cov = together(F, 0.0 if mean is None else mean, cov)
        factor = F.cholesky(self._matrix(mean.size, cov))
        return 0.5 * factor.shape[-1] * (1 + _LOG_2_PI) + self._log_volume(factor)

    @staticmethod
    def _matrix(size, cov):
        """Return a covariance, of which its diagonal or a number may be given."""
        if cov.ndim < 2:
            ones = F.eye(cov.size if cov.ndim else size, dtype=cov.dtype, device=cov.device)
            cov = cov * ones
        return cov

    @staticmethod
    def _log_volume(factor):
        return F.sum(F.log(F.diagonal(factor)))


class Dirichlet:
    """The distribution of shares that add up to 1, with one number of `alpha` for each."""

    def logpdf(self, x, alpha):
        """Return the logarithm of the density at vectors, which lie along the first axis of x.

        The last share may be left out: it is what the others leave.
        """
        x, alpha = floating(F, x), floating(F, alpha)
        if x.shape[0] == alpha.shape[0] - 1:
            x = F.concat([x, 1 - F.sum(x, axis=0, keepdims=True)], axis=0)
        if x.shape[0] != alpha.shape[0]:
            raise ValueError(
                f"dirichlet: there are {alpha.shape[0]} numbers in alpha and {x.shape[0]} shares"
            )
        powers = F.reshape(alpha - 1, shape=(-1,) + (1,) * (x.ndim - 1))
        norm = F.gammaln(F.sum(alpha)) - F.sum(F.gammaln(alpha))
        return F.sum(F.xlogy(powers, x), axis=0) + norm

    def pdf(self, x, alpha):
        """Return the density at vectors."""
        return F.exp(self.logpdf(x, alpha))


norm, t, gamma, chi2, beta = Norm(), T(), Gamma(), Chi2(), Beta()
poisson = Poisson()
multivariate_normal = MultivariateNormal()
dirichlet = Dirichlet()
