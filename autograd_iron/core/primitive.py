"""What an operation is: a kernel on raw arrays and one gradient rule per argument.

>>> @primitive
... def cube(xp, x, /):
...     "Elementwise cube."
...     return x * x * x
>>> @cube.vjp
... def _(F, g, _y, x):
...     return g * 3 * x * x

The kernel's positional-only parameters after `xp` are its arrays; what follows the slash are its
attributes.  A rule is `(F, g, y, *inputs, **attributes)` -> gradient of one input: `g` is the
cotangent of the output `y`.  A rule uses operators and the words of `F`, never an array library, so
that it runs on raw arrays or on Tensors, which add it to the graph.  A rule may return the
broadcast shape or another dtype: the engine sums and casts the gradient to its input's.  An
argument whose name starts with `_` is not kept alive: a rule can read its shape and dtype only.

A kernel that returns a tuple of arrays has several outputs: a call then returns a tuple of Tensors,
and a rule gets as `g` their cotangents (see `graph.Cotangents`) and as `y` the tuple of outputs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property, partial, update_wrapper
from typing import Any, overload

from autograd_iron.arrays import cuda, device, dtypes
from autograd_iron.core.axes import Labels, aligned, check, of_text
from autograd_iron.core.explain import EXPLAINED, call_text, explain
from autograd_iron.core.facts import C, Reduction
from autograd_iron.core.graph import Node
from autograd_iron.core.operands import bind
from autograd_iron.core.parameters import keyword_only, parameters
from autograd_iron.core.registry import Vocabulary, raw, register
from autograd_iron.core.switches import switches
from autograd_iron.core.tensor import Tensor

Rule = Callable[..., Any]


class Primitive:
    """An operation that the engine knows how to run and to differentiate.

    Called with Tensors, arrays and numbers it returns a Tensor, or a tuple of Tensors, and, where
    an input requires a gradient, adds a node to the graph.  Integers never widen a float: they take
    its dtype.

    Attributes
    ----------
    name : str
    kernel : callable
        `(xp, *arrays, **attributes)` -> array, or a tuple of arrays.
    rules : list of callable
        In the order of the arrays; an array without one passes no gradient on.
    floating : bool
        Whether integer inputs are first made float32.
    exact : bool
        Whether the operation only moves or converts values: its kernel then takes bfloat16 as is.
    forms : dict of str to callable
        What puts an attribute in its normal form, where `plain.setting` does not.
    collective : bool
        Whether the operation talks to other processes, so that all of them must call it equally
        often, in one order.
    numpy : str or None
        The function of NumPy's that returns the same for float32 and float64: "linalg.qr".
    c : C or None
        The expression of C that an elementwise operation is.
    reduction : Reduction or None
        What a reduction combines, and over which axes.
    neutral : tuple of (number or None)
        For each of two arrays, if not empty, the number beside which the result is the other array.
    fewer : dict of int to callable
        What a call with so few operands means, where that is another function: `where` of one.
    own_inverse : bool
        Whether a second application takes back the first: the negative of a negative.
    converts : bool
        Whether the result is the array wherever both have the same shape and dtype.
    truths : bool
        Whether the operation only asks of its arrays where they are zero.
    ordered : bool
        Whether the operation is one of real numbers, which have an order: complex ones are refused.
    more : callable or None
        What a call means that says more than the kernel takes: see `accept`.
    by_kernel : str or None
        Why a plan runs the kernel whole, where no other field says how else to run the operation.
    decomposition : callable or None
        `(F, *arrays, **attributes)`: the operation in the words of the vocabulary.
    into : callable or None
        What the kernel does, written into an array that is there: see `writes`.
    """

    name: str
    __qualname__: str
    __wrapped__: Callable[..., Any]

    def __init__(
        self,
        kernel: Callable[..., Any],
        floating: bool = False,
        elementwise: bool = False,
        exact: bool = False,
        numpy: str | None = None,
        collective: bool = False,
        c: str | C | None = None,
        by_kernel: str | None = None,
        decomposes: bool = False,
    ) -> None:
        update_wrapper(self, kernel)
        self.name = kernel.__name__
        self.kernel = _kernel_of(kernel) if decomposes else kernel
        self.floating = floating
        self.exact = exact
        self.numpy = numpy
        self.c = C.same(c) if isinstance(c, str) else c
        self.by_kernel = by_kernel
        self.reduction: Reduction | None = None
        self.neutral: tuple[float | None, ...] = ()
        self.own_inverse = False
        self.converts = False
        self.truths = False
        self.ordered = False
        self.fewer: dict[int, Callable[..., Any]] = {}
        self.more: Callable[..., Any] | None = None
        self.more_names: frozenset[str] = frozenset()
        self.collective = collective
        self.rules: list[Rule | None] = []
        self.decomposition: Callable[..., Any] | None = kernel if decomposes else None
        self.into: Callable[..., bool] | None = None
        self.forms: dict[str, Callable[[Any], Any]] = {}
        self.shape_rule: Callable[..., Any] | None = None
        self.view_rule: Callable[..., Any] | None = None
        self.vmap_rule: Callable[..., Any] | None = None
        self.axes_rule: Callable[..., Any] | None = aligned if elementwise else None
        arrays, self.variadic, self.defaults, self.required = parameters(kernel)
        self.arity = len(arrays)
        self.optional = sum(arrays)
        self._complete = not (self.required or self.variadic)  # without any attribute
        self.needed = None if self.variadic else self.arity - self.optional
        self.keeps: dict[Any, tuple[bool, bool, tuple[bool, ...]]] = {}
        register(self)

    @cached_property
    def __signature__(self) -> inspect.Signature:
        # When it is asked for: to read those of all operations takes a third of their import.
        found = list(inspect.signature(self.__wrapped__).parameters.values())[1:]
        if self.more is not None:
            given = inspect.signature(self.more).parameters
            found += [given[name] for name in given if name in self.more_names]
        return inspect.Signature(found)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> str:
        return self.__qualname__  # like a function: pickled by name, and its own copy

    def vjp(self, rule: Rule | None) -> Rule | None:
        """Add the gradient rule of the next array argument; None if no gradient flows to it."""
        if len(self.rules) >= self.arity + self.variadic:
            raise TypeError(f"{self.name} has a rule for each of its arrays already")
        self.rules.append(rule)
        self.keeps.clear()
        return rule

    def decompose(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the kernel does in the words of the vocabulary: `(F, *arrays, **attributes)`.

        A plan runs these words, unless its executor has a kernel for the whole operation (see
        `plan.passes.decompose`).  The gradient stays that of the rules.  An operation whose kernel
        would say the same needs no kernel: see `decomposes` of `primitive`.
        """
        self.decomposition = function
        return function

    def writes(self, function: Callable[..., bool]) -> Callable[..., bool]:
        """Write the result into memory of the caller's: `(xp, out, *arrays, **attributes)`.

        A plan whose buffer is of NumPy's then needs no copy.  `out` has the shape of the result, is
        dense, and no operand lies in it.  The function says whether it did; where not, for such
        dtypes perhaps, the kernel runs.
        """
        self.into = function
        return function

    def shape(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Say what a result will be: `(*arrays, **attributes)` -> `Spec(shape, dtype)`.

        Each array is something with its shape and dtype; for several outputs the answer is a tuple.
        An elementwise operation needs no rule if its result has the dtype in which its operands
        meet.  A rule raises what the kernel would for operands that do not fit.
        """
        self.shape_rule = rule
        return rule

    def vmap(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the operation makes of a batch, where no labels of axes say it.

        The rule is `(F, batched, *arrays, **attributes)` -> the result, or the results, whose first
        axis is that of the batch.  `batched` says of each array whether its first axis is the
        batch; the attributes are those of one part's call.
        """
        self.vmap_rule = rule
        return rule

    def view(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Say that a result shows the memory of the first array, and how.

        The rule is `(view, shape, /, **attributes)` -> the view of the result, of that shape, made
        by methods of `view` (see `plan.launch.View`); None where the result is a copy.
        """
        self.view_rule = rule
        return rule

    @cached_property
    def ufunc(self) -> str | None:
        """The ufunc of NumPy's that does the same."""
        return self.numpy if self.numpy is not None and device.is_ufunc(self.numpy) else None

    @property
    def has_shape_rule(self) -> bool:
        """Whether `infer` knows what a result will be."""
        return self.shape_rule is not None or self.is_elementwise

    def kernel_of_any_width(self) -> Callable[..., Any]:
        """Return the kernel so that it takes bfloat16: as float32, and the result is rounded."""
        if dtypes.bfloat16 is None or self.exact:
            return self.kernel
        return partial(dtypes.by_float32, self.kernel)

    def axes(self, rule: str | Callable[..., Any], combine: str | None = None) -> Any:
        """Label the axes of operands and results, as in einsum: see `core.axes`.

        Parameters
        ----------
        rule : str or callable
            `"...ij, ...jk -> ...ik"`; where the labels depend on shapes or attributes,
            `(*arrays, **attributes)` -> `Labels`, each array something with its shape and dtype.
        combine : "sum", "max" or "min", optional
            How the results of parts of an axis, whose letter the results lack, make up a result.
        """
        if isinstance(rule, str):
            check(rule, combine)
            self.axes_rule = lambda *arrays, **_: of_text(rule, arrays, combine)
        else:
            self.axes_rule = rule
        return rule

    def labels(self, operands: Sequence[Any], attributes: dict[str, Any]) -> Labels | None:
        """Return the labels of the axes in one call; None if the operation has none.

        Parameters
        ----------
        operands : sequence
            Of each array something with its shape and dtype; numbers and None as they are.
        """
        if self.axes_rule is None:
            return None
        labels: Labels = self.axes_rule(*operands, **attributes)
        return labels

    def bind(self, F: Vocabulary) -> Callable[..., Any]:
        """Return the operation on what `F` works on."""
        return self if F.xp is None else partial(self.kernel, F.xp)

    @property
    def is_elementwise(self) -> bool:
        """Whether the operation works on each element by itself, and broadcasts."""
        return self.axes_rule is aligned

    def rules_for(self, node: Node) -> list[Any]:
        """Return one rule per parent of a node."""
        return self.one_rule_each(len(node.parents))

    def one_rule_each(self, count: int) -> list[Any]:
        """Return for each of `count` arrays its gradient rule, or None.

        The one rule of a variadic operation is bound to the number of the array.
        """
        if not self.variadic:
            missing = self.arity - len(self.rules)
            return self.rules + [None] * missing if missing else self.rules
        rule: Any = self.rules[0]
        return [partial(rule, argument=i) for i in range(count)]

    def __call__(self, /, *args: Any, **attributes: Any) -> Tensor:
        """Run on Tensors, arrays and numbers, and add a node to the graph."""
        if len(args) != self.arity or attributes or not self._complete:
            if len(args) in self.fewer:
                other: Tensor = self.fewer[len(args)](*args, **attributes)
                return other
            if self.more is not None and not self.more_names.isdisjoint(attributes):
                wider: Tensor = self.more(*args, **attributes)
                return wider
            args, attributes = bind(self, args, attributes)
        else:
            attributes = self.defaults
        made: Tensor = switches().executor.run(self, args, attributes)
        return made

    def accept(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Let a call say more, such as `dtype=` of a sum, by words of which it is made then.

        The function takes the operands and attributes as they come; its keyword-only parameters
        are what a call may say besides, of which neither kernel nor rules hear.
        """
        self.more, self.more_names = function, frozenset(keyword_only(function.__code__))
        self.__dict__.pop("__signature__", None)
        return function

    def compute(self, arrays: list[Any], attributes: dict[str, Any]) -> Any:
        """Run the kernel on raw arrays and numbers; errors name the operation and the operands."""
        kernel = self.kernel_of_any_width()
        try:
            if cuda.cupy is None:
                output = kernel(device.host, *arrays, **attributes)
            else:
                output = device.run(kernel, arrays, attributes)
        except EXPLAINED as error:
            explain(self, arrays, attributes, error)
        except MemoryError as error:
            if not device.may_retry(error):
                raise
            output = None
        if output is None:  # out here, where nothing holds on to what the failed attempt had made
            work = partial(device.run, kernel, arrays, attributes)
            output = device.once_more(work, call_text(self.name, arrays, attributes), arrays)
        if type(output) is device.Array:
            return output
        several = isinstance(output, tuple)
        return tuple(map(device.ensure_array, output)) if several else device.ensure_array(output)

    def write(self, out: Any, arrays: list[Any], attributes: dict[str, Any]) -> bool:
        """Run on arrays of the host into an array, where `writes` says how; else return False."""
        if self.into is None or not device.is_dense(out):
            return False
        try:
            return self.into(device.host, out, *arrays, **attributes)
        except EXPLAINED as error:
            explain(self, arrays, attributes, error)


def _kernel_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function in the words of the vocabulary as a kernel."""

    def kernel(xp: Any, *arrays: Any, **attributes: Any) -> Any:
        return function(raw(xp), *arrays, **attributes)

    return kernel


@overload
def primitive(kernel: Callable[..., Any], /) -> Primitive: ...
@overload
def primitive(
    *,
    floating: bool = ...,
    exact: bool = ...,
    numpy: str | None = ...,
    collective: bool = ...,
    by_kernel: str | None = ...,
    decomposes: bool = ...,
) -> Callable[[Callable[..., Any]], Primitive]: ...
def primitive(
    kernel: Callable[..., Any] | None = None,
    /,
    *,
    floating: bool = False,
    exact: bool = False,
    numpy: str | None = None,
    collective: bool = False,
    by_kernel: str | None = None,
    decomposes: bool = False,
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Make a primitive of a kernel `(xp, *arrays, **attributes)`; its name is the function's.

    Parameters
    ----------
    floating : bool
        Make integer inputs float32 first (for functions that are real-valued, like `exp`).
    exact : bool
        It only moves or converts values, and takes bfloat16 as it is.  Other kernels never see
        bfloat16: they get float32, and their result is rounded.
    numpy : str, optional
        The function of NumPy's that returns the same, called with the same arrays and attributes,
        for float32 and float64: "linalg.qr".  A plan that is ejected calls that function; without
        one the kernel cannot be written down.
    collective : bool
        It talks to other processes, as an all-reduce does.  A plan runs each call of such
        operations once in every run, and in the order of the program, and calls none while it is
        captured: so a process that replays keeps step with one that runs eagerly, or captures.
    by_kernel : str, optional
        Why a plan runs the kernel whole: a note to the reader, which the tests of the engine ask
        for where the record says in no other way how to run the operation.
    decomposes : bool
        The function is `(F, *arrays, **attributes)` in the words of the vocabulary: with `F` bound
        to raw arrays it is the kernel, and a plan decomposes the operation into these words.

    Raises
    ------
    ValueError
        An operation of that name exists.
    """
    if kernel is None:
        return partial(
            Primitive,
            floating=floating,
            exact=exact,
            numpy=numpy,
            collective=collective,
            by_kernel=by_kernel,
            decomposes=decomposes,
        )
    return Primitive(kernel, floating)


@overload
def elementwise(kernel: Callable[..., Any], /) -> Primitive: ...
@overload
def elementwise(
    *,
    floating: bool = ...,
    numpy: str | None = ...,
    c: str | C | None = ...,
    by_kernel: str | None = ...,
    decomposes: bool = ...,
) -> Callable[[Callable[..., Any]], Primitive]: ...
def elementwise(
    kernel: Callable[..., Any] | None = None,
    /,
    *,
    floating: bool = False,
    numpy: str | None = None,
    c: str | C | None = None,
    by_kernel: str | None = None,
    decomposes: bool = False,
) -> Primitive | Callable[[Callable[..., Any]], Primitive]:
    """Make a primitive of a kernel that works on each element by itself, and broadcasts.

    Like `primitive`; a plan may then cut its operands into rows.

    Parameters
    ----------
    c : str or C, optional
        The operation as an expression of C, with which it joins the loops of a plan on a GPU:
        `"tanh{f}({x})"`.  A text stands for results of every dtype; see `C`.
    """
    if kernel is None:
        return partial(
            Primitive,
            floating=floating,
            elementwise=True,
            numpy=numpy,
            c=c,
            by_kernel=by_kernel,
            decomposes=decomposes,
        )
    return Primitive(kernel, floating, elementwise=True)
