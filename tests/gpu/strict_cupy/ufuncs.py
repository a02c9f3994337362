"""Elementwise functions and the operators made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import all_computed, computed, ndarray
from .checks import is_scalar
from .indexing import at

NAMES = (
    "add subtract multiply divide true_divide floor_divide remainder mod power float_power "
    "divmod negative positive absolute abs fabs sign sqrt cbrt square reciprocal exp exp2 expm1 "
    "log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 hypot sinh cosh tanh arcsinh "
    "arccosh arctanh logaddexp logaddexp2 maximum minimum fmax fmin greater greater_equal less "
    "less_equal equal not_equal logical_and logical_or logical_not logical_xor bitwise_and "
    "bitwise_or bitwise_xor invert bitwise_invert left_shift right_shift isnan isfinite isinf "
    "bitwise_count signbit copysign nextafter floor ceil trunc rint modf frexp fmod gcd lcm "
    "conjugate "
)
SCATTERING = ("add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor")


def operand(value: Any) -> Any:
    """Return what a ufunc takes: an array of the device or a number, and nothing of the host."""
    if isinstance(value, ndarray) or is_scalar(value):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


class ufunc:
    """NumPy's, without `where`, `order` and `subok`, and with few of its methods."""

    def __init__(self, name: str) -> None:
        self.numpy = getattr(np, name)
        self.__name__ = name
        self.name = f"cupy_{self.numpy.__name__}"
        self.nin, self.nout = self.numpy.nin, self.numpy.nout
        self.nargs = self.nin + self.nout

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def __call__(
        self,
        *args: Any,
        out: Any = None,
        dtype: Any = None,
        casting: str = "same_kind",
        **wrong: Any,
    ) -> Any:
        if wrong:
            raise TypeError(f"Wrong arguments {wrong}")
        if not self.nin <= len(args) <= self.nargs:
            raise TypeError(
                f"Wrong number of arguments for {self.name!r}. It must be either {self.nin} or "
                f"{self.nargs} (with outputs), but given {len(args)}."
            )
        inputs = [operand(value) for value in args[: self.nin]]
        outs = args[self.nin :] or (out if isinstance(out, tuple) else (out,))
        for found in outs:
            if found is not None and not isinstance(found, ndarray):
                raise TypeError(f"Unsupported type {type(found)}")
        if self.nout > 1:
            return all_computed(self.numpy, inputs, self.__name__)
        return self._one(inputs, outs[0], dtype, casting)

    def _one(self, inputs: list[Any], out: Any, dtype: Any, casting: str) -> ndarray:
        for i, value in enumerate(inputs):
            if out is not None and isinstance(value, ndarray) and overlaps(value, out):
                inputs[i] = value.copy()
        return computed(
            lambda *raws: self._numpys(raws, dtype),
            inputs,
            out,
            casting=casting,
            kind="ufunc",
            name=self.__name__,
        )

    def _numpys(self, raws: tuple[Any, ...], dtype: Any) -> Any:
        if self.__name__ == "sign" and np.asarray(raws[0]).dtype.kind == "b":
            return np.asarray(raws[0]).astype("i1")
        if self.__name__ == "power" and np.result_type(*raws).kind in "iu" and dtype is None:
            return np.power(*(np.asarray(raw, "f8") for raw in raws)).astype(np.result_type(*raws))
        return self.numpy(*raws) if dtype is None else self.numpy(*raws, dtype=dtype)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        if self.__name__ not in SCATTERING:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        at(self.numpy, a, indices, operand(b))

    def reduce(
        self,
        array: ndarray,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
    ) -> ndarray:
        return self._method("reduce", {"add": "sum", "multiply": "prod"})(
            array, axis, dtype, out, keepdims
        )

    def accumulate(
        self, array: ndarray, axis: Any = 0, dtype: Any = None, out: Any = None
    ) -> ndarray:
        return self._method("accumulate", {"add": "cumsum", "multiply": "cumprod"})(
            array, axis, dtype, out
        )

    def _method(self, method: str, supported: dict[str, str]) -> Any:
        from . import reductions

        if self.__name__ not in supported:
            raise NotImplementedError(f"`{self.name}.{method}` is not supported yet")
        return getattr(reductions, supported[self.__name__])


def overlaps(array: ndarray, out: ndarray) -> bool:
    """Return whether CuPy copies an input first: it is not `out` itself, but shares its memory."""
    return array is not out and np.may_share_memory(array.raw, out.raw)


table = {name: ufunc(name) for name in NAMES.split()}
table["conj"] = table["conjugate"]


def angle(z: Any, deg: bool = False) -> ndarray:
    return computed(lambda raw: np.angle(raw, deg), [operand(z)], name="angle")


BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "divmod": "divmod",
    "pow": "power",
    "lshift": "left_shift",
    "rshift": "right_shift",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}
COMPARISONS = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def _add_operators() -> None:
    def binary(function: ufunc) -> dict[str, Any]:
        return {
            "__{}__": lambda self, other: function(self, other),  # noqa: PLW0108 (a method)
            "__r{}__": lambda self, other: function(other, self),
            "__i{}__": lambda self, other: function(self, other, out=self),
        }

    def comparison(function: ufunc) -> Any:
        def compare(self: ndarray, other: Any) -> Any:
            if other is None:
                from .creation import zeros

                return zeros(self.shape, bool)
            return function(self, other)

        return compare

    for operator, name in BINARY.items():
        for pattern, method in binary(table[name]).items():
            setattr(ndarray, pattern.format(operator), method)
    for operator, name in COMPARISONS.items():
        setattr(ndarray, f"__{operator}__", comparison(table[name]))
    for operator, name in UNARY.items():
        setattr(ndarray, f"__{operator}__", lambda self, function=table[name]: function(self))


_add_operators()
