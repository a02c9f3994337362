"""What a call of a reduction may say besides axes: a dtype, a mask, where to start."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core import specs
from autograd_iron.core.composite import operand
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.ops.reduce.axes import count


def accept_dtype_where_initial(reduction):
    """Let a call say `dtype=`, `where=` and `initial=`, as NumPy's sum does."""

    @reduction.accept
    def _(x, /, *given, dtype=None, where=None, initial=None, **over):
        if dtype is not None:
            x = F.astype(x, dtype=dtype)
        made = _reduced(reduction, x, _named(reduction, given, over), where, initial)
        return made if dtype is None else F.astype(made, dtype=dtype)


def accept_where_initial(reduction):
    """Let a call say `where=` and `initial=`, as NumPy's max does."""

    @reduction.accept
    def _(x, /, *given, where=None, initial=None, **over):
        return _reduced(reduction, x, _named(reduction, given, over), where, initial)


def accept_where(reduction):
    """Let a call say `where=`, as NumPy's all does."""

    @reduction.accept
    def _(x, /, *given, where=None, **over):
        return _reduced(reduction, x, _named(reduction, given, over), where, None)


def accept_dtype_where(mean):
    """Let a call of the mean say `dtype=` and `where=`."""

    @mean.accept
    def _(x, /, *given, dtype=None, where=None, **over):
        if dtype is not None:
            x = F.astype(x, dtype=dtype)
        over = _named(mean, given, over)
        if where is None or where is True:
            return mean(x, **over)
        x = operand(F, x)
        chosen = F.broadcast_to(operand(F, where, (x,)), shape=x.shape)
        total = F.sum(F.where(chosen, x, 0), **over)
        return total / F.astype(F.sum(chosen, **over), dtype=total.dtype)


def _named(reduction, given, over):
    """Return the attributes of a call by their names."""
    return dict(zip(reduction.defaults, given, strict=False)) | over


def _reduced(reduction, x, over, where, initial):
    x, fact = operand(F, x), reduction.reduction
    if where is not None and where is not True:
        # What is left out becomes what changes nothing.
        x = F.where(operand(F, where, (x,)), x, fact.start(x.dtype))
    if initial is None:
        return reduction(x, **over)
    if not count(x, over.get("axis")):
        shape = specs.reduced(x, over.get("axis"), over.get("keepdims", False))
        return F.full(shape, initial, dtype=x.dtype, device=x.device)
    return fact.combine(reduction(x, **over), initial)
