"""Samples of `nn.functional`: windows, resampling, norms, attention and losses."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal
import scipy.spatial
import scipy.special
import scipy.stats
from sampling import (
    BETWEEN,
    DISTINCT,
    INSIDE,
    NONZERO,
    POSITIVE,
    REAL,
    Array,
    Samples,
    call,
    end_to_end,
)

from families.windows import adjoint


def correlated(
    x: Array, w: Array, b: Array | float = 0.0, padding: int = 0, stride: int = 1
) -> Array:
    """Return each channel made as a sum of correlations of whole images, one by one."""
    x = np.pad(x, [(0, 0), (0, 0), *[(padding, padding)] * (x.ndim - 2)])
    every = (slice(None, None, stride),) * (x.ndim - 2)
    made = [
        [
            sum(scipy.signal.correlate(i, k, "valid") for i, k in zip(image, own, strict=True))
            for own in w
        ]
        for image in x
    ]
    out = np.array(made)[(..., *every)]
    return out + np.reshape(b, (-1, *(1,) * (x.ndim - 2)))


def transposed(x: Array, w: Array, padding: int = 0, stride: int = 1) -> Array:
    sizes = [
        (n - 1) * stride + k - 2 * padding for n, k in zip(x.shape[2:], w.shape[2:], strict=True)
    ]
    return adjoint(
        lambda e: correlated(e, w, padding=padding, stride=stride),
        (x.shape[0], w.shape[1], *sizes),
        x,
    )


def pooled(x: Array, how: Any, size: int) -> Array:
    """Return what becomes of windows that touch."""
    lead, n = x.shape[:2], x.ndim - 2
    parts = [m for k in x.shape[2:] for m in (k // size, size)]
    return np.asarray(how(x.reshape(*lead, *parts), axis=tuple(range(3, 3 + 2 * n, 2))))


def shared_out(x: Array, how: Any, size: int) -> Array:
    n = x.shape[-1]
    bounds = [(i * n // size, -(-(i + 1) * n // size)) for i in range(size)]
    return np.stack([how(x[..., a:b], axis=-1) for a, b in bounds], -1)


def between(x: Array, size: int) -> Array:
    """Return each row, linear between its corners, which stay."""
    at = np.linspace(0, x.shape[-1] - 1, size)
    rows = [np.interp(at, np.arange(x.shape[-1]), row) for row in x.reshape(-1, x.shape[-1])]
    return np.array(rows).reshape(*x.shape[:-1], size)


IMAGES = (2, 3, 4, 6)


def standardized(x: Array, axis: Any, eps: float) -> list[Array]:
    mean, var = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
    return [(x - mean) / np.sqrt(var + eps), mean, var]


def attended(q: Array, k: Array, v: Array, **_: Any) -> Array:
    scores = np.einsum("...qd,...kd->...qk", q, k) / np.sqrt(q.shape[-1])
    return np.asarray(scipy.special.softmax(scores, -1) @ v)


def labelled(x: Array, labels: Any, weight: Any = None) -> float:
    """Return the mean cross entropy, sample by sample."""
    w = np.ones(x.shape[1]) if weight is None else np.array(weight)
    losses = [-w[k] * scipy.special.log_softmax(row)[k] for row, k in zip(x, labels, strict=True)]
    return float(np.sum(losses) / w[list(labels)].sum())


def aligned(x: Array, said: list[int]) -> float:
    """Return the CTC loss of one sample: the sum over all ways to say it."""
    total = 0.0
    for way in itertools.product(range(x.shape[-1]), repeat=len(x)):
        if [k for k, _ in itertools.groupby(way) if k] == said:
            total += np.exp(sum(x[t, k] for t, k in enumerate(way)))
    return float(-np.log(total))


def huber(x: Array, y: Array, delta: float) -> Array:
    return np.asarray(scipy.special.huber(delta, x - y).mean())


SAMPLES: dict[str, Samples] = {
    "standardize": Samples(
        (DISTINCT,),
        [
            call((2, 5), axis=(1,), eps=0.1),
            call((2, 3, 2), axis=(0, 2), eps=1e-3),
            call((2, 3), axis=-1, eps=0.01),
            call((0, 3), axis=(1,), eps=0.1),
        ],
        end_to_end(standardized),
    ),
    "attention_weights": Samples(
        (REAL,),
        [call((2, 4)), call((2, 1, 3)), call((0, 3))],
        lambda x: scipy.special.softmax(x, -1),
    ),
}

COMPOSITES: dict[str, Samples] = {
    "nn.functional.conv1d": Samples(
        (REAL,), [call((2, 2, 6), (3, 2, 3), (3,), padding=1, stride=2)], correlated
    ),
    "nn.functional.conv2d": Samples(
        (REAL,),
        [
            call((2, 2, 4, 5), (3, 2, 2, 3), (3,)),
            call((1, 2, 4, 5), (3, 2, 2, 3), padding=1, stride=2),
        ],
        correlated,
    ),
    "nn.functional.conv3d": Samples(
        (REAL,), [call((1, 2, 2, 3, 3), (1, 2, 2, 1, 2), (1,))], correlated
    ),
    "nn.functional.conv_transpose1d": Samples(
        (REAL,), [call((2, 3, 3), (3, 2, 3), padding=1, stride=2)], transposed
    ),
    "nn.functional.conv_transpose2d": Samples(
        (REAL,), [call((1, 2, 3, 2), (2, 2, 2, 3))], transposed
    ),
    "nn.functional.max_pool2d": Samples(
        (DISTINCT,),
        [call(IMAGES, kernel_size=2)],
        lambda x, kernel_size: pooled(x, np.max, kernel_size),
    ),
    "nn.functional.avg_pool2d": Samples(
        (REAL,),
        [call(IMAGES, kernel_size=2)],
        lambda x, kernel_size: pooled(x, np.mean, kernel_size),
        complex=True,
    ),
    "nn.functional.lp_pool2d": Samples(
        (REAL,),
        [call(IMAGES, norm_type=p, kernel_size=2) for p in (1.0, 2.0)],  # 1: the sums, negative too
        lambda x, norm_type, kernel_size: (
            pooled(x**norm_type, np.sum, kernel_size) ** (1 / norm_type)
        ),
    ),
    "nn.functional.adaptive_avg_pool1d": Samples(
        (REAL,),
        [call((2, 1, 7), output_size=3), call((1, 1, 6), output_size=2)],
        lambda x, output_size: shared_out(x, np.mean, output_size),
    ),
    "nn.functional.adaptive_max_pool1d": Samples(
        (DISTINCT,),
        [call((2, 1, 7), output_size=3), call((1, 1, 6), output_size=2)],
        lambda x, output_size: shared_out(x, np.max, output_size),
    ),
    "nn.functional.unfold": Samples(
        (REAL,),
        [call((1, 2, 3, 3), kernel_size=2)],
        lambda x, kernel_size: np.stack(
            [x[:, :, i : i + 2, j : j + 2] for i in range(2) for j in range(2)], 2
        ).reshape(1, 8, 4),
        complex=True,
    ),
    "nn.functional.interpolate": Samples(
        (REAL,),
        [call((1, 2, 4), size=7, mode="linear", align_corners=True)],
        lambda x, size, mode, align_corners: between(x, size),
    ),
    "nn.functional.pixel_shuffle": Samples(
        (REAL,),
        [call((1, 8, 2, 3), upscale_factor=2)],
        lambda x, upscale_factor: (
            x.reshape(1, 2, 2, 2, 2, 3).transpose(0, 1, 4, 2, 5, 3).reshape(1, 2, 4, 6)
        ),
        complex=True,
    ),
    "nn.functional.layer_norm": Samples(
        (REAL,),
        [call((2, 3, 4), normalized_shape=4)],
        lambda x, normalized_shape: standardized(x, -1, 1e-5)[0],
    ),
    "nn.functional.rms_norm": Samples(
        (REAL,),
        [call((2, 4), normalized_shape=4, eps=0.1)],
        lambda x, normalized_shape, eps: x / np.sqrt((x**2).mean(-1, keepdims=True) + eps),
    ),
    "nn.functional.group_norm": Samples(
        (REAL,),
        [call((2, 4, 3), num_groups=2)],
        lambda x, num_groups: standardized(x.reshape(2, 2, 6), -1, 1e-5)[0].reshape(x.shape),
    ),
    "nn.functional.instance_norm": Samples(
        (REAL,), [call((2, 2, 5))], lambda x: standardized(x, -1, 1e-5)[0]
    ),
    "nn.functional.local_response_norm": Samples(
        (REAL,),
        [call((1, 4, 2), size=1, alpha=0.1)],
        lambda x, size, alpha: x / (1 + alpha * x**2) ** 0.75,
    ),
    "nn.functional.scaled_dot_product_attention": Samples(
        (REAL,), [call((2, 3, 4), (2, 5, 4), (2, 5, 2))], attended
    ),
    "nn.functional.bilinear": Samples(
        (REAL,),
        [call((3, 2), (3, 4), (2, 2, 4), (2,))],
        lambda x, y, w, b: np.stack([((x @ one) * y).sum(-1) for one in w], -1) + b,
        complex=True,
    ),
    "nn.functional.pad": Samples(
        (REAL,),
        [call((2, 4), pad=(1, 2), mode="reflect"), call((2, 4), pad=(-1, 2, 0, 1))],
        lambda x, pad, mode="constant": (
            np.pad(x, ((0, 0), pad), mode)
            if mode == "reflect"
            else np.pad(x[:, 1:], ((0, 1), (0, 2)))
        ),
        complex=True,
    ),
    "nn.functional.mse_loss": Samples(
        (REAL,), [call((2, 3), (2, 3))], lambda x, y: np.mean((x - y) ** 2)
    ),
    "nn.functional.l1_loss": Samples(
        (REAL, BETWEEN),
        [call((2, 3), (2, 3), reduction="sum")],
        lambda x, y, reduction: np.sum(np.abs(x - y)),
    ),
    "nn.functional.huber_loss": Samples((REAL, BETWEEN), [call((2, 3), (2, 3), delta=0.7)], huber),
    "nn.functional.smooth_l1_loss": Samples(
        (REAL, BETWEEN),
        [call((2, 3), (2, 3), beta=0.7)],
        lambda x, y, beta: huber(x, y, beta) / beta,
    ),
    "nn.functional.binary_cross_entropy": Samples(
        (INSIDE,),
        [call((2, 3), (2, 3))],
        lambda p, y: -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)),
    ),
    "nn.functional.binary_cross_entropy_with_logits": Samples(
        (REAL, INSIDE),
        [call((2, 3), (2, 3)), call((2, 3), (2, 3), pos_weight=2.0)],
        lambda z, y, pos_weight=1.0: (
            -np.mean(
                pos_weight * y * scipy.special.log_expit(z) + (1 - y) * scipy.special.log_expit(-z)
            )
        ),
    ),
    "nn.functional.kl_div": Samples(
        (REAL, INSIDE),
        [call((2, 3), (2, 3), reduction="batchmean")],
        lambda x, t, reduction: scipy.special.rel_entr(t, np.exp(x)).sum() / 2,
    ),
    "nn.functional.poisson_nll_loss": Samples(
        (REAL, POSITIVE), [call((2, 3), (2, 3))], lambda x, t: np.mean(np.exp(x) - t * x)
    ),
    "nn.functional.gaussian_nll_loss": Samples(
        (REAL, REAL, POSITIVE),
        [call((2, 3), (2, 3), (2, 3), full=True), call((2, 3), (2, 3), (2,), full=True)],
        lambda x, t, v, full: (
            -np.mean(scipy.stats.norm.logpdf(t, x, np.sqrt(v if v.ndim == 2 else v[:, None])))
        ),
    ),
    "nn.functional.soft_margin_loss": Samples(
        (REAL,), [call((2, 3), (2, 3))], lambda x, y: np.mean(np.log1p(np.exp(-y * x)))
    ),
    "nn.functional.cross_entropy": Samples(
        (REAL,),
        [
            call((3, 4), target=[0, 3, 1]),
            call((3, 4), target=[0, 3, 1], weight=[1.0, 2.0, 0.5, 3.0]),
        ],
        lambda x, target, weight=None: labelled(x, target, weight),
    ),
    "nn.functional.multi_margin_loss": Samples(
        (DISTINCT,),
        [call((2, 3), target=[2, 0], margin=9.0)],
        lambda x, target, margin: np.mean(
            [
                sum(margin - row[k] + v for j, v in enumerate(row) if j != k) / 3
                for row, k in zip(x, target, strict=True)
            ]
        ),
    ),
    "nn.functional.multilabel_margin_loss": Samples(
        (INSIDE,),
        [call((1, 3), target=[[1, -1, 0]])],
        lambda x, target: (2 - 2 * x[0, 1] + x[0, 0] + x[0, 2]) / 3,
    ),
    "nn.functional.multilabel_soft_margin_loss": Samples(
        (REAL, INSIDE),
        [call((2, 3), (2, 3))],
        lambda z, y: (
            -np.mean(y * scipy.special.log_expit(z) + (1 - y) * scipy.special.log_expit(-z))
        ),
    ),
    "nn.functional.margin_ranking_loss": Samples(
        (REAL, BETWEEN, NONZERO),
        [call((4,), (4,), (4,), margin=9.0)],
        lambda x, y, t, margin: np.mean(margin - t * (x - y)),
    ),
    "nn.functional.hinge_embedding_loss": Samples(
        (INSIDE,),
        [call((2,), target=[1, -1])],
        lambda x, target: (x[0] + 1 - x[1]) / 2,
    ),
    "nn.functional.cosine_embedding_loss": Samples(
        (POSITIVE,),
        [call((2, 3), (2, 3), target=[1, -1])],
        lambda x, y, target: (
            (
                scipy.spatial.distance.cosine(x[0], y[0])
                + 1
                - scipy.spatial.distance.cosine(x[1], y[1])
            )
            / 2
        ),
    ),
    "nn.functional.triplet_margin_loss": Samples(
        (REAL,),
        [call((2, 3), (2, 3), (2, 3), margin=9.0), call((2, 3), (2, 3), (2, 3), margin=9.0, p=3.0)],
        lambda x, yes, no, margin, p=2.0: np.mean(
            margin + np.linalg.norm(x - yes + 1e-6, p, -1) - np.linalg.norm(x - no + 1e-6, p, -1)
        ),
    ),
    "nn.functional.ctc_loss": Samples(
        (REAL,),
        [
            call((4, 3), targets=[1, 2], input_lengths=4, target_lengths=2, reduction="sum"),
            call((4, 3), targets=[1, 1], input_lengths=4, target_lengths=2, reduction="sum"),
        ],
        lambda x, targets, **_: aligned(x, targets),
    ),
    "nn.functional.grid_sample": Samples(
        (REAL, INSIDE),
        [call((1, 2, 3, 4), (1, 2, 3, 2), align_corners=True)],
        lambda x, grid, align_corners: np.stack(
            [
                scipy.ndimage.map_coordinates(
                    one, ((grid[0, ..., 1] + 1) * 1.0, (grid[0, ..., 0] + 1) * 1.5), order=1
                )
                for one in x[0]
            ]
        )[None],
    ),
    "nn.functional.affine_grid": Samples(
        (REAL,),
        [call((1, 2, 3), size=(1, 1, 2, 3), align_corners=True)],
        lambda theta, size, align_corners: np.array(
            [[[theta[0] @ [x, y, 1] for x in (-1, 0, 1)] for y in (-1, 1)]]
        ),
    ),
}
