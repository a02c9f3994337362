"""The gradient of a compiled function, from outside of it and to any order.

A call adds one node to the graph, whose places are the results.  When a cotangent reaches the node,
the capture goes on where it ended: a backward pass visits the graph that was written down, and what
that pass writes down becomes a plan of its own, from the inputs and the cotangents to the
gradients.  These can be differentiated again.

Which values of the forward pass a gradient reads is known only then.  So the first time the forward
pass is computed again, without its effects: numbers that were drawn, and tensors that the function
assigned to, are inputs as they were.  From then on a call keeps what gradients read.  A gradient
that is itself recorded computes the forward pass again always.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from autograd_iron.core.backward import pull_back
from autograd_iron.core.graph import Cotangents, Leaf, Node, Output
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.switches import put_executor, switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.plan.capture import Tape
from autograd_iron.plan.numpy.build import Plan
from autograd_iron.plan.program import Program, Step, Value
from autograd_iron.plan.refusals import CaptureError
from autograd_iron.plan.traced import Traced
from autograd_iron.support import forks

if TYPE_CHECKING:
    from autograd_iron.plan.cuda.gpu_plan import GpuPlan

PlanOf = Callable[[Program], "Plan | GpuPlan"]


class _Function:
    """A program from arguments to results alone, with a plan once it is run."""

    def __init__(self, program: Program, make_plan: PlanOf) -> None:
        self._program = program
        self._make_plan = make_plan
        self._plan: Plan | GpuPlan | None = None
        self._lock = threading.RLock()
        forks.renew(self)

    def after_fork(self) -> None:
        """Give a forked process a lock of its own."""
        self._lock = threading.RLock()

    def __call__(self, arrays: list[Any]) -> list[Any]:
        """Run on raw arrays."""
        pairs = zip(arrays, self._program.arguments, strict=True)
        given = [a if a.dtype == v.dtype else a.astype(v.dtype) for a, v in pairs]
        with self._lock:
            if self._plan is None:
                self._plan = self._make_plan(self._program)
            try:
                return self._plan.run(*given)
            except Exception:
                raise
            except BaseException:
                self._plan = None  # other threads may still be writing into its memory
                raise


class Derivable:
    """Results that were written down, as a function of inputs that can be differentiated.

    Attributes
    ----------
    inputs : list of Value
        What the results and their gradients are computed from.
    kept : list of Value
        What the nodes of calls keep besides the inputs: values that gradients read.
    wanted : list of Value
        What nodes should keep, as far as gradients were asked for.
    short : callable and list of Value
        Of a gradient: from the inputs, the cotangents and these values to the gradients.
    """

    def __init__(
        self,
        name: str,
        tape: Tape,
        program: Program,
        inputs: list[Value],
        leaves: dict[Node, int],
        outputs: Sequence[Traced],
        make_plan: PlanOf,
    ) -> None:
        self.name = name
        self.inputs = inputs
        self._tape = tape
        self._program = program
        self._leaves = leaves  # of the inputs that may require a gradient the place
        self._outputs = outputs
        self._make_plan = make_plan
        self._derived: dict[tuple[int, ...], Derivable] = {}
        self._lock = threading.RLock()
        self.run = _Function(program, make_plan)
        self.short: tuple[_Function, list[Value]] = self.run, []
        self.kept: list[Value] = []
        self.wanted: list[Value] = []
        # Results with the same leaves share a node: none gets a gradient that has no path to it.
        by_leaves: dict[frozenset[Node], list[int]] = {}
        for i, output in enumerate(outputs):
            found = _Behind(output.node, leaves).leaves
            if found:
                by_leaves.setdefault(found, []).append(i)
        self._groups = [_Group(self, places, found) for found, places in by_leaves.items()]
        forks.renew(self)

    def after_fork(self) -> None:
        """Give a forked process a lock of its own."""
        self._lock = threading.RLock()

    def places(
        self, arrays: list[Any], nodes: list[Node | None], kept: Sequence[Any] = ()
    ) -> list[Node | None]:
        """Return where in the graph the results of a call on these inputs are.

        `kept` are the arrays of the values `kept`.
        """
        nothing = [None] * len(kept)
        places: list[Node | None] = [None] * len(self._outputs)
        for group in self._groups:
            parents = [node if p in group.wanted else None for p, node in enumerate(nodes)]
            if not any(parents):
                continue
            primitive = cast(Primitive, group)  # as far as a node goes
            saved = [*arrays, *kept]
            above = (*parents, *nothing)
            node = Node(primitive, above, saved, None, {}, group.shapes, group.dtypes)
            for number, place in enumerate(group.places):
                places[place] = Output(node, number)
        return places

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        """Run on Tensors, and record."""
        arrays = [t.data for t in tensors]
        made = self.run(arrays)
        nodes = [t.node for t in tensors]
        if not (switches().recording and any(nodes)):
            return [Tensor.wrap(array, None) for array in made]
        return list(map(Tensor.wrap, made, self.places(arrays, nodes)))

    def derived(self, outputs: tuple[int, ...], leaves: list[Node]) -> Derivable:
        """Return the function from the inputs and cotangents of some results to the gradients."""
        with self._lock:
            if outputs not in self._derived:
                work = partial(self._differentiate, outputs, leaves)
                self._derived[outputs] = copy_context().run(work)
            return self._derived[outputs]

    def _differentiate(self, outputs: tuple[int, ...], leaves: list[Node]) -> Derivable:
        tape = self._tape
        put_executor(tape)
        tape.program = replace(
            self._program, steps=[*self._program.steps], constants=[*self._program.constants]
        )
        ends = [self._outputs[i] for i in outputs]
        cotangents = [tape.fresh(end.shape, end.dtype) for end in ends]
        for cotangent in cotangents:
            cotangent.node = Leaf(cotangent)
        found = pull_back(ends, cotangents, leaves, create_graph=True)
        gradients = [cast(Traced, found[leaf]) for leaf in leaves]
        inputs = [*self.inputs, *(cotangent.value for cotangent in cotangents)]
        program = replace(
            tape.program, arguments=inputs, results=[gradient.value for gradient in gradients]
        )
        known = self._leaves | {
            c.node: len(self.inputs) + i for i, c in enumerate(cotangents) if c.node is not None
        }
        made = Derivable(self.name, tape, program, inputs, known, gradients, self._make_plan)
        steps, read = _after(program, len(self._program.steps))
        alone = replace(program, arguments=[*inputs, *read], steps=steps)
        made.short = _Function(alone, self._make_plan), read
        return made


class _Group:
    """Some results, as the primitive of their node."""

    def __init__(self, whole: Derivable, places: list[int], leaves: frozenset[Node]) -> None:
        self.name = whole.name
        self.places = places
        self.shapes = tuple(whole._outputs[i].shape for i in places)
        self.dtypes = tuple(whole._outputs[i].dtype for i in places)
        self._whole = whole
        self._leaves = sorted(leaves, key=whole._leaves.__getitem__)
        self.wanted = [whole._leaves[leaf] for leaf in self._leaves]

    def rules_for(self, node: Node) -> list[Any]:
        """Return one rule per input; together they run one plan."""
        gradients: dict[int, Any] = {}

        def rule(place: int, F: Any, g: Cotangents, _y: Any, *inputs: Any) -> Any:
            if not gradients:
                gradients.update(zip(self.wanted, self._pull(F, g, inputs), strict=True))
            return gradients[place]

        return [partial(rule, place) for place in range(len(node.parents))]

    def _pull(self, F: Any, g: Cotangents, inputs: tuple[Any, ...]) -> list[Any]:
        present = [i for i in range(len(g)) if not g.is_zero(i)]
        outputs = tuple(self.places[i] for i in present)
        derived = self._whole.derived(outputs, self._leaves)
        count = len(self._whole.inputs)
        given = [*inputs[:count], *(g[i] for i in present)]
        if F.xp is None:
            return derived(given)
        run, read = derived.short
        kept = dict(zip(self._whole.kept, inputs[count:], strict=False))
        if all(value in kept for value in read):
            return run([*given, *(kept[value] for value in read)])
        self._whole.wanted = [*dict.fromkeys([*self._whole.wanted, *read])]
        return derived.run(given)


def _after(program: Program, start: int) -> tuple[list[Step], list[Value]]:
    """Return the steps from `start` on that are needed, and what they read of those before.

    A view is taken again: it costs nothing, and a copy of it would.
    """
    needed = set(program.results)
    steps: list[Step] = []
    read: list[Value] = []
    for number, step in reversed([*enumerate(program.steps)]):
        if needed.isdisjoint(step.writes):
            continue
        if number >= start or step.is_view:
            steps.append(step)
            needed.update(step.reads)
        else:
            read += [value for value in step.writes if value in needed]
    return steps[::-1], read


class _UsedUp:
    """The primitive of a result through which the function went backward itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def rules_for(self, node: Node) -> list[Any]:
        return []


class _Behind:
    """What lies behind a node: leaves, the values that rules read, and whether some are gone."""

    def __init__(self, root: Node | None, leaves: dict[Node, int]) -> None:
        found: set[Node] = set()
        self.values: set[Value] = set()
        self.is_used_up = False
        seen = set() if root is None else {root}
        waiting = list(seen)
        while waiting:
            node = waiting.pop()
            if node in leaves:
                found.add(node)
            elif type(node) is Output:
                ahead = [node.of]
            elif node.primitive is not None:
                if node.inputs is None:
                    self.is_used_up = True
                    continue
                outputs = node.output if isinstance(node.output, tuple) else (node.output,)
                saved = [*node.inputs, *outputs]
                self.values.update(t.value for t in saved if isinstance(t, Traced))
                pairs = zip(node.parents, node.primitive.rules_for(node), strict=True)
                ahead = [p for p, rule in pairs if p is not None and rule is not None]
            else:
                continue
            if node not in leaves:
                waiting += [one for one in ahead if one not in seen]
                seen.update(ahead)
        self.leaves = frozenset(found)


class Results:
    """Where in the graph the results of a compiled function are.

    Parameters
    ----------
    name : str
        Of the function.
    tape : Tape
        Whose function has returned.
    program : Program
        What it wrote down; results are added that are inputs of the gradient.
    make_plan : callable

    Attributes
    ----------
    count : int
        How many results the function returned.
    """

    def __init__(self, name: str, tape: Tape, program: Program, make_plan: PlanOf) -> None:
        self.count = len(tape.ends)
        self._derivable: Derivable | None = None
        self._static: list[Node | None] = [None] * self.count
        leaves: dict[Node, Value] = {}
        for node, value in zip(tape.argument_nodes, program.arguments, strict=True):
            if node is not None:
                leaves.setdefault(node, value)
        for tensor, value in tape.tracked.items():
            node = tape.node_of(tensor)
            if node is not None:
                leaves.setdefault(node, value)
        if not leaves:
            return
        values: set[Value] = set()
        for i, end in enumerate(tape.ends):
            behind = _Behind(end.node, dict.fromkeys(leaves, 0))
            if behind.is_used_up:
                assert end.node is not None
                used_up = cast(Primitive, _UsedUp(end.node.label))
                self._static[i] = Node(used_up, (), None, None, {}, end.shape, end.dtype)
                end.node = None
            elif behind.leaves:
                values |= {end.value, *behind.values, *(leaves[leaf] for leaf in behind.leaves)}
        if not values:
            return
        for step in reversed(program.steps):
            if not values.isdisjoint(step.writes):
                values.update(step.reads)
        assigned = {id(t) for t, _ in program.effects}
        self._arguments = [i for i, v in enumerate(program.arguments) if v in values]
        here = [(t, v) for t, v in program.captured if v in values]
        self._captured = [t for t, _ in here]
        # The one that requires a gradient: `detach` gives the same memory to another tensor.
        owners = {value: tensor for tensor, value in tape.tracked.items()}
        self._owners = [owners.get(v, t) for t, v in here]
        again = [v for t, v in here if id(t) in assigned]
        self._assigned = [i for i, (t, _) in enumerate(here) if id(t) in assigned]
        drawn = [v for _, v in program.draws if v in values]
        inputs = [*(program.arguments[i] for i in self._arguments), *(v for _, v in here), *drawn]
        place = {value: i for i, value in enumerate(inputs)}
        self._drawn: list[None] = [None] * len(drawn)
        alone = replace(
            program,
            captured=[],
            draws=[],
            drawn=[],
            effects=[],
            gradients=[],
            cleared=[],
            checks=[],
        )
        known = {node: place[value] for node, value in leaves.items() if value in place}
        if len(known) > len(set(known.values())):
            raise CaptureError(
                f"compile: {name} uses two tensors that show the same memory, and both require a "
                "gradient, which would go to one of them. Use one of them for both, or make the "
                "other a copy with ai.tensor"
            )
        self._derivable = Derivable(name, tape, alone, inputs, known, tape.ends, make_plan)
        program.results += [*again, *drawn]
        self._program = program
        self._make_plan = make_plan
        self._keep([])

    def _keep(self, values: list[Value]) -> None:
        """Expect a plan that gives these values too."""
        assert self._derivable is not None
        results = self._results_with(values)
        self._kept = [results.index(value) for value in values]
        self._more = slice(self.count, len(results))
        self._derivable.kept = values

    def _results_with(self, values: list[Value]) -> list[Value]:
        known = set(self._program.results)
        return [*self._program.results, *(value for value in values if value not in known)]

    def renewed(self) -> Plan | GpuPlan | None:
        """Return another plan, if gradients read what the one there is does not give."""
        whole = self._derivable
        if whole is None or len(whole.wanted) == len(whole.kept):
            return None
        wanted = whole.wanted
        program = replace(self._program, results=self._results_with(wanted))
        plan = self._make_plan(program)
        self._keep(wanted)
        return plan

    def places(self, tensors: Sequence[Tensor], made: list[Any]) -> list[Node | None]:
        """Return the place of each result of a call; None where nothing is recorded.

        Of what the plan made, the results that were added are taken out.
        """
        if self._derivable is None:
            return self._static
        kept = [made[i] for i in self._kept]
        more = made[self._more]
        del made[self._more]
        given = [tensors[i] for i in self._arguments]
        arrays = [t.data for t in (*given, *self._captured)]
        nodes = [t.node for t in (*given, *self._owners)] + self._drawn
        for i, array in zip(self._assigned, more, strict=False):
            arrays[len(given) + i] = array
        arrays += more[len(self._assigned) :][: len(self._drawn)]
        found = self._derivable.places(arrays, nodes, kept)
        return [one or other for one, other in zip(found, self._static, strict=True)]
