"""Models as plain objects: Module, Parameter, and the one walker that finds everything in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import autograd_iron as ai
from autograd_iron.arrays import dtypes
from autograd_iron.core.conversion import destination
from autograd_iron.support.stand_in import behind
from autograd_iron.support.watched import Watched


class Parameter(ai.Tensor):
    """A Tensor that training changes.

    Parameters
    ----------
    value : Tensor, array, number or nested list
        Copied, so that an optimizer never writes into an array of the caller's. Floats become
        float32, arrays keep their dtype, which must be a floating one.
    requires_grad : bool
        ``False`` freezes it: it stays in the ``state_dict``, and optimizers pass it over.

    Raises
    ------
    TypeError
        When the dtype is not a floating one: there is no gradient of an integer.

    Examples
    --------
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = nn.Parameter([1.0, 2.0])
    ...     def forward(self, x):
    ...         return x * self.factor
    """

    __slots__ = ()

    def __init__(self, value: Any, requires_grad: bool = True) -> None:
        made = ai.tensor(value)
        if made.is_complex():
            raise TypeError(
                "Parameter: optimizers step real numbers, and these are complex. Keep their parts "
                "as two parameters, and join them where they are used: self.re + 1j * self.im"
            )
        if not made.is_floating_point():
            raise TypeError(
                f"Parameter: the value has dtype {made.dtype}, but only floating numbers have "
                f'gradients. Write Parameter(value.astype("float32")), or keep it as a plain '
                f"Tensor attribute: that is saved with the model and not trained."
            )
        super().__init__(made.data, requires_grad)


class Module(Watched):
    """A piece of a model: a plain object with a ``forward``.

    Whatever is assigned to ``self`` is found by `walk`: a `Parameter` is trained, any other Tensor
    is a buffer (saved, not trained), and modules, lists, tuples and dicts are looked into. There is
    nothing to register and no ``super().__init__()`` to remember.

    Attributes
    ----------
    training : bool
        True until `eval` is called; layers that behave differently in training read it.

    Examples
    --------
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.layers = [nn.Linear(2, 8), nn.Linear(8, 1)]
    ...     def forward(self, x):
    ...         return self.layers[1](ai.tanh(self.layers[0](x)))
    >>> [path for path, _ in Net().named_parameters()]
    ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias']
    """

    training: bool = True

    def forward(self, *inputs: Any) -> Any:
        """Compute the output; every subclass defines it, and calling the module calls it."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: define `def forward(self, x): ...` in it."
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Call `forward`."""
        ai.extend.capture.guard(self)
        return self.forward(*inputs, **options)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(dotted path, parameter)``, each once: tied ones under their first path.

        Raises
        ------
        TypeError
            When another Tensor was made to require a gradient: no optimizer would train it.
        """
        for path, found in walk(self):
            if isinstance(found, Parameter):
                yield path, found
            elif isinstance(found, ai.Tensor) and found.requires_grad and found.is_leaf:
                raise TypeError(
                    f"{type(self).__name__}: {path} is a Tensor that requires a gradient and not a "
                    f"Parameter, so it would be saved and never trained. Write nn.Parameter(...) "
                    f"to train it, or leave requires_grad out."
                )

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, ai.Tensor]]:
        """Yield ``(dotted path, tensor)`` for the tensors that are saved and not trained."""
        return ((path, found) for path, found in _state(self) if not isinstance(found, Parameter))

    def modules(self) -> Iterator[Module]:
        """Yield this module and every module inside it, each once."""
        return (found for _, found in walk(self) if isinstance(found, Module))

    def members(self) -> Iterable[tuple[Any, Any]]:
        """Return ``(name, value)`` of all that `walk` looks at in the module: its attributes.

        A container whose parts go by other names than its attributes says so here.
        """
        return vars(self).items()

    def train(self, mode: bool = True) -> Self:
        """Set ``training`` on this module and every one inside it; return the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Leave training mode: the same as ``train(False)``."""
        return self.train(False)

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move every parameter and buffer to a device, in a dtype, or both; return the module.

        The Tensor objects stay the same, so that an optimizer made before goes on with them; their
        gradients go along.  Buffers of integers and truths keep their dtype.

        Parameters
        ----------
        device : str, dtype or Tensor, optional
            As for `Tensor.to`: ``model.to("cuda")``, ``model.to(ai.float64)``.
        dtype : dtype or str, optional
            A floating one.

        Raises
        ------
        ValueError, ImportError, RuntimeError
            There is no such device; nothing was moved.
        TypeError
            The dtype is not a floating one; nothing was converted.
        """
        device, dtype = destination(device, dtype)
        if dtype is not None and not dtypes.is_float(dtype):
            raise TypeError(
                f"{type(self).__name__}.to: a model computes with floating numbers, and {dtype} "
                "are none; give float16, float32, float64 or bfloat16"
            )

        def moved(tensor: ai.Tensor) -> ai.Tensor:
            return tensor.detach().to(device, dtype if tensor.is_floating_point() else None)

        found = [(tensor, moved(tensor).data) for _, tensor in _state(self)]
        for tensor, data in found:
            if data is tensor.data:
                continue
            gradient, tracked = tensor.grad, tensor.requires_grad
            tensor.requires_grad = False  # a leaf knows its dtype: another one needs a new leaf
            tensor.data = data
            tensor.requires_grad = tracked
            if gradient is not None:
                tensor.grad = moved(gradient)
        return self

    def state_dict(self) -> dict[str, ai.Tensor]:
        """Return a snapshot: a copy of every parameter and buffer by its dotted path.

        Copies, where they are, because optimizers write into the parameters' own memory: ``best =
        model.state_dict()`` still holds the best weights after more training.
        """
        return {path: ai.tensor(found.detach()) for path, found in _state(self)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Write the values of ``state`` into the model's parameters and buffers.

        Parameters
        ----------
        state : mapping from dotted path to Tensor or array
            Exactly the entries of `state_dict`, each with the same shape and dtype, on any device.

        Raises
        ------
        ValueError
            Naming every missing, extra and differing entry; the model is then unchanged.
        """
        values = self._converted(state)
        for path, tensor in _state(self):
            tensor.assign(values[path])

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise what `load_state_dict` would raise, and load nothing."""
        self._converted(state)

    def _converted(self, state: Mapping[str, Any]) -> dict[str, ai.Tensor]:
        own = dict(_state(self))
        check_entries(f"{type(self).__name__}.load_state_dict", own, state)
        return {path: ai.asarray(state[path], device=own[path].device) for path in own}

    def settings(self) -> str:
        """Return what `repr` writes between the parentheses: the plain values assigned to self."""
        plain = (bool, int, float, str, type(None))
        return ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if isinstance(value, plain) and name != "training" and not name.startswith("_")
        )

    def __repr__(self) -> str:
        return "\n".join(
            (f"  {path}: " if path else "") + f"{type(found).__name__}({found.settings()})"
            for path, found in walk(self)
            if isinstance(found, Module)
        )


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield every module, tensor and generator in ``root`` with its dotted path.

    Depth first, attributes in the order in which they were assigned, through modules, lists, tuples
    and dicts. Each object comes once, under the first path that leads to it: tied weights have one
    name, and a module that holds its owner does no harm. ``root`` itself has the path ``""``.

    Raises
    ------
    ValueError
        When two different objects have the same path, as in ``{"a.b": x, "a": {"b": y}}``.
    """
    seen: dict[int, Any] = {}
    paths: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        path, found = waiting.pop()
        found = behind(found)  # of a compiled model the model
        children = _children(found)
        leaf = isinstance(found, ai.Tensor | ai.Generator)
        if (children is None and not leaf) or id(found) in seen:
            continue
        # Holding the object keeps its id from being given to another one during the walk.
        seen[id(found)] = found
        if leaf or isinstance(found, Module):
            if path in paths:
                raise ValueError(
                    f"walk: two different objects have the path {path!r}, so one would overwrite "
                    f"the other when saved. Rename a dict key: a key with a dot, or the keys 1 and "
                    f"'1' side by side, make such paths."
                )
            paths.add(path)
            yield path, found
        prefix = path + "." if path else ""
        if children is not None:
            waiting += [(prefix + str(name), child) for name, child in reversed(children)]


def _children(found: Any) -> list[tuple[Any, Any]] | None:
    if isinstance(found, Module):
        return list(found.members())
    if isinstance(found, dict):
        return list(found.items())
    if isinstance(found, list | tuple):
        return list(enumerate(found))
    return None


def _state(root: Any) -> Iterator[tuple[str, ai.Tensor]]:
    # A recorded result that a forward pass left on self is no state: it is computed again.
    return (
        (path, found)
        for path, found in walk(root)
        if isinstance(found, ai.Tensor) and found.is_leaf
    )


def check_entries(caller: str, own: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a state that does not fit, naming everything that differs at once.

    Parameters
    ----------
    caller : str
        Who asks, for the message.
    own, given : mapping from name to Tensor or array
        What there is, and what is to be loaded over it; only shapes and dtypes are compared.

    Raises
    ------
    ValueError
        One line for every missing, extra, mis-shaped and mis-typed entry.
    """
    lines = [f"missing: {name} {_describe(own[name])}" for name in own if name not in given]
    lines += [f"extra:   {name} {_describe(given[name])}" for name in given if name not in own]
    for name in own:
        if name not in given:
            continue
        mine, theirs = _describe(own[name]), _describe(given[name])
        if mine != theirs:
            lines.append(f"differs: {name} is {mine} here and {theirs} in the state")
    if lines:
        raise ValueError(
            f"{caller}: the state does not fit, and nothing was loaded.\n  "
            + "\n  ".join(lines)
            + "\nLoad it into the model that it was saved from (same layers, sizes and dtypes), or "
            "edit the dict's entries first."
        )


def _describe(entry: Any) -> str:
    if hasattr(entry, "shape") and hasattr(entry, "dtype"):
        return f"{tuple(entry.shape)} {getattr(entry.dtype, 'name', entry.dtype)}"
    return f"a {type(entry).__name__}"


def summary(model: Any) -> str:
    """Return a table of a model: every module with its own tensors, their shapes and counts.

    Parameters
    ----------
    model : Module, or list, tuple or dict of modules

    Returns
    -------
    str
        One row per module that comes first under its path: path, type, ``name (shape)`` of each
        parameter and buffer it owns, and how many numbers the parameters hold. Tied weights are
        counted once. Below stand the total and the memory in bytes.

    Examples
    --------
    >>> print(nn.summary(nn.Linear(2, 3)))
    path    type    tensors                   parameters
    (self)  Linear  weight (3, 2), bias (3,)           9
    total: 9 parameters, 36 bytes
    """
    rows: dict[str, tuple[str, list[str], int]] = {}
    tensors: list[ai.Tensor] = []
    for path, found in walk(model):
        if isinstance(found, Module):
            rows[path] = (type(found).__name__, [], 0)
        elif isinstance(found, ai.Tensor) and found.is_leaf:
            tensors.append(found)
            owner = _owner(path, rows)
            kind, shapes, count = rows.setdefault(owner, (type(model).__name__, [], 0))
            name = path[len(owner) :].lstrip(".")
            trained = isinstance(found, Parameter)
            note = "" if trained and found.requires_grad else " frozen" if trained else " buffer"
            shapes.append(f"{name} {found.shape}{note}")
            rows[owner] = (kind, shapes, count + (found.size if trained else 0))
    table = [("path", "type", "tensors", "parameters")]
    for path, (kind, shapes, count) in rows.items():
        table.append((path or "(self)", kind, ", ".join(shapes), f"{count:,}"))
    return "\n".join([*_align(table), _totals(tensors)])


def _owner(path: str, modules: Iterable[str]) -> str:
    while path not in modules and path:
        path = path.rpartition(".")[0]
    return path


def _align(table: list[tuple[str, str, str, str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        f"{path:<{widths[0]}}  {kind:<{widths[1]}}  {shapes:<{widths[2]}}  {count:>{widths[3]}}"
        for path, kind, shapes, count in table
    ]


def _totals(tensors: list[ai.Tensor]) -> str:
    parameters = [tensor for tensor in tensors if isinstance(tensor, Parameter)]
    total = sum(tensor.size for tensor in parameters)
    frozen = sum(tensor.size for tensor in parameters if not tensor.requires_grad)
    size = sum(int(tensor.data.nbytes) for tensor in tensors)
    kept = f" ({frozen:,} of them frozen)" if frozen else ""
    return f"total: {total:,} parameters{kept}, {size:,} bytes"
