"""Tensor: a thin handle on an array that remembers how it was made."""

# What the vocabulary returns is known only by name.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Self

from autograd_iron.arrays import cuda, dtypes
from autograd_iron.arrays import device as devices
from autograd_iron.core import interop
from autograd_iron.core.backward import pull_back
from autograd_iron.core.graph import Leaf, Node
from autograd_iron.core.index import Index
from autograd_iron.core.registry import Vocabulary, raw
from autograd_iron.core.registry import recorded as F
from autograd_iron.core.switches import switches
from autograd_iron.support.integers import integer


class Tensor:
    """An array with a place in the graph.

    Parameters
    ----------
    data : numpy.ndarray or cupy.ndarray
        Shared, not copied (`autograd_iron.core.tensor` copies).
    requires_grad : bool
        Whether operations on it are recorded, so that `backward` fills `.grad`.

    Attributes
    ----------
    data : numpy.ndarray or cupy.ndarray
        The raw values.  Writing into them goes unnoticed by the engine: use `assign`.
    node : Node or None
        Its place in the graph; None if it needs no gradient.
    grad : Tensor or None
        Set by `backward` on leaves.

    Raises
    ------
    TypeError
        `requires_grad` with a dtype that is not floating.
    """

    __slots__ = ("__weakref__", "_grad", "data", "node")

    data: Any
    node: Node | None
    _grad: Tensor | None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self.data = devices.as_array(data)
        self.node = None
        self._grad = None
        if requires_grad:
            self.requires_grad = True

    @staticmethod
    def wrap(data: Any, node: Node | None) -> Tensor:
        """Make a Tensor of an array and its node, checking nothing."""
        made: Tensor = object.__new__(Tensor)
        made.data = data
        made.node = node
        made._grad = None
        return made

    # --- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> Any:
        """The type of the values."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.data.size

    @property
    def device(self) -> str:
        """Where the values are: "cpu", "cuda:0", "cuda:1" and so on."""
        return "cpu" if cuda.cupy is None else devices.name(self.data)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.node is None or self.node.primitive is None

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to or through it; can be set on leaves."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.node is not None and self.node.primitive is not None:
            raise RuntimeError(
                f"requires_grad of a result (of {self.node.label}) cannot be set; "
                "detach() it first to make it a leaf"
            )
        if not value:
            self.node = None
        elif self.node is None:
            if not self.is_floating_point():
                raise TypeError(
                    f"a {self.dtype} tensor cannot require a gradient: only floating dtypes "
                    "have one. Convert it first: x.astype('float32')"
                )
            self.node = Leaf(self)

    # --- gradients

    @property
    def grad(self) -> Tensor | None:
        """What `backward` added up in this leaf; None if it has not come here."""
        return switches().executor.gradient_of(self)

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            self._check_gradient(value)
        switches().executor.set_gradient(self, value)

    def _check_gradient(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(
                f"grad: a gradient is a Tensor or None, not a {type(value).__name__}; write "
                "t.grad = ai.tensor(value)"
            )
        if value.shape != self.shape:
            raise ValueError(
                f"grad: a gradient has the shape of its tensor, {self.shape}, not {value.shape}"
            )
        if value.dtype != self.dtype:
            raise TypeError(
                f"grad: a gradient has the dtype of its tensor, {self.dtype}, not {value.dtype}; "
                f'cast it first: ai.astype(value, "{self.dtype}")'
            )
        if value.device != self.device:
            raise ValueError(
                f"grad: a gradient is where its tensor is, on {self.device}, not on "
                f'{value.device}; move it first: value.to("{self.device}")'
            )

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf it depends on.

        Parameters
        ----------
        gradient : Tensor, array or number, optional
            The cotangent, of this tensor's shape.  Default: 1, for a single element.
        retain_graph : bool
            Keep what the rules need, so that backward can run again through this graph.
        create_graph : bool
            Record the gradients too, so that they can be differentiated; implies `retain_graph`.

        Raises
        ------
        RuntimeError
            Nothing it depends on requires a gradient; it has more than one element and no
            `gradient`; the graph was used up by an earlier backward; or an array that a rule
            needs was overwritten.
        ValueError
            `gradient` has another shape.
        """
        if self.node is None:
            raise RuntimeError(
                "backward: this tensor depends on nothing that requires a gradient. Make the "
                "inputs with requires_grad=True, and check that it was not computed under no_grad, "
                "detached, or passed through integers or comparisons"
            )
        if gradient is not None and not isinstance(gradient, Tensor):
            gradient = Tensor(devices.as_array(gradient, beside=(self,)))
        results = pull_back(
            [self], [gradient], retain_graph=retain_graph, create_graph=create_graph
        )
        executor = switches().executor
        for node, result in results.items():
            leaf = node.tensor() if isinstance(node, Leaf) else None
            if leaf is None:
                continue
            before = executor.gradient_of(leaf)
            if before is not None:
                with devices.quiet():
                    result = before + result
            executor.set_gradient(leaf, result)

    def detach(self) -> Tensor:
        """Return a tensor on the same memory that is cut off from the graph."""
        return Tensor.wrap(self.data, None)

    def to(self, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the values on a device, in a dtype, or both; this tensor itself if they are so.

        ``x.to("cuda")``, ``x.to(ai.float64)``, ``x.to("cuda", ai.float64)``, ``x.to(other)``.
        Gradients flow back to the device and the dtype that they came from.

        Parameters
        ----------
        device : str, dtype or Tensor, optional
            "cpu", "cuda" (which is "cuda:0"), "cuda:1" and so on; or a dtype; or a Tensor whose
            device and dtype are meant.  What is not named stays as it is.
        dtype : dtype or str, optional

        Raises
        ------
        ValueError, ImportError, RuntimeError
            There is no such device.
        TypeError
            There is no such dtype, or two were given.
        """
        if dtype is None and isinstance(device, str) and device == self.device:
            return self
        device, dtype = destination(device, dtype)
        if device is None or device == self.device:
            moved = self
        else:
            moved = switches().executor.move(self, device)
        return moved if dtype is None or dtype == moved.dtype else moved.astype(dtype)

    def assign(self, value: Any) -> None:
        """Write a value into this tensor's own memory: the one in-place operation.

        The write is not recorded.  A gradient that still needs the old values will say so.

        Parameters
        ----------
        value : Tensor, array or number
            Of this tensor's shape (numbers fill it) and on its device; cast to its dtype.

        Raises
        ------
        ValueError
            The shapes or the devices differ.
        TypeError
            The value does not fit: floats into integers, integers into truths, or out of range.
        """
        if not isinstance(value, (Tensor, float, int)):
            array = devices.as_array(value, beside=(self,))
            value = devices.move(array, self.device) if isinstance(value, list | tuple) else array
        shape = getattr(value, "shape", ())
        if shape != self.shape and shape != ():
            raise ValueError(
                f"assign: a value of shape {shape} does not fit a tensor of shape {self.shape}; "
                "shapes must be equal (a number fills the tensor)"
            )
        found = getattr(value, "dtype", None)
        if found is not self.dtype and not dtypes.fits(value, self.dtype):
            what = repr(value) if found is None else f"a {found} value"
            raise TypeError(
                f"assign: {what} does not fit a {self.dtype} tensor; cast it first: "
                f'ai.astype(value, "{self.dtype}")'
            )
        switches().executor.assign(self, value)

    # --- leaving the engine

    def numpy(self) -> Any:
        """Return the values as a read-only numpy.ndarray: the host's memory itself, or a copy."""
        return devices.read_only(switches().executor.read(self))

    def item(self) -> float | int | bool:
        """Return the value of a single-element tensor as a Python number.

        Raises
        ------
        ValueError
            It has another number of elements.
        """
        if self.size != 1:
            raise ValueError(
                f"a tensor of shape {self.shape} has {self.size} elements, not one: "
                "index or reduce it first, or use .numpy()"
            )
        value: float | int | bool = switches().executor.read(self).item()
        return value

    def is_floating_point(self) -> bool:
        """Return whether the dtype is a floating one."""
        return dtypes.is_float(self.dtype)

    def tolist(self) -> Any:
        """Return the values as nested Python lists."""
        return switches().executor.read(self).tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.data.dtype.kind not in "iu":
            raise TypeError(f"a {self.dtype} tensor cannot be an index; convert it: int(t)")
        return int(self.item())

    def index_part(self) -> Any:
        """Return what stands for this tensor in an index: its array.

        While a plan is captured it is the Tensor itself if it has integers, which may be others in
        each replay.
        """
        return switches().executor.index_part(self)

    def __bool__(self) -> bool:
        return bool(self.item())

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("a 0-d tensor has no length")
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        text = devices.array_text(self.data)
        grad = ", requires_grad=True" if self.node is not None and self.is_leaf else ""
        made = f", made by {self.node.label}" if self.node is not None and not self.is_leaf else ""
        place = "" if self.device == "cpu" else f', device="{self.device}"'
        return f"{type(self).__name__}({text}, dtype={self.dtype}{place}{grad}{made})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __reduce__(self) -> Any:
        if self.node is not None and self.node.primitive is not None:
            raise TypeError(
                f"a result (of {self.node.label}) cannot be copied or pickled with its graph; "
                "detach() it first"
            )
        # A subclass of the user's may have attributes of its own.
        return (
            _rebuild,
            (type(self), self.data, self.requires_grad, self._grad),
            getattr(self, "__dict__", None),
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.node is not None:
            raise TypeError(
                "NumPy asked for the values of a tensor that requires a gradient, which would "
                "cut it off from the graph. Use .detach() or .numpy() if that is meant; tensors in "
                "a list are joined by ai.stack or ai.concat"
            )
        if self.device != "cpu":
            raise TypeError(
                f"NumPy asked for the values of a tensor on {self.device}, which would have to be "
                "waited for and copied. Use .numpy() if that is meant"
            )
        values = self.numpy()
        if dtype is not None and dtype != values.dtype:
            if copy is False:
                raise ValueError(f"a {self.dtype} tensor cannot become {dtype} without a copy")
            return values.astype(dtype)
        return values.copy() if copy else values

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return interop.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return interop.function(function, args, kwargs)

    # --- operators

    def __add__(self, other: Any) -> Tensor:
        return F.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return F.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return F.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return F.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return F.multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return F.multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return F.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return F.divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return F.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return F.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return F.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return F.matmul(other, self)

    def __neg__(self) -> Tensor:
        return F.negative(self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return F.abs(self)

    def __invert__(self) -> Tensor:
        return F.bitwise_invert(self)

    def __and__(self, other: Any) -> Tensor:
        return F.bitwise_and(self, other)

    def __or__(self, other: Any) -> Tensor:
        return F.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Tensor:
        return F.bitwise_xor(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return F.bitwise_and(other, self)

    def __ror__(self, other: Any) -> Tensor:
        return F.bitwise_or(other, self)

    def __rxor__(self, other: Any) -> Tensor:
        return F.bitwise_xor(other, self)

    # object's answer is one bool; as with NumPy's arrays, here it is one for each element.  None
    # equals none of them, and neither does nan.
    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return F.equal(self, math.nan if other is None else other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return F.not_equal(self, math.nan if other is None else other)

    def __lt__(self, other: Any) -> Tensor:
        return F.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return F.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return F.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return F.greater_equal(self, other)

    __hash__ = object.__hash__

    def __iadd__(self, other: Any) -> Tensor:
        return self._rebound(F.add, other)

    def __isub__(self, other: Any) -> Tensor:
        return self._rebound(F.subtract, other)

    def __imul__(self, other: Any) -> Tensor:
        return self._rebound(F.multiply, other)

    def __itruediv__(self, other: Any) -> Tensor:
        return self._rebound(F.divide, other)

    def __ipow__(self, other: Any) -> Tensor:
        return self._rebound(F.pow, other)

    def __imatmul__(self, other: Any) -> Tensor:
        return self._rebound(F.matmul, other)

    def _rebound(self, operation: Callable[..., Any], other: Any) -> Tensor:
        if isinstance(self.node, Leaf):
            raise RuntimeError(
                "an in-place operator on a leaf that requires a gradient would only rebind the "
                "name and leave the leaf as it was. Write into it: p.assign(p - rate * p.grad)"
            )
        return operation(self, other)

    def __getitem__(self, index: Any) -> Tensor:
        executor = switches().executor
        index = executor.index(index)
        if _has_tensors(index):
            return F.read_at(self, index)
        return F.getitem(self, executor.index_beside(self, index))

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise TypeError(
            "tensors are values and cannot be written by index. Make a new one: "
            "y = x.at[index].set(value) or x.at[index].add(value); both are differentiable"
        )

    @property
    def at(self) -> At:
        """Functional updates: `x.at[i].set(v)`, `x.at[i].add(v)` return a new tensor."""
        return At(self, _WHOLE)

    # --- the most used functions as methods

    @property
    def T(self) -> Tensor:
        """The tensor with its axes reversed."""
        return F.permute_dims(self)

    @property
    def mT(self) -> Tensor:
        """The tensor with its last two axes swapped."""
        return F.matrix_transpose(self)

    def reshape(self, *shape: Any) -> Tensor:
        """Return the values in another shape; one size may be -1."""
        return F.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Tensor:
        """Return the tensor with its axes permuted (reversed by default)."""
        order = axes[0] if len(axes) == 1 and integer(axes[0]) is None else axes or None
        return F.permute_dims(self, order)

    def astype(self, dtype: Any) -> Tensor:
        """Return the values in another dtype."""
        return F.astype(self, dtype)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the sum over the axes."""
        return F.sum(self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the mean over the axes."""
        return F.mean(self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the largest value over the axes."""
        return F.max(self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the smallest value over the axes."""
        return F.min(self, axis, keepdims)

    def var(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the variance over the axes."""
        return F.var(self, axis, keepdims)


_WHOLE = Index.of(...)


class At:
    """What `x.at` gives: an index waiting for its update."""

    __slots__ = ("_index", "_tensor")

    def __init__(self, tensor: Tensor, index: Index) -> None:
        self._tensor = tensor
        self._index = index

    def __getitem__(self, index: Any) -> Self:
        return type(self)(self._tensor, switches().executor.index(index))

    def set(self, value: Any) -> Tensor:
        """Return the tensor with `value` at the index.

        Raises
        ------
        ValueError
            An integer array names a position twice: which value stays would be undefined.  One on a
            GPU is not looked at, nor is one that a compiled step is given anew: floating elements
            named twice become NaN there.
        """
        x, index = self._tensor, self._index
        if _has_tensors(index):
            return _kept(x, F.write_at(x, value, index, add=False))
        if _is_mask_for(index, x, value):
            return F.where(_spread(index[0], x), value, x)
        return _kept(x, F.set_at(x, value, _beside(x, index, once=True)))

    def add(self, value: Any) -> Tensor:
        """Return the tensor with `value` added at the index; repeated positions add up."""
        x, index = self._tensor, self._index
        if _has_tensors(index):
            return _kept(x, F.write_at(x, value, index, add=True))
        if _is_mask_for(index, x, value):
            return x + F.where(_spread(index[0], x), value, 0)
        return _kept(x, F.add_at(x, value, _beside(x, index)))


def _kept(x: Tensor, made: Tensor) -> Tensor:
    """Return what was made of x in its dtype: a bfloat16 took that of a wider value."""
    same = made.dtype == x.dtype or not x.is_floating_point()
    return made if same else made.astype(x.dtype)


def _is_mask_for(index: Index, x: Tensor, value: Any) -> bool:
    """Return whether a number meets the index of a mask on a GPU, whose count nobody then needs."""
    mask: Any = index[0] if len(index) == 1 else None
    return (
        devices.is_on_gpu(mask)
        and mask.dtype == dtypes.bool_
        and devices.name(mask) == x.device
        and mask.shape == x.shape[: mask.ndim]
        and x.is_floating_point()
        and getattr(value, "shape", ()) == ()
    )


def _spread(mask: Any, x: Tensor) -> Tensor:
    return F.reshape(mask, shape=mask.shape + (1,) * (x.ndim - mask.ndim))


def _has_tensors(index: Index) -> bool:
    return any(isinstance(part, Tensor) for part in index)


def _beside(x: Tensor, index: Index, once: bool = False) -> Index:
    return switches().executor.index_beside(x, index, once)


def destination(device: Any, dtype: Any) -> tuple[str | None, Any]:
    """Return the full name of the device and the dtype that `to` was given, None for neither.

    See `Tensor.to` for the parameters and errors.
    """
    if device is not None and not _names_a_device(device):
        if dtype is not None:
            what = "a Tensor" if isinstance(device, Tensor) else "a dtype"
            raise TypeError(f"to: a second dtype, {dtype!r}, after {what}; give one of the two")
        if isinstance(device, Tensor):
            return device.device, device.dtype
        device, dtype = None, device
    there = None if device is None else devices.full_name(device)
    return there, None if dtype is None else dtypes.dtype(dtype)


def _names_a_device(given: Any) -> bool:
    if not isinstance(given, str):
        return False
    if given.startswith(("cpu", "cuda")):
        return True
    try:
        dtypes.dtype(given)
    except TypeError:
        return True
    return False


def _rebuild(
    cls: type[Tensor], data: Any, requires_grad: bool, grad: Tensor | None = None
) -> Tensor:
    made = cls.__new__(cls)
    Tensor.__init__(made, data, requires_grad)
    made._grad = grad
    return made


def vocabulary(tensor: Tensor) -> Vocabulary:
    """Return the vocabulary on the raw arrays of a tensor's device: `F.sqrt(tensor.data)`."""
    return raw(devices.host if cuda.cupy is None else devices.namespace((tensor.data,)))
