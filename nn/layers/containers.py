"""Containers: modules that are made of other modules."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, overload

from nn.module import Module

Layer = Callable[[Any], Any]


class Sequential(Module):
    """Calls its layers one after the other.

    It is read and changed like a list of them: ``model[0]``, ``model[-1]``, ``model[0] = layer``,
    ``del model[0]``, ``len(model)``, ``for layer in model``. A slice is a Sequential of the same
    layers. The layers' numbers are their names: the weight of the first one is ``"0.weight"`` in
    the `state_dict`.

    Parameters
    ----------
    *layers : Module or function
        Anything that is called with one Tensor and returns one.

    Raises
    ------
    TypeError
        When one of them cannot be called.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    >>> model(ai.zeros((5, 2))).shape
    (5, 1)
    >>> model[0].weight.shape
    (8, 2)
    >>> [path for path, _ in model.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Layer) -> None:
        # Never changed in place, so that a plan that was captured with them sees that they are
        # others now.
        self._layers: tuple[Layer, ...] = tuple(
            _called(layer, f"argument {index}") for index, layer in enumerate(layers)
        )

    def forward(self, x: Any) -> Any:
        """Return ``self[-1](... self[0](x))``."""
        for layer in self._layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self._layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._layers)

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Any: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(*self._layers[index])
        return self._layers[self._place(index)]

    def __setitem__(self, index: int, layer: Layer) -> None:
        place = self._place(index)
        new = _called(layer, f"layer {place}")
        self._layers = (*self._layers[:place], new, *self._layers[place + 1 :])

    def __delitem__(self, index: int | slice) -> None:
        layers = list(self._layers)
        del layers[index if isinstance(index, slice) else self._place(index)]
        self._layers = tuple(layers)

    def append(self, layer: Layer) -> Self:
        """Add a layer at the end; return the container."""
        return self.insert(len(self), layer)

    def extend(self, layers: Iterable[Layer]) -> Self:
        """Add layers at the end; return the container."""
        added = [_called(layer, f"layer {index} of extend") for index, layer in enumerate(layers)]
        self._layers = (*self._layers, *added)
        return self

    def insert(self, index: int, layer: Layer) -> Self:
        """Put a layer before the one at ``index``, or at the end; return the container."""
        place = len(self) if index == len(self) else self._place(index)
        new = _called(layer, f"layer {place}")
        self._layers = (*self._layers[:place], new, *self._layers[place:])
        return self

    def members(self) -> Iterator[tuple[Any, Any]]:
        """Yield what `walk` finds in it: the layers under their numbers, attributes by name."""
        for name, value in vars(self).items():
            if name == "_layers":
                yield from enumerate(self._layers)
            else:
                yield name, value

    def settings(self) -> str:
        """Name the layers that are plain functions; modules have their own lines."""
        functions = [
            f"{index}={getattr(layer, '__name__', type(layer).__name__)}"
            for index, layer in enumerate(self._layers)
            if not isinstance(layer, Module)
        ]
        return ", ".join(filter(None, [super().settings(), *functions]))

    def _place(self, index: Any) -> int:
        """Return an index counted from the start."""
        try:
            place = operator.index(index)
        except TypeError:
            raise TypeError(
                f"Sequential: layers are found by an integer, as in model[0], and this is a "
                f"{type(index).__name__}. A slice can be read and deleted, not assigned to: assign "
                f"its layers one by one."
            ) from None
        count = len(self._layers)
        if not -count <= place < count:
            raise IndexError(
                f"Sequential: there is no layer {place} among {count}; append adds one at the end."
            )
        return place % count


def _called(layer: Layer, name: str) -> Layer:
    """Return what was given as a layer, if it can be one."""
    if not callable(layer):
        raise TypeError(
            f"Sequential: {name} is a {type(layer).__name__}, which cannot be called. Pass the "
            f"layers one by one: Sequential(first, second), or Sequential(*layers) from a list."
        )
    return layer
