"""The executor: what an operation asks of its surroundings.

`Eager` computes at once.  While a plan is captured the executor is the plan's `Tape` (see
`plan/capture.py`), which writes down what is asked for.  `switches().executor` is the one in use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from autograd_iron.arrays import cuda, device, dtypes, intake
from autograd_iron.core import graph
from autograd_iron.core.index import Index
from autograd_iron.core.operands import NUMBERS, check_present, promote, raw_operand
from autograd_iron.core.recording import node_of, places_of
from autograd_iron.core.registry import Vocabulary, on_tensors
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor, vocabulary

if TYPE_CHECKING:
    from autograd_iron.core.graph import Node
    from autograd_iron.core.primitive import Primitive


class Executor(ABC):
    """What runs operations.

    Attributes
    ----------
    captures : bool
        Whether operations are written down for a plan, so that no value can be read on the host.
    """

    captures: bool

    @abstractmethod
    def run(self, primitive: Primitive, args: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """Run a primitive on Tensors, arrays and numbers, and add its node to the graph."""

    # --- gradients

    @abstractmethod
    def gradient_of(self, tensor: Tensor) -> Tensor | None:
        """Return the `.grad` of a tensor."""

    @abstractmethod
    def set_gradient(self, tensor: Tensor, value: Tensor | None) -> None:
        """Set the `.grad` of a tensor."""

    @abstractmethod
    def ones_like(self, tensor: Tensor) -> Tensor:
        """Return the cotangent that a backward pass starts from."""

    @abstractmethod
    def lift(self, saved: Any, node: Node | None) -> Tensor:
        """Return what a node saved as a Tensor at a place of the graph."""

    @abstractmethod
    def own(self, gradients: dict[Node, Any], cotangents: list[Tensor]) -> dict[Node, Tensor]:
        """Return what a backward pass found as Tensors that share no memory with the cotangents."""

    # --- memory

    @abstractmethod
    def assign(self, target: Tensor, value: Any) -> None:
        """Write a value that fits into the memory of a tensor."""

    @abstractmethod
    def read(self, tensor: Tensor) -> Any:
        """Return the values of a tensor as an array of the host."""

    @abstractmethod
    def move(self, tensor: Tensor, there: str) -> Tensor:
        """Return a tensor on another device."""

    @abstractmethod
    def full(self, shape: Sequence[int], value: Any, dtype: Any, where: str | None) -> Tensor:
        """Return a tensor of one number."""

    @abstractmethod
    def unshared(self, tensor: Tensor) -> Tensor:
        """Return a tensor that nothing requires a gradient of with memory of its own."""

    @abstractmethod
    def draw(
        self,
        array: Any,
        fill: Callable[[Any], object],
        advance: Callable[[], None],
        go_back: Callable[[], None],
    ) -> Tensor:
        """Return the array once `fill` has written random numbers into it, in each run anew.

        `advance` counts the draw, and `go_back` takes back the last count.
        """

    # --- indices

    @abstractmethod
    def index(self, given: Any) -> Index:
        """Return what stands between the brackets of `x[...]` in its normal form."""

    @abstractmethod
    def index_part(self, tensor: Tensor) -> Any:
        """Return what stands for a tensor in an index: its array, or itself."""

    @abstractmethod
    def index_on_device_of(self, tensor: Tensor, index: Index, once: bool = False) -> Index:
        """Return an index with its arrays where the tensor is.

        `once` refuses an index that names a position twice, where that can be told without waiting.
        """

    # --- what a step says about itself: see `extend.capture`

    @abstractmethod
    def operands(self, tensors: tuple[Tensor, ...]) -> tuple[Vocabulary, list[Any]]:
        """Return the vocabulary and the operands for code that needs no gradient."""

    @abstractmethod
    def on_device_of(self, tensor: Tensor) -> AbstractContextManager[Any]:
        """Return a context in which code on raw arrays runs on the device of a tensor."""

    @abstractmethod
    def each_time(self, prepare: Callable[[], None], undo: Callable[[], None] | None) -> None:
        """Run something on the host, now and before each replay."""

    @abstractmethod
    def guard(self, owner: Any, attribute: str | None) -> None:
        """Make what is captured depend on an attribute of an object, or with None on all."""

    @abstractmethod
    def check_range(self, x: Tensor, low: float, high: float, message: str, nan: bool) -> None:
        """Refuse values outside a range, in each run."""

    @abstractmethod
    def forbid(self, what: str, instead: str) -> None:
        """Refuse something that a replay could not do again; allow it where nothing is captured."""


class Eager(Executor):
    """Computes at once."""

    captures = False

    def run(self, primitive: Primitive, args: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """Run a primitive on Tensors, arrays and numbers, and add its node to the graph."""
        arrays: list[Any] = []
        parents: list[Node | None] = []
        tracked = 0
        mixed = False
        dtype = None
        bit = 1
        for a in args:
            node = None
            if isinstance(a, Tensor):
                node = a.node
                if node is not None:
                    tracked |= bit
                a = a.data
            elif type(a) not in NUMBERS:
                if a is not None:
                    a = raw_operand(a, args)
                    mixed = mixed or type(a) is complex
                elif (
                    len(arrays) != primitive.needed
                ):  # nothing is missing before the first optional one
                    check_present(primitive, args)
            bit += bit
            arrays.append(a)
            parents.append(node)
            found = getattr(a, "dtype", None)
            if found is not dtype and found is not None:
                mixed = dtype is not None and (mixed or found != dtype)
                dtype = found
        if dtype is None:
            arrays = [None if a is None else intake.as_array(a) for a in args]
            arrays = promote(primitive, arrays)
        elif mixed or dtype.kind != "f":
            arrays = promote(primitive, device.demote_0d(args, arrays) if cuda.cupy else arrays)
        output = primitive.compute(arrays, attributes)
        if type(output) is tuple:
            places = places_of(primitive, tracked, parents, arrays, output, attributes)
            # Who calls such a primitive knows that it has several outputs, which no type says here.
            several: Any = tuple(map(Tensor.wrap, output, places))
            return cast(Tensor, several)
        if tracked and primitive.rules and output.dtype.kind in "fcV" and switches().recording:
            return Tensor.wrap(
                output, node_of(primitive, tracked, parents, arrays, output, attributes)
            )
        return Tensor.wrap(output, None)

    def gradient_of(self, tensor: Tensor) -> Tensor | None:
        """Return the `.grad` of a tensor."""
        return tensor._grad

    def set_gradient(self, tensor: Tensor, value: Tensor | None) -> None:
        """Set the `.grad` of a tensor."""
        tensor._grad = value

    def ones_like(self, tensor: Tensor) -> Tensor:
        """Return the cotangent that a backward pass starts from."""
        return Tensor.wrap(device.ones_like(tensor.data), None)

    def lift(self, saved: Any, node: Node | None) -> Tensor:
        """Return a saved array as a Tensor at a place of the graph."""
        return Tensor.wrap(saved, node)

    def own(self, gradients: dict[Node, Any], cotangents: list[Tensor]) -> dict[Node, Tensor]:
        """Return gradients with memory of their own: rules pass cotangents on as they are."""
        taken = {id(g.data) for g in cotangents}
        owned = {}
        for node, gradient in gradients.items():
            array, place = gradient, None
            if isinstance(gradient, Tensor):
                array, place = gradient.data, gradient.node
            if type(array) is not device.Array:
                array = device.ensure_array(array)
            if array.base is not None or id(array) in taken:
                array = array.copy()
            taken.add(id(array))
            owned[node] = Tensor.wrap(array, place)
        return owned

    def assign(self, target: Tensor, value: Any) -> None:
        """Write a value into the memory of a tensor now.

        Raises
        ------
        ValueError
            The devices differ, or the memory is read-only.
        """
        raw = value.data if isinstance(value, Tensor) else value
        shape: Any = getattr(raw, "shape", ())
        if cuda.cupy is not None and shape and device.are_mixed((target.data, raw)):
            raise ValueError(
                f"assign: the value is on {device.name(raw)} and the tensor on {target.device}; "
                f'move the value first: ai.asarray(value).to("{target.device}")'
            )
        try:
            device.write(target.data, raw)
        except ValueError:
            raise ValueError(
                "assign: this tensor shows memory that is read-only (a broadcast view, or an array "
                "of the caller's); make a tensor of its own with ai.tensor(t)"
            ) from None
        graph.note_write(target.data)

    def read(self, tensor: Tensor) -> Any:
        """Return the values of a tensor as an array of the host."""
        return device.on_host(tensor.data)

    def move(self, tensor: Tensor, there: str) -> Tensor:
        """Return a tensor on another device."""
        moved: Tensor = on_tensors.to_device(tensor, here=tensor.device, there=there)
        return moved

    def full(self, shape: Sequence[int], value: Any, dtype: Any, where: str | None) -> Tensor:
        """Return a tensor of one number."""
        return Tensor.wrap(device.make(where, "full", shape, value, dtype), None)

    def unshared(self, tensor: Tensor) -> Tensor:
        """Return a copy."""
        return Tensor(intake.as_array(tensor.data, copy=True))

    def draw(
        self,
        array: Any,
        fill: Callable[[Any], object],
        advance: Callable[[], None],
        go_back: Callable[[], None],
    ) -> Tensor:
        """Return the array once `fill` has written random numbers into it."""
        fill(array)
        advance()
        return Tensor(array)

    def index(self, given: Any) -> Index:
        """Return what stands between the brackets of `x[...]` in its normal form."""
        return Index.of(given)

    def index_part(self, tensor: Tensor) -> Any:
        """Return the array of a tensor in an index."""
        return tensor.data

    def index_on_device_of(self, tensor: Tensor, index: Index, once: bool = False) -> Index:
        """Return an index with its arrays where the tensor is; see `Executor`."""
        return Index(device.index_on_gpu(index, tensor.data, once)) if device.has_gpu() else index

    def operands(self, tensors: tuple[Tensor, ...]) -> tuple[Vocabulary, list[Any]]:
        """Return raw arrays and their vocabulary; for bfloat16 Tensors, which round each result."""
        if dtypes.bfloat16 is not None and any(t.dtype == dtypes.bfloat16 for t in tensors):
            return on_tensors, [t.detach() for t in tensors]
        if cuda.cupy is not None:
            device.go_to(tensors[0].data)
        return vocabulary(tensors[0]), [t.data for t in tensors]

    def on_device_of(self, tensor: Tensor) -> AbstractContextManager[Any]:
        """Return a context in which code on raw arrays runs on the device of a tensor."""
        return device.HERE if cuda.cupy is None else device.on_device_of(tensor.data)

    def each_time(self, prepare: Callable[[], None], undo: Callable[[], None] | None) -> None:
        """Run something on the host now."""
        prepare()

    def guard(self, owner: Any, attribute: str | None) -> None:
        """Do nothing: what runs now reads the attribute now."""

    def check_range(self, x: Tensor, low: float, high: float, message: str, nan: bool) -> None:
        """Refuse values outside a range now."""
        lowest, highest = x.data.min(), x.data.max()
        if lowest < low or highest > high or (not nan and lowest != lowest):
            raise ValueError(message.format(low=float(lowest), high=float(highest)))

    def forbid(self, what: str, instead: str) -> None:
        """Do nothing: nothing is captured."""


eager = Eager()
