"""Arrays as they are written down: nested lists of numbers and Tensors, and pieces in brackets."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import device as devices
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.registry import on_tensors
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import arange, asarray, linspace, tensor

__all__ = ["array", "c_", "index_exp", "r_", "s_"]


@composite
def array(F, value, /, dtype=None, *, copy=True, ndmin=0, device=None):
    """Return an array of the values, which gradients flow through.

    Parameters
    ----------
    value : array, Tensor, number or nested list of them
        A list that has Tensors in it is stacked from them, and from the numbers beside them.
    dtype : dtype or str, optional
    copy : bool, optional
        False or None: share memory where that is possible.
    ndmin : int
        Axes of size 1 are put before the others until there are so many.
    device : str, optional
        As in `tensor`.
    """
    if _has_tensors(value):
        made = _stacked(F, value)
    elif hasattr(value, "node") or F.xp is not None:
        made = F.copy(value) if copy else value
    elif copy:
        made = tensor(value, dtype, device=device)
    else:
        made = asarray(value, dtype, device, copy=copy)
    if dtype is not None:
        made = F.astype(made, dtype=dtype)
    if device is not None:
        made = made.to(device)
    return F.reshape(made, shape=(1,) * (ndmin - made.ndim) + tuple(made.shape))


def _has_tensors(value):
    return isinstance(value, list | tuple) and any(
        hasattr(part, "node") or _has_tensors(part) for part in value
    )


def _stacked(F, value):
    return F.stack([_stacked(F, part) if _has_tensors(part) else part for part in value])


class Pieces:
    """What is indexed with pieces to join them: `r_[1:4, 0, x]`, `c_[x, y]`.

    A piece is an array, a number or a slice from start to stop in steps; an imaginary step is a
    number of points, which then include the stop.  A text that comes first says as in NumPy how to
    join: the axis, the least number of axes, and where those of a vector go ("0,2,0"), or "r" and
    "c" for a matrix.
    """

    def __init__(self, name: str, axis: int, ndmin: int, first: int) -> None:
        self._name, self._how = name, (axis, ndmin, first)

    def __repr__(self) -> str:
        return self._name

    def __getitem__(self, key: Any) -> Tensor:
        pieces = list(key) if isinstance(key, tuple) else [key]
        (axis, ndmin, first), matrix = self._how, ""
        if pieces and isinstance(pieces[0], str):
            text = pieces.pop(0)
            if text in ("r", "c"):
                matrix = text
            else:
                axis, ndmin, first = self._read(text)
        if not pieces:
            raise ValueError(f"{self._name}: there is nothing to join")
        pieces = [on_tensors.array(p) if _has_tensors(p) else p for p in pieces]
        beside = tuple(p for p in pieces if hasattr(p, "dtype"))
        parts = [self._axes(self._values(p, beside), ndmin, first) for p in pieces]
        joined: Tensor = on_tensors.concat(parts, axis=axis)
        if matrix and joined.ndim == 1:
            joined = joined.reshape((-1, 1) if matrix == "c" else (1, -1))
        return joined

    def _read(self, text: str) -> tuple[int, int, int]:
        try:
            numbers = [int(number) for number in text.split(",")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3:
            raise ValueError(
                f"{self._name}: {text!r} is none of 'r', 'c' and up to three whole numbers, '0,2,0'"
            )
        axis, ndmin, first = (*numbers, *self._how[len(numbers) :])
        return axis, ndmin, first

    @staticmethod
    def _values(piece: Any, beside: tuple[Any, ...]) -> Tensor:
        """Return a piece as an array; numbers take the dtype that they have beside the others."""
        if not isinstance(piece, slice):
            values: Tensor = operand(on_tensors, piece, beside)
            return values
        start, stop = piece.start or 0, piece.stop
        step = 1 if piece.step is None else piece.step
        floats = [x.dtype for x in beside if x.dtype.kind in "fV"]
        dtype = devices.result_type(*floats) if floats else None
        if isinstance(step, complex):
            return linspace(start, stop, int(abs(step)), dtype=dtype)
        whole = all(isinstance(n, int) for n in (start, stop, step))
        return arange(start, stop, step, dtype=None if whole else dtype)

    def _axes(self, part: Tensor, ndmin: int, first: int) -> Tensor:
        more = max(ndmin, 1) - part.ndim
        if more <= 0:
            return part
        at = first if first >= 0 else first + more + 1
        if not part.ndim:
            at = 0
        if not 0 <= at <= more:
            raise ValueError(f"{self._name}: the axes of a piece cannot begin at {first}")
        return part.reshape((*(1,) * at, *part.shape, *(1,) * (more - at)))


r_ = Pieces("r_", 0, 1, -1)
c_ = Pieces("c_", -1, 2, 0)


class Key:
    """What is indexed to name an index: `s_[1:3, ...]`."""

    def __init__(self, name: str, always_tuple: bool) -> None:
        self._name, self._always_tuple = name, always_tuple

    def __repr__(self) -> str:
        return self._name

    def __getitem__(self, key: Any) -> Any:
        return (key,) if self._always_tuple and not isinstance(key, tuple) else key


s_ = Key("s_", always_tuple=False)
index_exp = Key("index_exp", always_tuple=True)
