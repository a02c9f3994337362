"""Functions of matrices: powers, the exponential, the logarithm, the square root."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math
import warnings

from autograd_iron.arrays import device
from autograd_iron.arrays.scipy import scipy
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_SCIPY_ON_HOST, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint, identity_like


@composite
def matrix_power(F, x, n, /):
    """Return the whole power `n` of each square matrix; a negative one is that of the inverse."""
    x = operand(F, x)
    check_matrix(x, square=True)
    n = setting(n)
    if not isinstance(n, int):
        raise TypeError(f"a matrix has whole powers alone, got {n!r}")
    if n < 0:
        x, n = F.inv(x), -n
    if n == 0:
        return F.broadcast_to(identity_like(F, x, x.shape[-1]), shape=x.shape)
    made = None
    while True:
        if n % 2:
            made = x if made is None else F.matmul(made, x)
        n //= 2
        if not n:
            return made
        x = F.matmul(x, x)


def _function(xp, name, x):
    """Return SciPy's function of each matrix, in the dtype of the matrices."""
    if xp is not device.host:
        raise TypeError(
            f"{name} is computed by SciPy, on the host alone: move the matrices there and the "
            f'result back, ai.linalg.{name}(x.to("cpu")).to(x.device)'
        )
    return by_lapack(_of_each, x, function=getattr(scipy(xp, "linalg"), name), name=name)


def _of_each(x, function, name):
    made = device.host.empty(x.shape, dtype=x.dtype)
    is_complex = x.dtype.kind == "c"
    wide = device.host.array(x, dtype="complex128" if is_complex else "float64")
    for place in device.host.ndindex(*x.shape[:-2]) if x.size else ():
        if not device.all_finite(wide[place]):  # of which SciPy might never come to an end
            made[place] = math.nan
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a singular matrix, whose result is none
            try:
                one = function(wide[place])
            except Warning as warning:
                raise ValueError(str(warning)) from None
        if one.dtype.kind == "c" and not is_complex:
            if one.imag.any():
                raise ValueError(f"the {name} of a real matrix is not real: give a complex matrix")
            one = one.real
        made[place] = one
    return made


def _square(x):
    check_matrix(x, square=True)
    return Spec(x.shape, x.dtype)


def _rule(name):
    """Return the rule of a function: its derivative is a block of the function of blocks.

    Higham, "Functions of matrices" (2008), equation 3.16; and the adjoint of the derivative at a
    matrix is that at the adjoint matrix.
    """

    def rule(F, g, _y, x):
        n = x.shape[-1]
        back = adjoint(F, x)
        above, below = F.join(back, g, axis=-1), F.join(back * 0, back, axis=-1)
        whole = getattr(F, name)(F.join(above, below, axis=-2))
        return F.getitem(whole, index=(..., slice(0, n), slice(n, 2 * n)))

    return rule


@primitive(floating=True, by_kernel=BY_SCIPY_ON_HOST)
def expm(xp, x, /):
    """Return the exponential of each square matrix; SciPy's, on the host."""
    return _function(xp, "expm", x)


@primitive(floating=True, by_kernel=BY_SCIPY_ON_HOST)
def logm(xp, x, /):
    """Return the principal logarithm of each square matrix; SciPy's, on the host.

    A real matrix with negative eigenvalues has none that is real: make it complex first.
    """
    return _function(xp, "logm", x)


@primitive(floating=True, by_kernel=BY_SCIPY_ON_HOST)
def sqrtm(xp, x, /):
    """Return the principal square root of each square matrix; SciPy's, on the host.

    A real matrix with negative eigenvalues has none that is real: make it complex first.
    """
    return _function(xp, "sqrtm", x)


for _word in (expm, logm, sqrtm):
    _word.shape(_square)
    _word.axes("...NN -> ...NN")
    _word.vjp(_rule(_word.name))
