"""Tensor: a thin handle on an array that remembers how it was made."""

# What array libraries return is known only by name.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograd_iron.arrays import cuda, dtypes, intake
from autograd_iron.arrays import device as devices
from autograd_iron.core.backward import pull_back
from autograd_iron.core.conversion import Conversion
from autograd_iron.core.graph import Leaf, Node
from autograd_iron.core.indexing import Indexing
from autograd_iron.core.methods import Methods
from autograd_iron.core.operators import Operators
from autograd_iron.core.registry import Vocabulary, raw
from autograd_iron.core.switches import switches
from autograd_iron.core.words import OF_TENSORS, Elsewhere


class Tensor(Operators, Methods, Indexing, Conversion, Elsewhere):
    """An array with a place in the graph.

    Parameters
    ----------
    data : numpy.ndarray or cupy.ndarray
        Shared, not copied (`autograd_iron.core.tensor` copies).
    requires_grad : bool
        Whether operations on this tensor are added to the graph, so that `backward` fills `.grad`.

    Attributes
    ----------
    data : numpy.ndarray or cupy.ndarray
        The raw values.  The engine does not notice a write into the array: use `assign`.
    node : Node or None
        The place of this tensor in the graph; None if the tensor needs no gradient.
    grad : Tensor or None
        Set by `backward` on leaves.

    Raises
    ------
    TypeError
        `requires_grad` with a dtype that is neither floating nor complex.
    """

    __slots__ = ("__weakref__", "_grad", "data", "node")

    data: Any
    node: Node | None
    _grad: Tensor | None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self.data = intake.as_array(data)
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
    def itemsize(self) -> int:
        """The number of bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The number of bytes of all elements."""
        return self.size * self.dtype.itemsize

    def dim(self) -> int:
        """Return the number of axes: PyTorch's word for `ndim`."""
        return self.ndim

    def numel(self) -> int:
        """Return the number of elements: PyTorch's word for `size`."""
        return self.size

    def is_floating_point(self) -> bool:
        """Return whether the dtype is a floating one."""
        return dtypes.is_float(self.dtype)

    def is_complex(self) -> bool:
        """Return whether the values are complex numbers."""
        return dtypes.is_complex(self.dtype)

    @property
    def device(self) -> str:
        """Where the values are: "cpu", "cuda:0", "cuda:1" and so on."""
        return "cpu" if cuda.cupy is None else devices.name(self.data)

    @property
    def is_leaf(self) -> bool:
        """Whether no operation of the graph made this tensor."""
        return self.node is None or self.node.primitive is None

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to or through this tensor; can be set on leaves."""
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
            if not dtypes.is_inexact(self.dtype):
                raise TypeError(
                    f"a {self.dtype} tensor cannot require a gradient: only floating and "
                    "complex dtypes have one. Write its numbers as floats ([1.0, 2.0]), give "
                    'dtype="float32", '
                    'or convert it first: x.astype("float32")'
                )
            self.node = Leaf(self)

    # --- gradients

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` added up in this leaf; None before the first one."""
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
            Nothing that this tensor depends on requires a gradient; this tensor has more than one
            element and `gradient` is missing; an earlier backward used up the graph; or an array
            that a rule needs was overwritten.
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
            gradient = Tensor(intake.as_array(gradient, beside=(self,)))
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

    def assign(self, value: Any) -> None:
        """Write a value into this tensor's own memory: the one in-place operation.

        The write is not added to the graph.  A gradient that still needs the old values is refused.

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
        if not isinstance(value, (Tensor, float, int, complex)):
            value = intake.as_array(value, beside=(self,))
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

    # --- as an object of Python

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in OF_TENSORS]

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
