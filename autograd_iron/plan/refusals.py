"""What a capture refuses, in words that name the user's own line."""

from __future__ import annotations

import os
import traceback
from typing import NoReturn

from autograd_iron.core.tensor import Tensor


class CaptureError(RuntimeError):
    """The function does something that cannot be replayed."""


def refuse(what: str, instead: str) -> NoReturn:
    """Raise a CaptureError that names the user's line, and says what to write instead."""
    frames = traceback.extract_stack()
    line = next((f for f in reversed(frames) if not is_ours(f.filename)), frames[-1])
    raise CaptureError(
        f"compile: {what} at {line.filename}:{line.lineno} ({line.line}). A compiled step is "
        f"replayed without running this line again. {instead}"
    )


def is_ours(filename: str) -> bool:
    """Return whether a file is the engine's, or that of the nn beside it."""
    path = os.path.realpath(filename)
    return any(path.startswith(os.path.join(_HOME, name, "")) for name in ("autograd_iron", "nn"))


_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def shared_memory(target: Tensor, other: Tensor) -> CaptureError:
    """Return the error for a tensor that is assigned to while another one shows its memory."""
    return CaptureError(
        f"compile: the tensor of shape {target.shape} that is assigned to shares its memory with "
        f"another one that the function uses or is given, of shape {other.shape}. Use one of them "
        "for both, or make the other a copy with ai.tensor"
    )
