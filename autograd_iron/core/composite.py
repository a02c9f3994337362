"""Functions that are written in the words of the vocabulary, and join it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property, partial, update_wrapper
from typing import Any

from autograd_iron.arrays import dtypes, intake
from autograd_iron.core.explain import EXPLAINED, bare_text, is_bare, plain_kind
from autograd_iron.core.registry import Vocabulary, on_tensors, register
from autograd_iron.core.tensor import Tensor


class Composite:
    """A function written in the vocabulary's words: `(F, *args, **kwargs)`.

    Its gradient follows from what it is made of.

    Attributes
    ----------
    name : str
        In the vocabulary, where no two have one name.
    called : str
        What errors call it: what users type.
    """

    name: str
    __qualname__: str

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.name = self.called = function.__name__
        self.function = function
        self._public: Callable[..., Any] | None = None
        register(self)

    @cached_property
    def __signature__(self) -> inspect.Signature:
        # When it is asked for: to read those of all functions takes longer than to import them.
        return inspect.Signature(list(inspect.signature(self.function).parameters.values())[1:])

    def __repr__(self) -> str:
        return f"<function {self.name}>"

    def __reduce__(self) -> str:
        return self.__qualname__

    def bind(self, F: Vocabulary) -> Callable[..., Any]:
        """Return the function on what `F` works on."""
        return partial(self.function, F)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on Tensors, arrays and numbers."""
        if self._public is None:
            self._public = self.bind(on_tensors)
        try:
            return self._public(*args, **kwargs)
        except EXPLAINED as error:
            raise plain_kind(error)(self._explain(args, kwargs, error)) from None

    def _explain(self, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception) -> str:
        if is_bare(error):
            return bare_text(self.called, self.__signature__, args, kwargs, error)
        return f"{self.called}: {error}"


def composite(function: Callable[..., Any], /) -> Composite:
    """Add a function `(F, *args, **kwargs)` to the vocabulary under its own name."""
    return Composite(function)


def operand(F: Vocabulary, x: Any, beside: tuple[Any, ...] = ()) -> Any:
    """Return what a composite was given as something with a shape, of which the words take it.

    Users give arrays, numbers and nested lists too; `beside` is what these meet, as in `as_array`:
    give it where there is more than one operand, so that a list goes to the others' device.  Where
    `F` works on raw arrays, numbers stay numbers, which widen nothing.
    """
    if isinstance(x, Tensor):
        return x
    if F.xp is None:
        return Tensor(intake.as_array(x, beside=beside))
    return x if hasattr(x, "ndim") or isinstance(x, int | float | complex) else F.xp.asarray(x)


def operands(F: Vocabulary, *given: Any) -> list[Any]:
    """Return several operands of a composite, each beside all of them; None stays None."""
    return [None if x is None else operand(F, x, given) for x in given]


def floating(F: Vocabulary, x: Any, beside: tuple[Any, ...] = ()) -> Any:
    """Return an operand of a composite in a floating dtype: float32, where it has none."""
    x = operand(F, x, beside)
    if getattr(x, "dtype", dtypes.default_float).kind in "biu":
        return F.astype(x, dtype=dtypes.default_float)
    return x
