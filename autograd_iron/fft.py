"""Fourier transforms, in NumPy's names: `ai.fft.fft(x)`."""

__all__: list[str] = []
