"""Making matrices: ones on a diagonal or in a triangle, powers, and the indices of their parts."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import arange

__all__ = [
    "diag_indices",
    "diag_indices_from",
    "eye",
    "identity",
    "tri",
    "tril_indices",
    "tril_indices_from",
    "triu_indices",
    "triu_indices_from",
    "vander",
]


def _matrix(F, function, rows, columns, k, dtype, device):
    rows, k = setting(rows, "size"), setting(k, "k")
    columns = rows if columns is None else setting(columns, "size")
    found = dtypes.dtype("float32" if dtype is None else dtype)
    # What the array library has no such function for is cast: bfloat16.
    exact = dtypes.float32 if dtypes.is_narrow(found) else found
    if F.xp is not None:
        return getattr(F.xp, function)(rows, columns, k, dtype=exact).astype(found, copy=False)
    made = devices.make(device, function, rows, columns, k, dtype=exact)
    return Tensor(intake.as_array(made, found))


@composite
def eye(F, n_rows, n_cols=None, /, k=0, dtype=None, device=None):
    """Return a matrix with ones on the diagonal `k`, and zeros; square if `n_cols` is None."""
    return _matrix(F, "eye", n_rows, n_cols, k, dtype, device)


def identity(n: int, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return a square matrix with ones on its diagonal, and zeros: see `eye`."""
    made: Tensor = eye(n, dtype=dtype, device=device)
    return made


@composite
def tri(F, n_rows, n_cols=None, /, k=0, dtype=None, device=None):
    """Return a matrix with ones on and below the diagonal `k`, and zeros above."""
    return _matrix(F, "tri", n_rows, n_cols, k, dtype, device)


@composite
def vander(F, x, /, N=None, increasing=False):
    """Return the matrix whose columns are powers of a vector: from `N - 1` to 0, or increasing.

    A vector may have axes before its own: then there is a matrix for each.
    """
    x = operand(F, x)
    if x.ndim < 1:
        raise ValueError("vander takes a vector, and a number has no axes")
    count = x.shape[-1] if N is None else setting(N, "N")
    powers = range(count) if increasing else range(count - 1, -1, -1)
    if not powers:
        return F.zeros((*x.shape, 0), dtype=x.dtype, device=devices.of(x))
    if not dtypes.is_inexact(x.dtype):
        x = F.astype(x, dtype="int64")
    dtype = x.dtype
    exponents = devices.make(devices.of(x), "asarray", powers, dtype=dtype)
    return F.pow(F.reshape(x, shape=(*x.shape, 1)), operand(F, exponents))


def _places(
    compare: str, n: int, k: int, m: int | None, device: str | None
) -> tuple[Tensor, Tensor]:
    n, k = setting(n, "size"), setting(k, "k")
    found = getattr(devices.host, f"{compare}_indices")(n, k, n if m is None else setting(m))
    where = devices.full_name(device)
    rows, columns = (Tensor(devices.move(intake.as_array(a, "int64"), where)) for a in found)
    return rows, columns


def tril_indices(
    n: int, k: int = 0, m: int | None = None, *, device: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the indices of the lower triangle of an (n, m) matrix, from its diagonal `k` on."""
    return _places("tril", n, k, m, device)


def triu_indices(
    n: int, k: int = 0, m: int | None = None, *, device: str | None = None
) -> tuple[Tensor, Tensor]:
    """Return the indices of the upper triangle of an (n, m) matrix, from its diagonal `k` on."""
    return _places("triu", n, k, m, device)


@composite
def tril_indices_from(_F, x, /, k=0):
    """Return the indices of the lower triangle of a matrix: see `tril_indices`."""
    rows, columns = _matrix_shape(x, "tril_indices_from")
    return tril_indices(rows, k, columns, device=devices.of(x))


@composite
def triu_indices_from(_F, x, /, k=0):
    """Return the indices of the upper triangle of a matrix: see `triu_indices`."""
    rows, columns = _matrix_shape(x, "triu_indices_from")
    return triu_indices(rows, k, columns, device=devices.of(x))


def _matrix_shape(x, word):
    shape = x.shape if hasattr(x, "shape") else intake.as_array(x).shape
    if len(shape) != 2:
        raise ValueError(f"{word} takes a matrix, with 2 axes; there are {len(shape)}")
    return shape


def diag_indices(n: int, ndim: int = 2, *, device: str | None = None) -> tuple[Tensor, ...]:
    """Return the indices of the main diagonal of an array of `ndim` axes of size `n`."""
    return (arange(n, device=device),) * ndim


@composite
def diag_indices_from(_F, x, /):
    """Return the indices of the main diagonal of an array whose axes are of one size."""
    shape = x.shape if hasattr(x, "shape") else intake.as_array(x).shape
    if len(shape) < 2 or len(set(shape)) > 1:
        raise ValueError(f"diag_indices_from takes axes of one size, two or more, not {shape}")
    return diag_indices(shape[0], len(shape), device=devices.of(x))
