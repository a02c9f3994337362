"""The graph of what was computed, and the sweep that differentiates it.

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
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.registry import raw

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive
    from autograd_iron.core.registry import Vocabulary

_clock = itertools.count(1)


class Node:
    """One application of a primitive.

    Attributes
    ----------
    primitive : Primitive or None
        What made the value; None for a leaf.
    parents : tuple of Node or None
        One per input; None where the input needs no gradient.
    inputs : list or tuple
        Per input: its array if a rule reads the array, else something with its shape and dtype.  A
        tuple holds no array: a backward has nothing to release, and may come through here again.
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
        """The name of what made it."""
        return self.primitive.name if self.primitive is not None else "leaf"


class Output(Node):
    """The place in the graph of one of several values that a node made.

    Attributes
    ----------
    index : int
        Which of the values; `parents` is the node alone.
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

    __slots__ = ("_F", "_found", "_node")

    def __init__(self, found: list[Any], node: Node, F: Vocabulary) -> None:
        self._found, self._node, self._F = found, node, F

    def __len__(self) -> int:
        return len(self._found)

    @property
    def device(self) -> Any:
        """Where the cotangents are."""
        return next(g.device for g in self._found if g is not None)

    def is_zero(self, index: int) -> bool:
        """Return whether nothing flows back from a value."""
        return self._found[index] is None

    def __getitem__(self, index: int) -> Any:
        g = self._found[index]
        if g is None:
            shape, dtype = self._node.shape[index], self._node.dtype[index]
            dtype = dtype if dtypes.is_float(dtype) else dtypes.default_float
            g = self._found[index] = self._F.zeros(shape, dtype=dtype, device=self.device)
        return g

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class Leaf(Node):
    """A value that the user made: gradients end here.

    It knows its Tensor by a weak reference, so that `.grad` never closes a cycle.
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


def _check_unwritten(node: Node) -> None:
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


def _leading_to(targets: set[Node], newest_first: list[Node]) -> set[Node]:
    leading = set(targets)
    for node in reversed(newest_first):
        if node not in leading and not leading.isdisjoint(node.parents):
            leading.add(node)
    return leading


def _lifted(output: Any, node: Node, lift: Callable[[Any, Node | None], Any]) -> Any:
    if not isinstance(output, tuple):
        return lift(output, node)
    return tuple(
        lift(array, Output(node, i) if dtypes.is_float(array.dtype) else None)
        for i, array in enumerate(output)
    )


def sweep(
    root: Node,
    cotangent: Any,
    F: Vocabulary,
    targets: Iterable[Node] | None = None,
    *,
    lift: Callable[[Any, Node | None], Any] | None = None,
    retain_graph: bool = False,
) -> dict[Node, Any]:
    """Pull a cotangent of `root` back to the targets: reverse-mode differentiation.

    Nodes are visited from the newest to the oldest, each once, after all that used it.

    Parameters
    ----------
    root : Node
        The value to differentiate.
    cotangent : array or Tensor
        Of its shape and dtype; what `F` works on.
    F : Vocabulary
        Raw arrays (first order), or recorded Tensors (the gradient becomes graph).
    targets : iterable of Node, optional
        Where gradients are wanted; nothing is computed that does not lead there.  Default:
        every leaf.
    lift : callable, optional
        Turns a saved array and its node into what a recorded `F` works on.
    retain_graph : bool
        Keep the saved arrays, so that the graph can be differentiated again.

    Returns
    -------
    dict
        Node -> gradient, for the targets that were reached.

    Raises
    ------
    RuntimeError
        A saved array was released by an earlier sweep, or overwritten since.
    """
    order = reachable([root])
    useful: set[Node] | None = None
    if targets is not None:
        wanted = set(targets)
        useful = _leading_to(wanted, order)
    cotangents: dict[Node, Any] = {root: cotangent}
    summed: set[Node] = set()  # whose cotangent is a sum that we made and may add to in place
    results: dict[Node, Any] = {}
    widens = lift is None and dtypes.bfloat16 is not None
    travels = lift is None and device.has_gpu()  # cotangents may lead to other devices
    for node in order:
        g = cotangents.pop(node, None)
        if g is None:
            continue
        if node.primitive is None or (targets is not None and node in wanted):
            results[node] = g
            if node.primitive is None:
                continue
        if type(node) is Output:
            found = cotangents.setdefault(node.of, [None] * len(node.of.shape))
            before = found[node.index]
            found[node.index] = g if before is None else before + g
            continue
        rules = node.primitive.rules_for(node)
        inputs, output = node.inputs, node.output
        if inputs is None:
            raise RuntimeError(
                f"backward: the arrays saved by {node.label} were released by an earlier backward "
                "through it. Pass retain_graph=True to the first call, or compute the result again."
            )
        if _writes.last > node.number:
            _check_unwritten(node)
        if output is None:
            output = node
        elif lift is not None:
            output = _lifted(output, node, lift)
        if lift is not None:
            inputs = [
                lift(value, parent) if hasattr(value, "astype") else value
                for value, parent in zip(inputs, node.parents, strict=True)
            ]
        if not retain_graph and type(node.inputs) is list:
            node.inputs = node.output = None
        several = type(g) is list
        if travels:
            F = raw(device.go_to(next(c for c in g if c is not None) if several else g))
        if widens:
            g, output = dtypes.widened(g), dtypes.widened(output)
            inputs, _ = dtypes.in_float32(inputs)  # and the numbers that the operation took
        if several:
            g = Cotangents(g, node, F)
        for parent, rule in zip(node.parents, rules, strict=True):
            if parent is None or rule is None or (useful is not None and parent not in useful):
                continue
            try:
                contribution = rule(F, g, output, *inputs, **node.attributes)
            except MemoryError as error:
                if not device.may_retry(error):
                    raise
                contribution = None
            if contribution is None:
                work = partial(rule, F, g, output, *inputs, **node.attributes)
                contribution = device.once_more(work, f"backward: the gradient of {node.label}")
            if contribution.shape != parent.shape:
                contribution = F.sum_to(contribution, shape=parent.shape)
            if contribution.dtype != parent.dtype:
                contribution = F.astype(contribution, dtype=parent.dtype)
            if travels and node.primitive.name == "to_device":
                device.go_to(contribution)
            before = cotangents.get(parent)
            if before is None:
                cotangents[parent] = contribution
            elif parent in summed:
                before += contribution
            else:
                cotangents[parent] = before + contribution
                if lift is None and contribution.shape:
                    summed.add(parent)
            del contribution, before
        del g, inputs, output
    return results
