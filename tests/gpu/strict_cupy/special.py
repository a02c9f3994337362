"""cupyx.scipy.special: the functions of SciPy's that CuPy has."""

from __future__ import annotations

from typing import Any

from .arrays import computed
from .ufuncs import operand

NAMES = (
    "beta betainc betaln digamma erf erfc erfcinv erfcx erfinv gamma gammainc gammaincc gammaln i0 "
    "i0e i1 i1e j0 j1 ndtri psi y0 y1 zeta"
)


def _function(name: str) -> Any:
    def function(*args: Any) -> Any:
        import scipy.special

        numpys = getattr(scipy.special, name)
        return computed(numpys, [operand(value) for value in args], kind="ufunc", name=name)

    return function


globals().update({name: _function(name) for name in NAMES.split()})
