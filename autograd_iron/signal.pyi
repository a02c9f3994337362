"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike

def convolve(in1: Any, in2: Any, /, mode: Any = 'full', method: Any = 'auto') -> Tensor:
    """Return the convolution of two arrays of equally many axes, over all of them.

    Parameters
    ----------
    mode : "full", "same" or "valid"
        All places where they meet; as many as `in1` has, from the middle; or those where they
        overlap completely.
    method : "auto", "direct" or "fft"
        "direct" multiplies windows; "fft" is faster for large kernels.
    """

def convolve2d(in1: Any, in2: Any, /, mode: Any = 'full', boundary: Any = 'fill', fillvalue: Any = 0) -> Tensor:
    """Return the convolution of two matrices.

    Parameters
    ----------
    mode : "full", "same" or "valid"
    boundary : "fill", "wrap" or "symm"
        What is around `in1`: a number, itself again, or its mirror image.
    fillvalue : number
    """

def correlate(in1: Any, in2: Any, /, mode: Any = 'full', method: Any = 'auto') -> Tensor:
    """Return the correlation of two arrays, `in2` conjugated, over all axes: see `convolve`."""

def correlate2d(in1: Any, in2: Any, /, mode: Any = 'full', boundary: Any = 'fill', fillvalue: Any = 0) -> Tensor:
    """Return the correlation of two matrices, `in2` conjugated: see `convolve2d`."""

def fftconvolve(in1: Any, in2: Any, /, mode: Any = 'full', axes: builtins.int | Sequence[Any] | None = None) -> Tensor:
    """Return the convolution of two arrays over axes (None: all), by Fourier transforms.

    Along other axes they broadcast.
    """
