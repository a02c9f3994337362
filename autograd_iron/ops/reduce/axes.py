"""What reductions share: the axes they go over, and what their gradients spread over them."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.axes import Labels
from autograd_iron.core.specs import axes_of


def known(axis, x):
    """Return the axis as given; of a value without axes NumPy takes 0 and -1, CuPy does not."""
    if axis is not None and not x.ndim:
        axes_of(axis, 0)
    return axis


def spread(F, reduced, like, axis, keepdims):
    """Broadcast a reduced value back over the axes of `like` (an array, Node or Spec)."""
    if not keepdims and reduced.ndim:
        axes = axes_of(axis, like.ndim)
        kept = tuple(1 if i in axes else n for i, n in enumerate(like.shape))
        reduced = F.reshape(reduced, shape=kept)
    return F.broadcast_to(reduced, shape=like.shape)


def labels(combine=None):
    """Return the labels of a reduction, the results of whose parts combine so."""

    def rule(x, axis, keepdims=False):
        over = axes_of(axis, x.ndim) if x.ndim else ()
        kept = tuple(None if i in over else i for i in range(x.ndim) if keepdims or i not in over)
        return Labels((tuple(range(x.ndim)),), (kept,), combine)

    return rule
