"""Objects that stand in for others, whose attributes they have."""

from __future__ import annotations

from typing import Any


class StandIn:
    """Base of what stands in for another object.

    Attributes
    ----------
    behind : object
        What it stands in for.
    """

    behind: Any


def behind(value: Any) -> Any:
    """Return what a value stands in for, or the value itself."""
    # Not by isinstance, which asks the attribute `__class__` of everything else too.
    return value.behind if issubclass(type(value), StandIn) else value
