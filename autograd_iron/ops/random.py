"""Random numbers from a seeded generator whose state can be saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autograd_iron import device
from autograd_iron.graph import switches
from autograd_iron.tensor import Tensor

Shape = int | Sequence[int]


class Generator:
    """A source of random numbers: the same seed gives the same numbers.

    Parameters
    ----------
    seed : int
        Not negative.
    """

    def __init__(self, seed: int = 0) -> None:
        if not isinstance(seed, int) or seed < 0:
            raise ValueError(f"a seed is an integer that is not negative, not {seed!r}")
        self._source = device.random_source(seed)

    @property
    def state(self) -> dict[str, Any]:
        """Where the generator stands, as a dictionary that JSON can hold; can be set."""
        return self._source.bit_generator.state  # type: ignore[no-any-return]

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        try:
            self._source.bit_generator.state = value
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is not a state of a Generator: {error!r}") from None

    def normal(
        self, shape: Shape = (), mean: float = 0.0, std: float = 1.0, dtype: Any = "float32"
    ) -> Tensor:
        """Return draws from the normal distribution, float32 or float64."""
        dtype = _drawable(dtype)
        return self._drawn(lambda: self._source.standard_normal(shape, dtype) * std + mean, dtype)

    def uniform(
        self, shape: Shape = (), low: float = 0.0, high: float = 1.0, dtype: Any = "float32"
    ) -> Tensor:
        """Return draws from the uniform distribution on [low, high), float32 or float64."""
        dtype, width = _drawable(dtype), high - low
        return self._drawn(lambda: self._source.random(shape, dtype) * width + low, dtype)

    def integers(self, low: int, high: int, shape: Shape = ()) -> Tensor:
        """Return int64 draws from [low, high)."""
        return self._drawn(lambda: self._source.integers(low, high, shape), device.int64)

    def permutation(self, n: int) -> Tensor:
        """Return the numbers 0 to n - 1 in a random order, int64."""
        return self._drawn(lambda: self._source.permutation(n), device.int64)

    def _drawn(self, draw: Callable[[], Any], dtype: Any) -> Tensor:
        """Return what is drawn; in a plan it is drawn anew before each replay."""

        def source() -> Any:
            return device.as_array(draw(), dtype)

        if switches.tape is None:
            return Tensor(source())
        before = self.state
        return switches.tape.draw(source, lambda: setattr(self, "state", before))  # type: ignore[no-any-return]


def _drawable(dtype: Any) -> Any:
    found = device.dtype(dtype)
    if found not in (device.float32, device.float64):
        raise TypeError(
            f"a Generator draws float32 or float64, not {found}; convert the draws with astype"
        )
    return found
