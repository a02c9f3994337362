"""Elementwise primitives as expressions of C, with the meaning that they have in NumPy.

Each works in the type of its result (comparisons in that of their operands).  float16 and bfloat16
are stored as 16 bits and worked on as float, rounded after every step; bool is an unsigned char, 0
or 1; signed integers are added and multiplied as unsigned ones, whose overflow C defines.
"""

from __future__ import annotations

import math
from typing import Any

from autograd_iron.arrays import device, dtypes, intake
from autograd_iron.core.facts import Reduction
from autograd_iron.plan.loops.loops import Line
from autograd_iron.plan.loops.views import View, whole
from autograd_iron.plan.program import Step, Value

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
            value = intake.as_array(number, dtype).item()
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


class _Operand:
    """An operand of a line, which an expression asks for in one dtype or another."""

    def __init__(self, operand: View | float | bool, name: str, line: Line) -> None:
        self._operand = operand
        self._name = name
        self._line = line

    def __format__(self, kind: str) -> str:
        dtype = self._line.output.dtype
        if kind:
            dtype = dtypes.bool_ if kind == "bool" else _joint(self._line)
        if isinstance(self._operand, View):
            return cast(self._name, self._operand.root.dtype, dtype)
        return literal(self._operand, dtype)


def _joint(line: Line) -> Any:
    """Return the dtype in which the operands of a line meet."""
    views = [v.root.dtype for v in line.operands if isinstance(v, View)]
    numbers = [v for v in line.operands if not isinstance(v, View)]
    joint = dtypes.joint_dtype(views, numbers[0] if numbers else views[0])
    if dtypes.is_float(joint) and not any(map(dtypes.is_float, views)):
        raise Unwritable  # int64 beside uint64 meet in no integer
    return joint


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
        The record of the primitive has no expression for these operands.
    """
    c, out = line.step.primitive.c, line.output.dtype
    if c is None or any(v is None for v in line.operands):
        raise Unwritable
    met = (v.root.dtype for v in line.operands if isinstance(v, View))
    if any(map(dtypes.is_complex, (out, *met))):
        raise Unwritable  # the expressions are those of real numbers
    is_float = dtypes.is_float(out)
    form = c.floats if is_float else c.bools if out.kind == "b" else c.integers
    if form is None:
        raise Unwritable
    operands = {
        letter: _Operand(operand, name, line)
        for letter, operand, name in zip("xyz", line.operands, names, strict=False)
        if operand is not None
    }
    suffix = "" if out == dtypes.float64 else "f"
    unsigned = "unsigned long long" if out.itemsize == 8 else "unsigned int"
    text = form.format(**operands, f=suffix, u=unsigned)
    if is_float:
        return text if c.exact else rounded(text, out)
    return text if form in PLAIN else f"({variable_type(out)})({text})"


def is_writable(line: Line) -> bool:
    """Return whether a line has an expression."""
    try:
        expression(line, ["x"] * len(line.operands))
    except Unwritable:
        return False
    return True


# Expressions whose type is that of the result already.
PLAIN = ("{x}",)


def combined(reduction: Reduction, x: str, y: str, dtype: Any) -> str:
    """Return two values of a dtype as a reduction combines them."""
    values = [Value(-i, (), dtype) for i in range(3)]
    step = Step(reduction.combine, tuple(values[1:]), {}, values[0])
    return expression(Line(step, tuple(map(whole, values[1:])), values[0]), [x, y])
