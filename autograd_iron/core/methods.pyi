"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron.core.tensor import Tensor


class _Array(Protocol):
    def __array__(self) -> Any: ...

TensorLike: TypeAlias = Tensor | _Array | Sequence[Any] | complex

METHODS: dict[str, str]
CASTS: dict[str, str]

class Methods:

    def abs(self, /) -> Tensor:
        """Return the absolute value; the derivative at 0 is 0."""

    def absolute(self, /) -> Tensor:
        """Return the absolute value; the derivative at 0 is 0."""

    def acos(self, /) -> Tensor:
        """Return the angle in radians, between 0 and pi, whose cosine is `x`."""

    def acosh(self, /) -> Tensor:
        """Return the number from 0 up whose hyperbolic cosine is `x`; NaN for `x < 1`."""

    def all(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None) -> Tensor:
        """Return whether every value over the axes is true."""

    def allclose(self, y: Any, /, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False) -> Tensor:
        """Return whether all values are close: see `isclose`."""

    def angle(self, /, deg: Any = False) -> Tensor:
        """Return the angle of complex numbers, between -pi and pi, in radians or in degrees.

        At 0 its derivative is 0, and so is that of real numbers everywhere.
        """

    def any(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None) -> Tensor:
        """Return whether some value over the axes is true."""

    def arccos(self, /) -> Tensor:
        """Return the angle in radians, between 0 and pi, whose cosine is `x`."""

    def arccosh(self, /) -> Tensor:
        """Return the number from 0 up whose hyperbolic cosine is `x`; NaN for `x < 1`."""

    def arcsin(self, /) -> Tensor:
        """Return the angle in radians, between -pi/2 and pi/2, whose sine is `x`."""

    def arcsinh(self, /) -> Tensor:
        """Return the number whose hyperbolic sine is `x`."""

    def arctan(self, /) -> Tensor:
        """Return the angle in radians, between -pi/2 and pi/2, whose tangent is `x`."""

    def arctanh(self, /) -> Tensor:
        """Return the number whose hyperbolic tangent is `x`."""

    def argmax(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
        """Return the position of the first largest value along an axis (None: of the flattened x)."""

    def argmin(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
        """Return the position of the first smallest value along an axis (None: of the flattened x)."""

    def argsort(self, /, axis: builtins.int | Sequence[builtins.int] | None = -1, *, descending: Any = False, stable: Any = True, kind: Any = None) -> Tensor:
        """Return the positions that sort `x` along an axis (None: those in the flattened `x`).

        Parameters
        ----------
        stable, kind
            Equal values are always in the order of `x`.
        """

    def argwhere(self, /) -> Tensor:
        """Return the indices of the elements that are not zero, one row for each of them."""

    def asin(self, /) -> Tensor:
        """Return the angle in radians, between -pi/2 and pi/2, whose sine is `x`."""

    def asinh(self, /) -> Tensor:
        """Return the number whose hyperbolic sine is `x`."""

    def atan(self, /) -> Tensor:
        """Return the angle in radians, between -pi/2 and pi/2, whose tangent is `x`."""

    def atanh(self, /) -> Tensor:
        """Return the number whose hyperbolic tangent is `x`."""

    def ceil(self, /) -> Tensor:
        """Return the smallest whole number that is not below `x`; the derivative is 0."""

    def choose(self, choices: Any, /, mode: Any = 'raise') -> Tensor:
        """Return for each element of an array of integers that of the choice which has this number.

        Parameters
        ----------
        choices : sequence of array
            All broadcast, with each other and with `x`.
        mode : {"raise", "wrap", "clip"}
            What a number means that no choice has: an error, one from the other end, the nearest.
        """

    def clip(self, /, min: Any = None, max: Any = None, *, a_min: Any = None, a_max: Any = None) -> Tensor:
        """Return `x` held between two bounds, numbers or arrays; at a bound the gradient passes.

        Parameters
        ----------
        x : Tensor
        min, max : number or Tensor, optional
            What lies beyond is the bound, and a gradient flows to that, if it is a Tensor.  NumPy's
            older names `a_min` and `a_max` are understood too.
        a_min, a_max : number or Tensor, optional
        """

    def clone(self, /) -> Tensor:
        """Return the values in memory of their own; gradients flow through it."""

    def conj(self, /) -> Tensor:
        """Return the complex conjugate; a real array is returned as it is."""

    def conjugate(self, /) -> Tensor:
        """Return the complex conjugate; a real array is returned as it is."""

    def copy(self, /) -> Tensor:
        """Return the values in memory of their own; gradients flow through it."""

    def cos(self, /) -> Tensor:
        """Return the cosine of `x` in radians."""

    def cosh(self, /) -> Tensor:
        """Return the hyperbolic cosine."""

    def count_nonzero(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
        """Return how many values over the axes are not zero."""

    def cummax(self, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> tuple[Tensor, ...]:
        """Return the largest of all values up to each along an axis, and where it is, as PyTorch."""

    def cummin(self, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> tuple[Tensor, ...]:
        """Return the smallest of all values up to each along an axis, and where it is, as PyTorch."""

    def cumprod(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None) -> Tensor:
        """Return the products of all values up to each, along an axis (None: of the flattened `x`).

        The gradient is right where values are zero, too.
        """

    def cumsum(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None) -> Tensor:
        """Return the sums of all values up to each, along an axis (None: of the flattened `x`)."""

    def diag(self, /, k: builtins.int = 0) -> Tensor:
        """Return a matrix with this diagonal `k`; of a matrix, its diagonal `k`."""

    def diag_embed(self, /, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Tensor:
        """Return matrices with the last axis of `x` as their diagonal, and zeros around.

        Parameters
        ----------
        offset : int
            Which diagonal: see `diagonal`.
        dim1, dim2 : int
            Which axes of the result those of the matrices are.
        """

    def diagonal(self, /, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
        """Return the diagonal of the matrices that two axes span, as the last axis of the result.

        Parameters
        ----------
        offset : int
            0: the main diagonal; above 0: one further to the right, below 0: one further down.
        """

    def dot(self, b: Any, /) -> Tensor:
        """Return the product over the last axis of `a` and the second-to-last of `b` (or its only one).

        Unlike `matmul` it does not broadcast: all other axes of `a`, then those of `b`, are kept.
        """

    def exp(self, /) -> Tensor:
        """Return e to the power `x`."""

    def exp2(self, /) -> Tensor:
        """Return 2 to the power `x`."""

    def expm1(self, /) -> Tensor:
        """Return `exp(x) - 1`, accurate near 0."""

    def flatten(self, /, start_dim: Any = 0, end_dim: Any = -1) -> Tensor:
        """Return `x` with the axes from one to another, both included, made one; a number has one."""

    def flip(self, /, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Return `x` with the order along the axes (None: all) reversed."""

    def fliplr(self, /) -> Tensor:
        """Return `x` with the order along its second axis reversed."""

    def flipud(self, /) -> Tensor:
        """Return `x` with the order along its first axis reversed."""

    def floor(self, /) -> Tensor:
        """Return the largest whole number that is not above `x`; the derivative is 0."""

    def isclose(self, y: Any, /, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False) -> Tensor:
        """Return where `abs(x - y) <= atol + rtol * abs(y)`, broadcast.

        Infinities are close to themselves, and with `equal_nan` so is NaN.
        """

    def isfinite(self, /) -> Tensor:
        """Return whether `x` is neither infinite nor NaN, elementwise."""

    def isinf(self, /) -> Tensor:
        """Return whether `x` is infinite, elementwise."""

    def isnan(self, /) -> Tensor:
        """Return whether `x` is NaN, elementwise."""

    def log(self, /) -> Tensor:
        """Return the natural logarithm."""

    def log10(self, /) -> Tensor:
        """Return the logarithm to base 10."""

    def log1p(self, /) -> Tensor:
        """Return `log(1 + x)`, accurate near 0."""

    def log2(self, /) -> Tensor:
        """Return the logarithm to base 2."""

    def log_softmax(self, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
        """Return `log(exp(x) / sum(exp(x)))` over an axis, finite for every finite `x`.

        The logarithms of the probabilities that logits `x` give to the classes along the axis.
        """

    def logcumsumexp(self, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
        """Return `log(sum(exp(x)))` of all values up to each along an axis, finite for finite `x`."""

    def logsumexp(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
        """Return `log(sum(exp(x)))` over the axes, finite for every finite `x`."""

    def max(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None, initial: Any = None) -> Tensor:
        """Return the largest value over the axes; equal ones share the gradient equally."""

    def mean(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, dtype: Any = None, where: Any = None) -> Tensor:
        """Return the mean over the axes; of integers, in float32."""

    def median(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
        """Return the middle value over the axes, or the mean of the two middle ones."""

    def min(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None, initial: Any = None) -> Tensor:
        """Return the smallest value over the axes; equal ones share the gradient equally."""

    def moveaxis(self, /, source: Any, destination: Any) -> Tensor:
        """Return `x` with axes at other places, the rest in their order.

        Parameters
        ----------
        source, destination : int or sequence of int
            The axes, and for each its place in the result.
        """

    def nanmean(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, dtype: Any = None) -> Tensor:
        """Return the mean over the axes of all values that are not NaN; NaN where there are none."""

    def nansum(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, dtype: Any = None) -> Tensor:
        """Return the sum over the axes, NaN counting as 0."""

    def nonzero(self, /) -> tuple[Tensor, ...]:
        """Return the indices of the elements that are not zero, one array for each axis."""

    def pow(self, p: TensorLike, /) -> Tensor:
        """Return `x ** p`, broadcast; derivatives at `x = 0` are those of the limit where it exists."""

    def prod(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, dtype: Any = None, where: Any = None, initial: Any = None) -> Tensor:
        """Return the product over the axes; the gradient is right where values are zero, too."""

    def ptp(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
        """Return the distance from the smallest to the largest value over the axes."""

    def quantile(self, /, q: Any, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, method: Any = 'linear') -> Tensor:
        """Return the values over the axes below which the parts `q` of all values lie.

        The gradient goes to the values between which a quantile lies.

        Parameters
        ----------
        q : number or array
            Between 0 and 1.  The result has its axes first.
        method : str
            One of NumPy's: "linear", "lower", "higher", "midpoint", "nearest", "hazen" and so on.
        """

    def ravel(self, /, order: Any = 'C') -> Tensor:
        """Return the values along one axis, in row-major order ("F": in column-major order)."""

    def reciprocal(self, /) -> Tensor:
        """Return `1 / x`."""

    def repeat(self, /, repeats: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Return `x` with each slice along an axis repeated.

        Parameters
        ----------
        repeats : int or sequence of int
            How often; of a sequence, one number for each slice.  A Tensor is read, for the shape of the
            result depends on it.
        axis : int or None
            None: `x` is flattened first.
        """

    def roll(self, /, shift: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Return `x` with its elements shifted along axes; what leaves at one end enters at the other.

        Parameters
        ----------
        shift : int or tuple of int
            By how many places; of several, one for each axis.
        axis : int, tuple of int, or None
            None: `x` is rolled as if it were flat.
        """

    def rot90(self, /, k: builtins.int = 1, axes: builtins.int | Sequence[Any] | None = (0, 1)) -> Tensor:
        """Return `x` turned by `k` quarters of a circle, from the first of two axes to the second."""

    def round(self, /, decimals: Any = 0) -> Tensor:
        """Return `x` rounded to so many decimals, halves to the even digit; the derivative is 0."""

    def rsqrt(self, /) -> Tensor:
        """Return `1 / sqrt(x)`."""

    def sigmoid(self, /) -> Tensor:
        """Return `1 / (1 + exp(-x))`; 0 where the exponential overflows."""

    def sign(self, /) -> Tensor:
        """Return -1, 0 or 1, of a complex number `x / abs(x)`; the derivative of real ones is 0."""

    def signbit(self, /) -> Tensor:
        """Return whether the sign of `x` is negative, that of -0.0 too."""

    def sin(self, /) -> Tensor:
        """Return the sine of `x` in radians."""

    def sinh(self, /) -> Tensor:
        """Return the hyperbolic sine."""

    def sort(self, /, axis: builtins.int | Sequence[builtins.int] | None = -1, *, descending: Any = False, stable: Any = True, kind: Any = None) -> Tensor:
        """Return the values in order along an axis (None: of the flattened `x`).

        NaN is larger than all other values.  The gradient goes where each value came from.

        Parameters
        ----------
        stable, kind
            Every sort here is stable.
        """

    def sqrt(self, /) -> Tensor:
        """Return the square root; the derivative at 0 is infinite."""

    def square(self, /) -> Tensor:
        """Return `x * x`."""

    def squeeze(self, /, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
        """Return `x` without the given axes of size 1 (None: without all of them).

        Raises
        ------
        ValueError
            An axis has another size.
        """

    def std(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, correction: Any = 0, ddof: Any = None) -> Tensor:
        """Return the standard deviation over the axes, the square root of `var`.

        Where it is 0 its gradient is 0, as in PyTorch.

        Parameters
        ----------
        correction : int or float
            Subtracted from the number of elements in the divisor (1: the unbiased estimate).
        ddof : int or float, optional
            NumPy's name for `correction`.
        """

    def sum(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, dtype: Any = None, where: Any = None, initial: Any = None) -> Tensor:
        """Return the sum over the axes."""

    def swapaxes(self, /, axis1: Any, axis2: Any) -> Tensor:
        """Return `x` with two axes exchanged."""

    def take(self, indices: Any, /, axis: builtins.int | Sequence[builtins.int] | None = None, mode: Any = 'raise') -> Tensor:
        """Return the slices of `x` along an axis at these indices, which may have any shape.

        Parameters
        ----------
        axis : int or None
            None: `x` is flattened first.
        mode : {"raise", "wrap", "clip"}
            What an index outside the axis means: an error, a position around the end, the nearest one.
        """

    def tan(self, /) -> Tensor:
        """Return the tangent of `x` in radians."""

    def tanh(self, /) -> Tensor:
        """Return the hyperbolic tangent."""

    def tile(self, /, reps: Any) -> Tensor:
        """Return copies of `x` side by side, so many along each axis; new axes come first.

        Parameters
        ----------
        reps : int or tuple of int
        """

    def topk(self, /, k: builtins.int, axis: builtins.int | Sequence[builtins.int] | None = -1, largest: Any = True, sorted: Any = True) -> tuple[Tensor, ...]:
        """Return the `k` largest (or smallest) values along an axis, and where they are, as PyTorch.

        Parameters
        ----------
        sorted : bool
            They always come sorted.
        """

    def trace(self, /, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Tensor:
        """Return the sum of a diagonal: see `diagonal`."""

    def tril(self, /, k: builtins.int = 0) -> Tensor:
        """Return matrices with what lies above their diagonal `k` set to 0."""

    def triu(self, /, k: builtins.int = 0) -> Tensor:
        """Return matrices with what lies below their diagonal `k` set to 0."""

    def trunc(self, /) -> Tensor:
        """Return `x` without its decimals; the derivative is 0."""

    def unfold(self, /, axis: builtins.int | Sequence[builtins.int] | None, size: Any, step: Any = 1) -> Tensor:
        """Return the windows of a size along one axis, every so many of them, as the last axis.

        It is PyTorch's `x.unfold(axis, size, step)`.
        """

    def unstack(self, /, axis: builtins.int | Sequence[builtins.int] | None = 0) -> tuple[Tensor, ...]:
        """Return the slices of `x` along an axis, each without it, as a tuple: what `stack` undoes."""

    def var(self, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, correction: Any = 0, ddof: Any = None) -> Tensor:
        """Return the variance over the axes: the mean square distance from the mean.

        Parameters
        ----------
        correction : int or float
            Subtracted from the number of elements in the divisor (1: the unbiased estimate).
        ddof : int or float, optional
            NumPy's name for `correction`.
        """

    def bfloat16(self) -> Tensor:
        """Return the values as bfloat16; this tensor itself if they are so."""

    def bool(self) -> Tensor:
        """Return the values as bool; this tensor itself if they are so."""

    def double(self) -> Tensor:
        """Return the values as float64; this tensor itself if they are so."""

    def float(self) -> Tensor:
        """Return the values as float32; this tensor itself if they are so."""

    def half(self) -> Tensor:
        """Return the values as float16; this tensor itself if they are so."""

    def int(self) -> Tensor:
        """Return the values as int32; this tensor itself if they are so."""

    def long(self) -> Tensor:
        """Return the values as int64; this tensor itself if they are so."""
