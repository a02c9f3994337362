"""The executor that runs a program by NumPy's calls."""
