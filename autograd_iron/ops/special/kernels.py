"""How kernels call SciPy's special functions, and the rule of an argument without a derivative."""

# mypy: disable-error-code="no-untyped-def, attr-defined"

from __future__ import annotations

from autograd_iron.arrays.scipy import scipy

BY_SCIPY = "the kernel is SciPy's"


def of_scipy(xp, name, *arrays):
    """Return what a function of `scipy.special` makes of arrays, in the dtype of these."""
    made = getattr(scipy(xp, "special"), name)(*arrays)
    if not any(hasattr(a, "dtype") for a in arrays):  # numbers in a rule
        return float(made)
    met = xp.result_type(*[a for a in arrays if getattr(a, "dtype", None) is not None])
    return made.astype(met, copy=False)


def no_derivative(operation, argument):
    """Return the rule of an argument of which no derivative is known."""

    def rule(_F, _g, _y, *_inputs, **_attributes):
        raise NotImplementedError(
            f"{operation} has no derivative with respect to {argument} in closed form; detach it, "
            f"or take differences: ({operation}({argument} + h) - {operation}({argument} - h)) / 2h"
        )

    rule.refuses = True
    return rule


def in_dtype_of(number, x):
    """Return a Python number in the dtype of an operand; what has a dtype as it is."""
    return number if hasattr(number, "dtype") else x * 0 + number
