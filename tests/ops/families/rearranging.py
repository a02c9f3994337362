"""Samples of functions that rearrange, join and repeat values, made of primitives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sampling import REAL, SHAPES, Array, Call, Samples, call, end_to_end

R = (REAL,)


def of_list(function: Any) -> Any:
    """Return a function of a list of arrays as one of the arrays."""
    return lambda *arrays, **settings: function(list(arrays), **settings)


def pads() -> list[Call]:
    widths: list[Any] = [1, (2, 1), ((3, 0), (0, 4)), ((1,), (2,)), ((5, 7), (9, 2))]
    calls = [call((3, 4), pad_width=w, mode=m) for w in widths for m in MODES]
    calls += [call((2, 3), pad_width=w, mode=m, reflect_type="odd") for w in widths for m in ODD]
    calls += [
        call((1, 3), pad_width=2, mode=m, reflect_type=t) for m in ODD for t in ("even", "odd")
    ]
    calls += [call((4,), pad_width=3, mode=m, stat_length=n) for m in STATISTICS for n in (1, 2, 9)]
    return calls


def diag_embed(x: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    size = x.shape[-1] + abs(offset)
    made = np.zeros((*x.shape[:-1], size, size), x.dtype)
    for place in np.ndindex(*x.shape[:-1]):
        made[place] = np.diag(x[place], offset)
    return np.moveaxis(made, (-2, -1), (dim1, dim2))


def block_diag(*arrays: Array) -> Array:
    blocks = [np.atleast_2d(a) for a in arrays]
    made = np.zeros(sum(np.array(b.shape) for b in blocks), blocks[0].dtype)
    row = column = 0
    for block in blocks:
        made[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return made


ODD = ("reflect", "symmetric")
STATISTICS = ("maximum", "minimum", "mean", "median")
MODES = ("constant", "edge", "wrap", "linear_ramp", *ODD, *STATISTICS)

SAMPLES: dict[str, Samples] = {}
COMPOSITES: dict[str, Samples] = {
    "ravel": Samples(R, [*map(call, SHAPES), call((2, 3), order="F")], np.ravel),
    "flatten": Samples(
        R,
        [call((2, 3, 4)), call((2, 3, 4), start_dim=1), call((2, 3, 4), start_dim=-3, end_dim=-2)],
        lambda x, start_dim=0, end_dim=-1: x.reshape(
            {(0, -1): (24,), (1, -1): (2, 12), (-3, -2): (6, 4)}[start_dim, end_dim]
        ),
    ),
    "atleast_1d": Samples(R, [*map(call, SHAPES)], np.atleast_1d),
    "atleast_2d": Samples(R, [*map(call, SHAPES)], np.atleast_2d),
    "atleast_3d": Samples(R, [*map(call, SHAPES), call((2, 3, 1, 2))], np.atleast_3d),
    "broadcast_arrays": Samples(
        R,
        [call((3,), (2, 1)), call((2, 3), ()), call((0,), (1, 1))],
        end_to_end(np.broadcast_arrays),
    ),
    "flipud": Samples(R, [call((3,)), call((2, 3)), call((0, 2))], np.flipud),
    "fliplr": Samples(R, [call((2, 3)), call((2, 3, 2))], np.fliplr),
    "swapaxes": Samples(
        R,
        [call((2, 3), axis1=0, axis2=1), call((2, 3, 4), axis1=-1, axis2=0)],
        np.swapaxes,
    ),
    "moveaxis": Samples(
        R,
        [
            call((2, 3, 4), source=0, destination=-1),
            call((2, 3, 4, 1), source=(0, 1), destination=(2, 0)),
            call((2, 3, 4), source=[-1, 0], destination=[0, 1]),
        ],
        np.moveaxis,
    ),
    "rollaxis": Samples(
        R,
        [call((2, 3, 4), axis=a, start=s) for a, s in [(2, 0), (0, 3), (1, -1), (-1, 1), (1, 1)]],
        np.rollaxis,
    ),
    "roll": Samples(
        R,
        [
            call((4,), shift=1),
            call((2, 3), shift=-2),
            call((2, 3), shift=(1, 1)),
            call((2, 3), shift=7, axis=1),
            call((2, 3, 2), shift=(1, -1), axis=(0, 2)),
            call((3, 3), shift=1, axis=(0, 1)),
            call((3, 3), shift=(1, 3), axis=0),
            call((3, 4), shift=(1, 3), axis=(1, 1)),
            call((0, 2), shift=1),
            call((), shift=3),
        ],
        np.roll,
    ),
    "rot90": Samples(
        R,
        [call((2, 3), k=k) for k in (1, 2, 3, 4, -1)] + [call((2, 3, 4), k=1, axes=(2, 0))],
        np.rot90,
    ),
    "repeat": Samples(
        R,
        [
            call((), repeats=3),
            call((3,), repeats=2),
            call((2, 3), repeats=2),
            call((2, 3), repeats=[2], axis=1),
            call((2, 3), repeats=(1, 0, 3), axis=-1),
            call((2, 3), repeats=np.array([2, 1]), axis=0),
            call((2, 3), repeats=0, axis=0),
            call((2, 0), repeats=2, axis=0),
        ],
        np.repeat,
    ),
    "tile": Samples(
        R,
        [
            call((), reps=3),
            call((3,), reps=2),
            call((2, 3), reps=(2, 1)),
            call((3,), reps=(2, 2)),
            call((2, 3, 1), reps=[2]),
            call((2, 3), reps=(0, 2)),
            call((2, 3), reps=()),
        ],
        np.tile,
    ),
    "resize": Samples(
        R,
        [call((2, 3), new_shape=(2, 2)), call((2, 3), new_shape=(3, 4)), call((0,), new_shape=2)],
        np.resize,
    ),
    "array_split": Samples(
        R,
        [
            call((7,), indices_or_sections=3),
            call((2, 5), indices_or_sections=4, axis=1),
            call((5, 2), indices_or_sections=[1, 3]),
            call((2,), indices_or_sections=4),
        ],
        end_to_end(np.array_split),
    ),
    "vsplit": Samples(R, [call((4, 2), indices_or_sections=2)], end_to_end(np.vsplit)),
    "hsplit": Samples(
        R,
        [call((4,), indices_or_sections=2), call((2, 4), indices_or_sections=[1])],
        end_to_end(np.hsplit),
    ),
    "dsplit": Samples(R, [call((1, 2, 4), indices_or_sections=2)], end_to_end(np.dsplit)),
    "unstack": Samples(
        R,
        [call((2, 3)), call((2, 3), axis=-1), call((2, 3, 2), axis=1)],
        end_to_end(lambda x, axis=0: [*np.moveaxis(x, axis, 0)]),
    ),
    "append": Samples(
        R,
        [call((3,), (2,)), call((2, 3), ()), call((2, 3), (1, 3), axis=0)],
        np.append,
    ),
    "pad": Samples(R, pads(), np.pad, complex=True),
    "diagonal": Samples(
        R,
        [
            call((3, 3)),
            call((2, 4), offset=1),
            call((4, 2), offset=-2),
            call((2, 3), offset=5),
            call((2, 3), offset=-2),
            call((3, 2, 4), offset=1, axis1=-1, axis2=0),
            call((2, 3, 2, 2)),
            call((0, 3)),
        ],
        np.diagonal,
    ),
    "trace": Samples(
        R, [call((3, 3)), call((2, 4), offset=1), call((3, 2, 4), axis1=1, axis2=2)], np.trace
    ),
    "diag": Samples(
        R,
        [
            call((3,)),
            call((2,), k=1),
            call((2,), k=-2),
            call((0,)),
            call((2, 3)),
            call((3, 3), k=-1),
        ],
        np.diag,
    ),
    "diagflat": Samples(R, [call((2, 2)), call((), k=1), call((3,), k=-1)], np.diagflat),
    "diag_embed": Samples(
        R,
        [
            call((3,)),
            call((2, 3), offset=1),
            call((2, 3), offset=-1, dim1=0, dim2=2),
            call((2, 3), dim1=2, dim2=0, offset=2),
            call((2, 0)),
        ],
        diag_embed,
    ),
    "block_diag": Samples(
        R, [call((2, 3), (1, 2)), call((2,), (), (2, 2)), call((0, 2), (1, 1))], block_diag
    ),
    "vander": Samples(
        R,
        [call((3,)), call((3,), N=2), call((2,), N=4, increasing=True), call((3,), N=0)],
        np.vander,
    ),
    "meshgrid": Samples(
        R,
        [
            call((2,), (3,)),
            call((2,), (3,), indexing="ij"),
            call((2,), (3,), (4,)),
            call((2,), (3,), (4,), indexing="ij", sparse=True),
            call((2,)),
            call((2,), ()),
        ],
        end_to_end(np.meshgrid),
    ),
}
# Of lists of arrays: the arrays are the operands here, and the functions get them as a list.
LISTS: dict[str, Samples] = {
    "concat": Samples(
        R, [call((2, 3), (1, 3)), call((2,), (3, 1), axis=None)], of_list(np.concatenate)
    ),
    "array": Samples(
        R, [call((2,), (2,)), call((), ()), call((2,), (2,), ndmin=3)], of_list(np.array)
    ),
    "stack": Samples(R, [call((2,), (2,)), call((2, 3), (2, 3), axis=-1)], of_list(np.stack)),
    "vstack": Samples(R, [call((3,), (3,)), call((2, 3), (3,))], of_list(np.vstack)),
    "hstack": Samples(
        R, [call((3,), (2,)), call((2, 3), (2, 1)), call((), (2,))], of_list(np.hstack)
    ),
    "dstack": Samples(R, [call((3,), (3,)), call((2, 3), (2, 3))], of_list(np.dstack)),
    "column_stack": Samples(R, [call((3,), (3, 2)), call((2,), (2,))], of_list(np.column_stack)),
    "block": Samples(R, [call((2, 3), (2, 1)), call((3,), ())], of_list(np.block)),
}
COMPOSITES |= LISTS
# Whose values are the same in every dtype.
MOVES = {*COMPOSITES} - {"vander"}
COMPOSITES = {
    name: replace(entry, complex=name != "pad")  # in some of its modes numbers need an order
    for name, entry in COMPOSITES.items()
}
