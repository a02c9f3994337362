"""What all optimizers share: the parameters, the learning rate, a step, and saving."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any, ClassVar

import autograd_iron as ai
from autograd_iron.support.closed import Closed
from autograd_iron.support.watched import Watched
from nn.module import Module, check_entries

Schedule = Callable[[int], float]
Parameters = Iterable[ai.Tensor | tuple[str, ai.Tensor]]


class Optimizer(Watched, Closed):
    """What all optimizers share: the parameters, the learning rate, a step, and saving.

    A subclass names what its rule keeps per parameter in ``slots``, gives the rule as `update`, and
    the numbers that change from step to step as `numbers`: the rule finds them as 0-d arrays, so
    that a compiled step needs no new plan when they change.

    Parameters
    ----------
    params : iterable of Tensor, or of (str, Tensor)
        ``model.parameters()``, ``model.named_parameters()``, or a list of leaf tensors. The state
        is saved under the names; without names under the numbers 0, 1, ... in this order.
    lr : float, or function from the step (counted from 0) to a float
        The learning rate; see `nn.CosineDecay`.

    Attributes
    ----------
    parameters : dict of str to Tensor
        By name, or by number.
    step_count : int
        How many steps were made.

    Raises
    ------
    TypeError
        When the parameters are none: a model, one Tensor, or groups of parameters.
    ValueError
        When there are none, or one comes twice, or is no leaf, or the rate is negative or not
        finite.
    """

    slots: tuple[str, ...] = ()
    counts_updates = False
    names_elsewhere: ClassVar[dict[str, str]] = {"rate": "lr", "learning_rate": "lr"}

    def __init__(self, params: Parameters, lr: float | Schedule = 1e-3) -> None:
        self.parameters = _named(type(self).__name__, params)
        self.step_count = 0
        self._schedule: Schedule = lr if callable(lr) else _Constant(_checked_lr(lr))
        # By hand the rate was set to `_changed_to` where the schedule gave `_changed_from`. The
        # pair rather than the quotient, so that the rate reads exactly as it was set.
        self._changed_to = self._changed_from = 1.0
        self._numbers: dict[Any, list[ai.Tensor]] = {}
        self._entries = [
            _Entry(
                parameter,
                [ai.zeros(parameter.shape, parameter.dtype, parameter.device) for _ in self.slots],
            )
            for parameter in self.parameters.values()
        ]

    def numbers(self, lr: float, updates: int) -> tuple[float, ...]:
        """Return what the rule needs of the rate and of how often a parameter was updated."""
        return (lr,)

    def update(self, F: Any, p: Any, g: Any, slots: list[Any], numbers: list[Any]) -> Any:
        """Return ``(new p, *new slots)``: the rule of the subclass."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule: define `update`.")

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are.

        A gradient that is not finite makes parameters that are not finite: nothing is repaired in
        silence.  If the model was moved to another device since, what is kept of its parameters
        goes after it.
        """
        gradients = [(entry, entry.parameter.grad) for entry in self._entries]
        ready = [(entry, gradient) for entry, gradient in gradients if gradient is not None]
        active = [entry for entry, _ in ready]
        for entry in active:
            if entry.parameter.data is not entry.array:
                entry.follow()
            if self.counts_updates or not entry.numbers:
                late = self.step_count - entry.updates if self.counts_updates else 0
                entry.numbers = self._numbers_of(entry.parameter, late)
        if ai.extend.capture.capturing():
            for name in self._settings():
                ai.extend.capture.guard(self, name)  # frozen in a plan
        ai.extend.capture.each_time(partial(self._advance, active), partial(self._go_back, active))
        with ai.extend.capture.on_device_of(active[0].parameter) if active else nullcontext():
            for entry, gradient in ready:
                slots, numbers, parameter = entry.slots, entry.numbers, entry.parameter
                F, (p, g, *rest) = ai.extend.capture.operands(parameter, gradient, *slots, *numbers)
                new, *kept = self.update(F, p, g, rest[: len(slots)], rest[len(slots) :])
                parameter.assign(new)
                for slot, value in zip(slots, kept, strict=True):
                    slot.assign(value)

    def _numbers_of(self, parameter: ai.Tensor, late: int) -> list[ai.Tensor]:
        """Return where the numbers lie for parameters like this with so many updates not made."""
        key = parameter.dtype, parameter.device, late
        tensors = self._numbers.get(key)
        if tensors is None:
            count = len(self.numbers(0.0, 1))
            dtype, device, _ = key
            tensors = [ai.tensor(0.0, dtype=dtype, device=device) for _ in range(count)]
            self._numbers[key] = tensors
        return tensors

    def _advance(self, active: list[_Entry]) -> None:
        """Count the step, and put its numbers where the rule reads them: part of a plan's input."""
        lr = self.lr
        vars(self)["step_count"] += 1  # not `Watched`: a plan does not depend on it
        for (_, _, late), tensors in self._numbers.items():
            numbers = self.numbers(lr, self.step_count - late)
            for tensor, number in zip(tensors, numbers, strict=True):
                ai.extend.capture.fill(tensor, number)
        if self.counts_updates:
            for entry in active:
                entry.updates += 1

    def _go_back(self, active: list[_Entry]) -> None:
        vars(self)["step_count"] -= 1
        if self.counts_updates:
            for entry in active:
                entry.updates -= 1

    def zero_grad(self) -> None:
        """Forget all gradients: every ``.grad`` becomes None."""
        for parameter in self.parameters.values():
            parameter.grad = None

    @property
    def param_groups(self) -> tuple[_Group]:
        """The parameters and the settings under PyTorch's words: ``param_groups[0]["lr"]``.

        There is one group: an optimizer treats all its parameters alike.
        """
        return (_Group(self),)

    def _settings(self) -> list[str]:
        """Return the names of the settings beside the learning rate: its public attributes."""
        own = ("parameters", "step_count", "slots")
        return [name for name in vars(self) if not name.startswith("_") and name not in own]

    @property
    def lr(self) -> float:
        """The learning rate of the next step.

        Setting it changes the course from here on: the schedule continues, multiplied by the
        quotient of the new rate and the one that it gives at this step.

        Raises
        ------
        ValueError
            When the rate is negative or not finite, or the schedule is 0 here, so that no factor
            leads to the new rate.
        """
        planned = self._planned()
        if self._changed_to == self._changed_from:
            return planned
        return _checked_lr(self._changed_to * (planned / self._changed_from))

    @lr.setter
    def lr(self, value: float) -> None:
        value = _checked_lr(value)
        planned = self._planned()
        if planned == 0:
            raise ValueError(
                f"lr: the schedule gives 0 at step {self.step_count}, and a change by hand "
                f"multiplies the schedule, so no factor leads to {value:g}. Give the schedule a "
                f"floor above 0, as in CosineDecay(lr, steps, floor=1e-4), or more steps."
            )
        self._changed_to, self._changed_from = value, planned

    def _planned(self) -> float:
        return _checked_lr(self._schedule(self.step_count), self.step_count)

    def state_dict(self) -> dict[str, ai.Tensor]:
        """Return a snapshot of all that the next steps depend on, gradients and parameters apart.

        Returns
        -------
        dict of str to Tensor
            ``step`` (0-d int64), ``lr_scale`` (the rate set by hand, and what the schedule gave
            there: two float64), and ``<slot>.<parameter>`` for every slot of every parameter.
        """
        state = {
            "step": ai.tensor(self.step_count, dtype="int64"),
            "lr_scale": ai.tensor([self._changed_to, self._changed_from], dtype="float64"),
        }
        for name, entry in zip(self.parameters, self._entries, strict=True):
            for slot, value in zip(self.slots, entry.slots, strict=True):
                state[f"{slot}.{name}"] = ai.tensor(value)
            if self.counts_updates:
                state[f"updates.{name}"] = ai.tensor(entry.updates, dtype="int64")
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`.

        The schedule is not in it: it is this optimizer's own, so a script may be resumed with
        another one. A rate that was set by hand continues as the same multiple of it.

        Parameters
        ----------
        state : mapping from name to Tensor or array

        Raises
        ------
        ValueError
            Naming every missing, extra and differing entry, or a number that cannot be; the
            optimizer is then unchanged.
        """
        self.check_state_dict(state)
        self.step_count = int(state["step"].item())
        self._changed_to, self._changed_from = (float(number) for number in state["lr_scale"])
        for name, entry in zip(self.parameters, self._entries, strict=True):
            for slot, value in zip(self.slots, entry.slots, strict=True):
                value.assign(ai.asarray(state[f"{slot}.{name}"], device=value.device))
            if self.counts_updates:
                entry.updates = int(state[f"updates.{name}"].item())

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """Raise what `load_state_dict` would raise, and load nothing."""
        caller = f"{type(self).__name__}.load_state_dict"
        check_entries(caller, self.state_dict(), state)
        for value in state.values():
            ai.asarray(value)
        steps = int(state["step"].item())
        updates = [int(state[name].item()) for name in state if name.startswith("updates.")]
        changed = [float(number) for number in state["lr_scale"]]
        if steps < 0 or not all(0 <= count <= steps for count in updates):
            raise ValueError(f"{caller}: {steps} steps, with {updates} updates, cannot be")
        if not (0 <= changed[0] < math.inf and 0 < changed[1] < math.inf):
            raise ValueError(f"{caller}: a rate cannot have been changed from and to {changed}")


class _Constant:
    """The schedule of a plain rate."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def __call__(self, step: int) -> float:
        return self.lr


class _Group(Mapping[str, Any]):
    """What `Optimizer.param_groups` holds; writing into it changes the optimizer."""

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = optimizer

    def __iter__(self) -> Iterator[str]:
        return iter(["params", "lr", *self._optimizer._settings()])

    def __len__(self) -> int:
        return 2 + len(self._optimizer._settings())

    def __getitem__(self, name: str) -> Any:
        if name == "params":
            return list(self._optimizer.parameters.values())
        return getattr(self._optimizer, self._known(name))

    def __setitem__(self, name: str, value: Any) -> None:
        if name == "params":
            raise TypeError("param_groups: an optimizer keeps its parameters; make another one.")
        setattr(self._optimizer, self._known(name), value)

    def __repr__(self) -> str:
        return repr({name: self[name] for name in self if name != "params"})

    def _known(self, name: str) -> str:
        if name not in list(self):
            raise KeyError(f"param_groups: there is no {name!r}; there are {', '.join(self)}")
        return name


class _Entry:
    """A parameter, what its rule keeps, and the numbers of the step that comes."""

    def __init__(self, parameter: ai.Tensor, slots: list[ai.Tensor]) -> None:
        self.parameter = parameter
        self.array = parameter.data
        self.slots = slots
        self.updates = 0
        self.numbers: list[ai.Tensor] = []

    def follow(self) -> None:
        """Go where the parameter was moved, and take its dtype: its array is another one then."""
        self.array = self.parameter.data
        there, dtype = self.parameter.device, self.parameter.dtype
        for slot in self.slots:
            if slot.device != there or slot.dtype != dtype:
                # Not by `to`, which is a part of a step that is being compiled; this is none.
                slot.data = ai.tensor(slot, dtype=dtype, device=there).data
        self.numbers = []


def _named(optimizer: str, params: Any) -> dict[str, ai.Tensor]:
    """Return the parameters by name, and those without one by number."""
    if isinstance(params, Module):
        raise TypeError(
            f"{optimizer}: the first argument is a model; write {optimizer}(model.parameters(), "
            f"...), or model.named_parameters() to have the state saved under their names."
        )
    if isinstance(params, ai.Tensor):
        raise TypeError(f"{optimizer}: the first argument is one tensor; write it in a list: [w].")
    named: dict[str, ai.Tensor] = {}
    for index, found in enumerate(params):
        name, parameter = str(index), found
        if isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], str):
            name, parameter = found
        _check_parameter(optimizer, name, parameter)
        if name in named or any(parameter is other for other in named.values()):
            raise ValueError(
                f"{optimizer}: the name {name!r} or its parameter comes twice, and would be "
                f"updated twice in each step. Leave one out."
            )
        named[name] = parameter
    if not named:
        raise ValueError(
            f"{optimizer}: there are no parameters to train. In the model, assign nn.Parameter "
            f"tensors, or layers that have some, to self; and pass a generator such as "
            f"model.parameters() only once, for it is then used up."
        )
    return named


def _check_parameter(optimizer: str, name: str, parameter: Any) -> None:
    if isinstance(parameter, dict):
        raise TypeError(
            f"{optimizer}: parameters come in one group, all with the same settings, and this is "
            f"a list of dicts. Make an optimizer for each group, and call step on each."
        )
    if not isinstance(parameter, ai.Tensor):
        raise TypeError(
            f"{optimizer}: expected parameters, or (name, parameter) pairs, and met a "
            f"{type(parameter).__name__}. Pass model.parameters(), or a list of tensors."
        )
    if parameter.is_complex():
        raise TypeError(
            f"{optimizer}: parameter {name} is complex, and steps are of real numbers. Optimize "
            f"its real and its imaginary part, and join them where they are used: re + 1j * im."
        )
    if not parameter.is_floating_point():
        raise TypeError(
            f"{optimizer}: parameter {name} has dtype {parameter.dtype}, and only floating numbers "
            f"have gradients. Leave it out."
        )
    if not parameter.is_leaf:
        raise ValueError(
            f"{optimizer}: parameter {name} was computed from other tensors, so a step cannot "
            f"write into it. Pass the tensors that it was computed from, or its detach()."
        )


def _checked_lr(lr: float, step: int | None = None) -> float:
    lr = float(lr)
    if not 0 <= lr < math.inf:
        where = "" if step is None else f" (from the schedule, at step {step})"
        raise ValueError(
            f"lr: a learning rate is a finite number from 0 up, and this is {lr}{where}."
        )
    return lr


def check_fraction(optimizer: str, name: str, value: float) -> None:
    """Refuse what is not in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(
            f"{optimizer}: {name} must be at least 0 and below 1, and it is {value}; a usual value "
            f"is 0.9."
        )


def check_decay(optimizer: str, value: float) -> None:
    """Refuse a weight decay that is negative or not finite."""
    if not 0 <= value < math.inf:
        raise ValueError(
            f"{optimizer}: weight_decay must be a finite number from 0 up, and it is {value}; "
            f"a usual value is 1e-4."
        )
