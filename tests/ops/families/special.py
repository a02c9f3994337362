"""Samples of the special functions."""

from __future__ import annotations

import numpy as np
import scipy.special as sp
from sampling import NONZERO, POSITIVE, REAL, Domain, Samples, call, elementwise

import autograd_iron.special  # noqa: F401  (which registers them)

OPEN = Domain(((0.1, 0.9),))
LARGE = Domain(((1.2, 4.0),))

SAMPLES: dict[str, Samples] = {
    "erf": elementwise(sp.erf, REAL),
    "erfc": elementwise(sp.erfc, REAL),
    "erfcx": elementwise(sp.erfcx, REAL),
    "erfinv": elementwise(sp.erfinv, Domain(((-0.45, 0.45),))),
    "erfcinv": elementwise(sp.erfcinv, Domain(((0.55, 1.45),))),
    "ndtri": elementwise(sp.ndtri, Domain(((0.1, 0.45),))),
    "log_ndtr": elementwise(sp.log_ndtr, REAL),
    "gammaln": elementwise(sp.gammaln, POSITIVE),
    "gamma": elementwise(sp.gamma, POSITIVE),
    "rgamma": elementwise(sp.rgamma, REAL, on_gpu=False),
    "digamma": elementwise(sp.digamma, POSITIVE),
    "zeta": elementwise(sp.zeta, LARGE, POSITIVE),
    "beta": elementwise(sp.beta, POSITIVE, POSITIVE),
    "betaln": elementwise(sp.betaln, POSITIVE, POSITIVE),
    "gammainc": elementwise(sp.gammainc, POSITIVE, POSITIVE),
    "gammaincc": elementwise(sp.gammaincc, POSITIVE, POSITIVE),
    "betainc": elementwise(sp.betainc, POSITIVE, POSITIVE, OPEN),
    "stdtr": elementwise(sp.stdtr, POSITIVE, REAL),
    "entr": elementwise(sp.entr, POSITIVE),
    **{
        name: elementwise(getattr(sp, name), POSITIVE if name in ("y0", "y1") else NONZERO)
        for name in ("j0", "j1", "y0", "y1", "i0", "i1", "i0e")
    },
    **{
        name: elementwise(getattr(sp, {"yn": "yv"}.get(name, name)), LARGE, POSITIVE, on_gpu=False)
        for name in ("jv", "yn", "iv", "ive")
    },
    "i1e": elementwise(sp.i1e, Domain(((-0.5, -0.2), (0.2, 0.5)))),
}

_ROWS = [call((2, 3)), call(())]
_PAIRS = [call((2, 3), (3,)), call((), (2,))]
_AXES = [call((2, 3)), call((2, 3), axis=-1), call((2, 3, 2), axis=(0, 2))]

COMPOSITES: dict[str, Samples] = {
    "special.ndtr": elementwise(sp.ndtr, REAL, calls=_ROWS),
    "special.gammasgn": elementwise(sp.gammasgn, Domain(((-2.9, -0.1), (0.1, 2.0))), calls=_ROWS),
    "special.expit": elementwise(sp.expit, REAL, calls=_ROWS),
    "special.logit": elementwise(sp.logit, OPEN, calls=_ROWS),
    "special.log_expit": elementwise(sp.log_expit, REAL, calls=_ROWS),
    "special.xlogy": elementwise(sp.xlogy, REAL, POSITIVE, calls=_PAIRS),
    "special.xlog1py": elementwise(sp.xlog1py, REAL, POSITIVE, calls=_PAIRS),
    "special.rel_entr": elementwise(sp.rel_entr, POSITIVE, POSITIVE, calls=_PAIRS),
    "special.kl_div": elementwise(sp.kl_div, POSITIVE, POSITIVE, calls=_PAIRS),
    "special.multigammaln": elementwise(
        lambda x, d: np.vectorize(lambda a: sp.multigammaln(a, d))(x),
        Domain(((1.3, 4.0),)),
        calls=[call((3,), d=3), call((), d=1)],
    ),
    "special.softmax": elementwise(sp.softmax, REAL, calls=_AXES),
    "special.log_softmax": elementwise(sp.log_softmax, REAL, calls=_AXES),
    "special.logsumexp": elementwise(
        lambda a, axis=None, keepdims=False: sp.logsumexp(a, axis=axis, keepdims=keepdims),
        REAL,
        calls=[*_AXES, call((2, 3), axis=0, keepdims=True)],
    ),
}
