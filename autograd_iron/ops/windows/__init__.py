"""What looks at an array through a window that moves over it: convolutions and pools."""

from autograd_iron.ops.windows import convolution, pooling, unfolding

__all__ = ["convolution", "pooling", "unfolding"]
