"""What kernels and shape rules of linear algebra share.

The last two axes are matrices, those before are stacked.  NumPy's LAPACK knows float32, float64 and
their complex dtypes; float16 is computed in float32 and rounded once.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.primitive import elementwise

BY_LIBRARY = "a library of linear algebra computes it"
BY_SCIPY_ON_HOST = "SciPy computes it, on the host alone"


def by_lapack(kernel, *matrices, **settings):
    """Return what a function of matrices gives, of 16 bits by way of float32."""
    for x in matrices:
        check_matrix(x)
    if all(x.dtype != dtypes.float16 for x in matrices):
        made = kernel(*matrices, **settings)
        return tuple(made) if isinstance(made, tuple) else made
    made = kernel(*(x.astype("float32") for x in matrices), **settings)
    if any(x.dtype != dtypes.float16 for x in matrices):
        return made
    if isinstance(made, tuple):
        return tuple(array.astype("float16") for array in made)
    return made.astype("float16")


def check_matrix(x, square=False):
    """Refuse what is no stack of matrices, or of square ones."""
    if x.ndim < 2:
        raise ValueError(f"a matrix has two axes or more, got shape {x.shape}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ValueError(f"the matrices must be square, got shape {x.shape}")


@elementwise(by_kernel="it refuses to divide by zero")
def quotient(xp, x, y, /, says=""):
    """Return `x / y`, and 0 where `x` is 0; else a division by 0 is refused, as `says` says.

    On a GPU, where to look would be to wait, it is infinite instead.
    """
    with device.quiet():
        made = xp.divide(x, y)
    if device.all_finite(made):
        return made
    if xp is device.host and ((y == 0) & (x != 0)).any():
        raise ValueError(says)
    return xp.where(x == 0, 0, made)


@quotient.vjp
def _(F, g, _out, _x, y, says):
    return F.quotient(g, F.conj(y), says=says)


@quotient.vjp
def _(F, g, out, _x, y, says):
    return -F.quotient(F.multiply_no_nan(F.conj(out), g), F.conj(y), says=says)
