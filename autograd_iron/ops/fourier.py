"""Fourier transforms.

Three kernels do the work: transforms of complex numbers, of real numbers to the half that tells
all, and back.  Each is another one's rule: what a transform weighs a number by, the transform back
does conjugated.  float32 gives complex64, as in NumPy 2.
"""

# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

from autograd_iron.arrays import dtypes
from autograd_iron.core.axes import Labels
from autograd_iron.core.composite import composite, operand
from autograd_iron.core.plain import setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.specs import Spec, axes_of
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import arange, asarray

BY_LIBRARY = "a library of Fourier transforms computes it"
# Which transforms are divided by their length: that of the other direction is the adjoint's.
OTHER = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


# --- kernels


@primitive(floating=True, by_kernel=BY_LIBRARY)
def dft(xp, x, /, axis, norm="backward", inverse=False):
    """Return the Fourier transform over several axes, or the inverse one; of reals the real part.

    So the dtype stays.  The functions that users call make complex numbers of real ones first.
    """
    wide = x.astype("float32") if x.dtype == dtypes.float16 else x
    transform = xp.fft.ifftn if inverse else xp.fft.fftn
    made = transform(wide, axes=axis, norm=norm)
    return made if x.dtype.kind == "c" else made.real.astype(x.dtype)


@dft.shape
def _(x, axis, norm, inverse):
    _check_sizes(x, axis)
    return Spec(x.shape, x.dtype)


def _check_sizes(x, axis):
    for a in axes_of(axis, x.ndim):
        if not x.shape[a]:
            raise ValueError(f"axis {a} of shape {x.shape} has nothing to transform")


@dft.axes
def _(x, axis, norm, inverse):
    own = _all_but(x, axis)
    return Labels((own,), (own,))


def _all_but(x, axis):
    over = axes_of(axis, x.ndim)
    return tuple(None if i in over else i for i in range(x.ndim))


@dft.vjp
def _(F, g, _y, _x, axis, norm, inverse):
    return F.dft(g, axis=axis, norm=OTHER[norm], inverse=not inverse)


@primitive(floating=True, by_kernel=BY_LIBRARY)
def real_dft(xp, x, /, axis, norm="backward", real_part=False):
    """Return the first half of the transform of real numbers along an axis, which tells all.

    Parameters
    ----------
    real_part : bool
        Whether to return its real part alone, in the dtype of `x`.
    """
    wide = x.astype("float32") if x.dtype == dtypes.float16 else x
    transform = xp.fft.rfft
    made = transform(wide, axis=axis, norm=norm)
    return made.real.astype(x.dtype) if real_part else made


@real_dft.shape
def _(x, axis, norm, real_part):
    _check_sizes(x, axis)
    (at,) = axes_of(axis, x.ndim)
    half = x.shape[at] // 2 + 1
    wide = dtypes.complex128 if x.dtype == dtypes.float64 else dtypes.complex64
    return Spec((*x.shape[:at], half, *x.shape[at + 1 :]), x.dtype if real_part else wide)


@real_dft.axes
def _(x, axis, norm, real_part):
    own = _all_but(x, axis)
    return Labels((own,), (own,))


@real_dft.vjp
def _(F, g, _y, _x, axis, norm, real_part):
    (at,) = axes_of(axis, g.ndim)
    n = _x.shape[at]
    # Going back, each number but those at the ends stands for its conjugate too.
    return F.inverse_real_dft(g * _inside(F, g, at, n, 0.5), axis=axis, n=n, norm=OTHER[norm])


@primitive(floating=True, by_kernel=BY_LIBRARY)
def inverse_real_dft(xp, x, /, axis, n, norm="backward"):
    """Return the `n` real numbers along an axis of whose transform `x` has the first half."""
    wide = x.astype("float32") if x.dtype == dtypes.float16 else x
    transform = xp.fft.irfft
    made = transform(wide, n, axis=axis, norm=norm)
    return made.astype("float16") if x.dtype == dtypes.float16 else made


@inverse_real_dft.shape
def _(x, axis, n, norm):
    (at,) = axes_of(axis, x.ndim)
    if n < 1 or x.shape[at] != n // 2 + 1:
        raise ValueError(f"of {n} numbers the half has {n // 2 + 1}, got shape {x.shape}")
    return Spec((*x.shape[:at], n, *x.shape[at + 1 :]), dtypes.real_of(x.dtype))


@inverse_real_dft.axes
def _(x, axis, n, norm):
    own = _all_but(x, axis)
    return Labels((own,), (own,))


@inverse_real_dft.vjp
def _(F, g, _y, _x, axis, n, norm):
    (at,) = axes_of(axis, g.ndim)
    half = F.real_dft(g, axis=axis, norm=OTHER[norm], real_part=_x.dtype.kind != "c")
    return half * _inside(F, g, at, n, 2.0)


def _inside(F, g, axis, n, value):
    """Return along an axis of half a transform of `n` numbers 1 at its ends, and `value` inside."""
    dtype, place = dtypes.real_of(g.dtype), None if F.xp is not None else g.device
    even = n % 2 == 0
    parts = [(1, 1.0), (n // 2 - even, value)] + [(1, 1.0)] * even
    row = F.join(*(F.full((size,), v, dtype=dtype, device=place) for size, v in parts if size))
    return F.reshape(row, shape=(-1, *(1,) * (g.ndim - 1 - axis)))


# --- what users call


def _norm(norm):
    if norm is not None and norm not in OTHER:
        raise ValueError(f"norm={norm!r} is none of 'backward', 'ortho' and 'forward'")
    return norm or "backward"


def _complex(F, x):
    wide = x.dtype in (dtypes.float64, dtypes.complex128)
    return F.astype(x, dtype=dtypes.complex128 if wide else dtypes.complex64)


def _real(x, name):
    if x.dtype.kind == "c":
        raise TypeError(f"{name} is of real numbers, got {x.dtype}; use fft, or give x.real")
    return x


def _resized(F, x, n, axis):
    """Return `x` cut, or filled up with zeros, to `n` places along an axis."""
    (at,) = axes_of(axis, x.ndim)
    n = x.shape[at] if n is None else n
    if n < 1:
        raise ValueError(f"a transform is of 1 number or more, not of {n}")
    if n < x.shape[at]:
        return F.getitem(x, index=(*(slice(None),) * at, slice(0, n)))
    if n > x.shape[at]:
        widths = tuple((0, (n - x.shape[at]) * (i == at)) for i in range(x.ndim))
        return F.pad(x, pad_width=widths)
    return x


def _sizes_and_axes(x, s, axes):
    """Return the sizes to transform and their axes, both as NumPy understands them."""
    s, axes = setting(s, "shape"), setting(axes, "axes")
    s = (s,) if isinstance(s, int) else s
    if axes is None:
        axes = tuple(range(x.ndim)) if s is None else tuple(range(-len(s), 0))
    axes = (axes,) if isinstance(axes, int) else axes
    for a in axes:
        axes_of(a, x.ndim)
    sizes = tuple(x.shape[a] for a in axes) if s is None else s
    if len(sizes) != len(axes):
        raise ValueError(f"s has {len(sizes)} sizes for {len(axes)} axes")
    return [x.shape[a] if n in (None, -1) else n for n, a in zip(sizes, axes, strict=True)], axes


def _over_axes(F, x, s, axes, norm, inverse):
    x = operand(F, x)
    sizes, axes = _sizes_and_axes(x, s, axes)
    for n, a in zip(sizes, axes, strict=True):
        x = _resized(F, x, n, a)
    x, norm = _complex(F, x), _norm(norm)
    apart = tuple(dict.fromkeys(axes_of(a, x.ndim)[0] for a in axes))
    if len(apart) == len(axes):
        return F.dft(x, axis=apart, norm=norm, inverse=inverse) if axes else x
    for a in axes:  # an axis that is named twice is transformed twice
        x = F.dft(x, axis=axes_of(a, x.ndim), norm=norm, inverse=inverse)
    return x


@composite
def fft(F, x, /, n=None, axis=-1, norm=None):
    """Return the Fourier transform along an axis, cut or filled up with zeros to `n` numbers.

    Parameters
    ----------
    norm : "backward", "ortho" or "forward", optional
        Which direction is divided by `n`: the inverse one (default), both by its square root, or
        this one.
    """
    return _over_axes(F, x, (n,), (axis,), norm, False)


@composite
def ifft(F, x, /, n=None, axis=-1, norm=None):
    """Return the inverse Fourier transform along an axis: see `fft`."""
    return _over_axes(F, x, (n,), (axis,), norm, True)


@composite
def fftn(F, x, /, s=None, axes=None, norm=None):
    """Return the Fourier transform over several axes (None: all), to `s` numbers: see `fft`."""
    return _over_axes(F, x, s, axes, norm, False)


@composite
def ifftn(F, x, /, s=None, axes=None, norm=None):
    """Return the inverse Fourier transform over several axes (None: all): see `fft`."""
    return _over_axes(F, x, s, axes, norm, True)


@composite
def fft2(F, x, /, s=None, axes=(-2, -1), norm=None):
    """Return the Fourier transform over two axes: see `fft`."""
    return _over_axes(F, x, s, axes, norm, False)


@composite
def ifft2(F, x, /, s=None, axes=(-2, -1), norm=None):
    """Return the inverse Fourier transform over two axes: see `fft`."""
    return _over_axes(F, x, s, axes, norm, True)


@composite
def rfft(F, x, /, n=None, axis=-1, norm=None):
    """Return the first `n // 2 + 1` numbers of the transform of real ones: see `fft`.

    The others are their conjugates.
    """
    x = operand(F, x)
    x = _resized(F, _real(x, "rfft"), n, axis)
    return F.real_dft(x, axis=axis, norm=_norm(norm))


@composite
def irfft(F, x, /, n=None, axis=-1, norm=None):
    """Return the `n` real numbers whose `rfft` this is; by default their number is even."""
    x = operand(F, x)
    (at,) = axes_of(axis, x.ndim)
    n = 2 * (x.shape[at] - 1) if n is None else setting(n)
    if n < 1:
        raise ValueError(f"a transform is of 1 number or more, not of {n}")
    x = _resized(F, _complex(F, x), n // 2 + 1, at)
    return F.inverse_real_dft(x, axis=at, n=n, norm=_norm(norm))


@composite
def rfftn(F, x, /, s=None, axes=None, norm=None):
    """Return the transform of real numbers over several axes, the last of them by `rfft`."""
    x = operand(F, x)
    sizes, axes = _sizes_and_axes(x, s, axes)
    if not axes:
        raise ValueError("rfftn needs an axis, or more")
    half = F.rfft(x, n=sizes[-1], axis=axes[-1], norm=norm)
    return _over_axes(F, half, tuple(sizes[:-1]), axes[:-1], norm, False)


@composite
def irfftn(F, x, /, s=None, axes=None, norm=None):
    """Return the real numbers whose `rfftn` this is; by default the last axis is even."""
    x = operand(F, x)
    sizes, axes = _sizes_and_axes(x, s, axes)
    if not axes:
        raise ValueError("irfftn needs an axis, or more")
    last = None if s is None else sizes[-1]
    half = _over_axes(F, x, tuple(sizes[:-1]), axes[:-1], norm, True)
    return F.irfft(half, n=last, axis=axes[-1], norm=norm)


@composite
def rfft2(F, x, /, s=None, axes=(-2, -1), norm=None):
    """Return the transform of real numbers over two axes, the last of them by `rfft`."""
    return F.rfftn(x, s=s, axes=axes, norm=norm)


@composite
def irfft2(F, x, /, s=None, axes=(-2, -1), norm=None):
    """Return the real numbers whose `rfft2` this is."""
    return F.irfftn(x, s=s, axes=axes, norm=norm)


@composite
def hfft(F, x, /, n=None, axis=-1, norm=None):
    """Return the transform, which is real, of numbers whose other half are their conjugates."""
    return F.irfft(F.conj(operand(F, x)), n=n, axis=axis, norm=OTHER[_norm(norm)])


@composite
def ihfft(F, x, /, n=None, axis=-1, norm=None):
    """Return the first half of the inverse transform of real numbers: that of `hfft`."""
    x = operand(F, x)
    return F.conj(F.rfft(_real(x, "ihfft"), n=n, axis=axis, norm=OTHER[_norm(norm)]))


@composite
def fftshift(F, x, /, axes=None):
    """Return `x` with the frequency 0 moved to the middle of each of these axes (None: all)."""
    x = operand(F, x)
    over = axes_of(axes, x.ndim)
    return F.roll(x, tuple(x.shape[a] // 2 for a in over), over)


@composite
def ifftshift(F, x, /, axes=None):
    """Return what `fftshift` does, undone."""
    x = operand(F, x)
    over = axes_of(axes, x.ndim)
    return F.roll(x, tuple(-(x.shape[a] // 2) for a in over), over)


def fftfreq(n: int, d: float = 1.0, dtype: Any = "float32", device: str | None = None) -> Tensor:
    """Return the frequencies of the `n` numbers of a transform, in cycles per sample spacing `d`.

    From 0 up, then the negative ones.
    """
    size = _positive(n)
    below = size // 2
    steps = arange(size, dtype=dtype, device=device)
    wrapped = steps - size * (steps >= size - below)
    return asarray(wrapped / (size * d))


def rfftfreq(n: int, d: float = 1.0, dtype: Any = "float32", device: str | None = None) -> Tensor:
    """Return the frequencies of the `n // 2 + 1` numbers of an `rfft`; see `fftfreq`."""
    size = _positive(n)
    return asarray(arange(size // 2 + 1, dtype=dtype, device=device) / (size * d))


def _positive(n: int) -> int:
    n = setting(n)
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"n={n!r}: a transform is of 1 number or more")
    return n
