"""autograd_iron: automatic differentiation with a computation graph, on NumPy or CuPy arrays.

Everything public is on this page.
"""

__version__ = "0.1.0"

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd_iron import extend, linalg
from autograd_iron.arrays import cuda, dtypes
from autograd_iron.arrays.dtypes import bool_, float16, float32, float64, int32, int64
from autograd_iron.core.switches import enable_grad, no_grad
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import (
    arange,
    asarray,
    full,
    linspace,
    meshgrid,
    ones,
    tensor,
    zeros,
)
from autograd_iron.ops.elementwise.arithmetic import (
    abs,
    add,
    divide,
    frexp,
    multiply,
    negative,
    pow,
    sign,
    square,
    subtract,
)
from autograd_iron.ops.elementwise.choosing import clip, maximum, minimum, where
from autograd_iron.ops.elementwise.exponential import exp, expm1, log, log1p, sqrt
from autograd_iron.ops.elementwise.questions import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
)
from autograd_iron.ops.elementwise.trigonometric import (
    arctan,
    cos,
    relu,
    sigmoid,
    sin,
    softplus,
    tanh,
)
from autograd_iron.ops.linalg.products import linear, matmul
from autograd_iron.ops.linalg.triangles import tril, triu
from autograd_iron.ops.random import Generator
from autograd_iron.ops.reduce.extremes import argmax, argmin, max, min
from autograd_iron.ops.reduce.sums import log_softmax, logsumexp, mean, norm, sum, var
from autograd_iron.ops.reduce.truths import all, any
from autograd_iron.ops.shapes.conversion import astype
from autograd_iron.ops.shapes.joining import concat, pad, split, stack
from autograd_iron.ops.shapes.order import flip, matrix_transpose, permute_dims, transpose
from autograd_iron.ops.shapes.reshaping import broadcast_to, expand_dims, reshape, squeeze
from autograd_iron.transforms.gradients import grad, value_and_grad

# What not every program uses is imported when it is first asked for: `_LATER` says where it is.
if TYPE_CHECKING:
    from autograd_iron.plan import compile
    from autograd_iron.tools.check import check_grads
    from autograd_iron.tools.draw import draw_graph

    bfloat16: Any

_LATER = {
    "bfloat16": "arrays.dtypes",
    "check_grads": "tools.check",
    "compile": "plan",
    "draw_graph": "tools.draw",
}

__all__ = [
    "Generator",
    "Tensor",
    "abs",
    "add",
    "all",
    "any",
    "arange",
    "arctan",
    "argmax",
    "argmin",
    "asarray",
    "astype",
    "bool_",
    "broadcast_to",
    "check_grads",
    "clip",
    "compile",
    "concat",
    "cos",
    "cuda",
    "divide",
    "draw_graph",
    "enable_grad",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "extend",
    "flip",
    "float16",
    "float32",
    "float64",
    "frexp",
    "full",
    "grad",
    "greater",
    "greater_equal",
    "int32",
    "int64",
    "isfinite",
    "isnan",
    "less",
    "less_equal",
    "linalg",
    "linear",
    "linspace",
    "log",
    "log1p",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "min",
    "minimum",
    "multiply",
    "negative",
    "no_grad",
    "norm",
    "not_equal",
    "ones",
    "pad",
    "permute_dims",
    "pow",
    "relu",
    "reshape",
    "sigmoid",
    "sign",
    "sin",
    "softplus",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "subtract",
    "sum",
    "tanh",
    "tensor",
    "transpose",
    "tril",
    "triu",
    "value_and_grad",
    "var",
    "where",
    "zeros",
]


if not TYPE_CHECKING:  # a type checker knows all names from above, and that others are mistakes

    def __getattr__(name: str) -> Any:
        """Return what is imported when it is first asked for."""
        if name == "bfloat16":
            found = dtypes.dtype(name)
        elif name in _LATER:
            found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        else:
            moved = next((home for home in (extend, extend.capture) if name in home.__all__), None)
            there = f"; {moved.__name__}.{name} is a word for extending the engine" if moved else ""
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{there}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """Return the names of the module, those not imported yet among them."""
        return sorted({*globals(), *_LATER})


def _warn_of_another_nn() -> None:
    """`nn` is a general name: say so when an import of it would find somebody else's."""
    import os.path
    import warnings
    from importlib.machinery import PathFinder

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    ours = os.path.join(here, "nn", "__init__.py")
    found = PathFinder.find_spec("nn")
    if found is not None and found.origin != ours:
        warnings.warn(
            f"another module called nn, {found.origin or found.submodule_search_locations}, "
            f"shadows autograd_iron's nn at {ours}: `import nn` will not find ours. Rename it, or "
            "put ours first on sys.path",
            UserWarning,
            stacklevel=2,
        )


_warn_of_another_nn()
del _warn_of_another_nn
