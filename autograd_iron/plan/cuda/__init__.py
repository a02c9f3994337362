"""The executor that runs a program as one CUDA graph."""
