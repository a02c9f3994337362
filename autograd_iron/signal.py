"""Convolution and correlation over any number of axes, in SciPy's names: `ai.signal.convolve`."""

from autograd_iron.ops.signals import (
    convolve2d,
    convolve_arrays,
    correlate2d,
    correlate_arrays,
    fftconvolve,
)

convolve = convolve_arrays
correlate = correlate_arrays
convolve.called, correlate.called = "convolve", "correlate"

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve"]
