"""The same values in another dtype, or on another device."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.facts import C
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec

__all__: list[str] = []  # users call `ops.datatypes.astype`


@primitive(exact=True)
def astype(xp, x, /, dtype):
    """Return the values in another dtype; a cast to integers carries no gradient."""
    return x.astype(_target(x, dtype))


def _target(x, dtype):
    """Return the dtype to cast to; no part of a complex number is silently lost."""
    found = dtypes.dtype(dtype)
    if x.dtype.kind == "c" and found.kind not in "cb":
        raise TypeError(
            f"complex numbers are no {found}; take their parts, ai.real(x) and ai.imag(x), or "
            "their absolute values, ai.abs(x)"
        )
    return found


astype.converts = True


astype.c = C.same("{x}", exact=True)


@astype.shape
def _(x, dtype):
    return Spec(x.shape, _target(x, dtype))


@astype.vjp
def _(F, g, _y, _x, dtype):
    return g


astype.axes("... -> ...")


@primitive(exact=True)
def to_device(xp, x, /, here, there):
    """Return the values of a device on another one, both named in full: `Tensor.to`."""
    return device.move(x, there)


to_device.converts = True


to_device.shape(specs.same)


@to_device.view
def _(view, _shape, /, **_):
    return view  # a step has one device


@to_device.vjp
def _(F, g, _y, _x, here, there):
    return F.to_device(g, here=there, there=here)


to_device.axes("... -> ...")
