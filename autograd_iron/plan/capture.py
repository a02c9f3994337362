"""Capturing: running a function once while everything it does is written down.

While a function is captured the executor is a `Tape`, and every result is a `Traced` Tensor that
knows its number in the program.  Its values cannot be read, because a replay would not
ask again; so it has none: no kernel runs, and shape rules say what each result will be.
Assignments wait until the end: a capture that fails has changed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from contextvars import copy_context
from typing import Any, NoReturn

from autograd_iron.arrays import device, dtypes, intake
from autograd_iron.core.executor import Executor, eager
from autograd_iron.core.explain import EXPLAINED, explain
from autograd_iron.core.graph import Leaf, Node
from autograd_iron.core.index import Index
from autograd_iron.core.inference import infer
from autograd_iron.core.operands import NUMBERS, check_present, promote, raw_operand
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.recording import node_of, places_of
from autograd_iron.core.registry import Vocabulary, on_tensors
from autograd_iron.core.specs import Spec
from autograd_iron.core.switches import no_grad, put_executor, switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.shapes.conversion import to_device
from autograd_iron.plan.loops.views import View, dense_strides
from autograd_iron.plan.program import Check, Program, Step, Value
from autograd_iron.plan.refusals import refuse, shared_memory
from autograd_iron.plan.traced import Traced
from autograd_iron.support.text import visible


def _without_tape(prepare: Callable[[], None]) -> None:
    put_executor(eager)
    prepare()


def _holds_tensors(part: Any) -> bool:
    if not isinstance(part, list | tuple):
        return False
    return any(isinstance(p, Tensor) or _holds_tensors(p) for p in part)


def _stacked(part: Any) -> Any:
    """Return a nested list with Tensors in it as one Tensor."""
    if isinstance(part, list | tuple):
        return on_tensors.stack([_stacked(p) for p in part])
    return part if isinstance(part, Tensor) else Tensor(device.host.asarray(part))


def _leaf(tensor: Tensor) -> Tensor:
    """Return the tensor itself, or of an argument the one that the caller passed."""
    leaf = tensor.node.tensor() if isinstance(tensor.node, Leaf) else None
    return tensor if leaf is None else leaf


def _is_view(
    primitive: Primitive, source: Any, found: tuple[Spec, ...], attributes: dict[str, Any]
) -> bool:
    """Return whether the results show the memory of the first operand, if that is dense."""
    rule = primitive.view_rule
    if rule is None or source.shows is None:
        return False
    view = View(source.value, source.shape, dense_strides(source.shape))
    return rule(view, found[0].shape, **attributes) is not None


class Tape(Executor):
    """What is written down during a capture.

    Attributes
    ----------
    program : Program
    before : list of (callable, callable or None)
        What the host does before each replay, and what takes it back if the replay is refused.
    guards : list of (object, str or None)
        Attributes that the plan depends on; None stands for all of an object.
    had_gradient : dict of Tensor to bool
        For the leaves whose gradient is read: whether they had a `.grad` before.
    place : str
        The device of the step: that of all its tensors.
    given : list of Tensor
        The arguments of the call, whose gradients may be read.
    argument_nodes : list of Node or None
        Where the arguments are in the graph of the capture.
    tracked : dict of Tensor to Value
        The captured tensors that require a gradient.
    ends : list of Traced
        What the function returned, once the program is finished.
    """

    captures = True

    def __init__(self) -> None:
        self.program = Program()
        self.before: list[tuple[Callable[[], None], Callable[[], None] | None]] = []
        self.guards: list[tuple[Any, str | None]] = []
        self.had_gradient: dict[Tensor, bool] = {}
        self.place = "cpu"
        self._placed = False
        self._undo: list[Callable[[], None]] = []
        self.given: list[Tensor] = []
        self.argument_nodes: list[Node | None] = []
        self.tracked: dict[Tensor, Value] = {}
        self._cut: dict[Tensor, Leaf] = {}
        self.ends: list[Traced] = []
        self._met: dict[Tensor, Value] = {}
        self._by_array: dict[int, Tensor] = {}
        self._assigned: dict[Tensor, Traced] = {}
        self._times: Counter[Tensor] = Counter()
        self._gradients: dict[Tensor, Tensor | None] = {}
        self._left: dict[Tensor, Tensor | None] = {}
        self._before: dict[Tensor, Traced] = {}

    # --- what the engine calls

    def run(self, primitive: Primitive, args: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
        """Run a primitive on Tensors, arrays and numbers, and write it down."""
        if primitive is to_device and attributes["here"] != attributes["there"]:
            self.move(args[0], attributes["there"])
        check_present(primitive, args)
        handles = [a if type(a) is Traced else self._operand(a, args) for a in args]
        for h in handles:
            if isinstance(h, Tensor):
                break
        else:
            handles = [a if a is None else self._handle(intake.as_array(a)) for a in args]
        handles = promote(primitive, handles)
        if primitive.decomposition is not None:
            several, made = self._decomposed(
                primitive, primitive.decomposition, handles, attributes
            )
        else:
            if not primitive.has_shape_rule:
                refuse(
                    f"{visible(primitive.name)} is called, which does not say what its result is,",
                    f"Say it with @{visible(primitive.name)}.shape, a function of the arrays and "
                    "attributes that returns Spec(shape, dtype); or make it elementwise.",
                )
            found = infer(primitive, handles, attributes)
            several = isinstance(found, tuple)
            found = found if isinstance(found, tuple) else (found,)
            made = self._written_down(primitive, handles, attributes, found)
        parents = [h.node if isinstance(h, Tensor) else None for h in handles]
        tracked = 0
        for i, parent in enumerate(parents):
            if parent is not None:
                tracked |= 1 << i
        if tracked and switches().recording and primitive.rules:
            saved = [h.detach() if isinstance(h, Tensor) else h for h in handles]
            if several:
                outputs = tuple(t.detach() for t in made)
                places = places_of(primitive, tracked, parents, saved, outputs, attributes)
                for traced, place in zip(made, places, strict=True):
                    traced.node = place
            elif dtypes.is_inexact(made[0].dtype):
                output = made[0].detach()
                made[0].node = node_of(primitive, tracked, parents, saved, output, attributes)
        return tuple(made) if several else made[0]

    def _decomposed(
        self,
        primitive: Primitive,
        decomposition: Callable[..., Any],
        handles: list[Any],
        attributes: dict[str, Any],
    ) -> tuple[bool, list[Traced]]:
        """Write down a step with the parts that it decomposes into; return what it makes.

        The parts are steps by themselves where the operation is more than its results, because it
        checks or draws something, or less, because it passes an operand on.
        """
        program = self.program
        before, program.steps = program.steps, []
        known = len(program.checks), len(program.draws)
        try:
            with no_grad():
                made = dtypes.by_float32(decomposition, on_tensors, *handles, **attributes)
        except EXPLAINED as error:
            if primitive.has_shape_rule:
                infer(primitive, handles, attributes)  # says it in the operation's own words
            explain(primitive, handles, attributes, error)
        finally:
            parts, program.steps = program.steps, before
        several = isinstance(made, tuple)
        results = [t.detach() for t in (made if several else (made,))]
        values = [t.value for t in results]
        computed = {v for part in parts for v in part.outputs}
        whole = known == (len(program.checks), len(program.draws))
        if whole and computed.issuperset(values) and len(set(values)) == len(values):
            inputs = tuple(h.value if isinstance(h, Traced) else h for h in handles)
            parts = [Step(primitive, inputs, attributes, *values, parts=tuple(parts))]
        program.steps += parts
        return several, results

    def _written_down(
        self,
        primitive: Primitive,
        handles: list[Any],
        attributes: dict[str, Any],
        found: tuple[Spec, ...],
    ) -> list[Traced]:
        """Write down a step that the primitive's kernel will run; return what it makes."""
        shows = handles[0].shows if _is_view(primitive, handles[0], found, attributes) else None
        values = [self.program.value(spec.shape, spec.dtype) for spec in found]
        made = [Traced.make(value, None, shows) for value in values]
        inputs = tuple([self._read(h) if isinstance(h, Traced) else h for h in handles])
        step = Step(primitive, inputs, attributes, *values)
        self.program.steps.append(step)
        return made

    def lift(self, saved: Any, node: Node | None) -> Tensor:
        """Return a saved Tensor with its node."""
        return Traced.make(self._number(saved), node)

    def own(self, gradients: dict[Node, Any], cotangents: list[Tensor]) -> dict[Node, Tensor]:
        """Return the gradients as they are: a plan writes into no result."""
        return gradients

    def assign(self, target: Tensor, value: Any) -> None:
        """Write down an assignment; it happens when the capture is complete."""
        if isinstance(target, Traced):
            refuse(
                "a result is assigned to",
                "Assign to tensors that outlive the step; a gradient is set with p.grad = ...",
            )
        shape: Any = getattr(value, "shape", ())
        if isinstance(value, Tensor) or shape:
            new = self._handle(value)
            self._read(new)
        else:  # a number, which is on no device and as precise as what it is written to
            new = self._frozen(intake.as_array(value, target.dtype, copy=True))
        if new.dtype != target.dtype:
            new = new.astype(target.dtype)
        if new.shape != target.shape:
            new = on_tensors.broadcast_to(new, shape=target.shape)
        self._number(target)
        target = self._same(target)
        self._assigned[target] = new.detach()
        self._times[target] += 1

    def input(self, tensor: Tensor) -> Traced:
        """Return the handle of an argument."""
        self._meet(tensor.data)
        self.given.append(tensor)
        value = self.program.value(tensor.shape, tensor.dtype)
        self.program.arguments.append(value)
        node = tensor.node
        if node is not None and not isinstance(node, Leaf):
            node = Leaf(tensor)  # where a gradient would flow out of the step: see gradient_of
        self.argument_nodes.append(node)
        return Traced.make(value, node)

    def fresh(self, shape: tuple[int, ...], dtype: Any) -> Traced:
        """Return the handle of a value that is none of the function's."""
        return Traced.make(self.program.value(shape, dtype))

    def draw(
        self,
        array: Any,
        fill: Callable[[Any], object],
        advance: Callable[[], None],
        go_back: Callable[[], None],
    ) -> Traced:
        """Return an array that is filled now, and anew before each replay: random numbers."""
        self.each_time(advance, go_back)
        return self._filled(array, fill)

    def _filled(self, array: Any, fill: Callable[[Any], object]) -> Traced:
        self._meet(array)
        fill(array)
        value = self.program.value(array.shape, array.dtype)
        self.program.draws.append((fill, value))
        self.program.drawn.append(array)
        return Traced.make(value)

    def each_time(self, prepare: Callable[[], None], undo: Callable[[], None] | None) -> None:
        """Run something on the host now, and before each replay."""
        copy_context().run(_without_tape, prepare)
        self.before.append((prepare, undo))
        if undo is not None:
            self._undo.append(undo)

    def check_range(self, x: Tensor, low: float, high: float, message: str, nan: bool) -> None:
        """Refuse each run in which values lie outside a range."""
        if not x.size:
            return
        with no_grad():
            lowest, highest = (self._handle(f(x)).value for f in (on_tensors.min, on_tensors.max))
        self.program.checks.append(Check(lowest, highest, low, high, message, nan))

    def gradient_of(self, tensor: Tensor) -> Tensor | None:
        """Return the `.grad` of a tensor; one from before the step is an input of the plan."""
        leaf = _leaf(tensor)
        if not (isinstance(leaf, Traced) or leaf.is_leaf):
            name = "argument" if any(given is leaf for given in self.given) else "tensor"
            refuse(
                f"a gradient flows through a {name} that was computed outside of the step",
                f"Detach the {name}, or compute it inside the step.",
            )
        before = leaf._grad
        if leaf in self._gradients or isinstance(leaf, Traced):
            return before
        self.had_gradient[leaf] = before is not None
        if before is None:
            return None

        numbers = [i for i, given in enumerate(self.given) if given is leaf]

        def fill(array: Any) -> None:
            now = self.given[numbers[0]] if numbers else leaf
            assert now._grad is not None  # a plan is for one or the other
            device.write(array, now._grad.data)

        if leaf not in self._before:
            self._before[leaf] = self._filled(device.empty_like(before.data), fill)
        return self._before[leaf]

    def set_gradient(self, tensor: Tensor, value: Tensor | None) -> None:
        """Set the `.grad` of a tensor for the rest of the capture."""
        leaf = _leaf(tensor)
        if not isinstance(leaf, Traced):
            self._gradients.setdefault(leaf, leaf._grad)
        leaf._grad = value

    def ones_like(self, tensor: Tensor) -> Tensor:
        """Return the cotangent that a backward pass starts from."""
        return self.full(tensor.shape, 1, tensor.dtype, self.place)

    def full(self, shape: Sequence[int], value: Any, dtype: Any, where: str | None) -> Tensor:
        """Return a tensor of one number, which the plan keeps alone."""
        number = self.constant(device.make(where, "full", (), value, dtype))
        made: Tensor = on_tensors.broadcast_to(number, shape=shape)
        return made

    def unshared(self, tensor: Tensor) -> Tensor:
        """Return the tensor itself: what a plan makes is nobody else's."""
        return tensor

    def operands(self, tensors: tuple[Tensor, ...]) -> tuple[Vocabulary, list[Any]]:
        """Return the Tensors themselves, so that the code on them is written down."""
        return on_tensors, list(tensors)

    def on_device_of(self, tensor: Tensor) -> AbstractContextManager[Any]:
        """Return a context in which code on raw arrays runs on the device of a tensor."""
        return device.HERE if isinstance(tensor, Traced) else device.on_device_of(tensor.data)

    def move(self, tensor: Tensor, there: str) -> NoReturn:
        """Refuse: a tensor is moved to another device."""
        refuse(
            f'a tensor is moved to "{there}"',
            "A compiled step runs on one device: move the model and the data before it.",
        )

    def index(self, given: Any) -> Index:
        """Return an index in its normal form, in which lists of Tensors are stacked."""
        parts = given if isinstance(given, tuple) else (given,)
        return Index.of(tuple([_stacked(p) if _holds_tensors(p) else p for p in parts]))

    def index_part(self, tensor: Tensor) -> Any:
        """Return the Tensor itself, or of a mask that is known the array, which the plan keeps."""
        if tensor.dtype == dtypes.bool_ and not isinstance(tensor, Traced):
            return tensor.data
        return tensor

    def index_on_device_of(self, tensor: Tensor, index: Index, once: bool = False) -> Index:
        """Return the index as it is: the plan moves its arrays."""
        return index

    def forbid(self, what: str, instead: str) -> NoReturn:
        """Refuse something that cannot be replayed, naming the user's line."""
        refuse(what, instead)

    def read(self, tensor: Tensor) -> NoReturn:
        """Refuse: a tensor's values are read on the host."""
        refuse(
            "a value is read on the host (float, int, bool, if, item, numpy)",
            "Return the Tensor from the step and read it outside; choose with ai.where.",
        )

    def guard(self, owner: Any, attribute: str | None) -> None:
        """Capture again when this attribute of an object, or any, is no longer what it is now."""
        if not any(o is owner and a == attribute for o, a in self.guards):
            self.guards.append((owner, attribute))

    def close(self) -> None:
        """Leave nothing of the capture behind in tensors that outlive it; may be called again."""
        for leaf, before in self._gradients.items():
            self._left.setdefault(leaf, leaf._grad)
            leaf._grad = before

    def take_back(self) -> None:
        """Close, and take back what the host did: draws, counts of steps."""
        try:
            self._take_back()
        finally:  # what an interrupt kept it from
            self._take_back()

    def _take_back(self) -> None:
        self.close()
        while self._undo:
            self._undo.pop()()

    def finish(self, results: list[Tensor]) -> Program:
        """Return the program with what the function returned and left behind."""
        self.ends = [self._handle(t) for t in results]
        self.program.results = [self._read(end) for end in self.ends]
        for leaf, left in self._left.items():
            if left is None:
                self.program.cleared.append(leaf)
            else:
                self.program.gradients.append((leaf, self._read(self._handle(left))))
        for tensor, new in self._assigned.items():
            self.program.effects.append((tensor, new.value))
        self._check_memory()
        self.program.place = self.place
        self.program.owners = [owner for owner, _ in self.guards]
        return self.program

    def _check_memory(self) -> None:
        """Refuse to assign to memory that another tensor shows."""
        if not self._assigned:
            return
        given = {id(tensor) for tensor in self.given}
        showing: dict[int, list[Tensor]] = {}
        for tensor in (*self._met, *self.given):
            showing.setdefault(id(device.storage(tensor.data)), []).append(tensor)
        for target in self._assigned:
            for other in showing.get(id(device.storage(target.data)), ()):
                if other is not target or id(other) in given:
                    raise shared_memory(target, other)

    # --- numbering

    def _operand(self, value: Any, beside: tuple[Any, ...]) -> Any:
        if not isinstance(value, Tensor) and value is not None and type(value) not in NUMBERS:
            value = raw_operand(value, beside)
        plain = value is None or type(value) in NUMBERS or type(value) is complex
        return value if plain else self._handle(value)

    def _handle(self, value: Any) -> Any:
        if isinstance(value, Traced):
            return value
        if isinstance(value, Tensor):
            same = self._same(value)
            shows = same, self._times[same]
            number = self._number(value)
            node = self.node_of(value)
            if node is not None:
                self.tracked[value] = number
            new = self._assigned.get(same)
            return Traced.make(number if new is None else new.value, node, shows)
        return self.constant(intake.as_array(value, copy=True))

    def constant(self, array: Any) -> Traced:
        """Return the handle of an array that never changes; it is kept on the host."""
        self._meet(array)
        return self._frozen(array)

    def _frozen(self, array: Any) -> Traced:
        array = device.on_host(array)
        number = self.program.value(array.shape, array.dtype)
        self.program.constants.append((array, number))
        return Traced.make(number)

    def _meet(self, array: Any) -> None:
        """Hold every array of the step to one device."""
        place = device.name(array)
        if self._placed and place != self.place:
            raise ValueError(
                f"compile: an array of shape {array.shape} is on {place} and those before it are "
                f'on {self.place}; a step runs on one device. Move it before: x.to("{self.place}")'
            )
        self.place, self._placed = place, True

    def _same(self, tensor: Tensor) -> Tensor:
        """Return the first tensor met that has this very array: `detach` gives it to another."""
        return self._by_array.setdefault(id(tensor.data), tensor)

    def node_of(self, tensor: Tensor) -> Node | None:
        """Return where a captured tensor is in the graph: what it was computed from is cut off."""
        node = tensor.node
        if node is None or isinstance(node, Leaf):
            return node
        return self._cut.setdefault(tensor, Leaf(tensor))

    def _read(self, handle: Traced) -> Value:
        if handle.shows is not None and self._times[handle.shows[0]] != handle.shows[1]:
            refuse(
                "a view is read whose tensor was assigned to since",
                "Take the view after the assignment; or take a copy before it, with view * 1.",
            )
        return handle.value

    def _number(self, tensor: Tensor) -> Value:
        if isinstance(tensor, Traced):
            return tensor.value
        tensor = self._same(tensor)
        known = self._met.get(tensor)
        if known is None:
            self._meet(tensor.data)
            known = self._met[tensor] = self.program.value(tensor.shape, tensor.dtype)
            self.program.captured.append((tensor, known))
        return known
