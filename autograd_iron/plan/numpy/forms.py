"""How NumPy writes the operations that are no call of a ufunc: an open table, by primitive.

An operation needs no row here: a ufunc and a reduction are written by what their records say, and
the kernel of any other runs as it is.
"""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import addressing, dtypes, intake
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.elementwise.arithmetic import multiply_no_nan, pow
from autograd_iron.ops.elementwise.choosing import where
from autograd_iron.ops.indexing.gathering import gather, scatter_sum
from autograd_iron.ops.indexing.updates import add_at, getitem, set_at
from autograd_iron.ops.linalg.products import matmul
from autograd_iron.ops.reduce.extremes import argmax, argmin
from autograd_iron.ops.reduce.sums import columns, sum_to
from autograd_iron.ops.shapes.conversion import astype, to_device
from autograd_iron.ops.shapes.joining import join
from autograd_iron.ops.shapes.order import flip, matrix_transpose, permute_dims
from autograd_iron.ops.shapes.reshaping import broadcast_to, reshape
from autograd_iron.ops.windows.convolution import conv, conv_input_gradient, conv_weight_gradient
from autograd_iron.plan.numpy.lines import Call, IsZero, Item, Method, Put, Shape, UnlessFinite
from autograd_iron.plan.program import Step, Value
from autograd_iron.transforms.gradients import identity

if TYPE_CHECKING:
    from autograd_iron.plan.numpy.emit import Writer

Form = Callable[["Writer", Step], None]
Look = Callable[["Writer", Step, Any], Any]

# What writes the lines of a step, into the buffer of its output.
LINES: dict[Primitive, Form] = {}
# What returns the part that shows the memory of a step's array, or None where a copy is needed.
VIEWS: dict[Primitive, Look] = {}
# Whether there are values for which the lines of a step raise.
REFUSES: dict[Primitive, Callable[[Step], bool]] = {}


def lines_for(*primitives: Primitive) -> Callable[[Form], Form]:
    """Write the steps of these primitives by a function `(writer, step)`."""

    def add(form: Form) -> Form:
        LINES.update(dict.fromkeys(primitives, form))
        return form

    return add


def view_for(*primitives: Primitive) -> Callable[[Look], Look]:
    """Show what these primitives make by a function `(writer, step, array)`."""

    def add(look: Look) -> Look:
        VIEWS.update(dict.fromkeys(primitives, look))
        return look

    return add


def has_kernel(primitive: Primitive) -> bool:
    """Return whether NumPy writes an operation whole, though it decomposes."""
    written = primitive in LINES or primitive in VIEWS
    return written or primitive.ufunc is not None or primitive.reduction is not None


def may_refuse(step: Step) -> bool:
    """Return whether there are values for which the lines of a step raise."""
    primitive = step.primitive
    if primitive in REFUSES:
        return REFUSES[primitive](step)
    written = primitive in LINES or primitive in VIEWS or primitive.reduction is not None
    return not (primitive.ufunc or written)


REFUSES[pow] = lambda step: step.output.dtype.kind not in "fV"  # integers to negative powers
REFUSES[gather] = REFUSES[scatter_sum] = lambda step: True


# --- views


@view_for(matrix_transpose)
def _(writer: Writer, step: Step, x: Any) -> Any:
    return Method(x, "swapaxes", (-1, -2))


@view_for(permute_dims)
def _(writer: Writer, step: Step, x: Any) -> Any:
    axes = step.attributes["axes"]
    return Method(x, "transpose", () if axes is None else (axes,))


@view_for(identity, to_device)
def _(writer: Writer, step: Step, x: Any) -> Any:
    return x


@view_for(broadcast_to)
def _(writer: Writer, step: Step, x: Any) -> Any:
    return writer.call("broadcast_to", x, writer.shape(step.output))


@view_for(reshape)
def _(writer: Writer, step: Step, x: Any) -> Any:
    # An axis that is cut keeps its size and its stride, so that a part of it reshapes as the whole.
    if x not in writer.contiguous and x not in writer.region.dense:
        return None
    writer.contiguous.add(step.output)
    return Method(x, "reshape", (writer.shape(step.output),))


@lines_for(reshape)
def _(writer: Writer, step: Step) -> None:
    (x,), out = step.inputs, step.output
    assert isinstance(x, Value)
    writer.copy(Method(out, "reshape", (writer.shape(x),)), x)


@view_for(getitem)
def _(writer: Writer, step: Step, x: Any) -> Any:
    parts = tuple(step.attributes["index"])
    if not all(isinstance(p, int | slice) or p is None or p is ... for p in parts):
        return None
    if not step.output.shape and ... not in parts:  # else NumPy answers with a number
        parts = (*parts, ...)
    return Item(x, parts)


@lines_for(getitem)
def _(writer: Writer, step: Step) -> None:
    index = writer.setting(step, "index")
    writer.copy(step.output, Item(writer.operand(step.inputs[0], step), (index,)))


# --- elementwise


@lines_for(multiply_no_nan)
def _(writer: Writer, step: Step) -> None:
    x, y = step.inputs
    out = step.output
    writer.add(writer.call("multiply", writer.operand(x, step), writer.operand(y, step), out))
    if x != y:
        writer.may_take_over(step, x)
    if isinstance(x, int | float) and math.isfinite(x):
        return
    if isinstance(x, Value) and x.dtype.kind not in "fc":
        return
    writer.text.functions.add("vdot")
    zero = writer.constant(intake.as_array(0, out.dtype))
    absorbed = IsZero(writer.operand(y, step))
    writer.add(UnlessFinite(out, writer.call("copyto", out, zero, where=absorbed)))


@lines_for(where)
def _(writer: Writer, step: Step) -> None:
    condition, x, y = step.inputs
    if isinstance(condition, Value) and condition.dtype != dtypes.bool_:
        writer.kernel(step)  # copyto asks for no less
        return
    x_part, y_part = (_chosen(writer, v, step) for v in (x, y))
    if not isinstance(condition, Value):
        writer.copy(step.output, x_part if condition else y_part)
        return
    writer.copy(step.output, y_part)
    writer.add(writer.call("copyto", step.output, x_part, where=condition))
    if isinstance(y, Value) and x != y and condition != y:
        writer.may_take_over(step, y)


def _chosen(writer: Writer, operand: Any, step: Step) -> Any:
    if isinstance(operand, Value):
        return operand
    return writer.constant(intake.as_array(operand, step.output.dtype))


@lines_for(astype)
def _(writer: Writer, step: Step) -> None:
    writer.add(writer.call("copyto", step.output, step.inputs[0], "unsafe"))


# --- products and reductions


@lines_for(matmul)
def _(writer: Writer, step: Step) -> None:
    x, y = step.inputs
    out = step.output
    assert isinstance(x, Value)
    assert isinstance(y, Value)
    if out.dtype == dtypes.float16:
        writer.kernel(step)
        return
    plain = len(x.shape) == 2 and len(y.shape) == 2 and x.dtype == y.dtype == out.dtype
    dense = out in writer.contiguous or writer.region.axis.get(out, 0) == 0
    writer.add(writer.call("dot" if plain and dense else "matmul", x, y, out))


@lines_for(conv, conv_input_gradient, conv_weight_gradient)
def _(writer: Writer, step: Step) -> None:
    writer.kernel(step)  # which keeps the windows of a few images at a time


@lines_for(sum_to)
def _(writer: Writer, step: Step) -> None:
    (x,) = step.inputs
    assert isinstance(x, Value)
    if columns(x.shape, step.attributes["shape"]) and x.dtype.kind == "f":
        if x.dtype == dtypes.float16:
            writer.kernel(step)
        else:
            writer.add(writer.call("dot", writer.ones(writer.shape(x)[0], x.dtype), x, step.output))
        return
    writer.reduce(step)


@lines_for(argmax, argmin)
def _(writer: Writer, step: Step) -> None:
    x = writer.operand(step.inputs[0], step)
    axis, keepdims = step.attributes["axis"], step.attributes["keepdims"]
    keywords = {"keepdims": True} if keepdims else {}
    writer.add(writer.call(str(step.primitive.numpy), x, axis, step.output, **keywords))


# --- parts of arrays


@lines_for(join)
def _(writer: Writer, step: Step) -> None:
    parts = tuple(writer.operand(v, step) for v in step.inputs)
    writer.add(writer.call("concatenate", parts, step.attributes["axis"], step.output))


@lines_for(flip)
def _(writer: Writer, step: Step) -> None:
    x = writer.operand(step.inputs[0], step)
    writer.copy(step.output, writer.call("flip", x, step.attributes["axis"]))


@lines_for(add_at)
def _(writer: Writer, step: Step) -> None:
    x, value = (writer.operand(v, step) for v in step.inputs)
    out, index = step.output, writer.setting(step, "index")
    value = writer.call("broadcast_to", value, Shape(Item(out, (index,))))
    writer.may_take_over(step, step.inputs[0])  # a copy of an array to itself is none for NumPy
    writer.copy(out, x)
    parts = step.attributes["index"]
    # A truth is an index array of no axes: what it reads is a copy.
    basic = not any(hasattr(part, "dtype") or part is True or part is False for part in parts)
    # NumPy cannot write into a part that is a number.
    if basic and addressing.indexed_shape(out.shape, parts):
        part = Item(out, (index,))
        writer.add(writer.call("add", part, value, part))
        return
    writer.add(writer.call("add_at", out, index, value))


@lines_for(set_at)
def _(writer: Writer, step: Step) -> None:
    if any(getattr(part, "ndim", 0) for part in step.attributes["index"]):
        writer.kernel(step)  # which refuses a position that is named twice
        return
    x, value = (writer.operand(v, step) for v in step.inputs)
    writer.copy(step.output, x)
    writer.add(Put(Item(step.output, (writer.setting(step, "index"),)), value))


@lines_for(gather)
def _(writer: Writer, step: Step) -> None:
    x, indices = step.inputs
    assert isinstance(x, Value)
    before = (slice(None),) * (step.attributes["axis"] % len(x.shape))
    writer.copy(step.output, Item(x, (*before, writer.operand(indices, step))))


@lines_for(scatter_sum)
def _(writer: Writer, step: Step) -> None:
    values, indices = step.inputs
    out, zero = step.output, writer.constant(intake.as_array(0, step.output.dtype))
    before = (Call("slice", (None,)),) * step.attributes["axis"]
    writer.copy(out, zero)
    writer.add(writer.call("add_at", out, (*before, writer.operand(indices, step)), values))
