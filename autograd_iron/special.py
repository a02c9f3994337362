"""Special functions, in SciPy's names: `ai.special.erf(x)`.

The kernels are SciPy's (CuPy's on a GPU), which is imported by the first call that needs it.
"""

from autograd_iron.ops.elementwise.angles import sinc
from autograd_iron.ops.elementwise.exponential import expm1, log1p
from autograd_iron.ops.elementwise.logarithms import cbrt, exp2
from autograd_iron.ops.special.bessel import i0, i0e, i1, i1e, j0, j1, y0, y1
from autograd_iron.ops.special.entropies import (
    entr,
    expit,
    kl_div,
    log_expit,
    logit,
    rel_entr,
    xlog1py,
    xlogy,
)
from autograd_iron.ops.special.errors import (
    erf,
    erfc,
    erfcinv,
    erfcx,
    erfinv,
    log_ndtr,
    ndtr,
    ndtri,
)
from autograd_iron.ops.special.gammas import (
    beta,
    betainc,
    betaln,
    digamma,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    gammasgn,
    multigammaln,
    polygamma,
    psi,
    rgamma,
    stdtr,
    zeta,
)
from autograd_iron.ops.special.orders import iv, ive, jn, jv, yn
from autograd_iron.ops.special.sums import log_softmax, logsumexp, softmax

__all__ = [
    "beta",
    "betainc",
    "betaln",
    "cbrt",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "gammasgn",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "ive",
    "j0",
    "j1",
    "jn",
    "jv",
    "kl_div",
    "log1p",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "ndtri",
    "polygamma",
    "psi",
    "rel_entr",
    "rgamma",
    "sinc",
    "softmax",
    "stdtr",
    "xlog1py",
    "xlogy",
    "y0",
    "y1",
    "yn",
    "zeta",
]
