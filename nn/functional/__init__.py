"""Functions of networks, in PyTorch's names, arguments and defaults: `nn.functional.gelu(x)`."""

from nn.functional.losses import binary_cross_entropy, binary_cross_entropy_with_logits

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits"]
