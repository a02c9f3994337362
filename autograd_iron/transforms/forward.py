"""Forward mode, derived from the gradient rules: no operation writes a rule for it.

The Jacobian of an elementwise operation is diagonal, so that its gradient rule, fed the tangent in
the place of the cotangent, *is* the forward rule.  All others go by double transposition: a
gradient rule is linear in its cotangent, and the transpose of that linear function is the forward
rule (Townsend, "A new trick for calculating Jacobian vector products", 2017,
https://j-towns.github.io/2017/06/12/A-new-trick.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_iron.arrays import dtypes
from autograd_iron.core.backward import in_dtype, pull_back
from autograd_iron.core.graph import Cotangents
from autograd_iron.core.primitive import Primitive
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.core.specs import Spec
from autograd_iron.core.switches import enable_grad, switches
from autograd_iron.core.tensor import Tensor


def tangents(
    primitive: Primitive,
    inputs: Sequence[Any],
    output: Tensor | tuple[Tensor, ...],
    given: Sequence[Tensor | None],
    attributes: dict[str, Any],
) -> list[Tensor | None]:
    """Return the derivative of each output of a call, along the tangents of its inputs.

    Parameters
    ----------
    primitive : Primitive
    inputs : sequence of Tensor, number or None
        Those of the call, in full.
    output : Tensor or tuple of Tensor
        What the call returned.
    given : sequence of Tensor or None
        The tangent of each input, of its shape and dtype; None for zero.
    attributes : dict
        All of them, in their normal form.

    Returns
    -------
    list of Tensor or None
        One tangent an output, of its shape and dtype; None for zero.  They are recorded if the
        inputs or their tangents require a gradient.
    """
    outputs = output if isinstance(output, tuple) else (output,)
    pairs = [
        (x, t, rule)
        for x, t, rule in zip(inputs, given, primitive.one_rule_each(len(inputs)), strict=True)
        if t is not None and rule is not None
    ]
    # The forward rule of complex numbers is not the gradient rule, but the conjugate of what that
    # makes of a conjugate, and only if the operation has a complex derivative.
    plain = primitive.is_elementwise and not any(map(_is_complex, (*inputs, *outputs)))
    through = _diagonal if plain else _transposed
    found: list[Tensor | None] = [None] * len(outputs)
    for x, t, rule in pairs:
        for i, made in enumerate(through(rule, x, t, inputs, output, attributes)):
            if made is not None:
                before = found[i]
                found[i] = made if before is None else before + made
    return found


def _is_complex(value: Any) -> bool:
    return dtypes.is_complex(getattr(value, "dtype", dtypes.default_float))


def _diagonal(
    rule: Any, _x: Any, tangent: Tensor, inputs: Sequence[Any], output: Any, attributes: Any
) -> list[Tensor | None]:
    found: list[Tensor | None] = []
    outputs = output if isinstance(output, tuple) else (output,)
    for i, y in enumerate(outputs):
        if not dtypes.is_inexact(y.dtype):
            found.append(None)
            continue
        along: list[Any] = [None] * len(outputs)
        along[i] = _fitted(tangent, y)
        found.append(_fitted(rule(F, _cotangent(along, output), output, *inputs, **attributes), y))
    return found


def _transposed(
    rule: Any, x: Tensor, tangent: Tensor, inputs: Sequence[Any], output: Any, attributes: Any
) -> list[Tensor | None]:
    outputs = output if isinstance(output, tuple) else (output,)
    records = switches().recording
    with enable_grad():
        # Ones, for a rule may take a zero for one that absorbs what it is multiplied by.
        along = [_ones(y) if dtypes.is_inexact(y.dtype) else None for y in outputs]
        back = rule(F, _cotangent(along, output), output, *inputs, **attributes)
        if back.shape != x.shape:
            back = F.sum_to(back, shape=x.shape)
        back = in_dtype(F, back, tangent.dtype)
        if back.node is None:
            return [None] * len(outputs)
        targets = [g.node for g in along if g is not None]
        pulled = pull_back([back], [tangent], targets, create_graph=True)
    found = [None if g is None else pulled.get(g.node) for g in along]
    tracked = records and any(getattr(v, "requires_grad", False) for v in (*inputs, tangent))
    return [None if v is None else v if tracked else v.detach() for v in found]


def _ones(like: Tensor) -> Any:
    made = F.ones(like.shape, dtype=like.dtype, device=like.device)
    made.requires_grad = True
    return made


def _cotangent(along: list[Any], output: Any) -> Any:
    """Return cotangents as a rule gets them: one, or those of several outputs."""
    if not isinstance(output, tuple):
        return along[0]
    whole: Any = Spec(tuple(y.shape for y in output), tuple(y.dtype for y in output))
    return Cotangents(along, whole, F)


def _fitted(value: Tensor, like: Tensor) -> Tensor:
    """Return the value in the shape and dtype of another one."""
    if value.shape != like.shape:
        value = F.broadcast_to(value, shape=like.shape)
    return value if value.dtype == like.dtype else F.astype(value, dtype=like.dtype)
