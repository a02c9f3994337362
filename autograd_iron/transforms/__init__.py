"""Functions of functions: their gradients."""
