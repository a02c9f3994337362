"""Copies between the host and a GPU that run beside the computation, through pinned memory.

The GPU copies from and to pinned memory by itself, while the host goes on.  So nobody may write
there, or give it back, before the copy is over; and on the GPU whatever uses a copy must be told to
come after it.  Both are done by events, here and nowhere else.
"""

from __future__ import annotations

import weakref
from functools import cache
from itertools import cycle
from typing import Any, NoReturn

from autograd_iron.arrays import cuda


class Feed:
    """Sends rows of the host's arrays to a GPU, ahead of the work that needs them.

    While the GPU copies the rows of one call, the host can gather those of the next; it waits
    only where the call before the last is not copied yet.  A copy begins after the work that the
    GPU was given before the call, since it may get memory that this work was the last to use.

    Parameters
    ----------
    arrays : list of numpy.ndarray
    rows : int
        The most rows of a call.
    device : str
        A GPU.
    """

    def __init__(self, arrays: list[Any], rows: int, device: str) -> None:
        self._arrays = arrays
        self._number = cuda.number_of(device)
        with cuda.cupy_on(self._number):
            slots = [
                _Slot([cuda.pinned((rows, *array.shape[1:]), array.dtype) for array in arrays])
                for _ in range(2)
            ]
        self._slots = cycle(slots)
        _keep_until_copied(self, slots)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "batches that are copied to a GPU as they come (resident=False) cannot be copied or "
            "pickled: they hold locked memory of this process. Make them again from the arrays, "
            "and give them the state_dict() of these"
        )

    def send(self, rows: Any) -> Sent:
        """Begin to copy rows of each array.

        Parameters
        ----------
        rows : slice, or array of int64
            Which; a slice has a start and a stop within the arrays.
        """
        slot = next(self._slots)
        slot.wait()
        gathered = [
            _gather(array, rows, buffer)
            for array, buffer in zip(self._arrays, slot.buffers, strict=True)
        ]
        with cuda.cupy_on(self._number):
            stream = _copying(self._number)
            computing = cuda.cupy.cuda.get_current_stream()
            with stream:
                arrays = [self._empty(values) for values in gathered]
                stream.wait_event(_mark(computing))
                for array, values in zip(arrays, gathered, strict=True):
                    array.set(values)
            slot.copied = _mark(stream)
        return Sent(arrays, self._number, slot.copied)

    def _empty(self, like: Any) -> Any:
        make = cuda.cupy.empty
        return cuda.attempt(
            lambda: make(like.shape, like.dtype), self._number, f"moving {like.nbytes} bytes"
        )


class Sent:
    """Rows on their way to a GPU; made by `Feed.send`."""

    def __init__(self, arrays: list[Any], number: int, copied: Any) -> None:
        self._arrays, self._number, self._copied = arrays, number, copied

    def receive(self) -> list[Any]:
        """Return them as arrays of the GPU, whose work from now on waits until they are there."""
        with cuda.cupy_on(self._number):
            cuda.cupy.cuda.get_current_stream().wait_event(self._copied)
        return self._arrays


class Reading:
    """The number in an array of one element, read without waiting for it.

    Parameters
    ----------
    array : numpy.ndarray or cupy.ndarray
        On a GPU it is copied as it is after the work so far, whatever is asked of the GPU later.
    """

    def __init__(self, array: Any) -> None:
        self._slot = _Slot([array])
        if cuda.is_array(array):
            with array.device:
                self._slot.buffers = [cuda.pinned(array.shape, array.dtype)]
                array.get(out=self._slot.buffers[0], blocking=False)
                self._slot.copied = _mark(cuda.cupy.cuda.get_current_stream())
            _keep_until_copied(self, [self._slot])

    @property
    def is_there(self) -> bool:
        """Whether the number is known without a wait: on the host always."""
        return self._slot.copied is None

    def value(self) -> float:
        """Return the number; wait for it, but for nothing asked of the GPU since, if need be."""
        self._slot.wait()
        return float(self._slot.buffers[0].item())


class _Slot:
    """Memory of the host that a copy may be using."""

    def __init__(self, buffers: list[Any]) -> None:
        self.buffers = buffers
        self.copied: Any = None

    def wait(self) -> None:
        """Return once the copy is over."""
        if self.copied is not None:
            self.copied.synchronize()
            self.copied = None


def _keep_until_copied(owner: Any, slots: list[_Slot]) -> None:
    """Have what lies in the slots outlive its owner until the GPU is done with it."""
    # At exit nobody gets the memory any more, and CuPy may be gone.
    weakref.finalize(owner, _wait, slots).atexit = False


def _wait(slots: list[_Slot]) -> None:
    for slot in slots:
        slot.wait()


@cache
def _copying(number: int) -> Any:
    """Return the stream of the copies to a GPU: one for all, and for ever.

    The memory that they fill is this stream's, so that a copy cannot meet in it what is left of
    another copy; and what is freed late must not go to a later stream of the same handle.
    """
    return cuda.cupy.cuda.Stream(non_blocking=True)


def _mark(stream: Any) -> Any:
    """Return an event: the end of what a stream was given so far."""
    return stream.record(cuda.cupy.cuda.Event(disable_timing=True))


def _gather(array: Any, rows: Any, buffer: Any) -> Any:
    """Copy rows into a buffer; return the part of it that they take."""
    if isinstance(rows, slice):
        filled = buffer[: rows.stop - rows.start]
        filled[...] = array[rows]
    else:
        filled = buffer[: len(rows)]
        # Not the default mode, "raise", in which NumPy fills a copy of the buffer first.
        array.take(rows, axis=0, out=filled, mode="clip")
    return filled
