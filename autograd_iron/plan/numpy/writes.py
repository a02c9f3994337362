"""Which steps compute straight in the memory of the tensors that a program assigns to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from autograd_iron.arrays import device
from autograd_iron.plan.program import Step, Value


def direct_writes(
    steps: list[Step],
    effects: list[tuple[Any, Value]],
    arrays: dict[Value, Any],
    kept: set[Value],
) -> dict[Value, Any]:
    """Return the values that may lie in the memory of the tensor that they end in.

    These are the effects that a ufunc makes, and what a chain of ufuncs makes on the way there,
    once nothing else reads the tensor: 0.9 * v and then 0.9 * v + g, both in v.
    """
    direct: dict[Value, Any] = {}
    made = {v: i for i, s in enumerate(steps) for v in s.outputs}
    read: dict[Value, list[int]] = {}
    for i, step in enumerate(steps):
        for v in set(step.values):
            read.setdefault(v, []).append(i)
    times = Counter(id(tensor) for tensor, _ in effects)
    showing: dict[int, set[Value]] = {}  # by the memory that they show
    for v, a in arrays.items():
        showing.setdefault(id(device.storage(a)), set()).add(v)
    for tensor, end in effects:
        if end in direct or times[id(tensor)] > 1:
            continue
        shows = showing.get(id(device.storage(tensor.data)), set())
        last = max((i for v in shows for i in read.get(v, ())), default=0)
        value: Value | None = end
        while value in made:
            i = made[value]
            step = steps[i]
            fits = value.shape == tensor.shape and value.dtype == tensor.dtype
            if not fits or i < last or step.primitive.ufunc is None:
                break
            if not all(arrays[v] is tensor.data for v in step.values if v in shows):
                break
            direct[value] = tensor.data
            alone = (v for v in step.values if v in made and read[v] == [i] and v not in kept)
            value = next(alone, None)
    return direct
