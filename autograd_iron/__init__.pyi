"""Signatures for editors and type checkers, written by `make stubs`: do not edit."""

import builtins
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from autograd_iron import extend as extend, linalg as linalg
from autograd_iron.arrays import cuda as cuda
from autograd_iron.arrays.dtypes import bool_ as bool_, complex128 as complex128, complex64 as complex64, float16 as float16, float32 as float32, float64 as float64, int16 as int16, int32 as int32, int64 as int64, int8 as int8, uint16 as uint16, uint32 as uint32, uint64 as uint64, uint8 as uint8
from autograd_iron.core.switches import enable_grad as enable_grad, no_grad as no_grad
from autograd_iron.core.tensor import Tensor as Tensor
from autograd_iron.ops.datatypes import __array_namespace_info__ as __array_namespace_info__
from autograd_iron.transforms.gradients import grad as grad, value_and_grad as value_and_grad
from autograd_iron import fft as fft, random as random, signal as signal, special as special, stats as stats
from autograd_iron.plan import compile as compile
from autograd_iron.tools.check import check_grads as check_grads
from autograd_iron.tools.draw import draw_graph as draw_graph
from autograd_iron.ops.random import Generator as Generator
__array_api_version__: str
from autograd_iron.ops.creation import arange as arange
from autograd_iron.ops.creation import asarray as asarray
from autograd_iron.ops.datatypes import astype as astype
from autograd_iron.ops.tapers import bartlett as bartlett
from autograd_iron.ops.tapers import blackman as blackman
bool: Any
from autograd_iron.ops.shapes.reshaping import broadcast_shapes as broadcast_shapes
from autograd_iron.ops.shapes.literals import c_ as c_
from autograd_iron.ops.datatypes import can_cast as can_cast
from autograd_iron.ops.matrices import diag_indices as diag_indices
e: float
euler_gamma: float
from autograd_iron.ops.datatypes import finfo as finfo
from autograd_iron.ops.creation import from_dlpack as from_dlpack
from autograd_iron.ops.grids import fromfunction as fromfunction
from autograd_iron.ops.grids import geomspace as geomspace
from autograd_iron.ops.tapers import hamming as hamming
from autograd_iron.ops.tapers import hanning as hanning
from autograd_iron.ops.matrices import identity as identity
from autograd_iron.ops.datatypes import iinfo as iinfo
from autograd_iron.ops.shapes.literals import index_exp as index_exp
from autograd_iron.ops.grids import indices as indices
inf: float
from autograd_iron.ops.datatypes import iscomplexobj as iscomplexobj
from autograd_iron.ops.datatypes import isdtype as isdtype
from autograd_iron.ops.datatypes import isrealobj as isrealobj
from autograd_iron.ops.datatypes import isscalar as isscalar
from autograd_iron.ops.grids import ix_ as ix_
from autograd_iron.ops.tapers import kaiser as kaiser
from autograd_iron.ops.creation import linspace as linspace
from autograd_iron.ops.grids import logspace as logspace
from autograd_iron.ops.drawing import manual_seed as manual_seed
from autograd_iron.ops.grids import mgrid as mgrid
nan: float
from autograd_iron.ops.datatypes import ndim as ndim
newaxis: None
from autograd_iron.ops.drawing import normal as normal
from autograd_iron.ops.grids import ogrid as ogrid
pi: float
from autograd_iron.ops.datatypes import promote_types as promote_types
from autograd_iron.ops.shapes.literals import r_ as r_
from autograd_iron.ops.drawing import rand as rand
from autograd_iron.ops.drawing import rand_like as rand_like
from autograd_iron.ops.drawing import randint as randint
from autograd_iron.ops.drawing import randn as randn
from autograd_iron.ops.drawing import randn_like as randn_like
from autograd_iron.ops.drawing import randperm as randperm
from autograd_iron.ops.datatypes import result_type as result_type
from autograd_iron.ops.shapes.literals import s_ as s_
from autograd_iron.ops.datatypes import shape as shape
from autograd_iron.ops.datatypes import size as size
from autograd_iron.ops.creation import tensor as tensor
from autograd_iron.ops.matrices import tril_indices as tril_indices
from autograd_iron.ops.matrices import triu_indices as triu_indices

__version__: str
bfloat16: Any

class _Array(Protocol):
    def __array__(self) -> Any: ...

TensorLike: TypeAlias = Tensor | _Array | Sequence[Any] | complex

def abs(x: TensorLike, /) -> Tensor:
    """Return the absolute value; the derivative at 0 is 0."""

def absolute(x: TensorLike, /) -> Tensor:
    """Return the absolute value; the derivative at 0 is 0."""

def acos(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, between 0 and pi, whose cosine is `x`."""

def acosh(x: TensorLike, /) -> Tensor:
    """Return the number from 0 up whose hyperbolic cosine is `x`; NaN for `x < 1`."""

def add(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the sum `x + y`, broadcast."""

def all(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None) -> Tensor:
    """Return whether every value over the axes is true."""

def allclose(x: TensorLike, y: Any, /, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False) -> Tensor:
    """Return whether all values are close: see `isclose`."""

def amax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None, initial: Any = None) -> Tensor:
    """Return the largest value over the axes; equal ones share the gradient equally."""

def amin(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None, initial: Any = None) -> Tensor:
    """Return the smallest value over the axes; equal ones share the gradient equally."""

def aminmax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> tuple[Tensor, ...]:
    """Return the smallest and the largest value over the axes, as PyTorch's `aminmax`."""

def angle(x: TensorLike, /, deg: Any = False) -> Tensor:
    """Return the angle of complex numbers, between -pi and pi, in radians or in degrees.

    At 0 its derivative is 0, and so is that of real numbers everywhere.
    """

def any(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None) -> Tensor:
    """Return whether some value over the axes is true."""

def append(x: TensorLike, values: Any, /, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `values` joined to the end of `x` along an axis (None: both are flattened first)."""

def apply_along_axis(func1d: Any, axis: builtins.int | Sequence[builtins.int] | None, x: TensorLike, /, *args: Any, **settings: Any) -> Tensor:
    """Return what a function of a vector makes of each slice of `x` along an axis.

    The axes of the results, which have one shape, stand in the place of the axis.
    """

def arccos(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, between 0 and pi, whose cosine is `x`."""

def arccosh(x: TensorLike, /) -> Tensor:
    """Return the number from 0 up whose hyperbolic cosine is `x`; NaN for `x < 1`."""

def arcsin(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, between -pi/2 and pi/2, whose sine is `x`."""

def arcsinh(x: TensorLike, /) -> Tensor:
    """Return the number whose hyperbolic sine is `x`."""

def arctan(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, between -pi/2 and pi/2, whose tangent is `x`."""

def arctan2(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the angle in radians, from -pi to pi, of the point with ordinate `x`, abscissa `y`.

    That is the angle whose tangent is `x / y`; the derivatives at the origin are 0.
    """

def arctanh(x: TensorLike, /) -> Tensor:
    """Return the number whose hyperbolic tangent is `x`."""

def argmax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the position of the first largest value along an axis (None: of the flattened x)."""

def argmin(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the position of the first smallest value along an axis (None: of the flattened x)."""

def argpartition(x: TensorLike, /, kth: Any, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the positions along an axis of what `partition` returns."""

def argsort(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1, *, descending: Any = False, stable: Any = True, kind: Any = None) -> Tensor:
    """Return the positions that sort `x` along an axis (None: those in the flattened `x`).

    Parameters
    ----------
    stable, kind
        Equal values are always in the order of `x`.
    """

def argwhere(x: TensorLike, /) -> Tensor:
    """Return the indices of the elements that are not zero, one row for each of them."""

def around(x: TensorLike, /, decimals: Any = 0) -> Tensor:
    """Return `x` rounded to so many decimals, halves to the even digit; the derivative is 0."""

def array(value: Any, /, dtype: Any = None, *, copy: Any = True, ndmin: Any = 0, device: str | None = None) -> Tensor:
    """Return an array of the values, which gradients flow through.

    Parameters
    ----------
    value : array, Tensor, number or nested list of them
        A list that has Tensors in it is stacked from them, and from the numbers beside them.
    dtype : dtype or str, optional
    copy : bool, optional
        False or None: share memory where that is possible.
    ndmin : int
        Axes of size 1 are put before the others until there are so many.
    device : str, optional
        As in `tensor`.
    """

def array_equal(x: TensorLike, y: Any, /, equal_nan: Any = False) -> Tensor:
    """Return whether `x` and `y` have one shape and equal values."""

def array_equiv(x: TensorLike, y: Any, /) -> Tensor:
    """Return whether `x` and `y` broadcast to one shape, and are equal there."""

def array_split(x: TensorLike, /, indices_or_sections: Any, axis: builtins.int | Sequence[builtins.int] | None = 0) -> tuple[Tensor, ...]:
    """Return `x` cut along an axis as `split` does, into parts of sizes that may differ by one."""

def asin(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, between -pi/2 and pi/2, whose sine is `x`."""

def asinh(x: TensorLike, /) -> Tensor:
    """Return the number whose hyperbolic sine is `x`."""

def atan(x: TensorLike, /) -> Tensor:
    """Return the angle in radians, between -pi/2 and pi/2, whose tangent is `x`."""

def atan2(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the angle in radians, from -pi to pi, of the point with ordinate `x`, abscissa `y`.

    That is the angle whose tangent is `x / y`; the derivatives at the origin are 0.
    """

def atanh(x: TensorLike, /) -> Tensor:
    """Return the number whose hyperbolic tangent is `x`."""

def atleast_1d(*arrays: Sequence[TensorLike]) -> Tensor:
    """Return the arrays, those without axes with one of size 1."""

def atleast_2d(*arrays: Sequence[TensorLike]) -> Tensor:
    """Return the arrays, those of fewer than two axes as one row."""

def atleast_3d(*arrays: Sequence[TensorLike]) -> Tensor:
    """Return the arrays, those of fewer than three axes with new ones around as NumPy has them."""

def average(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, weights: Any = None, returned: Any = False, keepdims: builtins.bool = False) -> Tensor:
    """Return the average over the axes, each value as often as its weight says.

    Parameters
    ----------
    weights : array, optional
        Of the shape of `x`, or of one axis for that axis alone; None: all are 1.
    returned : bool
        Return the sum of the weights, too.
    """

def bincount(x: TensorLike, /, weights: Any = None, minlength: Any = 0, length: Any = None) -> Tensor:
    """Return how often each integer from 0 on is in `x`, or the sum of its weights.

    Parameters
    ----------
    weights : array, optional
        One for each element.
    minlength : int
        The least length of the result, which else ends with the largest integer.
    length : int, optional
        The length of the result; greater integers are left out.  With it a compiled step can count.
    """

def bitwise_and(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `x & y` of bools or integers, broadcast."""

def bitwise_count(x: TensorLike, /) -> Tensor:
    """Return how many bits of the absolute value of integers are 1, as uint8."""

def bitwise_invert(x: TensorLike, /) -> Tensor:
    """Return `~x` of bools or integers."""

def bitwise_left_shift(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the integers `x` times `2 ** y`, broadcast."""

def bitwise_not(x: TensorLike, /) -> Tensor:
    """Return `~x` of bools or integers."""

def bitwise_or(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `x | y` of bools or integers, broadcast."""

def bitwise_right_shift(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the integers `x` divided by `2 ** y` and rounded down, broadcast."""

def bitwise_xor(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `x ^ y` of bools or integers, broadcast."""

def block(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return an array put together from nested lists of blocks, as NumPy has them.

    The blocks of the innermost lists are joined along the last axis, what comes of those along the
    one before it, and so on.
    """

def block_diag(*arrays: Sequence[TensorLike]) -> Tensor:
    """Return a matrix with these matrices along its diagonal, and zeros around.

    A vector is a matrix of one row, a number one of one element.
    """

def broadcast_arrays(*arrays: Sequence[TensorLike]) -> tuple[Tensor, ...]:
    """Return the arrays stretched to the shape that they broadcast to, as read-only views."""

def broadcast_to(x: TensorLike, /, shape: builtins.int | Sequence[builtins.int]) -> Tensor:
    """Return `x` stretched to `shape`, as a read-only view where possible."""

def cbrt(x: TensorLike, /) -> Tensor:
    """Return the cube root, negative for negative `x`; the derivative at 0 is infinite."""

def ceil(x: TensorLike, /) -> Tensor:
    """Return the smallest whole number that is not below `x`; the derivative is 0."""

def choose(x: TensorLike, choices: Any, /, mode: Any = 'raise') -> Tensor:
    """Return for each element of an array of integers that of the choice which has this number.

    Parameters
    ----------
    choices : sequence of array
        All broadcast, with each other and with `x`.
    mode : {"raise", "wrap", "clip"}
        What a number means that no choice has: an error, one from the other end, the nearest.
    """

def clip(x: TensorLike, /, min: Any = None, max: Any = None, *, a_min: Any = None, a_max: Any = None) -> Tensor:
    """Return `x` held between two bounds, numbers or arrays; at a bound the gradient passes.

    Parameters
    ----------
    x : Tensor
    min, max : number or Tensor, optional
        What lies beyond is the bound, and a gradient flows to that, if it is a Tensor.  NumPy's
        older names `a_min` and `a_max` are understood too.
    a_min, a_max : number or Tensor, optional
    """

def column_stack(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return a sequence of arrays joined as columns, those with one axis as one column each."""

def compress(condition: Any, x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return the slices of `x` along an axis at which a 1-d condition holds.

    Parameters
    ----------
    axis : int or None
        None: `x` is flattened first.
    """

def concat(arrays: Sequence[TensorLike], /, axis: builtins.int | Sequence[builtins.int] | None = 0) -> Tensor:
    """Return a sequence of arrays joined along an existing axis (None: flattened first)."""

def concatenate(arrays: Sequence[TensorLike], /, axis: builtins.int | Sequence[builtins.int] | None = 0) -> Tensor:
    """Return a sequence of arrays joined along an existing axis (None: flattened first)."""

def conj(x: TensorLike, /) -> Tensor:
    """Return the complex conjugate; a real array is returned as it is."""

def conjugate(x: TensorLike, /) -> Tensor:
    """Return the complex conjugate; a real array is returned as it is."""

def convolve(a: Any, v: Any, /, mode: Any = 'full') -> Tensor:
    """Return the convolution of two vectors.

    Parameters
    ----------
    mode : "full", "same" or "valid"
        All places where they meet; as many as the longer one has, from the middle; or those where
        they overlap completely.
    """

def copy(x: TensorLike, /) -> Tensor:
    """Return the values in memory of their own; gradients flow through it."""

def copysign(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `x` with the sign of `y`, broadcast; the derivative in `x` is 0 at 0."""

def corrcoef(x: TensorLike, y: Any = None, rowvar: Any = True) -> Tensor:
    """Return the correlations of variables, between -1 and 1: see `cov`."""

def correlate(a: Any, v: Any, /, mode: Any = 'valid') -> Tensor:
    """Return the correlation of two vectors, `v` conjugated: see `convolve`."""

def cos(x: TensorLike, /) -> Tensor:
    """Return the cosine of `x` in radians."""

def cosh(x: TensorLike, /) -> Tensor:
    """Return the hyperbolic cosine."""

def count_nonzero(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return how many values over the axes are not zero."""

def cov(m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None, aweights: Any = None) -> Tensor:
    """Return the covariance matrix of variables, each of which has several values.

    Parameters
    ----------
    m : array
        One variable, or one in each row.
    y : array, optional
        More variables, of the same form.
    rowvar : bool
        False: variables are in the columns.
    bias : bool
        True: divide by the number of values, instead of by one less.
    ddof : int, optional
        Subtracted from the number of values in the divisor; overrides `bias`.
    fweights : array of int, optional
        How often each value counts.
    aweights : array, optional
        How much each value weighs.
    """

def cross(a: Any, b: Any, /, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return the cross product of vectors of three elements.

    Parameters
    ----------
    axisa, axisb, axisc : int
        Where the vectors are in `a`, in `b` and in the result.
    axis : int, optional
        All three of these.
    """

def cummax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> tuple[Tensor, ...]:
    """Return the largest of all values up to each along an axis, and where it is, as PyTorch."""

def cummin(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> tuple[Tensor, ...]:
    """Return the smallest of all values up to each along an axis, and where it is, as PyTorch."""

def cumprod(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None) -> Tensor:
    """Return the products of all values up to each, along an axis (None: of the flattened `x`).

    The gradient is right where values are zero, too.
    """

def cumsum(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None) -> Tensor:
    """Return the sums of all values up to each, along an axis (None: of the flattened `x`)."""

def cumulative_prod(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None, include_initial: Any = False) -> Tensor:
    """Return the products of all values up to each, as the array API's `cumulative_prod`.

    Parameters
    ----------
    axis : int, optional
        It may be left out where `x` has one axis.
    include_initial : bool
        Put the 1 in front with which a product begins.
    """

def cumulative_sum(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None, include_initial: Any = False) -> Tensor:
    """Return the sums of all values up to each, as the array API's `cumulative_sum`.

    Parameters
    ----------
    axis : int, optional
        It may be left out where `x` has one axis.
    include_initial : bool
        Put the 0 in front with which a sum begins.
    """

def cumulative_trapezoid(y: Any, /, x: TensorLike | None = None, dx: Any = 1.0, axis: builtins.int | Sequence[builtins.int] | None = -1, initial: Any = None) -> Tensor:
    """Return the areas under a line through the values, up to each but the first: see `trapezoid`.

    Parameters
    ----------
    initial : float, optional
        The area up to the first, SciPy's way of asking for that too.
    """

def deg2rad(x: TensorLike, /) -> Tensor:
    """Return an angle of `x` degrees in radians."""

def degrees(x: TensorLike, /) -> Tensor:
    """Return an angle of `x` radians in degrees."""

def delete(x: TensorLike, /, obj: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` without the slices along an axis that an index names.

    Parameters
    ----------
    obj : int, slice, or sequence of int or bool
    axis : int or None
        None: `x` is flattened first.
    """

def diag(x: TensorLike, /, k: builtins.int = 0) -> Tensor:
    """Return a matrix with this diagonal `k`; of a matrix, its diagonal `k`."""

def diag_embed(x: TensorLike, /, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Tensor:
    """Return matrices with the last axis of `x` as their diagonal, and zeros around.

    Parameters
    ----------
    offset : int
        Which diagonal: see `diagonal`.
    dim1, dim2 : int
        Which axes of the result those of the matrices are.
    """

def diag_indices_from(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the indices of the main diagonal of an array whose axes are of one size."""

def diagflat(x: TensorLike, /, k: builtins.int = 0) -> Tensor:
    """Return a matrix with the values of `x`, flattened, as its diagonal `k`."""

def diagonal(x: TensorLike, /, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Tensor:
    """Return the diagonal of the matrices that two axes span, as the last axis of the result.

    Parameters
    ----------
    offset : int
        0: the main diagonal; above 0: one further to the right, below 0: one further down.
    """

def diff(x: TensorLike, /, n: Any = 1, axis: builtins.int | Sequence[builtins.int] | None = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """Return the differences of neighbours along an axis, `n` times over.

    Parameters
    ----------
    prepend, append : array or number, optional
        What comes before and after `x` along the axis; a number is one value everywhere.
    """

def digitize(x: TensorLike, /, bins: Any, right: Any = False) -> Tensor:
    """Return the number of the bin in which each value is.

    Parameters
    ----------
    bins : array
        The edges, ascending or descending.  Before the first is bin 0.
    right : bool
        Whether a bin has its right edge rather than its left one.
    """

def divide(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the quotient `x / y`, broadcast; integers give float32."""

def divmod(x: TensorLike, y: Any, /) -> tuple[Tensor, ...]:
    """Return `floor_divide(x, y)` and `remainder(x, y)`."""

def dot(a: Any, b: Any, /) -> Tensor:
    """Return the product over the last axis of `a` and the second-to-last of `b` (or its only one).

    Unlike `matmul` it does not broadcast: all other axes of `a`, then those of `b`, are kept.
    """

def dsplit(x: TensorLike, /, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return `x` cut into parts along its third axis (see split)."""

def dstack(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return a sequence of arrays joined along the third axis, after `atleast_3d`."""

def ediff1d(x: TensorLike, /, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """Return the differences of neighbours in the flattened array.

    Parameters
    ----------
    to_end, to_begin : array or number, optional
        What comes after the differences, and before them.
    """

def einsum(subscripts: Any, /, *operands: Any, optimize: Any = True) -> Tensor:
    """Return the sum of products that letters of axes say, as NumPy's einsum.

    An axis whose letter the result lacks is summed over; a letter that an operand has twice is its
    diagonal; `...` stands for axes that broadcast.  Without `->` the result has the letters that
    occur once, in the order of the alphabet.

    Parameters
    ----------
    subscripts : str
        `"ij,jk->ik"`.  Or operands and lists of whole numbers take turns, the last list being that
        of the result: `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
    *operands : array
    optimize : bool, str or list
        How an order is found for more than two operands: what `numpy.einsum_path` takes, or the
        path that it returns.  False: from left to right.

    Raises
    ------
    ValueError
        The subscripts do not fit the operands.
    """

def empty(shape: builtins.int | Sequence[builtins.int], dtype: Any = 'float32', device: str | None = None) -> Tensor:
    """Return zeros, as `zeros`: no tensor holds what nobody wrote."""

def empty_like(x: TensorLike, /, dtype: Any = None, *, shape: builtins.int | Sequence[builtins.int] | None = None, device: str | None = None) -> Tensor:
    """Return zeros, as `zeros_like`: no tensor holds what nobody wrote."""

def equal(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x == y`, elementwise and broadcast."""

def exp(x: TensorLike, /) -> Tensor:
    """Return e to the power `x`."""

def exp2(x: TensorLike, /) -> Tensor:
    """Return 2 to the power `x`."""

def expand_dims(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = 0) -> Tensor:
    """Return `x` with new axes of size 1 at these places of the result."""

def expm1(x: TensorLike, /) -> Tensor:
    """Return `exp(x) - 1`, accurate near 0."""

def extract(condition: Any, x: TensorLike, /) -> Tensor:
    """Return the elements of `x` at which a condition holds, in one row."""

def eye(n_rows: Any, n_cols: Any = None, /, k: builtins.int = 0, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return a matrix with ones on the diagonal `k`, and zeros; square if `n_cols` is None."""

def fabs(x: TensorLike, /) -> Tensor:
    """Return the absolute value as a float; the derivative at 0 is 0."""

def fix(x: TensorLike, /) -> Tensor:
    """Return `x` without its decimals; the derivative is 0."""

def flatnonzero(x: TensorLike, /) -> Tensor:
    """Return the positions of the elements that are not zero, in the flattened `x`."""

def flatten(x: TensorLike, /, start_dim: Any = 0, end_dim: Any = -1) -> Tensor:
    """Return `x` with the axes from one to another, both included, made one; a number has one."""

def flip(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` with the order along the axes (None: all) reversed."""

def fliplr(x: TensorLike, /) -> Tensor:
    """Return `x` with the order along its second axis reversed."""

def flipud(x: TensorLike, /) -> Tensor:
    """Return `x` with the order along its first axis reversed."""

def float_power(x: TensorLike, p: Any, /) -> Tensor:
    """Return `x ** p` in float64, or complex128, so that integers have negative powers too."""

def floor(x: TensorLike, /) -> Tensor:
    """Return the largest whole number that is not above `x`; the derivative is 0."""

def floor_divide(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the largest whole number that is not above `x / y`; the derivatives are 0."""

def fmax(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the larger of `x` and `y`, and the other where one is NaN; equal ones share."""

def fmin(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the smaller of `x` and `y`, and the other where one is NaN; equal ones share."""

def fmod(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return what `trunc(x / y)` times `y` leaves of `x`, with the sign of `x`."""

def frexp(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return `m` and the int32 `e` with `x = m * 2 ** e` and `0.5 <= abs(m) < 1`; 0 and 0 for 0."""

def full(shape: builtins.int | Sequence[builtins.int], fill_value: Any, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return a tensor filled with a number: float32, complex64, int64 or bool, as it is."""

def full_like(x: TensorLike, /, fill_value: Any, dtype: Any = None, *, shape: builtins.int | Sequence[builtins.int] | None = None, device: str | None = None) -> Tensor:
    """Return a number over and over: of the shape, dtype and device of `x` where none is given."""

def gcd(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the greatest common divisor of integers, broadcast."""

def gradient(f: Any, /, *varargs: Any, axis: builtins.int | Sequence[builtins.int] | None = None, edge_order: Any = 1) -> tuple[Tensor, ...]:
    """Return the slopes of values on a grid along each axis, as NumPy's `gradient`.

    They are differences of the neighbours on both sides, at the ends of one side.  The derivative
    of a function is `ai.grad`.

    Parameters
    ----------
    *varargs : number or array
        How far apart the values are, or where they are, for all axes or for each.
    axis : int or tuple of int, optional
        Along which axes; None: along all, and a tuple comes back if these are several.
    edge_order : 1 or 2
        How exact the slopes at the ends are.
    """

def greater(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x > y`, elementwise and broadcast."""

def greater_equal(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x >= y`, elementwise and broadcast."""

def heaviside(x: TensorLike, y: Any, /) -> Tensor:
    """Return 0 where `x` is negative, 1 where it is positive, and `y` where it is 0."""

def histogram(x: TensorLike, /, bins: Any = 10, range: Any = None, density: Any = False, weights: Any = None) -> tuple[Tensor, ...]:
    """Return how many values are in each of several bins, and the edges of the bins.

    Parameters
    ----------
    bins : int or array
        How many bins of equal width, or their ascending edges.
    range : pair of numbers, optional
        Where the bins begin and end; None: at the smallest and the largest value.
    density : bool
        Return the part of all per width instead of numbers.
    weights : array, optional
        What each value adds to its bin; the gradient flows to these.
    """

def histogram_bin_edges(x: TensorLike, /, bins: Any = 10, range: Any = None, weights: Any = None) -> Tensor:
    """Return the edges of the bins that `histogram` counts in."""

def hsplit(x: TensorLike, /, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return `x` cut into parts along its second axis, or the only one (see split)."""

def hstack(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return a sequence of arrays joined along the second axis, or the only one."""

def hypot(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `sqrt(x ** 2 + y ** 2)` without overflow; the derivatives at the origin are 0."""

def i0(x: TensorLike, /) -> Tensor:
    """Return the modified Bessel function of the first kind of order 0."""

def imag(x: TensorLike, /) -> Tensor:
    """Return the imaginary part; that of a real array is zeros."""

def inner(a: Any, b: Any, /) -> Tensor:
    """Return the product over the last axes of both arrays."""

def insert(x: TensorLike, /, obj: Any, values: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` with values put in before the slices along an axis that an index names.

    Parameters
    ----------
    obj : int, slice, or sequence of int
    values : array, number or nested list
        Broadcast to what is put in; cast to the dtype of `x`.
    axis : int or None
        None: `x` is flattened first.
    """

def interp(x: TensorLike, xp: Any, fp: Any, /, left: Any = None, right: Any = None, period: Any = None) -> Tensor:
    """Return at `x` the values of the straight lines through the points `xp`, `fp`.

    Parameters
    ----------
    x : array
    xp : array
        One axis of ascending numbers.
    fp : array
        The values there.
    left, right : number, optional
        The values before the first point and after the last; default: those at these points.
    period : float, optional
        The values repeat so; then `xp` need not ascend, and there is nothing to the left and right.
    """

def intersect1d(x: TensorLike, y: Any, /, assume_unique: Any = False, return_indices: Any = False) -> Tensor:
    """Return the sorted values that are in both arrays, each once.

    Parameters
    ----------
    assume_unique : bool
        No value is twice in one of the arrays.
    return_indices : bool
        Return too where each is in the first and in the second array.
    """

def invert(x: TensorLike, /) -> Tensor:
    """Return `~x` of bools or integers."""

def isclose(x: TensorLike, y: Any, /, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: Any = False) -> Tensor:
    """Return where `abs(x - y) <= atol + rtol * abs(y)`, broadcast.

    Infinities are close to themselves, and with `equal_nan` so is NaN.
    """

def iscomplex(x: TensorLike, /) -> Tensor:
    """Return whether the imaginary part of `x` is not 0, elementwise."""

def isfinite(x: TensorLike, /) -> Tensor:
    """Return whether `x` is neither infinite nor NaN, elementwise."""

def isin(x: TensorLike, test_elements: TensorLike, /, assume_unique: Any = False, invert: Any = False) -> Tensor:
    """Return where the elements of `x` are among the test elements (or not, with `invert`)."""

def isinf(x: TensorLike, /) -> Tensor:
    """Return whether `x` is infinite, elementwise."""

def isnan(x: TensorLike, /) -> Tensor:
    """Return whether `x` is NaN, elementwise."""

def isneginf(x: TensorLike, /) -> Tensor:
    """Return whether `x` is negative infinity, elementwise."""

def isposinf(x: TensorLike, /) -> Tensor:
    """Return whether `x` is positive infinity, elementwise."""

def isreal(x: TensorLike, /) -> Tensor:
    """Return whether the imaginary part of `x` is 0, elementwise."""

def kron(a: Any, b: Any, /) -> Tensor:
    """Return the Kronecker product: blocks of `b`, one for each element of `a`."""

def kthvalue(x: TensorLike, /, k: builtins.int, axis: builtins.int | Sequence[builtins.int] | None = -1, keepdims: builtins.bool = False) -> tuple[Tensor, ...]:
    """Return the `k`-th smallest value along an axis (the first: 1), and where it is."""

def lcm(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the least common multiple of integers, broadcast."""

def ldexp(x: TensorLike, e: Any, /) -> Tensor:
    """Return `x * 2 ** e` for integers `e`; the power is taken in halves, so as not to overflow."""

def left_shift(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the integers `x` times `2 ** y`, broadcast."""

def lerp(start: Any, end: Any, weight: Any) -> Tensor:
    """Return `start + weight * (end - start)`, broadcast."""

def less(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x < y`, elementwise and broadcast."""

def less_equal(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x <= y`, elementwise and broadcast."""

def lexsort(keys: Any, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the positions that sort by several keys, the last of which counts most.

    Parameters
    ----------
    keys : array or sequence of arrays
        One key, of one shape, in each.
    """

def linear(x: TensorLike, weight: TensorLike, bias: TensorLike | None = None, /) -> Tensor:
    """Return `x @ weight.T + bias`: the layout of PyTorch's weights.

    Parameters
    ----------
    x : (..., n)
    weight : (m, n)
    bias : (m,), optional

    Returns
    -------
    (..., m)
    """

def log(x: TensorLike, /) -> Tensor:
    """Return the natural logarithm."""

def log10(x: TensorLike, /) -> Tensor:
    """Return the logarithm to base 10."""

def log1p(x: TensorLike, /) -> Tensor:
    """Return `log(1 + x)`, accurate near 0."""

def log2(x: TensorLike, /) -> Tensor:
    """Return the logarithm to base 2."""

def log_softmax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return `log(exp(x) / sum(exp(x)))` over an axis, finite for every finite `x`.

    The logarithms of the probabilities that logits `x` give to the classes along the axis.
    """

def logaddexp(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `log(exp(x) + exp(y))` without overflow, broadcast."""

def logaddexp2(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `log2(2 ** x + 2 ** y)` without overflow, broadcast."""

def logcumsumexp(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return `log(sum(exp(x)))` of all values up to each along an axis, finite for finite `x`."""

def logical_and(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x and y`, elementwise and broadcast."""

def logical_not(x: TensorLike, /) -> Tensor:
    """Return whether `x` is false, elementwise."""

def logical_or(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x or y`, elementwise and broadcast."""

def logical_xor(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether one of `x` and `y` is true and the other is not, broadcast."""

def logsumexp(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return `log(sum(exp(x)))` over the axes, finite for every finite `x`."""

def matmul(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the matrix product over the last axis of `x` and the second-to-last of `y`.

    Parameters
    ----------
    x : (..., n, k) or (k,)
    y : (..., k, m) or (k,)
        Leading axes broadcast; a vector is a row on the left and a column on the right.

    Returns
    -------
    (..., n, m), without the axes of vectors
    """

def matrix_transpose(x: TensorLike, /) -> Tensor:
    """Return `x` with its last two axes swapped."""

def matvec(x1: Any, x2: Any, /) -> Tensor:
    """Return the products of matrices (..., m, n) and vectors (..., n)."""

def max(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None, initial: Any = None) -> Tensor:
    """Return the largest value over the axes; equal ones share the gradient equally."""

def maximum(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the larger of `x` and `y`, broadcast; equal ones get half the gradient each."""

def mean(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, dtype: Any = None, where: Any = None) -> Tensor:
    """Return the mean over the axes; of integers, in float32."""

def median(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the middle value over the axes, or the mean of the two middle ones."""

def meshgrid(*axes: builtins.int | Sequence[Any] | None, indexing: Any = 'xy', sparse: Any = False, copy: Any = True, device: str | None = None) -> list[Tensor]:
    """Return a list of coordinate tensors of a grid over 1-d axes, in NumPy's order of axes.

    Parameters
    ----------
    indexing : {"xy", "ij"}
        Cartesian (the first axis varies along columns) or matrix order.
    sparse : bool
        Leave the coordinates of size 1 along the other axes, where they broadcast.
    copy : bool
        For NumPy's sake: tensors are values.
    device : str, optional
        Where the axes go first if they are not there; default: where they are.
    """

def min(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, where: Any = None, initial: Any = None) -> Tensor:
    """Return the smallest value over the axes; equal ones share the gradient equally."""

def minimum(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the smaller of `x` and `y`, broadcast; equal ones get half the gradient each."""

def mod(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return what `floor_divide` leaves of `x`, with the sign of `y`."""

def mode(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1, keepdims: builtins.bool = False) -> tuple[Tensor, ...]:
    """Return the commonest value along an axis, of several the smallest, and where it is last."""

def modf(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the fractional part and the whole part of `x`, both of its sign."""

def moveaxis(x: TensorLike, /, source: Any, destination: Any) -> Tensor:
    """Return `x` with axes at other places, the rest in their order.

    Parameters
    ----------
    source, destination : int or sequence of int
        The axes, and for each its place in the result.
    """

def multiply(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the product `x * y`, broadcast."""

def nan_to_num(x: TensorLike, /, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """Return `x` with numbers for NaN and infinities, through which no gradient flows.

    Parameters
    ----------
    x : Tensor
    copy : bool
        For the sake of NumPy's signature: the result is always a new Tensor.
    nan : float
        What stands for NaN.
    posinf, neginf : float, optional
        What stands for the infinities: by default the largest and the lowest number of the dtype.
    """

def nanargmax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return where the first largest value is that is not NaN; -1 where there is none."""

def nanargmin(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return where the first smallest value is that is not NaN; -1 where there is none."""

def nancumprod(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None) -> Tensor:
    """Return the products of all values up to each along an axis, NaN counting as 1."""

def nancumsum(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, dtype: Any = None) -> Tensor:
    """Return the sums of all values up to each along an axis, NaN counting as 0."""

def nanmax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the largest value over the axes that is not NaN; NaN where there is none."""

def nanmean(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, dtype: Any = None) -> Tensor:
    """Return the mean over the axes of all values that are not NaN; NaN where there are none."""

def nanmedian(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the median of all values that are not NaN; NaN where there are none."""

def nanmin(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the smallest value over the axes that is not NaN; NaN where there is none."""

def nanpercentile(x: TensorLike, /, q: Any, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, method: Any = 'linear') -> Tensor:
    """Return `percentile` of all values that are not NaN; NaN where there are none."""

def nanprod(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, dtype: Any = None) -> Tensor:
    """Return the product over the axes, NaN counting as 1."""

def nanquantile(x: TensorLike, /, q: Any, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, method: Any = 'linear') -> Tensor:
    """Return `quantile` of all values that are not NaN; NaN where there are none."""

def nanstd(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, correction: Any = 0, ddof: Any = None) -> Tensor:
    """Return the standard deviation over the axes of all values that are not NaN: see `std`."""

def nansum(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, dtype: Any = None) -> Tensor:
    """Return the sum over the axes, NaN counting as 0."""

def nanvar(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, correction: Any = 0, ddof: Any = None) -> Tensor:
    """Return the variance over the axes of all values that are not NaN: see `var`."""

def negative(x: TensorLike, /) -> Tensor:
    """Return `-x`."""

def nextafter(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the next float after `x` in the direction of `y`; no gradient flows through it."""

def nonzero(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the indices of the elements that are not zero, one array for each axis."""

def norm(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the Euclidean norm over the axes; at the zero vector the derivative is 0."""

def not_equal(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return whether `x != y`, elementwise and broadcast."""

def one_hot(x: TensorLike, /, num_classes: Any = -1, dtype: Any = 'int64') -> Tensor:
    """Return rows that are 1 at the class that each integer of `x` is, and 0 elsewhere.

    Parameters
    ----------
    num_classes : int
        -1: one more than the largest class, which is then looked for.  A class outside the range
        is a row of zeros.
    """

def ones(shape: builtins.int | Sequence[builtins.int], dtype: Any = 'float32', device: str | None = None) -> Tensor:
    """Return a tensor of ones."""

def ones_like(x: TensorLike, /, dtype: Any = None, *, shape: builtins.int | Sequence[builtins.int] | None = None, device: str | None = None) -> Tensor:
    """Return ones of the shape, the dtype and the device of `x`, where none is given."""

def outer(a: Any, b: Any, /) -> Tensor:
    """Return the products of each element of `a` with each of `b`, both flattened."""

def pad(x: TensorLike, /, pad_width: Any, mode: Any = 'constant', *, constant_values: Any = 0, end_values: Any = 0, stat_length: Any = None, reflect_type: Any = 'even') -> Tensor:
    """Return `x` with a border around it, as NumPy's `pad` makes one.

    Parameters
    ----------
    pad_width : int, (before, after), one such pair per axis, or a dict of these by axis
    mode : str
        What the border holds: "constant", "edge" (the outermost values), "reflect" and "symmetric"
        (`x` mirrored, without and with its edge), "wrap" (`x` over again), "linear_ramp" (from the
        edge to `end_values`), "maximum", "minimum", "mean" or "median" (of the `stat_length` values
        at that edge; None: of all), "empty" (zeros here).
    constant_values, end_values : number, (before, after), or one such pair per axis
    stat_length : int, (before, after), one such pair per axis, or None
    reflect_type : {"even", "odd"}
        "odd": what is mirrored is taken from twice the edge.
    """

def partition(x: TensorLike, /, kth: Any, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the values along an axis so that those at `kth` are where sorting puts them.

    Smaller values come before, larger ones after, in no particular order.
    """

def percentile(x: TensorLike, /, q: Any, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, method: Any = 'linear') -> Tensor:
    """Return the values over the axes below which `q` per cent of all lie: see `quantile`."""

def permute_dims(x: TensorLike, /, axes: builtins.int | Sequence[Any] | None = None) -> Tensor:
    """Return `x` with its axes in the given order (None: reversed)."""

def piecewise(x: TensorLike, condlist: Any, funclist: Any, /, *args: Any, **settings: Any) -> Tensor:
    """Return of each element what the function makes of it whose condition holds.

    Each function is called with all of `x`, and works on each element by itself.

    Parameters
    ----------
    condlist : sequence of array of bool, or one
        Where several hold, the last counts.
    funclist : sequence of callable or number
        As many; one more is for where none holds, which else is 0.
    *args, **settings
        What the functions take besides.
    """

def polyadd(p: Any, q: Any, /) -> Tensor:
    """Return the coefficients of the sum of two polynomials."""

def polyder(p: Any, /, m: Any = 1) -> Tensor:
    """Return the coefficients of the `m`-th derivative of a polynomial."""

def polyfit(x: TensorLike, y: Any, /, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False) -> Tensor:
    """Return the coefficients of the polynomial that is nearest to points in square mean.

    Parameters
    ----------
    x : (n,)
    y : (n,) or (n, k)
        The values there, or several columns of them.
    deg : int
        The degree.
    rcond : float, optional
        Directions in which the powers are smaller than this share of the largest are left out.
    full : bool
        Return `(coefficients, residuals, rank, singular values, rcond)`.
    w : (n,), optional
        What each difference is multiplied by before it is squared.
    cov : bool or "unscaled"
        Return the covariance matrix of the coefficients too.
    """

def polyint(p: Any, /, m: Any = 1, k: builtins.int | None = None) -> Tensor:
    """Return the coefficients of the `m`-th integral of a polynomial.

    Parameters
    ----------
    m : int
    k : number or sequence of numbers, optional
        The constants of integration, the first of which is that of the first integral; 0 else.
    """

def polymul(p: Any, q: Any, /) -> Tensor:
    """Return the coefficients of the product of two polynomials; leading zeros stay."""

def polysub(p: Any, q: Any, /) -> Tensor:
    """Return the coefficients of the difference of two polynomials."""

def polyval(p: Any, x: TensorLike, /) -> Tensor:
    """Return the polynomial with the coefficients `p`, that of the highest power first, at `x`."""

def positive(x: TensorLike, /) -> Tensor:
    """Return `+x`, which is `x`."""

def pow(x: TensorLike, p: TensorLike, /) -> Tensor:
    """Return `x ** p`, broadcast; derivatives at `x = 0` are those of the limit where it exists."""

def power(x: TensorLike, p: TensorLike, /) -> Tensor:
    """Return `x ** p`, broadcast; derivatives at `x = 0` are those of the limit where it exists."""

def prod(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, dtype: Any = None, where: Any = None, initial: Any = None) -> Tensor:
    """Return the product over the axes; the gradient is right where values are zero, too."""

def ptp(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Return the distance from the smallest to the largest value over the axes."""

def put_along_axis(x: TensorLike, indices: Any, values: Any, /, axis: builtins.int | Sequence[builtins.int] | None) -> Tensor:
    """Return `x` with values at positions along an axis, where `take_along_axis` reads.

    NumPy's writes into `x`, which tensors do not allow.

    Raises
    ------
    ValueError
        A position is named twice: which value stays would be undefined.
    """

def quantile(x: TensorLike, /, q: Any, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, method: Any = 'linear') -> Tensor:
    """Return the values over the axes below which the parts `q` of all values lie.

    The gradient goes to the values between which a quantile lies.

    Parameters
    ----------
    q : number or array
        Between 0 and 1.  The result has its axes first.
    method : str
        One of NumPy's: "linear", "lower", "higher", "midpoint", "nearest", "hazen" and so on.
    """

def rad2deg(x: TensorLike, /) -> Tensor:
    """Return an angle of `x` radians in degrees."""

def radians(x: TensorLike, /) -> Tensor:
    """Return an angle of `x` degrees in radians."""

def ravel(x: TensorLike, /, order: Any = 'C') -> Tensor:
    """Return the values along one axis, in row-major order ("F": in column-major order)."""

def ravel_multi_index(multi_index: Any, /, dims: Any, mode: Any = 'raise') -> Tensor:
    """Return the positions in the flattened array of indices, one array for each axis.

    Parameters
    ----------
    multi_index : sequence of array of int
    dims : tuple of int
        The shape of the array.
    mode : {"raise", "wrap", "clip"}
        What an index outside its axis means: an error, a position around the end, the nearest one.
    """

def real(x: TensorLike, /) -> Tensor:
    """Return the real part; a real array is returned as it is."""

def real_if_close(x: TensorLike, /, tol: Any = 100) -> Tensor:
    """Return the real part where all imaginary parts are about 0, else the complex numbers.

    Parameters
    ----------
    tol : float
        What is about 0: below so many times the precision of the dtype, or, if it is 1 or less,
        below the number itself.
    """

def reciprocal(x: TensorLike, /) -> Tensor:
    """Return `1 / x`."""

def relu(x: TensorLike, /) -> Tensor:
    """Return `max(x, 0)`; the derivative at 0 is 0."""

def remainder(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return what `floor_divide` leaves of `x`, with the sign of `y`."""

def repeat(x: TensorLike, /, repeats: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` with each slice along an axis repeated.

    Parameters
    ----------
    repeats : int or sequence of int
        How often; of a sequence, one number for each slice.  A Tensor is read, for the shape of the
        result depends on it.
    axis : int or None
        None: `x` is flattened first.
    """

def reshape(x: TensorLike, /, shape: builtins.int | Sequence[builtins.int]) -> Tensor:
    """Return the values in another shape, in row-major order; one size may be -1."""

def resize(x: TensorLike, /, new_shape: Any) -> Tensor:
    """Return the values in another shape, over again from the start where more are needed."""

def right_shift(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the integers `x` divided by `2 ** y` and rounded down, broadcast."""

def rint(x: TensorLike, /) -> Tensor:
    """Return the nearest whole number, of two equally near ones the even; the derivative is 0."""

def roll(x: TensorLike, /, shift: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` with its elements shifted along axes; what leaves at one end enters at the other.

    Parameters
    ----------
    shift : int or tuple of int
        By how many places; of several, one for each axis.
    axis : int, tuple of int, or None
        None: `x` is rolled as if it were flat.
    """

def rollaxis(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None, start: Any = 0) -> Tensor:
    """Return `x` with one axis moved back until it lies before the axis `start` (see moveaxis)."""

def roots(p: Any, /) -> Tensor:
    """Return the roots of a polynomial; how many there are depends on which coefficients are 0."""

def rot90(x: TensorLike, /, k: builtins.int = 1, axes: builtins.int | Sequence[Any] | None = (0, 1)) -> Tensor:
    """Return `x` turned by `k` quarters of a circle, from the first of two axes to the second."""

def round(x: TensorLike, /, decimals: Any = 0) -> Tensor:
    """Return `x` rounded to so many decimals, halves to the even digit; the derivative is 0."""

def row_stack(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return a sequence of arrays joined as rows: along the first axis, after `atleast_2d`."""

def rsqrt(x: TensorLike, /) -> Tensor:
    """Return `1 / sqrt(x)`."""

def searchsorted(a: Any, /, v: Any, side: Any = 'left', sorter: Any = None) -> Tensor:
    """Return where in the sorted `a` each of the values `v` belongs.

    Parameters
    ----------
    side : "left" or "right"
        Whether a value belongs before or after those equal to it.
    sorter : array of integers, optional
        The positions that sort `a`, if it is not.
    """

def segment_sum(data: Any, segment_ids: Any, /, num_segments: Any = None) -> Tensor:
    """Return the sums of the slices of `data` that have the same number, in order of the numbers.

    Parameters
    ----------
    segment_ids : array of int
        The number of each slice along the first axis; slices with one outside the range are left
        out.
    num_segments : int, optional
        How many sums there are.  Default: one more than the largest number, which is looked for.
    """

def select(condlist: Any, choicelist: Any, /, default: Any = 0) -> Tensor:
    """Return for each element the choice whose condition holds first (the default if none does).

    Parameters
    ----------
    condlist : sequence of array of bool
    choicelist : sequence of array
        As many; all broadcast.
    """

def setdiff1d(x: TensorLike, y: Any, /, assume_unique: Any = False) -> Tensor:
    """Return the sorted values of `x` that are not in `y`, each once."""

def setxor1d(x: TensorLike, y: Any, /, assume_unique: Any = False) -> Tensor:
    """Return the sorted values that are in only one of two arrays, each once."""

def sigmoid(x: TensorLike, /) -> Tensor:
    """Return `1 / (1 + exp(-x))`; 0 where the exponential overflows."""

def sign(x: TensorLike, /) -> Tensor:
    """Return -1, 0 or 1, of a complex number `x / abs(x)`; the derivative of real ones is 0."""

def signbit(x: TensorLike, /) -> Tensor:
    """Return whether the sign of `x` is negative, that of -0.0 too."""

def sin(x: TensorLike, /) -> Tensor:
    """Return the sine of `x` in radians."""

def sinc(x: TensorLike, /) -> Tensor:
    """Return `sin(pi x) / (pi x)`, and 1 at 0."""

def sinh(x: TensorLike, /) -> Tensor:
    """Return the hyperbolic sine."""

def sliding_window_view(x: TensorLike, /, window_shape: Any, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return all windows of a shape in `x`, whose axes come last; here they are copies.

    Parameters
    ----------
    window_shape : int or tuple of int
        The size along each axis that windows slide over.
    axis : int, tuple of int, or None
        Those axes; None: all.
    """

def softmax(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return `exp(x) / sum(exp(x))` over an axis, without overflow."""

def softplus(x: TensorLike, /) -> Tensor:
    """Return `log(1 + exp(x))`, finite for every finite `x`."""

def sort(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = -1, *, descending: Any = False, stable: Any = True, kind: Any = None) -> Tensor:
    """Return the values in order along an axis (None: of the flattened `x`).

    NaN is larger than all other values.  The gradient goes where each value came from.

    Parameters
    ----------
    stable, kind
        Every sort here is stable.
    """

def spacing(x: TensorLike, /) -> Tensor:
    """Return how far the next float is, away from 0; no gradient flows through it."""

def split(x: TensorLike, /, indices_or_sections: Any, axis: builtins.int | Sequence[builtins.int] | None = 0) -> tuple[Tensor, ...]:
    """Return `x` cut along an axis: into equal parts, or before each of a list of positions.

    Raises
    ------
    ValueError
        The axis does not divide into that many equal parts.
    """

def sqrt(x: TensorLike, /) -> Tensor:
    """Return the square root; the derivative at 0 is infinite."""

def square(x: TensorLike, /) -> Tensor:
    """Return `x * x`."""

def squeeze(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` without the given axes of size 1 (None: without all of them).

    Raises
    ------
    ValueError
        An axis has another size.
    """

def stack(arrays: Sequence[TensorLike], /, axis: builtins.int | Sequence[builtins.int] | None = 0) -> Tensor:
    """Return a sequence of equally shaped arrays joined along a new axis."""

def std(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, correction: Any = 0, ddof: Any = None) -> Tensor:
    """Return the standard deviation over the axes, the square root of `var`.

    Where it is 0 its gradient is 0, as in PyTorch.

    Parameters
    ----------
    correction : int or float
        Subtracted from the number of elements in the divisor (1: the unbiased estimate).
    ddof : int or float, optional
        NumPy's name for `correction`.
    """

def subtract(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the difference `x - y`, broadcast."""

def sum(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, *, dtype: Any = None, where: Any = None, initial: Any = None) -> Tensor:
    """Return the sum over the axes."""

def swapaxes(x: TensorLike, /, axis1: Any, axis2: Any) -> Tensor:
    """Return `x` with two axes exchanged."""

def take(x: TensorLike, indices: Any, /, axis: builtins.int | Sequence[builtins.int] | None = None, mode: Any = 'raise') -> Tensor:
    """Return the slices of `x` along an axis at these indices, which may have any shape.

    Parameters
    ----------
    axis : int or None
        None: `x` is flattened first.
    mode : {"raise", "wrap", "clip"}
        What an index outside the axis means: an error, a position around the end, the nearest one.
    """

def take_along_axis(x: TensorLike, /, indices: Any, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the elements of `x` at positions along an axis (None: of the flattened `x`).

    Each slice of `x` has positions of its own, as `argsort` and `argmax` return them; the other
    axes of `x` and of the indices broadcast.
    """

def tan(x: TensorLike, /) -> Tensor:
    """Return the tangent of `x` in radians."""

def tanh(x: TensorLike, /) -> Tensor:
    """Return the hyperbolic tangent."""

def tensordot(a: Any, b: Any, /, axes: builtins.int | Sequence[Any] | None = 2) -> Tensor:
    """Return the sum of products over axes of both arrays.

    Parameters
    ----------
    axes : int or (axes of a, axes of b)
        A number stands for the last so many axes of `a` and the first so many of `b`.
    """

def tile(x: TensorLike, /, reps: Any) -> Tensor:
    """Return copies of `x` side by side, so many along each axis; new axes come first.

    Parameters
    ----------
    reps : int or tuple of int
    """

def topk(x: TensorLike, /, k: builtins.int, axis: builtins.int | Sequence[builtins.int] | None = -1, largest: Any = True, sorted: Any = True) -> tuple[Tensor, ...]:
    """Return the `k` largest (or smallest) values along an axis, and where they are, as PyTorch.

    Parameters
    ----------
    sorted : bool
        They always come sorted.
    """

def trace(x: TensorLike, /, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Tensor:
    """Return the sum of a diagonal: see `diagonal`."""

def transpose(x: TensorLike, /, axes: builtins.int | Sequence[Any] | None = None) -> Tensor:
    """Return `x` with its axes in the given order (None: reversed), as permute_dims."""

def trapezoid(y: Any, /, x: TensorLike | None = None, dx: Any = 1.0, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the area under a line through the values along an axis.

    Parameters
    ----------
    x : array, optional
        Where the values are, along the axis or of the shape of `y`.
    dx : float
        How far apart they are, if there is no `x`.
    """

def tri(n_rows: Any, n_cols: Any = None, /, k: builtins.int = 0, dtype: Any = None, device: str | None = None) -> Tensor:
    """Return a matrix with ones on and below the diagonal `k`, and zeros above."""

def tril(x: TensorLike, /, k: builtins.int = 0) -> Tensor:
    """Return matrices with what lies above their diagonal `k` set to 0."""

def tril_indices_from(x: TensorLike, /, k: builtins.int = 0) -> tuple[Tensor, ...]:
    """Return the indices of the lower triangle of a matrix: see `tril_indices`."""

def trim_zeros(x: TensorLike, /, trim: Any = 'fb', axis: builtins.int | Sequence[builtins.int] | None = None) -> Tensor:
    """Return `x` without the zeros at its ends.

    Parameters
    ----------
    trim : str
        "f" for the front, "b" for the back, "fb" for both.
    axis : int or tuple of int, optional
        Default: all.
    """

def triu(x: TensorLike, /, k: builtins.int = 0) -> Tensor:
    """Return matrices with what lies below their diagonal `k` set to 0."""

def triu_indices_from(x: TensorLike, /, k: builtins.int = 0) -> tuple[Tensor, ...]:
    """Return the indices of the upper triangle of a matrix: see `triu_indices`."""

def true_divide(x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return the quotient `x / y`, broadcast; integers give float32."""

def trunc(x: TensorLike, /) -> Tensor:
    """Return `x` without its decimals; the derivative is 0."""

def union1d(x: TensorLike, y: Any, /) -> Tensor:
    """Return the sorted values that are in one of two arrays, each once."""

def unique(x: TensorLike, /, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False, axis: builtins.int | Sequence[builtins.int] | None = None, *, equal_nan: Any = True, sorted: Any = True) -> Tensor:
    """Return the different values in order; the gradient goes to where each is first.

    No step can be compiled around it, for how many there are depends on the values.

    Parameters
    ----------
    return_index, return_inverse, return_counts : bool
        Return too where each value is first, which of them each element is, how often each is.
    axis : int, optional
        Compare the slices along an axis; None: the elements.
    equal_nan : bool
        Whether all NaN are one value.
    sorted : bool
        They always come sorted.
    """

def unique_all(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the different values, where each is first, which each element is, how often each is.

    As in all of the array API's functions, each NaN is a value of its own.
    """

def unique_counts(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the different values, and how often each is."""

def unique_inverse(x: TensorLike, /) -> tuple[Tensor, ...]:
    """Return the different values, and which of them each element is."""

def unique_values(x: TensorLike, /) -> Tensor:
    """Return the different values."""

def unravel_index(indices: Any, /, shape: builtins.int | Sequence[builtins.int]) -> tuple[Tensor, ...]:
    """Return the indices, one array for each axis, of positions in the flattened array.

    Parameters
    ----------
    indices : array of int
        As `argmax` returns them.
    shape : int or tuple of int
        That of the array.
    """

def unstack(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = 0) -> tuple[Tensor, ...]:
    """Return the slices of `x` along an axis, each without it, as a tuple: what `stack` undoes."""

def unwrap(p: Any, /, discont: Any = None, axis: builtins.int | Sequence[builtins.int] | None = -1, *, period: Any = 6.283185307179586) -> Tensor:
    """Return angles without their jumps: multiples of the period are added along an axis.

    Parameters
    ----------
    discont : float, optional
        The least jump that is one; no less than half a period, which is the default.
    axis : int
    period : float
    """

def vander(x: TensorLike, /, N: Any = None, increasing: Any = False) -> Tensor:
    """Return the matrix whose columns are powers of a vector: from `N - 1` to 0, or increasing.

    A vector may have axes before its own: then there is a matrix for each.
    """

def var(x: TensorLike, /, axis: builtins.int | Sequence[builtins.int] | None = None, keepdims: builtins.bool = False, correction: Any = 0, ddof: Any = None) -> Tensor:
    """Return the variance over the axes: the mean square distance from the mean.

    Parameters
    ----------
    correction : int or float
        Subtracted from the number of elements in the divisor (1: the unbiased estimate).
    ddof : int or float, optional
        NumPy's name for `correction`.
    """

def vdot(a: Any, b: Any, /) -> Tensor:
    """Return the sum of the products of all elements, those of `a` conjugated."""

def vecdot(x1: Any, x2: Any, /, axis: builtins.int | Sequence[builtins.int] | None = -1) -> Tensor:
    """Return the products of vectors along an axis, `x1` conjugated; all other axes broadcast."""

def vecmat(x1: Any, x2: Any, /) -> Tensor:
    """Return the products of vectors (..., n), conjugated, and matrices (..., n, m)."""

def vsplit(x: TensorLike, /, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Return `x` cut into parts along its first axis, of two or more (see split)."""

def vstack(arrays: Sequence[TensorLike], /) -> Tensor:
    """Return a sequence of arrays joined as rows: along the first axis, after `atleast_2d`."""

def where(condition: TensorLike, x: TensorLike, y: TensorLike, /) -> Tensor:
    """Return `x` where the condition holds, else `y`, broadcast."""

def zeros(shape: builtins.int | Sequence[builtins.int], dtype: Any = 'float32', device: str | None = None) -> Tensor:
    """Return a tensor of zeros."""

def zeros_like(x: TensorLike, /, dtype: Any = None, *, shape: builtins.int | Sequence[builtins.int] | None = None, device: str | None = None) -> Tensor:
    """Return zeros of the shape, the dtype and the device of `x`, where none is given."""
