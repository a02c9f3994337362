"""Convolution and its two gradients: three products, each of which is the gradient of the others.

Values are `(images, channels, *sizes)`, weights `(channels made, channels / groups, *kernel)`, as
in PyTorch.  Each is one product of matrices with the windows of a few images, which are copied into
a buffer that stays in the cache.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import dtypes
from autograd_iron.core import specs
from autograd_iron.core.axes import of_text
from autograd_iron.core.batch import all_batched, moved
from autograd_iron.core.primitive import primitive
from autograd_iron.core.registry import raw
from autograd_iron.core.specs import Spec
from autograd_iron.ops.windows import rows
from autograd_iron.ops.windows.geometry import counts, is_host, is_plain, settle
from autograd_iron.ops.windows.unfolding import fold_windows, unfold_windows

# So many bytes of windows are copied at a time.
BUFFER = 1 << 20


@primitive
def conv(xp, x, w, /, stride, padding, dilation, groups):
    """Return the convolution of images with a weight (the correlation, as networks have it).

    Parameters
    ----------
    x : (images, channels, *sizes)
    w : (channels made, channels / groups, *kernel)
    stride, dilation : tuple of int
        An entry for each of the sizes.
    padding : tuple of (before, after)
        Of zeros, a pair for each of the sizes.
    groups : int
        Into how many parts the channels fall, each of which makes its own part of the result.

    Returns
    -------
    (images, channels made, *counts of windows)
    """
    made = _of_conv(x, w, stride, padding, dilation, groups)
    if not is_host(xp):
        return _conv(raw(xp), x, w, stride, padding, dilation, groups)
    x, w, dtype = _alike(x, w)
    y = xp.empty(made.shape, dtype=x.dtype)
    _write_conv(xp, y, x, w, stride, padding, dilation, groups)
    return y.astype(dtype, copy=False)


@conv.writes
def _write_conv(xp, y, x, w, stride, padding, dilation, groups):
    if not _is_one_dtype(y, x, w):
        return False
    kernel, count = w.shape[2:], y.shape[2:]
    if dilation[0] == 1 and rows.serves(xp, kernel, count):
        rows.conv(xp, x, w, y, stride, padding, dilation, groups)
        return True
    weight = _rows(w, groups)
    for part in _parts(x, kernel, count):
        columns = _columns(xp, x[part], kernel, stride, padding, dilation, groups)
        xp.matmul(weight, columns, out=_grouped(y[part], groups))
    return True


def _is_one_dtype(*arrays):
    """Return whether arrays have one dtype, and one in which products are made."""
    dtype = arrays[0].dtype
    return all(x.dtype == dtype for x in arrays) and not dtypes.is_narrow(dtype)


def _alike(x, w):
    """Return two arrays in the dtype in which they meet, float16 as float32; and that dtype."""
    dtype = specs.joint(x, w)
    wide = dtypes.float32 if dtype == dtypes.float16 else dtype
    return x.astype(wide, copy=False), w.astype(wide, copy=False), dtype


def _parts(x, kernel, count):
    """Yield slices of so many images that their windows fit into the buffer."""
    one = math.prod((*x.shape[1:2], *kernel, *count)) * x.dtype.itemsize
    step = max(1, BUFFER // max(one, 1))
    for start in range(0, x.shape[0], step):
        yield slice(start, start + step)


def _columns(xp, x, kernel, stride, padding, dilation, groups):
    """Return the windows of images as matrices: (images, groups, of a window, windows)."""
    if not _is_pointwise(kernel, stride, padding):
        windows = unfold_windows.kernel(xp, x, kernel, stride, padding, dilation)
    else:
        windows = x.reshape(*x.shape[:2], *kernel, *x.shape[2:])
    inner = math.prod(windows.shape[1 : 2 + len(kernel)]) // groups
    count = math.prod(windows.shape[2 + len(kernel) :])
    return windows.reshape(x.shape[0], groups, inner, count)


def _is_pointwise(kernel, stride, padding):
    return math.prod(kernel) * math.prod(stride) == 1 and is_plain(padding)


def _rows(w, groups):
    """Return a weight as matrices: (groups, channels made by a group, of a window)."""
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


def _grouped(x, groups):
    """Return images as matrices: (images, groups, channels of a group, all sizes)."""
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, math.prod(x.shape[2:]))


@conv.shape
def _of_conv(x, w, stride, padding, dilation, groups):
    _check_axes(x, w)
    own, made = w.shape[1], w.shape[0]
    if groups < 1 or made % groups or x.shape[1] != own * groups:
        raise ValueError(
            f"an input of {x.shape[1]} channels and a weight {tuple(w.shape)} with {groups} "
            f"groups: the weight is for {own * groups} channels, and the {made} that it makes "
            "must divide into the groups"
        )
    count = counts(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return Spec((x.shape[0], made, *count), specs.joint(x, w))


def _check_axes(x, w):
    if x.ndim != w.ndim or x.ndim < 3:
        raise ValueError(
            f"an input of shape {tuple(x.shape)} and a weight of shape {tuple(w.shape)}: they are "
            "(images, channels, *sizes) and (channels made, channels / groups, *kernel)"
        )


@conv.decompose
def _conv(F, x, w, stride, padding, dilation, groups):
    kernel = w.shape[2:]
    windows = F.unfold_windows(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    count = windows.shape[2 + len(kernel) :]
    inner, made = math.prod(w.shape[1:]), w.shape[0]
    columns = F.reshape(windows, shape=(x.shape[0], groups, inner, math.prod(count)))
    weight = F.reshape(w, shape=(groups, made // groups, inner))
    return F.reshape(F.matmul(weight, columns), shape=(x.shape[0], made, *count))


@conv.vjp
def _(F, g, _y, _x, w, stride, padding, dilation, groups):
    return F.conv_input_gradient(
        g,
        F.conj(w),
        size=_x.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@conv.vjp
def _(F, g, _y, x, _w, stride, padding, dilation, groups):
    return F.conv_weight_gradient(
        F.conj(x),
        g,
        kernel=_w.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@conv.axes
def _(x, w, stride, padding, dilation, groups):
    return _labels("nc, oc -> no", (x, w), groups)


def _labels(text, operands, groups):
    """Return labels of images, channels and channels made; all else is needed whole.

    In groups every channel of a weight is needed whole, too.
    """
    rest = "ABCDEF"[: operands[0].ndim - 2]
    if groups > 1:
        text = text.replace("c", "X").replace("o", "Y")
    terms = text.replace(",", f"{rest},").replace(" ->", f"{rest} ->") + rest
    return of_text(terms, operands, "sum")


@conv.vmap
def _(F, batched, x, w, stride, padding, dilation, groups):
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    if not batched[1]:
        made = F.conv(_merged(F, x), w, groups=groups, **settings)
        return _apart(F, made, x.shape[0])
    x, w = all_batched(F, batched, (x, w))
    size = x.shape[0]
    made = F.conv(_merged(F, moved(F, x, 0, 1), 1), _merged(F, w), groups=size * groups, **settings)
    return moved(F, _apart(F, made, size, 1), 1, 0)


def _merged(F, x, axis=0):
    """Return `x` with two axes side by side made one."""
    return F.reshape(
        x, shape=(*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :])
    )


def _apart(F, x, size, axis=0):
    """Return `x` with an axis cut into two, of which the first has a size."""
    n = x.shape[axis] // size if size else 0
    return F.reshape(x, shape=(*x.shape[:axis], size, n, *x.shape[axis + 1 :]))


@primitive
def conv_input_gradient(xp, y, w, /, size, stride, padding, dilation, groups):
    """Return the gradient of a convolution by its input: a transposed convolution.

    Parameters
    ----------
    y : (images, channels made, *counts)
    w : (channels made, channels / groups, *kernel)
    size : tuple of int
        Those of the input.
    stride, padding, dilation, groups
        Those of the convolution.

    Returns
    -------
    (images, channels, *size)
    """
    made = _of_input(y, w, size, stride, padding, dilation, groups)
    if not is_host(xp):
        return _input(raw(xp), y, w, size, stride, padding, dilation, groups)
    y, w, dtype = _alike(y, w)
    x = xp.empty(made.shape, dtype=y.dtype)
    _write_input(xp, x, y, w, size, stride, padding, dilation, groups)
    return x.astype(dtype, copy=False)


@conv_input_gradient.writes
def _write_input(xp, x, y, w, size, stride, padding, dilation, groups):
    if not _is_one_dtype(x, y, w):
        return False
    kernel, count = w.shape[2:], y.shape[2:]
    around = _around(kernel, padding, dilation)
    if (
        around is not None
        and math.prod(stride) == dilation[0] == 1
        and rows.serves(xp, kernel, size)
    ):
        rows.conv(xp, y, rows.turned(w, groups), x, stride, around, dilation, groups)
        return True
    weight = _rows(w, groups).swapaxes(1, 2)
    for part in _parts(x, kernel, count):
        columns = xp.matmul(weight, _grouped(y[part], groups))
        windows = columns.reshape(len(columns), x.shape[1], *kernel, *count)
        x[part] = fold_windows.kernel(xp, windows, size, kernel, stride, padding, dilation)
    return True


def _around(kernel, padding, dilation):
    """Return the padding of the transposed convolution, of stride 1; None if it would be less."""
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    pairs = zip(spans, padding, strict=True)
    made = tuple((span - before, span - after) for span, (before, after) in pairs)
    return made if min(map(min, made)) >= 0 else None


@conv_input_gradient.shape
def _of_input(y, w, size, stride, padding, dilation, groups):
    _check_axes(y, w)
    count = counts(size, w.shape[2:], stride, padding, dilation)
    if y.shape[1:] != (w.shape[0], *count) or groups < 1 or w.shape[0] % groups:
        raise ValueError(
            f"a convolution of {tuple(size)} with a weight {tuple(w.shape)} and {groups} groups "
            f"makes (images, {w.shape[0]}, {', '.join(map(str, count))}), not {tuple(y.shape)}"
        )
    return Spec((y.shape[0], w.shape[1] * groups, *size), specs.joint(y, w))


@conv_input_gradient.decompose
def _input(F, y, w, size, stride, padding, dilation, groups):
    kernel, count = w.shape[2:], y.shape[2:]
    inner, made = math.prod(w.shape[1:]), w.shape[0] // groups
    weight = F.matrix_transpose(F.reshape(w, shape=(groups, made, inner)))
    columns = F.matmul(weight, F.reshape(y, shape=(y.shape[0], groups, made, math.prod(count))))
    windows = F.reshape(columns, shape=(y.shape[0], groups * w.shape[1], *kernel, *count))
    return F.fold_windows(
        windows, size=size, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )


@conv_input_gradient.vjp
def _(F, g, _x, _y, w, size, stride, padding, dilation, groups):
    w = F.conj(w)
    return F.conv(g, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_input_gradient.vjp
def _(F, g, _x, y, _w, size, stride, padding, dilation, groups):
    return F.conv_weight_gradient(
        g,
        F.conj(y),
        kernel=_w.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@conv_input_gradient.axes
def _(y, w, size, stride, padding, dilation, groups):
    return _labels("no, oc -> nc", (y, w), groups)


@conv_input_gradient.vmap
def _(F, batched, y, w, size, stride, padding, dilation, groups):
    settings = {"size": size, "stride": stride, "padding": padding, "dilation": dilation}
    if not batched[1]:
        made = F.conv_input_gradient(_merged(F, y), w, groups=groups, **settings)
        return _apart(F, made, y.shape[0])
    y, w = all_batched(F, batched, (y, w))
    count = y.shape[0]
    made = F.conv_input_gradient(
        _merged(F, moved(F, y, 0, 1), 1), _merged(F, w), groups=count * groups, **settings
    )
    return moved(F, _apart(F, made, count, 1), 1, 0)


@primitive
def conv_weight_gradient(xp, x, y, /, kernel, stride, padding, dilation, groups):
    """Return the gradient of a convolution by its weight.

    Parameters
    ----------
    x : (images, channels, *sizes)
    y : (images, channels made, *counts)
    kernel : tuple of int
        The sizes of the weight.
    stride, padding, dilation, groups
        Those of the convolution.

    Returns
    -------
    (channels made, channels / groups, *kernel)
    """
    made = _of_weight(x, y, kernel, stride, padding, dilation, groups)
    if not is_host(xp):
        return _weight(raw(xp), x, y, kernel, stride, padding, dilation, groups)
    x, y, dtype = _alike(x, y)
    if stride[0] == 1 and rows.serves(xp, kernel, y.shape[2:]):
        w = rows.weight_gradient(xp, x, y, kernel, stride, padding, dilation, groups)
        return w.astype(dtype, order="C")
    w = xp.zeros((groups, made.shape[0] // groups, math.prod(made.shape[1:])), dtype=x.dtype)
    for part in _parts(x, kernel, y.shape[2:]):
        columns = _columns(xp, x[part], kernel, stride, padding, dilation, groups)
        w += xp.matmul(_grouped(y[part], groups), columns.swapaxes(2, 3)).sum(axis=0)
    return w.reshape(made.shape).astype(dtype, copy=False)


@conv_weight_gradient.shape
def _of_weight(x, y, kernel, stride, padding, dilation, groups):
    _check_axes(x, y)
    count = counts(x.shape[2:], kernel, stride, padding, dilation)
    divides = groups > 0 and x.shape[1] % groups == 0 == y.shape[1] % groups
    if x.shape[0] != y.shape[0] or y.shape[2:] != count or not divides:
        raise ValueError(
            f"{tuple(x.shape)} has {count} windows of {tuple(kernel)}, and channels that divide "
            f"into {groups} groups; {tuple(y.shape)} does not fit"
        )
    return Spec((y.shape[1], x.shape[1] // groups, *kernel), specs.joint(x, y))


@conv_weight_gradient.decompose
def _weight(F, x, y, kernel, stride, padding, dilation, groups):
    windows = F.unfold_windows(x, kernel=kernel, stride=stride, padding=padding, dilation=dilation)
    own, made = x.shape[1] // groups, y.shape[1] // groups
    inner, count = own * math.prod(kernel), math.prod(y.shape[2:])
    columns = F.reshape(windows, shape=(x.shape[0], groups, inner, count))
    given = F.reshape(y, shape=(x.shape[0], groups, made, count))
    total = F.sum(F.matmul(given, F.matrix_transpose(columns)), axis=0)
    return F.reshape(total, shape=(made * groups, own, *kernel))


@conv_weight_gradient.vjp
def _(F, g, _w, _x, y, kernel, stride, padding, dilation, groups):
    return F.conv_input_gradient(
        F.conj(y),
        g,
        size=_x.shape[2:],
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@conv_weight_gradient.vjp
def _(F, g, _w, x, _y, kernel, stride, padding, dilation, groups):
    x = F.conj(x)
    return F.conv(x, g, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_weight_gradient.axes
def _(x, y, kernel, stride, padding, dilation, groups):
    return _labels("nc, no -> oc", (x, y), groups)


@conv_weight_gradient.vmap
def _(F, batched, x, y, kernel, stride, padding, dilation, groups):
    x, y = all_batched(F, batched, (x, y))
    size = x.shape[0]
    made = F.conv_weight_gradient(
        _merged(F, moved(F, x, 0, 1), 1),
        _merged(F, moved(F, y, 0, 1), 1),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=size * groups,
    )
    return _apart(F, made, size)


for word in (conv, conv_input_gradient, conv_weight_gradient):
    settle(word)
