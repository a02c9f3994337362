"""SciPy's functions for the arrays of either library: SciPy's own, or those of CuPy's `cupyx`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from autograd_iron.arrays import device


@cache
def scipy(xp: Any, name: str) -> Any:
    """Return SciPy's module of a name ("special", "linalg") for the arrays of `xp`.

    Raises
    ------
    ImportError
        SciPy is not installed.
    """
    home = "scipy" if xp is device.host else "cupyx.scipy"
    try:
        return import_module(f"{home}.{name}")
    except ImportError as error:
        raise ImportError(
            f"this operation is SciPy's, which cannot be imported ({error}): "
            "pip install 'autograd-iron[scipy]', which is pip install scipy"
        ) from None
