"""autograd_iron: automatic differentiation with a computation graph, on NumPy or CuPy arrays.

What is public is named here, but for the operations: those are in the `__all__` of their families,
and `__init__.pyi` lists all of them with their signatures.
"""

__version__ = "0.1.0"

from importlib import import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from autograd_iron import extend, linalg, ops
from autograd_iron.arrays import cuda, dtypes
from autograd_iron.arrays.dtypes import (
    bool_,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from autograd_iron.core.switches import enable_grad, no_grad
from autograd_iron.core.tensor import Tensor
from autograd_iron.core.words import OF_MODULES
from autograd_iron.ops.datatypes import __array_namespace_info__
from autograd_iron.transforms.gradients import grad, value_and_grad

# What not every program uses is imported when it is first asked for: `_LATER` says where it is.
if TYPE_CHECKING:
    from autograd_iron import fft, random, signal, special, stats
    from autograd_iron.ops.special.bessel import i0
    from autograd_iron.plan import compile
    from autograd_iron.tools.check import check_grads
    from autograd_iron.tools.draw import draw_graph

    bfloat16: Any

_LATER = {
    "bfloat16": "arrays.dtypes",
    "check_grads": "tools.check",
    "compile": "plan",
    "draw_graph": "tools.draw",
    "i0": "special",
}
_LATER_MODULES = ("fft", "random", "signal", "special", "stats")

newaxis = None
euler_gamma = 0.5772156649015329
__array_api_version__ = "2024.12"
_operations = ops.public() | {"bool": bool_}
globals().update(_operations)

__all__ = [
    "Tensor",
    "__array_api_version__",
    "__array_namespace_info__",
    "bool_",
    "check_grads",
    "compile",
    "complex64",
    "complex128",
    "cuda",
    "draw_graph",
    "e",
    "enable_grad",
    "euler_gamma",
    "extend",
    "fft",
    "float16",
    "float32",
    "float64",
    "grad",
    "i0",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "linalg",
    "nan",
    "newaxis",
    "no_grad",
    "pi",
    "random",
    "signal",
    "special",
    "stats",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "value_and_grad",
]
__all__.extend(sorted(_operations))


if not TYPE_CHECKING:  # a type checker knows all names from above, and that others are mistakes

    def __getattr__(name: str) -> Any:
        """Return what is imported when it is first asked for."""
        found: Any
        if name == "bfloat16":
            found = dtypes.dtype(name)
        elif name in _LATER_MODULES:
            found = import_module(f"{__name__}.{name}")
        elif name in _LATER:
            found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        else:
            meant = OF_MODULES.get(name)
            moved = next((home for home in (extend, extend.capture) if name in home.__all__), None)
            there = f"; {moved.__name__}.{name} is a word for extending the engine" if moved else ""
            there = f"; write {meant}" if meant else there
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{there}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """Return the names of the module, those not imported yet among them."""
        return sorted({*globals(), *_LATER, *_LATER_MODULES})


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
