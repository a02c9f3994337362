"""The graph of what was computed; `backward` differentiates it.

A `Node` stands for one application of a primitive to something that requires a gradient.  A node
points to the nodes it was made from and holds the arrays its gradient rules read: never a Tensor,
and never its own consumers, so dropping the last handle frees the graph by reference counting
alone.  A node is also the place of its one result; where there are several, the place of result i
is an `Output`, which is no more than (node, i).
"""

from __future__ import annotations

import itertools
import math
import weakref
from collections.abc import Iterable, Iterator
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import device, dtypes

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive
    from autograd_iron.core.registry import Vocabulary

_clock = itertools.count(1)


class Node:
    """One application of a primitive.

    Attributes
    ----------
    primitive : Primitive or None
        The operation that made the value; None for a leaf.
    parents : tuple of Node or None
        One per input; None where the input needs no gradient.
    inputs : list or tuple
        Per input: its array if a rule reads the array, else something with that shape and dtype.
        A tuple holds no array: a backward pass releases nothing, and may visit the node again.
    output : array, tuple of arrays or None
        The value, or the several values, if a rule reads them.
    attributes : dict
        The primitive's settings (axis, shape, ...).
    number : int
        Grows with every node: parents have smaller numbers than their children.
    shape, dtype
        Those of the value; tuples of those of several values.
    """

    __slots__ = (
        "attributes",
        "dtype",
        "inputs",
        "number",
        "output",
        "parents",
        "primitive",
        "shape",
    )

    def __init__(
        self,
        primitive: Primitive | None,
        parents: tuple[Node | None, ...],
        inputs: list[Any] | tuple[Any, ...] | None,
        output: Any,
        attributes: dict[str, Any],
        shape: Any,
        dtype: Any,
    ) -> None:
        self.primitive = primitive
        self.parents = parents
        self.inputs = inputs
        self.output = output
        self.attributes = attributes
        self.shape = shape
        self.dtype = dtype
        self.number = next(_clock)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def label(self) -> str:
        """The name of the operation that made the value; "leaf" if the user did."""
        return self.primitive.name if self.primitive is not None else "leaf"


class Output(Node):
    """The place in the graph of one of several values that a node made.

    Attributes
    ----------
    index : int
        Which of the values this is; `parents` is the node alone.
    """

    __slots__ = ("index",)

    def __init__(self, node: Node, index: int) -> None:
        shape, dtype = node.shape[index], node.dtype[index]
        super().__init__(node.primitive, (node,), [], None, {}, shape, dtype)
        self.index = index

    @property
    def of(self) -> Node:
        """The node that made the value."""
        (node,) = self.parents
        assert node is not None
        return node


class Cotangents:
    """The cotangents of several values, as a gradient rule gets them: `gq, gr = g`.

    A value from which nothing flows back has none: `g.is_zero(i)` tells, and `g[i]` is zeros then,
    which are made only if a rule asks for them.
    """

    __slots__ = ("_F", "_found", "_node", "_zeros")

    def __init__(self, found: list[Any], node: Node, F: Vocabulary) -> None:
        self._found, self._node, self._F = found, node, F
        self._zeros: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._found)

    @property
    def device(self) -> Any:
        """Where the cotangents are."""
        return next(device.of(g) for g in self._found if g is not None)

    def is_zero(self, index: int) -> bool:
        """Return whether nothing flows back from a value."""
        return self._found[index] is None

    def __getitem__(self, index: int) -> Any:
        g = self._found[index]
        g = self._zeros.get(index) if g is None else g
        if g is None:
            shape, dtype = self._node.shape[index], self._node.dtype[index]
            dtype = dtype if dtypes.is_inexact(dtype) else dtypes.default_float
            g = self._zeros[index] = self._F.zeros(shape, dtype=dtype, device=self.device)
        return g

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class Leaf(Node):
    """A value that the user made: gradients end here.

    A leaf refers to its Tensor weakly, so that `.grad` never closes a cycle.
    """

    __slots__ = ("tensor",)

    def __init__(self, tensor: Any) -> None:
        super().__init__(None, (), None, None, {}, tensor.shape, tensor.dtype)
        self.tensor = weakref.ref(tensor)


# The version counter: node numbers are times, so one stamp per written memory tells whether it was
# written after a node came to depend on it.  Only memory that was ever written is listed.
class _Writes:
    def __init__(self) -> None:
        self.last = 0
        self.by_storage: dict[int, tuple[weakref.ref[Any], int]] = {}


_writes = _Writes()


def note_write(array: Any) -> None:
    """Remember that the memory behind `array` changes now."""
    owner = device.storage(array)
    known = _writes.by_storage.get(id(owner))
    if known is None or known[0]() is not owner:
        reference = weakref.ref(owner, partial(_forget, id(owner)))
    else:
        reference = known[0]
    _writes.last = next(_clock)
    _writes.by_storage[id(owner)] = (reference, _writes.last)


def last_write() -> int:
    """Return a number that grows with each write that was noted."""
    return _writes.last


def _forget(key: int, reference: weakref.ref[Any]) -> None:
    known = _writes.by_storage.get(key)
    if known is not None and known[0] is reference:
        del _writes.by_storage[key]


def check_unwritten(node: Node) -> None:
    """Refuse a node that needs an array which was written after the node was made.

    Raises
    ------
    RuntimeError
        With the shape of the array.
    """
    if _writes.last <= node.number:
        return
    outputs = node.output if isinstance(node.output, tuple) else (node.output,)
    for array in (*(node.inputs or ()), *outputs):
        if not hasattr(array, "base"):
            continue
        owner = device.storage(array)
        known = _writes.by_storage.get(id(owner))
        if known is not None and known[0]() is owner and known[1] > node.number:
            raise RuntimeError(
                f"backward: the gradient of {node.label} needs an array of shape {array.shape} "
                "that was written in place (assign, or an optimizer's step) after it was used. "
                "Call backward before the write, or compute the result again after it."
            )


def reachable(roots: Iterable[Node]) -> list[Node]:
    """Return the nodes that the roots depend on, themselves included, newest first."""
    found = set(roots)
    stack = list(found)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in found:
                found.add(parent)
                stack.append(parent)
    return sorted(found, key=attrgetter("number"), reverse=True)
