"""Minibatches of arrays that are already in memory."""

from collections.abc import Callable, Mapping
from typing import Any

import autograd_iron as ai
from autograd_iron.arrays.device import full_name
from autograd_iron.arrays.staging import Feed, Sent
from autograd_iron.support.closed import Closed
from autograd_iron.support.integers import integer


class Batches(Closed):
    """Endless batches of samples, in an order that a checkpoint can resume exactly.

    Every epoch draws one permutation of the samples and gathers slices of it, so each sample is
    seen once an epoch. The last batch of an epoch may be short, and a very short one makes a noisy
    step: choose a `batch_size` that leaves no small remainder.

    Parameters
    ----------
    *arrays : Tensor, ndarray or nested list
        At least one, all with the same length along their first axis, which counts the samples.
        Arrays keep their dtype and share their memory with the caller's.
    batch_size : int, optional
        Samples in a batch. Without it every batch is all the samples in their own order, as views:
        nothing is shuffled and nothing copied.
    generator : Generator, optional
        Draws the permutations. Without it one with seed 0 does.
    shuffle : bool
        False takes the samples in their own order, as views.
    device : str, optional
        Where all the arrays go at once, here and now; by default they stay where they are. On a GPU
        each epoch's order, the same as on the host, is copied there when the epoch begins; within
        it nothing is copied or waited for.
    resident : bool
        False is for arrays that do not fit on the GPU: they stay on the host, and each batch is
        gathered there and copied while the GPU still computes on the batch before. Where they do
        fit, True takes less of the host's time. On the CPU there is no difference.

    Attributes
    ----------
    epoch : int
        The epoch that the last batch came from, counted from 0.

    Raises
    ------
    ValueError
        No arrays, arrays of different lengths, no samples, or a `batch_size` below 1; or arrays
        that are to stay on the host, but without a `batch_size`, or not there.

    Examples
    --------
    >>> import numpy as np
    >>> data = Batches(np.arange(5), batch_size=2, shuffle=False)
    >>> [batch.numpy().tolist() for (batch,) in (data.next_batch() for _ in range(4))]
    [[0, 1], [2, 3], [4], [0, 1]]
    """

    def __init__(
        self,
        *arrays: Any,
        batch_size: int | None = None,
        generator: ai.Generator | None = None,
        shuffle: bool = True,
        device: str | None = None,
        resident: bool = True,
    ) -> None:
        batch_size = None if batch_size is None else _whole("batch_size", batch_size)
        fed = None if device is None or resident else full_name(device)
        fed = None if fed == "cpu" else fed
        with ai.no_grad():
            to = None if fed else device
            self._tensors = [ai.asarray(array, device=to).detach() for array in arrays]
        self._arrays = [tensor.data for tensor in self._tensors]
        _check_arrays(self._arrays, batch_size)
        self._feed: Feed | None = None
        self._ahead: Sent | None = None
        if fed is not None:
            rows = _checked_rows(self._tensors, batch_size)
            self._feed = Feed(self._arrays, rows, fed)
        self.batch_size = batch_size
        self.shuffle = bool(shuffle) and batch_size is not None
        self._generator = ai.Generator(0) if generator is None else generator
        self._limit: int | None = None
        self._position: int
        self._drawn_from: int
        self._epoch_generator: dict[str, Any]
        self._order: Any
        self._start_epoch(0)

    def __len__(self) -> int:
        """The number of samples, whatever the limit."""
        return len(self._arrays[0])

    @property
    def limit(self) -> int | None:
        """Only the first `limit` samples are drawn from; None, all of them.

        Setting it to another value starts a new epoch at once.
        """
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        limit = None if limit is None else _whole("limit", limit)
        if limit is not None and not 1 <= limit <= len(self):
            raise ValueError(f"limit must be from 1 to the {len(self)} samples, got {limit}")
        if limit != self._limit:
            self._limit = limit
            self._start_epoch(self.epoch + 1)

    @property
    def width(self) -> int:
        """How many arrays a batch has."""
        return len(self._arrays)

    def not_finite(self) -> str:
        """Say which arrays hold nan or infinity, and how many; empty when none does.

        Returns
        -------
        str
        """
        counts = [array.size - int(ai.sum(ai.isfinite(array))) for array in self._tensors]
        return ", ".join(
            f"array {index} holds {count} values that are nan or infinite"
            for index, count in enumerate(counts)
            if count
        )

    def look_at_target(self, look: Callable[[Any], object]) -> None:
        """Call a function with the raw array that is the last of each batch, where it lives."""
        with ai.extend.capture.on_device_of(self._tensors[-1]):
            look(self._arrays[-1])

    def next_batch(self) -> tuple[ai.Tensor, ...]:
        """Return the next batch.

        Returns
        -------
        tuple of Tensor
            One for each array, of shape ``(samples in the batch, ...)`` and the array's dtype.
        """
        if self._position >= self._drawn_from:
            self._start_epoch(self.epoch + 1)
        first, last = self._position, self._end(self._position)
        self._position = last
        if self._feed is not None:
            return tuple(ai.Tensor(array) for array in self._fed(self._feed, first, last))
        if self._order is None:
            return tuple(ai.Tensor(array[first:last]) for array in self._arrays)
        return tuple(self._gathered(array, first, last) for array in self._tensors)

    def _end(self, first: int) -> int:
        return min(first + (self.batch_size or self._drawn_from), self._drawn_from)

    def _fed(self, feed: Feed, first: int, last: int) -> list[Any]:
        """Return the batch that is on its way, and send the one after it."""
        sent = self._ahead or feed.send(self._rows(first, last))
        # Never ahead of the epoch: the order of the next one is not drawn yet, and others may draw
        # from the same generator, or set another limit, before it is.
        more = last < self._drawn_from
        self._ahead = feed.send(self._rows(last, self._end(last))) if more else None
        return sent.receive()

    def _rows(self, first: int, last: int) -> Any:
        return slice(first, last) if self._order is None else self._order["cpu"].data[first:last]

    def _gathered(self, tensor: ai.Tensor, first: int, last: int) -> ai.Tensor:
        order = self._order[tensor.device].data
        with ai.extend.capture.on_device_of(tensor):
            return ai.Tensor(tensor.data.take(order[first:last], axis=0))

    def state_dict(self) -> dict[str, Any]:
        """What resumes the exact order of samples, as JSON values.

        The permutation itself is not in it: the generator's state at the start of the epoch
        draws it again, and takes a few bytes where the permutation takes eight for each sample.

        Returns
        -------
        dict
        """
        return {
            "samples": len(self),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "limit": self._limit,
            "epoch": self.epoch,
            "position": self._position,
            "epoch_generator": self._epoch_generator,
            "generator": self._generator.state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; the arrays themselves are not in it.

        Parameters
        ----------
        state : mapping
            A `state_dict` of batches with the same number of samples, batch size and shuffling.

        Raises
        ------
        ValueError
            The state is of other batches; the text names what differs, and nothing is changed.
        """
        self.check_state_dict(state)
        self._limit = state["limit"]
        self._generator.state = state["epoch_generator"]
        self._start_epoch(state["epoch"])
        self._position = state["position"]
        # Others may have drawn from the same generator since the epoch began.
        self._generator.state = state["generator"]

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise what `load_state_dict` would raise, and load nothing."""
        mine = self.state_dict()
        missing = sorted(mine.keys() - state.keys())
        if missing:
            raise ValueError(f"the state of the batches lacks {', '.join(missing)}")
        differing = [
            f"{name} is {mine[name]} here and {state[name]} in the state"
            for name in ("samples", "batch_size", "shuffle")
            if mine[name] != state[name]
        ]
        if differing:
            raise ValueError(
                f"the state is of other batches: {'; '.join(differing)}. "
                f"Resume with the same data and the same batch size."
            )
        limit, epoch, position = (state[name] for name in ("limit", "epoch", "position"))
        counts = [epoch, position, *([] if limit is None else [limit])]
        end = len(self) if limit is None else limit
        if not all(type(count) is int for count in counts) or not (
            epoch >= 0 and 1 <= end <= len(self) and 0 <= position <= end
        ):
            raise ValueError(
                f"the state of the batches cannot be: epoch {epoch!r}, position {position!r} and "
                f"limit {limit!r} of {len(self)} samples"
            )
        for name in ("epoch_generator", "generator"):
            ai.Generator().state = state[name]

    def _start_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self._ahead = None
        self._position = 0
        self._drawn_from = self._limit or len(self)
        self._epoch_generator = self._generator.state
        self._order = None
        if self.shuffle:
            order = self._generator.permutation(self._drawn_from)
            places = {tensor.device for tensor in self._tensors}
            self._order = {place: order.to(place) for place in places}


def _whole(name: str, given: Any) -> int:
    whole = integer(given)
    if whole is None:
        raise TypeError(f"{name} counts samples: it is a whole number or None, not {given!r}")
    return whole


def _check_arrays(arrays: list[Any], batch_size: int | None) -> None:
    if not arrays:
        raise ValueError("Batches needs at least one array: Batches(inputs, targets)")
    shapes = ", ".join(str(array.shape) for array in arrays)
    if any(array.ndim == 0 for array in arrays):
        raise ValueError(f"Batches needs arrays whose first axis counts the samples, got {shapes}")
    if len({len(array) for array in arrays}) > 1:
        raise ValueError(
            f"Batches needs arrays with the same number of samples, got shapes {shapes}"
        )
    if len(arrays[0]) == 0:
        raise ValueError(f"Batches needs at least one sample, got shapes {shapes}")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, or None for everything, got {batch_size}")


def _checked_rows(tensors: list[ai.Tensor], batch_size: int | None) -> int:
    """Return how many samples a batch that is copied to a GPU has at most."""
    for index, tensor in enumerate(tensors):
        if tensor.device != "cpu":
            raise ValueError(
                f"resident=False copies each batch from the host, and array {index} is on "
                f"{tensor.device} already: leave it out, or give the arrays of the host"
            )
    if batch_size is None:
        raise ValueError(
            "resident=False needs a batch_size: without one every batch is all the data, and then "
            "it must fit on the GPU anyway"
        )
    return min(batch_size, len(tensors[0]))
