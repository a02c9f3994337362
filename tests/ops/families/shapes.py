"""Samples of shapes, order, joining, dtype and device."""

from __future__ import annotations

import numpy as np
from hypothesis.extra import numpy as hnp
from sampling import (
    REAL,
    SHAPES,
    Samples,
    call,
    end_to_end,
    flips,
    joins,
    pads,
    permutations,
    reshapes,
    stretches,
)

TRIANGLES = [call((3, 3)), call((2, 4), k=1), call((4, 2), k=-1), call((2, 3, 3), k=-2)]


SAMPLES: dict[str, Samples] = {
    # shapes
    "reshape": Samples(
        (REAL,),
        [
            call((), shape=()),
            call((), shape=(1, 1)),
            call((1,), shape=()),
            call((2, 3), shape=(3, 2)),
            call((2, 3), shape=(-1,)),
            call((2, 3), shape=6),
            call((2, 3, 2), shape=[4, -1]),
            call((0, 3), shape=(3, 0, 2)),
        ],
        lambda x, *, shape: np.reshape(x, shape),  # NumPy 2.0 has another name
        reshapes(),
        complex=True,
    ),
    "permute_dims": Samples(
        (REAL,),
        [
            call(()),
            call((3,)),
            call((2, 3), axes=(1, 0)),
            call((2, 3, 4)),
            call((2, 3, 4), axes=(1, 2, 0)),
            call((2, 3, 4), axes=(-1, 0, 1)),
            call((2, 0, 3), axes=[2, 0, 1]),
        ],
        np.transpose,
        permutations(),
        complex=True,
    ),
    "matrix_transpose": Samples(
        (REAL,),
        [call((2, 3)), call((4, 2, 3)), call((0, 3)), call((2, 1, 2, 3))],
        lambda x: np.einsum("...ij->...ji", x),
        hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3).map(call),
        complex=True,
    ),
    "broadcast_to": Samples(
        (REAL,),
        [
            call((), shape=()),
            call((), shape=(2, 3)),
            call((3,), shape=(2, 3)),
            call((2, 1), shape=(2, 3)),
            call((1, 3), shape=(2, 2, 3)),
            call((1,), shape=(0,)),
            call((), shape=3),
        ],
        np.broadcast_to,
        stretches(),
        complex=True,
    ),
    "astype": Samples(
        (REAL,),
        [call(s, dtype="float64") for s in SHAPES],
        lambda x, dtype: x.astype(dtype),
        complex=True,
    ),
    "to_device": Samples(
        (REAL,),
        [call(s, here="cpu", there="cpu") for s in SHAPES],
        lambda x, here, there: x,
        complex=True,
    ),
    "join": Samples(
        (REAL,),
        [
            call((3,)),
            call((3,), (2,)),
            call((2, 3), (1, 3), (0, 3)),
            call((2, 3), (2, 1), axis=1),
            call((2, 1, 3), (2, 2, 3), (2, 1, 3), axis=-2),
        ],
        lambda *arrays, axis=0: np.concatenate(arrays, axis),
        joins(),
        complex=True,
    ),
    "pad_constant": Samples(
        (REAL,),
        [
            call((), pad_width=1),
            call((3,), pad_width=2),
            call((3,), pad_width=(1, 0), constant_values=1.5),
            call((2, 3), pad_width=1),
            call((2, 3), pad_width=(0, 2), constant_values=-1),
            call((2, 3), pad_width=[[1, 0], [0, 2]]),
            call((2, 3), pad_width=1, constant_values=((1, 2), (3, 4))),
            call((2, 3), pad_width=((1, 2),)),
            call((0, 2), pad_width=((1, 1), (0, 0))),
        ],
        np.pad,
        pads(),
        complex=True,
    ),
    "flip": Samples(
        (REAL,),
        [
            call(()),
            call((3,)),
            call((2, 3)),
            call((2, 3), axis=0),
            call((2, 3, 2), axis=-1),
            call((2, 3, 2), axis=(0, 2)),
            call((0, 2), axis=1),
        ],
        np.flip,
        flips(),
        complex=True,
    ),
    "tril": Samples((REAL,), TRIANGLES, np.tril, complex=True),
    "triu": Samples((REAL,), TRIANGLES, np.triu, complex=True),
    "split": Samples(
        (REAL,),
        [
            call((4,), indices_or_sections=2),
            call((4,), indices_or_sections=1),
            call((2, 6), indices_or_sections=3, axis=-1),
            call((5, 2), indices_or_sections=[1, 3]),
            call((5, 2), indices_or_sections=(2, -1), axis=0),
            call((5,), indices_or_sections=[3, 1, 4, 7]),
            call((0, 2), indices_or_sections=2),
        ],
        end_to_end(np.split),
        complex=True,
    ),
}
