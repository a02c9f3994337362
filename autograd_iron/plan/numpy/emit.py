"""Writing a region of the program as lines: a line a step, each into a buffer made beforehand."""

# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.primitive import Primitive
from autograd_iron.ops.elementwise.choosing import maximum, minimum
from autograd_iron.plan.numpy.forms import LINES, VIEWS, Look
from autograd_iron.plan.numpy.lines import Call, Item, Let, Line, Method, Name, variable
from autograd_iron.plan.program import Operand, Step, Value
from autograd_iron.plan.schedule.tiling import folding
from autograd_iron.support.text import identifier

# Bytes that the copies of a number may take.
SPREAD = 1 << 20


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
    combine : dict of Value to Primitive
        Reductions over the rows.
    """

    steps: list[Step]
    axis: dict[Value, int] = field(default_factory=dict)
    sliced: set[Value] = field(default_factory=set)
    dense: set[Value] = field(default_factory=set)
    moving: set[Value] = field(default_factory=set)
    kept: set[Value] = field(default_factory=set)
    combine: dict[Value, Primitive] = field(default_factory=dict)

    def shape(self, value: Value, height: int) -> tuple[int, ...]:
        """Return the shape of what the region sees of a value."""
        a = self.axis.get(value)
        return value.shape if a is None else (*value.shape[:a], height, *value.shape[a + 1 :])


@dataclass
class Text:
    """A region as lines.

    Attributes
    ----------
    setup : list of Let
        What runs once, when the buffers are bound.
    body : list of Line
        What runs every time.
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

    setup: list[Let] = field(default_factory=list)
    body: list[Line] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)
    roots: dict[Value, Value] = field(default_factory=dict)
    buffered: list[Value] = field(default_factory=list)
    in_place: dict[Value, tuple[Value, ...]] = field(default_factory=dict)
    kernels: dict[str, Primitive] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def emit(region: Region) -> Text:
    """Write the region."""
    return Writer(region).text


def all_rows(value: Value) -> Name:
    """Return what stands for all rows of a value of which a region sees some."""
    return Name(f"{variable(value)}_all")


def total_of(value: Value) -> Name:
    """Return what stands for a reduction over all rows."""
    return Name(f"{variable(value)}_total")


class Writer:
    """The walk over a region that writes its lines.

    Attributes
    ----------
    region : Region
    text : Text
    contiguous : set of Value
        Values of the region that lie in memory in order and without gaps.
    """

    def __init__(self, region: Region) -> None:
        self.region = region
        self.text = Text()
        self.contiguous: set[Value] = set()
        self._moving = set(region.moving)
        self._constants: dict[Any, Name] = {}
        self._kernels: dict[Primitive, str] = {}
        self._once: set[str] = set()
        rows = slice(Name("start"), Name("stop"))
        for value in sorted(self._outside(), key=lambda v: v.number):
            if value in region.axis and value in region.sliced:
                cut = (slice(None),) * region.axis[value]
                self.add(Let(value, Item(all_rows(value), (*cut, rows))))
                self._moving.add(value)
        for step in region.steps:
            self._step(step)

    def _outside(self) -> set[Value]:
        made = {v for step in self.region.steps for v in step.outputs}
        used = {v for step in self.region.steps for v in step.values}
        return (used - made) | {v for v in made if v in self.region.sliced}

    def _step(self, step: Step) -> None:
        primitive = step.primitive
        look = VIEWS.get(primitive)
        if look is not None and self._shows(step, look):
            return
        for out in step.outputs:
            if out not in self.region.sliced:
                self.text.buffered.append(out)
                self.contiguous.add(out)
        if primitive.ufunc is not None:
            self._ufunc(step)
        elif primitive in LINES:
            LINES[primitive](self, step)
        elif look is not None:
            self.copy(step.output, look(self, step, self.operand(step.inputs[0], step)))
        elif primitive.reduction is not None:
            self.reduce(step)
        else:
            self.kernel(step)
        for out in step.outputs:
            combine = self.region.combine.get(out)
            if combine is not None:
                ufunc = str(folding(combine).combine.ufunc)
                self.add(self.call(ufunc, total_of(out), out, out=total_of(out)))

    def _shows(self, step: Step, look: Look) -> bool:
        """Show the memory of a step's array, if the output may lie there."""
        source, out = step.inputs[0], step.output
        if not isinstance(source, Value) or out in self.region.sliced or out in self.region.kept:
            return False
        part = look(self, step, source)
        if part is None:
            return False
        self.text.roots[out] = self.text.roots.get(source, source)
        if source in self._moving:
            self._moving.add(out)
            self.add(Let(out, part))
        else:
            self.text.setup.append(Let(out, part))
        return True

    # --- what forms are made of

    def add(self, line: Line) -> None:
        """Add a line that runs every time."""
        self.text.body.append(line)

    def call(self, function: str, *operands: Any, **keywords: Any) -> Call:
        """Return a call of a function of NumPy's."""
        self.text.functions.add(function.partition(".")[0])
        return Call(function, operands, tuple(keywords.items()))

    def copy(self, target: Any, part: Any) -> None:
        """Write a part into a buffer."""
        self.add(self.call("copyto", target, part))

    def shape(self, value: Value) -> tuple[Any, ...]:
        """Return the shape of what the region sees of a value."""
        a = self.region.axis.get(value)
        return tuple(_HEIGHT if i == a else n for i, n in enumerate(value.shape))

    def operand(self, operand: Operand, step: Step) -> Any:
        """Return an operand of a step, a number as a constant of the dtype that it has there."""
        if isinstance(operand, Value):
            return operand
        if step.primitive.truths:  # a number too small for the dtype is true
            return self.constant(intake.as_array(bool(operand), dtypes.bool_))
        dtype = dtypes.joint_dtype([v.dtype for v in step.values], operand)
        if dtype.kind in "iu":
            low, high = (dtypes.extreme(dtype, lowest) for lowest in (True, False))
            if not low <= operand <= high:  # only comparisons take it: as it is, not wrapped
                return operand
        return self.constant(intake.as_array(operand, dtype))

    def constant(self, array: Any) -> Name:
        """Return what stands for an array that never changes; equal ones have one name."""
        key = (array.dtype, array.tobytes())
        known = self._constants.get(key)
        if known is None:
            known = self._constants[key] = Name(f"c{len(self._constants)}")
            self.text.constants[known.label] = array
        return known

    def setting(self, step: Step, key: str) -> Name:
        """Return what stands for an attribute of a step."""
        return self._named(f"{variable(step.outputs[0])}_{key}", step.attributes[key])

    def _named(self, name: str, setting: Any) -> Name:
        self.text.settings[name] = setting
        return Name(name)

    def once(self, name: Name, part: Any) -> Name:
        """Return a name for what is made once."""
        if name.label not in self._once:
            self._once.add(name.label)
            self.text.setup.append(Let(name, part))
        return name

    def ones(self, count: Any, dtype: Any) -> Name:
        """Return so many ones."""
        name = Name(f"ones_{_label(count)}_{dtype}")
        return self.once(name, self.call("ones", count, str(dtype)))

    def may_take_over(self, step: Step, *operands: Operand) -> None:
        """Let the output lie in the memory of an operand that nothing reads afterwards."""
        out = step.output
        self.text.in_place[out] = tuple(
            v
            for v in operands
            if isinstance(v, Value)
            and v.shape == out.shape
            and v.dtype == out.dtype
            and v not in self.text.roots
        )

    # --- what a record says

    def _ufunc(self, step: Step) -> None:
        function = step.primitive.ufunc
        assert function is not None
        parts = [self._single(v, step) or self.operand(v, step) for v in step.inputs]
        if step.primitive in (maximum, minimum):
            parts = [
                part if isinstance(v, Value) else self._spread(part, step.output)
                for part, v in zip(parts, step.inputs, strict=True)
            ]
            # NumPy wants the keyword, for users take them for functions of many arrays.
            self.add(self.call(function, *parts, out=step.output))
        else:
            self.add(self.call(function, *parts, *step.outputs))
        if len(step.outputs) == 1:
            self.may_take_over(step, *step.inputs)

    def _spread(self, constant: Any, like: Value) -> Any:
        """Return a number as an array of a value's shape, for an extreme: four times faster.

        (2.7 instead of 11.5 us for 128 x 256, in the cache.)
        """
        in_rows = like in self.region.axis
        if like.dtype.char not in "fd" or not (in_rows or like.bytes <= SPREAD):
            return constant
        shape = self.shape(like)
        name = Name("_by_".join(map(_label, (constant, *shape))))
        return self.once(name, self.call("full", shape, constant))

    def _single(self, operand: Operand, step: Step) -> Name | None:
        """Return a 0-d view of an operand of one element: NumPy broadcasts that twice as fast."""
        if not isinstance(operand, Value) or operand in self._moving or operand in self.region.axis:
            return None
        if operand.size != 1 or not operand.shape or step.outputs[0].size == 1:
            return None
        return self.once(Name(f"{variable(operand)}_single"), Method(operand, "reshape", ((),)))

    def reduce(self, step: Step) -> None:
        """Write a reduction by the ufunc that combines."""
        reduction = step.primitive.reduction
        assert reduction is not None
        (x,) = step.inputs
        assert isinstance(x, Value)
        out, ufunc = step.output, reduction.combine.ufunc
        axes = reduction.over(x.shape, **step.attributes)
        asks = reduction.combine.truths and not axes  # of nothing to combine NumPy keeps the dtype
        if ufunc is None or asks or (reduction.wide and x.dtype == dtypes.float16):
            self.kernel(step)
            return
        target: Any = out
        keeps = len(out.shape) == len(x.shape)
        if not keeps and len(out.shape) != len(x.shape) - len(axes):
            left = tuple(n for i, n in enumerate(self.shape(x)) if i not in axes)
            target = Method(out, "reshape", (left,))
        over: Any = axes[0] if len(axes) == 1 else axes
        over = None if len(axes) == len(x.shape) else over
        self.add(self.call(f"{ufunc}.reduce", x, over, None, target, keeps))

    def kernel(self, step: Step) -> None:
        """Have the primitive's kernel run, and what it makes copied."""
        first, settings = step.outputs[0], dict(step.attributes)
        given = [
            v if isinstance(v, Value) else self._named(f"{variable(first)}_operand{i}", v)
            for i, v in enumerate(step.inputs)  # a number as it is, for it must not widen
        ]
        keywords: dict[str, Any] = {}
        shape = settings.get("shape")
        if isinstance(shape, tuple | list) and tuple(shape) == first.shape:
            del settings["shape"]
            keywords["shape"] = self.shape(first)
        if settings:
            keywords["**"] = self._named(f"{variable(first)}_settings", settings)
        name = self._kernel_name(step.primitive)
        self.add(Call(name, (tuple(step.outputs), *given), tuple(keywords.items())))

    def _kernel_name(self, primitive: Primitive) -> str:
        """Return what the text calls a kernel: like its primitive, which may have any name."""
        known = self._kernels.get(primitive)
        if known is None:
            known = f"{identifier(primitive.name)}_kernel"
            if known in self.text.kernels:
                known = f"{known}_{len(self.text.kernels)}"
            self._kernels[primitive] = known
            self.text.kernels[known] = primitive
        return known


_HEIGHT = Name("height")


def _label(part: Any) -> str:
    return part.label if isinstance(part, Name) else str(part)
