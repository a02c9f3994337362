"""Grids of coordinates, and numbers spaced evenly on a scale of logarithms."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import arange, asarray

__all__ = ["fromfunction", "geomspace", "indices", "ix_", "logspace", "meshgrid", "mgrid", "ogrid"]


@composite
def meshgrid(F, /, *axes, indexing="xy", sparse=False, copy=True, device=None):
    """Return a list of coordinate tensors of a grid over 1-d axes, in NumPy's order of axes.

    Parameters
    ----------
    indexing : {"xy", "ij"}
        Cartesian (the first axis varies along columns) or matrix order.
    sparse : bool
        Leave the coordinates of size 1 along the other axes, where they broadcast.
    copy : bool
        For NumPy's sake: tensors are values.
    device : str, optional
        Where the axes go first if they are not there; default: where they are.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing is 'xy' or 'ij', not {indexing!r}")
    given = [operand(F, a, axes) if device is None else asarray(a, device=device) for a in axes]
    places = {devices.of(a) for a in given}
    if len(places) > 1:
        raise ValueError(devices.mixed([getattr(a, "data", a) for a in given]))
    order = list(range(len(given)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    made = []
    for a, at in zip(given, order, strict=True):
        shape = [1] * len(given)
        shape[at] = a.size
        made.append(F.reshape(a, shape=tuple(shape)))
    return made if sparse else list(F.broadcast_arrays(*made))


def indices(
    dimensions: Sequence[int], dtype: Any = "int64", sparse: bool = False, device: str | None = None
) -> Any:
    """Return the indices of a grid of this shape: one array an axis, stacked unless `sparse`."""
    shape = setting(dimensions, "shape")
    shape = shape if isinstance(shape, tuple) else (shape,)
    axes = [arange(n, dtype=dtype, device=device) for n in shape]
    if not shape:
        return () if sparse else arange(0, dtype=dtype, device=device)
    made = meshgrid(*axes, indexing="ij", sparse=True)
    if sparse:
        return tuple(made)
    return _stacked(made, shape)


def _stacked(made: Sequence[Any], shape: tuple[int, ...]) -> Tensor:
    from autograd_iron.core.registry import on_tensors as F  # the vocabulary is complete by then

    stacked: Tensor = F.stack([F.broadcast_to(a, shape=shape) for a in made])
    return stacked


def fromfunction(
    function: Callable[..., Any], shape: Sequence[int], *, dtype: Any = "float32", **settings: Any
) -> Any:
    """Return what a function makes of the indices of a grid of this shape, an array for each axis.

    Parameters
    ----------
    function : callable
        Is called once, with the arrays; further settings are passed on to it.
    """
    axes = indices(shape, dtype=dtype)
    return function(*(axes[i] for i in range(axes.shape[0])), **settings)


class Grid:
    """What is indexed with slices to make a grid: `mgrid[0:2, 0:1:5j]`.

    A slice goes from start to stop in steps; an imaginary step is a number of points, which then
    include the stop.  Floats make float32.
    """

    def __init__(self, sparse: bool) -> None:
        self._sparse = sparse

    def __repr__(self) -> str:
        return "ogrid" if self._sparse else "mgrid"

    def __getitem__(self, key: Any) -> Any:
        maker = devices.host.ogrid if self._sparse else devices.host.mgrid
        made = maker[key]
        if isinstance(made, tuple | list):
            return tuple(self._tensor(part) for part in made)
        return self._tensor(made)

    @staticmethod
    def _tensor(part: Any) -> Tensor:
        return Tensor(intake.as_array(part, "float32" if part.dtype.kind == "f" else None))


mgrid = Grid(sparse=False)
ogrid = Grid(sparse=True)


def ix_(*sequences: Any) -> tuple[Tensor, ...]:
    """Return indices that pick the rows and columns of these numbers (or truths) from an array."""
    made: list[Tensor] = []
    for i, sequence in enumerate(sequences):
        part = asarray(sequence)
        if part.ndim != 1:
            raise ValueError(f"ix_ takes sequences of integers or truths, not {part.ndim}-d arrays")
        if part.dtype == dtypes.bool_:
            part = Tensor(part.data.nonzero()[0])
        elif not part.size:
            part = part.astype("int64")
        shape = [1] * len(sequences)
        shape[i] = part.size
        made.append(part.reshape(shape))
    return tuple(made)


def logspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10.0,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """Return `num` numbers from `base ** start` to `base ** stop`, whose logarithms are even."""
    settings = {"num": setting(num, "num"), "endpoint": endpoint, "base": setting(base)}
    return _on_scale("logspace", setting(start), setting(stop), settings, dtype, device)


def geomspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    device: str | None = None,
) -> Tensor:
    """Return `num` numbers from `start` to `stop`, each the same multiple of the one before."""
    settings = {"num": setting(num, "num"), "endpoint": endpoint}
    return _on_scale("geomspace", setting(start), setting(stop), settings, dtype, device)


def _on_scale(
    function: str, start: Any, stop: Any, settings: dict[str, Any], dtype: Any, device: Any
) -> Tensor:
    made = getattr(devices.host, function)(start, stop, **settings)
    if dtype is None:
        dtype = dtypes.default_float if made.dtype.kind == "f" else "complex64"
    return Tensor(devices.move(intake.as_array(made, dtype), devices.full_name(device)))
