"""Operations on each element by itself."""

from autograd_iron.ops.elementwise import (
    arithmetic,
    choosing,
    complex,
    exponential,
    questions,
    trigonometric,
)

__all__ = ["arithmetic", "choosing", "complex", "exponential", "questions", "trigonometric"]
