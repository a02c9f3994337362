"""The Tensors of a function that is being captured: they have numbers, and no values."""

from __future__ import annotations

from typing import Any

from autograd_iron.core.graph import Node
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.plan.program import Value
from autograd_iron.plan.refusals import refuse


class Traced(Tensor):
    """A Tensor of a function that is being captured.

    Attributes
    ----------
    value : Value
    shows : (Tensor, int) or None
        Eagerly it would show the memory of this tensor, which was assigned to so many times.
    """

    __slots__ = ("shows", "value")

    value: Value
    shows: tuple[Tensor, int] | None

    @staticmethod
    def make(
        value: Value, node: Node | None = None, shows: tuple[Tensor, int] | None = None
    ) -> Traced:
        """Make a Traced of its number and its node."""
        made: Traced = object.__new__(Traced)
        made.value = value
        made.shows = shows
        made.node = node
        made._grad = None
        return made

    @property
    def data(self) -> Any:
        """Refuse: raw arrays escape the capture."""
        refuse("`.data` is read", "Use the functions of autograd_iron on the Tensor itself.")

    @property
    def device(self) -> str:
        """Where the values are: on the device of the whole step."""
        tape: Any = switches().executor
        return str(tape.place)

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self.value.shape

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.value.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    def __repr__(self) -> str:
        return f"Traced({self.value}, shape={self.shape}, dtype={self.dtype})"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a 0-d tensor has no length")
        return self.shape[0]

    def detach(self) -> Tensor:
        """Return the value cut off from the graph."""
        return Traced.make(self.value, shows=self.shows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Refuse: NumPy asks for the values."""
        refuse("NumPy reads the values", "Use the functions of autograd_iron on the Tensor.")
