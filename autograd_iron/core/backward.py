"""The backward pass: from the cotangents of results to the gradients of what they depend on.

Nodes are visited from the newest to the oldest, each once, after all that used it.  There is no
recursion, and no sorting by depth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.explain import EXPLAINED, call_text, plain_kind
from autograd_iron.core.graph import Cotangents, Node, Output, check_unwritten, reachable
from autograd_iron.core.registry import Vocabulary, on_tensors, raw
from autograd_iron.core.switches import enable_grad, no_grad, switches

if TYPE_CHECKING:
    from autograd_iron.core.tensor import Tensor

Lift = Callable[[Any, "Node | None"], Any]


def pull_back(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor | None] | None = None,
    wanted: Collection[Node] | None = None,
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[Node, Tensor]:
    """Return the gradients of results, each weighed by its cotangent, and summed.

    Parameters
    ----------
    outputs : sequence of Tensor
        An output that depends on nothing that requires a gradient is passed over.
    cotangents : sequence of Tensor or None
        On each output's device; None stands for 1, the cotangent of a single element.
    wanted : collection of Node
        Where gradients are wanted; only what leads there is computed.  Default: every leaf.
    retain_graph : bool
        Keep the arrays that nodes saved, so that the graph can be differentiated again.
    create_graph : bool
        Record the gradients, so that they can be differentiated; implies `retain_graph`.

    Returns
    -------
    dict of Node to Tensor
        For each wanted node that an output depends on.

    Raises
    ------
    RuntimeError
        An output without a cotangent has several elements; an array that a rule needs was released
        by an earlier pass, or overwritten.
    ValueError
        A cotangent has another shape or device than its output.
    """
    executor = switches().executor
    starts = [
        (output.node, _cotangent(output, given))
        for output, given in zip(outputs, cotangents or [None] * len(outputs), strict=True)
        if output.node is not None
    ]
    if not starts:
        return {}
    with device.quiet(), executor.on_device_of(starts[0][1]):
        if create_graph or executor.captures:
            with enable_grad() if create_graph else no_grad():
                keep = retain_graph or create_graph
                found = _walk(_add_up(starts), wanted, on_tensors, executor.lift, keep)
        else:
            arrays = [(node, g.data) for node, g in starts]
            F = raw(device.namespace((arrays[0][1],)))
            found = _walk(_add_up(arrays), wanted, F, None, retain_graph)
    return executor.own(found, [g for _, g in starts])


def _cotangent(output: Tensor, given: Tensor | None) -> Tensor:
    if given is None:
        if output.size != 1:
            raise RuntimeError(
                f"backward: a tensor of shape {output.shape} needs a gradient of that shape to "
                "start from; reduce it to one number first (sum or mean), or pass gradient="
            )
        if dtypes.is_complex(output.dtype):
            raise RuntimeError(
                f"backward: a {output.dtype} number has no gradient of its own, only a real one "
                "has; make a real number of it (ai.real(x), ai.abs(x)), or pass gradient="
            )
        return switches().executor.ones_like(output)
    if given.shape != output.shape:
        raise ValueError(
            f"backward: the gradient has shape {given.shape} but the tensor has "
            f"{output.shape}; they must be equal"
        )
    if given.device != output.device:
        raise ValueError(
            f"backward: the gradient is on {given.device} but the tensor on {output.device}; "
            f'move it first: gradient.to("{output.device}")'
        )
    fitted: Tensor = in_dtype(on_tensors, given, output.dtype)
    return fitted


def _add_up(starts: Sequence[tuple[Node, Any]]) -> dict[Node, Any]:
    found: dict[Node, Any] = {}
    for node, g in starts:
        found[node] = found[node] + g if node in found else g
    return found


def _walk(
    cotangents: dict[Node, Any],
    wanted: Collection[Node] | None,
    F: Vocabulary,
    lift: Lift | None,
    retain_graph: bool,
) -> dict[Node, Any]:
    """Pull cotangents back to the wanted nodes; empty `cotangents` on the way.

    With `lift` they are Tensors, which it makes of what nodes saved; without it raw arrays.
    """
    order = reachable(cotangents)
    useful = None if wanted is None else _leading_to(set(wanted), order)
    summed: set[Node] = set()  # nodes whose cotangent is a sum made here, which may be added to
    results: dict[Node, Any] = {}
    widens = lift is None and dtypes.bfloat16 is not None
    travels = lift is None and device.has_gpu()  # cotangents may lead to other devices
    for node in order:
        g = cotangents.pop(node, None)
        if g is None:
            continue
        if node.primitive is None or (wanted is not None and node in wanted):
            results[node] = g
        if node.primitive is None:
            continue
        if type(node) is Output:
            places = cotangents.setdefault(node.of, [None] * len(node.of.shape))
            before = places[node.index]
            places[node.index] = g if before is None else before + g
            continue
        rules = node.primitive.rules_for(node)
        inputs, output = _saved(node, lift, retain_graph)
        several = type(g) is list
        if travels:
            F = raw(device.go_to(next(c for c in g if c is not None) if several else g))
        if widens:
            g, output = dtypes.to_float32(g), dtypes.to_float32(output)
            inputs, _ = dtypes.in_float32(inputs)  # and the numbers that the operation took
        if several:
            g = Cotangents(g, node, F)
        for parent, rule in zip(node.parents, rules, strict=True):
            if parent is None or rule is None or (useful is not None and parent not in useful):
                continue
            contribution = _apply(rule, F, g, output, inputs, node)
            if getattr(contribution, "shape", None) != parent.shape:
                contribution = _summed(F, contribution, parent, node)
            if lift is not None and not hasattr(contribution, "node"):
                raise _not_a_gradient("a raw array", parent, node)
            if contribution.dtype != parent.dtype:
                contribution = in_dtype(F, contribution, parent.dtype)
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


def in_dtype(F: Vocabulary, value: Any, dtype: Any) -> Any:
    """Return a cotangent in the dtype of its value: of a real value it is the real part."""
    if value.dtype == dtype:
        return value
    if value.dtype.kind == "c" and dtype.kind != "c":
        value = F.real(value)
    return F.astype(value, dtype=dtype)


def _leading_to(wanted: set[Node], newest_first: list[Node]) -> set[Node]:
    leading = set(wanted)
    for node in reversed(newest_first):
        if node not in leading and not leading.isdisjoint(node.parents):
            leading.add(node)
    return leading


def _saved(node: Node, lift: Lift | None, retain_graph: bool) -> tuple[Any, Any]:
    """Return the inputs and the output as the rules of a node read them; the node may let go."""
    inputs, output = node.inputs, node.output
    if inputs is None:
        raise RuntimeError(
            f"backward: the arrays saved by {node.label} were released by an earlier backward "
            "through it. Pass retain_graph=True to the first call, or compute the result again."
        )
    check_unwritten(node)
    if not retain_graph and type(inputs) is list:
        node.inputs = node.output = None
    if lift is not None:
        inputs = [
            lift(value, parent) if hasattr(value, "astype") else value
            for value, parent in zip(inputs, node.parents, strict=True)
        ]
        output = None if output is None else _lift_output(output, node, lift)
    return inputs, node if output is None else output


def _lift_output(output: Any, node: Node, lift: Lift) -> Any:
    if not isinstance(output, tuple):
        return lift(output, node)
    return tuple(
        lift(array, Output(node, i) if dtypes.is_inexact(array.dtype) else None)
        for i, array in enumerate(output)
    )


def _summed(F: Vocabulary, contribution: Any, parent: Node, node: Node) -> Any:
    """Return what a rule gave summed down to the shape of its input."""
    shape = getattr(contribution, "shape", None)
    if shape is None:
        raise _not_a_gradient(f"a {type(contribution).__name__}", parent, node)
    try:
        return F.sum_to(contribution, shape=parent.shape)
    except EXPLAINED as error:
        raise _not_a_gradient(f"shape {shape}", parent, node) from error


def _not_a_gradient(given: str, parent: Node, node: Node) -> ValueError:
    return ValueError(
        f"backward: the gradient rule of {node.label} returned {given} for an input of shape "
        f"{parent.shape}. It has to return an array of that shape, or of one that the input "
        "broadcasts to; where the gradient is recorded, a Tensor: use operators and the words of F"
    )


def _apply(rule: Any, F: Vocabulary, g: Any, output: Any, inputs: Any, node: Node) -> Any:
    """Return what a gradient rule of a node says; its errors name the operation."""
    try:
        return rule(F, g, output, *inputs, **node.attributes)
    except MemoryError as error:
        if not device.may_retry(error):
            raise
    except EXPLAINED as error:
        met = [s if p is None else p for p, s in zip(node.parents, inputs, strict=True)]
        text = call_text(node.label, met, node.attributes)
        raise plain_kind(error)(f"the gradient of {text}: {error}") from error
    # Out here nothing holds on to what the failed attempt had made.
    work = partial(rule, F, g, output, *inputs, **node.attributes)
    return device.once_more(work, f"backward: the gradient of {node.label}")
