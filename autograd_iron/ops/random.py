"""Random numbers from a seeded generator whose state can be saved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes, intake, philox
from autograd_iron.core.plain import setting
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.distributions import Distributions, form_of
from autograd_iron.support.integers import integer

__all__ = ["Generator"]

Shape = int | Sequence[int]

_BYTES_OF_A_THREAD = {"uniform": philox.BLOCK_BYTES, "normal": 2 * philox.BLOCK_BYTES}
_THREADS = 256


class Generator(Distributions):
    """A source of random numbers: the same seed gives the same numbers.

    Each draw is a function of the seed, its own number (how many draws came before it) and its
    arguments: it does not matter how many numbers the others took. The bits come from a counter
    (Philox4x64-10, see `philox`) and are the same on every device, and so are uniform numbers.
    Normal ones agree to a few roundings, of the size that they have at the standard deviation:
    the logarithms and tangents that they are made from are not the same in every library.
    One thread at a time may draw.

    Parameters
    ----------
    seed : int
        From 0 to 2^128 - 1.
    """

    names_elsewhere: ClassVar[dict[str, str]] = {"seed": "state", "manual_seed": "state"}

    def __init__(self, seed: int = 0) -> None:
        whole = integer(seed)
        if whole is None or whole < 0:
            raise ValueError(f"a seed is an integer that is not negative, not {seed!r}")
        if whole >= 1 << 128:
            raise ValueError(f"a seed is less than 2^128, which {seed} is not")
        self._seed, self._draws = whole, 0

    @property
    def state(self) -> dict[str, Any]:
        """Where the generator stands, as a dictionary that JSON can hold; can be set.

        ``{"seed": ..., "draws": ...}``: the seed, and how many draws were made.
        """
        return {"seed": self._seed, "draws": self._draws}

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        try:
            found = Generator(value["seed"])
            draws = integer(value["draws"])
            if draws is None or not 0 <= draws < 1 << 64:
                raise ValueError(f"draws is {value['draws']!r}")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"this is not a state of a Generator, which holds seed and draws: {error!r}"
            ) from None
        self._seed, self._draws = found._seed, draws

    def normal(
        self,
        shape: Shape | None = None,
        mean: Any = 0.0,
        std: Any = 1.0,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from the normal distribution, float32 or float64, made on a device.

        `mean` and `std` may be Tensors: gradients flow to them, and the shape is theirs by default.
        """
        if not (isinstance(mean, Tensor) or isinstance(std, Tensor)):
            return self._filled(
                "normal", _shape(shape), _drawable(dtype), float(mean), float(std), device
            )
        shape, _, _, dtype, device = form_of(shape, dtype, device, mean, std)
        z = self._filled("normal", shape, _drawable(dtype), 0.0, 1.0, device)
        return mean + std * z  # type: ignore[no-any-return]

    def uniform(
        self,
        shape: Shape | None = None,
        low: Any = 0.0,
        high: Any = 1.0,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from the uniform distribution on [low, high), float32 or float64.

        They are ``low + (high - low) * u`` with u from [0, 1); rounding may make that `high`.  The
        ends may be Tensors: gradients flow to them, and the shape is theirs by default.
        """
        if not (isinstance(low, Tensor) or isinstance(high, Tensor)):
            low = float(low)
            return self._filled(
                "uniform", _shape(shape), _drawable(dtype), low, float(high) - low, device
            )
        shape, _, _, dtype, device = form_of(shape, dtype, device, low, high)
        u = self._filled("uniform", shape, _drawable(dtype), 0.0, 1.0, device)
        return low + (high - low) * u  # type: ignore[no-any-return]

    def integers(
        self, low: int, high: int | None = None, shape: Shape = (), device: str | None = None
    ) -> Tensor:
        """Return int64 draws from [low, high): made on the host, and moved to the device.

        Without `high` they are from [0, low).
        """
        if high is None:
            low, high = 0, low
        ends = integer(low), integer(high)
        if None in ends:
            raise ValueError(f"integers are drawn from [low, high): not from [{low!r}, {high!r})")
        shape = setting(shape, "shape")
        return self._chosen(lambda source: source.integers(*ends, shape), shape, device)

    def permutation(self, n: int, device: str | None = None) -> Tensor:
        """Return the numbers 0 to n - 1 in a random order, int64: as `integers`.

        Raises
        ------
        ValueError
            n is not a whole number, or is negative.
        """
        count = integer(n)
        if count is None or count < 0:
            raise ValueError(
                f"permutation puts the numbers 0 to n - 1 in order: n is a count, not {n!r}; for a "
                "tensor x in a random order write x[generator.permutation(len(x))]"
            )
        return self._chosen(lambda source: source.permutation(count), count, device)

    def _filled(
        self, kind: str, shape: Shape, dtype: Any, shift: float, scale: float, where: str | None
    ) -> Tensor:
        def make(array: Any, key: tuple[int, int], draw: int) -> None:
            with devices.on_device_of(array):
                fill(devices.namespace((array,)), kind, array, key, draw, shift, scale)

        shape = setting(shape, "shape")
        return self._drawn(devices.make(where, "empty", shape, dtype), make)

    def _chosen(
        self,
        choose: Callable[[Any], Any],
        shape: Shape,
        where: str | None,
        dtype: Any = dtypes.int64,
    ) -> Tensor:
        def make(array: Any, key: tuple[int, int], draw: int) -> None:
            made = intake.as_array(choose(devices.random_source(key, draw)), dtype)
            devices.write(array, devices.move(made, devices.name(array)))

        return self._drawn(devices.make(where, "empty", shape, dtype), make)

    def _drawn(self, array: Any, make: Callable[[Any, tuple[int, int], int], None]) -> Tensor:
        """Return the array with what is drawn; in a plan it is drawn anew before each replay."""
        before = self._seed, self._draws

        def advance() -> None:
            nonlocal before
            before = self._seed, self._draws
            self._draws += 1

        def go_back() -> None:
            self._seed, self._draws = before

        def draw(array: Any) -> None:
            seed, number = before
            make(array, philox.key(seed), number)

        return switches().executor.draw(array, draw, advance, go_back)


def fill(
    xp: Any,
    kind: str,
    out: Any,
    key: tuple[int, int],
    draw: int,
    shift: float,
    scale: float,
) -> None:
    """Fill an array with the draw of this number: ``shift + scale * z``, by one kernel on a GPU.

    Parameters
    ----------
    xp : module
        Of the array.
    kind : str
        ``"uniform"`` or ``"normal"``.
    out : array
        Float32 or float64, in row-major order without gaps.
    key : (int, int)
        Of the generator's seed.
    draw : int
        The number of the draw.
    shift, scale : float
    """
    if hasattr(xp, "RawKernel"):
        _launch(xp, kind, out, key, draw, shift, scale)
    else:
        {"uniform": _fill_uniform, "normal": _fill_normal}[kind](xp, out, key, draw, shift, scale)


def _fill_uniform(
    xp: Any, out: Any, key: tuple[int, int], draw: int, low: float, width: float
) -> None:
    devices.random_source(key, draw).random(dtype=out.dtype, out=out)
    out *= width
    out += low


def _fill_normal(
    xp: Any, out: Any, key: tuple[int, int], draw: int, mean: float, std: float
) -> None:
    numbers = out.reshape(-1)
    source = devices.random_source(key, draw)
    in_block = philox.BLOCK_BYTES // out.itemsize
    in_group = 2 * philox.GROUP * in_block
    for start in range(0, out.size, in_group):
        part = numbers[start : start + in_group]
        half = -(-part.size // (2 * in_block)) * in_block
        both = source.random(2 * half, out.dtype)
        r, t = both[:half], both[half:]
        xp.log(xp.subtract(1, r, out=r), out=r)
        r *= -2
        xp.sqrt(r, out=r)
        r *= std
        t -= 0.5
        t *= math.pi
        xp.tan(t, out=t)
        square = t * t
        r /= 1 + square
        t *= 2
        t *= r
        r *= 1 - square
        xp.add(both[: part.size], mean, out=part)


def _launch(
    xp: Any,
    kind: str,
    out: Any,
    key: tuple[int, int],
    draw: int,
    shift: float,
    scale: float,
) -> None:
    threads = -(-out.nbytes // _BYTES_OF_A_THREAD[kind])
    if threads:
        low, high, number = (xp.uint64(word) for word in (*key, draw))
        arguments = (out, out.size, low, high, number, shift, scale)
        _kernel(xp, kind, out.dtype)((-(-threads // _THREADS),), (_THREADS,), arguments)


@cache
def _kernel(xp: Any, kind: str, dtype: Any) -> Any:
    return xp.RawKernel(philox.kernel_text(dtype), kind)


def _shape(shape: Shape | None) -> Shape:
    return () if shape is None else shape


def _drawable(dtype: Any) -> Any:
    found = dtypes.dtype(dtype)
    if found not in (dtypes.float32, dtypes.float64):
        raise TypeError(
            f"a Generator draws float32 or float64, not {found}; convert the draws with astype"
        )
    return found
