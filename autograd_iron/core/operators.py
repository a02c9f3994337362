"""The operators of a Tensor, and methods that take more than the function of their name.

Each is an operation of the registry on the Tensor: `x + y` is `F.add(x, y)`.  `methods.py` has the
functions that are methods as they are.
"""

# What the vocabulary returns is known only by name.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import dtypes
from autograd_iron.core.graph import Leaf
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.support.integers import integer

if TYPE_CHECKING:
    from autograd_iron.core.tensor import Tensor


class Operators:
    """The part of a Tensor that is operations."""

    __slots__ = ()

    node: Any
    ndim: Any

    def __add__(self, other: Any) -> Tensor:
        return F.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return F.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return F.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return F.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return F.multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return F.multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return F.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return F.divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return F.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return F.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return F.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return F.matmul(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return F.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return F.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return F.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return F.remainder(other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return F.floor_divide(self, other), F.remainder(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return F.floor_divide(other, self), F.remainder(other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return F.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return F.left_shift(other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return F.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return F.right_shift(other, self)

    def __neg__(self) -> Tensor:
        return F.negative(self)

    def __pos__(self: Any) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return F.abs(self)

    def __invert__(self) -> Tensor:
        return F.bitwise_invert(self)

    def __and__(self, other: Any) -> Tensor:
        return F.bitwise_and(self, other)

    def __or__(self, other: Any) -> Tensor:
        return F.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Tensor:
        return F.bitwise_xor(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return F.bitwise_and(other, self)

    def __ror__(self, other: Any) -> Tensor:
        return F.bitwise_or(other, self)

    def __rxor__(self, other: Any) -> Tensor:
        return F.bitwise_xor(other, self)

    # object's answer is one bool; as with NumPy's arrays, here it is one for each element.  None
    # equals none of them, and neither does nan.
    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return F.equal(self, math.nan if other is None else other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return F.not_equal(self, math.nan if other is None else other)

    def __lt__(self, other: Any) -> Tensor:
        return F.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return F.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return F.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return F.greater_equal(self, other)

    __hash__ = object.__hash__

    def __iadd__(self, other: Any) -> Tensor:
        return self._rebound(F.add, other)

    def __isub__(self, other: Any) -> Tensor:
        return self._rebound(F.subtract, other)

    def __imul__(self, other: Any) -> Tensor:
        return self._rebound(F.multiply, other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._rebound(F.divide, other)

    def __ipow__(self, other: Any) -> Tensor:
        return self._rebound(F.pow, other)

    def __imatmul__(self, other: Any) -> Tensor:
        return self._rebound(F.matmul, other)

    def __ifloordiv__(self, other: Any) -> Tensor:
        return self._rebound(F.floor_divide, other)

    def __imod__(self, other: Any) -> Tensor:
        return self._rebound(F.remainder, other)

    def __iand__(self, other: Any) -> Tensor:
        return self._rebound(F.bitwise_and, other)

    def __ior__(self, other: Any) -> Tensor:
        return self._rebound(F.bitwise_or, other)

    def __ixor__(self, other: Any) -> Tensor:
        return self._rebound(F.bitwise_xor, other)

    def __ilshift__(self, other: Any) -> Tensor:
        return self._rebound(F.left_shift, other)

    def __irshift__(self, other: Any) -> Tensor:
        return self._rebound(F.right_shift, other)

    def __contains__(self, value: Any) -> bool:
        return bool(F.any(F.equal(self, value)))

    def __round__(self, digits: int | None = None) -> Tensor:
        return F.round(self, digits or 0)

    def _rebound(self, operation: Callable[..., Any], other: Any) -> Tensor:
        if isinstance(self.node, Leaf):
            raise RuntimeError(
                "an in-place operator on a leaf that requires a gradient would only rebind the "
                "name and leave the leaf as it was. Write into it: p.assign(p - rate * p.grad)"
            )
        return operation(self, other)

    # --- shapes, parts and dtypes

    @property
    def T(self) -> Tensor:
        """The tensor with its axes reversed."""
        return F.permute_dims(self)

    @property
    def mT(self) -> Tensor:
        """The tensor with its last two axes swapped."""
        return F.matrix_transpose(self)

    @property
    def H(self) -> Tensor:
        """The conjugate transpose of a matrix."""
        if self.ndim != 2:
            raise ValueError(f"H is of matrices, with 2 axes, not {self.ndim}; use mH for stacks")
        return F.conj(F.matrix_transpose(self))

    @property
    def mH(self) -> Tensor:
        """The tensor with its last two axes swapped, conjugated."""
        return F.conj(F.matrix_transpose(self))

    @property
    def real(self) -> Tensor:
        """The real parts; of real numbers the tensor itself."""
        return F.real(self)

    @property
    def imag(self) -> Tensor:
        """The imaginary parts."""
        return F.imag(self)

    def reshape(self, *shape: Any) -> Tensor:
        """Return the values in another shape; one size may be -1."""
        return F.reshape(self, shape[0] if len(shape) == 1 else shape)

    def view(self, *shape: Any) -> Tensor:
        """Return the values in another shape: PyTorch's word for `reshape`.

        Raises
        ------
        TypeError
            A dtype is given, as which the bits would be read.
        """
        for part in shape:
            if isinstance(part, str | type) or hasattr(part, "itemsize"):
                raise TypeError(
                    f"view({part!r}) would read the bits as another dtype; convert the values with "
                    "x.astype(dtype), or read the bits by x.numpy().view(dtype)"
                )
        return self.reshape(*shape)

    def transpose(self: Any, *axes: Any) -> Tensor:
        """Return the tensor with its axes permuted (reversed by default), as NumPy does."""
        order = axes[0] if len(axes) == 1 and integer(axes[0]) is None else axes or None
        if order is not None and len(order) == 2 != self.ndim:
            raise ValueError(
                f"transpose takes the new order of all {self.ndim} axes, as NumPy's does, not "
                f"{tuple(order)}; to swap two as PyTorch does write ai.swapaxes{tuple(order)}"
            )
        return F.permute_dims(self, order)

    def permute(self, *axes: Any) -> Tensor:
        """Return the tensor with its axes in another order: PyTorch's word for `permute_dims`."""
        return F.permute_dims(
            self, axes[0] if len(axes) == 1 and integer(axes[0]) is None else axes
        )

    def astype(self: Any, dtype: Any, *, copy: bool = True) -> Tensor:
        """Return the values in another dtype; `copy=False`: itself if it has that dtype."""
        if not copy and dtypes.dtype(dtype) == self.dtype:
            return self
        return F.astype(self, dtype)

    def contiguous(self: Any) -> Tensor:
        """Return the tensor itself: how it lies in memory is the engine's affair."""
        return self
