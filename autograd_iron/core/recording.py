"""Adding a call to the graph: its node, which keeps only what gradient rules read."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import dtypes
from autograd_iron.core.graph import Node, Output
from autograd_iron.core.specs import Spec
from autograd_iron.core.switches import switches

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive


def node_of(
    primitive: Primitive,
    tracked: int,
    parents: list[Node | None],
    arrays: list[Any],
    output: Any,
    attributes: dict[str, Any],
) -> Node | None:
    """Return the node of a call; None if none of the tracked inputs has a gradient rule.

    Parameters
    ----------
    tracked : int
        A bit for each input that requires a gradient.
    parents : list of Node or None
        The place of each input in the graph.
    arrays : list
        The inputs; those that no rule reads are replaced by their shapes and dtypes.
    """
    key = (tracked, len(arrays)) if primitive.variadic else tracked
    keeps = primitive.keeps.get(key)
    if keeps is None:
        keeps = primitive.keeps[key] = _what_rules_read(primitive, tracked, len(arrays))
    differentiable, keep_output, keep_inputs = keeps
    if not differentiable:
        return None
    inputs: Any = arrays
    for i, kept in enumerate(keep_inputs):
        if not kept:
            array = arrays[i]
            if hasattr(array, "dtype"):
                inputs[i] = parents[i] or Spec(array.shape, array.dtype)
    if type(output) is tuple and not keep_output and not any(keep_inputs):
        inputs = tuple(inputs)  # parts of a split may go backward one by one
    shape, dtype = _spec(output)
    output = output if keep_output else None
    return Node(primitive, tuple(parents), inputs, output, attributes, shape, dtype)


def _what_rules_read(
    primitive: Primitive, tracked: int, count: int
) -> tuple[bool, bool, tuple[bool, ...]]:
    differentiable = keep_output = False
    keep_inputs = [False] * count
    for argument in range(count):
        if not tracked >> argument & 1:
            continue
        position = 0 if primitive.variadic else argument
        rule = primitive.rules[position] if position < len(primitive.rules) else None
        if rule is None:
            continue
        differentiable = True
        _, _, y, *inputs = inspect.signature(rule).parameters.values()
        keep_output |= not y.name.startswith("_")
        for i, parameter in enumerate(inputs):
            kept = not parameter.name.startswith("_")
            if parameter.kind is parameter.VAR_POSITIONAL:
                keep_inputs[i:] = [old or kept for old in keep_inputs[i:]]
            elif i < count and parameter.kind is not parameter.KEYWORD_ONLY:
                keep_inputs[i] |= kept and parameter.name not in primitive.defaults
    return differentiable, keep_output, tuple(keep_inputs)


def places_of(
    primitive: Primitive,
    tracked: int,
    parents: list[Node | None],
    arrays: list[Any],
    outputs: tuple[Any, ...],
    attributes: dict[str, Any],
) -> list[Node | None]:
    """Return where in the graph each of several results is; None where no gradient flows."""
    floats = [dtypes.is_inexact(output.dtype) for output in outputs]
    node = None
    if tracked and switches().recording and primitive.rules and any(floats):
        node = node_of(primitive, tracked, parents, arrays, outputs, attributes)
    return [Output(node, i) if node is not None and f else None for i, f in enumerate(floats)]


def _spec(output: Any) -> tuple[Any, Any]:
    if type(output) is not tuple:
        return output.shape, output.dtype
    return tuple(o.shape for o in output), tuple(o.dtype for o in output)
