"""What makes a network learn a function of coordinates: SIREN, Fourier features, grids."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise, product
from operator import mul

import autograd_iron as ai
from nn import init as schemes
from nn.layers.activations import Sine
from nn.layers.containers import Sequential
from nn.layers.linear import Linear
from nn.layers.sizes import sizes
from nn.module import Module, Parameter


class SIREN(Sequential):
    """A network of sine layers with the initialisation that makes it train.

    ``sin(omega_0 (x @ weight.T + bias))`` for the first layer and ``hidden_layers`` more, then a
    linear layer. Weights start as `nn.init.siren_first` in the first layer and as `nn.init.siren`
    in all others; then every hidden layer sees inputs close to an arcsine distribution and gives
    its sine phases close to a normal one, at any depth: with standard deviation 1 in the second
    layer, and s in those below, where s^2 = 1 - exp(-2 s^2), or s = 0.89. Sitzmann et al., NeurIPS
    2020, https://arxiv.org/abs/2006.09661.

    That is the scheme of the weights. Biases start from U(-1/sqrt(n), 1/sqrt(n)) in the first
    layer, where times omega_0 they spread the phases over several periods, and from that divided by
    omega_0 in the others, where they leave the distribution of the phases as it is.

    Parameters
    ----------
    in_features : int
        Number of coordinates; they should lie in [-1, 1].
    hidden_features : int
        Width of every sine layer.
    hidden_layers : int
        Number of sine layers after the first one; 0 or more.
    out_features : int
    omega_0 : float
    generator : Generator, optional
        By default `nn.init.default_generator`.
    dtype : str

    Raises
    ------
    ValueError
        When a size is not an integer in its range or omega_0 is not positive.
    """

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        hidden_layers: int,
        out_features: int,
        omega_0: float = 30.0,
        generator: ai.Generator | None = None,
        dtype: str = "float32",
    ) -> None:
        in_features, hidden_features, out_features = sizes(
            "SIREN",
            in_features=in_features,
            hidden_features=hidden_features,
            out_features=out_features,
        )
        (hidden_layers,) = sizes("SIREN", lowest=0, hidden_layers=hidden_layers)
        if not omega_0 > 0:
            raise ValueError(f"SIREN: omega_0 must be positive, and it is {omega_0}; try 30.")
        generator = generator or schemes.default_generator
        widths = [in_features] + [hidden_features] * (hidden_layers + 1) + [out_features]
        layers: list[Module] = []
        for index, (fan_in, fan_out) in enumerate(pairwise(widths)):
            first = index == 0
            scheme = schemes.siren_first if first else partial(schemes.siren, omega=omega_0)
            linear = Linear(fan_in, fan_out, init=scheme, generator=generator, dtype=dtype)
            bound = 1.0 / math.sqrt(fan_in) / (1.0 if first else omega_0)
            linear.bias = Parameter(generator.uniform((fan_out,), -bound, bound, dtype))
            layers += [linear, Sine(omega_0)]
        super().__init__(*layers[:-1])


class FourierFeatures(Module):
    """``[cos(2 pi x B), sin(2 pi x B)]`` with Gaussian frequencies B that are not trained.

    Lets a network of ordinary layers learn fine detail from coordinates. Tancik et al., "Fourier
    features let networks learn high frequency functions in low dimensional domains", NeurIPS
    2020, https://arxiv.org/abs/2006.10739, section 6.

    Parameters
    ----------
    in_features : int
        Number of coordinates.
    out_features : int
        Number of features: half of them cosines, half sines, so an even number.
    sigma : float
        Standard deviation of the frequencies, in periods per unit of x. Too low blurs, too high
        makes noise between the samples; about 10 is good for pictures on [0, 1].
    generator : Generator, optional
        By default `nn.init.default_generator`.
    dtype : str

    Attributes
    ----------
    frequencies : Tensor (in_features, out_features / 2)
        B, a buffer: saved with the model and not trained.

    Raises
    ------
    ValueError
        When a size is not an integer in its range, out_features is odd or sigma is not positive.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        sigma: float,
        generator: ai.Generator | None = None,
        dtype: str = "float32",
    ) -> None:
        in_features, out_features = sizes(
            "FourierFeatures", in_features=in_features, out_features=out_features
        )
        if out_features % 2:
            raise ValueError(
                f"FourierFeatures: out_features must be even, half cosines and half sines, and it "
                f"is {out_features}; try {out_features + 1}."
            )
        if not sigma > 0:
            raise ValueError(f"FourierFeatures: sigma must be positive, and it is {sigma}; try 10.")
        generator = generator or schemes.default_generator
        self.in_features = in_features
        self.out_features = out_features
        self.sigma = float(sigma)
        shape = (in_features, out_features // 2)
        self.frequencies = generator.normal(shape, mean=0.0, std=self.sigma, dtype=dtype)

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Map ``(..., in_features)`` to ``(..., out_features)``."""
        # 2 pi goes to the few frequencies rather than to the many samples.
        angles = ai.matmul(x, (2.0 * math.pi) * self.frequencies)
        features: ai.Tensor = ai.concat([ai.cos(angles), ai.sin(angles)], axis=-1)
        return features


class GridFeatures(Module):
    """Features learned at the nodes of several grids, coarse to fine, linear between the nodes.

    A small network on top of them learns fine detail in few steps, because a sample moves the
    nodes around it and no others. The grids are those of Mueller et al., "Instant neural graphics
    primitives with a multiresolution hash encoding", SIGGRAPH 2022,
    https://arxiv.org/abs/2201.05989, here with an entry for every node and no hashing.

    Parameters
    ----------
    shapes : sequence of tuples of int
        One grid each: its nodes along each coordinate, at least 2. See `growing`.
    features : int
        Features at a node.
    extent : sequence of float, optional
        A grid covers ``[-extent, extent]`` along each coordinate, 1 by default, as pixels cover a
        picture: its nodes are in the middle of equal cells. Beyond the outermost nodes the features
        stay what they are there.
    generator : Generator, optional
        By default `nn.init.default_generator`.
    dtype : str

    Attributes
    ----------
    table : Parameter (nodes of all grids, features)
        Grid after grid; the first coordinate changes fastest. Starts from U(-1e-4, 1e-4).

    Raises
    ------
    ValueError
        When the sizes are no integers in their range, or the shapes or the extent do not fit
        together.

    Examples
    --------
    >>> layer = nn.GridFeatures([(4, 4), (16, 16)], features=2)
    >>> layer(ai.zeros((5, 2))).shape
    (5, 4)
    """

    def __init__(
        self,
        shapes: Sequence[tuple[int, ...]],
        features: int = 2,
        extent: Sequence[float] | None = None,
        generator: ai.Generator | None = None,
        dtype: str = "float32",
    ) -> None:
        features, _ = sizes("GridFeatures", features=features, shapes=len(shapes))
        shapes = [tuple(sizes("GridFeatures", 2, nodes=n)[0] for n in shape) for shape in shapes]
        axes = len(shapes[0])
        extent = [1.0] * axes if extent is None else extent
        if {*map(len, shapes), len(extent)} != {axes} or not axes or not min(extent) > 0:
            raise ValueError(
                f"GridFeatures: the shapes {shapes} and the extent {list(extent)} "
                f"must have a number for each coordinate, and those of the extent be positive."
            )
        generator = generator or schemes.default_generator
        counts = [math.prod(shape) for shape in shapes]
        self.features = features
        self.table = Parameter(generator.uniform((sum(counts), features), -1e-4, 1e-4, dtype))

        # Where a point lies among the nodes of each grid, and where the features are, in the flat
        # table, of the node before it and, counted from those, of all nodes around the point.
        strides = [[features * math.prod(shape[:axis]) for axis in range(axes)] for shape in shapes]
        corners = list(product((0, 1), repeat=axes))
        firsts = [features * sum(counts[:grid]) for grid in range(len(shapes))]
        around = [
            [
                [first + sum(map(mul, stride, corner)) + feature for feature in range(features)]
                for corner in corners
            ]
            for first, stride in zip(firsts, strides, strict=True)
        ]
        scale = [[n / (2 * half) for n, half in zip(s, extent, strict=True)] for s in shapes]
        self.scale = ai.tensor(scale, dtype=dtype)
        self.middle = ai.tensor([[(n - 1) / 2 for n in shape] for shape in shapes], dtype=dtype)
        self.strides = ai.tensor(strides, dtype="int64")
        self.around = ai.tensor(around, dtype="int64")

    def forward(self, x: ai.Tensor) -> ai.Tensor:
        """Map ``(..., coordinates)`` to ``(..., grids x features)``."""
        last = 2.0 * self.middle
        place = x.reshape(-1, 1, x.shape[-1]) * self.scale + self.middle
        place = ai.minimum(ai.maximum(place, 0.0), last)
        before = ai.minimum(place, last - 1.0).detach().astype("int64")
        part = place - before.astype(x.dtype)
        node = ai.sum(before * self.strides, axis=-1)
        grids, corners, features = self.around.shape
        # A flat table, because NumPy adds up the gradients of its entries several times as fast.
        entries = node.reshape(-1, grids, 1, 1) + self.around
        values = self.table.reshape(-1)[entries]
        for axis in range(x.shape[-1]):
            corners //= 2
            t = part[:, :, axis].reshape(-1, grids, 1, 1)
            near, far = values[:, :, :corners], values[:, :, corners:]
            values = near + t * (far - near)
        made: ai.Tensor = values.reshape(*x.shape[:-1], grids * features)
        return made

    @staticmethod
    def growing(
        coarsest: Sequence[float], finest: Sequence[float], grids: int
    ) -> list[tuple[int, ...]]:
        """Return shapes that grow by the same factor from grid to grid.

        Parameters
        ----------
        coarsest, finest : sequence of float
            The nodes along each coordinate, rounded to integers from 2 up.
        grids : int

        Returns
        -------
        list of tuples of int
        """
        parts = [k / max(1, grids - 1) for k in range(grids)]
        pairs = list(zip(coarsest, finest, strict=True))
        return [tuple(max(2, round(a * (b / a) ** part)) for a, b in pairs) for part in parts]
