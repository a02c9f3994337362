"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike

def fft(x: TensorLike, /, n: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, norm: Any = None) -> Tensor:
    """Return the Fourier transform along an axis, cut or filled up with zeros to `n` numbers.

    Parameters
    ----------
    norm : "backward", "ortho" or "forward", optional
        Which direction is divided by `n`: the inverse one (default), both by its square root, or
        this one.
    """

def fft2(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = (-2, -1), norm: Any = None) -> Tensor:
    """Return the Fourier transform over two axes: see `fft`."""

def fftn(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = None, norm: Any = None) -> Tensor:
    """Return the Fourier transform over several axes (None: all), to `s` numbers: see `fft`."""

def fftshift(x: TensorLike, /, axes: builtins.int | Sequence[Any] | None = None) -> Tensor:
    """Return `x` with the frequency 0 moved to the middle of each of these axes (None: all)."""

def hfft(x: TensorLike, /, n: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, norm: Any = None) -> Tensor:
    """Return the transform, which is real, of numbers whose other half are their conjugates."""

def ifft(x: TensorLike, /, n: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, norm: Any = None) -> Tensor:
    """Return the inverse Fourier transform along an axis: see `fft`."""

def ifft2(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = (-2, -1), norm: Any = None) -> Tensor:
    """Return the inverse Fourier transform over two axes: see `fft`."""

def ifftn(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = None, norm: Any = None) -> Tensor:
    """Return the inverse Fourier transform over several axes (None: all): see `fft`."""

def ifftshift(x: TensorLike, /, axes: builtins.int | Sequence[Any] | None = None) -> Tensor:
    """Return what `fftshift` does, undone."""

def ihfft(x: TensorLike, /, n: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, norm: Any = None) -> Tensor:
    """Return the first half of the inverse transform of real numbers: that of `hfft`."""

def irfft(x: TensorLike, /, n: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, norm: Any = None) -> Tensor:
    """Return the `n` real numbers whose `rfft` this is; by default their number is even."""

def irfft2(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = (-2, -1), norm: Any = None) -> Tensor:
    """Return the real numbers whose `rfft2` this is."""

def irfftn(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = None, norm: Any = None) -> Tensor:
    """Return the real numbers whose `rfftn` this is; by default the last axis is even."""

def rfft(x: TensorLike, /, n: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, norm: Any = None) -> Tensor:
    """Return the first `n // 2 + 1` numbers of the transform of real ones: see `fft`.

    The others are their conjugates.
    """

def rfft2(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = (-2, -1), norm: Any = None) -> Tensor:
    """Return the transform of real numbers over two axes, the last of them by `rfft`."""

def rfftn(x: TensorLike, /, s: Any = None, axes: builtins.int | Sequence[Any] | None = None, norm: Any = None) -> Tensor:
    """Return the transform of real numbers over several axes, the last of them by `rfft`."""
