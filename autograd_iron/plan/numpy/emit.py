"""Writing a region of the program as Python: a line a step, each into a buffer made beforehand."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.ops.reductions import columns
from autograd_iron.plan.program import Operand, Step, Value
from autograd_iron.support.text import identifier

# What only shows memory of its input in another shape, and how to write it.
VIEWS = ("matrix_transpose", "permute_dims", "reshape", "broadcast_to", "getitem", "identity")
# What is written by a method of its name; a primitive of the user's may have the name of any other.
_WRITTEN = {
    *VIEWS,
    *("multiply_no_nan", "matmul", "where", "sum", "sum_to", "max", "min", "argmax", "argmin"),
    *("astype", "join", "flip", "add_at", "set_at", "gather", "scatter_sum"),
}
# Bytes that the copies of a number may take.
SPREAD = 1 << 20
_FAST_POWERS = {2: "square", 0.5: "sqrt", -1: "reciprocal"}


@dataclass
class Region:
    """Steps that run one after the other, and what their text needs.

    Attributes
    ----------
    steps : list of Step
    axis : dict of Value to int
        The values of which the region sees `height` rows at a time; empty in a whole region.
    sliced : set of Value
        Of these, the ones that lie in memory with all their rows.
    dense : set of Value
        Values from before the region that lie in memory in order and without gaps.
    moving : set of Value
        Given values whose memory changes from call to call: the arguments.
    kept : set of Value
        Values of the region that others need: they lie in arrays of their own.
    combine : dict of Value to str
        Reductions over the rows.
    """

    steps: list[Step]
    axis: dict[Value, int] = field(default_factory=dict)
    sliced: set[Value] = field(default_factory=set)
    dense: set[Value] = field(default_factory=set)
    moving: set[Value] = field(default_factory=set)
    kept: set[Value] = field(default_factory=set)
    combine: dict[Value, str] = field(default_factory=dict)

    def shape(self, value: Value, height: int) -> tuple[int, ...]:
        """Return the shape of what the region sees of a value."""
        a = self.axis.get(value)
        return value.shape if a is None else (*value.shape[:a], height, *value.shape[a + 1 :])


@dataclass
class Text:
    """A region as source.

    Attributes
    ----------
    setup : list of str
        Lines that run once, when the buffers are bound.
    body : list of str
        Lines that run every time.
    constants : dict of str to array
        Names of numbers and index arrays.
    functions : set of str
        Names taken from numpy.
    roots : dict of Value to Value
        For a view, the value whose memory it shows.
    buffered : list of Value
        Values that need a buffer.
    in_place : dict of Value to tuple of Value
        The inputs whose buffer an output may take over.
    kernels : dict of str to Primitive
        Operations that are called as they are.
    settings : dict of str to object
        Their attributes, and indices.
    """

    setup: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    roots: dict[Value, Value] = field(default_factory=dict)
    buffered: list[Value] = field(default_factory=list)
    in_place: dict[Value, tuple[Value, ...]] = field(default_factory=dict)
    kernels: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def name(value: Value) -> str:
    """Return the variable that stands for a value."""
    return f"v{value.number}"


def may_refuse(step: Step) -> bool:
    """Return whether there are values for which the lines of a step raise."""
    kind = step.primitive.name
    if kind == "pow":
        return step.outputs[0].dtype.kind not in "fV"  # integers to negative powers
    return kind in ("gather", "scatter_sum") or not (step.primitive.ufunc or kind in _WRITTEN)


def emit(region: Region) -> Text:
    """Write the region."""
    return _Writer(region).text


class _Writer:
    def __init__(self, region: Region) -> None:
        self.region = region
        self.text = Text()
        self.moving = set(region.moving)
        self.contiguous: set[Value] = set()
        for value in sorted(self._outside(), key=lambda v: v.number):
            if value in region.axis and value in region.sliced:
                cut = ":, " * region.axis[value] + "start:stop"
                self.text.body.append(f"{name(value)} = {name(value)}_all[{cut}]")
                self.moving.add(value)
        for step in region.steps:
            self._step(step)

    def _outside(self) -> set[Value]:
        made = {v for step in self.region.steps for v in step.outputs}
        used = {v for step in self.region.steps for v in step.values}
        return (used - made) | {v for v in made if v in self.region.sliced}

    def _step(self, step: Step) -> None:
        kind = step.primitive.name
        if kind in VIEWS and self._view(step):
            return
        for out in step.outputs:
            if out not in self.region.sliced:
                self.text.buffered.append(out)
                self.contiguous.add(out)
        if step.primitive.ufunc is not None:
            self._ufunc(step)
        elif kind in _WRITTEN:
            getattr(self, f"_{kind}")(step)
        else:
            self._kernel(step)
        for out in step.outputs:
            combine = self.region.combine.get(out)
            if combine is not None:
                how = {"sum": "add", "max": "maximum", "min": "minimum"}[combine]
                self._call(how, f"{name(out)}_total", name(out), out=f"{name(out)}_total")

    # --- lines

    def _call(self, function: str, *operands: str, out: str) -> None:
        self.text.functions.add(function)
        # NumPy wants the keyword for these two, which users mistake for functions of many arrays.
        last = f"out={out}" if function in ("maximum", "minimum") else out
        self.text.body.append(f"{function}({', '.join((*operands, last))})")

    def _operand(self, operand: Operand, step: Step) -> str:
        if isinstance(operand, Value):
            return name(operand)
        if step.primitive.name.startswith("logical_"):  # a number too small for the dtype is true
            return self._constant(device.as_array(bool(operand), dtypes.bool_))
        dtype = dtypes.joint_dtype([v.dtype for v in step.values], operand)
        if dtype.kind in "iu":
            low, high = (dtypes.extreme(dtype, lowest) for lowest in (True, False))
            if not low <= operand <= high:  # only comparisons take it: as it is, not wrapped
                return repr(operand)
        return self._constant(device.as_array(operand, dtype))

    def _constant(self, array: Any) -> str:
        for known, other in self.text.constants.items():
            if other.dtype == array.dtype and other.tobytes() == array.tobytes():
                return known
        label = f"c{len(self.text.constants)}"
        self.text.constants[label] = array
        return label

    # --- kinds of steps

    def _view(self, step: Step) -> bool:
        source, out = step.inputs[0], step.output
        if not isinstance(source, Value) or out in self.region.sliced or out in self.region.kept:
            return False
        kind, attributes = step.primitive.name, step.attributes
        old = name(source)
        if kind == "matrix_transpose":
            line = f"{old}.swapaxes(-1, -2)"
        elif kind == "permute_dims":
            axes = attributes["axes"]
            line = f"{old}.transpose({'' if axes is None else axes})"
        elif kind == "identity":
            line = old
        elif kind == "broadcast_to":
            self.text.functions.add("broadcast_to")
            line = f"broadcast_to({old}, {self._shape_text(out)})"
        elif kind == "reshape":
            if source not in self.contiguous and not self._is_dense(source):
                return False
            self.contiguous.add(out)
            line = f"{old}.reshape({self._shape_text(out)})"
        else:
            parts = attributes["index"]
            if not all(isinstance(p, int | slice) or p is None or p is ... for p in parts):
                return False
            if not out.shape and ... not in parts:  # else NumPy answers with a number
                parts = (*parts, ...)
            line = f"{old}[{', '.join(map(_index_text, parts)) or '...'}]"
        root = self.text.roots.get(source, source)
        self.text.roots[out] = root
        lines = self.text.body if source in self.moving else self.text.setup
        lines.append(f"{name(out)} = {line}")
        if source in self.moving:
            self.moving.add(out)
        return True

    def _is_dense(self, given: Value) -> bool:
        """Return whether what the region sees of a value from before it lies without gaps."""
        across = given in self.region.sliced and self.region.axis.get(given, 0) > 0
        return given in self.region.dense and not across

    def _shape_text(self, value: Value) -> str:
        a = self.region.axis.get(value)
        sizes = ["height" if i == a else str(n) for i, n in enumerate(value.shape)]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def _ufunc(self, step: Step) -> None:
        function = step.primitive.ufunc
        assert function is not None
        operands = list(step.inputs)
        if (
            function == "power"
            and step.outputs[0].dtype.kind == "f"
            and not isinstance(operands[1], Value)
            and operands[1] in _FAST_POWERS
        ):
            function = _FAST_POWERS[operands[1]]
            operands = operands[:1]
        parts = [self._single(v, step) or self._operand(v, step) for v in operands]
        if function in ("maximum", "minimum"):
            parts = [
                part if isinstance(v, Value) else self._spread(part, step.output)
                for part, v in zip(parts, operands, strict=True)
            ]
        self._call(function, *parts, out=", ".join(map(name, step.outputs)))
        if len(step.outputs) == 1:
            self._may_take_over(step, *operands)

    def _spread(self, constant: str, like: Value) -> str:
        """Return a number as an array of a value's shape, for an extreme: four times faster.

        (2.7 instead of 11.5 us for 128 x 256, in the cache.)
        """
        in_rows = like in self.region.axis
        if like.dtype.char not in "fd" or not (in_rows or like.bytes <= SPREAD):
            return constant
        self.text.functions.add("full")
        shape = self._shape_text(like)
        label = "_by_".join((constant, *re.findall(r"\w+", shape)))
        line = f"{label} = full({shape}, {constant})"
        if line not in self.text.setup:
            self.text.setup.append(line)
        return label

    def _single(self, operand: Operand, step: Step) -> str | None:
        """Return a 0-d view of an operand of one element: NumPy broadcasts that twice as fast."""
        if not isinstance(operand, Value) or operand in self.moving or operand in self.region.axis:
            return None
        if operand.size != 1 or not operand.shape or step.outputs[0].size == 1:
            return None
        label = f"{name(operand)}_single"
        line = f"{label} = {name(operand)}.reshape(())"
        if line not in self.text.setup:
            self.text.setup.append(line)
        return label

    def _multiply_no_nan(self, step: Step) -> None:
        x, y = step.inputs
        out = name(step.output)
        self._call("multiply", self._operand(x, step), self._operand(y, step), out=out)
        if x != y:
            self._may_take_over(step, x)
        if isinstance(x, int | float) and math.isfinite(x):
            return
        if isinstance(x, Value) and x.dtype.kind != "f":
            return
        self.text.functions.update(("vdot", "copyto"))
        zero = self._constant(device.as_array(0, step.output.dtype))
        self.text.body.append(f"if not vdot({out}, {out}) < 1e999:")
        self.text.body.append(f"    copyto({out}, {zero}, where={self._operand(y, step)} == 0)")

    def _may_take_over(self, step: Step, *operands: Operand) -> None:
        out = step.output
        self.text.in_place[out] = tuple(
            v
            for v in operands
            if isinstance(v, Value)
            and v.shape == out.shape
            and v.dtype == out.dtype
            and v not in self.text.roots
        )

    def _matmul(self, step: Step) -> None:
        x, y = step.inputs
        out = step.output
        assert isinstance(x, Value)
        assert isinstance(y, Value)
        if out.dtype == dtypes.float16:
            self._kernel(step)
            return
        plain = len(x.shape) == 2 and len(y.shape) == 2 and x.dtype == y.dtype == out.dtype
        dense = out in self.contiguous or self.region.axis.get(out, 0) == 0
        self._call("dot" if plain and dense else "matmul", name(x), name(y), out=name(out))

    def _where(self, step: Step) -> None:
        condition, x, y = step.inputs
        out = name(step.output)
        if isinstance(condition, Value) and condition.dtype != dtypes.bool_:
            self._kernel(step)  # copyto asks for no less
            return
        self.text.functions.add("copyto")
        if not isinstance(condition, Value):
            self.text.body.append(f"copyto({out}, {self._chosen(x if condition else y, step)})")
            return
        self.text.body.append(f"copyto({out}, {self._chosen(y, step)})")
        where = name(condition)
        self.text.body.append(f"copyto({out}, {self._chosen(x, step)}, where={where})")
        if isinstance(y, Value) and x != y and condition != y:
            self._may_take_over(step, y)

    def _chosen(self, operand: Operand, step: Step) -> str:
        if isinstance(operand, Value):
            return name(operand)
        return self._constant(device.as_array(operand, step.output.dtype))

    def _sum(self, step: Step) -> None:
        (x,) = step.inputs
        assert isinstance(x, Value)
        if x.dtype == dtypes.float16:
            self._kernel(step)
            return
        axis, keepdims = step.attributes["axis"], step.attributes["keepdims"]
        self._reduce("add", x, axis, keepdims, step.output)

    def _ones(self, count: str, dtype: Any) -> str:
        """Return the name of so many ones."""
        self.text.functions.add("ones")
        label = f"ones_{count}_{dtype}"
        line = f"{label} = ones({count}, '{dtype}')"
        if line not in self.text.setup:
            self.text.setup.append(line)
        return label

    def _max(self, step: Step) -> None:
        self._extreme("maximum", step)

    def _min(self, step: Step) -> None:
        self._extreme("minimum", step)

    def _extreme(self, function: str, step: Step) -> None:
        (x,) = step.inputs
        assert isinstance(x, Value)
        axis = step.attributes["axis"]
        self._reduce(function, x, axis, step.attributes["keepdims"], step.output)

    def _reduce(self, function: str, x: Value, axis: Any, keepdims: bool, out: Value) -> None:
        self.text.functions.add(function)
        self.text.body.append(
            f"{function}.reduce({name(x)}, {axis!r}, None, {name(out)}, {keepdims})"
        )

    def _sum_to(self, step: Step) -> None:
        (x,) = step.inputs
        assert isinstance(x, Value)
        if x.dtype == dtypes.float16:
            self._kernel(step)
            return
        shape = step.attributes["shape"]
        lead = len(x.shape) - len(shape)
        axes = tuple(
            i for i, n in enumerate(x.shape) if i < lead or (shape[i - lead] == 1 and n != 1)
        )
        out = step.output
        if columns(x.shape, shape) and x.dtype.kind == "f":
            count = "height" if self.region.axis.get(x) == 0 else str(x.shape[0])
            self._call("dot", self._ones(count, x.dtype), name(x), out=name(out))
            return
        kept = all(a >= lead for a in axes)
        target = name(out)
        if not kept and any(a >= lead for a in axes):
            target = (
                f"{name(out)}.reshape({tuple(n for i, n in enumerate(x.shape) if i not in axes)})"
            )
        self.text.functions.add("add")
        self.text.body.append(f"add.reduce({name(x)}, {axes!r}, None, {target}, {kept})")

    def _astype(self, step: Step) -> None:
        self._copy(step, "'unsafe'")

    def _copy(self, step: Step, casting: str = "'same_kind'") -> None:
        (x,) = step.inputs
        assert isinstance(x, Value)
        self.text.functions.add("copyto")
        self.text.body.append(f"copyto({name(step.output)}, {name(x)}, {casting})")

    def _matrix_transpose(self, step: Step) -> None:
        self._through_view(step, f"{self._source(step)}.swapaxes(-1, -2)")

    def _permute_dims(self, step: Step) -> None:
        axes = step.attributes["axes"]
        text = "" if axes is None else axes
        self._through_view(step, f"{self._source(step)}.transpose({text})")

    def _broadcast_to(self, step: Step) -> None:
        self._through_view(step, self._source(step))

    def _identity(self, step: Step) -> None:
        self._through_view(step, self._source(step))

    def _reshape(self, step: Step) -> None:
        x = step.inputs[0]
        assert isinstance(x, Value)
        if step.output not in self.contiguous and self.region.axis.get(step.output, 0) > 0:
            # A part of all rows, across which no other shape shows the same memory.
            self._through_view(step, f"{name(x)}.reshape({self._shape_text(step.output)})")
            return
        self.text.functions.add("copyto")
        target = f"{name(step.output)}.reshape({self._shape_text(x)})"
        self.text.body.append(f"copyto({target}, {name(x)})")

    def _through_view(self, step: Step, text: str) -> None:
        self.text.functions.add("copyto")
        self.text.body.append(f"copyto({name(step.output)}, {text})")

    def _source(self, step: Step) -> str:
        return self._operand(step.inputs[0], step)

    def _join(self, step: Step) -> None:
        self.text.functions.add("concatenate")
        parts = ", ".join(self._operand(v, step) for v in step.inputs)
        axis = step.attributes["axis"]
        self.text.body.append(f"concatenate(({parts},), {axis}, {name(step.output)})")

    def _number(self, number: float | None, step: Step, argument: int) -> str:
        """Return the name of a number that a kernel gets as it is, for it must not widen."""
        label = f"{name(step.outputs[0])}_operand{argument}"
        self.text.settings[label] = number
        return label

    def _setting(self, step: Step, key: str) -> str:
        label = f"{name(step.outputs[0])}_{key}"
        self.text.settings[label] = step.attributes[key]
        return label

    def _getitem(self, step: Step) -> None:
        self._through_view(step, f"{self._source(step)}[{self._setting(step, 'index')}]")

    def _add_at(self, step: Step) -> None:
        x, value = (self._operand(v, step) for v in step.inputs)
        out, index = name(step.output), self._setting(step, "index")
        self.text.functions.update(("copyto", "add", "broadcast_to"))
        value = f"broadcast_to({value}, {out}[{index}].shape)"
        self.text.body += [f"copyto({out}, {x})", f"add.at({out}, {index}, {value})"]

    def _set_at(self, step: Step) -> None:
        if any(getattr(part, "ndim", 0) for part in step.attributes["index"]):
            self._kernel(step)  # which refuses a position that is named twice
            return
        x, value = (self._operand(v, step) for v in step.inputs)
        out, index = name(step.output), self._setting(step, "index")
        self.text.functions.add("copyto")
        self.text.body += [f"copyto({out}, {x})", f"{out}[{index}] = {value}"]

    def _gather(self, step: Step) -> None:
        x, indices = step.inputs
        assert isinstance(x, Value)
        axis = step.attributes["axis"] % len(x.shape)
        self._through_view(step, f"{name(x)}[{':, ' * axis}{self._operand(indices, step)}]")

    def _scatter_sum(self, step: Step) -> None:
        values, indices = step.inputs
        assert isinstance(values, Value)
        out, zero = name(step.output), self._constant(device.as_array(0, step.output.dtype))
        index = f"({'slice(None), ' * step.attributes['axis']}{self._operand(indices, step)},)"
        self.text.functions.update(("copyto", "add"))
        self.text.body += [f"copyto({out}, {zero})", f"add.at({out}, {index}, {name(values)})"]

    def _flip(self, step: Step) -> None:
        self.text.functions.add("flip")
        axis = step.attributes["axis"]
        self._through_view(step, f"flip({self._source(step)}, {axis!r})")

    def _argmax(self, step: Step) -> None:
        self._position("argmax", step)

    def _argmin(self, step: Step) -> None:
        self._position("argmin", step)

    def _position(self, function: str, step: Step) -> None:
        self.text.functions.add(function)
        axis = step.attributes["axis"]
        self.text.body.append(f"{function}({self._source(step)}, {axis!r}, {name(step.output)})")

    def _kernel(self, step: Step) -> None:
        """Have the primitive's kernel run, and what it makes copied."""
        first, settings = step.outputs[0], dict(step.attributes)
        given = [f"({', '.join(map(name, step.outputs))},)"]
        given += [
            name(v) if isinstance(v, Value) else self._number(v, step, i)
            for i, v in enumerate(step.inputs)
        ]
        shape = settings.get("shape")
        if isinstance(shape, tuple | list) and tuple(shape) == first.shape:
            del settings["shape"]
            given.append(f"shape={self._shape_text(first)}")
        if settings:
            label = f"{name(first)}_settings"
            self.text.settings[label] = settings
            given.append(f"**{label}")
        self.text.body.append(f"{self._kernel_label(step.primitive)}({', '.join(given)})")

    def _kernel_label(self, primitive: Any) -> str:
        """Return what the text calls a kernel: like its primitive, which may have any name."""
        for label, known in self.text.kernels.items():
            if known is primitive:
                return label
        label = f"{identifier(primitive.name)}_kernel"
        if label in self.text.kernels:
            label = f"{label}_{len(self.text.kernels)}"
        self.text.kernels[label] = primitive
        return label


def _index_text(part: Any) -> str:
    if isinstance(part, slice):
        bounds = ("" if b is None else str(b) for b in (part.start, part.stop))
        return ":".join(bounds) + ("" if part.step is None else f":{part.step}")
    return "..." if part is ... else str(part)
