"""How variables vary together."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core.composite import composite, floating, operand

__all__ = ["corrcoef", "cov"]


def _rows(F, x, rowvar):
    x = floating(F, x)
    if x.ndim > 2:
        raise ValueError(f"variables are the rows of a matrix, got shape {x.shape}")
    if x.ndim < 2:
        return F.reshape(x, shape=(1, x.size))
    return x if rowvar else F.matrix_transpose(x)


@composite
def cov(F, m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    """Return the covariance matrix of variables, each of which has several values.

    Parameters
    ----------
    m : array
        One variable, or one in each row.
    y : array, optional
        More variables, of the same form.
    rowvar : bool
        False: variables are in the columns.
    bias : bool
        True: divide by the number of values, instead of by one less.
    ddof : int, optional
        Subtracted from the number of values in the divisor; overrides `bias`.
    fweights : array of int, optional
        How often each value counts.
    aweights : array, optional
        How much each value weighs.
    """
    x = _rows(F, m, rowvar)
    if y is not None:
        more = floating(F, y, (x,))
        x = F.join(x, _rows(F, more, rowvar or more.ndim < 2 or more.shape[0] == 1), axis=0)
    if ddof is None:
        ddof = 0 if bias else 1
    often, heavy = _weights(F, fweights, x), _weights(F, aweights, x)
    weights = heavy if often is None else often if heavy is None else often * heavy
    if weights is None:
        away = x - F.mean(x, axis=1, keepdims=True)
        scaled, total = away, max(x.shape[1] - ddof, 0)
    else:
        total = F.sum(weights)
        away = x - F.sum(x * weights, axis=1, keepdims=True) / total
        scaled = away * weights
        if ddof:
            total = total - ddof * (1 if heavy is None else F.sum(weights * heavy) / total)
    made = F.matmul(away, F.conj(F.matrix_transpose(scaled)))
    return F.squeeze(made / total)


def _weights(F, given, x):
    if given is None:
        return None
    given = F.astype(operand(F, given, (x,)), dtype=dtypes.real_of(x.dtype))
    if given.shape != x.shape[1:]:
        raise ValueError(f"weights of shape {given.shape} are not one for each of {x.shape[1]}")
    return given


@composite
def corrcoef(F, x, y=None, rowvar=True):
    """Return the correlations of variables, between -1 and 1: see `cov`."""
    made = F.cov(x, y, rowvar)
    if not made.ndim:
        return made / made
    spread = F.sqrt(F.real(F.diagonal(made)))
    made = made / F.expand_dims(spread, -1) / spread
    if made.dtype.kind == "c":
        return F.clip(F.real(made), -1, 1) + 1j * F.clip(F.imag(made), -1, 1)
    return F.clip(made, -1, 1)
