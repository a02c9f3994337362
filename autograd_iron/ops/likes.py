"""Making tensors like others: of their shape, dtype and device; and tensors yet to be filled."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device as devices
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting

__all__ = ["empty", "empty_like", "full_like", "ones_like", "zeros_like"]


def _like(F, x, fill_value, dtype, shape, device):
    x = operand(F, x)
    shape = tuple(x.shape) if shape is None else setting(shape, "shape")
    where = devices.of(x) if device is None else device
    return F.full(shape, fill_value, dtype=x.dtype if dtype is None else dtype, device=where)


@composite
def zeros_like(F, x, /, dtype=None, *, shape=None, device=None):
    """Return zeros of the shape, the dtype and the device of `x`, where none is given."""
    return _like(F, x, 0, dtype, shape, device)


@composite
def ones_like(F, x, /, dtype=None, *, shape=None, device=None):
    """Return ones of the shape, the dtype and the device of `x`, where none is given."""
    return _like(F, x, 1, dtype, shape, device)


@composite
def full_like(F, x, /, fill_value, dtype=None, *, shape=None, device=None):
    """Return a number over and over: of the shape, dtype and device of `x` where none is given."""
    return _like(F, x, fill_value, dtype, shape, device)


@composite
def empty_like(F, x, /, dtype=None, *, shape=None, device=None):
    """Return zeros, as `zeros_like`: no tensor holds what nobody wrote."""
    return _like(F, x, 0, dtype, shape, device)


@composite
def empty(F, shape, dtype="float32", device=None):
    """Return zeros, as `zeros`: no tensor holds what nobody wrote."""
    return F.zeros(shape, dtype=dtype, device=device)
