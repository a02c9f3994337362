"""The functions that are methods of a Tensor too: `x.exp()` is `ai.exp(x)`.

One table says which.  `docs/make_stubs.py` writes `methods.pyi` from it, with the signatures of the
operations, for editors and type checkers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import dtypes
from autograd_iron.core.registry import on_tensors, registry

if TYPE_CHECKING:
    from autograd_iron.core.tensor import Tensor

# Methods by the name of the operation, where that is another one.
METHODS: dict[str, str] = {
    "absolute": "abs",
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atanh": "arctanh",
    "clone": "copy",
    "unfold": "windows_along",
    "conjugate": "conj",
    **{
        name: name
        for name in (
            *("abs", "all", "allclose", "angle", "any", "arccos", "arccosh", "arcsin", "arcsinh"),
            *("arctan", "arctanh", "argmax", "argmin", "argsort", "argwhere", "ceil", "choose"),
            *("clip", "conj", "copy", "cos", "cosh", "count_nonzero", "cummax", "cummin"),
            *("cumprod", "cumsum", "diag", "diag_embed", "diagonal", "dot", "exp", "exp2"),
            *("expm1", "flatten", "flip", "fliplr", "flipud", "floor", "isclose", "isfinite"),
            *("isinf", "isnan", "log", "log10", "log1p", "log2", "log_softmax", "logcumsumexp"),
            *("logsumexp", "max", "mean", "median", "min", "moveaxis", "nanmean", "nansum"),
            *("nonzero", "pow", "prod", "ptp", "quantile", "ravel", "reciprocal", "repeat"),
            *("roll", "rot90", "round", "rsqrt", "sigmoid", "sign", "signbit", "sin", "sinh"),
            *("sort", "sqrt", "square", "squeeze", "std", "sum", "swapaxes", "take", "tan"),
            *("tanh", "tile", "topk", "trace", "tril", "triu", "trunc", "unstack", "var"),
        )
    },
}

CASTS: dict[str, str] = {  # PyTorch's words
    "bfloat16": "bfloat16",
    "bool": "bool",
    "double": "float64",
    "float": "float32",
    "half": "float16",
    "int": "int32",
    "long": "int64",
}


class Methods:
    """The part of a Tensor that is the methods of these tables."""

    __slots__ = ()


def _method(name: str, operation: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **settings: Any) -> Any:
        # What users call, not the word of `on_tensors`: its errors say what the call was.
        word: Any = registry[operation]
        return word(self, *args, **settings)

    return _named(method, name, f"Return `ai.{operation}(self, ...)`: see there.")


def _cast(name: str, dtype: str) -> Callable[..., Any]:
    def method(self: Tensor) -> Any:
        wanted = dtypes.dtype(dtype)
        return self if self.dtype == wanted else on_tensors.astype(self, wanted)

    return _named(method, name, f"Return the values as {dtype}; this tensor itself if they are so.")


def _named(method: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    method.__name__, method.__qualname__, method.__doc__ = name, f"Tensor.{name}", doc
    return method


for _name, _operation in METHODS.items():
    setattr(Methods, _name, _method(_name, _operation))
for _name, _dtype in CASTS.items():
    setattr(Methods, _name, _cast(_name, _dtype))
