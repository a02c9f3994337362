"""Elementwise primitives as expressions of C, with the meaning that they have in NumPy.

Each works in the type of its result (comparisons in that of their operands).  float16 and bfloat16
are stored as 16 bits and worked on as float, rounded after every step; bool is an unsigned char, 0
or 1; signed integers are added and multiplied as unsigned ones, whose overflow C defines.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.plan.loops.launch import Line, View

STORED = {
    "bool": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float16": "unsigned short",
    "bfloat16": "unsigned short",
    "float32": "float",
    "float64": "double",
}

# What the functions of the floats of 16 bits are called after, by their character in NumPy.
_NARROW = {"e": "half", "E": "brain"}

# The functions that a kernel's text may call; each may call those before it.
HELPERS = {
    "half_value": """\
static __device__ __forceinline__ float half_value(unsigned short h) {
#ifdef __CUDA_ARCH__
    float f;
    asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
    return f;
#else
    _Float16 f;
    __builtin_memcpy(&f, &h, 2);
    return (float)f;
#endif
}
""",
    "half_bits": """\
static __device__ __forceinline__ unsigned short half_bits(float f) {
    unsigned short h;
#ifdef __CUDA_ARCH__
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
#else
    _Float16 r = (_Float16)f;
    __builtin_memcpy(&h, &r, 2);
#endif
    return h;
}
""",
    "half_round": """\
static __device__ __forceinline__ float half_round(float f) { return half_value(half_bits(f)); }
""",
    "half_of_double": """\
static __device__ __forceinline__ float half_of_double(double d) {
    unsigned short h;
#ifdef __CUDA_ARCH__
    asm("cvt.rn.f16.f64 %0, %1;" : "=h"(h) : "d"(d));
#else
    _Float16 r = (_Float16)d;
    __builtin_memcpy(&h, &r, 2);
#endif
    return half_value(h);
}
""",
    "brain_value": """\
static __device__ __forceinline__ float brain_value(unsigned short h) {
    return __int_as_float((int)((unsigned int)h << 16));
}
""",
    "brain_bits": """\
static __device__ __forceinline__ unsigned short brain_bits(float f) {
    const unsigned int bits = (unsigned int)__float_as_int(f);
    if (f != f) return (unsigned short)(bits >> 16 | 0x40);  // rounding could leave an infinity
    return (unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
""",
    "brain_round": """\
static __device__ __forceinline__ float brain_round(float f) { return brain_value(brain_bits(f)); }
""",
    "whole_power": """\
static __device__ unsigned long long whole_power(unsigned long long x, unsigned long long n) {
    unsigned long long y = 1;
    for (; n; n >>= 1, x *= x)
        if (n & 1) y *= x;
    return y;
}
""",
}


def helpers(text: str) -> str:
    """Return the functions that a kernel's text calls, to be put before it."""
    found = ""
    for name, source in reversed(HELPERS.items()):
        if name in text or name in found:
            found = source + found
    return found


class Unwritable(Exception):
    """There is no expression for this: the primitive's own kernel must run."""


def variable_type(dtype: Any) -> str:
    """Return the C type in which values of a dtype are worked on."""
    return "float" if dtypes.is_narrow(dtype) else STORED[str(dtype)]


def load(text: str, dtype: Any) -> str:
    """Return the value of what is stored."""
    return f"{_NARROW[dtype.char]}_value({text})" if dtypes.is_narrow(dtype) else text


def store(text: str, dtype: Any) -> str:
    """Return what is stored of a value."""
    return f"{_NARROW[dtype.char]}_bits({text})" if dtypes.is_narrow(dtype) else text


def rounded(text: str, dtype: Any) -> str:
    """Return a result of float arithmetic as a dtype holds it."""
    return f"{_NARROW[dtype.char]}_round({text})" if dtypes.is_narrow(dtype) else text


def cast(text: str, old: Any, new: Any) -> str:
    """Return a value of one dtype as another."""
    if old == new:
        return text
    if new == dtypes.bool_:
        return f"(unsigned char)({text} != 0)"
    if new == dtypes.float16 and old == dtypes.float64:
        return f"half_of_double({text})"
    if dtypes.is_narrow(new):
        return rounded(text if variable_type(old) == "float" else f"(float){text}", new)
    return f"({variable_type(new)}){text}"


def literal(number: float | int | bool, dtype: Any) -> str:
    """Return a Python number as a constant of a dtype, rounded as NumPy rounds it.

    Raises
    ------
    Unwritable
        The number does not fit.
    """
    if not dtypes.is_float(dtype) and isinstance(number, float):
        raise Unwritable
    try:
        with device.quiet():
            value = device.as_array(number, dtype).item()
    except (OverflowError, TypeError):
        raise Unwritable from None
    if not dtypes.is_float(dtype):
        if value != number:
            raise Unwritable
        return _integer(int(value), dtype)
    if dtype == dtypes.float64:
        bits = {math.inf: "0x7ff0000000000000LL", -math.inf: "0xfff0000000000000LL"}
        if math.isfinite(value):
            return f"({value!r})" if math.copysign(1, value) < 0 else repr(value)
        return f"__longlong_as_double({bits.get(value, '0x7ff8000000000000LL')})"
    if math.isfinite(value):
        return f"({value!r}f)" if math.copysign(1, value) < 0 else f"{value!r}f"
    bits = {math.inf: "0x7f800000", -math.inf: "0xff800000"}
    return f"__int_as_float({bits.get(value, '0x7fc00000')})"


def _integer(value: int, dtype: Any) -> str:
    suffix = {"int64": "LL", "uint64": "ULL", "uint32": "U"}.get(str(dtype), "")
    if value < 0:  # the lowest has no positive counterpart to put the sign before
        return f"(-{-(value + 1)}{suffix} - 1)"
    return f"{value}{suffix}"


class _Operands:
    """The operands of a line as C, converted to what a rule asks for."""

    def __init__(self, line: Line, names: list[str]) -> None:
        self._operands = line.operands
        self._names = names
        self.out = line.output.dtype
        self.floats = dtypes.is_float(self.out)

    def convert(self, dtype: Any) -> list[str]:
        """Return all operands in one dtype."""
        return [self.one(i, dtype) for i in range(len(self._operands))]

    def one(self, i: int, dtype: Any) -> str:
        """Return an operand in a dtype."""
        operand = self._operands[i]
        if isinstance(operand, View):
            return cast(self._names[i], operand.root.dtype, dtype)
        if operand is None:
            raise Unwritable
        return literal(operand, dtype)

    def number(self, i: int) -> float | int | bool | None:
        """Return an operand that is a Python number."""
        operand = self._operands[i]
        return None if isinstance(operand, View) else operand

    @property
    def joint(self) -> Any:
        """The dtype in which the operands meet."""
        views = [v.root.dtype for v in self._operands if isinstance(v, View)]
        numbers = [v for v in self._operands if not isinstance(v, View)]
        joint = dtypes.joint_dtype(views, numbers[0] if numbers else views[0])
        if dtypes.is_float(joint) and not any(map(dtypes.is_float, views)):
            raise Unwritable  # int64 beside uint64 meet in no integer
        return joint

    def rounded(self, text: str) -> str:
        """Return a result of float arithmetic as the output's dtype holds it."""
        return rounded(text, self.out)

    def function(self, name: str, *arguments: str) -> str:
        """Return a call of a function of math.h."""
        suffix = "" if self.out == dtypes.float64 else "f"
        return self.rounded(f"{name}{suffix}({', '.join(arguments)})")

    @property
    def wrapping(self) -> str:
        """The unsigned type in which the output's integers are added and multiplied."""
        return "unsigned long long" if self.out.itemsize == 8 else "unsigned int"

    def whole(self, text: str) -> str:
        """Return integer arithmetic as the output's type."""
        return f"({variable_type(self.out)})({text})"


Rule = Callable[[_Operands], str]


def _arithmetic(sign: str, of_bools: str) -> Rule:
    def rule(given: _Operands) -> str:
        x, y = given.convert(given.out)
        if given.floats:
            return given.rounded(f"{x} {sign} {y}")
        if given.out.kind == "b":
            if not of_bools:
                raise Unwritable
            return given.whole(f"{x} {of_bools} {y}")
        u = given.wrapping
        return given.whole(f"({u}){x} {sign} ({u}){y}")

    return rule


def _divide(given: _Operands) -> str:
    x, y = given.convert(given.out)
    return given.rounded(f"{x} / {y}")


def _negative(given: _Operands) -> str:
    (x,) = given.convert(given.out)
    return f"-{x}" if given.floats else given.whole(f"0 - ({given.wrapping}){x}")


def _abs(given: _Operands) -> str:
    (x,) = given.convert(given.out)
    if given.floats:
        return given.function("fabs", x)
    if given.out.kind != "i":
        return x
    return given.whole(f"{x} < 0 ? 0 - ({given.wrapping}){x} : ({given.wrapping}){x}")


def _sign(given: _Operands) -> str:
    (x,) = given.convert(given.out)
    zero, one = literal(0, given.out), literal(1, given.out)
    if given.out.kind == "u":
        return given.whole(f"{x} != 0")
    # What is neither above nor below zero is zero, or NaN, and stays what it is.
    return given.whole(f"{x} > {zero} ? {one} : {x} < {zero} ? -{one} : {x}")


def _pow(given: _Operands) -> str:
    x, y = given.convert(given.out)
    if not given.floats:
        # Negative exponents, which NumPy refuses, give some number.
        return given.whole(f"whole_power((unsigned long long){x}, (unsigned long long){y})")
    power = given.number(1)
    if power == 2:
        return given.rounded(f"{x} * {x}")
    if power == 0.5:
        return given.function("sqrt", x)
    if power == -1:
        return given.rounded(f"{literal(1, given.out)} / {x}")
    return given.function("pow", x, y)


def _multiply_no_nan(given: _Operands) -> str:
    x, y = given.convert(given.out)
    product = _arithmetic("*", "&")(given)
    if not given.floats:
        return product
    zero = literal(0, given.out)
    return f"{y} == {zero} && {x} - {x} != {zero} ? {zero} : {product}"


def _function(name: str) -> Rule:
    return lambda given: given.function(name, *given.convert(given.out))


def _extreme(sign: str) -> Rule:
    def rule(given: _Operands) -> str:
        x, y = given.convert(given.out)
        return extreme(sign, x, y, given.out)

    return rule


def extreme(sign: str, x: str, y: str, dtype: Any) -> str:
    """Return the larger (">") or smaller ("<") of two values; NaN if one of them is."""
    unordered = f" || {x} != {x}" if dtypes.is_float(dtype) else ""
    return f"({x} {sign} {y}{unordered} ? {x} : {y})"


def _where(given: _Operands) -> str:
    condition, x, y = (
        given.one(0, dtypes.bool_),
        given.one(1, given.out),
        given.one(2, given.out),
    )
    return f"{condition} ? {x} : {y}"


def _compare(sign: str) -> Rule:
    def rule(given: _Operands) -> str:
        x, y = given.convert(given.joint)
        return given.whole(f"{x} {sign} {y}")

    return rule


def _logical(sign: str) -> Rule:
    def rule(given: _Operands) -> str:
        x, y = given.convert(dtypes.bool_)
        return given.whole(f"{x} {sign} {y}")

    return rule


def _logical_not(given: _Operands) -> str:
    (x,) = given.convert(dtypes.bool_)
    return given.whole(f"!{x}")


def _bitwise(sign: str) -> Rule:
    def rule(given: _Operands) -> str:
        x, y = given.convert(given.out)
        return given.whole(f"{x} {sign} {y}")

    return rule


def _invert(given: _Operands) -> str:
    (x,) = given.convert(given.out)
    return given.whole(f"!{x}" if given.out.kind == "b" else f"~{x}")


def _about(of_floats: str, of_integers: str) -> Rule:
    def rule(given: _Operands) -> str:
        dtype = given.joint
        if not dtypes.is_float(dtype):
            return f"(unsigned char){of_integers}"
        (x,) = given.convert(dtype)
        return given.whole(of_floats.format(x=x, zero=literal(0, dtype)))

    return rule


def _copy(given: _Operands) -> str:
    (x,) = given.convert(given.out)
    return x


RULES: dict[str, Rule] = {
    "add": _arithmetic("+", "|"),
    "subtract": _arithmetic("-", ""),
    "multiply": _arithmetic("*", "&"),
    "multiply_no_nan": _multiply_no_nan,
    "divide": _divide,
    "negative": _negative,
    "pow": _pow,
    "abs": _abs,
    "sign": _sign,
    **{
        name: _function(name)
        for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh")
    },
    "maximum": _extreme(">"),
    "minimum": _extreme("<"),
    "where": _where,
    "equal": _compare("=="),
    "not_equal": _compare("!="),
    "less": _compare("<"),
    "less_equal": _compare("<="),
    "greater": _compare(">"),
    "greater_equal": _compare(">="),
    "logical_and": _logical("&"),
    "logical_or": _logical("|"),
    "logical_not": _logical_not,
    "isfinite": _about("{x} - {x} == {zero}", "1"),
    "isnan": _about("{x} != {x}", "0"),
    "bitwise_and": _bitwise("&"),
    "bitwise_or": _bitwise("|"),
    "bitwise_xor": _bitwise("^"),
    "bitwise_invert": _invert,
    "astype": _copy,
    "identity": _copy,
}


def expression(line: Line, names: list[str]) -> str:
    """Return a line as C.

    Parameters
    ----------
    line : Line
    names : list of str
        The variables that hold its operands; of one that is a number, anything.

    Raises
    ------
    Unwritable
        There is no expression for the primitive (one of RULES) on these operands.
    """
    return RULES[line.step.primitive.name](_Operands(line, names))
