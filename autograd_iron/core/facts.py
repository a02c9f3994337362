"""Facts of an operation that stand in its record beside the kernel, and that a plan reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_iron.core.specs import axes_of

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive

Axes = tuple[int, ...]


class C(NamedTuple):
    """An elementwise operation as an expression of C, by the kind of its result.

    In an expression `{x}`, `{y}` and `{z}` are the operands in the dtype of the result,
    `{x:bool}` whether an operand is not zero, and `{x:joint}` an operand in the dtype in which all
    operands meet.  `{f}` ends the name of a function of math.h (`tanh{f}({x})` is `tanhf` of
    float32), and `{u}` is the unsigned type in which integers are added, whose overflow C defines.

    Attributes
    ----------
    floats : str or None
        For a result of float32 or float64; 16 bits are computed in float32, and rounded.
    integers, bools : str or None
        None: C has no expression, and the kernel runs.
    exact : bool
        Whether a result of 16 bits needs no rounding, because it is an operand or its negative.
    """

    floats: str | None
    integers: str | None = None
    bools: str | None = None
    exact: bool = False

    @classmethod
    def same(cls, expression: str, exact: bool = False) -> C:
        """Return what is one expression for results of every kind."""
        return cls(expression, expression, expression, exact)


def _over_axis(shape: tuple[int, ...], axis: Any = None, **_: Any) -> Axes:
    # NumPy lets a reduction name an axis of what has none.
    return axes_of(axis, len(shape)) if shape else ()


class Reduction(NamedTuple):
    """A reduction: which elementwise operation combines the values, over which axes.

    Attributes
    ----------
    combine : Primitive
        Of two arguments, associative and commutative: `add` for `sum`.
    identity : number or callable
        What combines with every value to that value; or a function of the dtype that returns it.
    over : callable
        `(shape of the array, **attributes)` -> the axes.
    wide : bool
        Whether float16 is combined in float32, and rounded once at the end.
    """

    combine: Primitive
    identity: Any
    over: Callable[..., Axes] = _over_axis
    wide: bool = False

    def start(self, dtype: Any) -> Any:
        """Return the identity of a dtype."""
        return self.identity(dtype) if callable(self.identity) else self.identity
