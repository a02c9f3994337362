"""An operation on a batch of its operands, derived from the labels of its axes.

The batch is one more axis in front of the operands.  Where `...` stands in the labels of an
operation, `...` takes that axis; where the labels follow from an attribute `axis`, the attribute is
shifted by one.  The few operations for which neither is enough have a rule: `@reshape.vmap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from autograd_iron.core.axes import Label, Labels, passage
from autograd_iron.core.batch import moved, with_axes
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.core.specs import Spec


def batched(
    primitive: Primitive,
    operands: Sequence[Any],
    axes: Sequence[int | None],
    attributes: dict[str, Any],
) -> Any:
    """Return what an operation makes of each part of a batch, as one array or a tuple of them.

    Parameters
    ----------
    primitive : Primitive
    operands : sequence of Tensor, number or None
        Those of a call, in full.
    axes : sequence of int or None
        The axis of the batch in each operand; None: every part has the whole operand.
    attributes : dict
        All those of one part's call, in their normal form.

    Returns
    -------
    Tensor or tuple of Tensor
        The batch is the first axis of each.

    Raises
    ------
    ValueError
        No operand has a batch, or two have batches of different sizes.
    TypeError
        The operation has no labels that say what to do with the batch, and no rule.
    """
    pairs = list(zip(operands, axes, strict=True))
    sizes = {x.shape[a] for x, a in pairs if a is not None}
    if len(sizes) != 1:
        found = f"sizes {sorted(sizes)}" if sizes else "no batch"
        raise ValueError(f"{primitive.name}: the operands of a batch have one size, not {found}")
    fronted = [x if a is None else moved(F, x, a % x.ndim, 0) for x, a in pairs]
    own = tuple(a is not None for a in axes)
    if primitive.vmap_rule is not None:
        return primitive.vmap_rule(F, own, *fronted, **attributes)
    return _by_labels(primitive, fronted, own, attributes)


def _by_labels(
    primitive: Primitive, operands: list[Any], own: tuple[bool, ...], attributes: dict[str, Any]
) -> Any:
    parts = [
        Spec(x.shape[1:], x.dtype) if batch else x for x, batch in zip(operands, own, strict=True)
    ]
    one = primitive.labels(parts, attributes)
    if one is None:
        _refuse(primitive)
    if one.leads is None:
        attributes = {
            name: _shifted(value, parts[0].ndim) if name == "axis" and own[0] else value
            for name, value in attributes.items()
        }
    else:
        most = max(lead or 0 for lead in one.leads)
        for i, lead in enumerate(one.leads):
            if own[i]:
                if lead is None:
                    _refuse(primitive)
                operands[i] = with_axes(F, operands[i], operands[i].ndim - 1 + most - lead)
    many = primitive.labels(operands, attributes)
    found = None if many is None else passage(many, [0 if batch else None for batch in own])
    places = tuple(a for a in found or () if isinstance(a, int))
    if many is None or not found or len(places) < len(found):
        _refuse(primitive)
    if one.leads is None and _named(_without_batch(many, own, places)) != _named(one):
        _refuse(primitive)
    made: Any = primitive(*operands, **attributes)
    several = isinstance(made, tuple)
    outputs = made if several else (made,)
    places *= len(outputs) // len(places)
    fronted = [moved(F, y, a, 0) for y, a in zip(outputs, places, strict=True)]
    return tuple(fronted) if several else fronted[0]


def _shifted(axis: Any, ndim: int) -> Any:
    """Return the axes of a value in a batch of such values."""
    if axis is None:
        return tuple(range(1, ndim + 1))
    if isinstance(axis, tuple):
        return tuple(a % ndim + 1 for a in axis)
    return axis % ndim + 1


def _without_batch(many: Labels, own: tuple[bool, ...], places: tuple[int, ...]) -> Labels:
    operands = tuple(
        labels[1:] if batch else labels for labels, batch in zip(many.operands, own, strict=True)
    )
    outputs = tuple(
        labels[:a] + labels[a + 1 :] for labels, a in zip(many.outputs, places, strict=True)
    )
    return many._replace(operands=operands, outputs=outputs)


def _named(labels: Labels) -> Labels:
    """Return the labels as numbers, in the order in which they appear."""
    numbers: dict[Label, int] = {}

    def of(sides: tuple[tuple[Label, ...], ...]) -> tuple[tuple[Label, ...], ...]:
        return tuple(
            tuple(None if a is None else numbers.setdefault(a, len(numbers)) for a in side)
            for side in sides
        )

    return labels._replace(operands=of(labels.operands), outputs=of(labels.outputs))


def _refuse(primitive: Primitive) -> NoReturn:
    name = primitive.name
    raise TypeError(
        f"{name}: its labels do not say what becomes of a batch. Label its axes so that `...` "
        f'takes the batch, as in {name}.axes("...ij -> ...ji"), or give it a rule: @{name}.vmap'
    )
