"""Polynomials as vectors of coefficients, that of the highest power first."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, floating, operand, operands
from autograd_iron.core.plain import setting
from autograd_iron.ops.reduce.axes import at_home

__all__ = ["polyadd", "polyder", "polyfit", "polyint", "polymul", "polysub", "polyval", "roots"]


def _coefficients(F, *polynomials):
    made = [F.atleast_1d(p) for p in operands(F, *polynomials)]
    for p in made:
        if p.ndim != 1:
            raise ValueError(f"the coefficients are a vector, got shape {p.shape}")
    return made


@composite
def polyval(F, p, x, /):
    """Return the polynomial with the coefficients `p`, that of the highest power first, at `x`."""
    (p,) = _coefficients(F, p)
    x = operand(F, x, (p,))
    made = x * 0
    for i in range(p.size):
        made = made * x + F.getitem(p, index=(i,))
    return made


def _filled(F, p, size):
    return F.pad(p, ((max(size - p.size, 0), 0),))


@composite
def polyadd(F, p, q, /):
    """Return the coefficients of the sum of two polynomials."""
    p, q = _coefficients(F, p, q)
    return _filled(F, p, q.size) + _filled(F, q, p.size)


@composite
def polysub(F, p, q, /):
    """Return the coefficients of the difference of two polynomials."""
    p, q = _coefficients(F, p, q)
    return _filled(F, p, q.size) - _filled(F, q, p.size)


@composite
def polymul(F, p, q, /):
    """Return the coefficients of the product of two polynomials; leading zeros stay."""
    return F.convolve(*_coefficients(F, p, q))


def _times(m):
    times = setting(m, "m")
    if not isinstance(times, int) or times < 0:
        raise ValueError(f"m={m!r} is not how often, a whole number from 0 up")
    return times


def _powers(F, p, start):
    """Return the powers of the coefficients, each counted from `start` more than it is."""
    ones = F.ones_like(p)
    return F.flip(F.cumsum(ones, axis=0)) + (start - 1)


@composite
def polyder(F, p, /, m=1):
    """Return the coefficients of the `m`-th derivative of a polynomial."""
    (p,) = _coefficients(F, p)
    for _ in range(_times(m)):
        p = F.getitem(p, index=(slice(None, -1),))
        p = p * _powers(F, p, 1)
    return p


@composite
def polyint(F, p, /, m=1, k=None):
    """Return the coefficients of the `m`-th integral of a polynomial.

    Parameters
    ----------
    m : int
    k : number or sequence of numbers, optional
        The constants of integration, the first of which is that of the first integral; 0 else.
    """
    (p,) = _coefficients(F, p)
    p, times = floating(F, p), _times(m)
    if k is None:
        k = F.zeros((times,), dtype=p.dtype, device=None if F.xp is not None else p.device)
    (k,) = _coefficients(F, at_home(F, k, p))
    if k.size == 1 and times > 1:
        k = F.broadcast_to(k, shape=(times,))
    if k.size < times:
        raise ValueError(f"k holds {k.size} constants for m={times} integrals")
    for i in range(times):
        p = F.join(p / _powers(F, p, 1), F.getitem(k, index=(slice(i, i + 1),)), axis=0)
    return p


@composite
def polyfit(F, x, y, /, deg, rcond=None, full=False, w=None, cov=False):
    """Return the coefficients of the polynomial that is nearest to points in square mean.

    Parameters
    ----------
    x : (n,)
    y : (n,) or (n, k)
        The values there, or several columns of them.
    deg : int
        The degree.
    rcond : float, optional
        Directions in which the powers are smaller than this share of the largest are left out.
    full : bool
        Return `(coefficients, residuals, rank, singular values, rcond)`.
    w : (n,), optional
        What each difference is multiplied by before it is squared.
    cov : bool or "unscaled"
        Return the covariance matrix of the coefficients too.
    """
    x, y = (floating(F, value) for value in operands(F, x, y))
    deg = setting(deg, "deg")
    if not isinstance(deg, int) or deg < 0:
        raise ValueError(f"deg={deg!r} is no degree, a whole number from 0 up")
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise ValueError(f"these are no points: x of shape {x.shape}, y of shape {y.shape}")
    powers = F.vander(x, deg + 1)
    if w is not None:
        w = at_home(F, w, x)
        if w.shape != x.shape:
            raise ValueError(f"weights of shape {w.shape} are not one for each of {x.size} points")
        powers, y = powers * F.expand_dims(w, -1), (y.T * w).T if y.ndim == 2 else y * w
    scale = F.sqrt(F.sum(powers * powers, axis=0))
    if rcond is None:
        rcond = x.size * float(dtypes.limits(x.dtype).eps)
    made, residuals, rank, sizes = F.lstsq(powers / scale, y, rcond)
    made = F.matrix_transpose(F.matrix_transpose(made) / scale) if y.ndim == 2 else made / scale
    if full:
        return made, residuals, rank, sizes, rcond
    if not cov:
        return made
    spread = F.inv(F.matmul(F.matrix_transpose(powers), powers))
    if cov != "unscaled":
        free = x.size - deg - 1
        if free <= 0:
            raise ValueError(f"{x.size} points leave no spread about a polynomial of degree {deg}")
        spread = (F.expand_dims(spread, -1) if y.ndim == 2 else spread) * (residuals / free)
    return made, F.expand_dims(spread, -1) if y.ndim == 2 and cov == "unscaled" else spread


@composite
def roots(F, p, /):
    """Return the roots of a polynomial; how many there are depends on which coefficients are 0."""
    (p,) = _coefficients(F, floating(F, p))
    (places,) = F.nonzero(p)
    if not places.size:
        return F.ones_like(p, shape=(0,))
    first, last = int(places[0]), int(places[-1])
    at_zero = p.size - last - 1
    p = F.getitem(p, index=(slice(first, last + 1),))
    if p.size < 2:
        return F.zeros_like(p, shape=(at_zero,))
    top = -F.getitem(p, index=(slice(1, None),)) / F.getitem(p, index=(0,))
    rest = F.eye(p.size - 2, p.size - 1, dtype=p.dtype, device=None if F.xp else p.device)
    made = F.eigvals(F.join(F.expand_dims(top, 0), rest, axis=0))
    return F.pad(made, ((0, at_zero),)) if at_zero else made
