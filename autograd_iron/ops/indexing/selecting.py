"""Choosing among several arrays: by conditions in order, by number, piece by piece."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.composite import composite, operand, operands
from autograd_iron.core.specs import axes_of
from autograd_iron.core.switches import switches

__all__ = ["apply_along_axis", "choose", "piecewise", "select"]


@composite
def select(F, condlist, choicelist, /, default=0):
    """Return for each element the choice whose condition holds first (the default if none does).

    Parameters
    ----------
    condlist : sequence of array of bool
    choicelist : sequence of array
        As many; all broadcast.
    """
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(
            f"there are {len(condlist)} conditions and {len(choicelist)} choices; give as many of "
            "one as of the other"
        )
    made = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        made = F.where(_truths(F, condition), choice, made)
    return made


def _truths(F, condition, beside=()):
    condition = operand(F, condition, beside)
    if condition.dtype != dtypes.bool_:
        raise TypeError(f"a condition is of truths, not of {condition.dtype}; compare: x != 0")
    return condition


@composite
def choose(F, x, choices, /, mode="raise"):
    """Return for each element of an array of integers that of the choice which has this number.

    Parameters
    ----------
    choices : sequence of array
        All broadcast, with each other and with `x`.
    mode : {"raise", "wrap", "clip"}
        What a number means that no choice has: an error, one from the other end, the nearest.
    """
    (x, *given), count = operands(F, x, *choices), len(choices)
    if x.dtype.kind not in "iub":
        raise TypeError(f"the numbers of choices are integers, not {x.dtype}")
    if not count:
        raise ValueError("there are no choices to choose from")
    if x.dtype == dtypes.bool_:
        x = F.astype(x, dtype="int64")
    if mode == "wrap":
        x = F.remainder(x, count)
    elif mode == "clip":
        x = F.clip(x, 0, count - 1)
    elif mode != "raise":
        raise ValueError(f"mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    elif F.xp is None and device.of(x) == "cpu" and x.size:
        message = f"there are {count} choices, and x has numbers from {{low:g}} to {{high:g}}"
        switches().executor.check_range(x, 0, count - 1, message, nan=True)
    made = F.where(x == 0, given[0], given[-1])
    for number in range(1, count - 1):
        made = F.where(x == number, given[number], made)
    return made


@composite
def piecewise(F, x, condlist, funclist, /, *args, **settings):
    """Return of each element what the function makes of it whose condition holds.

    Each function is called with all of `x`, and works on each element by itself.

    Parameters
    ----------
    condlist : sequence of array of bool, or one
        Where several hold, the last counts.
    funclist : sequence of callable or number
        As many; one more is for where none holds, which else is 0.
    *args, **settings
        What the functions take besides.
    """
    x = operand(F, x)
    several = isinstance(condlist, list | tuple) and not _is_truth(condlist[:1])
    conditions = [_truths(F, c, (x,)) for c in (condlist if several else [condlist])]
    pieces = list(funclist)
    if len(pieces) not in (len(conditions), len(conditions) + 1):
        raise ValueError(
            f"there are {len(conditions)} conditions and {len(pieces)} functions; give as many, "
            "or one more for where no condition holds"
        )
    made = F.zeros(x.shape, dtype=x.dtype, device=device.of(x))
    if len(pieces) > len(conditions):
        made = _piece(pieces[-1], x, args, settings) + made
    for condition, piece in zip(conditions, pieces, strict=False):
        made = F.where(condition, _piece(piece, x, args, settings), made)
    return made if made.dtype == x.dtype else F.astype(made, dtype=x.dtype)


def _is_truth(first):
    return bool(first) and isinstance(first[0], bool | device.host.bool_)


def _piece(piece, x, args, settings):
    return piece(x, *args, **settings) if callable(piece) else piece


@composite
def apply_along_axis(F, func1d, axis, x, /, *args, **settings):
    """Return what a function of a vector makes of each slice of `x` along an axis.

    The axes of the results, which have one shape, stand in the place of the axis.
    """
    x = operand(F, x)
    (axis,) = axes_of(axis, x.ndim)
    lead = F.moveaxis(x, axis, -1)
    around = lead.shape[:-1]
    rows = F.reshape(lead, shape=(-1, x.shape[axis]) if x.size else (0, 0))
    if not rows.shape[0]:
        raise ValueError(f"there is no slice of shape {x.shape} to apply a function to")
    made = F.stack([func1d(rows[i], *args, **settings) for i in range(rows.shape[0])])
    result = made.shape[1:]
    made = F.reshape(made, shape=(*around, *result))
    sources = tuple(range(len(around), made.ndim))
    return F.moveaxis(made, sources, tuple(range(axis, axis + len(result))))
