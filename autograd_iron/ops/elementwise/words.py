"""What several families of elementwise operations share."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, intake
from autograd_iron.core.composite import floating, operand
from autograd_iron.ops.creation import asarray


def zero_slope(F, g, _y, *_inputs, **_attributes):
    """The rule of an argument in which the result is flat wherever it does not jump."""
    return F.astype(F.not_equal(g, g), dtype=g.dtype) if F.xp is None else F.xp.zeros_like(g)


def is_number(x):
    """Say whether an argument is one number, which takes the dtype of the arrays beside it."""
    if isinstance(x, device.Array):
        return x.ndim == 0
    return isinstance(x, int | float | complex | device.Scalar)


def number_or_operand(F, x, beside):
    """Return an operand that meets another, but a number as it is: unrounded."""
    return x if is_number(x) else operand(F, x, (beside,))


def together(F, *operands):
    """Return arguments in floating dtypes; numbers have that in which the arrays meet."""
    if F.xp is not None:
        return operands
    arrays = [floating(F, x, operands) for x in operands if not is_number(x)]
    real = not any(isinstance(x, complex) for x in operands)
    dtype = device.result_type(*(a.dtype for a in arrays)) if arrays and real else None
    left = iter(arrays)

    def tensor(number):
        if not arrays:
            return asarray(number)
        made = intake.as_array(number, dtype)  # not moved, which no captured step does
        return F.full((), made.item(), dtype=made.dtype, device=arrays[0].device)

    return tuple(floating(F, tensor(x)) if is_number(x) else next(left) for x in operands)
