"""Checking gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_iron.arrays import device, dtypes
from autograd_iron.core.backward import pull_back
from autograd_iron.core.registry import on_tensors as F
from autograd_iron.core.switches import enable_grad, no_grad
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import point, tensor
from autograd_iron.ops.random import Generator
from autograd_iron.support.integers import integer


def check_grads(
    f: Callable[..., Any],
    args: Any,
    order: int = 2,
    eps: float = 1e-6,
    rtol: float = 1e-5,
    atol: float = 1e-7,
    seed: int = 0,
) -> None:
    r"""Check the gradients of a function against central differences, in float64.

    With a random cotangent :math:`u` and a random direction :math:`v`, it compares
    :math:`\langle J^T u, v\rangle` with
    :math:`\langle u, f(x + \epsilon v) - f(x - \epsilon v)\rangle / 2\epsilon`; then, for each
    further order, does the same to the function :math:`(x, u) \mapsto J(x)^T u`.  Of complex
    numbers the real and the imaginary parts are moved, each by a number of its own.

    Parameters
    ----------
    f : callable
        Of Tensors; returns a floating Tensor, or a list or tuple of them, smooth around `args`.
    args : list or tuple of Tensor, array or number
        What is neither a list nor a tuple is the one argument.  Floating arguments and plain
        numbers are checked, as float64, complex ones as complex128; the others are passed on.
    order : int
        How many times to differentiate.
    eps : float
        Half the step of the central difference, in units of the arguments.
    rtol, atol : float
        The two numbers may differ by `atol + rtol * max(|a|, |b|)`.
    seed : int
        Of the random directions.

    Raises
    ------
    AssertionError
        They differ; the message has eps, the arguments, the direction and both numbers.
    TypeError
        No argument is floating, or `f` returns something else than floating Tensors.
    """
    whole = integer(order)
    if whole is None or whole < 1:
        raise ValueError(f"check_grads: order is {order!r}; it must be 1 or more")
    order = whole
    values = [point(a) for a in (args if isinstance(args, list | tuple) else [args])]
    floating = [i for i, a in enumerate(values) if dtypes.is_inexact(a.dtype)]
    if not floating:
        raise TypeError("check_grads: no argument is floating, so there is no gradient to check")
    points = [tensor(values[i], dtype=_wide(values[i])) for i in floating]

    def of_floats(*floats: Tensor) -> list[Tensor]:
        given: list[Any] = list(values)
        for i, value in zip(floating, floats, strict=True):
            given[i] = value
        result = f(*given)
        results = list(result) if isinstance(result, list | tuple) else [result]
        for one in results:
            _check_result(name, one)
        if not results:
            raise TypeError(f"check_grads: {name} returns nothing in its {type(result).__name__}")
        return results

    name = getattr(f, "__name__", repr(f))
    with device.quiet():
        _check(of_floats, points, order, eps, rtol, atol, Generator(seed), f"{name}, order 1")


def _check_result(name: str, result: Any) -> None:
    if not isinstance(result, Tensor):
        hint = ""
        if result is None:
            hint = " Does it lack a return?"
        elif isinstance(result, dict):
            hint = " Return list(result.values()) to check all of them."
        elif isinstance(result, float | int) or hasattr(result, "dtype"):
            hint = " float(), .item() and .numpy() cut the path of the gradient."
        what = "None" if result is None else f"a {type(result).__name__}"
        raise TypeError(
            f"check_grads: {name} must return a Tensor, or a list or tuple of Tensors, and "
            f"returned {what}.{hint}"
        )
    if not dtypes.is_inexact(result.dtype):
        raise TypeError(
            f"check_grads: {name} returned a {result.dtype} tensor, which has no gradient to "
            "check; only floating results have one"
        )


def _check(
    f: Callable[..., list[Tensor]],
    points: list[Tensor],
    order: int,
    eps: float,
    rtol: float,
    atol: float,
    generator: Generator,
    title: str,
) -> None:
    with no_grad():
        outputs = f(*points)
    weights = [_draw(generator, output) for output in outputs]
    direction = [_draw(generator, point) for point in points]

    def pulled(*inputs: Tensor) -> list[Tensor]:
        return _vjp(f, list(inputs[: len(points)]), list(inputs[len(points) :]))

    with enable_grad():
        gradients = pulled(*points, *weights)
    expected = _value(_dot(gradients, direction))
    with no_grad():
        ahead = f(*(F.add(p, F.multiply(eps, v)) for p, v in zip(points, direction, strict=True)))
        behind = f(
            *(F.subtract(p, F.multiply(eps, v)) for p, v in zip(points, direction, strict=True))
        )
        change = [F.subtract(a, b) for a, b in zip(ahead, behind, strict=True)]
        measured = _value(_dot(change, weights)) / (2 * eps)
    allowed = atol + rtol * max(abs(expected), abs(measured))
    if not abs(expected - measured) <= allowed:
        raise AssertionError(
            f"check_grads of {title}: the gradient says {expected!r}, finite differences say "
            f"{measured!r}; they differ by {abs(expected - measured):.3g}, allowed {allowed:.3g}\n"
            f"eps: {eps}\narguments: {[p.tolist() for p in points]}\n"
            f"direction: {[v.tolist() for v in direction]}\n"
            f"cotangent: {[w.tolist() for w in weights]}"
        )
    if order > 1:
        before, _, number = title.rpartition(" ")
        _check(
            pulled,
            [*points, *weights],
            order - 1,
            eps,
            rtol,
            atol,
            generator,
            f"{before} {int(number) + 1}",
        )


def _wide(value: Tensor) -> Any:
    return dtypes.complex128 if value.is_complex() else dtypes.float64


def _draw(generator: Generator, like: Tensor) -> Tensor:
    drawn = generator.normal(like.shape, dtype=dtypes.real_of(like.dtype)).to(like.device)
    if not like.is_complex():
        return drawn
    other = generator.normal(like.shape, dtype=drawn.dtype).to(like.device)
    both: Tensor = F.add(drawn, F.multiply(other, 1j))
    return both


def _dot(left: list[Tensor], right: list[Tensor]) -> Any:
    total: Any = 0.0
    for a, b in zip(left, right, strict=True):
        total = F.add(total, F.sum(F.real(F.multiply(F.conj(a), b))))
    return total


def _value(number: Tensor) -> float:
    return float(number)


def _vjp(
    f: Callable[..., list[Tensor]], points: list[Tensor], cotangents: list[Tensor]
) -> list[Tensor]:
    """Return the cotangents pulled back through `f`, recorded where the arguments are."""
    recorded = any(t.node is not None for t in (*points, *cotangents))
    inputs = [
        Tensor(point.data, requires_grad=True) if point.node is None else F.identity(point)
        for point in points
    ]
    with enable_grad():
        outputs = f(*inputs)
    nodes = [t.node for t in inputs if t.node is not None]
    found = pull_back(outputs, cotangents, nodes, retain_graph=True, create_graph=recorded)
    return [
        found[n] if n in found else F.zeros(t.shape, t.dtype, t.device)
        for n, t in zip(nodes, inputs, strict=True)
    ]
