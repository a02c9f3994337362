"""Equations that SciPy solves by their structure: Sylvester's, and those of banded matrices."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from functools import partial

from autograd_iron.arrays import device
from autograd_iron.arrays.scipy import scipy
from autograd_iron.core import specs
from autograd_iron.core.composite import composite, operands
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec
from autograd_iron.ops.linalg.kernels import BY_SCIPY_ON_HOST, by_lapack, check_matrix
from autograd_iron.ops.linalg.operands import adjoint


def _of_each(xp, name, function, *stacks):
    """Return what a function of SciPy's module makes of each set of matrices."""
    if xp is not device.host:
        raise TypeError(
            f"{name} is computed by SciPy, on the host alone: move the matrices there and the "
            'result back, x.to("cpu") and .to("cuda")'
        )
    one = function(getattr(scipy(xp, "linalg"), name))
    lead = _lead(*stacks)
    dtype = xp.result_type(*stacks)
    spread = [xp.broadcast_to(x.astype(dtype), (*lead, *x.shape[-2:])) for x in stacks]
    made = xp.empty(spread[-1].shape, dtype=dtype)
    for place in xp.ndindex(*lead):
        made[place] = one(*(x[place] for x in spread))
    return made


def _lead(*stacks):
    lead: tuple[int, ...] = ()
    for x in stacks:
        check_matrix(x)
        met = device.broadcast_shape(lead, x.shape[:-2])
        if met is not None:
            lead = met
        else:
            raise ValueError(
                f"stacks of {', '.join(str(x.shape) for x in stacks)} do not broadcast"
            )
    return lead


@primitive(floating=True, by_kernel=BY_SCIPY_ON_HOST)
def solve_sylvester(xp, a, b, q, /):
    """Return the `x` with `a @ x + x @ b = q`; SciPy's, on the host."""
    return by_lapack(partial(_of_each, xp, "solve_sylvester", lambda solve: solve), a, b, q)


@solve_sylvester.shape
def _(a, b, q):
    check_matrix(a, square=True)
    check_matrix(b, square=True)
    lead, sizes = _lead(a, b, q), (a.shape[-1], b.shape[-1])
    if q.shape[-2:] != sizes:
        raise ValueError(f"of {a.shape} and {b.shape} the right side has shape {sizes}: {q.shape}")
    return Spec((*lead, *sizes), specs.joint(a, b, q))


solve_sylvester.axes("...NN, ...MM, ...NM -> ...NM")


def _back(F, g, a, b):
    return F.solve_sylvester(adjoint(F, a), adjoint(F, b), g)


@solve_sylvester.vjp
def _(F, g, x, a, b, _q):
    return -F.matmul(_back(F, g, a, b), adjoint(F, x))


@solve_sylvester.vjp
def _(F, g, x, a, b, _q):
    return -F.matmul(adjoint(F, x), _back(F, g, a, b))


@solve_sylvester.vjp
def _(F, g, _x, a, b, _q):
    return _back(F, g, a, b)


@composite
def solve_banded(F, l_and_u, ab, b, /):
    """Return the `x` with `a @ x = b`, of a matrix given by its diagonals; SciPy's, on the host.

    Parameters
    ----------
    l_and_u : (int, int)
        How many diagonals there are below the main one, and above it.
    ab : (..., l + u + 1, n)
        The diagonals, the uppermost first: `ab[u + i - j, j] = a[i, j]`.
    b : (n,) or (..., n, k)
    """
    lower, upper = setting(l_and_u, "l_and_u")
    ab, b = operands(F, ab, b)
    if b.ndim != 1:
        return F.solve_bands(ab, b, lower=lower, upper=upper)
    made = F.solve_bands(ab, F.expand_dims(b, -1), lower=lower, upper=upper)
    return F.squeeze(made, axis=-1)


def _check_bands(ab, b, lower, upper):
    check_matrix(ab)
    check_matrix(b)
    size = lower + upper + 1, b.shape[-2]
    if ab.shape[-2:] != size:
        raise ValueError(
            f"{lower} diagonals below and {upper} above, of a matrix that goes with {b.shape}, "
            f"have shape {size}, not {ab.shape}"
        )


@primitive(floating=True, by_kernel=BY_SCIPY_ON_HOST)
def solve_bands(xp, ab, b, /, lower, upper):
    """Return the `x` with `a @ x = b`, of the diagonals of `a`, and matrices `b`."""
    _check_bands(ab, b, lower, upper)

    def of_this_width(solve):
        return partial(solve, (lower, upper))

    return by_lapack(partial(_of_each, xp, "solve_banded", of_this_width), ab, b)


@solve_bands.shape
def _(ab, b, lower, upper):
    _check_bands(ab, b, lower, upper)
    return Spec((*_lead(ab, b), *b.shape[-2:]), specs.joint(ab, b))


solve_bands.axes("...BN, ...NK -> ...NK")


def _moved(F, x, by, axis):
    """Return an array moved on along an axis, -1 or -2, with zeros where it was."""
    n, rest = x.shape[axis], (slice(None),) * (-1 - axis)
    by = max(-n, min(by, n))
    kept = F.getitem(x, index=(..., slice(max(-by, 0), n - max(by, 0)), *rest))
    pads = [(0, 0)] * x.ndim
    pads[axis] = (max(by, 0), max(-by, 0))
    return F.pad(kept, tuple(pads))


def _back_bands(F, g, ab, lower, upper):
    """Return the solution for `g` of the adjoint matrix."""
    # What is d below the diagonal of a matrix is d above that of its adjoint: a[j, j - d].
    rows = [
        _moved(F, F.getitem(ab, index=(..., upper + d, slice(None))), d, -1)
        for d in range(lower, -upper - 1, -1)
    ]
    return F.solve_bands(F.conj(F.stack(rows, axis=-2)), g, lower=upper, upper=lower)


@solve_bands.vjp
def _(F, g, x, ab, _b, lower, upper):
    back, x = _back_bands(F, g, ab, lower, upper), F.conj(x)
    # Of a[j - d, j]: minus the product of the rows back[j - d] and x[j].
    rows = [-F.sum(_moved(F, back, d, -2) * x, axis=-1) for d in range(upper, -lower - 1, -1)]
    return F.stack(rows, axis=-2)


@solve_bands.vjp
def _(F, g, _x, ab, _b, lower, upper):
    return _back_bands(F, g, ab, lower, upper)
