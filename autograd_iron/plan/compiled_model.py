"""`ai.compile(model)`: called as a plan, and in all else the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any

from autograd_iron.plan.compiled import Compiled
from autograd_iron.support.stand_in import StandIn

_SPECIAL = (
    *("__len__", "__iter__", "__reversed__", "__contains__"),
    *("__getitem__", "__setitem__", "__delitem__"),
)


class CompiledModel(Compiled, StandIn):
    """A model whose calls replay a plan; made by `compile`.

    Attributes that it does not have itself (`plan`, `explain`, `eject`) are those of the model:
    reading, setting and deleting goes there.  What a method of the model returns as itself, as
    `model.eval()` does, is the compiled one.
    """

    def __init__(self, model: Any, threads: int | None) -> None:
        super().__init__(model, threads)

    @property
    def behind(self) -> Any:
        """The model."""
        return self._function

    # So that isinstance(compiled, nn.Module) holds, which this package does not know.
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._function)

    def __getattr__(self, name: str) -> Any:
        if "_function" not in vars(self):  # half made
            raise AttributeError(name)
        value = getattr(self._function, name)
        if isinstance(value, MethodType) and value.__self__ is self._function:
            return self._answering(value)
        return value

    def _answering(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            return self if answer is self._function else answer

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(self)
        if "_closed" not in own or name in own or hasattr(CompiledModel, name):
            super().__setattr__(name, value)
        else:
            setattr(self._function, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._function, name)

    def __dir__(self) -> list[str]:
        return sorted({*dir(CompiledModel), *dir(self._function)})

    def __repr__(self) -> str:
        return repr(self._function)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self

    def __reduce__(self) -> Any:
        return compiled_model, (self._function, self._threads)


def compiled_model(model: Any, threads: int | None) -> CompiledModel:
    """Return the compiled model; it has a length, say, if the model has one."""
    kind = type(model)
    special = {name: _passed_on(name) for name in _SPECIAL if hasattr(kind, name)}
    made: CompiledModel = type("CompiledModel", (CompiledModel,), special)(model, threads)
    return made


def _passed_on(name: str) -> Callable[..., Any]:
    def call(self: CompiledModel, *args: Any) -> Any:
        return getattr(self.behind, name)(*args)

    return call
