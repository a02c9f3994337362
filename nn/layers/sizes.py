"""The sizes that layers are given."""

from __future__ import annotations

from autograd_iron.support.integers import integer


def sizes(layer: str, lowest: int = 1, **given: int) -> list[int]:
    """Return the sizes given to a layer as Python's integers.

    Raises
    ------
    ValueError
        One of them is not an integer from ``lowest`` up.
    """
    found = [integer(size) for size in given.values()]
    for (name, size), whole in zip(given.items(), found, strict=True):
        if whole is None or whole < lowest:
            raise ValueError(
                f"{layer}: {name} must be an integer from {lowest} up, and it is {size!r}. "
                f"The number of coordinates or columns of x is x.shape[-1]."
            )
    return [whole for whole in found if whole is not None]
