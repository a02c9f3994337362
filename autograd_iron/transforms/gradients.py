"""Functions of functions: `grad` and `value_and_grad`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from autograd_iron.core import graph, specs
from autograd_iron.core.backward import pull_back
from autograd_iron.core.facts import C
from autograd_iron.core.graph import Node
from autograd_iron.core.plain import are_integers, setting
from autograd_iron.core.primitive import primitive
from autograd_iron.core.switches import enable_grad, switches
from autograd_iron.core.tensor import Tensor
from autograd_iron.ops.creation import point


# The argument of a differentiated function must be a value of its own, or its gradient would flow
# past it to whatever it was made from.
@primitive(exact=True)
def identity(xp: Any, x: Any, /) -> Any:
    """Return `x` as a new value in the graph."""
    return x


identity.converts = True
identity.c = C.same("{x}", exact=True)
identity.shape(specs.same)
identity.axes("... -> ...")


@identity.view
def _(view: Any, _shape: Any, /) -> Any:
    return view


@identity.vjp
def _(F: Any, g: Any, _y: Any, _x: Any) -> Any:
    return g


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0
) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes `f` and its gradient.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor of one element.
    argnums : int or tuple of int
        Which positional arguments to differentiate.  Each may be a tensor, an array, a number, or a
        (nested) list, tuple or dict of them.  Plain numbers are float32 here, integers too.

    Returns
    -------
    callable
        `(value, gradient)` of the arguments; the gradient has the structure of the argument (a
        tuple of them if `argnums` is one).  It is itself recorded if the arguments or anything
        else that `f` uses requires a gradient, so `grad` nests.

    Raises
    ------
    TypeError
        `f` does not return a Tensor; or an argument to differentiate is not floating.
    ValueError
        `f` returns more than one element; or no path leads from an argument to the result.
    """
    argnums = setting(argnums, "argnums")
    if not callable(f):
        raise TypeError(
            f"grad: the first argument is a function, not {type(f).__name__}: ai.grad(f)(x) is the "
            "gradient of f at x, and y.backward() fills x.grad"
        )
    if not are_integers(argnums):
        raise TypeError(f"grad: argnums is an integer or a tuple of integers, not {argnums!r}")
    wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        values = list(args)
        inputs: list[list[Tensor]] = []
        with enable_grad():
            for i in wanted:
                if not -len(args) <= i < len(args):
                    raise TypeError(
                        f"grad: argnums names argument {i}, but {len(args)} positional "
                        "arguments were given"
                    )
                collected: list[Tensor] = []
                values[i] = _map(partial(_fresh, collected), args[i])
                inputs.append(collected)
            result = f(*values, **kwargs)
        if not isinstance(result, Tensor):
            raise TypeError(f"grad: {_name(f)} must return a Tensor, not {type(result).__name__}")
        if result.size != 1:
            raise ValueError(
                f"grad: {_name(f)} must return one number, not shape {result.shape}; "
                "reduce it with sum or mean"
            )
        nodes = [t.node for group in inputs for t in group if t.node is not None]
        nested = _needs_outer_graph(result, nodes)
        found = pull_back([result], None, nodes, retain_graph=True, create_graph=nested)
        _check_paths(f, [node for node in nodes if node not in found])
        gradients = iter([found[node] for node in nodes])
        trees = tuple(_map(lambda _: next(gradients), args[i]) for i in wanted)
        if not nested:
            result = result.detach()
        return result, trees[0] if isinstance(argnums, int) else trees

    return wrapped


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f`.

    See `value_and_grad` for parameters and errors.

    Examples
    --------
    >>> import autograd_iron as ai
    >>> float(ai.grad(ai.grad(lambda x: x**3))(2.0))
    12.0
    """
    both = value_and_grad(f, argnums)

    @wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return wrapped


def _name(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", repr(f))


def _map(f: Callable[[Any], Any], tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _map(f, value) for key, value in tree.items()}
    if isinstance(tree, list | tuple) and not _is_numbers(tree):
        parts = [_map(f, value) for value in tree]
        if isinstance(tree, list):
            return parts
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return f(tree)


def _is_numbers(tree: Any) -> bool:
    if isinstance(tree, list | tuple):
        return bool(tree) and all(_is_numbers(part) for part in tree)
    return isinstance(tree, int | float | complex)


def _fresh(put: list[Tensor], value: Any) -> Tensor:
    """Return the value as a new input: linked to where it came from, or a leaf."""
    if isinstance(value, Tensor) and value.node is not None:
        made = identity(value)
    else:
        made = point(value)
        made.requires_grad = True
    put.append(made)
    return made


def _needs_outer_graph(result: Tensor, mine: list[Node]) -> bool:
    """Return whether the result depends on something besides our own inputs that is recorded."""
    if result.node is None or not switches().recording:
        return False
    return any(
        node.primitive is None and node not in mine for node in graph.reachable([result.node])
    )


def _check_paths(f: Callable[..., Any], missing: list[Node]) -> None:
    if missing:
        shapes = ", ".join(str(node.shape) for node in missing)
        raise ValueError(
            f"grad: no path leads from the result of {_name(f)} back to the input of shape "
            f"{shapes}. Is it used at all? detach(), no_grad, .numpy(), comparisons, argmax "
            "and integer casts cut the path"
        )
