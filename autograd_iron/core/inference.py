"""What a call returns, known before it is computed: shapes and dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core import specs
from autograd_iron.core.explain import EXPLAINED, explain
from autograd_iron.core.specs import Spec
from autograd_iron.support.integers import integer

if TYPE_CHECKING:
    from autograd_iron.core.primitive import Primitive


def infer(
    primitive: Primitive, operands: list[Any], attributes: dict[str, Any]
) -> Spec | tuple[Spec, ...]:
    """Return what the result of a call will be, or the results, without running the kernel.

    Parameters
    ----------
    operands : list
        Of each array something with its shape and dtype; numbers and None as they are.

    Raises
    ------
    TypeError, ValueError, IndexError
        The operands do not fit, as the call itself would say.
    """
    narrow = alone = False
    if dtypes.bfloat16 is not None and not primitive.exact:
        met = {x.dtype for x in operands if hasattr(x, "dtype")}
        narrow = dtypes.bfloat16 in met
        alone = narrow and dtypes.is_bfloat16_alone(met)
    given = operands
    if narrow:
        given = [
            Spec(x.shape, dtypes.float32) if getattr(x, "dtype", None) == dtypes.bfloat16 else x
            for x in operands
        ]
    try:
        made = _apply_rule(primitive, given, attributes)
        if primitive.is_elementwise:
            _check_numbers(primitive, operands, attributes)
    except EXPLAINED as error:
        explain(primitive, operands, attributes, error)
    if not alone:
        return made
    return tuple(map(_as_bfloat16, made)) if isinstance(made, tuple) else _as_bfloat16(made)


def _as_bfloat16(spec: Spec) -> Spec:
    return Spec(spec.shape, dtypes.bfloat16) if spec.dtype == dtypes.float32 else spec


def _check_numbers(primitive: Primitive, operands: list[Any], attributes: dict[str, Any]) -> None:
    """Raise what the kernel would of a whole number that does not fit beside the arrays.

    A dtype has no room for some numbers, so that no rule over dtypes can say it.
    """
    numbers = [*operands, *attributes.values()] if attributes else operands
    for n in numbers:
        if type(n) is int and not 0 <= n < 128:
            ones = [device.host.ones((), x.dtype) if hasattr(x, "dtype") else x for x in operands]
            with device.quiet():
                primitive.kernel_of_any_width()(device.host, *ones, **attributes)
            return


def _is_plain(spec: Spec) -> bool:
    """Return whether a spec has a tuple of Python's integers and a dtype, as nearly all have."""
    shape, dtype = spec.shape, spec.dtype
    if type(shape) is not tuple or isinstance(dtype, type) or not hasattr(dtype, "itemsize"):
        return False
    return {int}.issuperset(map(type, shape)) and min(shape, default=0) >= 0


def _check_ruled(ruled: Any) -> None:
    for one in ruled if isinstance(ruled, tuple) else (ruled,):
        if type(one) is Spec and _is_plain(one):
            continue
        shape, dtype = getattr(one, "shape", None), getattr(one, "dtype", None)
        sizes = map(integer, shape) if isinstance(shape, tuple) else (None,)
        fits = all(n is not None and n >= 0 for n in sizes)
        if not fits or isinstance(dtype, type) or not hasattr(dtype, "itemsize"):
            raise TypeError(
                f"the shape rule returned {one!r}. It has to return Spec(shape, dtype), one for "
                "each output, with a tuple of sizes from 0 up and a dtype like x.dtype"
            )


def _apply_rule(
    primitive: Primitive, operands: list[Any], attributes: dict[str, Any]
) -> Spec | tuple[Spec, ...]:
    if primitive.shape_rule is not None:
        ruled: Spec | tuple[Spec, ...] = primitive.shape_rule(*operands, **attributes)
        _check_ruled(ruled)
        return ruled
    shape = specs.broadcast(*operands)
    if primitive.ufunc is None:
        return Spec(shape, specs.joint(*operands))
    made = tuple(Spec(shape, d) for d in specs.of_ufunc(primitive.ufunc, tuple(operands)))
    return made if len(made) > 1 else made[0]
