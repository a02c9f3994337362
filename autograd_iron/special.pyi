"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import Tensor, TensorLike
