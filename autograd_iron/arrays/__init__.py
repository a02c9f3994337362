"""Arrays of NumPy and CuPy: the only files that import either."""
