"""Convolutions of images on the CPU, row by row, with a third of the copies.

Windows that lie over each other share their rows.  If for each row of the image its windows along
the width are copied once, as many rows as a kernel is high lie one behind the other in memory, and
are a matrix for BLAS as they are: a kernel of 3 x 3 copies three numbers for each, not nine.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from autograd_iron.arrays import device
from autograd_iron.ops.windows.geometry import is_host

# Below this width the products are too narrow to be fast.
NARROWEST = 8
# So many bytes of windows are copied before they are used.
BUFFER = 1 << 19
# Images are shared out in so many parts, however many threads there are: sums have the same bits.
PARTS = 4
# Fewer products than these are not worth a second thread.
WORTH = 1 << 23


def serves(xp, kernel, count):
    """Return whether the functions here are for such windows."""
    return is_host(xp) and len(kernel) == 2 and kernel[0] > 1 and count[-1] >= NARROWEST


def _rows_in_buffer(one, least, most, step=1):
    """Return how many rows of windows are made of the rows of an image that fit."""
    return max(1, min(most, (BUFFER // max(one, 1) - least) // step + 1))


def _products(y, window):
    return y.size * math.prod(window)


def _in_parts(work, images, products):
    """Return what `work` makes of each part of the images, from one to another."""
    from autograd_iron.arrays import cpu, threads

    parts = max(1, min(PARTS, images))
    bounds = [images * i // parts for i in range(parts + 1)]
    made = [None] * parts
    count = 1 if products < WORTH or cpu.has_one_thread() else min(cpu.cores(), parts)

    def some(worker, _):
        for i in range(worker, parts, count):
            made[i] = work(bounds[i], bounds[i + 1])

    with cpu.single_threaded_blas():  # the products are small
        threads.share_out(count, some, None)
    return made


def conv(xp, x, w, y, stride, padding, dilation, groups):
    """Write the convolution of images into `y`; the kernel's rows are not apart (dilation 1)."""

    def some(start, end):
        _conv(xp, x[start:end], w, y[start:end], stride, padding, dilation, groups)

    _in_parts(some, x.shape[0], _products(y, w.shape[1:]))


def _conv(xp, x, w, y, stride, padding, dilation, groups):
    (_, channels, height, width), (made, own, kh, kw) = x.shape, w.shape
    (top, bottom), (left, right) = padding
    (rise, step), (high, wide) = stride, y.shape[2:]
    image = xp.zeros((channels, height + top + bottom, width + left + right), dtype=x.dtype)
    inner = image[:, top : top + height, left : left + width]
    source = image.reshape(groups, own, *image.shape[1:]).transpose(0, 2, 1, 3)
    band = _rows_in_buffer(channels * kw * wide * x.dtype.itemsize, kh, high, rise)
    rows = xp.empty((groups, (band - 1) * rise + kh, own, kw, wide), dtype=x.dtype)
    by_group, by_row, _, by_tap, by_column = rows.strides
    windows = device.overlapping(
        rows, (groups, band, kh * own * kw, wide), (by_group, by_row * rise, by_tap, by_column)
    )
    weight = w.reshape(groups, made // groups, own, kh, kw).transpose(0, 1, 3, 2, 4)
    weight = weight.reshape(groups, 1, made // groups, kh * own * kw)
    for n in range(x.shape[0]):
        inner[...] = x[n]
        target = y[n].reshape(groups, made // groups, high, wide).transpose(0, 2, 1, 3)
        for start in range(0, high, band):
            now = min(band, high - start)
            first, count = start * rise, (now - 1) * rise + kh
            for tap in range(kw):
                at = tap * dilation[1]
                columns = slice(at, at + step * (wide - 1) + 1, step)
                rows[:, :count, :, tap] = source[:, first : first + count, :, columns]
            xp.matmul(weight, windows[:, :now], out=target[:, start : start + now])


def turned(w, groups):
    """Return the weight of the convolution that is the transpose of one with a stride of 1."""
    made, own, kh, kw = w.shape
    parts = w.reshape(groups, made // groups, own, kh, kw).swapaxes(1, 2)[..., ::-1, ::-1]
    return parts.reshape(groups * own, made // groups, kh, kw)


def weight_gradient(xp, x, y, kernel, stride, padding, dilation, groups):
    """Return the gradient of a convolution by its weight, for windows in every row (stride 1)."""

    def some(start, end):
        part = x[start:end], y[start:end]
        return _weight_gradient(xp, *part, kernel, stride, padding, dilation, groups)

    return sum(_in_parts(some, x.shape[0], _products(y, (x.shape[1] // groups, *kernel))))


def _weight_gradient(xp, x, y, kernel, stride, padding, dilation, groups):
    (_, channels, height, width), (kh, kw) = x.shape, kernel
    (top, bottom), (left, right) = padding
    own, made = channels // groups, y.shape[1] // groups
    (high, wide), step = y.shape[2:], stride[1]
    # Channels come last here, so that the windows of a row are the rows of a matrix.
    image = xp.zeros((height + top + bottom, width + left + right, channels), dtype=x.dtype)
    inner = image[top : top + height, left : left + width].transpose(2, 0, 1)
    source = image.reshape(*image.shape[:2], groups, own).transpose(2, 0, 1, 3)
    reach = (kh - 1) * dilation[0] + 1
    band = _rows_in_buffer(channels * kw * wide * x.dtype.itemsize, reach, high)
    rows = xp.empty((groups, band - 1 + reach, wide, kw, own), dtype=x.dtype)
    total = xp.zeros((kh, groups, made, kw * own), dtype=x.dtype)
    for n in range(x.shape[0]):
        inner[...] = x[n]
        given = y[n].reshape(groups, made, high, wide)
        for start in range(0, high, band):
            now = min(band, high - start)
            for tap in range(kw):
                at = tap * dilation[1]
                columns = slice(at, at + step * (wide - 1) + 1, step)
                part = source[:, start : start + now - 1 + reach, columns]
                rows[:, : now - 1 + reach, :, tap] = part
            here = given[:, :, start : start + now].reshape(groups, made, now * wide)
            for i in range(kh):
                at = i * dilation[0]
                matrix = rows[:, at : at + now].reshape(groups, now * wide, kw * own)
                total[i] += xp.matmul(here, matrix)
    parts = total.reshape(kh, groups * made, kw, own)
    return parts.transpose(1, 3, 0, 2)
