"""Reading a Tensor by index, and updates that make a new one: `x[i]`, `x.at[i].set(v)`."""

# What the vocabulary returns is known only by name.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Self

from autograd_iron.arrays import addressing, dtypes
from autograd_iron.arrays import device as devices
from autograd_iron.core.index import Index
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.core.switches import switches

if TYPE_CHECKING:
    from autograd_iron.core.tensor import Tensor


class Indexing:
    """The part of a Tensor that takes an index, or is one."""

    __slots__ = ()

    def __getitem__(self: Any, index: Any) -> Tensor:
        executor = switches().executor
        index = executor.index(index)
        if _has_tensors(index):
            return F.read_at(self, index)
        return F.getitem(self, executor.index_on_device_of(self, index))

    def __setitem__(self: Any, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "tensors are values and cannot be written by index. Make a new one: "
            "y = x.at[index].set(value) or x.at[index].add(value); both are differentiable"
        )

    @property
    def at(self: Any) -> At:
        """Updates that return a new tensor: `x.at[i].set(v)`, `x.at[i].add(v)` and so on."""
        return At(self, _WHOLE)

    def index_part(self: Any) -> Any:
        """Return what stands for this tensor in an index: its array.

        While a plan is captured, an index keeps a Tensor of integers as it is: its values may
        differ in each replay.
        """
        return switches().executor.index_part(self)

    def __index__(self: Any) -> int:
        if self.data.dtype.kind not in "iu":
            raise TypeError(f"a {self.dtype} tensor cannot be an index; convert it: int(t)")
        return int(self.item())


_WHOLE = Index.of(...)


class At:
    """What `x.at` returns: a tensor, and the index where it is read, or updated in a new tensor."""

    __slots__ = ("_index", "_tensor")

    def __init__(self, tensor: Tensor, index: Index) -> None:
        self._tensor = tensor
        self._index = index

    def __getitem__(self, index: Any) -> Self:
        return type(self)(self._tensor, switches().executor.index(index))

    def get(self) -> Tensor:
        """Return what is at the index: `x[index]`."""
        return self._tensor[tuple(self._index)]

    def set(self, value: Any) -> Tensor:
        """Return the tensor with `value` at the index.

        Raises
        ------
        ValueError
            An integer array names a position twice: which value stays would be undefined.  One on a
            GPU is not looked at, nor is one that a compiled step is given anew: floating elements
            named twice become NaN there.
        """
        x, index = self._tensor, self._index
        if _is_mask_for(index, x, value):
            return F.where(_over_all_axes(index[0], x), value, x)
        if _has_tensors(index):
            return _in_dtype_of(x, F.write_at(x, value, index, add=False))
        return _in_dtype_of(x, F.set_at(x, value, _on_device_of(x, index, once=True)))

    def add(self, value: Any) -> Tensor:
        """Return the tensor with `value` added at the index; repeated positions add up."""
        x, index = self._tensor, self._index
        if _is_mask_for(index, x, value):
            return x + F.where(_over_all_axes(index[0], x), value, 0)
        if _has_tensors(index):
            return _in_dtype_of(x, F.write_at(x, value, index, add=True))
        return _in_dtype_of(x, F.add_at(x, value, _on_device_of(x, index)))

    # What follows happens anew each time that an index names a position, as in JAX; of an index on
    # a GPU, or one that a compiled step is given anew, see `set`.

    def subtract(self, value: Any) -> Tensor:
        """Return the tensor with `value` subtracted at the index."""
        return self._changed(F.subtract, value)

    def multiply(self, value: Any) -> Tensor:
        """Return the tensor multiplied by `value` at the index."""
        return self._changed(F.multiply, value)

    mul = multiply

    def divide(self, value: Any) -> Tensor:
        """Return the tensor divided by `value` at the index."""
        return self._changed(F.divide, value)

    def power(self, value: Any) -> Tensor:
        """Return the tensor raised to the power `value` at the index."""
        return self._changed(F.pow, value)

    def min(self, value: Any) -> Tensor:
        """Return the tensor with the smaller of itself and `value` at the index."""
        return self._changed(F.minimum, value)

    def max(self, value: Any) -> Tensor:
        """Return the tensor with the larger of itself and `value` at the index."""
        return self._changed(F.maximum, value)

    def apply(self, function: Callable[[Tensor], Any]) -> Tensor:
        """Return the tensor with `function(x[index])` at the index: a function of each element."""
        return self._changed(lambda part, _value: function(part), 0)

    def _changed(self, change: Callable[[Tensor, Any], Any], value: Any) -> Tensor:
        x, index = self._tensor, self._index
        if _is_mask_for(index, x, value):
            return F.where(_over_all_axes(index[0], x), change(x, value), x)
        if not _has_tensors(index):
            rounds = addressing.rounds(x.shape, index)
            if rounds is not None:
                return self._changed_in_rounds(change, value, rounds)
        return self.set(change(self.get(), value))

    def _changed_in_rounds(
        self, change: Callable[[Tensor, Any], Any], value: Any, rounds: list[tuple[Any, Any]]
    ) -> Tensor:
        """Return what comes of changing the positions of each round after those of the last."""
        x, whole = self._tensor, getattr(value, "shape", ())
        if not isinstance(value, int | float | complex):
            hole = addressing.indexed_shape(x.shape, self._index)
            whole = F.reshape(F.broadcast_to(value, shape=hole), shape=(-1,))
        made = F.reshape(x, shape=(-1,))
        for places, positions in rounds:
            part = value if isinstance(value, int | float | complex) else whole[places]
            made = made.at[positions].set(change(made[positions], part))
        return F.reshape(made, shape=x.shape)


def _in_dtype_of(x: Tensor, made: Tensor) -> Tensor:
    """Return what an update made of x in the dtype of x: bfloat16 takes that of a wider value."""
    same = made.dtype == x.dtype or not x.is_floating_point()
    return made if same else made.astype(x.dtype)


def _is_mask_for(index: Index, x: Tensor, value: Any) -> bool:
    """Return whether a number meets the index of a mask whose count nobody knows, or needs then.

    That is one on a GPU, or one that a captured step is given anew.
    """
    mask: Any = index[0] if len(index) == 1 else None
    unknown = isinstance(mask, Indexing)
    return (
        (unknown or devices.is_on_gpu(mask))
        and mask.dtype == dtypes.bool_
        and (mask.device if unknown else devices.name(mask)) == x.device
        and mask.shape == x.shape[: mask.ndim]
        and dtypes.is_inexact(x.dtype)
        and getattr(value, "shape", ()) == ()
    )


def _over_all_axes(mask: Any, x: Tensor) -> Tensor:
    return F.reshape(mask, shape=mask.shape + (1,) * (x.ndim - mask.ndim))


def _has_tensors(index: Index) -> bool:
    return any(isinstance(part, Indexing) for part in index)


def _on_device_of(x: Tensor, index: Index, once: bool = False) -> Index:
    return switches().executor.index_on_device_of(x, index, once)
