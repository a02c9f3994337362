"""Holding a kernel from outside the engine to what a plan takes for granted.

A kernel leaves its operands as they are: in a plan their memory may be that of other values.

A wrong label would be a wrong number: the plan cuts along the axes that labels name.  So before the
first tile a few positions of each labelled axis are computed together and one by one, from the
values that are there.  The engine's own labels are proven by its tests.
"""

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device
from autograd_iron.core.axes import Label, passage
from autograd_iron.core.explain import EXPLAINED
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.reduce.extremes import COMBINED
from autograd_iron.plan.refusals import is_ours

POSITIONS = 4
# The unit roundoff of floats of so many bytes; of 2, the coarser one.
_ROUNDOFF = {2: 2.0**-8, 4: 2.0**-24, 8: 2.0**-53}


def is_foreign(primitive: Primitive) -> bool:
    """Return whether the kernel of an operation was written outside the engine."""
    code = getattr(primitive.kernel, "__code__", None)
    return code is None or not is_ours(code.co_filename)


def first_run(
    primitive: Primitive, arrays: list[Any], attributes: dict[str, Any], tiled: bool
) -> Any:
    """Run a kernel on copies of its operands, and refuse it if it writes into them.

    Raises
    ------
    TypeError
        It does, or in a tile it does not keep the labels of its axes.
    """
    if tiled:
        hold_to_labels(primitive, arrays, attributes)
    copies = [x.copy() if hasattr(x, "dtype") else x for x in arrays]
    made = primitive.compute(copies, attributes)
    for i, (x, copy) in enumerate(zip(arrays, copies, strict=True)):
        if hasattr(x, "dtype") and x.tobytes() != copy.tobytes():
            raise TypeError(
                f"{primitive.name}: the kernel writes into its operand {i}, of shape {x.shape}, "
                "whose values others need. Return a new array, as x + 1 is and x += 1 is not"
            )
    return made


def hold_to_labels(primitive: Primitive, arrays: list[Any], attributes: dict[str, Any]) -> None:
    """Refuse labels that the kernel does not keep for these operands.

    Raises
    ------
    TypeError
        Positions of an axis know of each other, or results of parts do not combine as the labels
        say.
    """
    labels = primitive.labels(arrays, attributes)
    if labels is None or "shape" in attributes:
        return
    cuts: dict[Label, list[int | None]] = {}
    for label in {label for own in labels.operands for label in own} - {None}:
        cuts[label] = [own.index(label) if label in own else None for own in labels.operands]
    for cut in cuts.values():
        answers = passage(labels, cut)
        if answers is None:
            continue
        size = next(x.shape[a] for x, a in zip(arrays, cut, strict=True) if a is not None)
        chosen = sorted({i * (size - 1) // (POSITIONS - 1) for i in range(POSITIONS)})
        if size < 2:
            continue
        together = _computed(primitive, arrays, cut, chosen, attributes)
        parts = [_computed(primitive, arrays, cut, [i], attributes) for i in chosen]
        if together is None or any(part is None for part in parts):
            continue  # the kernel does not take so few
        answers *= len(together) // len(answers)
        for i, answer in enumerate(answers):
            apart = [part[i] for part in parts if part is not None]
            if not _is_made_of(together[i], apart, answer, arrays):
                axis = next(a for a in cut if a is not None)
                name = primitive.name
                says = (
                    f"can be cut along axis {answer} of the result"
                    if isinstance(answer, int)
                    else f"is the {answer} of the results of parts"
                )
                raise TypeError(
                    f"{name}: by its labels the result {says}, where axis {axis} of an operand "
                    "is cut, and its kernel makes something else of the parts. Label an axis that "
                    f"is needed whole with a capital letter, as in {name}.axes('...Ij -> ...Ij'); "
                    "an operation that is made with `elementwise` looks at one element at a time"
                )


def _computed(
    primitive: Primitive,
    arrays: list[Any],
    cut: list[int | None],
    positions: list[int],
    attributes: dict[str, Any],
) -> tuple[Any, ...] | None:
    """Return the results for some positions of an axis; None if the kernel does not take them."""
    given = [
        x if a is None else device.host.take(x, positions, axis=a)
        for x, a in zip(arrays, cut, strict=True)
    ]
    try:
        made = primitive.compute(given, attributes)
    except EXPLAINED:
        return None
    return made if isinstance(made, tuple) else (made,)


def _is_made_of(whole: Any, parts: list[Any], answer: int | str, arrays: list[Any]) -> bool:
    """Return whether a result is that of the parts, but for rounding."""
    xp = device.host
    try:
        if isinstance(answer, int):
            joined = xp.concatenate(parts, axis=answer)
        else:
            joined = COMBINED[answer].kernel(xp, xp.stack(parts), axis=0, keepdims=False)
    except ValueError:
        return False
    if joined.shape != whole.shape:
        return False
    if whole.dtype.kind in "biu":
        return bool((whole == joined).all())
    numbers = [xp.abs(x.astype("d")) for x in (*arrays, *parts) if hasattr(x, "dtype")]
    scale = max((float(x[xp.isfinite(x)].max(initial=0.0)) for x in numbers), default=0.0)
    near = scale * _ROUNDOFF.get(whole.dtype.itemsize, 2.0**-8) ** 0.5
    return bool(xp.allclose(whole.astype("d"), joined.astype("d"), 0.0, near, equal_nan=True))
