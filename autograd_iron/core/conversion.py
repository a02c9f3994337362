"""Leaving the engine, or moving in it: to Python numbers, NumPy, another device or dtype."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd_iron.arrays import device as devices
from autograd_iron.arrays import dtypes
from autograd_iron.core import interop
from autograd_iron.core.switches import switches

if TYPE_CHECKING:
    from autograd_iron.core.tensor import Tensor

STANDARDS = ("2021.12", "2022.12", "2023.12", "2024.12")  # of the array API, which Tensors follow


class Conversion:
    """The part of a Tensor that gives its values to others."""

    __slots__ = ()

    def to(self: Any, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the values on a device, in a dtype, or both; this tensor itself if they are so.

        ``x.to("cuda")``, ``x.to(ai.float64)``, ``x.to("cuda", ai.float64)``, ``x.to(other)``.
        Gradients flow back to the device and the dtype that they came from.

        Parameters
        ----------
        device : str, dtype or Tensor, optional
            "cpu", "cuda" (which is "cuda:0"), "cuda:1" and so on; or a dtype; or a Tensor whose
            device and dtype are meant.  What is not named stays as it is.
        dtype : dtype or str, optional

        Raises
        ------
        ValueError, ImportError, RuntimeError
            There is no such device.
        TypeError
            There is no such dtype, or two were given.
        """
        if dtype is None and isinstance(device, str) and device == self.device:
            return self
        device, dtype = destination(device, dtype)
        if device is None or device == self.device:
            moved = self
        else:
            moved = switches().executor.move(self, device)
        return moved if dtype is None or dtype == moved.dtype else moved.astype(dtype)

    def cpu(self: Any) -> Tensor:
        """Return the tensor on the host: PyTorch's word for `to("cpu")`."""
        return self.to("cpu")

    def cuda(self: Any, device: int | str | None = None) -> Tensor:
        """Return the tensor on a GPU: PyTorch's word for `to("cuda")`; the first by default."""
        return self.to(f"cuda:{device or 0}" if not isinstance(device, str) else device)

    def numpy(self: Any) -> Any:
        """Return the values as a read-only numpy.ndarray: the host's memory itself, or a copy."""
        return devices.read_only(switches().executor.read(self))

    def item(self: Any, *place: Any) -> float | int | bool | complex:
        """Return the value of a single-element tensor as a Python number.

        Parameters
        ----------
        *place : int or tuple of int
            Of a larger one, which element: its number in row-major order, or one for each axis.

        Raises
        ------
        ValueError
            No place is given, and it has another number of elements.
        """
        if place:
            chosen: float | int | bool | complex = switches().executor.read(self).item(*place)
            return chosen
        if self.size != 1:
            raise ValueError(
                f"a tensor of shape {self.shape} has {self.size} elements, not one: "
                "index or reduce it first, or use .numpy()"
            )
        value: float | int | bool | complex = switches().executor.read(self).item()
        return value

    def tolist(self: Any) -> Any:
        """Return the values as nested Python lists."""
        return switches().executor.read(self).tolist()

    def __float__(self: Any) -> float:
        return float(self._real_item("float"))

    def __int__(self: Any) -> int:
        return int(self._real_item("int"))

    def _real_item(self: Any, kind: str) -> Any:
        number = self.item()
        if isinstance(number, complex):
            raise TypeError(
                f"a {self.dtype} tensor is no {kind}; use complex(t), or a part of it: t.real, "
                "t.imag, abs(t)"
            )
        return number

    def __complex__(self: Any) -> complex:
        return complex(self.item())

    def __bool__(self: Any) -> bool:
        return bool(self.item())

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if spec else repr(self)

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.node is not None:
            raise TypeError(
                "NumPy asked for the values of a tensor that requires a gradient, which would "
                "cut it off from the graph. Use .detach() or .numpy() if that is meant; tensors in "
                "a list are joined by ai.stack or ai.concat"
            )
        if self.device != "cpu":
            raise TypeError(
                f"NumPy asked for the values of a tensor on {self.device}, which would have to be "
                "waited for and copied. Use .numpy() if that is meant"
            )
        values = self.numpy()
        if dtype is not None and dtype != values.dtype:
            if copy is False:
                raise ValueError(f"a {self.dtype} tensor cannot become {dtype} without a copy")
            return values.astype(dtype)
        return values.copy() if copy else values

    def __dlpack__(
        self: Any,
        *,
        stream: Any = None,
        max_version: Any = None,
        dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:
        if self.node is not None:
            raise BufferError(
                "another library asked for the values of a tensor that requires a gradient, which "
                "would cut it off from the graph. Give it t.detach() if that is meant"
            )
        switches().executor.forbid(
            "another library asks for the values of a Tensor", "Give it what the step returns."
        )
        asked = {
            "stream": stream,
            "max_version": max_version,
            "dl_device": dl_device,
            "copy": copy,
        }
        return self.data.__dlpack__(**{k: v for k, v in asked.items() if v is not None})

    def __dlpack_device__(self: Any) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def __array_namespace__(self: Any, *, api_version: str | None = None) -> Any:
        if api_version not in (None, *STANDARDS):
            raise ValueError(
                f"the array API standard of {api_version!r} is not known here; these are: "
                f"{', '.join(STANDARDS)}"
            )
        return import_module(__name__.partition(".")[0])

    def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Tensor:
        """Return the tensor on a device: the array API standard's word for `to`.

        Raises
        ------
        ValueError
            There is no such device, or a `stream` is given.
        """
        if stream is not None:
            raise ValueError("to_device: stream is not supported: results wait for the copy")
        return self.to(devices.full_name(device))

    def __array_ufunc__(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return interop.ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return interop.function(function, args, kwargs)


def destination(device: Any, dtype: Any) -> tuple[str | None, Any]:
    """Return the full name of the device and the dtype that `to` was given, None for neither.

    See `Tensor.to` for the parameters and errors.
    """
    if device is not None and not _names_a_device(device):
        if dtype is not None:
            what = "a Tensor" if hasattr(device, "node") else "a dtype"
            raise TypeError(f"to: a second dtype, {dtype!r}, after {what}; give one of the two")
        if hasattr(device, "node"):
            return device.device, device.dtype
        device, dtype = None, device
    there = None if device is None else devices.full_name(device)
    return there, None if dtype is None else dtypes.dtype(dtype)


def _names_a_device(given: Any) -> bool:
    if not isinstance(given, str):
        return False
    if given.startswith(("cpu", "cuda")):
        return True
    try:
        dtypes.dtype(given)
    except TypeError:
        return True
    return False
