"""Convolution and correlation."""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from autograd_iron.core.composite import composite, operands
from autograd_iron.core.specs import axes_of

__all__ = ["convolve", "correlate"]

MODES = ("full", "same", "valid")
LARGE = 512  # so many elements are worth a Fourier transform


def _check_mode(mode):
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is none of 'full', 'same' and 'valid'")


def _reversed(F, x):
    return F.conj(F.flip(x))


# --- NumPy's, of vectors


@composite
def convolve(F, a, v, /, mode="full"):
    """Return the convolution of two vectors.

    Parameters
    ----------
    mode : "full", "same" or "valid"
        All places where they meet; as many as the longer one has, from the middle; or those where
        they overlap completely.
    """
    a, v = _vectors(F, a, v)
    if v.size > a.size:
        a, v = v, a
    _check_mode(mode)
    return _along(F, a, v, *_range(a.size, v.size, mode))


@composite
def correlate(F, a, v, /, mode="valid"):
    """Return the correlation of two vectors, `v` conjugated: see `convolve`."""
    a, v = _vectors(F, a, v)
    _check_mode(mode)
    start, size = _range(max(a.size, v.size), min(a.size, v.size), mode)
    if v.size > a.size and mode == "same":  # counted from the other end
        start = a.size - 1 - start
    return _along(F, a, _reversed(F, v), start, size)


def _vectors(F, a, v):
    a, v = operands(F, a, v)
    a, v = (F.reshape(x, shape=(1,)) if not x.ndim else x for x in (a, v))
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise ValueError(
            f"these are no two vectors with elements: {a.shape} and {v.shape}; "
            "ai.signal.convolve and correlate take any number of axes"
        )
    return a, v


def _range(n, k, mode):
    """Return the first of the places where two lines of `n >= k` numbers meet, and their number."""
    if mode == "full":
        return 0, n + k - 1
    return ((k - 1) // 2, n) if mode == "same" else (k - 1, n - k + 1)


def _along(F, x, kernel, start, size):
    return _windows_times(F, x, kernel, (start,), (size,))


def _windows_times(F, x, kernel, starts, sizes):
    """Return the convolution at these places: the windows of `x` times the kernel, reversed."""
    index, widths = [], []
    for n, k, start, size in zip(x.shape, kernel.shape, starts, sizes, strict=True):
        left, right = k - 1 - start, size + start - n
        index.append(slice(max(-left, 0), n - max(-right, 0)))
        widths.append((max(left, 0), max(right, 0)))
    x = F.pad(F.getitem(x, index=tuple(index)), pad_width=tuple(widths))
    windows = F.sliding_window_view(x, kernel.shape)
    return F.tensordot(windows, F.flip(kernel), axes=kernel.ndim)


# --- SciPy's, of any number of axes


@composite
def convolve_arrays(F, in1, in2, /, mode="full", method="auto"):
    """Return the convolution of two arrays of equally many axes, over all of them.

    Parameters
    ----------
    mode : "full", "same" or "valid"
        All places where they meet; as many as `in1` has, from the middle; or those where they
        overlap completely.
    method : "auto", "direct" or "fft"
        "direct" multiplies windows; "fft" is faster for large kernels.
    """
    x, kernel = _alike(F, in1, in2)
    _check_mode(mode)
    if method not in ("auto", "direct", "fft"):
        raise ValueError(f"method={method!r} is none of 'auto', 'direct' and 'fft'")
    if mode == "valid" and all(n <= k for n, k in zip(x.shape, kernel.shape, strict=True)):
        x, kernel = kernel, x
    pairs = list(zip(x.shape, kernel.shape, strict=True))
    if mode == "valid" and any(n < k for n, k in pairs):
        raise ValueError(
            f"mode='valid' needs one array that is as large along every axis, got {x.shape} and "
            f"{kernel.shape}"
        )
    exact = all(v.dtype.kind not in "fc" for v in (x, kernel))
    large = min(x.size, kernel.size) > LARGE and not exact
    if method == "fft" or (method == "auto" and large):
        return F.fftconvolve(x, kernel, mode=mode)
    starts, sizes = zip(*(_range(n, k, mode) for n, k in pairs), strict=True) if pairs else ((), ())
    return _windows_times(F, x, kernel, starts, sizes) if pairs else x * kernel


def _alike(F, in1, in2):
    in1, in2 = operands(F, in1, in2)
    if in1.ndim != in2.ndim:
        raise ValueError(f"arrays of {in1.ndim} and of {in2.ndim} axes: both need equally many")
    if not in1.size or not in2.size:
        raise ValueError(f"one of the arrays of shapes {in1.shape} and {in2.shape} is empty")
    return in1, in2


@composite
def correlate_arrays(F, in1, in2, /, mode="full", method="auto"):
    """Return the correlation of two arrays, `in2` conjugated, over all axes: see `convolve`."""
    in1, in2 = _alike(F, in1, in2)
    return F.convolve_arrays(in1, _reversed(F, in2), mode=mode, method=method)


@composite
def fftconvolve(F, in1, in2, /, mode="full", axes=None):
    """Return the convolution of two arrays over axes (None: all), by Fourier transforms.

    Along other axes they broadcast.
    """
    x, kernel = _alike(F, in1, in2)
    _check_mode(mode)
    axes = axes_of(axes, x.ndim)
    if mode == "valid" and all(x.shape[a] <= kernel.shape[a] for a in axes):
        x, kernel = kernel, x
    if mode == "valid" and any(x.shape[a] < kernel.shape[a] for a in axes):
        raise ValueError(
            f"mode='valid' needs one array that is as large along the axes {axes}, got {x.shape} "
            f"and {kernel.shape}"
        )
    if not axes:
        return x * kernel
    sizes = tuple(_fast(x.shape[a] + kernel.shape[a] - 1) for a in axes)
    if "c" in (x.dtype.kind, kernel.dtype.kind):
        to, back = F.fftn, F.ifftn
    else:
        to, back = F.rfftn, F.irfftn
    made = back(to(x, s=sizes, axes=axes) * to(kernel, s=sizes, axes=axes), s=sizes, axes=axes)
    index = [slice(None)] * made.ndim
    for a in axes:
        start, size = _range(x.shape[a], kernel.shape[a], mode)
        index[a] = slice(start, start + size)
    return F.getitem(made, index=tuple(index))


def _fast(n):
    """Return the next size whose prime factors are 2, 3 and 5."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


@composite
def convolve2d(F, in1, in2, /, mode="full", boundary="fill", fillvalue=0):
    """Return the convolution of two matrices.

    Parameters
    ----------
    mode : "full", "same" or "valid"
    boundary : "fill", "wrap" or "symm"
        What is around `in1`: a number, itself again, or its mirror image.
    fillvalue : number
    """
    in1, in2 = _alike(F, in1, in2)
    return _of_matrices(F, in1, in2, mode, boundary, fillvalue, 1)


@composite
def correlate2d(F, in1, in2, /, mode="full", boundary="fill", fillvalue=0):
    """Return the correlation of two matrices, `in2` conjugated: see `convolve2d`."""
    in1, in2 = _alike(F, in1, in2)
    return _of_matrices(F, in1, _reversed(F, in2), mode, boundary, fillvalue, 0)


def _of_matrices(F, x, kernel, mode, boundary, fillvalue, before):
    """Return a convolution of matrices; `before` chooses the first of two middles, 0 the other."""
    if x.ndim != 2:
        raise ValueError(f"these are no two matrices: {x.shape} and {kernel.shape}")
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary={boundary!r} is none of 'fill', 'wrap' and 'symm'")
    _check_mode(mode)
    if mode == "valid":
        return F.convolve_arrays(x, kernel, mode=mode, method="direct")
    how = {"constant_values": fillvalue} if boundary == "fill" else {}
    around = tuple((k - 1, k - 1) for k in kernel.shape)
    wide = F.pad(x, around, mode=BOUNDARIES[boundary], **how)
    made = F.convolve_arrays(wide, kernel, mode="valid", method="direct")
    if mode == "full":
        return made
    starts = [(k - before) // 2 for k in kernel.shape]
    places = tuple(slice(s, s + n) for s, n in zip(starts, x.shape, strict=True))
    return F.getitem(made, index=places)
