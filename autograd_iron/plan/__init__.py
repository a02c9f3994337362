"""Capture, passes, tiling and execution of static plans."""

from autograd_iron.plan.compiled import compile

__all__ = ["compile"]
