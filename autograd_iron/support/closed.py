"""Objects that take no attribute but their own: `optimizer.lr = 0.1` raises, and says `lr`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar


class Closed:
    """What users configure by its attributes: setting one that it does not have raises.

    Its attributes are those that its class declares and those that its `__init__` sets.

    Attributes
    ----------
    names_elsewhere : dict of str to str
        What other libraries call some of them, and the name that each has here.
    """

    names_elsewhere: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            # A class's own method is replaced: nothing else sees the end of the outermost one.
            cls.__init__ = _closing(cls.__init__)  # type: ignore[method-assign]

    def close(self) -> None:
        """Take no further attribute; the end of `__init__` does this by itself."""
        vars(self)["_closed"] = True

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(self)
        if name not in own and "_closed" in own and not hasattr(type(self), name):
            raise AttributeError(self._no_attribute(name))
        super().__setattr__(name, value)

    def _no_attribute(self, name: str) -> str:
        from difflib import get_close_matches

        kind = type(self)
        known = [n for n in dir(self) if not n.startswith("_") and n not in dir(Closed)]
        known = [n for n in known if not callable(getattr(kind, n, None))]
        meant = self.names_elsewhere.get(name)
        near = [meant] if meant else get_close_matches(name, known, 1)
        advice = f"Write .{near[0]}" if near else f"It has {', '.join(known) or 'none'}"
        return (
            f"{kind.__name__} has no attribute {name!r}, and setting it would change nothing. "
            f"{advice}. (An attribute of your own is set in the __init__ of a subclass.)"
        )


def _closing(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def made(self: Closed, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except TypeError:
            _advise(type(self), init, kwargs)
            raise
        if type(self).__init__ is made:
            self.close()

    return made


def _advise(kind: type[Closed], init: Callable[..., None], given: Mapping[str, Any]) -> None:
    """Raise what to write instead of an argument that has another name elsewhere."""
    from inspect import signature

    known = signature(init).parameters
    for name in given:
        meant = kind.names_elsewhere.get(name)
        if name not in known and meant in known:
            raise TypeError(f"{kind.__name__} has no argument {name!r}. Write {meant}=") from None


Closed.__init__ = _closing(Closed.__init__)  # type: ignore[method-assign]
