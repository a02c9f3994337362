"""Random numbers of more distributions, made of uniform and normal ones, or by NumPy on the host.

Where a distribution has a place and a scale, they may be Tensors: gradients flow to them, for a
draw is `place + scale * z` of a `z` that depends on neither.  The draws that NumPy makes on the
host (`gamma`, `beta`, `poisson` and so on) take plain numbers: they say nothing of a slope.
"""

# What the vocabulary returns is known only by name.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.plain import setting
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import asarray
from autograd_iron.support.closed import Closed

Shape = int | Sequence[int] | None

_LEAST = 2.0**-25  # half a step of float32's uniform numbers, in place of 0, whose logarithm is not


class Distributions(Closed):
    """The part of a Generator that needs no kernel of its own."""

    uniform: Callable[..., Tensor]
    normal: Callable[..., Tensor]
    integers: Callable[..., Tensor]
    permutation: Callable[..., Tensor]
    _chosen: Callable[..., Tensor]

    # --- with a place and a scale, which may be Tensors

    def exponential(
        self, shape: Shape = None, scale: Any = 1.0, dtype: Any = None, device: str | None = None
    ) -> Tensor:
        """Return draws from the exponential distribution of mean `scale`."""
        u = self.uniform(*form_of(shape, dtype, device, scale))
        return -F.log1p(-u) * scale

    def gumbel(
        self,
        shape: Shape = None,
        loc: Any = 0.0,
        scale: Any = 1.0,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from Gumbel's distribution: of the largest of many."""
        u = self.uniform(*form_of(shape, dtype, device, loc, scale))
        return loc - scale * F.log(F.maximum(-F.log1p(-u), _LEAST))

    def laplace(
        self,
        shape: Shape = None,
        loc: Any = 0.0,
        scale: Any = 1.0,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from Laplace's distribution, whose standard deviation is sqrt(2) scale."""
        u = self.uniform(*form_of(shape, dtype, device, loc, scale)) - 0.5
        magnitude = -F.log(F.maximum(1 - 2 * F.abs(u), _LEAST))
        return loc + scale * F.sign(u) * magnitude

    def truncated_normal(
        self,
        shape: Shape = None,
        low: float = -2.0,
        high: float = 2.0,
        mean: Any = 0.0,
        std: Any = 1.0,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from the part of the normal distribution between two ends.

        Parameters
        ----------
        shape : int or sequence of int, optional
            Default: that of `mean` and `std`.
        low, high : float
            The ends, in standard deviations from the mean.
        mean, std : float or Tensor

        Raises
        ------
        ValueError
            `low` is not less than `high`.
        """
        low, high = float(low), float(high)
        if not low < high:
            raise ValueError(f"truncated_normal: low is less than high; got {low} and {high}")
        size, _, _, dtype, device = form_of(shape, dtype, device, mean, std)
        z = self._chosen(
            lambda source: _between(source, low, high, size), size, device, dtypes.dtype(dtype)
        )
        return mean + std * z

    # --- choices

    def bernoulli(
        self, p: Any = 0.5, shape: Shape = None, dtype: Any = None, device: str | None = None
    ) -> Tensor:
        """Return 1 with probability `p`, else 0, in the dtype of `p`."""
        if isinstance(p, int | float) and not 0 <= p <= 1:
            raise ValueError(f"bernoulli: p is a probability, from 0 to 1, not {p}")
        u = self.uniform(*form_of(shape, dtype, device, p))
        return F.astype(u < p, dtype=u.dtype)

    def categorical(self, logits: Any, axis: int = -1, shape: Shape = None) -> Tensor:
        """Return positions along an axis, drawn in proportion to the exponentials of `logits`.

        Parameters
        ----------
        logits : Tensor or array
            Logarithms of the probabilities, up to a constant.
        axis : int
        shape : int or sequence of int, optional
            Of the result; the shape of `logits` without the axis is broadcast to it, which is the
            default.
        """
        logits = F.moveaxis(_without_gradient(asarray(logits)), axis, -1)
        if not logits.is_floating_point():
            logits = logits.astype(dtypes.default_float)
        lead = logits.shape[:-1] if shape is None else _tuple(shape)
        noise = self.gumbel((*lead, logits.shape[-1]), 0.0, 1.0, None, logits.device)
        return F.argmax(logits + noise, axis=-1)

    def choice(
        self,
        a: Any,
        shape: Shape = None,
        replace: bool = True,
        p: Any = None,
        axis: int = 0,
    ) -> Tensor:
        """Return parts of a tensor along an axis, or of the numbers 0 to a - 1, chosen at random.

        Parameters
        ----------
        a : Tensor, array or int
        shape : int or sequence of int, optional
            How many are chosen; default: one, without an axis for it.
        replace : bool
            Whether a part may be chosen more than once.
        p : Tensor or array, optional
            The probability of each part; default: all the same.
        axis : int

        Raises
        ------
        ValueError
            There are too few parts, or `p` has another length, or is no probability.
        """
        a = setting(a, "size") if not getattr(a, "ndim", 0) else asarray(a)
        whole = isinstance(a, int)
        if not whole and not isinstance(a, Tensor):
            a = asarray(a)
        count, wanted = (a if whole else a.shape[axis]), _tuple(shape)
        where = None if whole else a.device
        size = math.prod(wanted)
        if (count < 1 and size) or (not replace and size > count):
            raise ValueError(f"choice: {size} parts of {count}; replace=True takes one repeatedly")
        if p is None:
            if replace:
                index = self.integers(0, max(count, 1), wanted, where)
            else:
                index = F.reshape(self.permutation(count, where)[:size], shape=wanted)
        else:
            with devices.quiet():  # of what is never chosen the logarithm is -inf
                chances = F.log(_probabilities(p, count))
            if replace:
                index = self.categorical(chances, -1, wanted)
            else:
                noisy = chances + self.gumbel(count, 0.0, 1.0, None, chances.device)
                index = F.reshape(F.argsort(-noisy)[:size], shape=wanted)
        return index if whole else F.take(a, index, axis)

    def shuffle(self, x: Any, axis: int = 0) -> NoReturn:
        """Refuse: tensors are values.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            "shuffle would write into a tensor, which is a value. Make a new one in a random "
            "order: x[generator.permutation(len(x))]"
        )

    # --- by NumPy, on the host

    def gamma(
        self,
        concentration: Any,
        scale: Any = 1.0,
        shape: Shape = None,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from the gamma distribution; a gradient flows to `scale` alone."""
        alpha = _number("gamma", "concentration", concentration)
        form = form_of(shape, dtype, device, concentration, scale)
        return self._by_numpy("standard_gamma", (alpha,), form) * scale

    def beta(
        self, a: Any, b: Any, shape: Shape = None, dtype: Any = None, device: str | None = None
    ) -> Tensor:
        """Return draws from the beta distribution."""
        settings = _number("beta", "a", a), _number("beta", "b", b)
        return self._by_numpy("beta", settings, form_of(shape, dtype, device, a, b))

    def dirichlet(
        self,
        concentration: Any,
        shape: Shape = None,
        dtype: Any = None,
        device: str | None = None,
    ) -> Tensor:
        """Return draws from Dirichlet's distribution: along the last axis they add up to 1."""
        alpha = intake.as_array(_number("dirichlet", "concentration", concentration))
        if alpha.ndim != 1:
            raise ValueError(f"dirichlet: concentration has one axis, not the shape {alpha.shape}")
        form = form_of(_tuple(shape), dtype, device)
        return self._by_numpy("dirichlet", (alpha,), form, len(alpha))

    def poisson(self, lam: Any = 1.0, shape: Shape = None, device: str | None = None) -> Tensor:
        """Return draws from Poisson's distribution of mean `lam`, int64."""
        form = form_of(shape, dtypes.int64, device, lam)
        return self._by_numpy("poisson", (_number("poisson", "lam", lam),), form)

    def binomial(
        self, n: Any, p: Any = 0.5, shape: Shape = None, device: str | None = None
    ) -> Tensor:
        """Return how many of `n` draws of probability `p` succeeded, int64."""
        settings = _number("binomial", "n", n), _number("binomial", "p", p)
        return self._by_numpy("binomial", settings, form_of(shape, dtypes.int64, device, n, p))

    def _by_numpy(
        self, kind: str, settings: tuple[Any, ...], form: tuple[Any, ...], last: int | None = None
    ) -> Tensor:
        shape, _, _, dtype, device = form
        made = shape if last is None else (*shape, last)
        return self._chosen(
            lambda source: getattr(source, kind)(*settings, shape),
            made,
            device,
            dtypes.dtype(dtype),
        )


def form_of(
    shape: Shape, dtype: Any, device: str | None, *parameters: Any
) -> tuple[Any, float, float, Any, str | None]:
    """Return what `uniform` takes: shape, ends, dtype and device, of the parameters by default."""
    tensors = [x for x in parameters if hasattr(x, "dtype")]
    if shape is None:
        shape = devices.broadcast_shape(*(x.shape for x in tensors)) if tensors else ()
        if shape is None:
            shapes = " and ".join(str(x.shape) for x in tensors)
            raise ValueError(f"the shapes {shapes} of the parameters do not broadcast")
    if dtype is None:
        found = [x.dtype for x in tensors if dtypes.is_float(x.dtype) and x.dtype.itemsize >= 4]
        dtype = max(found, key=lambda one: one.itemsize) if found else dtypes.default_float
    if device is None:
        device = next((x.device for x in tensors if isinstance(x, Tensor)), None)
    return _tuple(shape), 0.0, 1.0, dtype, device


def _tuple(shape: Shape) -> tuple[int, ...]:
    found: Any = () if shape is None else setting(shape, "shape")
    return (found,) if isinstance(found, int) else found


def _without_gradient(x: Tensor) -> Tensor:
    return x.detach() if x.requires_grad else x


def _number(kind: str, name: str, value: Any) -> Any:
    """Return a parameter of a draw that NumPy makes: a number, or an array on the host.

    Raises
    ------
    TypeError
        It is a Tensor that requires a gradient.
    """
    if not isinstance(value, Tensor):
        return value
    if value.requires_grad and switches().recording:
        raise TypeError(
            f"{kind}: no gradient flows to {name}, which requires one: NumPy draws, and does not "
            f"say how the draws depend on it. Write {name}.detach() if none is meant to flow"
        )
    plain: Any = value.detach().numpy()
    return plain


def _probabilities(given: Any, count: int) -> Tensor:
    p = _without_gradient(asarray(given))
    if p.shape != (count,):
        raise ValueError(f"choice: p has a probability for each of {count} parts, not {p.shape}")
    if not switches().executor.captures:
        values = p.numpy()
        if (values < 0).any() or abs(float(values.sum()) - 1) > 1e-4:
            raise ValueError("choice: p are probabilities: none is negative, and their sum is 1")
    return p


def _between(source: Any, low: float, high: float, shape: tuple[int, ...]) -> Any:
    """Draw normal numbers from an interval, by rejection: far from 0 of those of a tail."""
    xp, count = devices.host, math.prod(shape)
    made = xp.empty(0)
    flipped = high <= 0
    a, b = (-high, -low) if flipped else (low, high)
    while len(made) < count:
        n = 2 * (count - len(made)) + 16
        if a > 0.5 and a * (b - a) > 1:  # Marsaglia's: of a tail, by its squares
            z = xp.sqrt(a * a - 2 * xp.log1p(-source.random(n)))
            z = z[source.random(n) * z < a]
        elif b - a > 1:
            z = source.standard_normal(n)
        else:
            z = source.uniform(a, b, n)
            least = 0.0 if a < 0 < b else a * a
            z = z[source.random(n) < xp.exp((least - z * z) / 2)]
        made = xp.concatenate([made, z[(a <= z) & (z <= b)]])
    made = made[:count].reshape(shape)
    return -made if flipped else made
