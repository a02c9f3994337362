"""Operations on each element by itself."""

from autograd_iron.ops.elementwise import (
    angles,
    arithmetic,
    bits,
    choosing,
    complex,
    exponential,
    hyperbolic,
    likeness,
    logarithms,
    questions,
    rounding,
    trigonometric,
)

__all__ = [
    "angles",
    "arithmetic",
    "bits",
    "choosing",
    "complex",
    "exponential",
    "hyperbolic",
    "likeness",
    "logarithms",
    "questions",
    "rounding",
    "trigonometric",
]
