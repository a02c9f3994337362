"""Choosing between values: the larger, the smaller, within bounds, by a condition."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.facts import C
from autograd_iron.core.primitive import elementwise
from autograd_iron.core.specs import Spec
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.elementwise.words import number_or_operand

__all__ = ["clip", "maximum", "minimum", "where"]


def _extreme(sign):
    """Return what takes the larger (">") or smaller ("<") of two, and NaN if one of them is."""
    chosen = f"({{x}} {sign} {{y}} ? {{x}} : {{y}})"
    unordered = f"({{x}} {sign} {{y}} || {{x}} != {{x}} ? {{x}} : {{y}})"
    return C(unordered, chosen, chosen, exact=True)


@elementwise(numpy="maximum", c=_extreme(">"))
def maximum(xp, x, y, /):
    """Return the larger of `x` and `y`, broadcast; equal ones get half the gradient each."""
    return xp.maximum(x, y)


@maximum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (x > y))


@maximum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (y > x))


@elementwise(numpy="minimum", c=_extreme("<"))
def minimum(xp, x, y, /):
    """Return the smaller of `x` and `y`, broadcast; equal ones get half the gradient each."""
    return xp.minimum(x, y)


@minimum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (x < y))


@minimum.vjp
def _(F, g, _out, x, y):
    return F.where(x == y, 0.5 * g, g * (y < x))


@composite
def clip(F, x, /, min=None, max=None, *, a_min=None, a_max=None):
    """Return `x` held between two bounds, numbers or arrays; at a bound the gradient passes.

    Parameters
    ----------
    x : Tensor
    min, max : number or Tensor, optional
        What lies beyond is the bound, and a gradient flows to that, if it is a Tensor.  NumPy's
        older names `a_min` and `a_max` are understood too.
    a_min, a_max : number or Tensor, optional
    """
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    if not (_is_array(low) or _is_array(high)):
        return F.clip_between(x, low, high)
    x = operand(F, x, (low, high))
    # A NaN among the bounds is neither above nor below: NumPy's result is NaN there.
    if low is not None:
        low = number_or_operand(F, low, x)
        x = F.where(F.logical_or(x >= low, x != x), x, low)
    if high is not None:
        high = number_or_operand(F, high, x)
        x = F.where(F.logical_or(x <= high, x != x), x, high)
    return x


def _is_array(bound):
    """Say whether a bound is more than a number: a Tensor, or an array with axes, or a list."""
    return isinstance(bound, Tensor | list | tuple) or getattr(bound, "ndim", 0) > 0


@elementwise
def clip_between(xp, x, /, min=None, max=None):
    """Return `x` held between two numbers (None: no bound): see `clip`."""
    _check_bounds(min, max)
    if x.dtype.kind != "f" and (isinstance(min, float) or isinstance(max, float)):
        x = x.astype("float32")
    if min is None and max is None:
        return xp.array(x)
    return xp.clip(x, min, max)


def _check_bounds(*bounds):
    if not all(bound is None or isinstance(bound, int | float) for bound in bounds):
        raise TypeError("the bounds must be numbers or arrays")


@clip_between.shape
def _(x, min, max):
    _check_bounds(min, max)
    narrow = x.dtype.kind == "f" or not (isinstance(min, float) or isinstance(max, float))
    return Spec(x.shape, x.dtype if narrow else dtypes.float32)


@clip_between.decompose
def _(F, x, min, max):
    _check_bounds(min, max)
    if x.dtype.kind != "f" and (isinstance(min, float) or isinstance(max, float)):
        x = F.astype(x, dtype="float32")
    if x.dtype.kind in "iu":  # of which a bound need not be one: NumPy leaves out what holds anyway
        min = None if min is None or min <= dtypes.extreme(x.dtype, lowest=True) else min
        max = None if max is None or max >= dtypes.extreme(x.dtype, lowest=False) else max
    x = x if min is None else F.maximum(x, min)
    return x if max is None else F.minimum(x, max)


@clip_between.vjp
def _(F, g, y, x, min, max):
    return g * (x == y)


for word in (maximum, minimum, clip_between):
    word.ordered = True


@elementwise(c=C.same("{x:bool} ? {y} : {z}", exact=True))
def where(xp, condition, x, y, /):
    """Return `x` where the condition holds, else `y`, broadcast."""
    if not hasattr(x, "dtype") and not hasattr(y, "dtype"):
        x = xp.asarray(x, dtype=_of_numbers(x, y))
    if type(x) is int or type(y) is int:
        _check_choice(x, y)
        _check_choice(y, x)
    return xp.where(condition, x, y)


def _of_numbers(x, y):
    """Return the dtype of two numbers beside no array: integers are no floats, as in a list."""
    kinds = {type(x), type(y)}
    if complex in kinds:
        return dtypes.default_complex
    if float in kinds:
        return dtypes.default_float
    return dtypes.int64 if int in kinds else dtypes.bool_


def _check_choice(number, other):
    """Refuse an integer that is none of the other choice's, of which NumPy's `where` makes one."""
    if type(number) is not int or other.dtype.kind not in "biu":
        return
    dtype = dtypes.int64 if other.dtype == dtypes.bool_ else other.dtype
    if not dtypes.fits(number, dtype):
        raise OverflowError(f"Python integer {number} out of bounds for {dtype}")


@where.shape
def _(condition, x, y):
    numbers = not hasattr(x, "dtype") and not hasattr(y, "dtype")
    dtype = _of_numbers(x, y) if numbers else specs.joint(x, y)
    return Spec(specs.broadcast(condition, x, y), dtype)


where.vjp(None)


@where.vjp
def _(F, g, _out, condition, _x, _y):
    return F.where(condition, g, 0)


@where.vjp
def _(F, g, _out, condition, _x, _y):
    return F.where(condition, 0, g)
