"""Writing a plan as a file of its own."""

from __future__ import annotations

import os
from collections.abc import Callable

from autograd_iron.plan.build import Plan


def eject(plan: Plan, before: list[Callable[[], None]], path: str | os.PathLike[str]) -> None:
    """Write the plan; see `Compiled.eject`."""
    raise NotImplementedError
